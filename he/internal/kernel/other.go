//go:build !amd64

package kernel

const haveAssembly = false

func accelerate(p *portable, _ uint64) engine { return p }

func accelerateAVX2(p *portable, _ uint64) engine { return p }

func pickVectors([]uint64, []uint64, []uint8, uint8) int { return 0 }

func binomialVectors([]int8, []uint64) int { return 0 }

func (p *Planes) vectors([][]uint64, [][]uint64) int { return 0 }

func pickAVX2([]uint64, []uint64, []uint8, uint8) int { return 0 }

func (p *Planes) vectorsAVX2([][]uint64, [][]uint64) int { return 0 }
