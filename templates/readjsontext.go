package templates

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// jsonText cuts a sequence of JSON objects and lists, or one list of them, into
// its elements without parsing them: it follows strings and brackets only, which
// is several times faster than encoding/json and, unlike its Decoder, can go on
// after a damaged record.
type jsonText struct {
	in   *bufio.Reader
	line int // of the next byte, from 1

	begun  bool
	inList bool // within the list of records
	listed bool // that list had an element
	ended  bool // that list is closed
	record []byte
}

// errDamaged is for text that is no JSON; the caller says so better.
var errDamaged = fail(ErrFormat, "not a JSON object or list, or one that ends early")

// next gives the text of the next element, valid until the next call, and the
// line on which it begins. io.EOF is a proper end, a skippable error leaves the
// reader at a line that begins with a bracket.
func (t *jsonText) next() (text []byte, line int, err error) {
	c, err := t.space()
	if err == nil && !t.begun {
		t.begun = true
		if c == '[' && t.listBegins() {
			_, _ = t.in.ReadByte()
			t.inList = true
			c, err = t.space()
		}
	}
	if t.inList && err == nil {
		c, err = t.separator(c)
	}
	switch {
	case err == io.EOF && t.inList:
		return nil, t.line, fail(ErrFormat, "the JSON list of records is not closed")
	case err != nil:
		return nil, t.line, err
	case t.ended:
		return nil, t.line, fail(ErrFormat, "there is something after the JSON list of records")
	}
	line = t.line
	if c != '{' && c != '[' {
		return nil, line, t.resync(errDamaged)
	}
	text, err = t.element()
	if err == errDamaged {
		err = t.resync(err)
	}
	return text, line, err
}

// separator passes over the comma between elements of the list of records, and
// its end: then what follows the list is next.
func (t *jsonText) separator(c byte) (byte, error) {
	var err error
	if c == ']' {
		_, _ = t.in.ReadByte()
		t.inList, t.ended = false, true
		return t.space()
	}
	if t.listed {
		if c != ',' {
			return 0, errDamaged
		}
		_, _ = t.in.ReadByte()
		if c, err = t.space(); err == nil && c == ']' {
			return 0, errDamaged
		}
	}
	t.listed = true
	return c, err
}

// listBegins reports whether the [ that comes next opens a list of records: of
// objects, or of lists of numbers.
func (t *jsonText) listBegins() bool {
	for n := 64; ; n *= 2 {
		// Errors of Peek are met again by whoever reads on.
		head, err := t.in.Peek(min(n, t.in.Size()))
		if rest := bytes.TrimLeft(head[min(1, len(head)):], " \t\r\n"); len(rest) > 0 {
			return rest[0] == '{' || rest[0] == '['
		}
		if err != nil || n >= t.in.Size() {
			return false
		}
	}
}

// space passes over white space and gives the byte behind it, which stays unread.
func (t *jsonText) space() (byte, error) {
	for {
		c, err := t.in.ReadByte()
		if err != nil {
			return 0, err
		}
		switch c {
		case '\n':
			t.line++
		case ' ', '\t', '\r':
		default:
			return c, t.in.UnreadByte()
		}
	}
}

// element reads to the bracket that closes the one that comes next.
func (t *jsonText) element() ([]byte, error) {
	t.record = t.record[:0]
	var nest nesting
	for {
		if _, err := t.in.Peek(1); err != nil {
			if err == io.EOF {
				err = errDamaged
			}
			return nil, err
		}
		chunk, _ := t.in.Peek(t.in.Buffered())
		n, closed, ok := nest.follow(chunk)
		t.line += bytes.Count(chunk[:n], []byte("\n"))
		t.record = append(t.record, chunk[:n]...)
		_, _ = t.in.Discard(n)
		switch {
		case !ok:
			return nil, errDamaged
		case closed:
			return t.record, nil
		}
	}
}

// resync passes on to the next line that begins with a bracket, after damage: in
// lines of records that is the next record. Text that is laid out over several
// lines has its inner brackets indented. Within a list of records, or if no such
// line comes, the damage is final.
func (t *jsonText) resync(cause error) error {
	if t.inList {
		return cause
	}
	atStart := len(t.record) > 0 && t.record[len(t.record)-1] == '\n'
	t.record = t.record[:0]
	for {
		if atStart {
			c, err := t.in.Peek(1)
			if err != nil || c[0] == '{' || c[0] == '[' {
				if err != nil && err != io.EOF {
					return err
				}
				return skippable{cause}
			}
		}
		_, err := t.in.ReadSlice('\n')
		switch {
		case err == nil:
			atStart = true
			t.line++
		case errors.Is(err, bufio.ErrBufferFull):
			atStart = false
		case err == io.EOF:
			return skippable{cause} // the next call finds the end
		default:
			return err
		}
	}
}
