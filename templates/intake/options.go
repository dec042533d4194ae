package intake

import (
	"fmt"
	"io"
	"iter"
	"os"
	"regexp"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// Options say what is wanted. The zero value reads every self-describing form and
// accepts templates of all kinds and sizes.
type Options struct {
	// Scheme is what templates must fit; the zero Scheme accepts all.
	Scheme templates.Scheme
	// Read are the hints for templates.Reader: shape, mask polarity, norm and
	// centring vector. MaxBytes 0 means MaxBytes of this package.
	Read templates.Options
	// Bits says that the files are raw iris bits of shape Read.Shape, see the
	// package comment.
	Bits bool
	// Dims is the number of coordinates of vectors made of minutiae; 0 means
	// that of the scheme, or minutiae.DefaultDims.
	Dims int
	// XYT is the convention of .xyt files.
	XYT minutiae.Convention
	// Gate bounds the quality.
	Gate Gate
	// Label derives whose record a file holds from the name of the file, without
	// its folder: the first group. nil means the name without its ending, up to
	// the last underscore, for files of one record. A record's own "subject" comes
	// first.
	Label *regexp.Regexp
	// Position finds the position of a finger, 1 to 10, in the name of a file whose
	// records do not say it: the first group. nil leaves it unknown.
	Position *regexp.Regexp
	// Match is a pattern of path/filepath.Match for the names of files found in
	// folders; "" takes all.
	Match string
	// Eye is the eye that iris codes are taken of: records that say the other
	// are refused, those that do not say are taken to be of this one. EyeUnknown
	// believes the records.
	Eye templates.Eye
	// MixEyes admits records of different eyes. Without it, all must be of the eye
	// of the first, and not saying is different from saying. Entries of fused
	// templates, which keep the eyes apart themselves, are not concerned.
	MixEyes bool
	// Apart keeps apart what would be averaged or joined: every impression and every
	// part of a person is a record of its own. Probes and samples to calibrate with
	// are no entries.
	Apart bool
	// Capture, if not nil, is for fused schemes and people who were captured several
	// times: parts are joined for which it gives the same text, whatever their
	// subject, and a part that comes again begins the next capture. An error refuses
	// the part.
	Capture func(Record) (string, error)
	// Repeats admits templates that are equal to another one.
	Repeats bool
	// Stdin is read for the path "-"; nil means os.Stdin.
	Stdin io.Reader
	// Progress is called with the number of records read so far, if not nil. An
	// error of it, as of a context that is done, ends the sequence.
	Progress func(records int) error
}

// Record is a template that is fit to be enrolled.
type Record struct {
	Template templates.Template
	// Handle is the one the record brought with it, as Options.Write gives it, or "".
	Handle string
	// Subject is whose it is, "" if nothing tells. It stays with the holder.
	Subject string
	Eye     templates.Eye
	Finger  minutiae.Finger
	// Loss is what quantising cost, 1 minus a cosine; see templates.Record.
	Loss float64
	// Impressions is the number of impressions of fingers, as minutiae, in it.
	Impressions int
	// Sources has more than one element for averaged impressions and joined parts.
	Sources []Origin
}

// Records yields the records of files, of the files in folders and of "-", stdin,
// in order; fingers, and people of several parts, come last, since their impressions
// and parts may be anywhere. Each record comes with nil or is replaced by an error: a *Refusal concerns this record, or this file, alone, and
// the caller may go on; any other error ends the sequence. That there was no
// record at all is a Refusal of the last path.
func (o Options) Records(paths []string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		in, err := o.begin(nil, yield)
		if err != nil {
			yield(Record{}, err)
			return
		}
		in.run(paths)
	}
}

// begin makes the state of one import, with the templates that are known already.
func (o Options) begin(known *seen, yield func(Record, error) bool) (*intake, error) {
	if known == nil {
		known = newSeen()
	}
	if o.Stdin == nil {
		o.Stdin = os.Stdin
	}
	if o.Read.MaxBytes == 0 {
		o.Read.MaxBytes = MaxBytes
	}
	if o.Bits {
		if err := o.Read.Shape.Validate(); err != nil {
			return nil, fmt.Errorf("raw iris bits need a shape: %w", err)
		}
	}
	return &intake{Options: o, seen: known, people: people{bySubject: map[string]*person{}}, yield: yield}, nil
}
