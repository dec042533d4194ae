package minutiae

import (
	"errors"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// survive decodes data that may be anything: the outcome is an error of a known
// class without views, or views that are whole and within bounds.
func survive(t testing.TB, data []byte) (ok bool) {
	t.Helper()
	conventions := []Convention{NIST, ANSI}
	if Detect(data) != XYT {
		conventions = conventions[:1]
	}
	for _, c := range conventions {
		views, err := Decode(data, Options{XYT: c})
		if err == nil {
			checkViews(t, data, views)
			ok = true
			continue
		}
		if views != nil || errors.Is(err, ErrFormat) == errors.Is(err, ErrTooLarge) {
			t.Fatalf("%d views and the error %v", len(views), err)
		}
	}
	return ok
}

// hostile gives the records to be damaged: the samples and small ones of all
// forms.
func hostile(t testing.TB) map[string][]byte {
	all := samples(t)
	all["transaction"] = transaction([]part{imageRecord, type9(standardFields...), latentRecord, type9(extendedFields...)})
	for i, f := range forms {
		all["form "+string(rune('a'+i))] = record(f.format, f.layout, same)()
	}
	return all
}

// TestPrefixes: a record that was cut short is an error, except by what tailSlack
// allows and where only zeros follow it; a text can be cut between lines.
func TestPrefixes(t *testing.T) {
	for name, data := range hostile(t) {
		prefixes(t, name, data)
	}
}

func TestPrefixesShared(t *testing.T) {
	for _, pattern := range []string{"sfinge-flx/*.ist", "fvc2000db4b/xyt/*.xyt", "nist-libbiomeval/type9-13.an2k"} {
		for name, data := range sharedFiles(t, pattern) {
			prefixes(t, name, data)
		}
	}
}

func prefixes(t *testing.T, name string, data []byte) {
	t.Helper()
	end := len(data)
	for end > 0 && data[end-1] == 0 {
		end--
	}
	for n := range data {
		ok := survive(t, data[:n:n])
		if Detect(data) == XYT {
			if want := n > 0 && data[n-1] == '\n'; ok != want {
				t.Errorf("%s: the first %d of %d bytes: read %t", name, n, len(data), ok)
			}
		} else if ok && n < end-2*tailSlack {
			t.Errorf("%s: the first %d of %d bytes are read", name, n, len(data))
		}
	}
}

// mutations is the number of damaged copies of each record.
const mutations = 10_000

func TestMutations(t *testing.T) {
	read, refused := mutate(t, hostile(t))
	// Were all refused or all read, the test would show little.
	if read < mutations || refused < mutations {
		t.Errorf("%d read, %d refused", read, refused)
	}
}

func TestMutationsShared(t *testing.T) {
	for _, pattern := range []string{"sfinge-flx/*.ist", "fvc2000db4b/xyt/*.xyt", "nist-libbiomeval/type9-13.an2k"} {
		mutate(t, sharedFiles(t, pattern))
	}
}

// mutate damages each record many times, with a seed of its own.
func mutate(t *testing.T, records map[string][]byte) (read, refused int) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(records)) {
		seed := fnv.New64a()
		seed.Write([]byte(name))
		r := rand.New(rand.NewPCG(seed.Sum64(), 7))
		for range mutations {
			if survive(t, damage(r, records[name])) {
				read++
			} else {
				refused++
			}
		}
	}
	return read, refused
}

// damage makes one to four changes, mostly near the beginning, where the lengths
// are.
func damage(r *rand.Rand, data []byte) []byte {
	b := slices.Clone(data)
	for range 1 + r.IntN(4) {
		if len(b) == 0 {
			return b
		}
		at := r.IntN(len(b))
		if r.IntN(2) == 0 {
			at = r.IntN(min(len(b), 64))
		}
		switch r.IntN(6) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2:
			b[at] = []byte{0, 1, 0x7f, 0x80, 0xff, '\n', ' ', '9'}[r.IntN(8)]
		case 3:
			b = slices.Delete(b, at, min(len(b), at+1+r.IntN(8)))
		case 4:
			b = slices.Insert(b, at, b[at:min(len(b), at+1+r.IntN(8))]...)
		case 5:
			b = b[:len(b)-min(len(b), r.IntN(8))]
		}
	}
	return b
}

func FuzzDecode(f *testing.F) {
	for _, data := range hostile(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { survive(t, data) })
}
