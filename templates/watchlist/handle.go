package watchlist

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckHandle returns ErrHandle unless handle is 1 to MaxHandle bytes of UTF-8
// that prints without surprises: no control or formatting characters, no
// whitespace, nothing unassigned. Handles are compared byte by byte: two
// Unicode spellings of one text are two handles.
func CheckHandle(handle string) error { return checkText("handle", handle) }

func checkText(what, s string) error {
	switch {
	case len(s) == 0 || len(s) > MaxHandle:
		return fmt.Errorf("%w: %s of %d bytes, want 1 to %d", ErrHandle, what, len(s), MaxHandle)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: %s %q is not UTF-8", ErrHandle, what, s)
	case strings.ContainsFunc(s, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		return fmt.Errorf("%w: %s %q contains whitespace or a character that does not print", ErrHandle, what, s)
	}
	return nil
}
