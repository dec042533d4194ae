package replay

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
)

// folder is the evidence of one session: statements and records in memory, messages in
// their file.
type folder struct {
	request transcript.Request
	grant   transcript.Grant
	head    *transcript.Head // nil if the session was aborted
	chained bool             // the records are those of the head

	records  []transcript.Record
	places   []place                           // of each record's message
	byIndex  [transcript.KindVerdict + 1][]int // positions of records by kind, ascending by index
	messages *os.File
	size     int64
	extra    []extra // messages that have no record
}

// place is where a message is in the file.
type place struct {
	offset int64 // of its first byte, behind the frame
	length int
	state  state
}

type extra struct {
	offset int64
	sender transcript.Party
	kind   uint8
}

// state says how the file has a message.
type state uint8

const (
	lost    state = iota // not in the file
	intact               // as its record says
	altered              // other bytes than its record says
	framed               // the bytes are those of the record, sender or length before them are not
	moved                // intact, at another place
)

const frameSize = 5 // sender u8, length u32

// openFolder reads everything but the messages, which it places.
func openFolder(dir string) (*folder, error) {
	f, err := readFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return f, nil
}

func readFolder(dir string) (*folder, error) {
	f := &folder{}
	body, err := statement(dir, evidence.RequestFile)
	if err != nil {
		return nil, err
	}
	if f.request, err = transcript.ParseRequest(body); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEvidence, evidence.RequestFile, err)
	}
	if body, err = statement(dir, evidence.GrantFile); err != nil {
		return nil, err
	}
	if f.grant, err = transcript.ParseGrant(body); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrEvidence, evidence.GrantFile, err)
	}
	if f.grant.Request != transcript.TextDigest(f.request.Text()) {
		return nil, fmt.Errorf("%w: the grant is for another request", ErrEvidence)
	}
	switch body, err = statement(dir, evidence.HeadFile); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		head, err := transcript.ParseHead(body)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrEvidence, evidence.HeadFile, err)
		}
		if head.Request != f.request || head.Grant != f.grant {
			return nil, fmt.Errorf("%w: the head is of another request or grant", ErrEvidence)
		}
		f.head = &head
	}
	if err := f.readRecords(filepath.Join(dir, evidence.RecordsFile)); err != nil {
		return nil, err
	}
	f.messages, err = os.Open(filepath.Join(dir, evidence.MessagesFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: the messages were not kept", ErrEvidence)
	} else if err != nil {
		return nil, err
	}
	if err := f.place(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *folder) close() { _ = f.messages.Close() }

// statement returns the text of a signed note.
func statement(dir, file string) (string, error) {
	text, err := readFile(filepath.Join(dir, file), maxStatement)
	if err != nil {
		return "", err
	}
	note, err := transcript.ParseNote(string(text))
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrEvidence, file, err)
	}
	return note.Body, nil
}

func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%w: %s has more than %d bytes", ErrEvidence, filepath.Base(path), limit)
	}
	return data, err
}

// readRecords reads and indexes the records. A record that a crash left unfinished is
// dropped if there is no head.
func (f *folder) readRecords(path string) error {
	data, err := readFile(path, MaxMessages*transcript.RecordSize)
	if err != nil {
		return err
	}
	if f.head == nil {
		data = data[:len(data)-len(data)%transcript.RecordSize]
	}
	if f.records, err = transcript.ParseRecords(data); err != nil {
		return fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	for i, r := range f.records {
		if r.Sender != senderOf(r.Kind) {
			return fmt.Errorf("%w: record %d is of a %v sent by the %v", ErrEvidence, i, r, r.Sender)
		}
		f.byIndex[r.Kind] = append(f.byIndex[r.Kind], i)
	}
	for _, list := range f.byIndex {
		slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(f.records[a].Index, f.records[b].Index) })
		for i := 1; i < len(list); i++ {
			if f.records[list[i]].Index == f.records[list[i-1]].Index {
				return fmt.Errorf("%w: two records of %v", ErrEvidence, f.records[list[i]])
			}
		}
	}
	f.chained = f.head != nil && f.chains(f.records)
	return nil
}

// chains reports whether records are those of the head.
func (f *folder) chains(records []transcript.Record) bool {
	sorted := slices.Clone(records)
	transcript.Sort(sorted)
	return transcript.NewHead(f.request, f.grant, sorted) == *f.head
}

