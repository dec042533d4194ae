package he

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"testing"
)

// golden is one hash over every kind of message of deterministic sessions, in this
// order. Whoever changes a byte of the wire or of a stream changes it, and the protocol
// version with it.
const golden = "9105c06a14c5bf4e1da5c25c7fae7cb6d5ee1c65898d511d948a7b609e7323d7"

// goldenRun computes the messages of a session on any number of goroutines.
func goldenRun(t *testing.T, need Need) (messages [][]byte) {
	p := mustNew(t, need)
	owner := p.NewKeyOwner(testSeed(71))
	const blocks, shares, offset = 3, 2, -1
	messages = make([][]byte, 1+blocks+shares+2*shares)
	inParallel(blocks+1, func(i int) {
		if i == blocks {
			messages[0] = owner.PublicKey()
			return
		}
		block := []int32{int32(i), -3, 7}
		messages[1+i] = owner.EncryptBlock(uint32(i), block)
	})
	key, err := p.ParsePublicKey(messages[0])
	if err != nil {
		t.Fatal(err)
	}
	pr := key.NewProbe(blocks)
	for i := range blocks {
		if err := pr.SetBlock(i, messages[1+i]); err != nil {
			t.Fatal(err)
		}
	}
	p.need.WeightL1 = 1 << 20 // the pinned set is for lighter weights than these
	positions := allPositions(p)[1:1000]
	inParallel(shares, func(i int) {
		rows := make([][]int32, blocks)
		for b := range blocks {
			rows[b] = []int32{1, int32(b), -int32(i), 2}
		}
		w := p.NewWeights(rows)
		sums, err := pr.Accumulate([]*Weights{w})
		if err != nil {
			t.Error(err)
			return
		}
		messages[1+blocks+i] = sums[0].Mask(uint32(i), positions, offset, testSeed(72))
	})
	inParallel(shares, func(i int) {
		x, err := owner.OpenShare(messages[1+blocks+i], positions)
		if err != nil {
			t.Error(err)
			return
		}
		at := 1 + blocks + shares + 2*i
		messages[at] = owner.EncryptPrefixes(uint32(i), x)
		messages[at+1], err = key.Verdict(uint32(i), messages[at], p.Masks(testSeed(72), uint32(i), len(positions)), testSeed(73))
		if err != nil {
			t.Error(err)
		}
	})
	return messages
}

func TestGolden(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, threads := range []int{1, 4} {
		runtime.GOMAXPROCS(threads)
		h := sha256.New()
		for _, name := range []string{"tiny", "vector 512", "iris 2048", "iris 16384"} {
			for i, m := range goldenRun(t, testNeeds[name]) {
				fmt.Fprintf(h, "%s %d %d\n", name, i, len(m))
				h.Write(m)
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != golden {
			t.Errorf("%d threads: %s, pinned %s", threads, got, golden)
		}
	}
}
