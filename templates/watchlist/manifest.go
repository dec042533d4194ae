package watchlist

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/templates"
)

const manifestFormat = "puente-watchlist/1"

// manifest is manifest.json, canonical: parseManifest accepts exactly what
// encode writes. MAC covers the same JSON with an empty MAC.
type manifest struct {
	Format   string       `json:"format"`
	ID       id           `json:"id"`
	Name     string       `json:"name"`
	Scheme   string       `json:"scheme"`
	Epoch    uint64       `json:"epoch"`
	Total    int          `json:"total"`
	Segments []segmentRef `json:"segments"`
	KeyCheck string       `json:"key_check"`
	MAC      string       `json:"mac"`
}

// segmentRef is one segment file, in slot order.
type segmentRef struct {
	File   string `json:"file"` // hex id and ".seg"
	Count  int    `json:"count"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const segmentSuffix = ".seg"

func segmentFile(i id) string { return hex.EncodeToString(i[:]) + segmentSuffix }

// segmentID is the inverse of segmentFile; nothing else is a segment's name,
// so that a manifest cannot point outside of its directory.
func segmentID(file string) (i id, ok bool) {
	digits, ok := strings.CutSuffix(file, segmentSuffix)
	ok = ok && i.UnmarshalText([]byte(digits)) == nil && segmentFile(i) == file
	return i, ok
}

// encode returns the canonical JSON.
func (m manifest) encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(m); err != nil {
		panic("watchlist: manifest cannot be encoded: " + err.Error()) // no field can fail
	}
	return b.Bytes()
}

// parseManifest checks form and bounds. What it returns is not authenticated.
func parseManifest(raw []byte) (manifest, error) {
	var m manifest
	if len(raw) > maxManifest {
		return m, fmt.Errorf("longer than %d bytes", maxManifest)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, fmt.Errorf("not a manifest: %w", err)
	}
	if m.Format != manifestFormat {
		return m, fmt.Errorf("format is not %q: written by another version of puente?", manifestFormat)
	}
	if !bytes.Equal(m.encode(), raw) {
		return m, errors.New("not in canonical form")
	}
	if _, err := m.meta(); err != nil {
		return m, err
	}
	if m.Epoch == 0 {
		return m, errors.New("epoch is 0")
	}
	if m.Segments == nil || len(m.Segments) > MaxSegments {
		return m, fmt.Errorf("segments missing or more than %d", MaxSegments)
	}
	total := 0
	seen := make(map[string]bool, len(m.Segments))
	for i, s := range m.Segments {
		if _, ok := segmentID(s.File); !ok || seen[s.File] {
			return m, fmt.Errorf("segment %d: bad or repeated file name", i)
		}
		if s.Count < 1 || s.Count > maxSegmentEntries || s.Bytes < minSegment || s.Bytes > maxSegment {
			return m, fmt.Errorf("segment %d: size out of bounds", i)
		}
		if !isHex(s.SHA256, sha256.Size) {
			return m, fmt.Errorf("segment %d: bad hash", i)
		}
		seen[s.File] = true
		total += s.Count
	}
	if total != m.Total || total > MaxEntries {
		return m, fmt.Errorf("total is %d, segments hold %d, the limit is %d", m.Total, total, MaxEntries)
	}
	if !isHex(m.KeyCheck, 32) || !isHex(m.MAC, sha256.Size) {
		return m, errors.New("bad key check or MAC")
	}
	return m, nil
}

func isHex(s string, size int) bool {
	return len(s) == 2*size && strings.Trim(s, "0123456789abcdef") == ""
}

// meta reads name and scheme.
func (m manifest) meta() (Meta, error) {
	if err := checkText("watchlist name", m.Name); err != nil {
		return Meta{}, err
	}
	scheme, err := templates.ParseScheme(m.Scheme)
	if err != nil {
		return Meta{}, err
	}
	return Meta{Name: m.Name, Scheme: scheme}, nil
}

// sign fills in KeyCheck and MAC.
func (m manifest) sign(s secrets) manifest {
	m.Format = manifestFormat
	m.KeyCheck = hex.EncodeToString(s.check[:])
	m.MAC = ""
	mac := s.mac(m.encode())
	m.MAC = hex.EncodeToString(mac[:])
	return m
}

// verify returns ErrWrongKey if the manifest belongs to another key, or another
// error if it was tampered with.
func (m manifest) verify(s secrets) error {
	want := m.sign(s)
	if !hmac.Equal([]byte(want.KeyCheck), []byte(m.KeyCheck)) {
		return ErrWrongKey
	}
	if m.ID != s.list || !hmac.Equal([]byte(want.MAC), []byte(m.MAC)) {
		return errors.New("authentication failed: it was damaged or tampered with, or belongs to another watchlist")
	}
	return nil
}

// writeManifest replaces the manifest; it is the moment at which a change
// happens. After an error it may have happened or not.
func (w *Watchlist) writeManifest(m manifest) (Generation, error) {
	raw := m.sign(w.keys).encode()
	err := durable.Replace(w.path(manifestFile), func(out io.Writer) error {
		if _, err := out.Write(raw[:len(raw)/2]); err != nil {
			return err
		}
		if err := w.at("manifest half written"); err != nil {
			return err
		}
		_, err := out.Write(raw[len(raw)/2:])
		return err
	})
	if err != nil {
		return Generation{}, fmt.Errorf("write watchlist manifest: %w", err)
	}
	return Generation{Epoch: m.Epoch, Digest: sha256.Sum256(raw)}, nil
}
