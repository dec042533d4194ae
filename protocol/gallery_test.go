package protocol

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestCompactGallery: both forms of a gallery give the same bytes, for one ciphertext,
// several, and a last one that is not full.
func TestCompactGallery(t *testing.T) {
	for _, text := range []string{"vector:24:norm=20:theta=60", "iris:4x32x1x1:shifts=7:threshold=1/3:delta=5", "fingers:2,9:8:norm=20:theta=60+20"} {
		scheme := mustScheme(t, text)
		rng := rand.New(rand.NewPCG(1, 9))
		list := make([]templates.Template, 700)
		for i := range list {
			list[i] = randomTemplate(rng, scheme)
		}
		probes := []templates.Template{randomTemplate(rng, scheme), randomTemplate(rng, scheme)}
		resident := gallery(t, scheme, 8, list)
		told := 0
		compact, err := NewCompactGallery(context.Background(), scheme, 1, len(list), 8, templates.Sequence(list), func(done int) { told = done })
		if err != nil {
			t.Fatal(err)
		}
		if !compact.Compact() || resident.Compact() || told != len(list) || compact.Bytes() >= resident.Bytes() {
			t.Errorf("%s: compact %v, resident %v, %d entries told, %d bytes against %d", text, compact.Compact(), resident.Compact(), told, compact.Bytes(), resident.Bytes())
		}
		a, b := meet(t, terms(scheme), probes, resident, 1, 2), meet(t, terms(scheme), probes, compact, 1, 2)
		a.finish(t)
		b.finish(t)
		if len(a.down) == 0 || len(a.down) != len(b.down) {
			t.Fatalf("%s: %d and %d messages", text, len(a.down), len(b.down))
		}
		for i := range a.down {
			if !bytes.Equal(a.down[i], b.down[i]) {
				t.Fatalf("%s: message %d differs", text, i)
			}
		}
	}
	scheme := mustScheme(t, "vector:24:norm=20:theta=60")
	if _, err := NewCompactGallery(context.Background(), scheme, 1, 2, 0, templates.Sequence(nil), nil); err == nil {
		t.Error("a source that yields too little is accepted")
	}
	if _, err := NewCompactGallery(context.Background(), scheme, 1, 0, 0, templates.Sequence(nil), nil); err == nil {
		t.Error("a gallery of nobody is accepted")
	}
}
