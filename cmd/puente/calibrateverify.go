package main

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"runtime"
	"slices"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/calibration"
)

// maxVerified bounds the pairs of either kind: each may need a session of its own, a
// second or more for the largest iris codes.
const maxVerified = 1000

// verification compares encrypted decisions with those of the plain matcher.
type verification struct {
	Scheme string `json:"scheme"`
	Pairs  int    `json:"pairs_chosen"`
	// Every probe of a chosen pair is compared with every entry of one.
	Probes      int `json:"probes"`
	Entries     int `json:"entries"`
	Decisions   int `json:"decisions"`
	Hits        int `json:"hits"`
	Differences int `json:"differences"`
}

// verdict is an error with exit code 11 if anything differed.
func (v *verification) verdict() error {
	if v == nil || v.Differences == 0 {
		return nil
	}
	return classified{exitDiffers, fmt.Errorf("%d of %d encrypted decisions differ from the plain matcher: please report this", v.Differences, v.Decisions)}
}

// verifyEncrypted runs the k pairs nearest to the threshold and k random ones through
// the real messages of both parties. The threshold is the recommended one, else the
// extrapolated one, else that of the scheme given.
func verifyEncrypted(ctx context.Context, r *calibration.Report, samples []calibration.Sample, k int, seed uint64, bar *progress) (*verification, error) {
	text := r.Given.Scheme
	if rec := r.Recommendation; rec != nil && rec.Threshold != nil {
		text = rec.Threshold.Scheme
		if !rec.Supported && rec.Extrapolated != nil {
			text = rec.Extrapolated.Point.Scheme
		}
	}
	scheme, err := templates.ParseScheme(text)
	if err != nil {
		return nil, err
	}
	list := make([]templates.Template, len(samples))
	for i := range samples {
		list[i] = samples[i].Template
	}
	pairs, err := choosePairs(ctx, scheme, list, k, seed, bar)
	if err != nil {
		return nil, err
	}
	probes, entries := make(map[int]bool), make(map[int]bool)
	for _, p := range pairs {
		probes[p.First], entries[p.Second] = true, true
	}
	v := &verification{Scheme: text, Pairs: len(pairs), Probes: len(probes), Entries: len(entries)}
	var enrolled []templates.Template
	for _, i := range sortedKeys(entries) {
		enrolled = append(enrolled, list[i])
	}
	gallery, err := protocol.NewGallery(ctx, scheme, 1, len(enrolled), 0, runtime.GOMAXPROCS(0), templates.Sequence(enrolled), nil)
	if err != nil {
		return nil, err
	}
	for n, i := range sortedKeys(probes) {
		bar.update("encrypted", n, len(probes))
		if err := v.compare(ctx, gallery, enrolled, list[i]); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// compare asks for one probe, and compares the decisions with those of the plain
// matcher on the entries of the gallery.
func (v *verification) compare(ctx context.Context, gallery *protocol.Gallery, entries []templates.Template, probe templates.Template) error {
	m, err := templates.NewMatcher(gallery.Scheme(), probe)
	if err != nil {
		return err
	}
	hits, err := askEncrypted(ctx, gallery, probe)
	if err != nil {
		return err
	}
	for slot, t := range entries {
		_, encrypted := slices.BinarySearch(hits, slot)
		plain := m.Hit(t)
		v.Decisions++
		if plain {
			v.Hits++
		}
		if plain != encrypted {
			v.Differences++
		}
	}
	return nil
}

// choosePairs gives the nearest and the random pairs, each once.
func choosePairs(ctx context.Context, scheme templates.Scheme, list []templates.Template, k int, seed uint64, bar *progress) ([]calibration.Pair, error) {
	pairs, err := calibration.Nearest(ctx, scheme, list, k, calibration.Options{
		Progress: func(done, total int) { bar.update("nearest", done, total) },
	})
	if err != nil {
		return nil, err
	}
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	for range k {
		i, j := random.IntN(len(list)), random.IntN(len(list)-1)
		if j >= i {
			j++
		}
		pairs = append(pairs, calibration.Pair{First: min(i, j), Second: max(i, j)})
	}
	slices.SortFunc(pairs, calibration.Pair.Compare)
	return slices.Compact(pairs), nil
}

func sortedKeys(set map[int]bool) []int {
	keys := make([]int, 0, len(set))
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// askEncrypted is one query, both parties in turn, with fresh keys; it gives the slots
// that hit, ascending.
func askEncrypted(ctx context.Context, gallery *protocol.Gallery, probe templates.Template) ([]int, error) {
	terms := protocol.Terms{Requester: "requester", Holder: "holder", Watchlist: "calibration", Scheme: gallery.Scheme()}
	var roots [2]he.Seed
	var nonces [2]protocol.Nonce
	for i := range roots {
		_, _ = rand.Read(roots[i][:]) // never fails since Go 1.24
		_, _ = rand.Read(nonces[i][:])
	}
	owner, err := protocol.NewKeyOwner(terms, []templates.Template{probe}, roots[0], nonces[0], nil)
	if err != nil {
		return nil, err
	}
	holder, err := protocol.NewEvaluator(terms, 1, gallery, roots[1], nonces[1], nil)
	if err != nil {
		return nil, err
	}
	// up and down are messages on their way.
	up, err := perform(nil, owner.Start())
	if err != nil {
		return nil, err
	}
	down, err := perform(nil, holder.Start())
	for err == nil && len(up)+len(down) > 0 && ctx.Err() == nil {
		if len(up) > 0 {
			down, err = deliver(holder.Receive, up[0], down)
			up = up[1:]
			continue
		}
		up, err = deliver(owner.Receive, down[0], up)
		down = down[1:]
	}
	switch {
	case err != nil:
		return nil, err
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case !owner.Done() || !holder.Done():
		return nil, fmt.Errorf("an encrypted session ended early: please report this")
	}
	hits := owner.Hits()[0]
	slices.Sort(hits)
	return hits, nil
}

func deliver(receive func([]byte) ([]protocol.Task, error), message []byte, answers [][]byte) ([][]byte, error) {
	tasks, err := receive(message)
	if err != nil {
		return nil, err
	}
	return perform(answers, tasks)
}

func perform(messages [][]byte, tasks []protocol.Task) ([][]byte, error) {
	for _, task := range tasks {
		m, err := task()
		if err != nil {
			return nil, err
		}
		messages = append(messages, m...)
	}
	return messages, nil
}
