package replay

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/opening"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

var roles = []transcript.Party{transcript.Requester, transcript.Holder}

func TestCleanReplays(t *testing.T) {
	for _, name := range []string{"vector", "iris", "manifest"} {
		r := honest(t, name)
		if len(r.hits[len(r.hits)-1]) == 0 {
			t.Errorf("%s: no hits, so that little is tested", name)
		}
		for at, dir := range r.dirs {
			for _, role := range roles {
				var told int
				options := Options{Workers: at + 1, Each: func(string, uint32, Class) { told++ }}
				var report *Report
				var err error
				if role == transcript.Requester {
					report, err = Requester(context.Background(), dir, r.seeds[0], r.probes, options)
				} else {
					report, err = Holder(context.Background(), dir, r.seeds[1], r.watchlist(), options)
				}
				if err != nil {
					t.Fatal(err)
				}
				own := 0
				for _, record := range records(t, dir) {
					if record.Sender == role {
						own++
					}
				}
				equal := 0
				for _, c := range report.Kinds {
					equal += c.Equal
				}
				if err := report.Err(); err != nil || report.Finding != Equal || report.Different+report.Unchecked != 0 || report.Stopped != "" || report.Head == "" {
					t.Errorf("%s, %v in folder %d: %+v", name, role, at, report)
				}
				if equal != own || told != own {
					t.Errorf("%s, %v in folder %d: %d of %d messages equal, told of %d", name, role, at, equal, own, told)
				}
				if filepath.Base(report.Session) != report.Session || len(report.Session) != 64 || report.Epoch != epoch || report.Role != role.String() {
					t.Errorf("%s, %v: %+v", name, role, report)
				}
			}
		}
	}
}

// TestAlteredBytes alters one byte in every message of a session and in every field.
func TestAlteredBytes(t *testing.T) {
	for _, name := range []string{"vector", "iris"} {
		r := honest(t, name)
		kinds := map[uint8]bool{}
		for position, record := range records(t, r.dirs[0]) {
			kinds[record.Kind] = true
			offsets := map[int]string{0: "kind", 1: "version", 2: "nonce", 33: "nonce", 34: "commitment", 65: "commitment"}
			switch record.Kind {
			case transcript.KindOpen:
				offsets[66], offsets[67], offsets[68], offsets[-1] = "probes", "probes", "terms", "terms"
			case transcript.KindAccept:
				offsets[66], offsets[73], offsets[77], offsets[-1] = "epoch", "epoch", "entries", "width"
			default:
				offsets = map[int]string{0: "kind", 1: "session", 36: "index", 37: "body", 1000: "body", -1: "body"}
				if name == "iris" || record.Index > 0 {
					offsets = map[int]string{20: "session", -2: "body"}
				}
			}
			for at, field := range offsets {
				dir := spoiled(t, r.dirs[0])
				at = flip(t, dir, position, at)
				own := replayRole(t, r, dir, record.Sender)
				first := own.First()
				if first == nil || own.Finding != Altered || own.Different != 1 || own.Unchecked != 0 || own.Stopped != "" {
					t.Errorf("%s, %v, byte %d: %+v", name, record, at, own)
					continue
				}
				body := -1
				if field == "body" {
					body = at - headerSize
				}
				if first.Kind != transcript.KindName(record.Kind) || first.Index != record.Index || first.Offset != at || first.Field != field ||
					first.Body != body || first.Bytes != 1 || first.Sender != record.Sender.String() || first.AlteredToo {
					t.Errorf("%s, %v, byte %d (%s): %+v", name, record, at, field, *first)
				}
				if record.Kind == transcript.KindPrefixes || record.Kind == transcript.KindVerdict {
					from, to := 0, len(r.list)-1
					switch {
					case name == "vector" && record.Index >= vectorLevels: // the second batch
						from = vectorEntries - 1
					case name == "vector":
						to = vectorEntries - 2
					}
					if first.FirstSlot != from || first.LastSlot != to {
						t.Errorf("%s, %v: slots %d to %d, want %d to %d", name, record, first.FirstSlot, first.LastSlot, from, to)
					}
				}
				if !errors.Is(own.Err(), ErrAltered) || !strings.Contains(own.Err().Error(), fmt.Sprintf("%s %d of the %v, byte %d", first.Kind, first.Index, record.Sender, at)) {
					t.Errorf("%s, %v: error %v", name, record, own.Err())
				}
				if at != 37 && at != 2 && at != 66 {
					continue
				}
				// The other side cannot say which byte, but for opening messages, and stops.
				other := replayRole(t, r, dir, 3-record.Sender)
				opens := record.Kind == transcript.KindOpen || record.Kind == transcript.KindAccept
				last := record.Kind == transcript.KindVerdict
				if first = other.First(); first == nil || other.Finding != Altered || first.Kind != transcript.KindName(record.Kind) || first.Index != record.Index {
					t.Errorf("%s, %v, byte %d, the other side: %+v", name, record, at, other)
				} else if opens != (first.Offset == at) || opens != (other.Stopped == "") || !opens && !last && other.Unchecked == 0 {
					t.Errorf("%s, %v, byte %d, the other side: %+v", name, record, at, other)
				}
			}
		}
		if len(kinds) != 7 {
			t.Errorf("%s: only kinds %v were altered", name, kinds)
		}
	}
}

