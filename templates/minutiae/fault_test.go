package minutiae

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// fault is a valid record with one thing wrong.
type fault struct {
	name string
	make func() []byte
	want string
}

// record is a small record of two views with two minutiae each; edit changes its
// bytes.
func record(f Format, l layout, edit func(b []byte) []byte) func() []byte {
	return func() []byte {
		m := []Minutia{{X: 99, Y: 79, Angle: 0, Kind: Ending, Quality: 50}, {X: 3, Y: 4, Kind: Bifurcation}}
		if l.short {
			m[0].Quality = 0
		}
		view := View{Format: f, Finger: 2, Quality: 60, Width: 100, Height: 80, ResX: 197, ResY: 197, Minutiae: m}
		second := view
		second.Number, second.Minutiae = 1, m[:1]
		return edit(build(f, l, []View{view, second}))
	}
}

// set writes bytes at an offset.
func set(at int, values ...byte) func([]byte) []byte {
	return func(b []byte) []byte { return append(b[:at], append(values, b[at+len(values):]...)...) }
}

// cut drops the last n bytes.
func cut(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:len(b)-n] } }

// add appends bytes.
func add(values ...byte) func([]byte) []byte {
	return func(b []byte) []byte { return append(b, values...) }
}

func same(b []byte) []byte { return b }

// faults of one format, told the offset of the first view's fields.
func faults(f Format, l layout, at offsets) []fault {
	all := []fault{
		{"no view", record(f, l, func(b []byte) []byte {
			b[at.views], b[at.total-1], b[at.total] = 0, 0, byte(at.start)
			return b[:at.start]
		}), "no view"},
		{"a view more than there is", record(f, l, set(at.views, 3)), "view 3 of 3"},
		{"a view less than there is", record(f, l, set(at.views, 1)), "the header counts"},
		{"length too small", record(f, l, set(at.total, 30)), "the header counts 30 bytes"},
		{"length too large", record(f, l, set(at.total, 250)), "it was cut short"},
		{"cut to half", record(f, l, func(b []byte) []byte { return b[:len(b)/2] }), "it was cut short"},
		{"cut within the minutiae", record(f, l, cut(3)), "it was cut short"},
		{"finger", record(f, l, set(at.finger, 11)), "finger position 11"},
		{"quality", record(f, l, set(at.quality, 101)), "quality is not on the scale"},
		{"no width", record(f, l, set(at.width, 0, 0)), "image of 0 x 80"},
		{"width beyond 14 bits", record(f, l, set(at.width, 0x40, 1)), "image of 16385 x 80"},
		{"no height", record(f, l, set(at.width+2, 0, 0)), "image of 100 x 0"},
		{"height beyond 14 bits", record(f, l, set(at.width+2, 0xff, 0xff)), "image of 100 x 65535"},
		{"resolution too low", record(f, l, set(at.resolution, 0, 97)), "resolution of 97 x 197"},
		{"resolution too high", record(f, l, set(at.resolution, 3, 0xe9)), "resolution of 1001 x 197"},
		{"second resolution", record(f, l, set(at.resolution+2, 0, 0)), "resolution of 197 x 0"},
		{"a minutia more than there is", record(f, l, set(at.count, 3)), ""},
		{"x at the width", record(f, l, set(at.count+1, 0x40, 100)), "minutia 1 of 2: unreadable minutiae: it lies outside"},
		{"y at the height", record(f, l, set(at.count+3, 0, 80)), "minutia 1 of 2: unreadable minutiae: it lies outside"},
		{"type", record(f, l, set(at.count+1, 0xc0, 99)), "its type is reserved"},
		{"extended data too long", record(f, l, func(b []byte) []byte { return append(b[:len(b)-2], 0, 3) }), ""},
		{"more data behind", record(f, l, add(0, 0, 1)), "more data follow"},
		{"a second record behind", func() []byte { r := record(f, l, same)(); return append(r, r...) }, "more data follow"},
	}
	if !l.short {
		all = append(all, fault{"quality of a minutia", record(f, l, set(at.count+6, 101)), "minutia 1 of 2: unreadable minutiae: its quality"})
	}
	if f == ANSI2004 || f == ANSI2009 {
		all = append(all, fault{"angle", record(f, l, set(at.count+5, 180)), "its angle is not below 180"})
	}
	if f == ANSI2009 || f == ISO2011 {
		all = append(all,
			fault{"number", record(f, l, set(at.number, 16)), "view number 16"},
			fault{"impression", record(f, l, set(at.impression, 30)), "impression type 30"})
	}
	return all
}

