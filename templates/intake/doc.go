// Package intake brings the files of an agency into templates: files, folders and
// streams in every form that is known, checked one by one, each refusal with its
// reason, and nothing that names a person on the far side.
//
// # Use
//
//	o := intake.Options{Scheme: scheme, Read: scheme.ReadOptions()}
//	for rec, err := range o.Records([]string{"folder", "more.ndjson"}) {
//		if r := new(intake.Refusal); errors.As(err, &r) { ... go on or stop ... }
//		...
//	}
//
// or, all at once, [Options.Enrol] into a watchlist and [Options.Write] into a
// file, each in one transaction: everything that was accepted, or nothing.
//
// # Forms
//
// A file is recognised by its beginning: whatever templates.Reader reads (Puente's
// binary and JSON, open-iris, iris-mpc, JSON vectors, .npy, CSV) and whatever
// minutiae.Decode reads (ISO/IEC 19794-2, ANSI INCITS 378, ANSI/NIST-ITL Type-9,
// .xyt). Raw iris bits have no beginning to be recognised by and are asked for with
// [Options.Bits]: a file holds a code and behind it its mask, both packed
// (templates.SplitBits), or the code alone, packed or as digits, and then the mask
// is in the file beside it whose ending is .mask. A code without a mask is refused;
// that all of its bits are usable is never assumed.
//
// # Identity
//
// A record gets a random handle of 128 bits. Whom it stands for goes into one
// file, the mapping, one JSON object a line, which is written before the watchlist
// changes, never over another file, and never into the watchlist. Labels come
// from the record ("subject") or from the file's name.
//
// The eyes of a person are kept apart: an import into a watchlist is of one eye
// unless Options.MixEyes says otherwise. The impressions of one finger (same
// label, same position) are averaged into one entry; so a label must tell people
// apart and, where the position is unknown as in .xyt, fingers too, unless
// Options.Position finds it. Under a fused scheme the eyes and fingers of one label
// become one entry, with a new handle.
//
// # Quality
//
// [Gate] bounds what may be enrolled or asked about. A template that is equal to
// another one of the import or of the watchlist, byte for byte, is refused as a
// duplicate: a person enrolled twice would be two hits.
//
// # Size
//
// Files are read as streams; memory holds a hash of each template and the lines of the
// mapping. 100 000 irises of 16 384 bits as lines of JSON, 550 MB, took 12 s of one
// processor's time and 220 MB into a watchlist, and 18 to 24 s and 92 MB into a file of
// lines, on a shared 2-core AMD EPYC.
package intake
