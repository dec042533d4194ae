package bench

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

// Pass is what one probe costs, both parties together, on average.
type Pass struct {
	// Micros is CPU time in microseconds per entry, summed over threads.
	Micros float64 `json:"us_per_entry"`
	// Wall is milliseconds.
	Wall float64 `json:"ms_wall"`
}

// ProbesResult compares a session of many probes with a session for each of them. Both are
// measured as the matching protocol alone and as agencies run it: signed by both, journals
// on disk, entered in both logs under a checkpoint.
type ProbesResult struct {
	Scheme  string `json:"scheme"`
	Entries int    `json:"entries"`
	Probes  int    `json:"probes"`
	Threads int    `json:"threads"`

	SingleBare     Pass `json:"single_bare"`
	TogetherBare   Pass `json:"together_bare"`
	SingleLogged   Pass `json:"single_logged"`
	TogetherLogged Pass `json:"together_logged"`
	// RatioBare and RatioLogged are CPU time together over single, RatioWall is wall time
	// of the logged ones.
	RatioBare   float64 `json:"ratio_bare"`
	RatioLogged float64 `json:"ratio_logged"`
	RatioWall   float64 `json:"ratio_wall"`

	HitsExpected       int `json:"hits_expected"` // of one pass over all probes
	DecisionMismatches int `json:"decision_mismatches"`
}

// Probes measures a session of so many probes, 2..protocol.MaxProbes, against as many
// sessions of one. The single ones run half before and half after the common session, so
// that a machine that becomes slower or faster does not favour one of them. Some of the
// probes are enrolled. All decisions are compared with the plaintext matcher's.
func Probes(ctx context.Context, c Config, probes int) (ProbesResult, error) {
	if probes < 2 || probes > protocol.MaxProbes {
		return ProbesResult{}, fmt.Errorf("%d probes: allowed are 2 to %d", probes, protocol.MaxProbes)
	}
	c = c.complete()
	s, err := newStage(ctx, c)
	if err != nil {
		return ProbesResult{}, err
	}
	defer s.close()
	defer debug.SetGCPercent(protocol.LimitGarbage(s.gallery.Bytes()))
	r := ProbesResult{Scheme: c.Scheme.String(), Entries: c.Entries, Probes: probes, Threads: c.Threads}

	list := manifest(s.people, c.Entries, probes)
	expected := make([][]int, probes)
	for i, probe := range list {
		m, err := templates.NewMatcher(c.Scheme, probe)
		if err != nil {
			return ProbesResult{}, err
		}
		expected[i] = appendHits(nil, m, s.list)
		r.HitsExpected += len(expected[i])
		c.Progress("plaintext", i, probes)
	}

	done, total := 0, 4*probes
	// pass runs a session with some of the probes and adds what it costs to p.
	pass := func(p *Pass, kind, from, to int) error {
		c.Progress("match", done, total)
		wall, cpu := time.Now(), Clock()
		hits, err := s.session(ctx, list[from:to], kind)
		if err != nil {
			return err
		}
		p.Micros += micros(Clock()-cpu) / float64(probes*c.Entries)
		p.Wall += micros(time.Since(wall)) / 1000 / float64(probes)
		for i := range hits {
			r.DecisionMismatches += Differing(hits[i], expected[from+i])
		}
		done += to - from
		return nil
	}
	if _, err := s.session(ctx, list[:1], logged); err != nil { // meets the cold process
		return ProbesResult{}, err
	}
	for _, k := range []struct {
		kind             int
		single, together *Pass
	}{{bare, &r.SingleBare, &r.TogetherBare}, {logged, &r.SingleLogged, &r.TogetherLogged}} {
		for i := range probes {
			if i == probes/2 {
				if err := pass(k.together, k.kind, 0, probes); err != nil {
					return ProbesResult{}, err
				}
			}
			if err := pass(k.single, k.kind, i, i+1); err != nil {
				return ProbesResult{}, err
			}
		}
	}
	r.RatioBare = r.TogetherBare.Micros / r.SingleBare.Micros
	r.RatioLogged = r.TogetherLogged.Micros / r.SingleLogged.Micros
	r.RatioWall = r.TogetherLogged.Wall / r.SingleLogged.Wall
	return r, nil
}

// manifest is a list of travellers: the first stands at the places that enrol gives it,
// an eighth of the others at one place, and the rest nowhere.
func manifest(people *synthetic.Population, entries, probes int) []templates.Template {
	list := make([]templates.Template, probes)
	for i := range list {
		switch {
		case i == 0:
			list[i] = people.Genuine(0, 0)
		case i%8 == 0:
			list[i] = people.Genuine(i*entries/probes+1, 1)
		default:
			list[i] = people.Stranger(i)
		}
	}
	return list
}