func TestWrongSeed(t *testing.T) {
	r := honest(t, "iris")
	swapped := *r
	swapped.seeds = [2]he.Seed{r.seeds[1], r.seeds[0]}
	for _, role := range roles {
		report := replayRole(t, &swapped, r.dirs[0], role)
		if !errors.Is(report.Err(), ErrSeed) || report.Finding != Seed || report.Stopped == "" || report.Different != 0 || len(report.Kinds) != 0 {
			t.Errorf("%v: %+v", role, report)
		}
	}
}

func TestOtherInputs(t *testing.T) {
	r := honest(t, "iris")
	t.Run("one entry", func(t *testing.T) {
		other := *r
		other.list = slices.Clone(r.list)
		other.list[300] = iris(t, r.scheme, 9999)
		report := replayRole(t, &other, r.dirs[1], transcript.Holder)
		first := report.First()
		if !errors.Is(report.Err(), ErrInputs) || report.Different != 1 || first.Kind != "share" || first.Index != 1 ||
			first.FirstSlot > 300 || first.LastSlot < 300 || first.LastSlot-first.FirstSlot != 226 || first.Offset != headerSize || first.Bytes < 10000 {
			t.Errorf("%+v", report)
		}
		if !strings.Contains(report.Detail, fmt.Sprintf("slots %d to %d", first.FirstSlot, first.LastSlot)) {
			t.Errorf("detail: %s", report.Detail)
		}
	})
	t.Run("two entries exchanged", func(t *testing.T) {
		other := *r
		other.list = slices.Clone(r.list)
		other.list[0], other.list[699] = other.list[699], other.list[0]
		report := replayRole(t, &other, r.dirs[1], transcript.Holder)
		if !errors.Is(report.Err(), ErrInputs) || report.Different != 2 || report.Differences[0].Index != 0 || report.Differences[1].Index != 3 {
			t.Errorf("%+v", report)
		}
	})
	t.Run("probe", func(t *testing.T) {
		other := *r
		other.probes = []templates.Template{iris(t, r.scheme, 9999)}
		report := replayRole(t, &other, r.dirs[1], transcript.Requester)
		first := report.First()
		if !errors.Is(report.Err(), ErrInputs) || first.Kind != "block" || first.Field != "body" || report.Stopped != "" || !strings.Contains(report.Detail, "probe") {
			t.Errorf("%+v", report)
		}
		for _, d := range report.Differences {
			if d.Kind != "block" {
				t.Errorf("%v differs: it does not depend on the probe", d)
			}
		}
	})
	for name, c := range map[string]struct {
		change func(*Watchlist)
		kind   string
		offset int
		field  string
	}{
		"epoch":   {func(w *Watchlist) { w.Epoch = 8 }, "accept", 73, "epoch"},
		"entries": {func(w *Watchlist) { w.Entries = 699 }, "accept", 77, "entries"},
		"scheme":  {func(w *Watchlist) { w.Scheme.Delta++ }, "open", -1, "terms"},
	} {
		t.Run(name, func(t *testing.T) {
			list := r.watchlist()
			c.change(&list)
			report, err := Holder(context.Background(), r.dirs[0], r.seeds[1], list, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if first := report.First(); !errors.Is(report.Err(), ErrInputs) || first.Kind != c.kind || first.Offset != c.offset || first.Field != c.field || report.Unchecked == 0 {
				t.Errorf("%+v", report)
			}
		})
	}
	t.Run("too few entries", func(t *testing.T) {
		list := r.watchlist()
		list.Templates = values(r.list[:600])
		if _, err := Holder(context.Background(), r.dirs[0], r.seeds[1], list, Options{}); !errors.Is(err, ErrInputs) {
			t.Errorf("error %v, want %v", err, ErrInputs)
		}
	})
	t.Run("a probe of another kind", func(t *testing.T) {
		if _, err := Requester(context.Background(), r.dirs[0], r.seeds[0], []templates.Template{vector(t, 1)}, Options{}); !errors.Is(err, ErrInputs) {
			t.Errorf("error %v, want %v", err, ErrInputs)
		}
	})
}

// TestMovedThreshold is a holder that answers with another threshold than the agreed one.
func TestMovedThreshold(t *testing.T) {
	for name, c := range map[string]struct {
		how    how
		cheat  func(*templates.Scheme)
		detail string
	}{
		"theta": {vectorHow(t), func(s *templates.Scheme) { s.Theta = 1 }, "moved the threshold"},
		"delta": {irisHow(t), func(s *templates.Scheme) { s.Delta = 30 }, "moved the threshold"},
	} {
		t.Run(name, func(t *testing.T) {
			c.how.cheat = c.cheat
			r := record(t, c.how)
			if fair := len(honest(t, c.how.scheme[:strings.Index(c.how.scheme, ":")]).hits[0]); len(r.hits[0]) == fair {
				t.Errorf("the threshold was moved without effect: %d hits", fair)
			}
			report := replayRole(t, r, r.dirs[0], transcript.Holder)
			if first := report.First(); !errors.Is(report.Err(), ErrInputs) || first.Kind != "share" || first.Index != 0 || !strings.Contains(report.Detail, c.detail) {
				t.Errorf("%+v", report)
			}
			if report := replayRole(t, r, r.dirs[1], transcript.Requester); !report.Equal {
				t.Errorf("the requester's own messages: %+v", report)
			}
		})
	}
	t.Run("threshold", func(t *testing.T) {
		h := irisHow(t)
		h.weights = strings.Replace(irisScheme, "8/25", "7/25", 1)
		r := record(t, h)
		report := replayRole(t, r, r.dirs[0], transcript.Holder)
		if first := report.First(); !errors.Is(report.Err(), ErrInputs) || first.Kind != "share" || report.Different != 4 {
			t.Errorf("%+v", report)
		}
	})
}

func TestDamagedFiles(t *testing.T) {
	r := honest(t, "vector")
	all := records(t, r.dirs[1])
	at := func(kind uint8, index uint32) int {
		return slices.IndexFunc(all, func(r transcript.Record) bool { return r.Kind == kind && r.Index == index })
	}
	share1, prefixes0 := at(transcript.KindShare, 1), at(transcript.KindPrefixes, 0)
	last := fmt.Sprintf("verdict %d", 2*vectorLevels-1)
	for name, c := range map[string]struct {
		change func(l [][]byte) [][]byte
		role   transcript.Party
		want   error
		first  string
		field  string
	}{
		"share removed":                {func(l [][]byte) [][]byte { return slices.Delete(l, share1, share1+1) }, transcript.Holder, ErrMissing, "share 1", "message"},
		"share removed, the requester": {func(l [][]byte) [][]byte { return slices.Delete(l, share1, share1+1) }, transcript.Requester, ErrMissing, "share 1", "message"},
		"prefixes removed":             {func(l [][]byte) [][]byte { return slices.Delete(l, prefixes0, prefixes0+1) }, transcript.Holder, ErrMissing, "prefixes 0", "message"},
		"last message removed":         {func(l [][]byte) [][]byte { return l[:len(l)-1] }, transcript.Holder, ErrMissing, last, "message"},
		"empty":                        {func(l [][]byte) [][]byte { return nil }, transcript.Holder, ErrMissing, "accept 0", "message"},
		"cut in the last message": {func(l [][]byte) [][]byte {
			return append(l[:len(l)-1], l[len(l)-1][:100])
		}, transcript.Holder, ErrMissing, last, "message"},
		"cut in a frame": {func(l [][]byte) [][]byte {
			return append(l[:len(l)-1], l[len(l)-1][:3])
		}, transcript.Holder, ErrMissing, last, "message"},
		"two exchanged": {func(l [][]byte) [][]byte {
			l[share1], l[share1+1] = l[share1+1], l[share1]
			return l
		}, all[share1].Sender, ErrAltered, "share 1", "order"},
		"repeated":                {func(l [][]byte) [][]byte { return slices.Insert(l, share1, l[share1]) }, transcript.Holder, ErrUnexpected, "share 0", "message"},
		"appended":                {func(l [][]byte) [][]byte { return append(l, []byte("\x02\x00\x00\x00\x01\x07")) }, transcript.Holder, ErrUnexpected, "verdict 0", "message"},
		"sender":                  {func(l [][]byte) [][]byte { l[share1][0] = 1; return l }, transcript.Holder, ErrAltered, "share 1", "frame"},
		"sender, the requester":   {func(l [][]byte) [][]byte { l[share1][0] = 1; return l }, transcript.Requester, ErrAltered, "share 1", "frame"},
		"length":                  {func(l [][]byte) [][]byte { l[share1][4]++; return l }, transcript.Holder, ErrAltered, "share 1", "frame"},
		"huge length":             {func(l [][]byte) [][]byte { l[share1][1] = 255; return l }, transcript.Holder, ErrAltered, "share 1", "frame"},
		"huge length and altered": {func(l [][]byte) [][]byte { l[share1][1] = 255; l[share1][60]++; return l }, transcript.Holder, ErrMissing, "share 1", "message"},
		"shortened": {func(l [][]byte) [][]byte {
			l[share1] = l[share1][:len(l[share1])-1]
			l[share1][4]--
			return l
		}, transcript.Holder, ErrAltered, "share 1", "length"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := spoiled(t, r.dirs[1])
			write(t, dir, evidence.MessagesFile, bytes.Join(c.change(frames(t, read(t, dir, evidence.MessagesFile))), nil))
			report := replayRole(t, r, dir, c.role)
			first := report.First()
			if !errors.Is(report.Err(), c.want) || first == nil || fmt.Sprintf("%s %d", first.Kind, first.Index) != c.first || first.Field != c.field {
				t.Errorf("got %v, want %v at %s (%s)", report.Err(), c.want, c.first, c.field)
			}
		})
	}
	t.Run("two bytes of a nonce", func(t *testing.T) {
		for position := range 2 {
			dir := spoiled(t, r.dirs[1])
			flip(t, dir, position, 2)
			flip(t, dir, position, 20)
			for _, role := range roles {
				report := replayRole(t, r, dir, role)
				first := report.First()
				if !errors.Is(report.Err(), ErrAltered) || first.Kind != transcript.KindName(all[position].Kind) || report.Stopped == "" || report.Unchecked == 0 {
					t.Errorf("%v: %+v", role, report)
				}
				if role == all[position].Sender && (first.Offset != 2 || first.Field != "nonce") {
					t.Errorf("%v: %+v", role, first)
				}
			}
		}
	})
}

