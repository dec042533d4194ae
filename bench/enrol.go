package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

// plants returns the slots where the probe's person is enrolled: first, last and one in
// the middle.
func plants(entries int) []int {
	list := []int{0, entries / 2, entries - 1}
	slices.Sort(list)
	return slices.Compact(list)
}

// enrol makes the watchlist.
func enrol(ctx context.Context, c Config, people *synthetic.Population) ([]templates.Template, error) {
	list := make([]templates.Template, c.Entries)
	for slot := range list {
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
		list[slot] = Entry(people, c.Entries, slot)
		if slot%256 == 0 {
			c.Progress("enrol", slot, c.Entries)
		}
	}
	return list, nil
}

// Entry is what stands at a slot of a watchlist of so many entries: at a few places a
// capture of person 0, who is asked about. The others are different people.
func Entry(people *synthetic.Population, entries, slot int) templates.Template {
	at, planted := slices.BinarySearch(plants(entries), slot)
	switch {
	case slot == 0:
		return people.Entry(0) // the reference capture, which always hits
	case planted:
		// Enrolment is upright, so that the probe's rotation is the only one.
		upright := *people
		upright.MaxRoll = 0
		return upright.Genuine(0, at+1)
	default:
		return people.Entry(slot + 1)
	}
}

// matchPlain runs the plaintext matcher over the watchlist, at least five times and
// 20 ms, and returns the slots that hit and the median CPU time of a pass.
func matchPlain(c Config, probe templates.Template, list []templates.Template) (hits []int, pass time.Duration, err error) {
	m, err := templates.NewMatcher(c.Scheme, probe)
	if err != nil {
		return nil, 0, err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var passes []time.Duration
	for total := time.Duration(0); total < 20*time.Millisecond || len(passes) < 5; {
		start := cpuTime(unix.CLOCK_THREAD_CPUTIME_ID)
		hits = appendHits(hits[:0], m, list)
		passes = append(passes, cpuTime(unix.CLOCK_THREAD_CPUTIME_ID)-start)
		total += passes[len(passes)-1]
	}
	slices.Sort(passes)
	return hits, passes[len(passes)/2], nil
}

// appendHits appends the slots that hit.
func appendHits(hits []int, m *templates.Matcher, list []templates.Template) []int {
	for slot, t := range list {
		if m.Hit(t) {
			hits = append(hits, slot)
		}
	}
	return hits
}

// nearCosine is about how far from the threshold approach puts entries at most, as a cosine.
const nearCosine = 0.01

// approach replaces c.Near entries, evenly spread, by vectors at cosines to the probe that
// go from just below the threshold to just above it.
func approach(c Config, probe templates.Template, list []templates.Template) error {
	if c.Near == 0 {
		return nil
	}
	p, random := probe.(templates.Vector).Coords, rand.New(rand.NewPCG(c.Seed, uint64(c.Scheme.Dims)))
	squares := 0.0
	for _, x := range p {
		squares += float64(x) * float64(x)
	}
	kept := plants(c.Entries)
	for i := range c.Near {
		slot := i * c.Entries / c.Near
		if slices.Contains(kept, slot) {
			continue
		}
		cos := c.Scheme.Threshold() + nearCosine*(2*float64(i)+1-float64(c.Near))/float64(c.Near)
		// A random vector without its part along the probe.
		v, along, length := make([]float64, len(p)), 0.0, 0.0
		for j := range v {
			v[j] = random.NormFloat64()
			along += v[j] * float64(p[j])
		}
		for j := range v {
			v[j] -= along / squares * float64(p[j])
			length += v[j] * v[j]
		}
		for j := range v {
			v[j] = cos*float64(p[j])/math.Sqrt(squares) + math.Sqrt(1-cos*cos)*v[j]/math.Sqrt(length)
		}
		t, err := templates.Quantise(v, c.Scheme.Norm)
		if err != nil {
			return err
		}
		list[slot] = t
	}
	return nil
}
