package intake

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// TestEnrol: what is accepted is in the watchlist under handles of which the
// mapping, and nothing else, says whom they stand for.
func TestEnrol(t *testing.T) {
	list := newList(t, smallScheme)
	dir := folder(t, map[string]string{"ana_1.json": line(t, 1, ""), "b.ndjson": line(t, 2, `,"subject":"Bob"`) + line(t, 3, `,"eye":"left"`)})
	path := filepath.Join(t.TempDir(), "mapping.ndjson")
	report, generation, err := (Options{MixEyes: true}).Enrol(list, []string{dir}, Target{Mapping: path})
	if err != nil || report.Accepted != 3 || generation.Epoch != 2 || report.Eyes.Left != 1 || report.Eyes.Unknown != 2 {
		t.Fatalf("%+v, %v, %v", report, generation, err)
	}
	records, _, err := list.Load()
	if err != nil {
		t.Fatal(err)
	}
	mapping := readMapping(t, path)
	if len(records) != 3 || len(mapping) != 3 {
		t.Fatalf("%d entries, %d mappings", len(records), len(mapping))
	}
	for i, r := range records {
		m, ok := mapping[r.Handle]
		if !ok || len(r.Handle) != 32 {
			t.Fatalf("handle %q of slot %d is not in the mapping", r.Handle, i)
		}
		want := []Mapping{
			{r.Handle, "ana", "", 0, []Origin{{filepath.Join(dir, "ana_1.json"), 1, 1}}},
			{r.Handle, "Bob", "", 0, []Origin{{filepath.Join(dir, "b.ndjson"), 1, 1}}},
			{r.Handle, "", "left", 0, []Origin{{filepath.Join(dir, "b.ndjson"), 2, 2}}},
		}[i]
		if got, _ := json.Marshal(m); string(got) != mustJSON(t, want) {
			t.Errorf("slot %d is mapped to %s, want %s", i, got, mustJSON(t, want))
		}
		if !templates.Equal(r.Template, irisOf(t, uint64(i+1), smallShape)) {
			t.Errorf("slot %d has another template", i)
		}
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEnrolReduces: under a scheme that compares a part of the code, that part is
// what is enrolled, and the gate and duplicates go by it.
func TestEnrolReduces(t *testing.T) {
	list := newList(t, "iris-8192-rows")
	file := filepath.Join(samples, "open-iris/orb_output_v1.9.2.json")
	report, _, err := Options{}.Enrol(list, []string{file, file}, Target{Accepted: func(Record) {}, KeepGoing: true})
	if err != nil || report.Accepted != 1 || classes(report.Refused) != "orb_output_v1.9.2.json:1:duplicate" {
		t.Fatalf("%+v, %s, %v", report, classes(report.Refused), err)
	}
	records, _, err := list.Load()
	if err != nil {
		t.Fatal(err)
	}
	whole, refused := collect(t, Options{}, file)
	if len(whole) != 1 {
		t.Fatal(refused)
	}
	want, err := whole[0].Template.(*templates.Iris).Reduce(list.Meta().Scheme.Shape)
	if err != nil || len(records) != 1 || !templates.Equal(records[0].Template, want) {
		t.Errorf("%d entries, not the reduced code (%v)", len(records), err)
	}
}

// TestEnrolStopsOrGoesOn: one bad record among good ones.
func TestEnrolStopsOrGoesOn(t *testing.T) {
	in := line(t, 1, "") + "{}\n" + line(t, 1, "") + "[1,2]\n" + line(t, 2, "")
	file := filepath.Join(folder(t, map[string]string{"in.ndjson": in}), "in.ndjson")
	list := newList(t, smallScheme)
	path := filepath.Join(t.TempDir(), "mapping")
	report, generation, err := Options{}.Enrol(list, []string{file}, Target{Mapping: path})
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Record != 2 || classes(report.Refused) != "in.ndjson:2:unreadable" || generation.Epoch > 1 {
		t.Fatalf("stop: %+v, %v, %v", report, generation, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a mapping is left of an import that was stopped")
	}
	report, generation, err = Options{}.Enrol(list, []string{file}, Target{Mapping: path, KeepGoing: true})
	if err != nil || report.Accepted != 2 || generation.Epoch != 2 || classes(report.Refused) != "in.ndjson:2:unreadable in.ndjson:3:duplicate in.ndjson:4:misfit" {
		t.Fatalf("go on: %+v %s, %v, %v", report, classes(report.Refused), generation, err)
	}
	if len(readMapping(t, path)) != 2 {
		t.Error("the mapping has not two lines")
	}
	// Once more: everything is there already, and nothing changes.
	again := path + "2"
	report, generation, err = Options{}.Enrol(list, []string{file}, Target{Mapping: again, KeepGoing: true})
	if err != nil || report.Accepted != 0 || generation.Epoch != 2 || classes(report.Refused) != "in.ndjson:1:duplicate in.ndjson:2:unreadable in.ndjson:3:duplicate in.ndjson:4:misfit in.ndjson:5:duplicate" {
		t.Fatalf("again: %s, %v, %v", classes(report.Refused), generation, err)
	}
	if !strings.Contains(report.Refused[4].Reason, "slot 1") {
		t.Errorf("the duplicate does not say of what: %s", report.Refused[4].Reason)
	}
	if _, err := os.Stat(again); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a mapping is written of nothing")
	}
	// The report says everything as JSON.
	text := mustJSON(t, report)
	for _, part := range []string{`"accepted":0`, `"class":"duplicate"`, `"record":5,"line":5`, `"reason":"duplicate: the same template`, `"cosine_loss":{"vectors":0`} {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in %s", part, text)
		}
	}
}

// TestMappingComesFirst: no entry without its mapping, no mapping written over.
func TestMappingComesFirst(t *testing.T) {
	list := newList(t, smallScheme)
	file := filepath.Join(folder(t, map[string]string{"in.ndjson": line(t, 1, "")}), "in.ndjson")
	taken := filepath.Join(t.TempDir(), "taken")
	if err := os.WriteFile(taken, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"exists": taken, "no folder": taken + "/x/y", "none": "", "folder gone": filepath.Join(t.TempDir(), "no", "m")} {
		report, _, err := Options{}.Enrol(list, []string{file}, Target{Mapping: path})
		if !errors.Is(err, ErrMapping) {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if _, err := (Options{}).Write(taken+".out", []string{file}, Target{Mapping: path}); !errors.Is(err, ErrMapping) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b, err := os.ReadFile(taken); err != nil || string(b) != "key" {
		t.Errorf("the file that was there is changed: %q %v", b, err)
	}
	if _, err := os.Stat(taken + ".out"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file is written without its mapping")
	}
	if s, err := list.Stats(); err != nil || s.Entries != 0 {
		t.Errorf("%d entries are enrolled without their mapping (%v)", s.Entries, err)
	}
	// The watchlist refuses: the mapping goes.
	if _, err := list.Add([]watchlist.Record{{Handle: "here", Template: irisOf(t, 9, smallShape)}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m")
	_, _, err := Options{}.Enrol(list, []string{file}, Target{Mapping: path, Handles: []string{"here"}})
	if !errors.Is(err, watchlist.ErrDuplicate) {
		t.Errorf("a handle in use: %v", err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the mapping of a failed import is left")
	}
}

// TestWatchlistFails: when the entries cannot be written after the mapping was, the
// mapping goes.
func TestWatchlistFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "list")
	list, err := watchlist.Create(dir, watchlist.Meta{Name: "list", Scheme: mustScheme(t, smallScheme)}, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m")
	o := Options{Stdin: strings.NewReader(line(t, 1, ""))}
	_, _, err = o.Enrol(list, []string{Stdin}, Target{Mapping: path, Accepted: func(Record) { os.RemoveAll(dir) }})
	if err == nil {
		t.Fatal("a watchlist without a folder takes entries")
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the mapping of a failed import is left")
	}
}

// TestHandles: as many as accepted records, in order; and those that records bring.
func TestHandles(t *testing.T) {
	list := newList(t, smallScheme)
	file := filepath.Join(folder(t, map[string]string{"in.ndjson": line(t, 1, "") + line(t, 2, "")}), "in.ndjson")
	var got []string
	target := Target{Accepted: func(r Record) { got = append(got, r.Handle) }}
	for _, handles := range [][]string{{}, {"a"}, {"a", "b", "c"}} {
		target.Handles = handles
		_, _, err := Options{}.Enrol(list, []string{file}, target)
		var count HandlesError
		if !errors.As(err, &count) || count != (HandlesError{len(handles), 2}) {
			t.Errorf("%d handles: %v", len(handles), err)
		}
	}
	got = nil
	target.Handles = []string{"b", "a"}
	if _, _, err := (Options{}).Enrol(list, []string{file}, target); err != nil || !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("%v, %v", got, err)
	}
	bring := Options{Stdin: strings.NewReader(line(t, 3, `,"handle":"mine"`) + line(t, 4, `,"handle":"mine"`) + line(t, 5, `,"handle":"b"`) + line(t, 6, `,"handle":"a b"`))}
	got, target.Handles, target.KeepGoing = nil, nil, true
	report, _, err := bring.Enrol(list, []string{Stdin}, target)
	if err != nil || !slices.Equal(got, []string{"mine"}) || classes(report.Refused) != "-:2:duplicate -:3:duplicate -:4:duplicate" {
		t.Errorf("%v, %s, %v", got, classes(report.Refused), err)
	}
}

// TestWrite: a file of templates keeps handles, eyes and fingers, not people.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	in := folder(t, map[string]string{"ana_1.json": sample(t, "open-iris/orb_output_v1.9.2.json"), "bob_1.xyt": xyt(20, 3), "bad.json": "{}"})
	out, path := filepath.Join(dir, "out.ndjson"), filepath.Join(dir, "mapping")
	report, err := (Options{}).Write(out, []string{in}, Target{Mapping: path, KeepGoing: true})
	if err != nil || report.Accepted != 2 || report.Eyes.Right != 1 || report.Impressions != 1 || report.Loss.Vectors != 1 || report.Loss.Max <= 0 || report.Loss.Max != report.Loss.Mean {
		t.Fatalf("%+v, %v", report, err)
	}
	if b, err := os.ReadFile(out); err != nil || strings.Contains(string(b), "ana") || strings.Contains(string(b), "bob") {
		t.Errorf("the file names people (%v)", err)
	}
	mapping := readMapping(t, path)
	records, refused := collect(t, Options{}, out)
	if len(records) != 2 || len(refused) != 0 {
		t.Fatalf("%d records, %v", len(records), refused)
	}
	for _, r := range records {
		m := mapping[r.Handle]
		if m.Subject != map[bool]string{true: "ana", false: "bob"}[r.Eye == templates.EyeRight] {
			t.Errorf("%+v is of %q", r, m.Subject)
		}
	}
	// Nothing accepted: nothing written.
	report, err = (Options{}).Write(out+"2", []string{filepath.Join(in, "bad.json")}, Target{Mapping: path + "2", KeepGoing: true})
	if err != nil || report.Accepted != 0 || len(report.Refused) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%d files are left (%v)", len(left), err)
	}
}

// TestTooManyRefusals: what is of another kind altogether comes to an end.
func TestTooManyRefusals(t *testing.T) {
	var report Report
	for i := range MaxRefusals {
		if err := report.failed(refuse(Origin{}, Unreadable, templates.ErrFormat), true); err != nil {
			t.Fatalf("refusal %d: %v", i, err)
		}
	}
	if err := report.failed(refuse(Origin{}, Unreadable, templates.ErrFormat), true); err == nil {
		t.Error("refusals have no end")
	}
}