// offsets of the last byte of the number of views and of the length, of the first
// view, and of the first byte of fields of it.
type offsets struct {
	views, total, start                                           int
	finger, number, impression, quality, width, resolution, count int
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format Format
		layout layout
		at     offsets
	}{
		{"ISO2005", ISO2005, layout{}, offsets{views: 22, total: 11, start: 24, finger: 24, quality: 26, width: 14, resolution: 18, count: 27}},
		{"ANSI2004", ANSI2004, layout{}, offsets{views: 24, total: 9, start: 26, finger: 26, quality: 28, width: 16, resolution: 20, count: 29}},
		{"ANSI2004 long", ANSI2004, layout{long: true}, offsets{views: 28, total: 13, start: 30, finger: 30, quality: 32, width: 20, resolution: 24, count: 33}},
		{"ANSI2009", ANSI2009, layout{}, offsets{views: 19, total: 11, start: 21, finger: 21, number: 22, impression: 23, quality: 24, width: 29, resolution: 33, count: 37}},
		{"ANSI2009 draft", ANSI2009, layout{draft: true}, offsets{views: 18, total: 11, start: 20, finger: 20, number: 21, impression: 22, quality: 23, width: 28, resolution: 32, count: 36}},
	} {
		t.Run(tt.name, func(t *testing.T) { runFaults(t, tt.format, tt.layout, faults(tt.format, tt.layout, tt.at)) })
	}
}

// TestFaults2011: the lengths of this format are part of how it is recognised, so
// that some faults are those of a record of ANSI2009.
func TestFaults2011(t *testing.T) {
	at := offsets{views: 13, total: 11, start: 15, finger: 44, number: 45, impression: 50, quality: 34, width: 51, resolution: 46, count: 56}
	for _, l := range []layout{{}, {short: true}} {
		all := faults(ISO2011, l, at)
		for i := range all {
			switch all[i].name {
			case "a view more than there is", "a view less than there is", "length too small", "length too large", "cut to half":
				all[i].want = "ANSI INCITS 378-2009: "
			}
		}
		all = append(all,
			fault{"certification flag", record(ISO2011, l, set(14, 2)), "flag for certification"},
			fault{"certification data missing", record(ISO2011, l, set(14, 1)), ""},
			fault{"size of a minutia", record(ISO2011, l, set(55, 0x71)), "size of a minutia"},
			fault{"kind of ending", record(ISO2011, l, set(55, 0x62)), "kind of ridge ending"},
			fault{"number of qualities", record(ISO2011, l, set(33, 255)), "ends within the quality data"},
			fault{"length of a view", record(ISO2011, l, func(b []byte) []byte {
				// A byte moves from the second view to the first.
				second := 15 + int(b[18])
				b[18]++
				b[second+3]--
				b = append(b[:second], append([]byte{0}, b[second:]...)...)
				return b[:len(b)-1]
			}), "it counts"},
		)
		runFaults(t, ISO2011, l, all)
	}
}

func runFaults(t *testing.T, f Format, l layout, all []fault) {
	t.Helper()
	if data := record(f, l, same)(); Detect(data) != f {
		t.Fatalf("the record without fault is taken for %v", Detect(data))
	} else if views, err := Decode(data, Options{}); err != nil || len(views) != 2 {
		t.Fatalf("the record without fault: %v", err)
	}
	for _, tt := range all {
		t.Run(tt.name, func(t *testing.T) {
			views, err := Decode(tt.make(), Options{})
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if views != nil {
				t.Error("views beside an error")
			}
		})
	}
}

