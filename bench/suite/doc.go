// Package suite measures what docs/BENCHMARKS.md tells: the product against the
// plaintext matcher and against CKKS baselines, and how its cost grows.
//
//	report, err := suite.Run(ctx, suite.Options{Log: os.Stderr})
//	data, err := report.Encode()
//
// All contenders run in one process. Their rounds are taken in turn, so that what
// happens to the machine happens to all of them, and ratios are formed within a round.
// Times are CPU time of the process (threads added up) unless a name says wall. Given are
// the median and the quartiles of the rounds.
package suite
