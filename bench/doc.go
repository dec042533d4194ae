// Package bench runs both parties of a query in one process, through the real
// message bytes, and accounts for time and bytes.
//
//	result, err := bench.Run(ctx, bench.Config{Scheme: scheme, Entries: 4096, Threads: 1, Seed: 1})
//
// CPU time is read from the clock of the operating-system thread that runs a stage
// (CLOCK_THREAD_CPUTIME_ID), so that other load on the machine and other goroutines
// do not count. Every encrypted decision is compared with the plaintext matcher's.
//
// Prepare and Round are the halves of Run. Package suite takes the rounds of several
// contenders in turn, and command report writes docs/BENCHMARKS.md of them; baselines in
// CKKS are in package ckks.
package bench
