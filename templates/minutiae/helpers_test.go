package minutiae

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared is a folder of further sample data which is not part of the source.
const shared = "../../../shared/data"

// sample reads a file of the sample data in the source.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sharedFiles reads the further sample data that match a pattern, or skips the
// test where they are not there.
func sharedFiles(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(shared, pattern))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Skipf("sample data %s are not on this machine", pattern)
	}
	files := map[string][]byte{}
	for _, name := range names {
		if files[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// samples are the records in the source that can be read, and texts of the
// other format made from one of them.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, pattern := range []string{"fingerprintio/*.dat", "nist-libbiomeval/fmr.*", "nist-libbiomeval/*.an2k", "sourceafis/*.dat"} {
		names, err := filepath.Glob(filepath.Join("../../testdata", pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("no sample data %s: %v", pattern, err)
		}
		for _, name := range names {
			all[filepath.Base(name)] = sample(t, filepath.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name)))
		}
	}
	views, err := Decode(all["iso19794p2v2005-sample.dat"], Options{})
	if err != nil {
		t.Fatal(err)
	}
	all["nist.xyt"] = xytText(views[0].Minutiae, NIST, 512, true)
	all["three columns.xyt"] = xytText(views[1].Minutiae, NIST, 512, false)
	all["ansi.xyt"] = xytText(views[1].Minutiae, ANSI, 512, true)
	return all
}

// declared reads from the data alone how many minutiae each view should have.
// It relies on the record being one that Decode has read.
func declared(data []byte, f Format) (counts []int) {
	be := binary.BigEndian
	n, at, head := 0, 0, 3
	switch f {
	case XYT:
		lines := 0
		for _, line := range strings.Split(string(data), "\n") {
			if strings.Trim(line, " \t\r") != "" {
				lines++
			}
		}
		return []int{lines}
	case Type9:
		return declaredType9(data)
	case ISO2005:
		n, at = int(data[22]), 24
	case ANSI2004:
		if n, at = int(data[24]), 26; be.Uint16(data[8:]) == 0 {
			n, at = int(data[28]), 30
		}
	case ANSI2009:
		if n, at, head = int(data[19]), 21, 16; n == 0 {
			n, at = int(data[18]), 20
		}
	case ISO2011:
		at = 15
		for range be.Uint16(data[12:]) {
			p := at + 19 + 5*int(data[at+18])
			if data[14] == 1 {
				p += 1 + 3*int(data[p])
			}
			counts = append(counts, int(data[p+12]))
			at += int(be.Uint32(data[at:]))
		}
	}
	for range n {
		counts = append(counts, int(data[at+head]))
		at += head + 1 + 6*int(data[at+head])
		if at+2 <= len(data) {
			at += 2 + int(be.Uint16(data[at:]))
		}
	}
	return counts
}

// checkViews checks that views are as many and as long as the data say, and
// within every bound that the types promise.
func checkViews(t testing.TB, data []byte, views []View) {
	t.Helper()
	f := Detect(data)
	counts := declared(data, f)
	if len(counts) != len(views) {
		t.Fatalf("%v: %d views, the data say %d", f, len(views), len(counts))
	}
	for i, v := range views {
		if len(v.Minutiae) != counts[i] || len(v.Minutiae) > MaxMinutiae {
			t.Fatalf("%v: %d minutiae, the data say %d", f, len(v.Minutiae), counts[i])
		}
		if v.Format != f || v.Finger > 10 || v.Number < 0 || v.Number > 15 || v.Impression > 29 || v.Quality > 100 && v.Quality < 254 {
			t.Fatalf("%v: codes out of bounds: %+v", f, v)
		}
		w, h := v.Width, v.Height
		if f == XYT || f == Type9 && w == 0 {
			if w != 0 || h != 0 {
				t.Fatal("a size where none is known")
			}
			w, h = 1<<14, 1<<14
		}
		if w < 1 || w > 1<<14 || h < 1 || h > 1<<14 || v.ResX < 98 || v.ResX > 1000 || v.ResY < 98 || v.ResY > 1000 {
			t.Fatalf("%v: geometry out of bounds: %+v", f, v)
		}
		for _, m := range v.Minutiae {
			if m.X < 0 || m.X >= w || m.Y < 0 || m.Y >= h || !(m.Angle >= 0 && m.Angle < 2*math.Pi) || m.Kind > 2 || m.Quality > 100 {
				t.Fatalf("%v: minutia out of bounds: %+v of %d x %d", f, m, w, h)
			}
		}
	}
}
