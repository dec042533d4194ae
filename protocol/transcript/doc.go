// Package transcript is what both parties can prove about a session afterwards.
//
// Three statements are signed, each a text that a person can read: the requester's
// Request before anything is asked, the holder's Grant before anything is answered,
// and by both the Head, which names every message by the chain of its Records:
//
//	chain := transcript.Chain(records)
//	head := transcript.Head{Request: ..., Grant: ..., Records: chain, ...}
//	note := transcript.Note{Body: head.Text()}
//	err := note.Sign(ctx, "cl", signer)
//	...
//	head, err := transcript.ParseHead(note.Body)
//	err = note.Verify("us", keys)
//
// Behind a hit come two more: the requester's Claim for one slot and the holder's Release
// of its reference.
//
// A statement is canonical: a first line that says what it is, then one "name value"
// line for each field in a fixed order. What is accepted re-encodes to the same bytes.
//
// Statements hold no biometric, no score, no probe and no position of a hit. The
// reference of a case, a slot and the reference behind it are salted hashes (CaseHash,
// SlotHash, HandleHash): whoever forgets the salt has erased them.
//
// The package imports neither package he nor any secret, so that an auditor's program
// stays small.
package transcript
