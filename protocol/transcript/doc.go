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
// A statement is canonical: a first line that says what it is, then one "name value"
// line for each field in a fixed order. What is accepted re-encodes to the same bytes.
//
// Statements hold no biometric, no score, no probe and no position of a hit. The
// reference of a case is a salted hash (CaseHash): whoever forgets the salt has erased
// the reference.
//
// The package imports neither package he nor any secret, so that an auditor's program
// stays small.
package transcript