// TestAlteredRecords alters records, alone and together with the messages.
func TestAlteredRecords(t *testing.T) {
	r := honest(t, "vector")
	for position, record := range records(t, r.dirs[0]) {
		for _, role := range roles {
			dir := spoiled(t, r.dirs[0])
			list := records(t, dir)
			list[position].Digest[3] ^= 1
			writeRecords(t, dir, list)
			report := replayRole(t, r, dir, role)
			if first := report.First(); !errors.Is(report.Err(), ErrAltered) || !report.RecordsAltered || first.Kind != transcript.KindName(record.Kind) ||
				first.Index != record.Index || first.Field != "record" || report.Stopped != "" || report.Different != 1 {
				t.Errorf("%v, replay of the %v: %+v", record, role, report)
			}
		}
		// A forger that changes message and record: the head remains.
		dir := spoiled(t, r.dirs[0])
		at := flip(t, dir, position, 70)
		list := records(t, dir)
		list[position] = transcript.RecordOf(record.Sender, frames(t, read(t, dir, evidence.MessagesFile))[position][frameSize:])
		writeRecords(t, dir, list)
		report := replayRole(t, r, dir, record.Sender)
		if first := report.First(); !errors.Is(report.Err(), ErrAltered) || !report.RecordsAltered || first.Kind != transcript.KindName(record.Kind) || first.Offset != at {
			t.Errorf("%v and its record: %+v", record, report)
		}
		// A party that sent it and signed for it, with a head and without one.
		if record.Kind < transcript.KindKey {
			continue
		}
		want := ErrDeparture
		if record.Kind == transcript.KindBlock || record.Kind == transcript.KindShare {
			want = ErrInputs
		}
		for _, signed := range []bool{true, false} {
			if signed {
				rewriteHead(t, dir, list)
			} else if err := os.Remove(filepath.Join(dir, evidence.HeadFile)); err != nil {
				t.Fatal(err)
			}
			report = replayRole(t, r, dir, record.Sender)
			if first := report.First(); !errors.Is(report.Err(), want) || report.RecordsAltered || first.Kind != transcript.KindName(record.Kind) ||
				first.Index != record.Index || first.Offset != at || report.Different != 1 {
				t.Errorf("%v and its record, signed %v: %+v", record, signed, report)
			}
		}
	}
	t.Run("record removed", func(t *testing.T) {
		dir := spoiled(t, r.dirs[0])
		list := records(t, dir)
		writeRecords(t, dir, list[:len(list)-1])
		for _, role := range roles {
			if report := replayRole(t, r, dir, role); !errors.Is(report.Err(), ErrMissing) || !report.RecordsAltered {
				t.Errorf("%v: %+v", role, report)
			}
		}
	})
}

