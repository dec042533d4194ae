package view

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
)

func TestOpen(t *testing.T) {
	for _, size := range []int{0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 65536 + 259} {
		want := entries("session", size)
		v := openLog(t, writeLog(t, t.TempDir(), want, logSigner(t)))
		if v.Size() != uint64(size) || v.Root() != treeOf(want).RootAt(uint64(size)) || !slices.EqualFunc(v.Entries(), want, bytes.Equal) {
			t.Fatalf("the view of %d entries is another one", size)
		}
		if c := v.Checkpoint(); c.Size != v.Size() || c.Root != v.Root() || c.Origin != "puente/cl" || len(c.Cosignatures) != 0 {
			t.Errorf("checkpoint %+v", c)
		}
		for i := 0; i < size; i += 1 + size/37 {
			proof, err := v.Inclusion(uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			if err := VerifyInclusion(v.Checkpoint(), uint64(i), want[i], proof); err != nil {
				t.Errorf("inclusion of %d of %d: %v", i, size, err)
			}
		}
		if _, err := v.Inclusion(uint64(size)); err == nil {
			t.Errorf("there is an inclusion proof of entry %d of %d", size, size)
		}
		if err := v.Consistent(v.Raw()); err != nil {
			t.Errorf("a log of %d entries is not consistent with itself: %v", size, err)
		}
	}
}

// TestLarge: the sizes that an audit has to cope with.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 100000 entries")
	}
	list := entries(strings.Repeat("x", 1500), 100_000)
	dir := writeLog(t, t.TempDir(), list, logSigner(t))
	began := time.Now()
	v := openLog(t, dir)
	took := time.Since(began)
	if v.Size() != 100_000 || took > 10*time.Second {
		t.Errorf("%d entries in %v", v.Size(), took)
	}
	t.Logf("100000 entries of 1500 bytes verify in %v", took)
}

