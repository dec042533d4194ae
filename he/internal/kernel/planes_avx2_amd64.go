package kernel

import "math"

// The functions below do what fills whole registers of AVX2 and return how much that was.

func pickAVX2(dst, src []uint64, bytes []uint8, want uint8) int {
	whole := len(dst) &^ (lanesAVX2 - 1)
	if whole > 0 {
		word := uint64(want)
		avx2Pick(&dst[0], &src[0], &bytes[0], &word, uint64(whole/lanesAVX2))
	}
	return whole
}

// vectorsAVX2 passes lists that are not there as Planes.vectors does.
func (p *Planes) vectorsAVX2(dst, residues [][]uint64) int {
	whole := len(dst[0]) &^ (lanesAVX2 - 1)
	if whole == 0 {
		return 0
	}
	d := func(i int) *uint64 { return &dst[min(i, len(dst)-1)][0] }
	s := func(i int) *uint64 { return &residues[min(i, len(residues)-1)][0] }
	c := p.constantsAVX2()
	avx2Recombine(d(0), d(1), d(2), s(0), s(1), s(2), &c[0][0], uint64(whole/lanesAVX2))
	return whole
}

// constantsAVX2 are those of NewPlanes as gen/avx2/lanes.go names them.
func (p *Planes) constantsAVX2() (c [16][lanesAVX2]uint64) {
	t := float64(p.words[12])
	bits := []uint64{math.Float64bits(t), math.Float64bits(1 / t), bitsRound, bitsMagic}
	for plane := range 3 {
		for _, v := range p.words[4*plane : 4*plane+3] { // p, p/2 and t/p
			bits = append(bits, math.Float64bits(float64(v)))
		}
	}
	bits = append(bits, p.words[16:19]...)
	for i, v := range bits {
		c[i] = [lanesAVX2]uint64{v, v, v, v}
	}
	return c
}
