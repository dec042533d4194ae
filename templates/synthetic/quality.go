package synthetic

import (
	"math"
	"math/rand/v2"
	"strconv"
)

// Quality says how well the irises of Genuine and Stranger were captured. The
// distances that the package comment gives are to entries at 16x256x2x2. Values that
// have no name are Controlled.
type Quality uint8

const (
	// Controlled captures hit under every named scheme: the distance to the entry is
	// .15 +- .05, with .25 at most but for the chance of sampling.
	Controlled Quality = iota
	// Good captures are at .154 +- .077; one in a hundred is as far as a stranger.
	Good
	// Average captures are at .238 +- .069.
	Average
	// Hard captures are at .299 +- .079; one in twenty is as far as a stranger.
	Hard
)

// String is the name in lower case.
func (q Quality) String() string {
	switch q {
	case Controlled:
		return "controlled"
	case Good:
		return "good"
	case Average:
		return "average"
	case Hard:
		return "hard"
	}
	return "quality " + strconv.Itoa(int(q))
}

// distribution is what captures of a quality are drawn from.
type distribution struct {
	// mean and deviation are those of the share of bits that differ from the entry,
	// which is bounded by low and high.
	mean, deviation, low, high float64
	// squares is the number of squared normal numbers whose sum, shifted and
	// stretched, is the share: few make a long tail of bad captures. The share is
	// normal where it is 0.
	squares int
	// flips is the most of the share that single bits make; arcs of another eye make
	// the rest.
	flips float64
	// usable has the bounds of the share of usable bits that is aimed at.
	usable span
}

// span is the ends of an interval.
type span struct{ low, high float64 }

// entryUsable is the share of usable bits that is aimed at for entries.
var entryUsable = span{0.52, 0.73}

// distributions by quality. The means are a little above those of the distances, since
// the least of several distances is taken. Where half of all bits differ, nothing is
// left of the eye. Arcs would vary too much in small codes for Controlled.
var distributions = [...]distribution{
	Controlled: {0.15, 0.05, 0.03, 0.25, 0, 1, entryUsable},
	Good:       {0.158, 0.080, 0, 0.5, 3, 0.02, span{0.68, 0.73}},
	Average:    {0.243, 0.068, 0, 0.5, 24, 0.01, span{0.52, 0.62}},
	Hard:       {0.305, 0.077, 0, 0.5, 0, 0, span{0.51, 0.56}},
}

func (q Quality) distribution() distribution {
	if int(q) >= len(distributions) {
		q = Controlled
	}
	return distributions[q]
}

// share draws the share of bits in which a capture differs from the entry.
func (d distribution) share(r *rand.ChaCha8) float64 {
	x := normal(r)
	if d.squares > 0 {
		n := float64(d.squares)
		sum := float64(x * x)
		for range d.squares - 1 {
			x = normal(r)
			sum += float64(x * x)
		}
		x = (sum - n) / math.Sqrt(2*n)
	}
	return min(max(d.mean+float64(d.deviation*x), d.low), d.high)
}
