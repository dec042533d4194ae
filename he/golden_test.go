package he

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"testing"

	"github.com/puente-project/puente/he/internal/kernel"
)

// golden is one hash over every kind of message of deterministic sessions, in this
// order. Whoever changes a byte of the wire or of a stream changes it, and the protocol
// version with it.
const golden = "07a25e9627f0fe4426bb5ec05dfbf53dec3f7a937fec09d2d7f342d6bf0dcba6"

// goldenRun computes the messages of a session on any number of goroutines, with one
// batch of as many comparisons as a share has scores and one of a number of lanes.
func goldenRun(t *testing.T, need Need, lanes int) (messages [][]byte) {
	p := mustNew(t, need)
	owner := p.NewKeyOwner(testSeed(71))
	const blocks, shares, offset = 3, 2, -1
	h := p.HitBits
	messages = make([][]byte, 1+blocks+shares+2*shares*h)
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
	pr := key.NewProbe(0, blocks)
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
		sums, err := pr.accumulate([]*Weights{w})
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
		r := p.Masks(testSeed(72), uint32(i), len(positions))
		for i == 1 && len(x) < lanes {
			x, r = append(x, x[len(x)-len(positions)]), append(r, r[len(r)-len(positions)])
		}
		batch, err := key.NewBatch(uint32(i), r)
		if err != nil {
			t.Error(err)
			return
		}
		at := 1 + blocks + shares + 2*h*i
		inParallel(h, func(level int) {
			messages[at+level] = owner.EncryptPrefix(uint32(i), level, x)
			if err := batch.SetPrefix(level, messages[at+level]); err != nil {
				t.Error(err)
			}
		})
		if err := batch.Close(testSeed(73)); err != nil {
			t.Error(err)
			return
		}
		inParallel(h, func(number int) { messages[at+h+number] = batch.Answer(number) })
	})
	return messages
}

func TestGolden(t *testing.T) {
	t.Log("arithmetic: " + kernel.Name()) // he/internal/kernel/everypath looks for it
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, threads := range []int{1, 4} {
		runtime.GOMAXPROCS(threads)
		h := sha256.New()
		for _, run := range []struct {
			name  string
			lanes int
		}{{"tiny", 3 * LaneDegree}, {"vector 512", LaneDegree + 1}, {"iris 2048", 1}, {"iris 16384", LaneDegree}} {
			for i, m := range goldenRun(t, testNeeds[run.name], run.lanes) {
				fmt.Fprintf(h, "%s %d %d\n", run.name, i, len(m))
				h.Write(m)
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != golden {
			t.Errorf("%d threads: %s, pinned %s", threads, got, golden)
		}
	}
}
