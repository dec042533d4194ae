package intake

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// BenchmarkEnrol imports irises of 16 384 bits from JSON lines into a watchlist; the
// time is that of one record.
func BenchmarkEnrol(b *testing.B) {
	scheme, err := templates.SchemeByName("iris-16384")
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "irises.ndjson")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		line, err := templates.EncodeJSON(irisOf(b, uint64(i), scheme.Shape))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.Write(append(line, '\n')); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	list, err := watchlist.Create(filepath.Join(b.TempDir(), "w"), watchlist.Meta{Name: "w", Scheme: scheme}, [32]byte{1})
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	report, _, err := Options{}.Enrol(list, []string{path}, Target{Mapping: filepath.Join(b.TempDir(), "m")})
	if err != nil || report.Accepted != b.N {
		b.Fatalf("%d of %d accepted, %v", report.Accepted, b.N, err)
	}
}
