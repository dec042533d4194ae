package minutiae

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestSamples: every sample reads as the format that it is in.
func TestSamples(t *testing.T) {
	type impression struct {
		finger   Finger
		number   int
		kind     uint8
		quality  uint8
		minutiae int
	}
	for _, tt := range []struct {
		name          string
		format        Format
		width, height int
		views         []impression
	}{
		{"fingerprintio/ansi378v2004-sample.dat", ANSI2004, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 0, 0, 70, 22}}},
		{"fingerprintio/ansi378v2009-sample.dat", ANSI2009, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 0, 0, 70, 22}}},
		{"fingerprintio/ansi378v2009am1-sample.dat", ANSI2009, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 0, 0, 70, 22}}},
		{"fingerprintio/iso19794p2v2005-sample.dat", ISO2005, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 0, 0, 70, 22}}},
		{"fingerprintio/iso19794p2v2011-sample.dat", ISO2011, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 1, 0, 70, 22}}},
		{"nist-libbiomeval/fmr.ansi2004", ANSI2004, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 0, 0, 70, 22}, {3, 0, 1, 69, 28}}},
		{"nist-libbiomeval/fmr.ansi2007", ANSI2009, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 0, 0, 70, 22}}},
		{"nist-libbiomeval/fmr.iso2005", ISO2005, 512, 512, []impression{{7, 0, 0, 90, 27}, {2, 0, 0, 70, 22}}},
		{"sourceafis/iso-probe.dat", ISO2005, 224, 288, []impression{{0, 0, 0, 100, 38}}},
		{"sourceafis/iso-matching.dat", ISO2005, 224, 288, []impression{{0, 0, 0, 100, 38}}},
		{"sourceafis/iso-nonmatching.dat", ISO2005, 208, 320, []impression{{0, 0, 0, 100, 39}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := sample(t, tt.name)
			views, err := Decode(data, Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkViews(t, data, views)
			var got []impression
			for _, v := range views {
				if v.Format != tt.format || v.Width != tt.width || v.Height != tt.height || v.ResX != 197 || v.ResY != 197 {
					t.Errorf("%v, %d x %d at %d x %d", v.Format, v.Width, v.Height, v.ResX, v.ResY)
				}
				got = append(got, impression{v.Finger, v.Number, v.Impression, v.Quality, len(v.Minutiae)})
			}
			if !reflect.DeepEqual(got, tt.views) {
				t.Errorf("got %+v, want %+v", got, tt.views)
			}
		})
	}
}

// TestSharedSamples: a hundred synthetic records and eighty texts.
func TestSharedSamples(t *testing.T) {
	for pattern, format := range map[string]Format{"sfinge-flx/*.ist": ISO2005, "fvc2000db4b/xyt/*.xyt": XYT} {
		t.Run(format.String(), func(t *testing.T) {
			for name, data := range sharedFiles(t, pattern) {
				views, err := Decode(data, Options{})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if len(views) != 1 || views[0].Format != format || len(views[0].Minutiae) < 10 {
					t.Errorf("%s: %d views", name, len(views))
				}
				checkViews(t, data, views)
			}
		})
	}
}