// TestTail: the end of a record may be two bytes off within the extended data and
// be followed by zeros.
func TestTail(t *testing.T) {
	for _, f := range forms {
		plain := record(f.format, f.layout, same)
		want, err := Decode(plain(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			data := plain()
			views, err := Decode(data[:len(data)-n], Options{})
			if ok := n <= tailSlack; (err == nil) != ok {
				t.Errorf("%v %+v, cut by %d bytes: %v", f.format, f.layout, n, err)
			}
			if err == nil && !sameViews(views, want) {
				t.Errorf("%v %+v, cut by %d bytes: other minutiae", f.format, f.layout, n)
			}
			if views, err = Decode(append(data, make([]byte, 100*n)...), Options{}); err != nil || !sameViews(views, want) {
				t.Errorf("%v %+v, %d zeros behind: %v", f.format, f.layout, 100*n, err)
			}
		}
	}
}

// sameViews compares minutiae and codes.
func sameViews(a, b []View) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if x, y := build(ANSI2009, layout{}, a[i:i+1]), build(ANSI2009, layout{}, b[i:i+1]); !bytes.Equal(x, y) {
			return false
		}
	}
	return true
}

// TestErrorsAreSilent: errors tell no coordinate and no angle of a minutia.
func TestErrorsAreSilent(t *testing.T) {
	for _, tt := range []struct {
		format Format
		edit   func([]byte) []byte
	}{
		{ISO2005, set(28, 0x5f, 0xed)},
		{ISO2005, set(30, 0x1f, 0xed)},
		{ANSI2004, set(34, 213)},
	} {
		_, err := Decode(record(tt.format, layout{}, tt.edit)(), Options{})
		if err == nil || !strings.Contains(err.Error(), "minutia 1 of 2") {
			t.Fatalf("got %v", err)
		}
		for _, value := range []string{"8173", "1fed", "213", "426"} {
			if strings.Contains(err.Error(), value) {
				t.Errorf("%q tells a value of the minutia", err)
			}
		}
	}
	for _, line := range []string{"20001 5 6 7\n", "5 20001 6 7\n", "5 6 20001 7\n", "5 6 7 20001\n"} {
		if _, err := Decode([]byte(line), Options{}); err == nil || strings.Contains(err.Error(), "20001") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

// TestLengthsOff: the length in the header and that of the last extended data may
// be two bytes off, not three.
func TestLengthsOff(t *testing.T) {
	for _, tt := range []struct {
		format Format
		layout layout
		total  int // offset of the last byte of the length
	}{
		{ISO2005, layout{extended: 8}, 11},
		{ANSI2004, layout{extended: 8}, 9},
		{ANSI2009, layout{extended: 8}, 11},
	} {
		plain := record(tt.format, tt.layout, same)
		for off := -4; off <= 4; off++ {
			ok := off >= -tailSlack && off <= tailSlack
			// Zeros behind leave the header's count alone in the wrong.
			data := append(plain(), 0, 0, 0, 0)
			data[tt.total] += byte(off)
			if _, err := Decode(data, Options{}); (err == nil) != ok {
				t.Errorf("%v, header off by %d: %v", tt.format, off, err)
			}
			data = plain()
			data[len(data)-9] += byte(off)
			if off > 0 {
				// The header agrees as far as it may.
				data[tt.total] += 2
			}
			if _, err := Decode(data, Options{}); (err == nil) != ok {
				t.Errorf("%v, extended data off by %d: %v", tt.format, off, err)
			}
		}
	}
}

// TestNoQuality: codes that stand for no quality of a minutia read as 0.
func TestNoQuality(t *testing.T) {
	for format, at := range map[Format]int{ISO2005: 33, ANSI2004: 35, ANSI2009: 43, ISO2011: 62} {
		for _, code := range []byte{QualityNotReported, QualityFailed} {
			views, err := Decode(record(format, layout{}, set(at, code))(), Options{})
			if err != nil {
				t.Errorf("%v, %d: %v", format, code, err)
			} else if m := views[0].Minutiae[0]; m != (Minutia{X: 99, Y: 79, Kind: Ending}) {
				t.Errorf("%v, %d: %+v", format, code, m)
			}
		}
	}
}
