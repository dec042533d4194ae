package transcript

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Errors of this package, for errors.Is.
var (
	// ErrFormat: bytes that are not the canonical form of a statement.
	ErrFormat = errors.New("malformed statement")
	// ErrSignature: a signature is missing or does not verify.
	ErrSignature = errors.New("signature does not verify")
)

// Limits of what is parsed.
const (
	// MaxText bounds a statement without its signatures, in bytes.
	MaxText = 8 << 10
	// maxValue bounds the value of a field.
	maxValue = 4 << 10
)

// Digest is a SHA-256 in a statement.
type Digest [32]byte

// String returns 64 hex digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// writer composes a statement.
type writer struct{ b strings.Builder }

func begin(title string) *writer {
	w := &writer{}
	w.b.WriteString(title + "\n")
	return w
}

func (w *writer) text(name, value string)       { w.b.WriteString(name + " " + value + "\n") }
func (w *writer) digest(name string, d Digest)  { w.text(name, d.String()) }
func (w *writer) number(name string, n uint64)  { w.text(name, strconv.FormatUint(n, 10)) }
func (w *writer) time(name string, t time.Time) { w.text(name, t.UTC().Format(time.RFC3339)) }

// reader takes a statement apart; the first fault sticks.
type reader struct {
	what string
	rest string
	err  error
}

// open checks the title. Statements are printable ASCII lines, each ended by one newline.
func open(title, text string) *reader {
	r := &reader{what: title}
	if len(text) > MaxText {
		r.fail("%d bytes, at most %d", len(text), MaxText)
		return r
	}
	rest, ok := strings.CutPrefix(text, title+"\n")
	if !ok {
		r.fail("the first line is not %q", title)
		return r
	}
	for _, c := range []byte(rest) {
		if c != '\n' && (c < ' ' || c > '~') {
			r.fail("a character that cannot be printed")
			return r
		}
	}
	r.rest = rest
	return r
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %w: %s", r.what, ErrFormat, fmt.Sprintf(format, args...))
	}
}

func (r *reader) text(name string) string {
	if r.err != nil {
		return ""
	}
	line, rest, ok := strings.Cut(r.rest, "\n")
	value, named := strings.CutPrefix(line, name+" ")
	if !ok || !named || value == "" || len(value) > maxValue || strings.TrimSpace(value) != value {
		r.fail("the field %s is missing or malformed", name)
		return ""
	}
	r.rest = rest
	return value
}

// code reads a name of 1 to 64 characters of a-z, 0-9 and -.
func (r *reader) code(name string) string {
	v := r.text(name)
	if r.err == nil && !ValidCode(v) {
		r.fail("%s is not 1 to 64 characters of a-z, 0-9 and -", name)
	}
	return v
}

// ValidCode reports whether a name of an agency, watchlist, purpose or legal basis is 1
// to 64 characters of a-z, 0-9 and -, not starting with -.
func ValidCode(s string) bool {
	if len(s) == 0 || len(s) > 64 || s[0] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (r *reader) digest(name string) (d Digest) {
	v := r.text(name)
	b, err := hex.DecodeString(v)
	if r.err == nil && (err != nil || len(b) != len(d) || hex.EncodeToString(b) != v) {
		r.fail("%s is not 64 lower-case hexadecimal digits", name)
		return d
	}
	copy(d[:], b)
	return d
}

func (r *reader) number(name string) uint64 {
	v := r.text(name)
	n, err := strconv.ParseUint(v, 10, 64)
	if r.err == nil && (err != nil || strconv.FormatUint(n, 10) != v) {
		r.fail("%s is no number", name)
	}
	return n
}

func (r *reader) time(name string) time.Time {
	v := r.text(name)
	t, err := time.Parse(time.RFC3339, v)
	if r.err == nil && (err != nil || t.UTC().Format(time.RFC3339) != v) {
		r.fail("%s is no time in UTC", name)
	}
	return t
}

func (r *reader) finish() error {
	if r.err == nil && r.rest != "" {
		r.fail("more than the last field")
	}
	return r.err
}
