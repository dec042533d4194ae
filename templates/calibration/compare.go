package calibration

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/puente-project/puente/templates"
)

// outcome is what one comparison gives.
type outcome struct {
	bin   int32
	value float64 // best distance, or similarity as a share of the greatest
	// first is hd/o and lost is m/o without rotation; NaN when no bit is common. Of
	// others than irises first is the similarity.
	first, lost float64
}

// comparer compares one probe after the other with entries. It is used by one
// goroutine.
type comparer interface {
	probe(i int) error
	compare(j int) outcome
}

// newComparers prepares templates that fit the scheme once, and makes a comparer for
// each goroutine.
func newComparers(x *axis, list []templates.Template) func() comparer {
	if x.fractions == nil {
		return func() comparer { return &scorer{axis: x, list: list, scores: make([]int64, x.scheme.Shifts)} }
	}
	entries := make([]packed, len(list))
	for i, t := range list {
		entries[i] = pack(t.(*templates.Iris))
	}
	return func() comparer { return &irises{axis: x, list: list, entries: entries} }
}

// packed is an iris code as words; the order of the bits does not matter.
type packed struct{ code, mask []uint64 }

func pack(t *templates.Iris) packed {
	code, mask := t.Packed()
	return packed{words(code), words(mask)}
}

func words(b []byte) []uint64 {
	w := make([]uint64, (len(b)+7)/8)
	for i := range w {
		var last [8]byte
		copy(last[:], b[8*i:])
		w[i] = binary.LittleEndian.Uint64(last[:])
	}
	return w
}

// irises compares iris codes. A templates.Matcher gives scores under one threshold;
// for all thresholds differing and common bits are needed apart.
type irises struct {
	axis    *axis
	list    []templates.Template
	entries []packed
	turned  []packed
}

func (c *irises) probe(i int) error {
	half := c.axis.scheme.Shifts / 2
	c.turned = c.turned[:0]
	for shift := -half; shift <= half; shift++ {
		c.turned = append(c.turned, pack(c.list[i].(*templates.Iris).Rotate(shift)))
	}
	return nil
}

func (c *irises) compare(j int) outcome {
	best := math.Inf(1)
	r := outcome{first: math.NaN(), lost: math.NaN()}
	g := c.entries[j]
	for s, p := range c.turned {
		hd, common := hamming(p, g)
		switch over := int64(common) - c.axis.overlap; {
		case over > 0:
			best = min(best, float64(hd)/float64(over))
		case over == 0 && hd == 0:
			best = 0 // a score of zero under every threshold
		}
		if s == len(c.turned)/2 && common > 0 {
			r.first = float64(hd) / float64(common)
			r.lost = float64(c.axis.overlap) / float64(common)
		}
	}
	r.bin, r.value = c.axis.distance(best), best
	return r
}

// hamming counts the bits that both have in common and those of them that differ.
func hamming(p, g packed) (hd, common int) {
	n := len(g.code)
	pcode, pmask, gmask := p.code[:n], p.mask[:n], g.mask[:n]
	for i, x := range g.code {
		c := pmask[i] & gmask[i]
		common += bits.OnesCount64(c)
		hd += bits.OnesCount64((pcode[i] ^ x) & c)
	}
	return hd, common
}

// scorer compares templates whose threshold is added to an inner product, with the
// plain matcher.
type scorer struct {
	axis    *axis
	list    []templates.Template
	matcher *templates.Matcher
	scores  []int64
}

func (c *scorer) probe(i int) (err error) {
	c.matcher, err = templates.NewMatcher(c.axis.scheme, c.list[i])
	return err
}

func (c *scorer) compare(j int) outcome {
	c.matcher.Scores(c.list[j], c.scores)
	sum := c.scores[0]
	for _, s := range c.scores {
		sum = max(sum, s)
	}
	sum += c.axis.scheme.Offset()
	v := float64(sum) / float64(c.axis.top)
	return outcome{bin: c.axis.similarity(sum), value: v, first: v, lost: math.NaN()}
}
