package opening

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cloudflare/circl/kem/xwing"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol/transcript"
)

const (
	fileVersion = 1
	tagSize     = 16 // of AES-256-GCM
)

// file is the JSON form of an opening.
type file struct {
	Version    int          `json:"puente_opening"`
	Session    string       `json:"session"`    // hex
	Role       string       `json:"role"`       // requester or holder
	Commitment string       `json:"commitment"` // hex
	Parts      []string     `json:"parts"`      // digests, hex: one, or two if split
	Sealed     []fileSealed `json:"sealed"`     // by part, then auditor
}

type fileSealed struct {
	Part       int    `json:"part"`    // 1 or 2
	Auditor    string `json:"auditor"` // id of the key, hex
	Enc        []byte `json:"enc"`
	Ciphertext []byte `json:"ciphertext"`
}

// Encode returns the canonical JSON of an opening, the content of its file.
func (o Opening) Encode() []byte {
	f := file{Version: fileVersion, Session: o.Subject.Session.String(), Role: o.Subject.Role.String(),
		Commitment: o.Subject.Commitment.String(), Parts: []string{}, Sealed: []fileSealed{}}
	for _, d := range o.parts {
		f.Parts = append(f.Parts, d.String())
	}
	for _, s := range o.sealed {
		f.Sealed = append(f.Sealed, fileSealed{s.part, s.auditor.String(), s.enc, s.ciphertext})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(f); err != nil {
		panic("opening: it cannot be encoded: " + err.Error()) // no field can fail
	}
	return b.Bytes()
}

// Parse is the inverse of Encode: what it accepts, Encode gives back byte for byte. It
// checks the form only; nothing in an opening is to be believed before Open. The error is
// ErrFormat.
func Parse(b []byte) (Opening, error) {
	bad := func(format string, args ...any) (Opening, error) {
		return Opening{}, fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
	if len(b) > MaxFile {
		return bad("%d bytes, at most %d", len(b), MaxFile)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f file
	if err := d.Decode(&f); err != nil {
		return bad("not the JSON of an opening")
	}
	if f.Version != fileVersion {
		return bad("version %d, this program reads %d", f.Version, fileVersion)
	}
	var o Opening
	switch f.Role {
	case transcript.Requester.String():
		o.Subject.Role = transcript.Requester
	case transcript.Holder.String():
		o.Subject.Role = transcript.Holder
	default:
		return bad("the role is neither requester nor holder")
	}
	if len(f.Parts) < 1 || len(f.Parts) > 2 {
		return bad("%d parts, want 1 or 2", len(f.Parts))
	}
	if len(f.Sealed) < 1 || len(f.Sealed) > MaxAuditors {
		return bad("%d sealed parts, want 1 to %d", len(f.Sealed), MaxAuditors)
	}
	o.parts = make([]transcript.Digest, len(f.Parts))
	ok := fromHex(o.Subject.Session[:], f.Session) && fromHex(o.Subject.Commitment[:], f.Commitment)
	for i, text := range f.Parts {
		ok = ok && fromHex(o.parts[i][:], text)
	}
	size := o.partSize() + tagSize
	for _, s := range f.Sealed {
		var id KeyID
		ok = ok && fromHex(id[:], s.Auditor)
		if s.Part < 1 || s.Part > len(f.Parts) {
			return bad("part %d of %d", s.Part, len(f.Parts))
		}
		if len(s.Enc) != xwing.CiphertextSize || len(s.Ciphertext) != size {
			return bad("a sealed part of the wrong length")
		}
		o.sealed = append(o.sealed, sealed{s.Part, id, s.Enc, s.Ciphertext})
	}
	if !ok {
		return bad("a digest is not 64 lower-case hexadecimal digits")
	}
	if !slices.IsSortedFunc(o.sealed, compareSealed) || len(slices.CompactFunc(slices.Clone(o.sealed),
		func(a, b sealed) bool { return compareSealed(a, b) == 0 })) != len(o.sealed) {
		return bad("the sealed parts are not in ascending order")
	}
	if !bytes.Equal(o.Encode(), b) {
		return bad("not in canonical form")
	}
	return o, nil
}

func fromHex(dst []byte, text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && copy(dst, b) == len(dst) && hex.EncodeToString(dst) == text
}

func compareSealed(a, b sealed) int {
	return cmp.Or(cmp.Compare(a.part, b.part), bytes.Compare(a.auditor[:], b.auditor[:]))
}

func (o Opening) partSize() int {
	if len(o.parts) == 2 {
		return partSize
	}
	return len(he.Seed{})
}
