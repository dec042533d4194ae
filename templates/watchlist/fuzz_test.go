package watchlist

import (
	"bytes"
	"strings"
	"testing"
)

func TestLabelsAreDistinct(t *testing.T) {
	labels := []string{labelKeyCheck, labelManifest, labelSegment, handlesBlock, templatesBlock}
	for i, a := range labels {
		for j, b := range labels {
			if i != j && strings.HasPrefix(a, b) {
				t.Errorf("label %q begins with label %q", a, b)
			}
		}
	}
}

func FuzzManifest(f *testing.F) {
	s := newSecrets(testKey, id{1})
	m := manifest{ID: id{1}, Name: "n", Scheme: "vector:16:norm=63:theta=1191", Epoch: 1, Segments: []segmentRef{}}
	f.Add(m.sign(s).encode())
	m.Total = 3
	m.Segments = []segmentRef{{segmentFile(id{2}), 3, 500, strings.Repeat("0f", 32)}}
	f.Add(m.sign(s).encode())
	f.Add([]byte(`{"format":"puente-watchlist/1","segments":null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parseManifest(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(m.encode(), raw) {
			t.Errorf("accepted %q but writes %q", raw, m.encode())
		}
		if err := m.verify(s); err == nil && !bytes.Equal(m.sign(s).encode(), raw) {
			t.Errorf("verifies but signs differently: %q", raw)
		}
	})
}

// FuzzSegment feeds the parsers behind the seal, which a hostile owner of the
// key could reach.
func FuzzSegment(f *testing.F) {
	h := header{id: id{1}, count: 2, handleLen: 5}
	f.Add(h.encode(), []byte("\x01a\x02bc"), make([]byte, 50), uint16(2))
	f.Add([]byte(segmentMagic), []byte{}, []byte{}, uint16(1))
	f.Fuzz(func(t *testing.T, head, handles, encoded []byte, count uint16) {
		if h, err := parseHeader(head); err == nil {
			if !bytes.Equal(h.encode(), head) {
				t.Errorf("header %x becomes %x", head, h.encode())
			}
			if size := h.fileSize(25); size < minSegment || size > maxSegment {
				t.Errorf("header %x gives a file of %d bytes", head, size)
			}
		}
		n := int(count) % (maxSegmentEntries + 1)
		hs, err1 := splitHandles(handles, n)
		es, err2 := splitTemplates(encoded, n)
		if err1 != nil || err2 != nil {
			return
		}
		var again content
		for i := range hs {
			again.add(hs[i], es[i])
		}
		if !bytes.Equal(again.handles, handles) || !bytes.Equal(again.templates, encoded) {
			t.Errorf("blocks of %d entries are not canonical", n)
		}
	})
}
