package watchlist

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/templates"
)

func TestLifeCycle(t *testing.T) {
	w := newList(t)
	s := w.Meta().Scheme
	gen := check(t, w, nil)
	if gen.Epoch != 1 {
		t.Fatalf("new watchlist at epoch %d, want 1", gen.Epoch)
	}
	all := records(s, "a", 0, 20)
	step := func(next Generation, err error, want []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if next.Epoch != gen.Epoch+1 {
			t.Fatalf("epoch %d after %d", next.Epoch, gen.Epoch)
		}
		if changed, err := w.Changed(gen); err != nil || !changed {
			t.Fatalf("Changed(old) = %v, %v", changed, err)
		}
		if changed, err := w.Changed(next); err != nil || changed {
			t.Fatalf("Changed(new) = %v, %v", changed, err)
		}
		if gen = check(t, w, want); gen != next {
			t.Fatalf("generation %v was announced, %v is on disk", next, gen)
		}
	}
	handles := handlesOf(all)
	next, err := w.Add(all[:3])
	step(next, err, handles[:3])
	next, err = w.Add(all[3:4])
	step(next, err, handles[:4])
	next, err = w.Add(all[4:])
	step(next, err, handles)
	if n := len(segments(t, w)); n != 3 {
		t.Errorf("%d segments for 20 entries, want 3 of at most %d", n, testFull)
	}
	next, err = w.Remove([]string{"a-19", "a-0"})
	step(next, err, handles[1:19])
	next, err = w.Remove(slices.Concat(handles[1:10], handles[11:19]))
	step(next, err, handles[10:11])
	next, err = w.Remove([]string{"a-10"})
	step(next, err, nil)
	next, err = w.Add(all[:1])
	step(next, err, handles[:1])

	// Nothing to do is no change.
	for _, change := range []func() (Generation, error){
		func() (Generation, error) { return w.Add(nil) },
		func() (Generation, error) { return w.Remove(nil) },
		func() (Generation, error) { return gen, w.Sweep() },
	} {
		if same, err := change(); err != nil || same != gen {
			t.Errorf("empty change: %v, %v; want %v", same, err, gen)
		}
	}
	check(t, w, handles[:1])
}

func TestIris(t *testing.T) {
	scheme, err := templates.SchemeByName("iris-2048")
	if err != nil {
		t.Fatal(err)
	}
	w, err := Create(filepath.Join(t.TempDir(), "list"), Meta{"irises", scheme}, testKey)
	if err != nil {
		t.Fatal(err)
	}
	code, mask := bytes.Repeat([]byte{0x5a}, 256), bytes.Repeat([]byte{0xfe}, 256)
	iris, err := templates.NewIris(scheme.Shape, code, mask)
	if err != nil {
		t.Fatal(err)
	}
	mustAdd(t, w, []Record{{"eye", iris}})
	got, _, err := w.Load()
	if err != nil || len(got) != 1 || !templates.Equal(got[0].Template, iris) {
		t.Fatalf("loaded %v, %v", got, err)
	}
}

func TestCreateAndOpenErrors(t *testing.T) {
	w := newList(t)
	meta := w.Meta()
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	create := func(dir string, m Meta) error { _, err := Create(dir, m, testKey); return err }
	open := func(dir string, key [32]byte) error { _, err := Open(dir, key); return err }
	for _, tc := range []struct {
		name string
		err  error
		want error
	}{
		{"create twice", create(w.dir, meta), ErrExists},
		{"create among other files", create(foreign, meta), ErrExists},
		{"create without a parent", create(filepath.Join(foreign, "a", "b"), meta), os.ErrNotExist},
		{"create without a name", create(t.TempDir(), Meta{Scheme: meta.Scheme}), ErrHandle},
		{"create without a scheme", create(t.TempDir(), Meta{Name: "x"}), ErrSchemeMismatch},
		{"open nothing", open(filepath.Join(foreign, "none"), testKey), ErrNotFound},
		{"open an empty directory", open(t.TempDir(), testKey), ErrNotFound},
		{"open with another key", open(w.dir, [32]byte{9}), ErrWrongKey},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, tc.err, tc.want)
		}
	}
	if names := files(t, foreign); len(names) != 1 {
		t.Errorf("failed calls left files in a foreign directory: %q", names)
	}
}

