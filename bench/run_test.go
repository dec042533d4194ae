package bench

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestDecisions runs the shapes, shifts and sizes of the product, small enough for every
// day; `make bench-matrix` runs all of them.
func TestDecisions(t *testing.T) {
	iris := func(rows, cols, planes, shifts int) templates.Scheme {
		s, err := templates.NewIrisScheme(templates.Shape{Rows: rows, Cols: cols, Filters: 1, Planes: planes}, shifts)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	vector := func(dims int) templates.Scheme {
		s, err := templates.NewVectorScheme(dims)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		scheme  templates.Scheme
		entries []int
	}{
		{vector(128), []int{1, 4095, 4096, 4097}},
		{vector(512), []int{1, 4095, 4096, 4097}},
		{vector(640), []int{1, 4097}},
		{iris(16, 128, 1, 1), []int{1, 4096, 4097}},
		{iris(16, 128, 1, 15), []int{1, 274}},
		{iris(16, 128, 1, 31), []int{1, 133}},
		{iris(8, 128, 2, 31), []int{133}},
		{iris(16, 200, 4, 31), []int{1, 40}},
		{iris(16, 256, 4, 15), []int{40}},
		{iris(16, 256, 4, 31), []int{1, 40}},
	} {
		for _, n := range c.entries {
			t.Run(fmt.Sprintf("%v/%d", c.scheme, n), func(t *testing.T) {
				r, err := Run(context.Background(), Config{Scheme: c.scheme, Entries: n, Threads: 2, Seed: 1})
				if err != nil {
					t.Fatal(err)
				}
				if r.DecisionMismatches != 0 || r.HitsFound != r.HitsExpected || r.HitsExpected == 0 {
					t.Errorf("%d hits of %d expected, %d mismatches", r.HitsFound, r.HitsExpected, r.DecisionMismatches)
				}
				everythingMeasured(t, reflect.ValueOf(r))
			})
		}
	}
}

// everythingMeasured: a zero in a result would be a figure nobody measured.
func everythingMeasured(t *testing.T, result reflect.Value) {
	t.Helper()
	for i := range result.NumField() {
		if f := result.Type().Field(i); result.Field(i).IsZero() && f.Name != "DecisionMismatches" {
			t.Errorf("%s is zero", f.Name)
		}
	}
}

func TestSessions(t *testing.T) {
	s, err := templates.NewVectorScheme(128)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Sessions(context.Background(), Config{Scheme: s, Entries: 50, Threads: 2, Seed: 1}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if r.Bare <= 0 || r.Signed <= 0 || r.Logged <= 0 || r.Sessions != 3 {
		t.Errorf("%+v", r)
	}
}

func TestProbes(t *testing.T) {
	s, err := templates.NewVectorScheme(128)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Probes(context.Background(), Config{Scheme: s, Entries: 50, Threads: 2, Seed: 1}, 9)
	if err != nil {
		t.Fatal(err)
	}
	if r.DecisionMismatches != 0 || r.HitsExpected < 4 {
		t.Errorf("%d hits expected, %d mismatches", r.HitsExpected, r.DecisionMismatches)
	}
	everythingMeasured(t, reflect.ValueOf(r))
	for _, n := range []int{-1, 0, 1, 1025} {
		if _, err := Probes(context.Background(), Config{Scheme: s, Entries: 50, Threads: 2}, n); err == nil {
			t.Errorf("%d probes are accepted", n)
		}
	}
}

func TestDiffering(t *testing.T) {
	for _, c := range []struct {
		a, b []int
		want int
	}{{nil, nil, 0}, {[]int{1}, nil, 1}, {nil, []int{1, 2}, 2}, {[]int{1, 3}, []int{1, 2, 3}, 1}, {[]int{1, 4}, []int{2, 4, 5}, 3}} {
		if got := Differing(c.a, c.b); got != c.want {
			t.Errorf("Differing(%v, %v) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	s, err := templates.NewVectorScheme(128)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{
		{Scheme: s, Entries: 0, Threads: 1},
		{Scheme: s, Entries: 1 << 30, Threads: 1},
		{Scheme: s, Entries: 1, Threads: 0},
		{Entries: 1, Threads: 1},
	} {
		if _, err := Run(context.Background(), c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Config{Scheme: s, Entries: 100, Threads: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run gives %v", err)
	}
}
