package calibration

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"

	"github.com/puente-project/puente/templates"
)

// Distribution holds the counts of genuine and impostor pairs by threshold.
type Distribution struct {
	axis   *axis
	people *people

	hits     [2][]int64 // by class: pairs that hit at threshold i, for every i
	plot     [2][plotBins]int64
	genuine  []genuinePair  // all, by bin
	closest  []impostorPair // the closest ones, by bin
	covered  int            // closest has all impostor pairs of lower bins
	impostor moments        // at one rotation
}

// The classes of pairs.
const (
	genuine = iota
	impostor
)

type genuinePair struct{ bin, person int32 }

type impostorPair struct{ bin, first, second int32 } // first and second are persons

// moments of impostor pairs at one rotation.
type moments struct {
	n                 float64
	sum, square, lost float64 // of first-offset, its square, and lost
}

func (m *moments) add(o moments) {
	m.n += o.n
	m.sum += o.sum
	m.square += o.square
	m.lost += o.lost
}

// Measure compares all pairs of samples under a scheme, whose threshold plays no
// part. The result is the same on every machine and for any number of workers.
// Errors wrap ErrSamples or ErrTooMany, or say which template does not fit.
func Measure(ctx context.Context, s templates.Scheme, samples []Sample, o Options) (*Distribution, error) {
	p, err := census(s, samples)
	if err != nil {
		return nil, err
	}
	list := make([]templates.Template, len(samples))
	for i := range samples {
		list[i] = samples[i].Template
	}
	d := &Distribution{axis: newAxis(s), people: p, covered: math.MaxInt}
	comparers := newComparers(d.axis, list)
	rows := make([]moments, len(list)) // added up in order at the end: floating point
	var mu sync.Mutex
	var parts []*part
	err = o.eachPair(ctx, len(list), func() func(int) error {
		w := &part{d: d, compare: comparers()}
		w.bins[genuine], w.bins[impostor] = make([]int64, d.axis.n+1), make([]int64, d.axis.n+1)
		w.limit = int32(d.axis.n)
		mu.Lock()
		defer mu.Unlock()
		parts = append(parts, w)
		return func(i int) error { return w.row(ctx, i, &rows[i]) }
	})
	if err != nil {
		return nil, err
	}
	d.merge(parts)
	for _, r := range rows {
		d.impostor.add(r)
	}
	return d, nil
}

// part is what one goroutine has counted.
type part struct {
	d       *Distribution
	compare comparer
	bins    [2][]int64
	plot    [2][plotBins]int64
	genuine []genuinePair
	closest []impostorPair
	limit   int32 // pairs of this bin or a looser one are not among the closest
}

func (w *part) row(ctx context.Context, i int, m *moments) error {
	if err := w.compare.probe(i); err != nil {
		return err
	}
	people := w.d.people
	offset := w.d.axis.centre()
	for j := i + 1; j < len(people.person); j++ {
		if j%64 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		class := impostor
		if people.person[i] == people.person[j] {
			if people.part[i] != people.part[j] {
				continue
			}
			class = genuine
		}
		r := w.compare.compare(j)
		w.bins[class][r.bin]++
		w.plot[class][w.d.axis.plotBin(r.value)]++
		if class == genuine {
			w.genuine = append(w.genuine, genuinePair{r.bin, people.person[i]})
			continue
		}
		if r.bin < w.limit {
			w.keep(impostorPair{r.bin, people.person[i], people.person[j]})
		}
		if !math.IsNaN(r.first) {
			x := r.first - offset
			m.n++
			m.sum += x
			m.square += x * x
			if !math.IsNaN(r.lost) {
				m.lost += r.lost
			}
		}
	}
	return nil
}

// keep adds to the closest pairs. A bin that does not fit as a whole is left out, and
// so are looser ones from then on; all parts together then have all pairs of every
// bin below the least limit.
func (w *part) keep(p impostorPair) {
	w.closest = append(w.closest, p)
	if len(w.closest) >= 2*maxClosest {
		w.closest, w.limit = trim(w.closest, w.limit)
	}
}

func trim(list []impostorPair, limit int32) ([]impostorPair, int32) {
	slices.SortFunc(list, byBin)
	if len(list) <= maxClosest {
		return list, limit
	}
	limit = list[maxClosest].bin
	n, _ := slices.BinarySearchFunc(list, limit, func(p impostorPair, bin int32) int { return cmp.Compare(p.bin, bin) })
	return list[:n], limit
}

// byBin orders by all fields, so that the result is the same however the work was
// divided.
func byBin(p, q impostorPair) int {
	return cmp.Or(cmp.Compare(p.bin, q.bin), cmp.Compare(p.first, q.first), cmp.Compare(p.second, q.second))
}

func (d *Distribution) merge(parts []*part) {
	n := d.axis.n
	limit := int32(n)
	for class := range d.hits {
		d.hits[class] = make([]int64, n)
	}
	for _, w := range parts {
		for class, bins := range w.bins {
			for i, c := range bins[:n] {
				d.hits[class][i] += c
			}
			for i, c := range w.plot[class] {
				d.plot[class][i] += c
			}
		}
		d.genuine = append(d.genuine, w.genuine...)
		d.closest = append(d.closest, w.closest...)
		limit = min(limit, w.limit)
	}
	for _, hits := range d.hits {
		for i := 1; i < n; i++ {
			hits[i] += hits[i-1]
		}
	}
	slices.SortFunc(d.genuine, func(p, q genuinePair) int {
		return cmp.Or(cmp.Compare(p.bin, q.bin), cmp.Compare(p.person, q.person))
	})
	d.closest = slices.DeleteFunc(d.closest, func(p impostorPair) bool { return p.bin >= limit })
	d.closest, limit = trim(d.closest, limit)
	d.covered = int(limit)
}

// centre is subtracted before squares are added up, for precision.
func (x *axis) centre() float64 {
	if x.fractions != nil {
		return 0.5
	}
	return 0
}

// Mean and deviation of impostor pairs at one rotation: of hd/o for an iris, of the
// similarity otherwise.
func (d *Distribution) spread() (mean, deviation float64) {
	m := d.impostor
	if m.n < 2 {
		return math.NaN(), math.NaN()
	}
	x := m.sum / m.n
	return x + d.axis.centre(), math.Sqrt(max(0, (m.square-m.n*x*x)/(m.n-1)))
}