func TestAddAndRemoveRefuse(t *testing.T) {
	w := newList(t)
	s := w.Meta().Scheme
	old := records(s, "old", 0, 10)
	mustAdd(t, w, old)
	gen := check(t, w, handlesOf(old))
	iris2048, err := templates.SchemeByName("iris-2048")
	if err != nil {
		t.Fatal(err)
	}
	iris, err := templates.NewIris(iris2048.Shape, make([]byte, 256), make([]byte, 256))
	if err != nil {
		t.Fatal(err)
	}
	good := records(s, "new", 0, 20)
	add := func(bad Record) func() (Generation, error) {
		return func() (Generation, error) { return w.Add(append(slices.Clone(good), bad)) }
	}
	source := errors.New("input ends here")
	for _, tc := range []struct {
		name   string
		change func() (Generation, error)
		want   error
		text   string
	}{
		{"enrolled handle", add(Record{"old-3", vector(s, "x")}), ErrDuplicate, "old-3"},
		{"handle twice", add(Record{"new-0", vector(s, "x")}), ErrDuplicate, "new-0"},
		{"bad handle", add(Record{"a b", vector(s, "x")}), ErrHandle, "a b"},
		{"other modality", add(Record{"x", iris}), ErrSchemeMismatch, `"x"`},
		{"other size", add(Record{"x", vector(vectorScheme(t, 17), "x")}), ErrSchemeMismatch, `"x"`},
		{"no template", add(Record{"x", nil}), ErrSchemeMismatch, `"x"`},
		{"out of range", add(Record{"x", templates.Vector{Coords: slices.Repeat([]int8{127}, 16), Norm: s.Norm}}), ErrSchemeMismatch, `"x"`},
		{"source fails", func() (Generation, error) {
			return w.AddFrom(func(yield func(Record, error) bool) {
				_ = yield(good[0], nil) && yield(Record{}, source)
			})
		}, source, ""},
		{"unknown handle", func() (Generation, error) { return w.Remove([]string{"old-1", "new-0"}) }, ErrNoSuchHandle, "new-0"},
		{"removed twice", func() (Generation, error) { return w.Remove([]string{"old-1", "old-1"}) }, ErrDuplicate, "old-1"},
	} {
		if _, err := tc.change(); !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.text) {
			t.Errorf("%s: %v, want %v naming %s", tc.name, err, tc.want, tc.text)
		}
		if now := check(t, w, handlesOf(old)); now != gen {
			t.Errorf("%s: the generation changed", tc.name)
		}
	}
}

