//go:build !amd64

package kernel

func nonzeroVectors([]uint64, uint64, uint64) (whole, kept int) { return 0, 0 }

func targetVectors([]uint64, []uint8, []uint32, []uint8, *[5]uint64) int { return 0 }
