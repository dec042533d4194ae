package intake

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/minutiae"
)

// intake is one import.
type intake struct {
	Options
	seen    *seen
	fingers fingers
	people  people
	codes   codes
	eye     templates.Eye // of the first iris
	eyed    bool          // there was one
	records int
	yield   func(Record, error) bool
	stopped bool
}

func (in *intake) run(paths []string) {
	for file, err := range files(paths, in.Match) {
		if err != nil {
			if !in.count() || !in.give(Record{}, err) {
				return
			}
			if r := new(Refusal); errors.As(err, &r) {
				continue
			}
			return
		}
		if in.file(file); in.stopped {
			return
		}
	}
	in.average()
	if in.join(); !in.stopped && in.records == 0 {
		last := Origin{}
		if len(paths) > 0 {
			last.File = paths[len(paths)-1]
		}
		in.refuse(last, File, errors.New("there are no records"))
	}
}

// give yields, and reports whether more is wanted.
func (in *intake) give(rec Record, err error) bool {
	in.stopped = in.stopped || !in.yield(rec, err)
	return !in.stopped
}

// refuse gives a refusal.
func (in *intake) refuse(at Origin, class Class, cause error) {
	if at.Record == 0 && !in.count() { // a file without records counts as one
		return
	}
	in.give(Record{}, refuse(at, class, cause))
}

// count is called once for every record, and reports whether to go on.
func (in *intake) count() bool {
	if in.records++; in.Progress != nil && !in.stopped {
		if err := in.Progress(in.records); err != nil {
			in.give(Record{}, err)
			in.stopped = true
		}
	}
	return !in.stopped
}

// file reads one file of any form.
func (in *intake) file(file string) {
	var src io.Reader = in.Stdin
	if file != Stdin {
		f, err := os.Open(file)
		if err != nil {
			in.refuse(Origin{File: file}, classOf(err), err)
			return
		}
		defer f.Close()
		src = f
	}
	if in.Bits {
		in.bits(file, src)
		return
	}
	buf := bufio.NewReader(src)
	head, _ := buf.Peek(512) // errors are met again by whoever reads on
	if isMinutiae(head) {
		in.impressions(file, buf)
		return
	}
	in.templates(file, buf)
}

// isMinutiae reports whether minutiae.Decode is the one to read a file, or to say
// what it is instead.
func isMinutiae(head []byte) bool {
	if minutiae.Detect(head) != minutiae.Unknown {
		return true
	}
	for _, magic := range []string{"FMR\x00", "FIR\x00", "\xff\xa0", "\xff\xd8\xff", "\x00\x00\x00\x0cjP", "\x89PNG", "1.001:", "1.01:"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return false
}

// templates reads a file of any form of templates.Reader.
func (in *intake) templates(file string, src io.Reader) {
	r := templates.NewReader(src, in.Read)
	rec, err := r.Next()
	// Whether it is the only one decides about the label.
	for only := true; ; only = false {
		next, nextErr := templates.Record{}, err
		if err == nil || !final(err) {
			next, nextErr = r.Next()
		}
		if err != nil {
			in.unreadable(file, err)
		} else {
			in.take(file, rec, only && nextErr == io.EOF)
		}
		if in.stopped || nextErr == io.EOF || final(err) {
			return
		}
		rec, err = next, nextErr
	}
}

// final reports whether a Reader has come to its end with an error.
func final(err error) bool {
	var r *templates.RecordError
	return err != nil && (!errors.As(err, &r) || r.Final)
}

// unreadable refuses a record that a Reader did not give.
func (in *intake) unreadable(file string, err error) {
	at := Origin{File: file}
	var r *templates.RecordError
	if errors.As(err, &r) {
		if !in.count() {
			return
		}
		at.Record, at.Line, err = r.Number, r.Line, r.Err
		if r.Final && r.Number > 1 {
			err = fmt.Errorf("%w; the rest of the file is not read", err)
		}
	}
	in.refuse(at, classOf(err), err)
}
