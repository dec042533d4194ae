package audit

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"time"

	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
)

// pair is a session as the sides have it, keyed by its request: a session id exists only
// once the holder has granted.
type pair struct {
	in      *Input
	sides   []*side
	request transcript.Digest
	halves  []*half // of the sides that have it

	ledger  *ledger
	done    map[signatureKey]error
	lengths []length
	summary SessionSummary
	asked   transcript.Request
	grants  []transcript.Grant
	claims  []*claim
	counted bool // reached the holder
}

// half is what one side has of a session.
type half struct {
	side   *side
	entry  *logged // nil if it is not in the log
	folder *folder // nil if there is no evidence
	label  string

	request, grant, head *transcript.Note // of the evidence
	grantText            *transcript.Grant
	headText             *transcript.Head
	records              []transcript.Record // as journaled
	recordsRead          bool
	traffic              [transcript.KindVerdict + 1]Traffic
}

// Traffic is what passed of a kind of message.
type Traffic struct {
	Messages int    `json:"messages"`
	Bytes    uint64 `json:"bytes"`
}

// pairs brings the sides' sessions together, by time.
func pairs(in *Input, sides []*side) []*pair {
	all := map[transcript.Digest]*pair{}
	get := func(request transcript.Digest) *pair {
		p := all[request]
		if p == nil {
			p = &pair{in: in, sides: sides, request: request}
			all[request] = p
		}
		return p
	}
	for _, s := range sides {
		for request, e := range s.sessions {
			p := get(request)
			p.asked = e.request
			p.halves = append(p.halves, &half{side: s, entry: e, folder: s.folders[request]})
		}
		for request, f := range s.folders {
			if s.sessions[request] == nil {
				p := get(request)
				p.halves = append(p.halves, &half{side: s, folder: f})
			}
		}
	}
	list := make([]*pair, 0, len(all))
	for _, p := range all {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *pair) int {
		return cmp.Or(a.asked.Time.Compare(b.asked.Time), slices.Compare(a.request[:], b.request[:]))
	})
	return list
}

// run makes all checks that this session alone allows.
func (p *pair) run() {
	p.ledger, p.done = newLedger(), map[signatureKey]error{}
	known := false
	for _, h := range p.halves {
		h.load(p.ledger, p.request)
		known = known || h.entry != nil
		if !known && h.request != nil {
			if r, err := transcript.ParseRequest(h.request.Body); err == nil {
				p.asked, known = r, true
			}
		}
	}
	if !known {
		p.summarise()
		return // its request was found malformed
	}
	p.checkRequest()
	for _, h := range p.halves {
		p.checkStatements(h)
		p.checkSignatures(h)
		for _, g := range h.allGrants(p.request) {
			if !slices.Contains(p.grants, g) {
				p.grants = append(p.grants, g)
				p.checkGrant(h, g)
			}
		}
	}
	for _, h := range p.halves {
		p.checkRecords(h)
	}
	p.checkSides()
	p.checkClaims()
	p.summarise()
	for _, h := range p.halves {
		h.records = nil // they may be many
	}
}

// load reads the evidence.
func (h *half) load(l *ledger, request transcript.Digest) {
	h.label = requestLabel(request)
	if h.entry != nil {
		h.label = h.entry.label()
	}
	if h.folder == nil {
		return
	}
	if id, ok := parseDigest(path.Base(h.folder.name)); ok && path.Dir(h.folder.name) == evidenceDir {
		h.label = id.String()
	}
	read := func(file string) *transcript.Note {
		return h.side.note(l, path.Join(h.folder.name, file), h.label)
	}
	h.request, h.grant, h.head = read(requestFile), read(grantFile), read(headFile)
	if h.grant != nil {
		g, err := transcript.ParseGrant(h.grant.Body)
		if l.check(SessionFormat, err == nil, h.at(grantFile), "%v", err) {
			h.grantText = &g
		}
	}
	if h.head != nil {
		t, err := transcript.ParseHead(h.head.Body)
		if l.check(SessionFormat, err == nil, h.at(headFile), "%v", err) {
			h.headText = &t
		}
	}
	data, err := h.side.read(path.Join(h.folder.name, recordsFile), maxRecordsFile)
	if errors.Is(err, fs.ErrNotExist) {
		h.recordsRead = h.unbegun()
		return
	}
	if !h.complete() { // a process that is killed may leave part of a record
		data = data[:len(data)/transcript.RecordSize*transcript.RecordSize]
	}
	if err == nil {
		h.records, err = transcript.ParseRecords(data)
	}
	h.recordsRead = l.check(RecordsFormat, err == nil, h.at(recordsFile), "%v", err)
	for _, r := range h.records {
		h.traffic[r.Kind].Messages++
		h.traffic[r.Kind].Bytes += uint64(r.Length)
	}
}

