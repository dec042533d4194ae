package templates

import (
	"errors"
	"fmt"
)

// The classes of error of this package, for errors.Is. Every error returned by
// the package wraps exactly one of them, except errors of a caller's io.Reader.
var (
	// ErrScheme: the scheme or layout is malformed or out of bounds.
	ErrScheme = errors.New("invalid scheme")
	// ErrTemplate: the values offered do not make a template.
	ErrTemplate = errors.New("invalid template")
	// ErrInadmissible: the template is well formed but not usable under the scheme.
	ErrInadmissible = errors.New("template does not fit the scheme")
	// ErrFormat: a file is not in a form that this package reads.
	ErrFormat = errors.New("unreadable template file")
	// ErrTooLarge: the input exceeds a size limit.
	ErrTooLarge = errors.New("template input too large")
)

// fail makes an error of the given class. The arguments must not be template
// values.
func fail(class error, format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{class}, args...)...)
}
