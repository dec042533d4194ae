package calibration

import (
	"errors"
	"fmt"
)

// The classes of error of this package, for errors.Is. Errors of a scheme or of a
// template that does not fit it are those of package templates.
var (
	// ErrSamples: the samples do not make a measurement; the text says what is missing.
	ErrSamples = errors.New("samples do not suffice")
	// ErrTooMany: a limit of this package is exceeded.
	ErrTooMany = errors.New("too many to compare")
	// ErrDemand: the demand on the threshold is out of range.
	ErrDemand = errors.New("invalid demand")
)

func fail(class error, format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{class}, args...)...)
}
