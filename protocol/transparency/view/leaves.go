package view

import (
	"fmt"
	"os"
)

// Leaves reads the hashes of the leaves from to size out of the hash tiles in a log's
// folder, without the entries. They are not verified: the caller compares a root. Errors
// match ErrTile.
func Leaves(dir string, from, size uint64) ([]Hash, error) {
	if from >= size {
		return nil, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTile, err)
	}
	defer root.Close()
	var leaves []Hash
	for at := from - from%tileWidth; at < size; at += tileWidth {
		tile, _, err := files{root}.tile(0, at/tileWidth, int(min(tileWidth, size-at)))
		if err != nil {
			return nil, err
		}
		for i := max(from, at) - at; i < uint64(len(tile))/hashSize; i++ {
			leaves = append(leaves, Hash(tile[i*hashSize:(i+1)*hashSize]))
		}
	}
	return leaves, nil
}
