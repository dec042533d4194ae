package intake

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// Target says how an import ends.
type Target struct {
	// Mapping is the path of the mapping file, which must not exist. It may be ""
	// if Accepted is not nil.
	Mapping string
	// Handles, if not nil, has one handle for each accepted record, in order.
	// Otherwise a record gets the one that it brings with it, or a random one.
	Handles []string
	// Accepted is called for every accepted record, with its handle, before
	// anything is written, if not nil.
	Accepted func(Record)
	// KeepGoing takes the acceptable records when others are refused. Without it
	// the first refusal ends the import, which then takes none.
	KeepGoing bool
}

// HandlesError says that there are not as many handles as accepted records.
type HandlesError struct{ Handles, Records int }

func (e HandlesError) Error() string {
	return fmt.Sprintf("there are %d handles for %d records", e.Handles, e.Records)
}

// Enrol imports into a watchlist, all of what is accepted in one transaction. On
// success the mapping is on disk before the watchlist changes, and with an error
// neither is (a crash in between, or a disk that fails at the very end, leaves a
// mapping of handles that are not enrolled). The scheme, the norm and what is
// enrolled already are taken from the watchlist, and so is the shape if none is
// given. If nothing is accepted, nothing is written. Other writers of the watchlist
// are locked out meanwhile.
//
// The report is complete also with an error. Errors are a *Refusal without
// KeepGoing, a HandlesError, those of Options.Progress and watchlist.AddFrom, and
// those of reading and writing.
func (o Options) Enrol(list *watchlist.Watchlist, paths []string, t Target) (Report, watchlist.Generation, error) {
	report, m, err := t.begin()
	if err != nil {
		return report, watchlist.Generation{}, err
	}
	o.Scheme = list.Meta().Scheme
	if o.Read.Shape == (templates.Shape{}) {
		o.Read.Shape = o.Scheme.Shape
	}
	o.Read.Norm = o.Scheme.Norm
	known := newSeen()
	written := false
	var before watchlist.Generation
	generation, err := list.AddFrom(func(yield func(watchlist.Record, error) bool) {
		var err error
		if before, err = known.learn(list); err != nil {
			yield(watchlist.Record{}, err)
			return
		}
		err = o.each(known, paths, &report, m, t, func(rec Record) error {
			if !yield(watchlist.Record{Handle: rec.Handle, Template: rec.Template}, nil) {
				return errStopped // AddFrom has the error
			}
			return nil
		})
		if err == nil && report.Accepted > 0 {
			err = m.write()
			written = err == nil
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(watchlist.Record{}, err)
		}
	})
	// Only the old generation beside the error says that nothing is enrolled for
	// certain; a mapping too many does no harm, one too few does.
	if err != nil && written && generation == before {
		m.remove()
	}
	return report, generation, err
}

// Write imports into a file of lines of templates.EncodeRecordJSON, which appears
// or is replaced as a whole; Enrol and Records read it back with the same handles.
// The mapping and errors are as with Enrol.
func (o Options) Write(path string, paths []string, t Target) (Report, error) {
	report, m, err := t.begin()
	if err != nil {
		return report, err
	}
	err = durable.Replace(path, func(w io.Writer) error {
		out := bufio.NewWriterSize(w, 1<<20)
		err := o.each(newSeen(), paths, &report, m, t, func(rec Record) error {
			line, err := templates.EncodeRecordJSON(templates.Record{
				Template: rec.Template, Handle: rec.Handle, Eye: rec.Eye, Finger: int(rec.Finger)})
			if err == nil {
				_, err = out.Write(append(line, '\n'))
			}
			return err
		})
		if err == nil && report.Accepted == 0 {
			return errNothing
		}
		if err == nil {
			err = out.Flush()
		}
		if err == nil {
			err = m.write()
		}
		return err
	})
	if errors.Is(err, errNothing) {
		err = nil
	}
	return report, err
}

// errNothing ends the writing of a file that would be empty.
var errNothing = errors.New("nothing was accepted")

func (t Target) begin() (Report, *mapping, error) {
	m := &mapping{}
	var err error
	if t.Mapping != "" || t.Accepted == nil {
		m, err = newMapping(t.Mapping)
	}
	return Report{Refused: []*Refusal{}}, m, err
}

// each gives the accepted records their handles and hands them on.
func (o Options) each(known *seen, paths []string, report *Report, m *mapping, t Target, take func(Record) error) error {
	var failed error
	in, err := o.begin(known, func(rec Record, err error) bool {
		if err != nil {
			failed = report.failed(err, t.KeepGoing)
			return failed == nil
		}
		report.accept(rec)
		if t.Handles != nil {
			if report.Accepted > len(t.Handles) {
				return true // counted for the error below
			}
			rec.Handle = t.Handles[report.Accepted-1]
		}
		if failed = m.add(&rec); failed != nil {
			return false
		}
		if t.Accepted != nil {
			t.Accepted(rec)
		}
		failed = take(rec)
		return failed == nil
	})
	if err != nil {
		return err
	}
	in.run(paths)
	if failed == nil && t.Handles != nil && len(t.Handles) != report.Accepted {
		return HandlesError{len(t.Handles), report.Accepted}
	}
	return failed
}
