package intake

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// seen knows the templates and handles that are enrolled or in this import, by
// hash and by name: about 100 bytes of memory each.
type seen struct {
	templates map[[sha256.Size]byte]Origin
	handles   map[string]struct{}
}

func newSeen() *seen {
	return &seen{templates: map[[sha256.Size]byte]Origin{}, handles: map[string]struct{}{}}
}

// enrolledFile stands in an Origin for the watchlist; no path is empty.
const enrolledFile = ""

// learn takes up what a watchlist holds.
func (s *seen) learn(list *watchlist.Watchlist) (watchlist.Generation, error) {
	return list.Each(func(slot int, r watchlist.Record) error {
		sum, err := digest(r.Template)
		if err != nil {
			return err
		}
		s.templates[sum] = Origin{File: enrolledFile, Record: slot}
		s.handles[r.Handle] = struct{}{}
		return nil
	})
}

// errDuplicate is for what is there already.
var errDuplicate = errors.New("duplicate")

// add reports what is there already, wrapping errDuplicate, and otherwise
// remembers it.
func (s *seen) add(rec Record, at Origin) error {
	sum, err := digest(rec.Template)
	if err != nil {
		return err
	}
	if other, ok := s.templates[sum]; ok {
		if other.File == enrolledFile {
			return fmt.Errorf("%w: the same template is in the watchlist already, in slot %d", errDuplicate, other.Record)
		}
		return fmt.Errorf("%w: the same template as that of %s", errDuplicate, other)
	}
	if rec.Handle != "" {
		if err := watchlist.CheckHandle(rec.Handle); err != nil {
			return err
		}
		if _, ok := s.handles[rec.Handle]; ok {
			return fmt.Errorf("%w: the handle that the record brings with it is in use already", errDuplicate)
		}
		s.handles[rec.Handle] = struct{}{}
	}
	s.templates[sum] = at
	return nil
}

func digest(t templates.Template) ([sha256.Size]byte, error) {
	b, err := templates.EncodeBinary(t)
	return sha256.Sum256(b), err
}
