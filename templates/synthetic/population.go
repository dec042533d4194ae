package synthetic

import (
	"fmt"

	"github.com/puente-project/puente/templates"
)

// Population is an unlimited set of artificial people. It is not changed by its
// methods; several goroutines may use it.
type Population struct {
	// MaxRoll is the largest rotation of a Genuine iris capture in columns,
	// either way. New sets it to (Shifts-1)/2, so that every rotation is among
	// those tried; 0 makes captures without head tilt.
	MaxRoll int
	// Quality is that of the irises of Genuine and Stranger. Entries do not depend
	// on it.
	Quality Quality
	// Embedding is that of the vectors of Genuine and Finger. Entries and strangers
	// do not depend on it.
	Embedding Embedding

	scheme templates.Scheme
	seed   uint64
	iris   *irisModel // nil without eyes
}

// New makes the population of a seed under a scheme. The error is that of
// Scheme.Validate, or says that random vectors of that many coordinates cannot be
// quantised to so small a norm (Norm must be at least 8 and 2*Norm^2 at least
// Dims); either wraps templates.ErrScheme.
func New(scheme templates.Scheme, seed uint64) (*Population, error) {
	if err := scheme.Validate(); err != nil {
		return nil, err
	}
	if scheme.Dims > 0 && (scheme.Norm < 8 || 2*scheme.Norm*scheme.Norm < scheme.Dims) {
		return nil, fmt.Errorf("%w: norm %d is too small for synthetic vectors of %d coordinates; it must be at least 8, and twice its square no less than their number",
			templates.ErrScheme, scheme.Norm, scheme.Dims)
	}
	p := &Population{scheme: scheme, seed: seed, MaxRoll: (scheme.Shifts - 1) / 2}
	if scheme.Modality == templates.ModalityIris || scheme.Eyes > 0 {
		p.iris = newIrisModel(scheme.Shape)
	}
	return p, nil
}

// Scheme is the scheme under which all templates are admissible.
func (p *Population) Scheme() templates.Scheme { return p.scheme }

// Entry is the template with which person i is enrolled. Under a fused scheme it has
// all parts of the scheme.
func (p *Population) Entry(i int) templates.Template {
	return p.person(
		func(eye int) *templates.Iris { return p.enrolledIris(i, eye) },
		func(finger int) templates.Vector { return p.enrolledVector(kindPerson, i, finger) })
}

// Stranger is a template of somebody who is no Entry of any number.
func (p *Population) Stranger(i int) templates.Template {
	return p.person(
		func(eye int) *templates.Iris { return p.strangerIris(i, eye) },
		func(finger int) templates.Vector { return p.enrolledVector(kindStranger, i, finger) })
}

// Genuine is another capture of the person of Entry(i); different k give
// different captures. Both eyes are turned by the same angle.
func (p *Population) Genuine(i, k int) templates.Template {
	return p.person(
		func(eye int) *templates.Iris { return p.genuineIris(i, eye, k) },
		func(finger int) templates.Vector { return p.genuineVector(i, finger, k) })
}

// Finger is a vector of a finger of person i, under a scheme with vectors; under
// another one it panics. Different numbers are different fingers and as independent
// as different people. Capture 0 is enrolled; all captures of a finger, that one
// included, are equally alike. Under a fused scheme the fingers of Entry(i) are
// Finger(i, position, 0) and those of Genuine(i, k) are Finger(i, position, k+1);
// under a vector scheme the finger of both has number 0.
func (p *Population) Finger(i, finger, capture int) templates.Vector {
	if p.scheme.Dims == 0 {
		panic("synthetic: scheme " + p.scheme.String() + " has no vectors")
	}
	if capture == 0 {
		return p.enrolledVector(kindPerson, i, finger)
	}
	return p.genuineVector(i, finger, capture-1)
}

// person puts the parts together that the scheme has. A single eye and a single
// vector have number 0, the right eye has number 1 and fingers that of their
// position.
func (p *Population) person(eye func(int) *templates.Iris, finger func(int) templates.Vector) templates.Template {
	switch p.scheme.Modality {
	case templates.ModalityIris:
		return eye(0)
	case templates.ModalityVector:
		return finger(0)
	}
	var left, right *templates.Iris
	if p.iris != nil {
		left, right = eye(0), eye(1)
	}
	fingers := make(map[int]templates.Vector, p.scheme.Fingers.Len())
	for _, f := range p.scheme.Fingers.Positions() {
		fingers[f] = finger(f)
	}
	t, err := templates.NewFused(left, right, fingers)
	if err != nil {
		// All parts have the shape and size of the scheme.
		panic(err)
	}
	return t
}
