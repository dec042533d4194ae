package templates

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// TestBinaryGolden pins the binary form, byte by byte.
func TestBinaryGolden(t *testing.T) {
	iris, err := NewIrisColumns(Shape{3, 9, 1, 1}, []uint64{0x0123456}, []uint64{0x7ffffff})
	if err != nil {
		t.Fatal(err)
	}
	vector, err := NewVector([]int8{3, -4, 0}, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		t    Template
		want string
	}{
		{iris, "5055544d" + // PUTM
			"01" + "01" + // version, iris
			"0003" + "0009" + "0001" + "0001" + // rows, columns, filters, planes
			"56341200" + // code, least significant bit first
			"ffffff07"}, // mask, 27 bits
		{vector, "5055544d" + "01" + "02" + // PUTM, version, vector
			"0003" + "05" + // three coordinates, norm 5
			"03fc00"},
	} {
		got, err := EncodeBinary(c.t)
		if err != nil || hex.EncodeToString(got) != c.want {
			t.Errorf("%v is %x (%v), want %s", c.t, got, err, c.want)
		}
		back, err := DecodeBinary(got)
		if err != nil || !Equal(back, c.t) {
			t.Errorf("%v is not read back: %v", c.t, err)
		}
	}
}

// TestDecodeBinaryRefuses: one fault each.
func TestDecodeBinaryRefuses(t *testing.T) {
	iris, _ := NewIrisColumns(Shape{3, 9, 1, 1}, []uint64{2}, []uint64{3})
	vector, _ := NewVector([]int8{3, -4, 0}, 5)
	goodIris, _ := EncodeBinary(iris)
	goodVector, _ := EncodeBinary(vector)
	with := func(b []byte, at int, v byte) []byte {
		b = bytes.Clone(b)
		b[at] = v
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":               nil,
		"magic":                 with(goodIris, 0, 'p'),
		"version 0":             with(goodIris, 4, 0),
		"version 2":             with(goodVector, 4, 2),
		"modality 0":            with(goodIris, 5, 0),
		"modality 3":            with(goodIris, 5, 3),
		"iris as vector":        with(goodIris, 5, 2),
		"vector as iris":        with(goodVector, 5, 1),
		"no rows":               with(goodIris, 7, 0),
		"many rows":             with(goodIris, 6, 0xff),
		"few columns":           with(goodIris, 9, 7),
		"more columns":          with(goodIris, 9, 12),
		"fewer columns":         with(goodIris, 9, 8), // 24 bits need 3 bytes
		"code past the end":     with(goodIris, 17, 0x08),
		"mask past the end":     with(goodIris, 21, 0x08),
		"code outside the mask": with(goodIris, 14, 4),
		"iris and more":         append(bytes.Clone(goodIris), 0),
		"vector and more":       append(bytes.Clone(goodVector), 0),
		"no dims":               with(goodVector, 7, 0)[:9],
		"more dims":             with(goodVector, 7, 4),
		"norm 0":                with(goodVector, 8, 0),
		"norm too small":        with(goodVector, 8, 4),
		"norm 128":              with(goodVector, 8, 128),
		"coordinate -128":       with(goodVector, 9, 128),
	} {
		if tpl, err := DecodeBinary(b); !errors.Is(err, ErrFormat) || tpl != nil {
			t.Errorf("%s: %v, %v", name, tpl, err)
		}
	}
	for _, good := range [][]byte{goodIris, goodVector} {
		for n := range good {
			if _, err := DecodeBinary(good[:n]); !errors.Is(err, ErrFormat) {
				t.Errorf("the first %d bytes of %d: %v", n, len(good), err)
			}
		}
	}
}

// TestEncodeRefuses: what was put together by hand and is malformed is not
// written.
func TestEncodeRefuses(t *testing.T) {
	for name, tpl := range map[string]Template{
		"nil": nil, "nil iris": (*Iris)(nil), "zero vector": Vector{}, "long vector": Vector{[]int8{9, 9}, 9},
		"nil fused": (*Fused)(nil), "dims": Vector{make([]int8, MaxDims+1), 9}, "norm": Vector{[]int8{1}, 128},
	} {
		if b, err := EncodeBinary(tpl); !errors.Is(err, ErrTemplate) || b != nil {
			t.Errorf("binary, %s: %v", name, err)
		}
		if b, err := EncodeJSON(tpl); !errors.Is(err, ErrTemplate) || b != nil {
			t.Errorf("JSON, %s: %v", name, err)
		}
	}
}

func TestFormsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawScheme(rt)
		tpl := randomTemplate(t, seeded(rapid.Uint64().Draw(rt, "seed")), s)
		b, err := AppendBinary([]byte("before"), tpl)
		if whole := s.Modality != ModalityFused; err != nil || len(b) > 6+s.BinarySize() || whole && len(b) != 6+s.BinarySize() || len(b) > 6+MaxBinary {
			rt.Fatalf("%d bytes, want %d: %v", len(b), 6+s.BinarySize(), err)
		}
		padded, err := s.EncodePadded(tpl)
		if err != nil || len(padded) != s.BinarySize() {
			rt.Fatalf("%d bytes padded, want %d: %v", len(padded), s.BinarySize(), err)
		}
		if back, err := DecodePadded(padded); err != nil || !Equal(back, tpl) {
			rt.Fatalf("padded is not read back: %v", err)
		}
		if _, err := DecodePadded(append(padded, 1)); err == nil {
			rt.Fatal("something behind the padding is not refused")
		}
		if back, err := DecodeBinary(b[6:]); err != nil || !Equal(back, tpl) {
			rt.Fatalf("binary is not read back: %v", err)
		}
		j, err := EncodeJSON(tpl)
		if err != nil {
			rt.Fatal(err)
		}
		if back, err := DecodeJSON(j); err != nil || !Equal(back, tpl) {
			rt.Fatalf("JSON is not read back: %v", err)
		}
		for _, form := range [][]byte{b[6:], j} {
			all, err := Read(bytes.NewReader(form), Options{})
			if err != nil || len(all) != 1 || !Equal(all[0], tpl) {
				rt.Fatalf("Read does not read it: %v", err)
			}
		}
	})
}

// FuzzDecodeBinary: what is accepted is encoded to the same bytes.
func FuzzDecodeBinary(f *testing.F) {
	r := seeded(1)
	// Small ones: the fuzzer is slow at shrinking long inputs.
	for _, text := range []string{
		"iris:1x8x1x1:shifts=7:threshold=1/3:delta=1", "iris:5x13x1x1:shifts=13:threshold=2/5:delta=7", "vector:8:norm=63:theta=1",
		"eyes:1x8x1x1:shifts=7:threshold=1/3:delta=1:fingers=5:2:norm=30:weight=1:each=8",
	} {
		b, err := EncodeBinary(randomTemplate(f, r, mustScheme(f, text)))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("PUTM\x01\x01\x00\x01\x00\x08\x00\x01\x00\x01\x00\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tpl, err := DecodeBinary(b)
		if err != nil {
			return
		}
		if again, err := EncodeBinary(tpl); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted, but encoded differently (%v)", err)
		}
	})
}

func BenchmarkDecodeBinary(b *testing.B) {
	for _, name := range []string{"iris-2048", "iris-16384", "vector-512"} {
		enc, err := EncodeBinary(randomTemplate(b, seeded(1), mustScheme(b, name)))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := DecodeBinary(enc); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