// unbegun reports whether the log says that nothing passed, so that no record need be there.
func (h *half) unbegun() bool {
	return h.entry != nil && h.entry.aborted != nil && h.entry.aborted.Messages == 0
}

// at is a file of the evidence.
func (h *half) at(file string) Place {
	p := Place{Party: h.side.Agency, Session: h.label}
	if h.folder != nil {
		p.File = path.Join(h.folder.name, file)
	}
	return p
}

// inLog is the session's entry in the log.
func (h *half) inLog() Place {
	p := h.side.entry(h.entry.index)
	p.Session = h.label
	return p
}

// anywhere is the entry, or the evidence if there is none.
func (h *half) anywhere() Place {
	if h.entry != nil {
		return h.inLog()
	}
	p := h.at("")
	return p
}

// complete reports whether the side has a result or has given one.
func (h *half) complete() bool {
	if h.entry != nil {
		return h.entry.head != nil
	}
	return h.head != nil
}

// finished reports whether the side knows that the last answer was given.
func (h *half) finished() bool {
	return h.complete() && (h.entry == nil || h.entry.outcome != transcript.OutcomeUnknown)
}

// allGrants returns the grants that this side shows, each once.
func (h *half) allGrants(request transcript.Digest) []transcript.Grant {
	var list []transcript.Grant
	add := func(g transcript.Grant) {
		if g.Request == request && !slices.Contains(list, g) { // else it was put there from elsewhere
			list = append(list, g)
		}
	}
	if h.entry != nil && h.entry.head != nil {
		add(h.entry.head.Grant)
	}
	if h.grantText != nil {
		add(*h.grantText)
	}
	if h.headText != nil {
		add(h.headText.Grant)
	}
	return list
}

// role is the side's part in the session.
func (h *half) role(r transcript.Request) transcript.Party {
	switch {
	case r.Holder == h.side.Agency:
		return transcript.Holder
	case r.Requester != h.side.Agency && h.entry != nil:
		return h.entry.role
	}
	return transcript.Requester
}

// half returns the half of an agency, or nil.
func (p *pair) half(agency string) *half {
	for _, h := range p.halves {
		if h.side.Agency == agency {
			return h
		}
	}
	return nil
}

// history is what an agency's log says, or nil if that log is not at hand.
func (p *pair) history(agency string) *history {
	for _, s := range p.sides {
		if s.Agency == agency && s.log != nil {
			return &s.history
		}
	}
	return nil
}

// signatureKey is what a verification depends on.
type signatureKey struct {
	key, body transcript.Digest
	signature signature.Signature
}

// verify verifies a signature once for all places in which it stands.
func (p *pair) verify(key signature.PublicKey, id transcript.Digest, body string, s signature.Signature) error {
	k := signatureKey{id, transcript.TextDigest(body), s}
	err, done := p.done[k]
	if !done {
		err = signature.Verify(key, []byte(body), s)
		p.done[k] = err
	}
	return err
}

// summarise fills the row of the report.
func (p *pair) summarise() {
	r := p.asked
	p.summary = SessionSummary{
		Request: p.request.String(), Requester: r.Requester, Holder: r.Holder,
		Watchlist: r.Watchlist, Purpose: r.Purpose, Basis: r.Basis, Probes: r.Probes, Status: map[string]string{}, Aborted: true,
	}
	if !r.Time.Equal(time.Time{}) {
		p.summary.Asked = utc(r.Time)
	}
	for _, g := range p.grants {
		p.summary.Session, p.summary.Entries, p.summary.Epoch = g.Session.String(), g.Entries, g.Epoch
	}
	if p.summary.Session == "" {
		p.summary.Session = requestLabel(p.request)
	}
	for _, s := range p.sides {
		h := p.half(s.Agency)
		status := "missing"
		switch {
		case h == nil:
			if r.Holder == s.Agency && len(p.grants) == 0 {
				status = "never reached"
			}
		case h.entry == nil:
			status = "unlogged"
		case h.entry.aborted != nil:
			status = "aborted: " + h.entry.aborted.Stage
		default:
			status = h.entry.outcome
		}
		p.summary.Status[s.Agency] = status
		if h != nil {
			p.summary.Aborted = p.summary.Aborted && !h.finished()
			p.counted = p.counted || s.Agency == r.Holder
		}
	}
	p.counted = p.counted || len(p.grants) > 0
	for _, f := range p.ledger.findings {
		if f.Severity != Notice {
			p.summary.Findings++
		}
	}
}
