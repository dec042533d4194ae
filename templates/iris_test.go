package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func drawShape(rt *rapid.T) Shape {
	return Shape{
		Rows: rapid.IntRange(1, 20).Draw(rt, "rows"), Cols: rapid.IntRange(MinCols, 100).Draw(rt, "cols"),
		Filters: rapid.IntRange(1, 3).Draw(rt, "filters"), Planes: rapid.IntRange(1, 5).Draw(rt, "planes"),
	}
}

// TestIrisOrder: every bit is where the order of open-iris says, the code is
// cleared outside the mask, and Packed gives the input back.
func TestIrisOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawShape(rt)
		r := seeded(rapid.Uint64().Draw(rt, "seed"))
		code, mask := randomBytes(r, s), randomBytes(r, s)
		iris, err := NewIris(s, code, mask)
		if err != nil {
			rt.Fatal(err)
		}
		bit := func(b []byte, i int) bool { return b[i/8]>>(7-i%8)&1 == 1 }
		usable := 0
		for row := range s.Rows {
			for col := range s.Cols {
				for filter := range s.Filters {
					for plane := range s.Planes {
						i := ((row*s.Cols+col)*s.Filters+filter)*s.Planes + plane
						x, u := iris.Bit((row*s.Filters+filter)*s.Planes+plane, col)
						if u != bit(mask, i) || x != (bit(code, i) && u) {
							rt.Fatalf("row %d, column %d, filter %d, plane %d is wrong", row, col, filter, plane)
						}
						if u {
							usable++
						}
					}
				}
			}
		}
		if iris.UsableBits() != usable {
			rt.Fatalf("%d usable bits, want %d", iris.UsableBits(), usable)
		}
		gotCode, gotMask := iris.Packed()
		for i := range code {
			code[i] &= mask[i]
		}
		if !slices.Equal(gotCode, code) || !slices.Equal(gotMask, mask) {
			rt.Fatal("Packed does not give the input back")
		}
	})
}

func TestRotate(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawShape(rt)
		iris := randomIris(t, seeded(rapid.Uint64().Draw(rt, "seed")), s)
		shift := rapid.IntRange(-300, 300).Draw(rt, "shift")
		turned := iris.Rotate(shift)
		for col := range s.Cols {
			to := ((col+shift)%s.Cols + s.Cols) % s.Cols
			for line := range s.Lines() {
				x, u := iris.Bit(line, col)
				if y, v := turned.Bit(line, to); x != y || u != v {
					rt.Fatalf("column %d rolled by %d is not in column %d", col, shift, to)
				}
			}
		}
		if !turned.Rotate(-shift).Equal(iris) {
			rt.Fatal("rolling there and back changes the code")
		}
	})
}