// TestANSIAndISOAgree: NIST's two records of the same fingers, in formats with
// different circles, differ by rounding only.
func TestANSIAndISOAgree(t *testing.T) {
	ansi, err := Decode(sample(t, "nist-libbiomeval/fmr.ansi2004"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	iso, err := Decode(sample(t, "nist-libbiomeval/fmr.iso2005"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range iso {
		for k, m := range iso[i].Minutiae {
			other := ansi[i].Minutiae[k]
			// Half a unit of 2 degrees and half one of 1.41.
			if d := math.Abs(m.Angle - other.Angle); d > (1+0.71)*math.Pi/180 {
				t.Errorf("view %d, minutia %d: angles differ by %.2f degrees", i+1, k+1, d*180/math.Pi)
			}
			if m.Angle = other.Angle; m != other {
				t.Errorf("view %d, minutia %d: %+v and %+v", i+1, k+1, m, other)
			}
		}
	}
}

// forms are all forms in which views can be stored.
var forms = []struct {
	format Format
	layout layout
}{
	{ISO2005, layout{}},
	{ISO2005, layout{version: "020", extended: 7}},
	{ANSI2004, layout{extended: 300}},
	{ANSI2004, layout{version: "020"}},
	{ANSI2004, layout{long: true, extended: 9}},
	{ANSI2009, layout{}},
	{ANSI2009, layout{version: "035", extended: 12}},
	{ANSI2009, layout{draft: true, extended: 5}},
	{ISO2011, layout{}},
	{ISO2011, layout{certified: true, extended: 260}},
	{ISO2011, layout{short: true, extended: 4}},
}

// TestRoundTrip: random views come back as they were stored.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, f := range forms {
		t.Run(fmt.Sprintf("%v %+v", f.format, f.layout), func(t *testing.T) {
			for range 50 {
				views := randomViews(r, f.format, f.layout, 1+r.IntN(20))
				data := build(f.format, f.layout, views)
				got, err := Decode(data, Options{})
				if err != nil {
					t.Fatal(err)
				}
				checkViews(t, data, got)
				if !reflect.DeepEqual(got, views) {
					t.Fatal("the views differ from those stored")
				}
			}
		})
	}
}

// TestAnglesOfTheStandard: the record that ANSI INCITS 378-2004 prints is that of
// ISO/IEC 19794-2:2005 in the other format, angles included. A version 20 has no
// such excuse, and neither has a version 020 with another fault.
func TestAnglesOfTheStandard(t *testing.T) {
	data := sample(t, "fingerprintio/ansi378v2004-sample.dat")
	ansi, err := Decode(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	iso, err := Decode(sample(t, "fingerprintio/iso19794p2v2005-sample.dat"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range iso {
		iso[i].Format = ANSI2004
	}
	if !reflect.DeepEqual(ansi, iso) {
		t.Error("the records differ")
	}
	proper := append([]byte(nil), data...)
	proper[4] = ' '
	if _, err := Decode(proper, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "not below 180") {
		t.Errorf("version 20: %v", err)
	}
	worse := append([]byte(nil), data...)
	worse[26] = 11
	if _, err := Decode(worse, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "finger position") {
		t.Errorf("another fault: %v", err)
	}
}

// TestMaxViews: the largest record reads, one view more does not.
func TestMaxViews(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, f := range []Format{ISO2005, ANSI2009, ISO2011} {
		views := randomViews(r, f, layout{}, MaxViews)
		if got, err := Decode(build(f, layout{}, views), Options{}); err != nil || !reflect.DeepEqual(got, views) {
			t.Errorf("%v: %v", f, err)
		}
		views = append(views, views[0])
		if _, err := Decode(build(f, layout{}, views), Options{}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%v: %v", f, err)
		}
	}
}

func TestMaxData(t *testing.T) {
	data := sample(t, "fingerprintio/iso19794p2v2005-sample.dat")
	data = append(data, make([]byte, MaxData-len(data))...)
	if _, err := Decode(data, Options{}); err != nil {
		t.Errorf("%d bytes: %v", len(data), err)
	}
	if _, err := Decode(append(data, 0), Options{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
}

// TestForeign: files offered by mistake are named.
func TestForeign(t *testing.T) {
	for _, tt := range []struct{ name, data, want string }{
		{"empty", "", "empty"},
		{"XML", "<?xml version=\"1.0\"?>", "traditional encoding"},
		{"finger image", "FIR\x00010\x00", "finger image"},
		{"WSQ", "\xff\xa0\xff\xa8\x00\x7a", "WSQ"},
		{"JPEG", "\xff\xd8\xff\xe0\x00\x10JFIF", "JPEG"},
		{"JPEG 2000", "\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"},
		{"PNG", "\x89PNG\r\n\x1a\n", "PNG"},
		{"other", "hello, world\n", "not recognised"},
		{"vector", "0.25,0.5,0.125\n", "not recognised"},
		{"version", "FMR\x00040\x00\x00\x00\x00\x20", `version "040"`},
		{"cut", "FMR\x00 20\x00\x00\x00", "ends within its header"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if f := Detect([]byte(tt.data)); f != Unknown {
				t.Errorf("taken for %v", f)
			}
			_, err := Decode([]byte(tt.data), Options{})
			if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