// rewriteHead puts other records under the head. The signatures are left: they are not
// checked here.
func rewriteHead(t *testing.T, dir string, list []transcript.Record) {
	t.Helper()
	note, err := transcript.ParseNote(string(read(t, dir, evidence.HeadFile)))
	if err != nil {
		t.Fatal(err)
	}
	head, err := transcript.ParseHead(note.Body)
	if err != nil {
		t.Fatal(err)
	}
	transcript.Sort(list)
	note.Body = transcript.NewHead(head.Request, head.Grant, list).Text()
	write(t, dir, evidence.HeadFile, []byte(note.Text()))
}

// TestUnreleasedVerdict cuts the messages of the last batch's verdict off, which a broken
// connection does too, and others, which it cannot.
func TestUnreleasedVerdict(t *testing.T) {
	r := honest(t, "vector")
	for name, c := range map[string]struct {
		cut   func(l [][]byte) [][]byte
		first int // verdict that is missing
		broke bool
	}{
		"the last":      {func(l [][]byte) [][]byte { return l[:len(l)-1] }, 2*vectorLevels - 1, true},
		"all but one":   {func(l [][]byte) [][]byte { return l[:len(l)-vectorLevels+1] }, vectorLevels + 1, true},
		"all":           {func(l [][]byte) [][]byte { return l[:len(l)-vectorLevels] }, vectorLevels, true},
		"not the last":  {func(l [][]byte) [][]byte { return slices.Delete(l, len(l)-2, len(l)-1) }, 2*vectorLevels - 2, false},
		"one too many":  {func(l [][]byte) [][]byte { return verdictsFrom(l, vectorLevels-1) }, vectorLevels - 1, false},
		"all, repeated": {func(l [][]byte) [][]byte { return append(l[:len(l)-vectorLevels], l[2]) }, vectorLevels, false},
	} {
		dir := spoiled(t, r.dirs[0])
		write(t, dir, evidence.MessagesFile, bytes.Join(c.cut(frames(t, read(t, dir, evidence.MessagesFile))), nil))
		for _, role := range roles {
			report := replayRole(t, r, dir, role)
			first := report.First()
			if !errors.Is(report.Err(), ErrMissing) || first.Kind != "verdict" || int(first.Index) != c.first || strings.Contains(report.Detail, "broke") != c.broke {
				t.Errorf("%s, replay of the %v: %v", name, role, report.Err())
			}
		}
	}
}

