package intake

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
	"github.com/puente-project/puente/templates/watchlist"
)

// Class is the kind of reason for which a record is refused, for people who sort
// long reports. The values are part of the JSON report.
type Class string

// The classes.
const (
	// File: the file cannot be read, or is not a file.
	File Class = "file"
	// Unreadable: the record is not in a form that is read here.
	Unreadable Class = "unreadable"
	// TooLarge: the record or the input exceeds a limit.
	TooLarge Class = "too-large"
	// Invalid: the record is in a known form, but its values make no template.
	Invalid Class = "invalid"
	// Misfit: the template does not fit the scheme.
	Misfit Class = "misfit"
	// Quality: the template is too poor to be compared; see Gate.
	Quality Class = "quality"
	// Duplicate: the same template or handle is there already, or the handle is none.
	Duplicate Class = "duplicate"
	// WrongEye: it is not the eye that this import is for.
	WrongEye Class = "eye"
	// NoLabel: whose record it is, or which eye or finger, is not known and must be.
	NoLabel Class = "label"
)

// ErrQuality is wrapped by the errors of Gate.
var ErrQuality = errors.New("poor quality")

// Origin is where a record comes from.
type Origin struct {
	// File is the path as it was found, "-" for stdin.
	File string `json:"file"`
	// Record counts from 1; 0 means the file as a whole.
	Record int `json:"record"`
	// Line counts from 1; 0 in forms without lines.
	Line int `json:"line,omitempty"`
}

// String is "file, record 3, line 7".
func (o Origin) String() string {
	s := o.File
	if o.Record > 0 {
		s += fmt.Sprintf(", record %d", o.Record)
	}
	if o.Line > 0 {
		s += fmt.Sprintf(", line %d", o.Line)
	}
	return s
}

// Refusal is the error for a record that is not taken.
type Refusal struct {
	Origin
	Class  Class  `json:"class"`
	Reason string `json:"reason"`
	cause  error
}

// refuse makes a refusal of an error.
func refuse(at Origin, class Class, cause error) *Refusal {
	return &Refusal{Origin: at, Class: class, Reason: cause.Error(), cause: cause}
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s", r.Origin, r.Reason) }

// Unwrap gives the cause.
func (r *Refusal) Unwrap() error { return r.cause }

// classOf sorts the errors of the packages that read.
func classOf(err error) Class {
	for _, c := range []struct {
		target error
		class  Class
	}{
		{templates.ErrInadmissible, Misfit}, {ErrQuality, Quality}, {minutiae.ErrVector, Quality}, {errDuplicate, Duplicate}, {watchlist.ErrHandle, Duplicate}, {errNoLabel, NoLabel}, {errEye, WrongEye},
		{templates.ErrTooLarge, TooLarge}, {minutiae.ErrTooLarge, TooLarge},
		{templates.ErrTemplate, Invalid}, {templates.ErrScheme, Misfit},
		{templates.ErrFormat, Unreadable}, {minutiae.ErrFormat, Unreadable},
		{fs.ErrNotExist, File}, {fs.ErrPermission, File},
	} {
		if errors.Is(err, c.target) {
			return c.class
		}
	}
	return File
}
