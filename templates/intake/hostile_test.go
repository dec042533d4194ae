package intake

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
)

// offer reads data from stdin and checks that every record is a template that the
// gate lets through, and everything else a refusal that says why.
func offer(t *testing.T, o Options, data []byte) (accepted []Record, refused []*Refusal) {
	t.Helper()
	o.Stdin, o.MixEyes = bytes.NewReader(data), true
	accepted, refused = collect(t, o, Stdin)
	if len(accepted)+len(refused) == 0 {
		t.Fatal("neither a record nor a refusal")
	}
	for _, r := range accepted {
		b, err := templates.EncodeBinary(r.Template)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := templates.DecodeBinary(b); err != nil || !templates.Equal(back, r.Template) || o.Gate.Check(back) != nil {
			t.Fatalf("a record is no valid template: %v", err)
		}
	}
	for _, r := range refused {
		if r.Class == "" || r.Class == File || r.Reason == "" || errors.Unwrap(r) == nil {
			t.Fatalf("%+v is no reason", r)
		}
	}
	return accepted, refused
}

// forms are one sample of every form that this package reads itself.
func forms(t *testing.T) map[string]struct {
	o    Options
	data []byte
} {
	iris := irisOf(t, 4, templates.MasekShape)
	code, mask := iris.Packed()
	bits := Options{Bits: true, Read: templates.Options{Shape: templates.MasekShape}}
	return map[string]struct {
		o    Options
		data []byte
	}{
		"bits":  {bits, append(code, mask...)},
		"iso":   {Options{Dims: 256}, []byte(sample(t, "fingerprintio/iso19794p2v2005-sample.dat"))},
		"ansi":  {Options{Dims: 256}, []byte(sample(t, "fingerprintio/ansi378v2004-sample.dat"))},
		"xyt":   {Options{Dims: 256}, []byte(xyt(15, 3))},
		"lines": {Options{}, []byte(line(t, 1, `,"eye":"left"`) + line(t, 2, "") + line(t, 3, ""))},
	}
}

// TestPrefixes: what ends early gives the records of the whole, or fewer, and then
// says so.
func TestPrefixes(t *testing.T) {
	for name, form := range forms(t) {
		whole, refused := offer(t, form.o, form.data)
		if len(refused) != 0 {
			t.Fatalf("%s: %v", name, refused)
		}
		for n := range form.data {
			got, refused := offer(t, form.o, form.data[:n])
			if len(got) > len(whole) {
				t.Fatalf("%s: the first %d bytes have more records than all", name, n)
			}
			rest := strings.TrimSpace(string(form.data[n:])) != ""
			// Lines of .xyt are not counted: fewer are another, valid impression.
			if name != "xyt" && rest && len(got) == len(whole) && len(refused) == 0 {
				// The standards' own tail of extended data may be missing, which
				// holds no minutiae.
				if (name != "iso" && name != "ansi") || len(form.data)-n > 2 {
					t.Fatalf("%s: the first %d bytes of %d pass for the whole", name, n, len(form.data))
				}
			}
			for i, r := range got {
				if name != "xyt" && !templates.Equal(r.Template, whole[i].Template) {
					t.Fatalf("%s: the first %d bytes change record %d", name, n, i+1)
				}
			}
		}
	}
}

// TestMutations: 10 000 random changes of each sample.
func TestMutations(t *testing.T) {
	for name, form := range forms(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(7, uint64(len(form.data))))
			refusals := 0
			for range 10_000 {
				b := bytes.Clone(form.data)
				for range 1 + r.IntN(4) {
					at := r.IntN(len(b))
					switch r.IntN(3) {
					case 0:
						b[at] ^= 1 << r.IntN(8)
					case 1:
						b = append(b[:at], b[min(len(b), at+1+r.IntN(4)):]...)
					case 2:
						b = append(b[:at], append([]byte{byte(r.Uint32())}, b[at:]...)...)
					}
				}
				_, refused := offer(t, form.o, b)
				refusals += len(refused)
			}
			if refusals == 0 {
				t.Error("nothing is refused")
			}
		})
	}
}

// TestCodeNeedsItsOwnMask: prefixes of a mask beside its code.
func TestCodeNeedsItsOwnMask(t *testing.T) {
	code, mask := irisOf(t, 4, templates.MasekShape).Packed()
	dir := folder(t, map[string]string{"e.code": string(code), "e.mask": string(mask)})
	o := Options{Bits: true, Read: templates.Options{Shape: templates.MasekShape}}
	if records, refused := collect(t, o, dir); len(records) != 1 || len(refused) != 0 {
		t.Fatal(refused)
	}
	for n := 0; n < len(mask); n += 37 {
		if err := os.WriteFile(dir+"/e.mask", mask[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if records, refused := collect(t, o, dir); len(records) != 0 || classes(refused) != "e.code:0:unreadable" {
			t.Fatalf("a mask of %d bytes: %v", n, fmt.Sprint(refused))
		}
	}
}

// FuzzRecords: any input gives valid templates or refusals.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("FMR\x00 20\x00\x00\x00\x00\x20"), false)
	f.Add([]byte(xyt(12, 1)), false)
	f.Add([]byte("0101, 1010\n"), true)
	f.Add([]byte("[1,2]\n{\"vector\":[1,2],\"subject\":\"a\"}\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, bits bool) {
		offer(t, Options{Bits: bits, Dims: 256, Read: templates.Options{Shape: templates.Shape{Rows: 1, Cols: 8, Filters: 1, Planes: 1}}}, data)
	})
}