func TestHandles(t *testing.T) {
	for _, h := range []string{"a", "A-1/b:c", "日本", "é", strings.Repeat("x", 64), "�", `"\`} {
		if err := CheckHandle(h); err != nil {
			t.Errorf("%q: %v", h, err)
		}
	}
	for _, h := range []string{
		"", strings.Repeat("x", 65), strings.Repeat("é", 33), " ", "a b", "a\t", "\n", "a\x00", "\x7f", "\u0085",
		"\u00a0", "\u2003", "\u3000", "\u200b", "a\u202eb", "\ufeff", "\xff", "a\xc3", "\ue000", "\U000e0001",
	} {
		if err := CheckHandle(h); !errors.Is(err, ErrHandle) {
			t.Errorf("%q: %v, want ErrHandle", h, err)
		}
	}
}

func TestLocked(t *testing.T) {
	w := newList(t)
	unlock, err := w.lock()
	if err != nil {
		t.Fatal(err)
	}
	other := reopen(t, w)
	other.wait = 20 * time.Millisecond
	if _, err := other.Add(records(w.Meta().Scheme, "a", 0, 1)); !errors.Is(err, ErrLocked) {
		t.Errorf("Add under a foreign lock: %v, want ErrLocked", err)
	}
	if _, _, err := other.Load(); err != nil {
		t.Errorf("Load under a foreign lock: %v", err)
	}
	unlock()
	mustAdd(t, other, records(w.Meta().Scheme, "a", 0, 1))
}

func TestEachPassesErrorsOn(t *testing.T) {
	w := newList(t)
	mustAdd(t, w, records(w.Meta().Scheme, "a", 0, 20))
	stop := errors.New("stop")
	calls := 0
	_, err := w.Each(func(slot int, r Record) error {
		if slot != calls || r.Handle != fmt.Sprintf("a-%d", slot) {
			t.Errorf("call %d: slot %d, handle %q", calls, slot, r.Handle)
		}
		calls++
		if slot == 11 {
			return stop
		}
		return nil
	})
	if err != stop || calls != 12 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func TestRedacts(t *testing.T) {
	w := newList(t)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "list", w, "lists", []any{w})
	for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%d"} {
		fmt.Fprintf(&log, verb, w)
	}
	for _, secret := range []string{"1 2 3 0", "0x1, 0x2, 0x3", "010203", fmt.Sprint(w.keys.manifest[:4])} {
		if strings.Contains(log.String(), strings.Trim(secret, "[]")) {
			t.Errorf("key bytes in %q", log.String())
		}
	}
}

// TestTwentyThousand fills real segments.
func TestTwentyThousand(t *testing.T) {
	w := newList(t)
	w.full = segmentEntries(w.Meta().Scheme.BinarySize())
	all := records(w.Meta().Scheme, "a", 0, 20000)
	mustAdd(t, w, all)
	if n := len(segments(t, w)); n != 2 {
		t.Errorf("%d segments, want 2", n)
	}
	if _, err := w.Remove(handlesOf(all[5000:5100])); err != nil {
		t.Fatal(err)
	}
	check(t, w, handlesOf(slices.Concat(all[:5000], all[5100:])))
}

func TestSegmentEntries(t *testing.T) {
	largest, err := templates.NewIrisScheme(templates.Shape{Rows: 64, Cols: 1024, Filters: 1, Planes: 1}, 31)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ size, want int }{
		{1, 16384}, {2048, 16384}, {2049, 16376}, {largest.BinarySize(), 2046}, {templates.MaxBinary, 454},
	} {
		if got := segmentEntries(tc.size); got != tc.want {
			t.Errorf("segmentEntries(%d) = %d, want %d", tc.size, got, tc.want)
		}
	}
}

// TestModel runs random changes against a slice.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newList(t)
		w.full = rapid.IntRange(1, 6).Draw(rt, "full")
		s := w.Meta().Scheme
		var model []string
		next, epoch := 0, uint64(1)
		rt.Repeat(map[string]func(*rapid.T){
			"": func(rt *rapid.T) {
				if gen := check(t, w, model); gen.Epoch != epoch {
					rt.Fatalf("epoch %d, want %d", gen.Epoch, epoch)
				}
			},
			"add": func(rt *rapid.T) {
				n := rapid.IntRange(1, 9).Draw(rt, "n")
				r := records(s, "m", next, next+n)
				next += n
				if _, err := w.Add(r); err != nil {
					rt.Fatal(err)
				}
				model = append(model, handlesOf(r)...)
				epoch++
			},
			"remove": func(rt *rapid.T) {
				if len(model) == 0 {
					return
				}
				gone := rapid.SliceOfNDistinct(rapid.SampledFrom(model), 1, min(6, len(model)), rapid.ID[string]).Draw(rt, "gone")
				if _, err := w.Remove(gone); err != nil {
					rt.Fatal(err)
				}
				model = slices.DeleteFunc(slices.Clone(model), func(h string) bool { return slices.Contains(gone, h) })
				epoch++
			},
			"refused": func(rt *rapid.T) {
				if len(model) == 0 {
					return
				}
				h := rapid.SampledFrom(model).Draw(rt, "duplicate")
				if _, err := w.Add(append(records(s, "x", 0, 9), Record{h, vector(s, h)})); !errors.Is(err, ErrDuplicate) {
					rt.Fatalf("duplicate: %v", err)
				}
			},
		})
	})
}