// verdictsFrom removes the verdicts from an index on.
func verdictsFrom(l [][]byte, index uint32) [][]byte {
	return slices.DeleteFunc(l, func(m []byte) bool {
		m = m[frameSize:]
		return m[0] == transcript.KindVerdict && binary.BigEndian.Uint32(m[indexAt:]) >= index
	})
}

// TestAbortedSessions breaks the connection at several messages, in both batches.
func TestAbortedSessions(t *testing.T) {
	const seal = 0x13
	for _, end := range []struct {
		kind protocol.Kind
		nth  int // of its kind, from 1
	}{
		{protocol.KindKey, 1}, {protocol.KindBlock, 2}, {protocol.KindShare, 1}, {protocol.KindShare, 7},
		{protocol.KindPrefixes, 1}, {protocol.KindPrefixes, 3}, {protocol.KindPrefixes, vectorLevels + 2},
		{protocol.KindVerdict, 1}, {protocol.KindVerdict, vectorLevels}, {protocol.KindVerdict, vectorLevels + 3}, {seal, 1},
	} {
		h := vectorHow(t)
		seen := 0
		h.ends = func(m []byte) bool {
			if protocol.KindOf(m) == end.kind {
				seen++
			}
			return seen == end.nth
		}
		r := record(t, h)
		released := end.kind == protocol.KindVerdict && end.nth > vectorLevels // to the requester, in part
		for at, dir := range r.dirs {
			for _, role := range roles {
				report := replayRole(t, r, dir, role)
				if at == 0 && (released || end.kind == seal) { // the requester has signed, and waits for the last verdict
					missing := vectorLevels
					if released {
						missing = end.nth - 1
					}
					if first := report.First(); !errors.Is(report.Err(), ErrMissing) || first.Kind != "verdict" || int(first.Index) != missing || !strings.Contains(report.Detail, "broke") {
						t.Errorf("broken at %v, %v: %+v", end, role, report)
					}
					continue
				}
				if !report.Equal || (report.Head != "") != released || report.Unchecked != 0 {
					t.Errorf("broken at %v, %v in folder %d: %+v", end, role, at, report)
				}
				if released {
					continue // the holder's evidence is complete
				}
				// What a crash leaves: a message without its record, and halves of both.
				torn := spoiled(t, dir)
				messages := read(t, torn, evidence.MessagesFile)
				write(t, torn, evidence.MessagesFile, append(messages, 2, 0, 0, 0, 3, 5, 5, 5, 1, 0))
				write(t, torn, evidence.RecordsFile, append(read(t, torn, evidence.RecordsFile), 1, 2, 3))
				if report := replayRole(t, r, torn, role); !report.Equal {
					t.Errorf("broken at %v, torn, %v in folder %d: %+v", end, role, at, report)
				}
			}
		}
	}
}

