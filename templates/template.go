package templates

import (
	"fmt"
	"iter"
	"log/slog"
)

// Modality is the kind of a template.
type Modality uint8

// The modalities. The numbers are part of the binary form.
const (
	ModalityIris   Modality = 1
	ModalityVector Modality = 2
	ModalityFused  Modality = 3
)

// String is "iris", "vector" or "fused".
func (m Modality) String() string {
	switch m {
	case ModalityIris:
		return "iris"
	case ModalityVector:
		return "vector"
	case ModalityFused:
		return "fused"
	}
	return fmt.Sprintf("modality(%d)", uint8(m))
}

// Template is a biometric template: an *Iris, a Vector or a *Fused, and nothing else.
// Templates are immutable by convention and may be shared between goroutines.
type Template interface {
	// Modality is the kind of the template.
	Modality() Modality
	// String describes the template without its values.
	String() string
	template()
}

// Equal reports whether two templates are the same in kind, size and every
// value. It is not constant-time.
func Equal(a, b Template) bool {
	switch a := a.(type) {
	case *Iris:
		b, ok := b.(*Iris)
		return ok && a.Equal(b)
	case Vector:
		b, ok := b.(Vector)
		return ok && a.Equal(b)
	case *Fused:
		b, ok := b.(*Fused)
		return ok && a.Equal(b)
	}
	return false
}

// redaction is what the secret types print in place of their values. It is a
// type of its own so that all of them share every way of being printed.
type redaction string

func (r redaction) format(f fmt.State)           { _, _ = f.Write([]byte(r)) }
func (r redaction) logValue() slog.Value         { return slog.StringValue(string(r)) }
func (r redaction) marshalJSON() ([]byte, error) { return fmt.Appendf(nil, "%q", string(r)), nil }

// Sequence yields the templates of a list in order, never an error: the form in which
// watchlists are read.
func Sequence(list []Template) iter.Seq2[Template, error] {
	return func(yield func(Template, error) bool) {
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}
