package intake

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// irisWith makes an iris code whose first usable bits are usable and of whose
// code the given fraction of bytes is set.
func irisWith(t *testing.T, usable int, pattern byte) *templates.Iris {
	t.Helper()
	n := smallShape.Bits()
	code, mask := make([]byte, n/8), make([]byte, n/8)
	for i := range n {
		if i < usable {
			mask[i/8] |= 128 >> (i % 8)
		}
		code[i/8] = pattern
	}
	iris, err := templates.NewIris(smallShape, code, mask)
	if err != nil {
		t.Fatal(err)
	}
	return iris
}

func TestGate(t *testing.T) {
	vector := func(norm int, coords ...int8) templates.Vector {
		v, err := templates.NewVector(coords, norm)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	fused := func(left *templates.Iris, v templates.Vector) templates.Template {
		f, err := templates.NewFused(left, nil, map[int]templates.Vector{3: v})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	good, poor := irisWith(t, 1024, 0x55), irisWith(t, 511, 0x55)
	for name, c := range map[string]struct {
		gate Gate
		t    templates.Template
		want string // "" if it passes
	}{
		"a quarter":             {Gate{}, irisWith(t, 512, 0x55), ""},
		"less than a quarter":   {Gate{}, poor, "511 of 2048 bits"},
		"given bound":           {Gate{MinUsableBits: 511}, poor, ""},
		"above the given bound": {Gate{MinUsableBits: 1025}, good, "at least 1025"},
		"one bit in eight":      {Gate{}, irisWith(t, 2048, 0x01), ""},
		"no bit set":            {Gate{}, irisWith(t, 2048, 0), "nearly all usable bits are equal"},
		"all bits set":          {Gate{}, irisWith(t, 2048, 0xff), "nearly all usable bits are equal"},
		"nothing usable, bound": {Gate{MinUsableBits: 1}, irisWith(t, 0, 0x55), "0 of 2048 bits"},
		"vector of its norm":    {Gate{}, vector(5, 3, -4), ""},
		"vector a little short": {Gate{}, vector(10, 9), ""},
		"vector too short":      {Gate{}, vector(10, 8), "much shorter than its norm 10"},
		"zero vector":           {Gate{}, vector(10, 0, 0), "much shorter"},
		"fused":                 {Gate{}, fused(good, vector(5, 3, -4)), ""},
		"fused, poor eye":       {Gate{}, fused(poor, vector(5, 3, -4)), "left eye: "},
		"fused, poor finger":    {Gate{}, fused(good, vector(10, 8)), "finger 3: "},
		"nothing":               {Gate{}, nil, "no template"},
		"nil iris":              {Gate{}, (*templates.Iris)(nil), "no template"},
		"nil fused":             {Gate{}, (*templates.Fused)(nil), "no template"},
		"vector put by hand":    {Gate{}, templates.Vector{}, "much shorter"},
	} {
		err := c.gate.Check(c.t)
		if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrQuality) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Real eyes pass.
	files, _ := filepath.Glob(filepath.Join(samples, "open-iris/*.json"))
	if len(files) < 2 {
		t.Fatal("no samples")
	}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		all, err := templates.Read(f, templates.Options{})
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if err := (Gate{}).Check(all[0]); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestGateMinutiae(t *testing.T) {
	for _, c := range []struct {
		gate Gate
		n    int
		ok   bool
	}{{Gate{}, DefaultMinMinutiae, true}, {Gate{}, DefaultMinMinutiae - 1, false}, {Gate{MinMinutiae: 3}, 3, true}, {Gate{MinMinutiae: 30}, 29, false}} {
		err := c.gate.CheckView(minutiae.View{Minutiae: make([]minutiae.Minutia, c.n)})
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrQuality) {
			t.Errorf("%+v, %d minutiae: %v", c.gate, c.n, err)
		}
	}
}
