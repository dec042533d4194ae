// Package canary makes entries and probes whose outcome an auditor knows beforehand.
//
// From a secret seed come a record for the holder's watchlist, a probe that hits it with
// certainty, and a probe that hits nothing at all. The auditor gives the record to the
// holder under an inconspicuous handle and has the requester ask both probes; neither
// party can tell the encrypted probes from others:
//
//	c, err := canary.New(scheme, seed)
//	plant(c.Handle, c.Record)           // in the holder's watchlist
//	hits := ask(c.Probe)
//	misses := ask(c.Blank)
//	err = canary.Check(slot, hits, misses)
//
// A canary that is not found shows a watchlist that is not the one asked for, or a
// threshold that was moved far; a blank probe that hits shows an answer that was made up.
// Both are decided by the scores of templates.Matcher at their ends: the probe equals the
// record, all of whose bits are usable or whose coordinates have the score of a hit, in all
// parts that the scheme has; the blank has no usable bit, or no coordinate that is not zero,
// and so a negative score against every template.
//
// The same scheme and seed give the same canary on every machine. Without the seed a
// record cannot be told from an entry that has a full mask: independent random bits, or
// coordinates of a random direction.
package canary

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
)

const (
	labelValues = "puente/v1/canary values"
	labelHandle = "puente/v1/canary handle"
)

// What Check finds, for errors.Is.
var (
	// ErrMissed: the canary was not among the hits of its probe.
	ErrMissed = errors.New("the canary was not found")
	// ErrFalse: the blank probe, which matches nothing, had a hit.
	ErrFalse = errors.New("a probe that matches nothing had a hit")
)

// Canary is a record and two probes.
type Canary struct {
	Handle string             // for the record, 16 hex digits
	Record templates.Template // to be put on the watchlist
	Probe  templates.Template // hits Record
	Blank  templates.Template // hits no template of the scheme
}

// New makes the canary of a seed. The error wraps templates.ErrScheme.
func New(scheme templates.Scheme, seed he.Seed) (Canary, error) {
	if err := scheme.Validate(); err != nil {
		return Canary{}, err
	}
	handle := seed.Derive(labelHandle)
	c := Canary{Handle: hex.EncodeToString(handle[:8])}
	stream := he.NewStream(seed, labelValues)
	var err error
	switch scheme.Modality {
	case templates.ModalityIris:
		err = c.iris(scheme, stream)
	case templates.ModalityVector:
		err = c.vector(scheme, stream)
	default:
		err = c.fused(scheme, stream)
	}
	c.Probe = c.Record
	return c, err
}

// iris sets independent bits, all of them usable: the score is Alpha*Bits - Delta, which a
// valid scheme does not make negative. Without usable bits it is -Delta, and Delta is
// positive.
func (c *Canary) iris(scheme templates.Scheme, stream *he.Stream) error {
	record, err := randomIris(scheme.Shape, stream)
	if err != nil {
		return err
	}
	blank, err := blankIris(scheme.Shape)
	c.Record, c.Blank = record, blank
	return err
}

// vector sets a random direction, whose score is the square of its length less Theta. Where
// rounding has left it too short for a threshold near the square of the norm, one
// coordinate takes the whole norm: its score is Norm^2 - Theta, which a valid scheme does
// not make negative. The zero vector scores -Theta, and Theta is positive.
func (c *Canary) vector(scheme templates.Scheme, stream *he.Stream) error {
	record, err := randomVector(scheme, stream)
	if err != nil || length2(record) < scheme.Theta {
		if record, err = oneCoordinate(scheme, stream); err != nil {
			return err
		}
	}
	blank, err := templates.NewVector(make([]int8, scheme.Dims), scheme.Norm)
	c.Record, c.Blank = record, blank
	return err
}

