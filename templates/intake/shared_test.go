package intake

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSharedRecords: every record in the folder of further sample data, which is not
// part of the source, is read as a whole.
func TestSharedRecords(t *testing.T) {
	const shared = "../../../shared/data"
	if _, err := os.Stat(shared); err != nil {
		t.Skipf("sample data %s are not on this machine", shared)
	}
	want := map[string]int{
		"fingerprintio/*.dat": 10, "sourceafis/*.dat": 3, "sfinge-flx/*.ist": 100, "fvc2000db4b/xyt/*.xyt": 80,
		"nist-libbiomeval/fmr.*": 7, "nist-libbiomeval/*.an2k": 10, "open-iris/orb*.json": 2, "open-iris/*template.json": 2,
	}
	for pattern, n := range want {
		files, err := filepath.Glob(filepath.Join(shared, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		records, refused := collect(t, Options{Apart: true, MixEyes: true, Repeats: true}, files...)
		if len(records) != n || len(refused) != 0 {
			t.Errorf("%s: %d records, want %d; refused %s", pattern, len(records), n, classes(refused))
		}
	}
}
