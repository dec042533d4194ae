package minutiae

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// part is a record of a transaction: its type and its bytes.
type part struct {
	kind int
	data string
}

// text makes a record of fields given as "number:value", with its length in front.
// In values | stands between subfields and / between items.
func text(kind int, fields ...string) part {
	body := strings.NewReplacer("|", "\x1e", "/", "\x1f").Replace(strings.Join(fields, "\x1d")) + "\x1c"
	for length := len(body); ; length++ {
		s := fmt.Sprintf("%d.001:%d\x1d%s", kind, length, body)
		if len(s) == length {
			return part{kind, s}
		}
	}
}

func type9(fields ...string) part { return text(9, fields...) }

// transaction puts records behind a Type-1 record that counts them.
func transaction(parts []part) []byte {
	contents, data := fmt.Sprintf("1.003:1/%d", len(parts)), ""
	for i, p := range parts {
		contents += fmt.Sprintf("|%d/%02d", p.kind, i)
		data += p.data
	}
	return []byte(text(1, "1.002:0500", contents, "1.004:TEST").data + data)
}

var (
	// imageRecord and latentRecord are images, binary and of text, whose bytes look
	// like separators and fields.
	imageRecord  = part{4, "\x00\x00\x00\x16\x1c\x1d\x1e\x1f\x1c9.001:23\x1d9.99"}
	latentRecord = text(13, "13.002:00", "13.999:\x1c9.001:17\x1d9.010:5\x1c\x1c")

	standardFields = []string{"9.002:00", "9.003:1", "9.004:S", "9.006:07", "9.007:T/UN", "9.010:3", "9.011:1",
		"9.012:001/10001000000/0/A/2,1|002/10002000359/63/B|003/00001500180"}
	extendedFields = []string{"9.002:01", "9.003:4", "9.004:U", "9.300:1000/2000/5/6/1,1-2,2-3,3", "9.302:2/DST", "9.331:0/0/0/E|999/1999/360/B/3/4|500/1000/90/X"}
)

// swap is fields with the one of the same number replaced.
func swap(fields []string, field string) []string {
	out := append([]string(nil), fields...)
	for i, f := range out {
		if f[:6] == field[:6] {
			out[i] = field
			return out
		}
	}
	return append(out, field)
}

// declaredType9 counts the minutiae of a transaction that Decode has read, with the
// lengths of the records and a search for the fields.
func declaredType9(data []byte) (counts []int) {
	first := regexp.MustCompile(`^(\d+)\.0?01:(\d+)\x1d`)
	extended := regexp.MustCompile(`\x1d9\.331:([^\x1c\x1d]*)`)
	none := regexp.MustCompile(`\x1d9\.334:Y[\x1c\x1d]`)
	standard := regexp.MustCompile(`\x1d9\.0?10:(\d+)[\x1c\x1d]`)
	for len(data) > 0 {
		m := first.FindSubmatch(data[:min(len(data), 24)])
		if m == nil {
			if data[0] == 0 && len(strings.Trim(string(data), "\x00")) == 0 {
				return counts
			}
			data = data[int(data[0])<<24|int(data[1])<<16|int(data[2])<<8|int(data[3]):]
			continue
		}
		length, _ := strconv.Atoi(string(m[2]))
		record := data[:length]
		data = data[length:]
		if string(m[1]) != "9" {
			continue
		}
		if f := extended.FindSubmatch(record); f != nil {
			counts = append(counts, strings.Count(string(f[1]), "\x1e")+1)
		} else if none.Match(record) {
			counts = append(counts, 0)
		} else {
			n, _ := strconv.Atoi(string(standard.FindSubmatch(record)[1]))
			counts = append(counts, n)
		}
	}
	return counts
}

