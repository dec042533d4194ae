// Package evidence makes a session of the matching protocol one that neither side can
// deny or trim. It wraps a role of package protocol and adds four messages:
//
//	request   requester  its signed Request, before the open message
//	grant     holder     its signed Grant, behind the accept message
//	receipt   holder     the record of the last verdict, which is held back, and its
//	                     signature of the Head
//	seal      requester  its signature of the same Head
//
// Only then the last verdict is released. Before anything leaves a machine, the records
// that cover it are on its disk (Journal); before the last verdict leaves, the head with
// both signatures is.
//
//	requester, err := evidence.NewRequester(owner, evidence.Ask{...}, party)
//	stats, err := client.Match(ctx, requester, ...)
//	note := requester.Head()                      // signed by both
//
//	request, err := evidence.ParseRequest(first)  // at the holder, first message
//	evaluator, err := protocol.NewEvaluator(terms, int(request.Probes), ...)
//	holder, err := evidence.NewHolder(evaluator, request, party)
//
// Behind a hit, in a call of its own, the requester claims the reference of a slot:
//
//	claim, err := evidence.NewClaim(head, slot, purpose, basis, caseHash, party)
//	err = claim.Keep(session)                     // before it is sent
//	release, err := evidence.ParseRelease(answer)
//	err = release.Verify(claim, head, party)      // the reference is the slot's
//	err = release.Keep(claim.Dir(session))
//
// The wrapped messages are untouched: the matching protocol does not know that it is
// recorded.
package evidence
