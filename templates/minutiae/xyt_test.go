package minutiae

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
)

// TestXYTConventions: both texts of one view, with the arithmetic of mindtct, read
// as that view but for what the text does not have.
func TestXYTConventions(t *testing.T) {
	views, err := Decode(sample(t, "sourceafis/iso-probe.dat"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, height := views[0].Minutiae, views[0].Height
	top := height
	for _, m := range want {
		top = min(top, m.Y)
	}
	for _, c := range []Convention{NIST, ANSI} {
		got, err := Decode(xytText(want, c, height, true), Options{XYT: c})
		if err != nil {
			t.Fatal(err)
		}
		head := got[0]
		head.Minutiae = nil
		if len(got) != 1 || !reflect.DeepEqual(head, View{Format: XYT, Impression: 29, Quality: 254, ResX: 197, ResY: 197}) {
			t.Errorf("%+v", head)
		}
		for i, m := range got[0].Minutiae {
			w := want[i]
			if c == NIST {
				// The highest minutia is the top.
				w.Y -= top
			}
			if m.X != w.X || m.Y != w.Y || m.Kind != Other || m.Quality != w.Quality {
				t.Errorf("convention %d, minutia %d: got %+v, want %+v", c, i+1, m, w)
			}
			d := math.Abs(math.Remainder(m.Angle-w.Angle, 2*math.Pi)) * 180 / math.Pi
			// A degree is rounded, two of them are cut.
			if limit := []float64{0.51, 1.51}[c]; d > limit {
				t.Errorf("convention %d, minutia %d: angle off by %.2f degrees", c, i+1, d)
			}
		}
	}
}

// TestXYTByHand: numbers worked out from the definition.
func TestXYTByHand(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		convention Convention
		want       []Minutia
	}{
		{"NIST", "10 300 0 70\n20 280 90 5\n", NIST, []Minutia{{X: 10, Y: 0, Angle: math.Pi, Quality: 70}, {X: 20, Y: 20, Angle: 3 * math.Pi / 2, Quality: 5}}},
		{"NIST turns over", "1 1 180 0\n1 1 359 100\n", NIST, []Minutia{{X: 1, Angle: 0}, {X: 1, Angle: 179 * math.Pi / 180, Quality: 100}}},
		{"ANSI", "10 300 0 70\n20 280 45 5\n", ANSI, []Minutia{{X: 10, Y: 300, Quality: 70}, {X: 20, Y: 280, Angle: math.Pi / 2, Quality: 5}}},
		{"three columns", "0 0 179\n", ANSI, []Minutia{{Angle: 358 * math.Pi / 180}}},
		{"white space", "\r\n  16383\t0  7 8 \r\n\n", ANSI, []Minutia{{X: 16383, Angle: 14 * math.Pi / 180, Quality: 8}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			views, err := Decode([]byte(tt.text), Options{XYT: tt.convention})
			if err != nil {
				t.Fatal(err)
			}
			got := views[0].Minutiae
			for i := range got {
				if i < len(tt.want) && math.Abs(got[i].Angle-tt.want[i].Angle) < 1e-12 {
					got[i].Angle = tt.want[i].Angle
				}
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestXYTFaults(t *testing.T) {
	const first = "10 20 30 40\n"
	for _, tt := range []struct {
		name, text string
		convention Convention
		class      error
		want       string
	}{
		{"no line break at the end", first + "10 20 30 4", NIST, ErrFormat, "last line has no end"},
		{"a number missing", first + "10 20 30\n", NIST, ErrFormat, "minutia 2 has 3 numbers, the first has 4"},
		{"a number too many", first + "10 20 30 40 50\n", NIST, ErrFormat, "minutia 2 has 5 numbers"},
		{"not a number", first + "10 20 x 40\n", NIST, ErrFormat, "minutia 2: unreadable minutiae: number 3"},
		{"negative", first + "-1 20 30 40\n", NIST, ErrFormat, "number 1"},
		{"sign", first + "10 +20 30 40\n", NIST, ErrFormat, "number 2"},
		{"fraction", first + "10 20 30 0.4\n", NIST, ErrFormat, "number 4"},
		{"six digits", first + "000010 20 30 40\n", NIST, ErrFormat, "number 1"},
		{"other white space", first + "10\u00a020 30 40\n", NIST, ErrFormat, "minutia 2 has 3 numbers"},
		{"x", first + "16384 20 30 40\n", NIST, ErrFormat, "coordinate"},
		{"y", first + "10 16384 30 40\n", NIST, ErrFormat, "coordinate"},
		{"degrees", first + "10 20 360 40\n", NIST, ErrFormat, "angle is not below 360"},
		{"units of two degrees", first + "10 20 180 40\n", ANSI, ErrFormat, "angle is not below 180"},
		{"quality", first + "10 20 30 101\n", NIST, ErrFormat, "quality"},
		{"convention", first, ANSI + 1, ErrFormat, "convention 2"},
		{"lines", strings.Repeat(first, MaxMinutiae+1), NIST, ErrTooLarge, "more than 1000 lines"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			views, err := Decode([]byte(tt.text), Options{XYT: tt.convention})
			if !errors.Is(err, tt.class) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if views != nil {
				t.Error("views beside an error")
			}
		})
	}
	views, err := Decode([]byte(strings.Repeat(first, MaxMinutiae)), Options{})
	if err != nil || len(views[0].Minutiae) != MaxMinutiae {
		t.Errorf("%d lines: %v", MaxMinutiae, err)
	}
}
