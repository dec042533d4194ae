package intake

import (
	"errors"
	"fmt"

	"github.com/puente-project/puente/templates"
)

// person gathers the parts of one person for an entry of a fused scheme. The
// parts may be anywhere in the import.
type person struct {
	subject     string
	left, right *templates.Iris
	fingers     map[int]templates.Vector
	sources     []Origin
	loss        float64 // the largest of the parts
	impressions int
}

// people are in the order in which their first parts were found.
type people struct {
	order     []*person
	bySubject map[string]*person
	held      int // bytes
}

// part keeps a record for its person. Errors are refusals of this part alone.
func (in *intake) part(rec Record) error {
	key := rec.Subject
	var err error
	if in.Capture != nil {
		if key, err = in.Capture(rec); err != nil {
			return err
		}
	} else if key == "" {
		return fmt.Errorf("%w: the parts of a person are joined by label, and nothing says whose this is", errNoLabel)
	}
	if err := in.Gate.Check(rec.Template); err != nil {
		return err
	}
	p := in.people.bySubject[key]
	if p == nil || in.Capture != nil && p.has(rec) {
		p = &person{subject: rec.Subject, fingers: map[int]templates.Vector{}}
	}
	size := 0
	switch t := rec.Template.(type) {
	case *templates.Iris:
		eye := map[templates.Eye]**templates.Iris{templates.EyeLeft: &p.left, templates.EyeRight: &p.right}[rec.Eye]
		switch {
		case eye == nil:
			return fmt.Errorf("%w: which eye it is must be known to join it with the other parts of the person", errNoLabel)
		case *eye != nil:
			return fmt.Errorf("%w: the person has a %s eye already", errDuplicate, rec.Eye)
		}
		*eye, size = t, t.Shape().Bits()/4
	case templates.Vector:
		at := int(rec.Finger)
		if at < 1 || at > templates.Fingers {
			return fmt.Errorf("%w: which finger it is must be known to join it with the other parts of the person", errNoLabel)
		}
		if _, ok := p.fingers[at]; ok {
			return fmt.Errorf("%w: the person has finger %d already", errDuplicate, at)
		}
		p.fingers[at], size = t, len(t.Coords)
	}
	if in.people.held += size; in.people.held > maxJoining {
		return fmt.Errorf("%w: more parts than are held for joining; import the people in groups", templates.ErrTooLarge)
	}
	if p.sources == nil {
		in.people.order = append(in.people.order, p)
		in.people.bySubject[key] = p
	}
	p.sources, p.loss = append(p.sources, rec.Sources...), max(p.loss, rec.Loss)
	p.impressions += rec.Impressions
	return nil
}

// has reports whether the person has the part of a record already.
func (p *person) has(rec Record) bool {
	switch rec.Template.(type) {
	case *templates.Iris:
		return rec.Eye == templates.EyeLeft && p.left != nil || rec.Eye == templates.EyeRight && p.right != nil
	case templates.Vector:
		_, ok := p.fingers[int(rec.Finger)]
		return ok
	}
	return false
}

// join makes the entries of the people and gives them on.
func (in *intake) join() {
	for i, p := range in.people.order {
		if in.stopped {
			return
		}
		in.people.order[i] = nil
		rec := Record{Subject: p.subject, Loss: p.loss, Sources: p.sources, Impressions: p.impressions}
		fused, err := templates.NewFused(p.left, p.right, p.fingers)
		if err != nil {
			in.refuse(p.sources[0], classOf(err), fmt.Errorf("the parts of the person do not fit together: %w", err))
			continue
		}
		rec.Template = fused
		in.finish(rec)
	}
}

// errNoLabel is for records of which must be known whose they are.
var errNoLabel = errors.New("not enough is known")
