//go:build !amd64

package kernel

const haveAssembly = false

func accelerate(p *portable, _ uint64) engine { return p }

func accelerateAVX2(p *portable, _ uint64) engine { return p }

func binomialVectors([]int8, []uint64) int { return 0 }
