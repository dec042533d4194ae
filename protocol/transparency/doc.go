// Package transparency is an agency's own append-only log, and the agency's part as the
// witness of its partner's log.
//
//	signer, verifier, err := transparency.NewSigner(seed, "puente/cl")
//	log, err := transparency.Open(ctx, "cl/log", transparency.Options{
//		Origin: "puente/cl", Signer: signer, Verifier: verifier, Partners: partners,
//	})
//	defer log.Close(ctx)
//	index, err := log.Append(ctx, []byte(entry.Text()))   // on disk and signed
//
// Both sides then exchange what rewriting history will fail on. The side that calls asks
// for a cosignature under its own log, and cosigns the log of the other:
//
//	err = log.Exchange(ctx, "us", client)       // client is a *transport.Client
//	err = witness.Observe(ctx, "us", client)
//
// and the side that is called passes its calls to Witness.Witness, Log.Latest and
// Log.Cosigned.
//
// # The log
//
// Storage is Tessera's POSIX driver: C2SP tlog-tiles in files, which tools of others can
// read and verify. The folder must be on a local file system. One process at a time has
// it open (Open waits for the lock as long as its context allows).
//
// Between Tessera and the signing key stands a check of our own: a checkpoint is signed
// only if the tiles on disk hash to it and it extends both the last one that was signed
// and those that partners have cosigned. A folder restored from an old backup, or a fault
// in the storage, so leads to an error and never to a fork.
//
// # What Append promises
//
// When Append returns an index, the entry is in the tiles and a signed checkpoint that
// covers it is in the file "checkpoint". Each file was written with O_SYNC under another
// name, renamed, and its directory synced, in this order: bundles of entries, hash tiles,
// the tree's state, the checkpoint. Killing the process at any point leaves a log that
// verifies and holds every acknowledged entry; an entry whose Append had not returned is
// in it or not. The next Open publishes what had been stored. As Append gives the index of
// an entry that is there already, the caller just calls it again.
//
// # The witness
//
// A Witness cosigns a partner's checkpoint only if it extends the one it had cosigned
// before, and remembers it on disk before the cosignature leaves (C2SP tlog-witness).
// So a log that has shown two histories needs the help of its partner to hide it.
package transparency