// TestType9Samples: NIST's own transactions.
func TestType9Samples(t *testing.T) {
	type impression struct{ finger, kind, width, height, minutiae, endings int }
	for name, want := range map[string][]impression{
		"type9.an2k": {{0, 6, 0, 0, 28, 19}},
		"type9-efs.an2k": {
			{8, 0, 534, 486, 60, 30}, {5, 0, 479, 309, 35, 19}, {3, 0, 625, 561, 68, 39}, {10, 0, 349, 600, 37, 23},
			{9, 0, 499, 439, 54, 18}, {7, 0, 517, 565, 48, 34}, {2, 0, 592, 496, 53, 30}, {4, 0, 585, 364, 59, 31},
		},
	} {
		data := sample(t, "nist-libbiomeval/"+name)
		views, err := Decode(data, Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkViews(t, data, views)
		var got []impression
		for _, v := range views {
			endings := 0
			for _, m := range v.Minutiae {
				if m.Kind == Ending {
					endings++
				}
			}
			if v.Number != 0 || v.Quality != QualityNotReported || v.ResX != 197 || v.ResY != 197 {
				t.Errorf("%s: %+v", name, v)
			}
			got = append(got, impression{int(v.Finger), int(v.Impression), v.Width, v.Height, len(v.Minutiae), endings})
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// TestType9DirectionShared: in the one sample with its image beside it, the pixels
// before an ending (its ridge) are darker than those behind, and those before a
// bifurcation (the valley between its branches) brighter, as the direction of ISO
// has it.
func TestType9DirectionShared(t *testing.T) {
	data := sharedFiles(t, "nist-libbiomeval/type9-13.an2k")["type9-13.an2k"]
	views, err := Decode(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	const width, height = 191, 357
	image := data[len(data)-1-width*height:]
	// Field 9.012 has 1623 as its highest y, in units of 0.01 mm.
	const top = height - 1 - 1623*197/1000
	agree := 0
	for _, m := range views[0].Minutiae {
		contrast := 0
		for r := -8; r <= 8; r++ {
			x := m.X + int(math.Round(float64(r)*math.Cos(m.Angle)))
			y := m.Y + top - int(math.Round(float64(r)*math.Sin(m.Angle)))
			if r < -2 && x >= 0 && x < width && y >= 0 && y < height {
				contrast += int(image[y*width+x])
			} else if r > 2 && x >= 0 && x < width && y >= 0 && y < height {
				contrast -= int(image[y*width+x])
			}
		}
		if (contrast > 0) == (m.Kind == Ending) {
			agree++
		}
	}
	t.Logf("%d of %d minutiae agree", agree, len(views[0].Minutiae))
	if agree*4 < len(views[0].Minutiae)*3 {
		t.Errorf("%d of %d minutiae agree with the image", agree, len(views[0].Minutiae))
	}
}

// TestType9ByHand: numbers worked out from the standards, with images between the
// records.
func TestType9ByHand(t *testing.T) {
	data := transaction([]part{imageRecord, type9(standardFields...), latentRecord, type9(extendedFields...)})
	views, err := Decode(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkViews(t, data, views)
	want := []View{
		{Format: Type9, Finger: 7, Impression: 1, Quality: 254, ResX: 197, ResY: 197, Minutiae: []Minutia{
			{X: 197, Y: 197, Angle: math.Pi, Kind: Ending}, {X: 197, Y: 0, Angle: radians(179), Kind: Bifurcation}, {X: 0, Y: 99, Angle: 0},
		}},
		{Format: Type9, Finger: 2, Impression: 4, Quality: 254, Width: 198, Height: 395, ResX: 197, ResY: 197, Minutiae: []Minutia{
			{Kind: Ending}, {X: 197, Y: 394, Angle: 0, Kind: Bifurcation}, {X: 99, Y: 197, Angle: math.Pi / 2},
		}},
	}
	if !reflect.DeepEqual(views, want) {
		t.Errorf("got  %+v\nwant %+v", views, want)
	}
}

// TestType9Positions: codes of fingers, and the numbers of views of one.
func TestType9Positions(t *testing.T) {
	var parts []part
	for _, code := range []string{"11", "12", "1", "07|08", "10", "01"} {
		parts = append(parts, type9(swap(standardFields, "9.006:"+code)...))
	}
	views, err := Decode(transaction(parts), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for _, v := range views {
		got += fmt.Sprintf("%d-%d ", v.Finger, v.Number)
	}
	if got != "1-0 6-0 1-1 0-0 10-0 1-2 " {
		t.Error(got)
	}
}

// TestType9Forms: what is unusual and right.
func TestType9Forms(t *testing.T) {
	for name, tt := range map[string]struct {
		data []byte
		want int
	}{
		"no minutiae, standard": {transaction([]part{type9(swap(swap(standardFields, "9.010:0"), "9.012:")...)}), 0},
		"no minutiae, extended": {transaction([]part{type9(append(extendedFields[:5:5], "9.334:Y")...)}), 0},
		"both":                  {transaction([]part{type9(append(standardFields[:7:7], "9.012:no", "9.300:9/9", "9.302:1", "9.331:1/1/1/E")...)}), 1},
		"field of another type": {transaction([]part{type9(append(standardFields, "13.005:EXISTING IMAGE")...)}), 3},
		"two digits":            {[]byte("1.01:22\x1d1.03:1\x1f1\x1e9\x1f00\x1c9.01:48\x1d9.03:0\x1d9.06:0\x1d9.10:1\x1d9.12:1\x1f00010001000\x1c"), 1},
		"zeros behind":          {append(transaction([]part{type9(standardFields...)}), 0, 0, 0, 0, 0), 3},
	} {
		views, err := Decode(tt.data, Options{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if checkViews(t, tt.data, views); len(views) != 1 || len(views[0].Minutiae) != tt.want {
			t.Errorf("%s: %+v", name, views)
		}
	}
}
