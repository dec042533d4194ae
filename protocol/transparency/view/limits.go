package view

const (
	// MaxCheckpoint bounds a checkpoint with its signatures, in bytes; one signature line
	// takes about 150.
	MaxCheckpoint = 8 << 10
	// MaxEntry bounds an entry, in bytes: its length has 16 bits in a bundle.
	MaxEntry = 1<<16 - 1
	// tileWidth is the number of hashes in a tile and of entries in a bundle.
	tileWidth = 256
	// tileHeight is the number of tree levels between two levels of tiles.
	tileHeight = 8
	// maxBundle and maxTile bound the files.
	maxBundle = tileWidth * (2 + MaxEntry)
	maxTile   = tileWidth * hashSize
	hashSize  = 32
)
