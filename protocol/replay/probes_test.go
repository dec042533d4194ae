package replay

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// TestOtherProbes gives a requester's replay probes of another number, order or content
// than those of the session.
func TestOtherProbes(t *testing.T) {
	r := honest(t, "manifest")
	replayed := func(t *testing.T, probes ...templates.Template) *Report {
		t.Helper()
		report, err := Requester(context.Background(), r.dirs[1], r.seeds[0], probes, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	a, b, c := r.probes[0], r.probes[1], r.probes[2]
	for name, probes := range map[string][]templates.Template{"none": nil, "two": {a, b}, "four": {a, b, c, a}} {
		report := replayed(t, probes...)
		if first := report.First(); !errors.Is(report.Err(), ErrInputs) || report.Probes != 3 || first.Kind != "open" || first.Field != "probes" || first.Offset != 67 ||
			report.Unchecked == 0 || !strings.Contains(report.Detail, "the session has 3 probes") {
			t.Errorf("%s: %+v", name, report)
		}
	}
	report := replayed(t, a, c, b)
	if first := report.First(); !errors.Is(report.Err(), ErrInputs) || report.Stopped != "" || first.Kind != "block" || !strings.Contains(report.Detail, "probe 2 of 3") {
		t.Errorf("exchanged: %+v", report)
	}
	for _, d := range report.Differences {
		if d.Kind != "block" || d.FirstProbe != int(d.Index)/2+1 || d.LastProbe != d.FirstProbe || d.FirstProbe < 2 {
			t.Errorf("exchanged: %+v", d)
		}
	}
}

// TestPlacesOfPairs alters messages of a session of three probes and looks at the probes and
// slots that the report names. A tier is all entries; a share has 4096 of them but for the
// last of a probe, and a batch 24 576 pairs.
func TestPlacesOfPairs(t *testing.T) {
	r := honest(t, "manifest")
	for _, c := range []struct {
		kind                                       uint8
		index                                      uint32
		firstProbe, lastProbe, firstSlot, lastSlot int
	}{
		{transcript.KindShare, 0, 1, 1, 0, 4095},
		{transcript.KindShare, 6, 1, 1, 24576, 24576},
		{transcript.KindShare, 8, 2, 2, 4096, 8191},
		{transcript.KindVerdict, 0, 1, 1, 0, 24575},
		{transcript.KindVerdict, vectorLevels, 1, 2, 0, 24576},          // the last of 1, all but two of 2
		{transcript.KindPrefixes, 3 * vectorLevels, 3, 3, 24574, 24576}, // what is left
		{transcript.KindBlock, 5, 3, 3, -1, -1},
		{transcript.KindKey, 0, 0, 0, -1, -1},
	} {
		dir := spoiled(t, r.dirs[0])
		position := slices.IndexFunc(records(t, dir), func(r transcript.Record) bool { return r.Kind == c.kind && r.Index == c.index })
		flip(t, dir, position, 50)
		report := replayRole(t, r, dir, senderOf(c.kind))
		if d := report.First(); d == nil || report.Different != 1 || d.FirstProbe != c.firstProbe || d.LastProbe != c.lastProbe || d.FirstSlot != c.firstSlot || d.LastSlot != c.lastSlot {
			t.Errorf("%s %d: %+v", transcript.KindName(c.kind), c.index, d)
		}
	}
}

// TestWaves replays both sides of a session in two waves, whole and broken in the second,
// and finds a block of the second that was altered.
func TestWaves(t *testing.T) {
	r := record(t, wavesHow(t))
	if len(r.hits[0]) != 0 || !slices.Equal(r.hits[1], []int{2, 6, 10}) {
		t.Fatalf("hits %v", r.hits)
	}
	for at, dir := range r.dirs {
		for _, role := range roles {
			if report := replayRole(t, r, dir, role); !report.Equal || report.Probes != 2 {
				t.Errorf("%v in folder %d: %+v", role, at, report)
			}
		}
	}
	dir := r.dirs[1]
	position := slices.IndexFunc(records(t, dir), func(r transcript.Record) bool { return r.Kind == transcript.KindBlock && r.Index == 257 })
	at := flip(t, dir, position, 70)
	report := replayRole(t, r, dir, transcript.Requester)
	if first := report.First(); !errors.Is(report.Err(), ErrAltered) || first.Index != 257 || first.Offset != at || first.FirstProbe != 2 {
		t.Errorf("an altered block: %+v", report)
	}
	report = replayRole(t, r, dir, transcript.Holder)
	if !errors.Is(report.Err(), ErrAltered) || report.First().Index != 257 || report.count(transcript.KindShare).Equal != 1 || report.Unchecked == 0 {
		t.Errorf("an altered block, the holder: %+v", report)
	}

	h, seen := wavesHow(t), 0
	h.ends = func(m []byte) bool {
		if protocol.KindOf(m) == protocol.KindBlock {
			seen++
		}
		return seen == 257+7
	}
	r = record(t, h)
	for at, dir := range r.dirs {
		if _, err := os.Stat(filepath.Join(dir, evidence.HeadFile)); err == nil {
			t.Fatal("the session is complete")
		}
		for _, role := range roles {
			if report := replayRole(t, r, dir, role); !report.Equal || report.Unchecked != 0 || report.count(transcript.KindPrefixes).Different != 0 {
				t.Errorf("broken, %v in folder %d: %+v", role, at, report)
			}
		}
	}
}