func TestUnusableEvidence(t *testing.T) {
	r := honest(t, "vector")
	for name, change := range map[string]func(dir string){
		"no messages":    func(dir string) { os.Remove(filepath.Join(dir, evidence.MessagesFile)) },
		"no grant":       func(dir string) { os.Remove(filepath.Join(dir, evidence.GrantFile)) },
		"no request":     func(dir string) { os.Remove(filepath.Join(dir, evidence.RequestFile)) },
		"no records":     func(dir string) { os.Remove(filepath.Join(dir, evidence.RecordsFile)) },
		"grant for head": func(dir string) { write(t, dir, evidence.HeadFile, read(t, dir, evidence.GrantFile)) },
		"half a head": func(dir string) {
			b := read(t, dir, evidence.HeadFile)
			write(t, dir, evidence.HeadFile, b[:len(b)/2])
		},
		"long request": func(dir string) { write(t, dir, evidence.RequestFile, make([]byte, maxStatement+1)) },
		"half a record": func(dir string) {
			b := read(t, dir, evidence.RecordsFile)
			write(t, dir, evidence.RecordsFile, b[:len(b)-1])
		},
		"record of another sender": func(dir string) {
			list := records(t, dir)
			list[3].Sender = 3 - list[3].Sender
			writeRecords(t, dir, list)
		},
		"record twice": func(dir string) {
			list := records(t, dir)
			writeRecords(t, dir, append(list, list[3]))
		},
		"another session's grant": func(dir string) {
			write(t, dir, evidence.GrantFile, read(t, honest(t, "iris").dirs[0], evidence.GrantFile))
		},
		"grant of another head": func(dir string) {
			other := read(t, honest(t, "iris").dirs[0], evidence.HeadFile)
			write(t, dir, evidence.HeadFile, other)
		},
	} {
		dir := spoiled(t, r.dirs[0])
		change(dir)
		if _, err := Requester(context.Background(), dir, r.seeds[0], r.probes, Options{}); !errors.Is(err, ErrEvidence) {
			t.Errorf("%s: error %v, want %v", name, err, ErrEvidence)
		}
	}
}

