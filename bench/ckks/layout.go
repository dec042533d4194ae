package ckks

import (
	"fmt"
	"math/bits"
)

// Layout says how a gallery lies in the slots.
type Layout uint8

// The layouts of the package comment.
const (
	ByDimension Layout = iota
	Diagonal
)

// String is the name in lower case.
func (l Layout) String() string {
	switch l {
	case ByDimension:
		return "by dimension"
	case Diagonal:
		return "diagonal"
	}
	return fmt.Sprintf("layout %d", uint8(l))
}

// baby returns the number of baby steps, a power of two near the root of the dimensions.
func baby(dims int) int { return 1 << (bits.Len(uint(dims)) / 2) }

// rotations returns by how much is rotated: the probe by baby steps, sums by giant ones.
func (l Layout) rotations(dims int) (small, giant []int) {
	if l == ByDimension {
		return nil, nil
	}
	for k := 1; k < baby(dims); k++ {
		small = append(small, k)
	}
	for g := baby(dims); g < dims; g += baby(dims) {
		giant = append(giant, g)
	}
	return small, giant
}

// row writes row i of the gallery to dst, which has Slots values: coordinate i, or
// diagonal i rotated against its giant step. Slot j of diagonal i is coordinate
// (i+j) mod dims of entry j.
func (l Layout) row(gallery [][]int8, dims, i int, scale float64, dst []float64) {
	clear(dst)
	giant := i / baby(dims) * baby(dims)
	for j, entry := range gallery {
		if l == ByDimension {
			dst[j] = scale * float64(entry[i])
		} else {
			dst[(j+giant)%Slots] = scale * float64(entry[(i+j)%dims])
		}
	}
}
