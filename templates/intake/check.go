package intake

import (
	"errors"
	"fmt"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// take checks a record of a Reader and gives it on.
func (in *intake) take(file string, r templates.Record, only bool) {
	if !in.count() {
		return
	}
	at := Origin{File: file, Record: r.Number, Line: r.Line}
	rec := Record{Template: r.Template, Handle: r.Handle, Subject: r.Subject, Eye: r.Eye, Finger: minutiae.Finger(r.Finger), Loss: r.Loss, Sources: []Origin{at}}
	if rec.Subject == "" && file != Stdin && (only || in.Label != nil) {
		var err error
		if rec.Subject, err = labelOf(file, in.Label); err != nil {
			in.refuse(at, classOf(err), err)
			return
		}
	}
	if r.Template.Modality() == templates.ModalityVector {
		var err error
		if rec.Finger, err = in.positionOf(file, rec.Finger); err != nil {
			in.refuse(at, classOf(err), err)
			return
		}
	}
	in.check(rec)
}

// check gives a record on if it passes everything, keeps it for its person, or
// refuses it.
func (in *intake) check(rec Record) {
	err := checkLoss(rec.Loss)
	if err == nil {
		err = in.admitEye(&rec)
	}
	if err == nil && (!in.Apart || in.Capture != nil) && in.Scheme.Modality == templates.ModalityFused && rec.Template.Modality() != templates.ModalityFused {
		if err = in.part(rec); err == nil {
			return
		}
	}
	if err != nil {
		in.refuse(rec.Sources[0], classOf(err), err)
		return
	}
	in.finish(rec)
}

// finish makes a template fit the scheme and gives the record on.
func (in *intake) finish(rec Record) {
	var err error
	if in.Scheme != (templates.Scheme{}) {
		rec.Template, err = in.Scheme.Adapt(rec.Template)
	}
	if err == nil {
		err = in.Gate.Check(rec.Template)
	}
	if err == nil && !in.Repeats {
		err = in.seen.add(rec, rec.Sources[0])
	}
	if err != nil {
		in.refuse(rec.Sources[0], classOf(err), err)
		return
	}
	if rec.Template.Modality() == templates.ModalityIris && !in.eyed {
		in.eye, in.eyed = rec.Eye, true
	}
	in.give(rec, nil)
}

// admitEye decides which eye an iris code is of, and whether it is wanted.
func (in *intake) admitEye(rec *Record) error {
	if rec.Template.Modality() != templates.ModalityIris {
		return nil
	}
	if in.Eye != templates.EyeUnknown {
		if rec.Eye != templates.EyeUnknown && rec.Eye != in.Eye {
			return fmt.Errorf("%w: the record is of the %s eye, this import is of the %s one", errEye, rec.Eye, in.Eye)
		}
		rec.Eye = in.Eye
	}
	if !in.MixEyes && in.eyed && rec.Eye != in.eye {
		return fmt.Errorf("%w: the record says %q, the first of this import %q: keep the eyes in watchlists of their own, or mix them on purpose", errEye, rec.Eye, in.eye)
	}
	return nil
}

// errEye is for an eye that is not wanted.
var errEye = errors.New("another eye")