func TestReportIsJSON(t *testing.T) {
	r := honest(t, "iris")
	dir := spoiled(t, r.dirs[0])
	flip(t, dir, 3, 50)
	report := replayRole(t, r, dir, transcript.Requester)
	b, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%+v", back) != fmt.Sprintf("%+v", *report) {
		t.Errorf("the report does not survive JSON: %s", b)
	}
	if bytes.Contains(b, fmt.Appendf(nil, "%x", [32]byte(r.seeds[0]))) {
		t.Error("the report holds the seed")
	}
}

// TestOpenedSeedReplays goes the whole way: the agency derives, seals to two auditors, one
// forwards, the other opens and replays.
func TestOpenedSeedReplays(t *testing.T) {
	r := honest(t, "iris")
	first, err := opening.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	second, err := opening.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	for i, role := range roles {
		subject, seed, err := SessionSeed(r.dirs[i], role, []he.Seed{ownerRoot, evalRoot}[i])
		if err != nil || seed != r.seeds[i] {
			t.Fatalf("%v: error %v", role, err)
		}
		if _, _, err := SessionSeed(r.dirs[i], role, he.Seed{9}); !errors.Is(err, ErrSeed) {
			t.Errorf("%v, another root: error %v, want %v", role, err, ErrSeed)
		}
		o, err := opening.SealSplit(subject, seed, [2]opening.PublicKey{first.Public(), second.Public()})
		if err != nil {
			t.Fatal(err)
		}
		if o, err = o.Forward(first, second.Public()); err != nil {
			t.Fatal(err)
		}
		opened := *r
		if opened.seeds[i], err = o.Open(subject, second); err != nil {
			t.Fatal(err)
		}
		if report := replayRole(t, &opened, r.dirs[1-i], role); !report.Equal {
			t.Errorf("%v: %+v", role, report)
		}
	}
}

func TestCancel(t *testing.T) {
	r := honest(t, "vector")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Requester(ctx, r.dirs[0], r.seeds[0], r.probes, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("requester: error %v", err)
	}
	if _, err := Holder(ctx, r.dirs[0], r.seeds[1], r.watchlist(), Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("holder: error %v", err)
	}
}

// FuzzFolder feeds messages and records of an attacker to the reader of folders.
func FuzzFolder(f *testing.F) {
	r := honest(f, "vector")
	messages, recorded := read(f, r.dirs[0], evidence.MessagesFile), read(f, r.dirs[0], evidence.RecordsFile)
	f.Add(messages[:2000], recorded, true)
	f.Add([]byte{}, []byte{}, false)
	small := []byte{1, 0, 0, 0, 2, 1, 1, 2, 0, 0, 0, 2, 2, 1}
	list := transcript.RecordOf(transcript.Holder, []byte{2, 1}).Append(transcript.RecordOf(transcript.Requester, []byte{1, 1}).Append(nil))
	f.Add(small, list, false)
	f.Add(append(small[7:], small[:7]...), list, false)
	f.Fuzz(func(t *testing.T, messages, recorded []byte, head bool) {
		dir := t.TempDir()
		files := []string{evidence.RequestFile, evidence.GrantFile}
		if head {
			files = append(files, evidence.HeadFile)
		}
		for _, file := range files {
			write(t, dir, file, read(t, r.dirs[0], file))
		}
		write(t, dir, evidence.MessagesFile, messages)
		write(t, dir, evidence.RecordsFile, recorded)
		folder, err := openFolder(dir)
		if err != nil {
			if !errors.Is(err, ErrEvidence) {
				t.Errorf("error %v wraps no class", err)
			}
			return
		}
		defer folder.close()
		for i, p := range folder.places {
			message, err := folder.message(i)
			if err != nil {
				t.Fatal(err)
			}
			if p.state == lost || p.state == altered {
				continue
			}
			if got := transcript.RecordOf(folder.records[i].Sender, message); got.Digest != folder.records[i].Digest {
				t.Errorf("message %d is not the one of its record", i)
			}
		}
		if _, err := Requester(context.Background(), dir, r.seeds[0], r.probes, Options{}); err != nil && !errors.Is(err, ErrEvidence) {
			t.Errorf("replay: error %v", err)
		}
	})
}