// TestDamagedFolder: each way in which a folder can be other than what was signed.
func TestDamagedFolder(t *testing.T) {
	path := filepath.Join
	rewrite := func(name string, change func([]byte) []byte) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			b, err := os.ReadFile(path(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path(dir, name), change(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte { b[(i+len(b))%len(b)] ^= 1; return b }
	}
	remove := func(name string) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			if err := os.RemoveAll(path(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(name string, make func(string) error) func(t *testing.T, dir string) {
		return func(t *testing.T, dir string) {
			remove(name)(t, dir)
			if err := make(path(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cut := func(b []byte) []byte { return b[:len(b)-1] }
	more := func(b []byte) []byte { return append(b, 0, 0) }
	const bundle, lastBundle = "tile/entries/000", "tile/entries/002.p/88"
	const tile, lastTile, topTile = "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"
	for name, c := range map[string]struct {
		damage func(t *testing.T, dir string)
		want   error
	}{
		"flipped byte in an entry":          {rewrite(bundle, flip(5)), ErrRoot},
		"flipped byte in the last entry":    {rewrite(lastBundle, flip(-1)), ErrRoot},
		"flipped length of an entry":        {rewrite(bundle, flip(1)), ErrTile},
		"flipped byte in a hash tile":       {rewrite(tile, flip(100)), ErrRoot},
		"flipped byte in the last tile":     {rewrite(lastTile, flip(-1)), ErrRoot},
		"flipped byte in the top tile":      {rewrite(topTile, flip(33)), ErrRoot},
		"bundle cut short":                  {rewrite(bundle, cut), ErrTile},
		"last bundle cut short":             {rewrite(lastBundle, cut), ErrTile},
		"empty bundle":                      {rewrite(bundle, func([]byte) []byte { return nil }), ErrTile},
		"bundle with more":                  {rewrite(lastBundle, more), ErrTile},
		"hash tile cut short":               {rewrite(tile, cut), ErrTile},
		"hash tile with one hash less":      {rewrite(lastTile, func(b []byte) []byte { return b[32:] }), ErrTile},
		"hash tile with one hash more":      {rewrite(lastTile, func(b []byte) []byte { return append(b, b[:32]...) }), ErrTile},
		"bundle missing":                    {remove(bundle), ErrTile},
		"last bundle missing":               {remove("tile/entries/002.p"), ErrTile},
		"hash tile missing":                 {remove(tile), ErrTile},
		"top tile missing":                  {remove("tile/1"), ErrTile},
		"nothing but the checkpoint":        {remove("tile"), ErrTile},
		"bundle is a folder":                {replace(bundle, func(p string) error { return os.Mkdir(p, 0o700) }), ErrTile},
		"bundle is a pipe":                  {replace(bundle, func(p string) error { return syscall.Mkfifo(p, 0o600) }), ErrTile},
		"bundle is a link to a device":      {replace(bundle, func(p string) error { return os.Symlink("/dev/zero", p) }), ErrTile},
		"bundle of 20 MB":                   {replace(bundle, func(p string) error { return os.WriteFile(p, make([]byte, 20<<20), 0o600) }), ErrTile},
		"entries in another order":          {rewrite(lastBundle, func(b []byte) []byte { n := len(b) / 88; return append(b[n:len(b):len(b)], b[:n]...) }), ErrRoot},
		"checkpoint missing":                {remove("checkpoint"), ErrCheckpoint},
		"checkpoint is a link":              {replace("checkpoint", func(p string) error { return os.Symlink("/etc/passwd", p) }), ErrCheckpoint},
		"checkpoint empty":                  {rewrite("checkpoint", func([]byte) []byte { return nil }), ErrCheckpoint},
		"checkpoint of 1 MB":                {rewrite("checkpoint", func(b []byte) []byte { return append(b, make([]byte, 1<<20)...) }), ErrCheckpoint},
		"checkpoint with another size":      {rewrite("checkpoint", func(b []byte) []byte { return bytes.Replace(b, []byte("\n600\n"), []byte("\n599\n"), 1) }), ErrSignature},
		"checkpoint with another signature": {rewrite("checkpoint", flip(-31)), ErrSignature},
		"checkpoint without signature":      {rewrite("checkpoint", func(b []byte) []byte { return b[:bytes.Index(b, []byte("\n\n"))+2] }), ErrCheckpoint},
		"checkpoint signed by another key": {func(t *testing.T, dir string) {
			other := newTestSigner(t, 9, "puente/cl", LogVerifier)
			if err := os.WriteFile(path(dir, "checkpoint"), checkpoint(t, entries("session", 600), other), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrSignature},
		"checkpoint of a longer log": {func(t *testing.T, dir string) {
			if err := os.WriteFile(path(dir, "checkpoint"), checkpoint(t, entries("session", 601), logSigner(t)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrTile},
		"checkpoint of a log without end": {func(t *testing.T, dir string) {
			raw, err := note.Sign(&note.Note{Text: Checkpoint{Origin: "puente/cl", Size: 1<<63 - 1}.Text()}, logSigner(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path(dir, "checkpoint"), raw, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrTile},
		"checkpoint of other entries": {func(t *testing.T, dir string) {
			if err := os.WriteFile(path(dir, "checkpoint"), checkpoint(t, entries("other", 600), logSigner(t)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrRoot},
		"no folder": {func(t *testing.T, dir string) { remove("")(t, dir) }, ErrCheckpoint},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeLog(t, path(t.TempDir(), "log"), entries("session", 600), logSigner(t))
			openLog(t, dir)
			c.damage(t, dir)
			v, err := Open(dir, logSigner(t), []note.Verifier{witnessSigner(t).Verifier})
			if v != nil || !errors.Is(err, c.want) {
				t.Errorf("Open: %v, want %v", err, c.want)
			}
			for _, other := range []error{ErrCheckpoint, ErrSignature, ErrCosignature, ErrTile, ErrRoot, ErrInconsistent, ErrKey, ErrProof} {
				if other != c.want && errors.Is(err, other) {
					t.Errorf("Open: %v also matches %v", err, other)
				}
			}
		})
	}
}

// TestCopyOfGrowingLog: a copy has tiles from after its checkpoint.
func TestCopyOfGrowingLog(t *testing.T) {
	for _, later := range []int{120, 256, 300} {
		dir := writeLog(t, t.TempDir(), entries("session", later), logSigner(t))
		old := checkpoint(t, entries("session", 100), logSigner(t))
		if err := os.WriteFile(filepath.Join(dir, "checkpoint"), old, 0o600); err != nil {
			t.Fatal(err)
		}
		if v := openLog(t, dir); v.Size() != 100 {
			t.Errorf("%d entries, want 100", v.Size())
		}
		leaves, err := Leaves(dir, 7, 100)
		if err != nil || len(leaves) != 93 || leaves[0] != LeafHash([]byte("session 7")) || leaves[92] != LeafHash([]byte("session 99")) {
			t.Errorf("Leaves: %d, %v", len(leaves), err)
		}
	}
	if _, err := Leaves(t.TempDir(), 0, 1); !errors.Is(err, ErrTile) {
		t.Errorf("Leaves of nothing: %v, want ErrTile", err)
	}
}

// TestConsistent: rollback, fork and split view, as a partner's or an earlier audit's
// checkpoint shows them.
func TestConsistent(t *testing.T) {
	log, witness := logSigner(t), witnessSigner(t)
	v := openLog(t, writeLog(t, t.TempDir(), entries("session", 300), log))
	otherTail := append(entries("session", 200), entries("other", 50)...)
	for name, c := range map[string]struct {
		old  []byte
		want error
	}{
		"the same":            {checkpoint(t, entries("session", 300), log), nil},
		"earlier":             {checkpoint(t, entries("session", 17), log), nil},
		"empty":               {checkpoint(t, nil, log), nil},
		"with a cosignature":  {checkpoint(t, entries("session", 256), log, witness), nil},
		"rolled back":         {checkpoint(t, entries("session", 301), log), ErrRollback},
		"fork of its size":    {checkpoint(t, entries("other", 300), log), ErrFork},
		"fork of the tail":    {checkpoint(t, otherTail, log), ErrFork},
		"split view, witness": {checkpoint(t, otherTail, log, witness), ErrFork},
		"signed by another":   {checkpoint(t, entries("session", 17), newTestSigner(t, 8, "puente/cl", LogVerifier)), ErrSignature},
		"only cosigned":       {checkpoint(t, entries("session", 17), witness), ErrSignature},
		"nothing":             {nil, ErrCheckpoint},
	} {
		if err := v.Consistent(c.old); !errors.Is(err, c.want) || (c.want == nil && err != nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, err := range []error{ErrRollback, ErrFork} {
		if !errors.Is(err, ErrInconsistent) {
			t.Errorf("%v does not match ErrInconsistent", err)
		}
	}
}

func TestCosigned(t *testing.T) {
	log, witness := logSigner(t), witnessSigner(t)
	v := openLog(t, writeLog(t, t.TempDir(), entries("session", 300), log))
	seen := entries("session", 200)
	good := checkpoint(t, seen, log, witness)
	c, err := v.Cosigned(good)
	if err != nil || c.Size != 200 || len(c.Cosignatures) != 1 || c.Cosignatures[0] != (Cosignature{"us", witness.KeyHash(), time.Unix(1_700_000_000, 0).UTC()}) {
		t.Errorf("Cosigned: %+v, %v", c, err)
	}
	late := witness
	late.seconds = 1 << 62
	asLog := newTestSigner(t, 2, "us", LogVerifier) // the witness's key, without a time
	broken := bytes.Clone(good)
	broken[len(broken)-20] ^= 1
	for name, test := range map[string]struct {
		raw  []byte
		want error
	}{
		"no cosignature":              {checkpoint(t, seen, log), ErrCosignature},
		"of another key":              {checkpoint(t, seen, log, newTestSigner(t, 7, "us", WitnessVerifier)), ErrCosignature},
		"of another witness":          {checkpoint(t, seen, log, newTestSigner(t, 2, "nl", WitnessVerifier)), ErrCosignature},
		"plain signature":             {checkpoint(t, seen, log, asLog), ErrCosignature},
		"time past all times":         {checkpoint(t, seen, log, late), ErrCosignature},
		"altered":                     {broken, ErrCosignature},
		"not signed by the log":       {checkpoint(t, seen, witness), ErrSignature},
		"split view":                  {checkpoint(t, entries("other", 200), log, witness), ErrFork},
		"of a log that was longer":    {checkpoint(t, entries("session", 301), log, witness), ErrRollback},
		"moved to another checkpoint": {append(checkpoint(t, entries("session", 201), log), good[bytes.Index(good, []byte("— us")):]...), ErrCosignature},
	} {
		if _, err := v.Cosigned(test.raw); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	// A bad cosignature on the log's own checkpoint is reported when it is opened.
	dir := writeLog(t, t.TempDir(), seen, log)
	if err := os.WriteFile(filepath.Join(dir, "checkpoint"), broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, log, []note.Verifier{witness}); !errors.Is(err, ErrCosignature) {
		t.Errorf("Open: %v, want ErrCosignature", err)
	}
}

// TestDependencies keeps the auditor's program small: what this package may need.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", `{{if not .Standard}}{{.ImportPath}}{{end}}`, ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	want := []string{
		"github.com/puente-project/puente/protocol/transparency/view",
		"github.com/transparency-dev/merkle",
		"github.com/transparency-dev/merkle/compact",
		"github.com/transparency-dev/merkle/proof",
		"github.com/transparency-dev/merkle/rfc6962",
		"github.com/transparency-dev/tessera/api/layout",
		"golang.org/x/mod/sumdb/note",
	}
	got := strings.Fields(string(out))
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the dependencies are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
