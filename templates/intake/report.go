package intake

import (
	"errors"
	"fmt"

	"github.com/puente-project/puente/templates"
)

// Report counts what an import did. Its JSON form is stable.
type Report struct {
	// Accepted is the number of entries made, Impressions the number of impressions
	// of fingers, as minutiae, that went into them.
	Accepted    int `json:"accepted"`
	Impressions int `json:"impressions,omitempty"`
	// Eyes counts the iris codes by eye.
	Eyes struct {
		Left    int `json:"left"`
		Right   int `json:"right"`
		Unknown int `json:"unknown"`
	} `json:"eyes"`
	// Loss is what quantising real vectors cost, 1 minus the cosine; of a fused
	// entry, the most that one of its fingers lost.
	Loss struct {
		Vectors int     `json:"vectors"`
		Mean    float64 `json:"mean"`
		Max     float64 `json:"max"`
	} `json:"cosine_loss"`
	// Refused are the records that were not taken, in the order in which they
	// were found.
	Refused []*Refusal `json:"refused"`
}

// accept counts an entry.
func (r *Report) accept(rec Record) {
	r.Accepted++
	switch t := rec.Template.(type) {
	case *templates.Iris:
		r.eye(rec.Eye)
	case *templates.Fused:
		left, right := t.Eyes()
		if left != nil {
			r.eye(templates.EyeLeft)
		}
		if right != nil {
			r.eye(templates.EyeRight)
		}
	}
	r.Impressions += rec.Impressions
	if rec.Loss > 0 {
		l := &r.Loss
		l.Vectors++
		l.Mean += (rec.Loss - l.Mean) / float64(l.Vectors)
		l.Max = max(l.Max, rec.Loss)
	}
}

func (r *Report) eye(e templates.Eye) {
	switch e {
	case templates.EyeLeft:
		r.Eyes.Left++
	case templates.EyeRight:
		r.Eyes.Right++
	default:
		r.Eyes.Unknown++
	}
}

// failed takes a refusal up and reports whether the import may go on: if it is
// one, if the caller wants that, and if there are not too many.
func (r *Report) failed(err error, keepGoing bool) error {
	refusal := new(Refusal)
	if !errors.As(err, &refusal) {
		return err
	}
	if len(r.Refused) == MaxRefusals {
		return fmt.Errorf("more than %d records are refused, the last one for this: %w", MaxRefusals, err)
	}
	r.Refused = append(r.Refused, refusal)
	if !keepGoing {
		return err
	}
	return nil
}