func senderOf(kind uint8) transcript.Party {
	switch kind {
	case transcript.KindAccept, transcript.KindShare, transcript.KindVerdict:
		return transcript.Holder
	}
	return transcript.Requester
}

// find returns the position of the record of a message.
func (f *folder) find(kind uint8, index uint32) (int, bool) {
	list := f.byIndex[kind]
	i, found := slices.BinarySearchFunc(list, index, func(p int, index uint32) int { return cmp.Compare(f.records[p].Index, index) })
	if !found {
		return 0, false
	}
	return list[i], true
}

// place goes through the messages once, in the order of the records, and notes where each
// one is. Frames that are damaged are bridged by the length that the record has.
func (f *folder) place() error {
	info, err := f.messages.Stat()
	if err != nil {
		return err
	}
	f.size = info.Size()
	f.places = make([]place, len(f.records))
	var positions map[transcript.Digest]int // made when it is first needed
	next := 0
	for at := int64(0); at+frameSize <= f.size; {
		var frame [frameSize]byte
		if _, err := f.messages.ReadAt(frame[:], at); err != nil {
			return err
		}
		sender, length := transcript.Party(frame[0]), int64(binary.BigEndian.Uint32(frame[1:]))
		at += frameSize
		var want transcript.Record
		if next < len(f.records) {
			want = f.records[next]
		}
		fits := length <= protocol.MaxMessage && at+length <= f.size
		var digest transcript.Digest
		kind := uint8(0)
		if fits {
			message, err := f.bytes(at, int(length))
			if err != nil {
				return err
			}
			digest = sha256.Sum256(message)
			kind = uint8(protocol.KindOf(message))
		}
		if fits && next < len(f.records) && digest == want.Digest {
			s := intact
			if sender != want.Sender {
				s = framed
			}
			f.places[next] = place{at, int(length), s}
			next, at = next+1, at+length
			continue
		}
		if next < len(f.records) && length != int64(want.Length) && f.holds(at, want) {
			f.places[next] = place{at, int(want.Length), framed}
			next, at = next+1, at+int64(want.Length)
			continue
		}
		if !fits {
			break // the rest cannot be read
		}
		if positions == nil {
			positions = make(map[transcript.Digest]int, len(f.records))
			for i, r := range f.records {
				positions[r.Digest] = i
			}
		}
		p, known := positions[digest]
		switch {
		case known && p >= next: // those between are not in the file
			f.places[p] = place{at, int(length), intact}
			next = p + 1
		case known && f.places[p].state == lost:
			f.places[p] = place{at, int(length), moved}
		case known || next == len(f.records):
			if !known && f.head == nil {
				return nil // a crash came between message and record: it was not released
			}
			if f.extra = append(f.extra, extra{at, sender, kind}); len(f.extra) > MaxDifferences {
				return nil
			}
		default:
			f.places[next] = place{at, int(length), altered}
			next++
		}
		at += length
	}
	return nil
}

// holds reports whether the bytes at a place are those of a record.
func (f *folder) holds(at int64, r transcript.Record) bool {
	if r.Length > protocol.MaxMessage || at+int64(r.Length) > f.size {
		return false
	}
	message, err := f.bytes(at, int(r.Length))
	return err == nil && sha256.Sum256(message) == r.Digest
}

func (f *folder) bytes(at int64, length int) ([]byte, error) {
	b := make([]byte, length)
	_, err := f.messages.ReadAt(b, at)
	return b, err
}

// message reads the message of a record; nil if it is lost.
func (f *folder) message(position int) ([]byte, error) {
	p := f.places[position]
	if p.state == lost {
		return nil, nil
	}
	return f.bytes(p.offset, p.length)
}

// vouched reports whether the signed statements stand for the bytes of a message whose
// record does not, and if so corrects the record in memory.
func (f *folder) vouched(position int, message []byte) bool {
	was := f.records[position]
	f.records[position] = transcript.RecordOf(was.Sender, message)
	if f.head != nil && !f.chained && f.chains(f.records) {
		return true
	}
	f.records[position] = was
	return false
}

// repair returns an opening message with the one byte put right in which it differs from
// its digest, the message itself if it does not, nil if that cannot be done.
func repair(message []byte, want transcript.Digest) []byte {
	if len(message) > maxOpening {
		return nil
	}
	m := bytes.Clone(message)
	for i, was := range m {
		for change := range 256 {
			m[i] = was ^ byte(change)
			if sha256.Sum256(m) == want {
				return m
			}
		}
		m[i] = was
	}
	return nil
}
