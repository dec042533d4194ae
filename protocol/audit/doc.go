// Package audit checks afterwards, offline, what two agencies have recorded about their
// sessions. It believes nothing that the agencies hand over but what signatures, hashes
// and the other agency's records confirm:
//
//	keys, err := audit.ParsePublic(file)                // from a trusted channel
//	agreed, err := agreement.Parse(file)                // the policy
//	report := audit.Verify(audit.Input{
//		Parties:    []audit.Party{{Agency: "cl", Dir: "cl"}, {Agency: "us", Dir: "us"}},
//		Public:     []audit.Public{keysOfCL, keysOfUS},
//		Agreements: []agreement.Agreement{agreed},
//		Now:        time.Now(),
//	})
//	report.WriteText(os.Stdout)
//	report.WriteHTML(file)
//
// What is examined of each party is a folder: its log with the entries, the checkpoints
// that it and its partner keep of each other, and a folder of evidence for each session.
// The way of the data, file by file: load.go (a party's folder), logs.go (log against
// checkpoints), history.go (keys, watchlists and agreements over time), pair.go (a session
// as both sides have it), statements.go, records.go, sides.go, claims.go and claimchecks.go (its checks), canary.go, totals.go
// (what takes all sessions: quotas, replays), report.go and the writers.
//
// Every check has a stable name, listed in checks.go; a Finding carries the name, what is
// wrong in a sentence, and where it was found. A check that could not be made is counted
// as such and never as passed.
//
// The package imports neither package he nor any secret nor the network: an auditor's
// program stays small enough to review.
package audit
