package intake

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// ErrMapping is wrapped by the errors about the mapping file.
var ErrMapping = errors.New("mapping")

// Mapping is one line of the mapping file: what a handle stands for. It is the
// only place where both are.
type Mapping struct {
	Handle  string          `json:"handle"`
	Subject string          `json:"subject,omitempty"`
	Eye     string          `json:"eye,omitempty"`
	Finger  minutiae.Finger `json:"finger,omitempty"`
	Sources []Origin        `json:"sources"`
}

// newHandle gives a random handle of 128 bits.
func newHandle() string {
	random := make([]byte, 16)
	_, _ = rand.Read(random) // never fails since Go 1.24
	return hex.EncodeToString(random)
}

// mapping collects the lines of a mapping file; without a path it gives handles only.
type mapping struct {
	path string
	text bytes.Buffer
}

// newMapping refuses a path that is in use: the file there may be the only key to
// an earlier import.
func newMapping(path string) (*mapping, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: a file is needed, without it nobody knows what a handle stands for", ErrMapping)
	}
	switch _, err := os.Lstat(path); {
	case err == nil:
		return nil, fmt.Errorf("%w %s: %w; it is never written over, give another name", ErrMapping, path, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %w", ErrMapping, err)
	}
	return &mapping{path: path}, nil
}

// add gives the record its handle, unless it brought one, and notes both.
func (m *mapping) add(rec *Record) error {
	if rec.Handle == "" {
		rec.Handle = newHandle()
	}
	if m.path == "" {
		return nil
	}
	line := Mapping{Handle: rec.Handle, Subject: rec.Subject, Finger: rec.Finger, Sources: rec.Sources}
	if rec.Eye != templates.EyeUnknown {
		line.Eye = rec.Eye.String()
	}
	b, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMapping, err)
	}
	m.text.Write(append(b, '\n'))
	return nil
}

// write puts the file in place, mode 0600.
func (m *mapping) write() error {
	if m.path == "" {
		return nil
	}
	err := durable.Replace(m.path, func(w io.Writer) error {
		_, err := w.Write(m.text.Bytes())
		return err
	})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMapping, err)
	}
	return nil
}

// remove takes the file away again after what it belongs to has failed.
func (m *mapping) remove() {
	if m.path != "" {
		os.Remove(m.path)
	}
}
