//go:build !amd64

package kernel

type layoutTables struct{}

func (*Layout) makeTables() layoutTables { return layoutTables{} }

func (*Layout) packVectors([]byte, []uint64, []uint64) (int, int) { return 0, 0 }

func (*Layout) unpackVectors([]byte, []uint64, []uint64) (int, int) { return 0, 0 }

func residuesVectors([]uint64, uint64, uint64) int { return 0 }

func widenVectors([]uint64, []uint32, uint) int { return 0 }

func joinVectors([]uint64, []uint64, uint64, uint) int { return 0 }
