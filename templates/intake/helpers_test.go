package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// open is a folder with samples that are part of the source.
const samples = "../../testdata"

func mustScheme(t *testing.T, text string) templates.Scheme {
	t.Helper()
	s, err := templates.SchemeByName(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// folder makes a folder of files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// irisOf makes an iris code from a seed, with about three quarters usable.
func irisOf(t testing.TB, seed uint64, shape templates.Shape) *templates.Iris {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 3))
	code, mask := make([]byte, shape.Bits()/8), make([]byte, shape.Bits()/8)
	for i := range code {
		code[i], mask[i] = byte(r.Uint32()), byte(r.Uint32()|r.Uint32())
	}
	iris, err := templates.NewIris(shape, code, mask)
	if err != nil {
		t.Fatal(err)
	}
	return iris
}

var smallShape = templates.Shape{Rows: 16, Cols: 128, Filters: 1, Planes: 1}

const smallScheme = "iris-2048"

// line is a JSON record of an iris, with further members.
func line(t *testing.T, seed uint64, members string) string {
	t.Helper()
	b, err := templates.EncodeJSON(irisOf(t, seed, smallShape))
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:len(b)-1]) + members + "}\n"
}

// collect reads everything, past refusals.
func collect(t *testing.T, o Options, paths ...string) (records []Record, refused []*Refusal) {
	t.Helper()
	for rec, err := range o.Records(paths) {
		var r *Refusal
		switch {
		case err == nil:
			records = append(records, rec)
		case errors.As(err, &r):
			refused = append(refused, r)
		default:
			t.Fatal(err)
		}
	}
	return records, refused
}

// classes lists where refusals are and why, for comparison.
func classes(refused []*Refusal) string {
	var b strings.Builder
	for _, r := range refused {
		fmt.Fprintf(&b, "%s:%d:%s ", filepath.Base(r.File), r.Record, r.Class)
	}
	return strings.TrimSpace(b.String())
}

func newList(t *testing.T, scheme string) *watchlist.Watchlist {
	t.Helper()
	list, err := watchlist.Create(filepath.Join(t.TempDir(), "list"), watchlist.Meta{Name: "list", Scheme: mustScheme(t, scheme)}, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// readMapping reads a mapping file by handle and checks its permissions.
func readMapping(t *testing.T, path string) map[string]Mapping {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the mapping has mode %v", info.Mode())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Mapping{}
	for text := range strings.Lines(string(b)) {
		var m Mapping
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		all[m.Handle] = m
	}
	return all
}
