package templates

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math"
)

// Options are hints for reading files that do not describe themselves.
type Options struct {
	// Shape is the geometry of open-iris and iris-mpc codes whose length fits it.
	// Otherwise, and for the zero Shape, it is inferred from their length: 2048
	// bytes are 16x256x2x2, 1600 bytes 16x200x2x2. So the codes that a cheaper
	// scheme reduces (Scheme.Adapt) are read under its hints.
	Shape Shape
	// Noise says that mask bit 1 of open-iris and iris-mpc codes means unusable;
	// those programs themselves write 1 for usable.
	Noise bool
	// Norm is the norm to which vectors of real numbers are quantised, and which
	// vectors of bytes are taken to have; 0 means DefaultNorm.
	Norm int
	// Centre is subtracted from every vector of real numbers before it is
	// normalised, if it is not nil; see ReadReal.
	Centre []float64
	// MaxBytes bounds the whole input; 0 means DefaultMaxBytes.
	MaxBytes int64

	keepReal bool // for ReadReal
}

// ReadOptions gives the hints that suit a scheme.
func (s Scheme) ReadOptions() Options { return Options{Shape: s.Shape, Norm: s.Norm} }

// Read reads all templates of an input of any form that Reader knows. The first
// record that cannot be read, or an input without any template, is an error.
func Read(r io.Reader, o Options) ([]Template, error) {
	var all []Template
	for in := NewReader(r, o); ; {
		rec, err := in.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, rec.Template)
	}
}

// Reader reads templates one by one, in memory that does not grow with the
// input. It recognises the form by the beginning of the input:
//
//   - the binary form of EncodeBinary, one template;
//   - JSON, one or several objects one after the other, or a list of them: those
//     of EncodeJSON and EncodeRecordJSON, the output of open-iris (the template
//     itself or with it under "iris_template"), the lines of iris-mpc, which are
//     the same, and {"vector":[0.1,...]};
//   - JSON vectors [0.1,...], one or several, or a list of them;
//   - NumPy arrays (.npy version 1 or 2) of little-endian f4, f8 or i1, one
//     vector or one vector per row;
//   - CSV, one vector of numbers per line, each line with its end; blank lines and
//     lines beginning with # are passed over.
//
// Objects may say whose template it is with the members "subject" (text), "eye"
// ("left" or "right"; open-iris has it as "eye_side" under "metadata") and
// "finger" (0 to MaxFinger). Numbers are quantised to Options.Norm; only i1 arrays are
// taken as quantised already. All vectors of one CSV or .npy input have the same
// number of coordinates.
type Reader struct {
	in      *meter
	options Options
	records source
	n       int
	err     error
}

// byteOrderMark begins text files of some programs on Windows.
const byteOrderMark = "\xef\xbb\xbf"

// source fills in the records of one form; io.EOF means a proper end, a
// skippable error that it stands at the next record. The line is filled in also
// with an error.
type source interface{ next(*Record) error }

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

// Next gives the next record, io.EOF after the last. Any other error is a
// *RecordError, which wraps ErrFormat, ErrTemplate or ErrTooLarge (ErrScheme if
// Options.Shape is out of bounds) or the error of the underlying reader. After
// one that is not final, Next goes on with the next record: one whose brackets
// or line ended where they should but whose content is not acceptable, or, in
// JSON outside a list, one after which a line begins with { or [ in its first
// column.
func (r *Reader) Next() (Record, error) {
	if r.err != nil {
		return Record{}, r.err
	}
	rec := Record{Number: r.n + 1}
	err := r.advance(&rec)
	if err == nil {
		r.n++
		return rec, nil
	}
	var skippable skippable
	final := !errors.As(err, &skippable)
	switch {
	case r.in.err != nil:
		// What the parser made of a broken input is beside the point.
		err, final = r.in.err, true
	case err == io.EOF && r.n == 0:
		err = fail(ErrFormat, "the input is empty")
	case err == io.EOF:
		r.err = err
		return Record{}, err
	case !final:
		err = skippable.error
	}
	r.n++
	failed := &RecordError{Number: rec.Number, Line: rec.Line, Final: final, Err: err}
	if final {
		r.err = failed
	}
	return Record{}, failed
}

func (r *Reader) advance(rec *Record) error {
	if r.records == nil {
		buf := bufio.NewReaderSize(r.in, 16<<10)
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
			return io.EOF
		case bytes.HasPrefix(head, []byte(binaryMagic)):
			r.records = &binarySource{in: buf}
		case bytes.HasPrefix(head, []byte(numpyMagic)):
			r.records = &numpySource{in: buf, options: r.options}
		case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
			r.records = &jsonSource{text: jsonText{in: buf, line: 1}, options: r.options}
		case len(text) == 0 || bytes.IndexByte([]byte("+-.0123456789#"), text[0]) >= 0:
			r.records = &csvSource{in: buf, options: r.options}
		default:
			return fail(ErrFormat, "the form is not recognised; known are this project's binary and JSON, open-iris JSON, JSON vectors, .npy and CSV")
		}
	}
	r.in.record = maxRecord
	return r.records.next(rec)
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

func (s *binarySource) next(rec *Record) error {
	if s.done {
		return io.EOF
	}
	s.done = true
	b, err := io.ReadAll(io.LimitReader(s.in, int64(MaxBinary)+1))
	if err != nil {
		return err
	}
	rec.Template, err = DecodeBinary(b)
	return err
}

// errShort is for inputs that end within a record.
func errShort(err error, what string) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return fail(ErrFormat, "%s ends early", what)
	}
	return err
}
