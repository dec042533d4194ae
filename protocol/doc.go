// Package protocol is one encrypted watchlist query as two state machines.
//
// The requester is the KeyOwner: it owns the probe and the secret key. The holder
// is the Evaluator: it owns the Gallery. Neither holds a connection, a clock or a
// logger; they turn messages into Tasks and Tasks into messages:
//
//	owner, err := protocol.NewKeyOwner(terms, probe, root, nonce, nil)
//	for _, task := range owner.Start() { send(task()) }
//	tasks, err := owner.Receive(message)   // and so on until owner.Done()
//	slots := owner.Hits()
//
// The way of the data, file by file: open.go (terms, nonces, commitments and the
// session id), keyowner.go (blocks of the probe), evaluator.go (masked shares),
// keyowner.go (prefixes), evaluator.go (verdicts), keyowner.go (hits). SPEC.md
// beside this file gives every byte.
//
// # Determinism
//
// Every random value of a party follows from its root secret, its nonce and the
// messages it has received, so that the same bytes are answered with the same bytes.
// The evaluator's masks depend on the digest of the whole probe and the blinding of a
// batch on the digest of its prefixes: other bytes are answered with independent
// randomness, even by a machine restored from a snapshot. The key owner's keys depend
// on its nonce and the session id, which holds the evaluator's nonce; a nonce serves
// one session.
package protocol
