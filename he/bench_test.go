package he

import (
	"fmt"
	"testing"
)

// BenchmarkStage measures each stage at 512 dimensions in blocks of 8: 512 entries a
// score ciphertext, all lanes a batch. For benchstat:
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
	probe := s.key.NewProbe(0, blocks)
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
	sums, err := probe.accumulate(weights)
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
	for len(x) < p.Lanes() { // the same again
		x, r = append(x, x[:min(len(x), p.Lanes()-len(x))]...), append(r, r[:min(len(r), p.Lanes()-len(r))]...)
	}
	batch := s.collect(b, 0, x, r)
	answers := batch.answers(b, testSeed(4))
	prefixes := s.owner.EncryptPrefix(0, 0, x)
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
	run("SetBlock", 0, func() error { return s.key.NewProbe(0, 1).SetBlock(0, wire) })
	run("NewWeights", perShare, func() error { p.NewWeights(rows); return nil })
	run("Accumulate", group*perShare, func() error { _, err := probe.accumulate(weights); return err })
	run("Mask", perShare, func() error { sums[0].lend().mask(0, positions); return nil })
	run("OpenShare", perShare, func() error { _, err := s.owner.OpenShare(shares[0], positions); return err })
	// These serve one level or one answer: HitBits of them make a batch.
	run("EncryptPrefix", p.Lanes(), func() error { s.owner.EncryptPrefix(0, 0, x); return nil })
	// EncryptZero is the part of EncryptPrefix that does not depend on the values.
	run("EncryptZero", p.Lanes(), func() error {
		r := p.widest().r
		lent := r.borrow()
		defer r.giveBack(lent)
		r.encryptZero(r.uniform(*lent, s.owner.public, labelPrefixA, 0, 0), s.owner.minusLane, NewStream(s.owner.seed, labelPrefixError, 0, 0))
		return nil
	})
	run("SetPrefix", p.Lanes(), func() error {
		fresh, err := s.key.NewBatch(0, r)
		if err != nil {
			return err
		}
		return fresh.SetPrefix(0, prefixes)
	})
	run("Answer", p.Lanes(), func() error { batch.Answer(0); return nil })
	run("OpenVerdict", p.Lanes(), func() error { return s.owner.OpenVerdict(answers[0], make([]bool, p.Lanes())) })
	for _, ring := range []*ring{p.score, p.widest().r} {
		transformed := make([]uint64, ring.n)
		run(fmt.Sprint("Transform ", ring.n), 0, func() error { ring.q[0].NTT(transformed); return nil })
	}
}

// lend copies a sum to memory that Mask gives back, as Accumulate does.
func (s Sum) lend() Sum {
	r := s.key.p.score
	copied := Sum{s.key, r.borrow(), r.borrow()}
	for l := range r.q {
		copy((*copied.a)[l], (*s.a)[l])
		copy((*copied.b)[l], (*s.b)[l])
	}
	return copied
}

func (s Sum) mask(index uint32, positions []int) []byte {
	return s.Mask(index, positions, 0, testSeed(3))
}
