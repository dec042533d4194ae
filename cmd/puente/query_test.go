package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/puente-project/puente/protocol"
)

// TestSplit deals probes out evenly, all of them and in their order.
func TestSplit(t *testing.T) {
	for _, c := range []struct {
		probes, most int
		want         []int
	}{
		{1, protocol.MaxProbes, []int{1}},
		{1024, protocol.MaxProbes, []int{1024}},
		{1025, protocol.MaxProbes, []int{512, 513}},
		{3000, protocol.MaxProbes, []int{1000, 1000, 1000}},
		{3, 1, []int{1, 1, 1}},
	} {
		probes := make([]probe, c.probes)
		for i := range probes {
			probes[i].name = fmt.Sprint(i)
		}
		var sizes []int
		next := 0
		for _, session := range split(probes, c.most) {
			sizes = append(sizes, len(session))
			for _, p := range session {
				if p.name != fmt.Sprint(next) {
					t.Fatalf("%d probes: %s stands in place %d", c.probes, p.name, next)
				}
				next++
			}
		}
		if !slices.Equal(sizes, c.want) || next != c.probes {
			t.Errorf("%d probes: sessions of %v, want %v", c.probes, sizes, c.want)
		}
	}
}

// TestHitsAreKept reads hits back, with names that no line could hold.
func TestHitsAreKept(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a.json", "two\nlines \"x\" #3", "c.json"}
	if err := keepOutcome(dir, [][]int{nil, {3, 70}, {3}}, names, nil, ""); err != nil {
		t.Fatal(err)
	}
	got, err := readHits(dir)
	if want := []probeHit{{2, 3, names[1]}, {2, 70, names[1]}, {3, 3, names[2]}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, error %v, want %+v", got, err, want)
	}
	if err := keepOutcome(dir, [][]int{{9}}, names[:1], nil, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := readHits(dir); err != nil || !slices.Equal(got, []probeHit{{number: 1, slot: 9}}) {
		t.Errorf("%+v, error %v, and no name is needed", got, err)
	}
	for _, damaged := range []string{"7\n", "x 3\n", "1 -3\n", "1 3 name\n", "1 3\n\n"} {
		if err := os.WriteFile(filepath.Join(dir, hitsFile), []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := readHits(dir); err == nil {
			t.Errorf("%q is read as %+v", damaged, got)
		}
	}
}
