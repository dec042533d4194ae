package he

import "testing"

// BenchmarkStage measures each stage at 512 dimensions in blocks of 8: 512 entries a
// score ciphertext, 4096 a batch. For benchstat:
//
//	go test ./he -run - -bench Stage -count 10
func BenchmarkStage(b *testing.B) {
	p := mustNew(b, testNeeds["vector 512"])
	const blocks, width, perShare, group = 64, 8, 512, 8
	s := newSession(b, p, 1)
	block, row := make([]int32, width), make([]int32, p.n)
	for i := range block {
		block[i] = int32(i - 4)
	}
	for i := range row {
		row[i] = int32(i%7 - 3)
	}
	probe := s.key.NewProbe(blocks)
	for i := range blocks {
		if err := probe.SetBlock(i, s.owner.EncryptBlock(uint32(i), block)); err != nil {
			b.Fatal(err)
		}
	}
	positions := make([]int, perShare)
	for i := range positions {
		positions[i] = i*width + width - 1
	}
	rows := make([][]int32, blocks)
	for i := range rows {
		rows[i] = row
	}
	weights := make([]*Weights, group)
	for g := range weights {
		weights[g] = p.NewWeights(rows)
	}
	p.need.WeightL1 = 1 << 30 // the set is for lighter weights; the time is the same
	sums, err := probe.Accumulate(weights)
	if err != nil {
		b.Fatal(err)
	}
	shares := make([][]byte, group)
	var x, r []uint32
	for g := range sums {
		shares[g] = sums[g].clone().mask(uint32(g), positions)
		v, err := s.owner.OpenShare(shares[g], positions)
		if err != nil {
			b.Fatal(err)
		}
		x, r = append(x, v...), append(r, p.Masks(testSeed(3), uint32(g), perShare)...)
	}
	prefixes := s.owner.EncryptPrefixes(0, x)
	verdict, err := s.key.Verdict(0, prefixes, r, testSeed(4))
	if err != nil {
		b.Fatal(err)
	}
	// run reports microseconds an entry for a stage that serves so many entries.
	run := func(name string, entries int, stage func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := stage(); err != nil {
					b.Fatal(err)
				}
			}
			if entries > 0 {
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(b.N)/float64(entries), "us/entry")
			}
		})
	}
	run("EncryptBlock", 0, func() error { s.owner.EncryptBlock(0, block); return nil })
	wire := s.owner.EncryptBlock(0, block)
	run("SetBlock", 0, func() error { return s.key.NewProbe(1).SetBlock(0, wire) })
	run("NewWeights", perShare, func() error { p.NewWeights(rows); return nil })
	run("Accumulate", group*perShare, func() error { _, err := probe.Accumulate(weights); return err })
	run("Mask", perShare, func() error { sums[0].clone().mask(0, positions); return nil })
	run("OpenShare", perShare, func() error { _, err := s.owner.OpenShare(shares[0], positions); return err })
	run("EncryptPrefixes", p.n, func() error { s.owner.EncryptPrefixes(0, x); return nil })
	run("Verdict", p.n, func() error { _, err := s.key.Verdict(0, prefixes, r, testSeed(4)); return err })
	run("OpenVerdict", p.n, func() error { return s.owner.OpenVerdict(verdict, make([]bool, p.n)) })
	transformed := make([]uint64, p.n)
	run("Transform", 0, func() error { p.q[0].NTT(transformed); return nil })
}

func (s Sum) mask(index uint32, positions []int) []byte {
	return s.Mask(index, positions, 0, testSeed(3))
}
