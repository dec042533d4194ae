package transcript

import (
	"crypto/sha256"
	"time"

	"github.com/puente-project/puente/protocol/schedule"
)

const (
	requestTitle = "puente request v1"
	grantTitle   = "puente grant v1"
	headTitle    = "puente transcript v1"
)

// Request is the requester's statement before a session: that it asks, under which
// agreement and on which legal basis. It binds the open message, which names the
// watchlist and the scheme and commits to the requester's session seed.
type Request struct {
	Requester, Holder string
	Watchlist, Scheme string
	Probes            uint64 // 1..schedule.MaxProbes, as in open; they count against the quota
	Open              Digest // SHA-256 of the open message
	Seed              Digest // commitment to the requester's session seed, as in open
	Agreement         Digest // SHA-256 of the agreement between the parties
	Purpose, Basis    string // codes out of the agreement
	Case              Digest // CaseHash of the reference of the requester's case
	Time              time.Time
	Key               Digest // id of the signing key
}

func (s Request) fields(w *writer) {
	w.text("requester", s.Requester)
	w.text("holder", s.Holder)
	w.text("watchlist", s.Watchlist)
	w.text("scheme", s.Scheme)
	w.number("probes", s.Probes)
	w.digest("open", s.Open)
	w.digest("requester-seed", s.Seed)
	w.digest("agreement", s.Agreement)
	w.text("purpose", s.Purpose)
	w.text("basis", s.Basis)
	w.digest("case", s.Case)
	w.time("asked", s.Time)
	w.digest("requester-key", s.Key)
}

func readRequest(r *reader) Request {
	return Request{Requester: r.code("requester"), Holder: r.code("holder"), Watchlist: r.code("watchlist"),
		Scheme: r.text("scheme"), Probes: r.probes(), Open: r.digest("open"), Seed: r.digest("requester-seed"),
		Agreement: r.digest("agreement"), Purpose: r.code("purpose"), Basis: r.code("basis"),
		Case: r.digest("case"), Time: r.time("asked"), Key: r.digest("requester-key")}
}

// probes reads how many probes a session has.
func (r *reader) probes() uint64 {
	n := r.number("probes")
	if r.err == nil && (n < 1 || n > schedule.MaxProbes) {
		r.fail("%d probes, allowed are 1 to %d", n, schedule.MaxProbes)
	}
	return n
}

// Text returns the statement that is signed.
func (s Request) Text() string {
	w := begin(requestTitle)
	s.fields(w)
	return w.b.String()
}

// ParseRequest is the inverse of Text.
func ParseRequest(text string) (Request, error) {
	r := open(requestTitle, text)
	s := readRequest(r)
	if err := r.finish(); err != nil {
		return Request{}, err
	}
	return s, nil
}

// Grant is the holder's statement before it answers: against which state of which
// watchlist. It binds the request and the session id, and so the accept message.
type Grant struct {
	Session Digest // id of the session
	Request Digest // SHA-256 of the text of the request
	Accept  Digest // SHA-256 of the accept message
	Seed    Digest // commitment to the holder's session seed, as in accept
	Epoch   uint64
	Root    Digest // of the watchlist at that epoch, see WatchlistRoot
	Entries uint64
	Width   uint64 // of a block
	Time    time.Time
	Key     Digest // id of the signing key
}

func (s Grant) fields(w *writer) {
	w.digest("session", s.Session)
	w.digest("request", s.Request)
	w.digest("accept", s.Accept)
	w.digest("holder-seed", s.Seed)
	w.number("epoch", s.Epoch)
	w.digest("root", s.Root)
	w.number("entries", s.Entries)
	w.number("width", s.Width)
	w.time("granted", s.Time)
	w.digest("holder-key", s.Key)
}

func readGrant(r *reader) Grant {
	return Grant{Session: r.digest("session"), Request: r.digest("request"), Accept: r.digest("accept"),
		Seed: r.digest("holder-seed"), Epoch: r.number("epoch"), Root: r.digest("root"), Entries: r.number("entries"),
		Width: r.number("width"), Time: r.time("granted"), Key: r.digest("holder-key")}
}

// Text returns the statement that is signed.
func (s Grant) Text() string {
	w := begin(grantTitle)
	s.fields(w)
	return w.b.String()
}

// ParseGrant is the inverse of Text.
func ParseGrant(text string) (Grant, error) {
	r := open(grantTitle, text)
	s := readGrant(r)
	if err := r.finish(); err != nil {
		return Grant{}, err
	}
	return s, nil
}

// Head is what both parties sign before the last answer is released: the request, the
// grant and every message.
type Head struct {
	Request  Request
	Grant    Grant
	Messages uint64 // number of records
	Bytes    uint64 // sum of their lengths
	Records  Digest // Chain
}

// NewHead makes the head of a session with sorted records.
func NewHead(request Request, grant Grant, records []Record) Head {
	h := Head{Request: request, Grant: grant, Messages: uint64(len(records)), Records: Chain(records)}
	for _, r := range records {
		h.Bytes += uint64(r.Length)
	}
	return h
}

// Text returns the statement that is signed.
func (h Head) Text() string {
	w := begin(headTitle)
	h.Grant.fields(w)
	h.Request.fields(w)
	w.number("messages", h.Messages)
	w.number("bytes", h.Bytes)
	w.digest("records", h.Records)
	return w.b.String()
}

// ParseHead is the inverse of Text. It refuses a head whose grant is for another request.
func ParseHead(text string) (Head, error) {
	r := open(headTitle, text)
	h := Head{Grant: readGrant(r), Request: readRequest(r), Messages: r.number("messages"), Bytes: r.number("bytes"), Records: r.digest("records")}
	if r.err == nil && h.Grant.Request != TextDigest(h.Request.Text()) {
		r.fail("the grant is for another request")
	}
	if err := r.finish(); err != nil {
		return Head{}, err
	}
	return h, nil
}

// TextDigest is the SHA-256 of a statement.
func TextDigest(text string) Digest { return sha256.Sum256([]byte(text)) }
