package intake

import (
	"fmt"
	"io"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// fingers are the vectors of impressions until all have been read: those of one
// finger may be anywhere.
type fingers struct {
	vectoriser *minutiae.Vectoriser
	order      []*impressions
	byFinger   map[finger]*impressions
	seen       *seen // impressions
	held       int   // coordinates
}

// finger tells the fingers of an import apart.
type finger struct {
	subject  string
	position minutiae.Finger
}

// impressions are those of one finger.
type impressions struct {
	finger
	vectors [][]float64
	sources []Origin
}

// impressions reads a file of minutiae. A view that cannot be read spoils its
// record: what is wrong there may be wrong elsewhere.
func (in *intake) impressions(file string, src io.Reader) {
	at := Origin{File: file}
	data, err := readSmall(src)
	var views []minutiae.View
	if err == nil {
		views, err = minutiae.Decode(data, minutiae.Options{XYT: in.XYT})
	}
	if err == nil && len(views) == 0 {
		err = fmt.Errorf("%w: the record has no impression", minutiae.ErrFormat)
	}
	if err == nil && in.Scheme.Modality == templates.ModalityIris {
		err = fmt.Errorf("%w: it holds minutiae, the scheme is one of irises", templates.ErrInadmissible)
	}
	if err == nil {
		err = in.makeVectoriser()
	}
	if err != nil {
		in.refuse(at, classOf(err), err)
		return
	}
	var subject string
	if file != Stdin {
		if subject, err = labelOf(file, in.Label); err != nil {
			in.refuse(at, classOf(err), err)
			return
		}
	}
	for i, v := range views {
		at.Record = i + 1
		if !in.count() {
			return
		}
		if err := in.impression(subject, v, at); err != nil {
			in.refuse(at, classOf(err), err)
		}
		if in.stopped {
			return
		}
	}
}

func (in *intake) makeVectoriser() (err error) {
	if in.fingers.vectoriser != nil {
		return nil
	}
	if in.Dims == 0 {
		if in.Dims = in.Scheme.Dims; in.Dims == 0 {
			in.Dims = minutiae.DefaultDims
		}
	}
	if in.fingers.vectoriser, err = minutiae.NewVectoriser(in.Dims); err != nil {
		return fmt.Errorf("%w: vectors of minutiae: %w", templates.ErrInadmissible, err)
	}
	in.fingers.byFinger, in.fingers.seen = map[finger]*impressions{}, newSeen()
	return nil
}

// impression keeps the vector of a view for its finger.
func (in *intake) impression(subject string, v minutiae.View, at Origin) error {
	if err := in.Gate.CheckView(v); err != nil {
		return err
	}
	position, err := in.positionOf(at.File, v.Finger)
	if err != nil {
		return err
	}
	vector, err := in.fingers.vectoriser.Vector(v)
	if err != nil {
		return err
	}
	// An impression that comes twice would count twice in the average.
	v1, _, err := in.Read.Vector(vector)
	if err != nil {
		return err
	}
	f := &in.fingers
	if !in.Repeats {
		if err := f.seen.add(Record{Template: v1}, at); err != nil {
			return err
		}
	}
	if f.held += len(vector); f.held > maxPending {
		return fmt.Errorf("%w: more impressions than are held for averaging; import the fingers in parts", templates.ErrTooLarge)
	}
	key := finger{subject, position}
	of := f.byFinger[key]
	if of == nil {
		of = &impressions{finger: key}
		f.order = append(f.order, of)
		if subject != "" && !in.Apart { // of nobody's impressions it is not known whether they are of one finger
			f.byFinger[key] = of
		}
	}
	of.vectors, of.sources = append(of.vectors, vector), append(of.sources, at)
	return nil
}

// average averages the impressions of each finger and gives the vectors on.
func (in *intake) average() {
	for _, of := range in.fingers.order {
		if in.stopped {
			return
		}
		at := of.sources[0]
		average, err := minutiae.Average(of.vectors)
		of.vectors = nil
		var v templates.Vector
		rec := Record{Subject: of.subject, Finger: of.position, Sources: of.sources, Impressions: len(of.sources)}
		if err == nil {
			v, rec.Loss, err = in.Read.Vector(average)
		}
		if err != nil {
			in.refuse(at, classOf(err), err)
			continue
		}
		rec.Template = v
		in.check(rec)
	}
}
