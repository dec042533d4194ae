package templates

import (
	"fmt"
	"strings"
)

// Eye says which eye an iris code was taken from. Left and right are those of
// the person, as in ISO/IEC 19794-6 and in open-iris. The codes of the two eyes
// of a person have no more in common than those of two people.
type Eye uint8

// The eyes.
const (
	EyeUnknown Eye = iota // the file does not say, or it is no iris
	EyeLeft
	EyeRight
)

// String is "left", "right" or "unknown".
func (e Eye) String() string {
	switch e {
	case EyeLeft:
		return "left"
	case EyeRight:
		return "right"
	}
	return "unknown"
}

// ParseEye reads "left" or "right". The error wraps ErrFormat.
func ParseEye(text string) (Eye, error) {
	switch text {
	case "left":
		return EyeLeft, nil
	case "right":
		return EyeRight, nil
	}
	return EyeUnknown, fail(ErrFormat, `an eye must be "left" or "right"`)
}

// MaxFinger is the largest finger position of ISO/IEC 19794-2: 1 right thumb to
// 5 right little finger, 6 left thumb to 10 left little finger; 0 is unknown.
const MaxFinger = 10

// Record is one template of an input with what the input says about it.
type Record struct {
	Template Template
	// Number counts the records of the input from 1, those that were refused
	// included. Line is the line on which the record begins, from 1; 0 in forms
	// without lines.
	Number, Line int
	// Eye, Finger, Subject and Handle are what the record says, if it does.
	// Subject identifies a person in the holder's own files and is not to leave
	// them; Handle is the opaque reference that stands for the record.
	Eye             Eye
	Finger          int
	Subject, Handle string
	// Loss is what quantising to integers cost: 1 minus the cosine between the
	// vector as read, after centring, and as quantised; 0 for other templates.
	Loss float64

	real []float64 // for ReadReal: the vector as read
}

// RecordError says which record of an input could not be read, and why. It wraps
// one of the package's sentinel errors or the error of the underlying reader.
type RecordError struct {
	// Number and Line are as in Record.
	Number, Line int
	// Final says that the beginning of the next record cannot be found: Next
	// gives this error for ever. Otherwise the next call gives the next record.
	Final bool
	Err   error
}

func (e *RecordError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("record %d, line %d: %v", e.Number, e.Line, e.Err)
	}
	return fmt.Sprintf("record %d: %v", e.Number, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// skippable marks an error in one record after which its source stands at the
// beginning of the next.
type skippable struct{ error }

func (s skippable) Unwrap() error { return s.error }

// skip marks err, if there is one.
func skip(err error) error {
	if err == nil {
		return nil
	}
	return skippable{err}
}

// checkSubject bounds and checks a name of a person, which goes into files of
// one line a record.
func checkSubject(s string) error {
	if len(s) > maxSubject || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) {
		return fail(ErrFormat, "the subject must be text of at most %d bytes without control characters", maxSubject)
	}
	return nil
}
