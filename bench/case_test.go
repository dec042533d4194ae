package bench

import (
	"context"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
)

func vectorScheme(t testing.TB, dims int) templates.Scheme {
	s, err := templates.NewVectorScheme(dims)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestNear: entries close to the threshold are on both sides of it, and decided exactly.
func TestNear(t *testing.T) {
	s := vectorScheme(t, 128)
	p, err := Prepare(context.Background(), Config{Scheme: s, Entries: 1000, Near: 250, Threads: 1, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	m, err := templates.NewMatcher(s, p.Probe)
	if err != nil {
		t.Fatal(err)
	}
	close, above := 0, 0
	for _, entry := range p.List {
		var score [1]int64
		m.Scores(entry, score[:])
		if 50*max(score[0], -score[0]) < int64(s.Norm*s.Norm) {
			close++
			if score[0] >= 0 {
				above++
			}
		}
	}
	if close < 240 || above < 50 || above > close-50 {
		t.Errorf("%d of 250 are close, %d of them hit", close, above)
	}
	for range 2 {
		r, err := p.Round(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if r.DecisionMismatches != 0 || r.HitsFound != r.HitsExpected || r.HitsExpected < above {
			t.Errorf("%d hits of %d, %d mismatches, %d close", r.HitsFound, r.HitsExpected, r.DecisionMismatches, above)
		}
	}
}

// TestCompact: the compact form decides alike and is smaller.
func TestCompact(t *testing.T) {
	c := Config{Scheme: vectorScheme(t, 64), Entries: 600, Threads: 2, Seed: 1}
	resident, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	c.Compact = true
	compact, err := Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if compact.DecisionMismatches != 0 || compact.HitsFound == 0 || compact.HitsFound != resident.HitsFound {
		t.Errorf("%d hits, %d mismatches; resident %d hits", compact.HitsFound, compact.DecisionMismatches, resident.HitsFound)
	}
	if compact.ResidentPerEntry*4 > resident.ResidentPerEntry {
		t.Errorf("compact %g bytes per entry, resident %g", compact.ResidentPerEntry, resident.ResidentPerEntry)
	}
}

func TestPrepareRefuses(t *testing.T) {
	iris, err := templates.NewIrisScheme(templates.Shape{Rows: 4, Cols: 128, Filters: 1, Planes: 1}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{Scheme: vectorScheme(t, 16), Entries: 10, Near: 11, Threads: 1},
		{Scheme: vectorScheme(t, 16), Entries: 10, Near: -1, Threads: 1},
		{Scheme: iris, Entries: 10, Near: 5, Threads: 1},
	} {
		if _, err := Prepare(context.Background(), c); err == nil || !strings.Contains(err.Error(), "near the threshold") {
			t.Errorf("%d near: %v", c.Near, err)
		}
	}
}

// BenchmarkQuery is for benchstat: whole queries, CPU microseconds an entry by stage.
//
//	go test ./bench -run - -bench Query -count 10
func BenchmarkQuery(b *testing.B) {
	iris, err := templates.NewIrisScheme(templates.Shape{Rows: 16, Cols: 128, Filters: 1, Planes: 1}, 31)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		config Config
	}{
		{"vector-128", Config{Scheme: vectorScheme(b, 128), Entries: 24576}},
		{"vector-512", Config{Scheme: vectorScheme(b, 512), Entries: 24576}},
		{"vector-512-compact", Config{Scheme: vectorScheme(b, 512), Entries: 24576, Compact: true}},
		{"iris-2048", Config{Scheme: iris, Entries: 1024}},
	} {
		c.config.Threads, c.config.Seed = 1, 1
		b.Run(c.name, func(b *testing.B) {
			p, err := Prepare(context.Background(), c.config)
			if err != nil {
				b.Fatal(err)
			}
			var total float64
			var sum Stages
			for b.Loop() {
				r, err := p.Round(context.Background())
				if err != nil || r.DecisionMismatches > 0 {
					b.Fatalf("%d mismatches, %v", r.DecisionMismatches, err)
				}
				total += r.TotalPerEntry
				sum.MultiplyAccumulate += r.PerEntry.MultiplyAccumulate
				sum.Rerandomise += r.PerEntry.Rerandomise
				sum.DecryptShares += r.PerEntry.DecryptShares
				sum.EncryptPrefixes += r.PerEntry.EncryptPrefixes
				sum.Compare += r.PerEntry.Compare
				sum.ReadVerdicts += r.PerEntry.ReadVerdicts
			}
			for stage, us := range map[string]float64{"total": total, "multiply": sum.MultiplyAccumulate, "rerandomise": sum.Rerandomise,
				"decrypt": sum.DecryptShares, "encrypt": sum.EncryptPrefixes, "compare": sum.Compare, "read": sum.ReadVerdicts} {
				b.ReportMetric(us/float64(b.N), stage+"-us/entry")
			}
		})
	}
}
