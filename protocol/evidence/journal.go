package evidence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/puente-project/puente/keys/durable"
	"github.com/puente-project/puente/protocol/transcript"
)

// The files of a session, in <evidence>/<session id>/. A session without a session id is
// in <evidence>/unanswered/<digest of the request>/.
const (
	RequestFile  = "request.txt" // Note of the Request
	GrantFile    = "grant.txt"   // Note of the Grant
	HeadFile     = "head.txt"    // Note of the Head, signed by both; only of complete sessions
	RecordsFile  = "records"     // records in the order in which messages passed
	MessagesFile = "messages"    // sender u8, length u32, bytes, in the same order: open and accept, or all
	Unanswered   = "unanswered"
	seen         = "seen" // one empty file for each request, against replays
)

// Journal is the evidence of one session on disk. Its methods may be called
// concurrently.
type Journal struct {
	root string

	mu       sync.Mutex
	dir      string
	records  *os.File
	messages *os.File
	keepAll  bool
	err      error // the first failure; nothing is released after it

	dirtyMessages, dirtyRecords bool
}

// NewJournal begins the evidence of a session with its request, on disk when it returns.
// A request that was seen before is refused: it would be a replayed session.
func NewJournal(root string, request transcript.Note, keepMessages bool) (*Journal, error) {
	parent, id := filepath.Join(root, Unanswered), transcript.TextDigest(request.Body).String()
	for _, dir := range []string{parent, filepath.Join(root, seen)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("evidence: %w", err)
		}
	}
	mark, err := os.OpenFile(filepath.Join(root, seen, id), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: the request has been made before", ErrStatement)
	} else if err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	_ = mark.Close()
	j := &Journal{root: root, keepAll: keepMessages, dir: filepath.Join(parent, id)}
	if err := os.Mkdir(j.dir, 0o700); err != nil {
		return nil, fmt.Errorf("evidence: %w", err)
	}
	if err := j.Statement(RequestFile, request); err != nil {
		return nil, err
	}
	if j.records, err = j.create(RecordsFile); err == nil {
		j.messages, err = j.create(MessagesFile)
	}
	if err == nil { // held until this process ends, however it ends: see Running
		err = unix.Flock(int(j.records.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err == nil {
		err = durable.SyncDir(parent)
	}
	if err != nil {
		j.Close()
		return nil, fmt.Errorf("evidence: %w", err)
	}
	return j, nil
}

// Running reports whether the session in a folder is still under way in some process of
// this machine. A killed process is under way no more.
func Running(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, RecordsFile))
	if errors.Is(err, fs.ErrNotExist) {
		// Between the request and the records lie milliseconds, unless the process was killed.
		info, err := os.Stat(filepath.Join(dir, RequestFile))
		return err == nil && time.Since(info.ModTime()) < time.Minute, err
	} else if err != nil {
		return false, err
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

func (j *Journal) create(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(j.dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
}

// Name moves the session to the folder of its id.
func (j *Journal) Name(session transcript.Digest) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	to := filepath.Join(j.root, session.String())
	err := os.Rename(j.dir, to)
	if err == nil {
		j.dir = to
		err = durable.SyncDir(j.root)
	}
	return j.failed(err)
}

// Dir returns the folder of the session.
func (j *Journal) Dir() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dir
}

// failed keeps the first error.
func (j *Journal) failed(err error) error {
	if err != nil && j.err == nil {
		j.err = fmt.Errorf("evidence: %w", err)
	}
	return j.err
}

// Statement writes a signed statement. It is on disk when it returns.
func (j *Journal) Statement(file string, note transcript.Note) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	return j.failed(durable.Replace(filepath.Join(j.dir, file), func(w io.Writer) error {
		_, err := io.WriteString(w, note.Text())
		return err
	}))
}

// Add appends records of messages that one side sent, and messages if they are kept. The
// two come together but for the last verdict, whose record comes first. With sync they are on disk when it returns: so it must be before an answer leaves.
func (j *Journal) Add(sender transcript.Party, messages [][]byte, records []transcript.Record, sync bool) error {
	var encoded, kept []byte
	for _, r := range records {
		encoded = r.Append(encoded)
	}
	for _, m := range messages {
		if k := kindOf(m); !j.keepAll && k != transcript.KindOpen && k != transcript.KindAccept {
			continue // without the two with the nonces no session could be opened to an auditor
		}
		kept = append(kept, byte(sender))
		kept = binary.BigEndian.AppendUint32(kept, uint32(len(m)))
		kept = append(kept, m...)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	for _, f := range []struct {
		file  *os.File
		data  []byte
		dirty *bool // something is written and perhaps not on disk
	}{{j.messages, kept, &j.dirtyMessages}, {j.records, encoded, &j.dirtyRecords}} {
		if f.file == nil || j.err != nil {
			continue
		}
		_, err := f.file.Write(f.data)
		*f.dirty = *f.dirty || len(f.data) > 0
		if err == nil && sync && *f.dirty {
			if err = f.file.Sync(); err == nil {
				*f.dirty = false
			}
		}
		_ = j.failed(err)
	}
	return j.err
}

// Close closes the files.
func (j *Journal) Close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range []*os.File{j.records, j.messages} {
		if f != nil {
			_ = f.Close()
		}
	}
	_ = j.failed(fs.ErrClosed)
}
