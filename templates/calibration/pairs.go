package calibration

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/puente-project/puente/templates"
)

// Options are for whatever compares all pairs.
type Options struct {
	// Workers is the number of goroutines; 0 means GOMAXPROCS. Results do not depend
	// on it.
	Workers int
	// Progress, if not nil, is told how many pairs of how many have been compared. It
	// is called from several goroutines.
	Progress func(done, total int)
}

// Pair is two templates by their numbers in the list, First < Second.
type Pair struct{ First, Second int }

// eachPair calls row(i), for every i, of one of several functions that newWorker
// makes; no function runs twice at a time. Row i is for the pairs of i with all
// greater numbers. It stops at the first error.
func (o Options) eachPair(ctx context.Context, n int, newWorker func() func(i int) error) error {
	workers := o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var running sync.WaitGroup
	for range min(workers, max(n-1, 1)) {
		row := newWorker()
		running.Go(func() {
			for i := int(next.Add(1) - 1); i < n-1 && ctx.Err() == nil; i = int(next.Add(1) - 1) {
				if err := row(i); err != nil {
					cancel(err)
					return
				}
				if d := done.Add(int64(n - 1 - i)); o.Progress != nil {
					o.Progress(int(d), n*(n-1)/2)
				}
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// Duplicates compares all pairs of a list with the plain matcher and gives those that
// hit, in order: the same person twice, or two who cannot be told apart under the
// scheme. A hit is the same from either side, since rotations are tried both ways.
// More than MaxDuplicates are an error that wraps ErrTooMany.
func Duplicates(ctx context.Context, s templates.Scheme, list []templates.Template, o Options) ([]Pair, error) {
	if err := checkAll(s, list); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var found []Pair
	err := o.eachPair(ctx, len(list), func() func(int) error {
		return func(i int) error {
			m, err := templates.NewMatcher(s, list[i])
			if err != nil {
				return err
			}
			for j := i + 1; j < len(list); j++ {
				if !m.Hit(list[j]) {
					continue
				}
				mu.Lock()
				found = append(found, Pair{i, j})
				full := len(found) > MaxDuplicates
				mu.Unlock()
				if full {
					return fail(ErrTooMany, "more than %d pairs hit; a stricter threshold is needed to tell people apart", MaxDuplicates)
				}
			}
			return ctx.Err()
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, Pair.Compare)
	return found, nil
}

// checkAll refuses a list with a template that a Matcher would not take as an entry.
func checkAll(s templates.Scheme, list []templates.Template) error {
	if err := s.Validate(); err != nil {
		return err
	}
	for i, t := range list {
		if err := s.Check(t); err != nil {
			return fmt.Errorf("template %d: %w", i+1, err)
		}
	}
	return nil
}

// Compare orders pairs by First, then by Second.
func (p Pair) Compare(q Pair) int {
	return cmp.Or(cmp.Compare(p.First, q.First), cmp.Compare(p.Second, q.Second))
}

// Nearest gives the k pairs of a list whose best scores are nearest to zero, the
// threshold, on either side, in order of that distance. Were an encrypted
// decision to differ from the plain one, it would be likeliest here.
func Nearest(ctx context.Context, s templates.Scheme, list []templates.Template, k int, o Options) ([]Pair, error) {
	if k < 0 || k > MaxNearest {
		return nil, fail(ErrTooMany, "%d nearest pairs; at most %d are given", k, MaxNearest)
	}
	if err := checkAll(s, list); err != nil {
		return nil, err
	}
	type near struct {
		gap int64
		Pair
	}
	order := func(a, b near) int { return cmp.Or(cmp.Compare(a.gap, b.gap), a.Pair.Compare(b.Pair)) }
	var mu sync.Mutex
	var all []near
	err := o.eachPair(ctx, len(list), func() func(int) error {
		scores := make([]int64, s.Shifts)
		return func(i int) error {
			m, err := templates.NewMatcher(s, list[i])
			if err != nil {
				return err
			}
			var row []near
			for j := i + 1; j < len(list); j++ {
				m.Scores(list[j], scores)
				best := slices.Max(scores)
				row = append(row, near{max(best, -best), Pair{i, j}})
			}
			slices.SortFunc(row, order)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, row[:min(k, len(row))]...)
			if len(all) > 4*k {
				slices.SortFunc(all, order)
				all = all[:min(k, len(all))]
			}
			return ctx.Err()
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, order)
	pairs := make([]Pair, min(k, len(all)))
	for i := range pairs {
		pairs[i] = all[i].Pair
	}
	return pairs, nil
}
