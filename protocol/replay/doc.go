// Package replay makes one party's messages of a recorded session again and compares them
// byte for byte with what was recorded.
//
// A party's messages follow from its session seed, its inputs and the messages it
// received. An auditor who is given the first two (package opening; the probes in their order, or
// the watchlist) and has the evidence folder of either party needs to believe nothing else:
//
//	report, err := replay.Requester(ctx, folder, seed, probes, replay.Options{})
//	report, err := replay.Holder(ctx, folder, seed, replay.Watchlist{Scheme: ..., Entries: ...}, replay.Options{})
//	if err := report.Err(); err != nil { ... }   // errors.Is(err, replay.ErrAltered)
//
// The statements in the folder (request, grant, head) must have been verified before:
// this package reads them but holds no keys and checks no signature. The watchlist that is
// given is to be checked against the root in the grant, which is in the report.
//
// # What is told apart
//
// Every recorded message has a record, which says its sender, kind, index, length and
// SHA-256; the head, which both parties signed, chains the records. So there are three
// versions of a message of the replayed party: what is in the file, what its record says,
// and what the replay gives.
//
//	altered    the file differs from the record, which is what the replay gives: the
//	           file was changed afterwards
//	inputs     the record and the replay differ in a message that depends on the
//	           party's inputs: other inputs were used than were given, or it sent
//	           something else
//	departure  the same in a message that depends on no input: the party did not
//	           follow the protocol
//	missing    a message is not in the file
//	unexpected a message is recorded that the replay does not give
//	refused    the other party's message is one at which the protocol ends
//	seed       the seed is not the one that the party committed to
//
// Where the records themselves do not chain to the head, those of the replay are put in
// their place: if they do, the head stands for the replay, and the records were altered.
//
// # When it stops
//
// It reads messages in the order of the protocol, not in that of the file, because what a
// party sends does not depend on how the two directions met in time. A difference in the
// party's own message does not stop it, since no later message depends on it. It stops,
// and says so, at a wrong seed; at inputs that the grant contradicts; and at a message of
// the other party that is missing, altered or refused, without which nothing that follows
// can be made. An opening message in which one byte was altered is repaired by its digest;
// with other damage to a nonce it stops. What was not reached is counted in Unchecked.
//
// A session that was aborted has no head. It is replayed as far as it went.
package replay
