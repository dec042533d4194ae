package transcript

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/puente-project/puente/protocol/signature"
)

// Note is a statement with signatures, in the manner of a C2SP signed note: the text, an
// empty line, and one line for each signature,
//
//	— name base64(signature)
//
// with the hybrid signature of package signature over the text.
type Note struct {
	Body       string
	Signatures []NamedSignature // in the order in which they were made, one for each name
}

// NamedSignature is one signature line.
type NamedSignature struct {
	Name      string
	Signature signature.Signature
}

const mark = "— "

var noteEncoding = base64.StdEncoding.Strict()

// Sign appends the signature of an agency.
func (n *Note) Sign(ctx context.Context, name string, s signature.Signer) error {
	sig, err := s.Sign(ctx, []byte(n.Body))
	if err != nil {
		return err
	}
	n.Signatures = append(n.Signatures, NamedSignature{name, sig})
	return nil
}

// Verify checks the signature of an agency with the one of its keys that has the given
// id, which the statement names.
func (n Note) Verify(name string, keys []signature.PublicKey, id Digest) error {
	i := slices.IndexFunc(n.Signatures, func(s NamedSignature) bool { return s.Name == name })
	if i < 0 {
		return fmt.Errorf("%w: %s has not signed", ErrSignature, name)
	}
	k := slices.IndexFunc(keys, func(k signature.PublicKey) bool { return Digest(k.ID()) == id })
	if k < 0 {
		return fmt.Errorf("%w: %s has no key with the id %v", ErrSignature, name, id)
	}
	if err := signature.Verify(keys[k], []byte(n.Body), n.Signatures[i].Signature); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrSignature, name, err)
	}
	return nil
}

// Text returns the canonical form.
func (n Note) Text() string {
	var b strings.Builder
	b.WriteString(n.Body)
	b.WriteByte('\n')
	for _, s := range n.Signatures {
		fmt.Fprintf(&b, "%s%s %s\n", mark, s.Name, noteEncoding.EncodeToString(s.Signature.Bytes()))
	}
	return b.String()
}

// ParseNote takes a note apart. It verifies nothing: nothing may be concluded from a
// note before Verify. At most four signatures.
func ParseNote(text string) (Note, error) {
	bad := func(what string) (Note, error) { return Note{}, fmt.Errorf("note: %w: %s", ErrFormat, what) }
	if len(text) > MaxText+4*(signature.Size*2) {
		return bad("too long")
	}
	i := strings.Index(text, "\n\n")
	if i < 0 {
		return bad("no empty line behind the text")
	}
	n := Note{Body: text[:i+1]}
	lines := strings.Split(text[i+2:], "\n")
	if lines[len(lines)-1] != "" {
		return bad("the last line has no end")
	}
	for _, line := range lines[:len(lines)-1] {
		rest, marked := strings.CutPrefix(line, mark)
		name, encoded, ok := strings.Cut(rest, " ")
		if !marked || !ok || !ValidCode(name) {
			return bad("a signature line is malformed")
		}
		b, err := noteEncoding.DecodeString(encoded)
		if err != nil || strings.ContainsAny(encoded, "\r\n") {
			return bad("a signature is no base64")
		}
		sig, err := signature.Parse(b)
		if err != nil {
			return Note{}, fmt.Errorf("note: %w: %s: %w", ErrFormat, name, err)
		}
		for _, s := range n.Signatures {
			if s.Name == name {
				return bad(name + " has signed twice")
			}
		}
		if n.Signatures = append(n.Signatures, NamedSignature{name, sig}); len(n.Signatures) > 4 {
			return bad("more than four signatures")
		}
	}
	if n.Text() != text {
		return bad("not canonical")
	}
	return n, nil
}
