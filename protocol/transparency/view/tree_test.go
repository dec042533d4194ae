package view

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// naiveRoot is RFC 6962, section 2.1, as it is written there.
func naiveRoot(leaves []Hash) Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		left, right := naiveRoot(leaves[:k]), naiveRoot(leaves[k:])
		return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
	}
}

func TestTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 700).Draw(t, "size")
		old := rapid.IntRange(0, size).Draw(t, "old")
		index := rapid.IntRange(0, size-1).Draw(t, "index")
		list := entries(rapid.StringN(0, 5, 20).Draw(t, "prefix"), size+3)
		var leaves []Hash
		for _, e := range list {
			leaves = append(leaves, sha256.Sum256(append([]byte{0}, e...)))
		}
		tree := treeOf(list)
		at := func(n int) Checkpoint {
			root := tree.RootAt(uint64(n))
			if root != naiveRoot(leaves[:n]) {
				t.Fatalf("the root at %d is not that of RFC 6962", n)
			}
			return Checkpoint{Origin: "log", Size: uint64(n), Root: root}
		}
		inclusion, err := tree.Inclusion(uint64(index), uint64(size))
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyInclusion(at(size), uint64(index), list[index], inclusion); err != nil {
			t.Fatal(err)
		}
		consistency, err := tree.Consistency(uint64(old), uint64(size))
		if err != nil {
			t.Fatal(err)
		}
		if err := VerifyConsistency(at(old), at(size), consistency); err != nil {
			t.Fatal(err)
		}
		if tree.Leaf(uint64(index)) != leaves[index] {
			t.Fatal("another leaf")
		}

		// Nothing that is altered verifies.
		if len(inclusion) > 0 {
			forged := altered(t, inclusion)
			if err := VerifyInclusion(at(size), uint64(index), list[index], forged); !errors.Is(err, ErrProof) {
				t.Fatalf("a forged inclusion proof: %v", err)
			}
		}
		if err := VerifyInclusion(at(size), uint64(index), append(bytes.Clone(list[index]), 'x'), inclusion); !errors.Is(err, ErrProof) {
			t.Fatalf("inclusion of another entry: %v", err)
		}
		if size > 1 {
			if err := VerifyInclusion(at(size), uint64((index+1)%size), list[index], inclusion); !errors.Is(err, ErrProof) {
				t.Fatalf("inclusion at another index: %v", err)
			}
		}
		if len(consistency) > 0 {
			if err := VerifyConsistency(at(old), at(size), altered(t, consistency)); !errors.Is(err, ErrFork) && !errors.Is(err, ErrProof) {
				t.Fatalf("a forged consistency proof: %v", err)
			}
		}
		other := at(old)
		other.Root[3] ^= 1
		if err := VerifyConsistency(other, at(size), consistency); old > 0 && !errors.Is(err, ErrFork) {
			t.Fatalf("consistency with another root: %v", err)
		}
		if err := VerifyConsistency(at(size), at(old), nil); old < size && !errors.Is(err, ErrRollback) {
			t.Fatalf("consistency with a later tree: %v", err)
		}
	})
}

// altered changes a proof: a bit, a hash less, a hash more or a shorter hash.
func altered(t *rapid.T, proof [][]byte) [][]byte {
	forged := make([][]byte, len(proof))
	for i, h := range proof {
		forged[i] = bytes.Clone(h)
	}
	i := rapid.IntRange(0, len(proof)-1).Draw(t, "which")
	switch rapid.IntRange(0, 3).Draw(t, "how") {
	case 0:
		forged[i][rapid.IntRange(0, hashSize-1).Draw(t, "byte")] ^= 1
	case 1:
		forged = slices.Delete(forged, i, i+1)
	case 2:
		forged = slices.Insert(forged, i, make([]byte, hashSize))
	case 3:
		forged[i] = forged[i][1:]
	}
	return forged
}

func TestTreeRefuses(t *testing.T) {
	tree := treeOf(entries("e", 5))
	if _, err := tree.Inclusion(5, 5); err == nil {
		t.Error("inclusion of leaf 5 of 5")
	}
	if _, err := tree.Inclusion(0, 6); err == nil {
		t.Error("inclusion in 6 of 5 leaves")
	}
	if _, err := tree.Consistency(3, 6); err == nil {
		t.Error("consistency with 6 of 5 leaves")
	}
	if _, err := tree.Consistency(4, 3); err == nil {
		t.Error("consistency from 4 to 3")
	}
	long := make([][]byte, 1000)
	for i := range long {
		long[i] = make([]byte, hashSize)
	}
	if err := VerifyInclusion(Checkpoint{Size: 5}, 0, nil, long); !errors.Is(err, ErrProof) {
		t.Errorf("a proof of 1000 hashes: %v", err)
	}
	if err := VerifyInclusion(Checkpoint{Size: 5}, 9, nil, nil); !errors.Is(err, ErrProof) {
		t.Errorf("a proof beyond the log: %v", err)
	}
}
