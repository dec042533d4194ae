package audit

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// Names in a party's folder.
const (
	logDir            = "log"
	witnessCheckpoint = "log-witness/checkpoint"
	partnerCheckpoint = "log-witness/partner-checkpoint"
	agreementFile     = "agreement.json"
	publicFileName    = "public.json"
	evidenceDir       = "evidence"
	unansweredDir     = "unanswered"
	seenDir           = "seen" // the agency's own, against replays
	requestFile       = "request.txt"
	grantFile         = "grant.txt"
	headFile          = "head.txt"
	recordsFile       = "records"
	messagesFile      = "messages"
	claimsDir         = "claims" // in a session's folder, a folder for each claim
	claimFile         = "claim.txt"
	releaseFile       = "release.txt"
)

// side is what one party handed over.
type side struct {
	Party
	public  *Public
	partner string
	root    *os.Root

	log       *view.View // nil if the log is not to be believed
	witnessed view.Checkpoint
	history   history
	sessions  map[transcript.Digest]*logged        // by request
	folders   map[transcript.Digest]*folder        // by request
	claims    map[transcript.Digest][]*loggedClaim // by session
}

// logged is a session's entry in a log.
type logged struct {
	index   int64
	request transcript.Request
	head    *transcript.Head // of a completed session
	role    transcript.Party
	outcome string
	aborted *transcript.AbortedEntry
	note    transcript.Note
}

// folder is the evidence of a session.
type folder struct {
	name    string // below the party's folder
	request transcript.Digest
}

func (s *side) at(file string) Place { return Place{Party: s.Agency, File: file} }

func (s *side) entry(index int64) Place { return Place{Party: s.Agency, File: logDir, Entry: &index} }

// read gives a regular file of the party's folder, never anything outside of it.
func (s *side) read(name string, limit int64) ([]byte, error) {
	info, err := s.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", name)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, at most %d", name, info.Size(), limit)
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

// note reads a statement; a missing file is nil without a finding. label names the
// session.
func (s *side) note(l *ledger, name, label string) *transcript.Note {
	where := Place{Party: s.Agency, File: name, Session: label}
	data, err := s.read(name, maxNoteFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var n transcript.Note
	if err == nil {
		n, err = transcript.ParseNote(string(data))
	}
	if err != nil {
		l.malformed(where, err)
		return nil
	}
	l.pass(SessionFormat)
	return &n
}

// listEvidence finds the evidence folders and the requests in them.
func (s *side) listEvidence(l *ledger) {
	s.folders = map[transcript.Digest]*folder{}
	bySession := map[transcript.Digest]transcript.Digest{}
	for request, e := range s.sessions {
		if e.head != nil {
			bySession[e.head.Grant.Session] = request
		}
	}
	for _, dir := range []string{evidenceDir, path.Join(evidenceDir, unansweredDir)} {
		for _, name := range s.list(l, dir) {
			id, ok := parseDigest(name)
			if !ok {
				if name != unansweredDir && name != seenDir {
					l.fail(EvidenceName, s.at(path.Join(dir, name)), "the folder's name is no session id")
				}
				continue
			}
			f := &folder{name: path.Join(dir, name)}
			file := path.Join(f.name, requestFile)
			data, err := s.read(file, maxNoteFile)
			body, _, _ := strings.Cut(string(data), "\n\n")
			if request, parsed := transcript.ParseRequest(body + "\n"); err == nil && parsed == nil {
				if s.third(request.Requester, request.Holder) != "" {
					continue
				}
				f.request = transcript.TextDigest(body + "\n")
			} else if request, known := bySession[id]; known {
				f.request = request // its request will be found missing or malformed
			} else {
				l.fail(SessionFormat, s.at(file), "there is no readable request, so that the evidence belongs to no session")
				continue
			}
			if other := s.folders[f.request]; other != nil {
				l.fail(SessionDuplicate, s.at(f.name), "the request is the one of %s", other.name)
				continue
			}
			s.folders[f.request] = f
		}
	}
}

// list names the entries of a directory, sorted.
func (s *side) list(l *ledger, dir string) []string {
	d, err := s.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var names []string
	if err == nil {
		names, err = d.Readdirnames(maxFolders + 1)
		d.Close()
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil || len(names) > maxFolders {
		l.fail(EvidenceMissing, s.at(dir), "the folder cannot be read, or has more than %d sessions", maxFolders)
	}
	slices.Sort(names)
	return names
}

func parseDigest(s string) (d transcript.Digest, ok bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) || hex.EncodeToString(b) != s {
		return d, false
	}
	return transcript.Digest(b), true
}
