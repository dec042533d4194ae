package minutiae

import (
	"errors"
	"fmt"
)

// The classes of error of the readers, for errors.Is. Every error of Decode
// wraps exactly one of them.
var (
	// ErrFormat: the data are not in a format that this package reads, are
	// damaged, or go against their format.
	ErrFormat = errors.New("unreadable minutiae")
	// ErrTooLarge: the data exceed a size limit.
	ErrTooLarge = errors.New("minutiae data too large")
)

// fail makes an error of the given class. The arguments must not be coordinates
// or angles of minutiae.
func fail(class error, format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{class}, args...)...)
}