func TestNewIrisRefuses(t *testing.T) {
	s := Shape{3, 9, 1, 1} // 27 bits: 4 bytes, 5 spare bits
	four := []byte{0, 0, 0, 0}
	for name, c := range map[string]struct {
		shape      Shape
		code, mask []byte
		want       error
	}{
		"short code":        {s, four[:3], four, ErrTemplate},
		"long mask":         {s, four, make([]byte, 5), ErrTemplate},
		"empty":             {s, nil, nil, ErrTemplate},
		"padding of code":   {s, []byte{0, 0, 0, 1}, four, ErrTemplate},
		"padding of mask":   {s, four, []byte{0, 0, 0, 16}, ErrTemplate},
		"shape":             {Shape{3, 7, 1, 1}, four, four, ErrScheme},
		"overflowing lines": {Shape{math.MaxInt, 8, math.MaxInt, math.MaxInt}, four, four, ErrScheme},
	} {
		if _, err := NewIris(c.shape, c.code, c.mask); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := NewIris(s, []byte{0, 0, 0, 32}, []byte{0, 0, 0, 32}); err != nil {
		t.Errorf("the last bit: %v", err)
	}
	for name, c := range map[string][2][]uint64{
		"short": {{}, {0}}, "long": {{0}, {0, 0}}, "code past the end": {{1 << 27}, {0}}, "mask past the end": {{0}, {1 << 27}},
	} {
		if _, err := NewIrisColumns(s, c[0], c[1]); !errors.Is(err, ErrTemplate) {
			t.Errorf("columns, %s: %v", name, err)
		}
	}
	if _, err := NewIrisColumns(Shape{}, nil, nil); !errors.Is(err, ErrScheme) {
		t.Errorf("columns without a shape: %v", err)
	}
}

// TestNewIrisColumns: word order and line order agree with those of NewIris,
// and the caller's slices stay the caller's.
func TestNewIrisColumns(t *testing.T) {
	s := Shape{3, 30, 1, 1}
	code, mask := []uint64{0, 0}, []uint64{^uint64(0), 1<<26 - 1}
	code[70/64] |= 1 << (70 % 64) // line 1 of column 23
	iris, err := NewIrisColumns(s, code, mask)
	if err != nil {
		t.Fatal(err)
	}
	if x, u := iris.Bit(1, 23); !x || !u || iris.UsableBits() != 90 {
		t.Error("line 1 of column 23 is not set")
	}
	code[1] = 0
	mask[1] = 0
	if x, u := iris.Bit(1, 23); !x || !u {
		t.Error("the template shares memory with its input")
	}
}

func TestBitPanics(t *testing.T) {
	iris := randomIris(t, seeded(1), Shape{3, 9, 1, 1})
	for _, at := range [][2]int{{-1, 0}, {3, 0}, {0, -1}, {0, 9}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("line %d, column %d: no panic", at[0], at[1])
				}
			}()
			iris.Bit(at[0], at[1])
		}()
	}
}

// TestRedaction: no way of printing shows values.
func TestRedaction(t *testing.T) {
	r := seeded(9)
	for _, secret := range []Template{randomIris(t, r, Shape{16, 128, 1, 1}), randomVector(t, r, 64, 63)} {
		for _, holder := range []any{secret, struct{ T Template }{secret}, []Template{secret}, map[string]any{"t": secret}} {
			var all strings.Builder
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X"} {
				fmt.Fprintf(&all, verb+"\n", holder)
			}
			b, err := json.Marshal(holder)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
			slog.New(slog.NewTextHandler(&all, nil)).Info("text", "holder", holder)
			slog.New(slog.NewJSONHandler(&all, nil)).Info("json", "holder", holder)
			// Anything with values would be far longer.
			if n := all.Len(); n > 1500 || strings.Count(all.String(), "redacted") != 11 {
				t.Errorf("%T in %T is printed with its values or not redacted: %d bytes", secret, holder, n)
			}
		}
	}
	if got := fmt.Sprint((*Iris)(nil)); !strings.Contains(got, "no iris") {
		t.Errorf("a nil iris is printed as %s", got)
	}
}

func TestEqual(t *testing.T) {
	r := seeded(4)
	a, v := randomIris(t, r, Shape{3, 9, 1, 1}), randomVector(t, r, 8, 63)
	for _, c := range []struct {
		a, b Template
		want bool
	}{
		{a, a, true}, {a, a.Rotate(0), true}, {a, a.Rotate(1), false}, {a, v, false}, {v, a, false}, {v, v, true},
		{v, Vector{v.Coords, 64}, false}, {v, randomVector(t, r, 8, 63), false}, {nil, nil, false}, {a, nil, false},
	} {
		if got := Equal(c.a, c.b); got != c.want {
			t.Errorf("Equal(%v, %v) is %v", c.a, c.b, got)
		}
	}
}

func BenchmarkNewIris(b *testing.B) {
	s := Shape{16, 256, 2, 2}
	r := seeded(1)
	code, mask := randomBytes(r, s), randomBytes(r, s)
	for b.Loop() {
		if _, err := NewIris(s, code, mask); err != nil {
			b.Fatal(err)
		}
	}
}