// fused sets both eyes and all fingers that the scheme has, as above: together they have
// the highest score, or with one coordinate for each finger certainly. The blank has one
// part, an eye without usable bits or a finger of zeros, and so the score -Delta or
// -Each - Theta.
func (c *Canary) fused(scheme templates.Scheme, stream *he.Stream) error {
	var eyes [2]*templates.Iris
	var err error
	for i := range scheme.Eyes {
		if eyes[i], err = randomIris(scheme.Shape, stream); err != nil {
			return err
		}
	}
	for _, draw := range []func(templates.Scheme, *he.Stream) (templates.Vector, error){randomVector, oneCoordinate} {
		fingers := map[int]templates.Vector{}
		short := false
		for _, position := range scheme.Fingers.Positions() {
			v, err := draw(scheme, stream)
			short = short || err != nil
			fingers[position] = v
		}
		if short {
			continue // no direction can be had at this norm
		}
		record, err := templates.NewFused(eyes[0], eyes[1], fingers)
		if err != nil {
			return err
		}
		matcher, err := templates.NewMatcher(scheme, record)
		if err != nil {
			return err
		}
		if c.Record = record; matcher.Hit(record) {
			break
		}
	}
	if scheme.Eyes > 0 {
		blank, err := blankIris(scheme.Shape)
		if err != nil {
			return err
		}
		c.Blank, err = templates.NewFused(blank, nil, nil)
		return err
	}
	zero, err := templates.NewVector(make([]int8, scheme.Dims), scheme.Norm)
	if err != nil {
		return err
	}
	c.Blank, err = templates.NewFused(nil, nil, map[int]templates.Vector{scheme.Fingers.Positions()[0]: zero})
	return err
}

// randomIris has independent bits, all of them usable.
func randomIris(shape templates.Shape, stream *he.Stream) (*templates.Iris, error) {
	code, full := make([]uint64, (shape.Bits()+63)/64), make([]uint64, (shape.Bits()+63)/64)
	for i := range code {
		code[i], full[i] = stream.Uint64(), ^uint64(0)
	}
	if spare := shape.Bits() % 64; spare != 0 {
		code[len(code)-1] &= 1<<spare - 1
		full[len(full)-1] = 1<<spare - 1
	}
	return templates.NewIrisColumns(shape, code, full)
}

// blankIris has no usable bit.
func blankIris(shape templates.Shape) (*templates.Iris, error) {
	none := make([]uint64, (shape.Bits()+63)/64)
	return templates.NewIrisColumns(shape, none, none)
}

// randomVector has a random direction.
func randomVector(scheme templates.Scheme, stream *he.Stream) (templates.Vector, error) {
	unit := make([]float64, scheme.Dims)
	for i := range unit {
		sum := int64(0)
		for range 12 { // nearly normal, and exact on every machine
			sum += int64(stream.Below(1 << 16))
		}
		unit[i] = float64(sum - 12*(1<<15))
	}
	return templates.Quantise(unit, scheme.Norm)
}

// oneCoordinate has the whole norm in one coordinate.
func oneCoordinate(scheme templates.Scheme, stream *he.Stream) (templates.Vector, error) {
	coords := make([]int8, scheme.Dims)
	coords[stream.Below(uint64(scheme.Dims))] = int8(scheme.Norm)
	return templates.NewVector(coords, scheme.Norm)
}

// length2 is the square of a vector's length.
func length2(v templates.Vector) (sum int64) {
	for _, x := range v.Coords {
		sum += int64(x) * int64(x)
	}
	return sum
}

// Check compares the answers with what they must be: slot, at which the record was planted,
// is among the hits of Probe, and Blank has none. The errors wrap ErrMissed and ErrFalse.
func Check(slot int, hits, blankHits []int) error {
	var missed, wrong error
	if !slices.Contains(hits, slot) {
		missed = fmt.Errorf("slot %d: %w", slot, ErrMissed)
	}
	if len(blankHits) > 0 {
		wrong = fmt.Errorf("%d slots, the first is %d: %w", len(blankHits), blankHits[0], ErrFalse)
	}
	return errors.Join(missed, wrong)
}
