package templates

import "bytes"

// nesting follows the brackets and strings of JSON text.
type nesting struct {
	depth          int
	lists          uint64 // bit i is set if bracket i, from outside, is [
	quoted, escape bool
	lineStart      bool // the byte before was a line end
	last           byte // the last byte that is not white space
}

// follow reads on to the closing bracket of depth 0, or to the first byte that
// shows that the text is broken, which it leaves unread if a new record may begin
// there: a line end within a string, or an object or list at the beginning of a
// line where none can be.
func (s *nesting) follow(text []byte) (n int, closed, ok bool) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		if s.quoted {
			switch {
			case s.escape:
				s.escape = false
			case c == '\\':
				s.escape = true
			case c == '"':
				s.quoted, s.last = false, c
			case c == '\n':
				return i + 1, false, false
			default:
				// Most of a record is one long string without surprises.
				if n := bytes.IndexAny(text[i:], "\"\\\n"); n >= 0 {
					i += n - 1
				} else {
					i = len(text)
				}
			}
			continue
		}
		start := s.lineStart
		s.lineStart = c == '\n'
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		case '"':
			s.quoted = true
		case '{', '[':
			value := s.depth == 0 || s.last == ':' || s.inList() && (s.last == '[' || s.last == ',')
			if !value {
				if start {
					return i, false, false
				}
				return i + 1, false, false
			}
			if s.depth == maxNesting {
				return i + 1, false, false
			}
			s.lists &^= 1 << s.depth
			if c == '[' {
				s.lists |= 1 << s.depth
			}
			s.depth++
		case '}', ']':
			if s.inList() != (c == ']') {
				return i + 1, false, false
			}
			if s.depth--; s.depth == 0 {
				return i + 1, true, true
			}
		}
		s.last = c
	}
	return len(text), false, true
}

// inList reports whether the innermost open bracket is [.
func (s *nesting) inList() bool { return s.depth > 0 && s.lists>>(s.depth-1)&1 == 1 }
