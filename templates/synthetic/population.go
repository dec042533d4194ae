package synthetic

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/puente-project/puente/templates"
)

// Population is an unlimited set of artificial people. It is not changed by its
// methods; several goroutines may use it.
type Population struct {
	// MaxRoll is the largest rotation of a Genuine iris capture in columns,
	// either way. New sets it to (Shifts-1)/2, so that every rotation is among
	// those tried; 0 makes captures without head tilt.
	MaxRoll int

	scheme templates.Scheme
	seed   uint64
	iris   *irisModel
}

// New makes the population of a seed under a scheme. The error is that of
// Scheme.Validate, or says that random vectors of that many coordinates cannot be
// quantised to so small a norm (Norm must be at least 8 and 2*Norm^2 at least
// Dims); either wraps templates.ErrScheme.
func New(scheme templates.Scheme, seed uint64) (*Population, error) {
	if err := scheme.Validate(); err != nil {
		return nil, err
	}
	p := &Population{scheme: scheme, seed: seed}
	switch scheme.Modality {
	case templates.ModalityIris:
		p.MaxRoll = (scheme.Shifts - 1) / 2
		p.iris = newIrisModel(scheme.Shape)
	case templates.ModalityVector:
		if scheme.Norm < 8 || 2*scheme.Norm*scheme.Norm < scheme.Dims {
			return nil, fmt.Errorf("%w: norm %d is too small for synthetic vectors of %d coordinates", templates.ErrScheme, scheme.Norm, scheme.Dims)
		}
	}
	return p, nil
}

// Scheme is the scheme under which all templates are admissible.
func (p *Population) Scheme() templates.Scheme { return p.scheme }

// Entry is the template with which person i is enrolled.
func (p *Population) Entry(i int) templates.Template {
	if p.iris == nil {
		return p.quantise(normals(p.stream(kindPerson, i, 0), p.scheme.Dims))
	}
	return p.irisOf(kindPerson, kindMask, i)
}

// Stranger is a template of somebody who is no Entry of any number.
func (p *Population) Stranger(i int) templates.Template {
	if p.iris == nil {
		return p.quantise(normals(p.stream(kindStranger, i, 0), p.scheme.Dims))
	}
	return p.irisOf(kindStranger, kindStrangerMask, i)
}

// Genuine is another capture of the person of Entry(i); different k give
// different captures.
func (p *Population) Genuine(i, k int) templates.Template {
	if p.iris == nil {
		return p.genuineVector(i, k)
	}
	return p.genuineIris(i, k)
}

// kind separates the streams of random numbers.
type kind uint8

const (
	kindPerson kind = iota + 1
	kindMask
	kindStranger
	kindStrangerMask
	kindCapture
)

// stream is the source of random numbers for one purpose.
func (p *Population) stream(what kind, i, k int) *rand.ChaCha8 {
	var in [64]byte
	b := append(in[:0], "puente synthetic 1\x00"...)
	b = binary.BigEndian.AppendUint64(b, p.seed)
	b = append(b, byte(what))
	b = binary.BigEndian.AppendUint64(b, uint64(int64(i)))
	b = binary.BigEndian.AppendUint64(b, uint64(int64(k)))
	return rand.NewChaCha8(sha256.Sum256(b))
}

// fraction draws a number in [0, 1).
func fraction(r *rand.ChaCha8) float64 { return float64(r.Uint64()>>11) / (1 << 53) }

// normal draws from nearly the standard normal distribution: the sum of twelve
// uniform numbers (Irwin-Hall), which ends at +-6. Unlike the usual methods it
// is exact arithmetic.
func normal(r *rand.ChaCha8) float64 {
	var sum uint64
	for range 3 {
		w := r.Uint64()
		sum += w&0xffff + w>>16&0xffff + w>>32&0xffff + w>>48
	}
	// Twelve numbers of mean (2^16-1)/2.
	return float64(int64(sum)-6*(1<<16-1)) / (1 << 16)
}
