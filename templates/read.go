package templates

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
)

// Options are hints for reading files that do not describe themselves.
type Options struct {
	// Shape is the geometry of open-iris and iris-mpc codes. The zero Shape
	// infers it from their length: 2048 bytes are 16x256x2x2, 1600 bytes
	// 16x200x2x2.
	Shape Shape
	// Norm is the norm to which vectors of floats are quantised, and which
	// vectors of bytes are taken to have; 0 means DefaultNorm.
	Norm int
	// MaxBytes bounds the whole input; 0 means DefaultMaxBytes.
	MaxBytes int64
}

// ReadOptions gives the hints that suit a scheme.
func (s Scheme) ReadOptions() Options { return Options{Shape: s.Shape, Norm: s.Norm} }

// Read reads all templates of an input of any form that Reader knows. An input
// without any template is an error.
func Read(r io.Reader, o Options) ([]Template, error) {
	var all []Template
	for in := NewReader(r, o); ; {
		t, err := in.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
}

// Reader reads templates one by one, in memory that does not grow with the
// input. It recognises the form by the beginning of the input:
//
//   - the binary form of EncodeBinary, one template;
//   - JSON objects, one or several one after the other: those of EncodeJSON,
//     the output of open-iris (the template itself or with it under
//     "iris_template"), and the lines of iris-mpc, which are the same;
//   - NumPy arrays (.npy version 1 or 2) of little-endian f4, f8 or i1, one
//     vector or one vector per row;
//   - CSV, one vector of numbers per line; blank lines and lines beginning with
//     # are passed over.
//
// Numbers are quantised to Options.Norm; only i1 arrays are taken as quantised
// already. All vectors of one input have the same number of coordinates.
type Reader struct {
	in      *meter
	options Options
	records source
	n       int
	err     error
}

// byteOrderMark begins text files of some programs on Windows.
const byteOrderMark = "\xef\xbb\xbf"

// source gives the records of one form; io.EOF means a proper end.
type source interface{ next() (Template, error) }

// NewReader makes a Reader. Nothing is read before the first Next.
func NewReader(r io.Reader, o Options) *Reader {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	o.MaxBytes = min(o.MaxBytes, math.MaxInt64-1) // meter adds one
	if o.Norm == 0 {
		o.Norm = DefaultNorm
	}
	return &Reader{in: &meter{r: r, total: o.MaxBytes}, options: o}
}

// Next gives the next template, io.EOF after the last. Other errors wrap
// ErrFormat, ErrTemplate or ErrTooLarge (ErrScheme if Options.Shape is out of
// bounds) and tell the number of the record, counted from 1, or are those of the underlying reader. After an error every
// call gives the same error.
func (r *Reader) Next() (Template, error) {
	if r.err != nil {
		return nil, r.err
	}
	t, err := r.advance()
	if err == nil {
		r.n++
		return t, nil
	}
	switch {
	case r.in.err != nil:
		// What the parser made of a broken input is beside the point.
		err = r.in.err
	case err == io.EOF && r.n == 0:
		err = fail(ErrFormat, "the input is empty")
	case err == io.EOF:
		r.err = err
		return nil, err
	}
	r.err = fmt.Errorf("record %d: %w", r.n+1, err)
	return nil, r.err
}

func (r *Reader) advance() (Template, error) {
	if r.records == nil {
		buf := bufio.NewReaderSize(r.in, 64<<10)
		// Errors of Peek are met again by whoever reads on.
		r.in.record = maxRecord
		head, _ := buf.Peek(512)
		if bytes.HasPrefix(head, []byte(byteOrderMark)) {
			_, _ = buf.Discard(len(byteOrderMark))
			head = head[len(byteOrderMark):]
		}
		text := bytes.TrimLeft(head, " \t\r\n")
		switch {
		case len(head) == 0:
			return nil, io.EOF
		case bytes.HasPrefix(head, []byte(binaryMagic)):
			r.records = &binarySource{in: buf}
		case bytes.HasPrefix(head, []byte(numpyMagic)):
			r.records = &numpySource{in: buf, options: r.options}
		case bytes.HasPrefix(text, []byte("{")):
			r.records = newJSONSource(buf, r.options)
		case len(text) == 0 || bytes.IndexByte([]byte("+-.0123456789#"), text[0]) >= 0:
			r.records = &csvSource{in: buf, options: r.options}
		default:
			return nil, fail(ErrFormat, "the form is not recognised; known are this project's binary and JSON, open-iris JSON, .npy and CSV")
		}
	}
	r.in.record = maxRecord
	return r.records.next()
}

// meter passes on at most total bytes in all, and at most record bytes until
// that is set again. It keeps the first error that is not io.EOF.
type meter struct {
	r      io.Reader
	total  int64
	record int64
	err    error
}

func (m *meter) Read(p []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	if m.record <= 0 {
		m.err = fail(ErrTooLarge, "one record has more than %d bytes", maxRecord)
		return 0, m.err
	}
	// One byte more than allowed tells an input that is too long from one
	// that just fits.
	p = p[:min(int64(len(p)), m.record, m.total+1)]
	n, err := m.r.Read(p)
	m.record -= int64(n)
	if m.total -= int64(n); m.total < 0 {
		m.err = fail(ErrTooLarge, "the input exceeds the limit on its size; raise it or split the file")
		return 0, m.err
	}
	if err != nil && err != io.EOF {
		m.err = err
	}
	return n, err
}

// binarySource gives the one template of a binary file.
type binarySource struct {
	in   io.Reader
	done bool
}

func (s *binarySource) next() (Template, error) {
	if s.done {
		return nil, io.EOF
	}
	s.done = true
	b, err := io.ReadAll(io.LimitReader(s.in, int64(MaxBinary)+1))
	if err != nil {
		return nil, err
	}
	return DecodeBinary(b)
}

// errShort is for inputs that end within a record.
func errShort(err error, what string) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(ErrFormat, "%s ends early", what)
	}
	return err
}
