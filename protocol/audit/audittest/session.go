package audittest

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"path"
	"time"

	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// Session is a session before it is played. The functions may be nil.
type Session struct {
	Number            int
	Requester, Holder *Party
	RequesterKey      *Key
	HolderKey         *Key
	// Probes is how many the open message and the messages are of; Request.Probes may differ.
	Probes int
	// Keep keeps all messages, as for replay; otherwise only the opening ones are kept.
	Keep bool
	// Stop ends the session behind so many messages; 0 plays it to the end. A session that
	// stops behind the first never reached the holder.
	Stop    int
	Outcome string // of the requester

	// Claimed has a hit claimed five minutes behind the session.
	Claimed bool

	EditRequest func(*transcript.Request)
	EditGrant   func(*transcript.Grant)
	EditRecords func([]transcript.Record) []transcript.Record // both sides', before the head is signed
	EditHead    func(*transcript.Head)
	EditNote    func(*transcript.Note) // the signed head
	// EditJournal changes what one side journals, behind the other's back.
	EditJournal func(own transcript.Party, records []transcript.Record) []transcript.Record
	EditClaim   func(*transcript.Claim)
	EditRelease func(*transcript.Release)
	// EditClaimNotes changes the signed statements.
	EditClaimNotes func(claim, release *transcript.Note)

	Request transcript.Request
	Grant   transcript.Grant
	Note    transcript.Note // head with both signatures
	Records []transcript.Record
	Folder  string // below evidence/
	// ClaimFolder is that of the last claim, below evidence/ too.
	ClaimFolder string

	open, accept []byte
	messages     map[transcript.Record][]byte
}

// plan decides about a session.
func (w *World) plan(n, sessions int, at time.Time) *Session {
	s := &Session{Number: n, Requester: w.Parties[0], Holder: w.Parties[1], Probes: 1, Outcome: transcript.OutcomeNoHit}
	width := uint64(128)
	list, purpose := w.Agreement.Watchlists[1+n%2], w.Agreement.Purposes[0]
	if n%4 == 3 {
		s.Requester, s.Holder, list = s.Holder, s.Requester, w.Agreement.Watchlists[0]
	}
	if n%5 == 4 {
		purpose = w.Agreement.Purposes[1]
	}
	switch {
	case n%16 == 9:
		s.Stop = 8
	case n%16 == 14:
		s.Stop = 1
	case n%7 == 0:
		s.Outcome, s.Claimed = transcript.OutcomeHit, true
	}
	switch {
	case n == 10: // 4 probes are a wave
		s.Probes, width = 5, 1
	case n%16 == 2:
		s.Probes = 3
	}
	s.RequesterKey, s.HolderKey = w.keyOf(s.Requester, n, sessions), w.keyOf(s.Holder, n, sessions)
	e := Epoch(list, epochOf(n), at)
	s.Request = transcript.Request{
		Requester: s.Requester.Name, Holder: s.Holder.Name, Watchlist: list.Name, Scheme: list.Scheme, Probes: uint64(s.Probes),
		Seed: digest("requester seed", n), Agreement: w.Agreement.Digest(), Purpose: purpose.Code, Basis: purpose.Basis,
		Case: digest("case", n), Time: at, Key: s.RequesterKey.ID(),
	}
	s.Grant = transcript.Grant{Seed: digest("holder seed", n), Epoch: e.Epoch, Root: e.Root, Entries: e.Entries,
		Width: width, Time: at.Add(2 * time.Second), Key: s.HolderKey.ID()}
	return s
}

func (w *World) keyOf(p *Party, n, sessions int) *Key {
	if p == w.Parties[0] && n > 0 && n >= sessions/2 {
		return p.Keys[1]
	}
	return p.Keys[0]
}

// filler makes bytes that look random.
func filler(n int, parts ...any) []byte {
	seed := digest(parts...)
	b := make([]byte, 0, n+32)
	for i := uint64(0); len(b) < n; i++ {
		block := sha256.Sum256(binary.BigEndian.AppendUint64(seed[:], i))
		b = append(b, block[:]...)
	}
	return b[:n]
}

// play makes statements, records, evidence and log entries.
func (s *Session) play(w *World) {
	r := &s.Request
	if s.EditRequest != nil {
		s.EditRequest(r)
	}
	s.open = append([]byte{transcript.KindOpen, 1}, filler(32, "open", s.Number)...)
	s.open = binary.BigEndian.AppendUint16(append(s.open, r.Seed[:]...), uint16(s.Probes))
	for _, text := range []string{r.Requester, r.Holder, r.Watchlist, r.Scheme} {
		s.open = append(append(s.open, byte(len(text))), text...)
	}
	if r.Open == (transcript.Digest{}) {
		r.Open = sha256.Sum256(s.open)
	}
	request := sign(r.Text(), s.Requester.Name, s.RequesterKey)

	s.accept = filler(82, "accept", s.Number)
	s.accept[0] = transcript.KindAccept
	g := &s.Grant
	g.Request, g.Accept, g.Session = transcript.TextDigest(r.Text()), sha256.Sum256(s.accept), sessionID(s.open, s.accept)
	if s.EditGrant != nil {
		s.EditGrant(g)
	}
	grant := sign(g.Text(), s.Holder.Name, s.HolderKey)
	s.Folder = g.Session.String()

	s.record()
	if s.EditRecords != nil {
		s.Records = s.EditRecords(s.Records)
	}
	if s.Stop > 0 {
		s.abort(request, grant)
		return
	}
	sorted := append([]transcript.Record{}, s.Records...)
	transcript.Sort(sorted)
	head := transcript.NewHead(*r, *g, sorted)
	if s.EditHead != nil {
		s.EditHead(&head)
	}
	s.Note = sign(head.Text(), s.Holder.Name, s.HolderKey)
	second := sign(head.Text(), s.Requester.Name, s.RequesterKey)
	s.Note.Signatures = append(s.Note.Signatures, second.Signatures...)
	if s.EditNote != nil {
		s.EditNote(&s.Note)
	}
	files := map[string][]byte{"request.txt": []byte(request.Text()), "grant.txt": []byte(grant.Text()), "head.txt": []byte(s.Note.Text())}
	for _, role := range []transcript.Party{transcript.Requester, transcript.Holder} {
		p, outcome := s.Requester, s.Outcome
		if role == transcript.Holder {
			p, outcome = s.Holder, transcript.OutcomeAnswered
		}
		s.evidence(p, s.Folder, role, s.Records, files)
		p.Log(transcript.SessionEntry{Role: role, Outcome: outcome, Note: s.Note})
	}
	if s.Claimed {
		s.Claim(w, s.Request.Time.Add(5*time.Minute))
	}
}

// abort leaves what a session leaves that ended early.
func (s *Session) abort(request, grant transcript.Note) {
	records := s.Records[:s.Stop]
	files := map[string][]byte{"request.txt": []byte(request.Text())}
	if s.Stop == 1 {
		s.Folder = path.Join("unanswered", transcript.TextDigest(request.Body).String())
	} else {
		files["grant.txt"] = []byte(grant.Text())
	}
	for _, role := range []transcript.Party{transcript.Requester, transcript.Holder} {
		p := s.Requester
		if role == transcript.Holder {
			p = s.Holder
			if s.Stop == 1 {
				return
			}
			records = records[:len(records)-1] // the last message was lost on the way
		}
		s.evidence(p, s.Folder, role, records, files)
		sorted := append([]transcript.Record{}, records...)
		transcript.Sort(sorted)
		e := transcript.AbortedEntry{Role: role, Stage: transcript.KindName(records[len(records)-1].Kind), Messages: uint64(len(records)),
			Records: transcript.Chain(sorted), Time: s.Request.Time.Add(3 * time.Minute), Note: request}
		for _, r := range sorted {
			e.Bytes += uint64(r.Length)
		}
		p.Log(e)
	}
}

// evidence writes the folder of one side.
func (s *Session) evidence(p *Party, folder string, role transcript.Party, records []transcript.Record, files map[string][]byte) {
	records = append([]transcript.Record{}, records...)
	// Messages that a side sends are computed at the same time: two blocks, or two shares,
	// may be journaled in either order.
	for i := 0; i+1 < len(records); i += 2 {
		a, b := records[i], records[i+1]
		if a.Kind == b.Kind && (a.Sender == role) {
			records[i], records[i+1] = b, a
		}
	}
	if s.EditJournal != nil {
		records = s.EditJournal(role, records)
	}
	own := map[string][]byte{}
	for name, data := range files {
		own[name] = data
	}
	var encoded, kept []byte
	for _, r := range records {
		encoded = r.Append(encoded)
		m := s.messages[r]
		switch {
		case r.Kind == transcript.KindOpen:
			m = s.open
		case r.Kind == transcript.KindAccept:
			m = s.accept
		case !s.Keep:
			continue
		}
		kept = append(kept, byte(r.Sender))
		kept = binary.BigEndian.AppendUint32(kept, uint32(len(m)))
		kept = append(kept, m...)
	}
	own["records"], own["messages"] = encoded, kept
	p.Evidence[folder] = own
}

// record makes the records of all messages, in an order that is possible at both sides.
func (s *Session) record() {
	scheme, err := templates.ParseScheme(s.Request.Scheme)
	if err != nil {
		panic(err)
	}
	l, err := scheme.Layout(4096, int(s.Grant.Width))
	if err != nil {
		panic(err)
	}
	low, top := scheme.ScoreRange()
	levels := bits.Len64(uint64(top + 1))
	lanes := 3 * planeLanes
	if bits.Len64(uint64(1<<levels-low-2)) > 16 {
		lanes = 2 * planeLanes
	}
	plan := schedule.New(l, s.Probes, int(s.Grant.Entries), lanes, levels)
	plan.PerWave = max(1, plan.PerWave) // a test may grant an impossible layout

	s.messages = map[transcript.Record][]byte{}
	s.known(transcript.Requester, s.open)
	s.known(transcript.Holder, s.accept)
	s.add(transcript.Requester, transcript.KindKey, 0, 32+51200+planeLanes*150/8)
	sent := 0
	for number := range plan.Waves() {
		w := plan.Wave(number)
		for i := range w.Blocks() {
			s.add(transcript.Requester, transcript.KindBlock, w.Block+i, 512*92)
		}
		for b := w.Batch; b < w.Batch+w.Batches(); b++ {
			for ; sent < plan.SharesUpTo(b+1); sent++ {
				count := plan.InShare(sent) * l.Shifts
				s.add(transcript.Holder, transcript.KindShare, sent, 512*29+(count*24+7)/8)
			}
			prefixes, verdict := bodies(plan.Comparisons(b))
			for level := range levels {
				s.add(transcript.Requester, transcript.KindPrefixes, b*levels+level, prefixes)
			}
			for number := range levels {
				s.add(transcript.Holder, transcript.KindVerdict, b*levels+number, verdict)
			}
		}
	}
	if sent != plan.Shares() {
		panic("audittest: not all shares were sent")
	}
}

// bodies are the bytes of prefixes and of a verdict of so many comparisons.
func bodies(comparisons int) (prefixes, verdict int) {
	switch {
	case comparisons <= planeLanes:
		return planeLanes * 100 / 8, planeLanes * 48 / 8
	case comparisons <= 2*planeLanes:
		return planeLanes * 150 / 8, planeLanes * 82 / 8
	}
	return planeLanes * 150 / 8, planeLanes * 114 / 8
}

// planeLanes is the number of comparisons of a plane.
const planeLanes = 8192

func (s *Session) known(sender transcript.Party, message []byte) {
	r := transcript.RecordOf(sender, message)
	s.messages[r] = message
	s.Records = append(s.Records, r)
}

// add makes a message of a kind with a body of so many bytes.
func (s *Session) add(sender transcript.Party, kind uint8, index, body int) {
	r := transcript.Record{Sender: sender, Kind: kind, Index: uint32(index), Length: uint32(37 + body), Digest: digest("message", s.Number, kind, index)}
	if s.Keep {
		m := append([]byte{kind}, s.Grant.Session[:]...)
		m = binary.BigEndian.AppendUint32(m, uint32(index))
		m = append(m, filler(body, "message", s.Number, kind, index)...)
		s.known(sender, m)
		return
	}
	s.Records = append(s.Records, r)
}

// sessionID is the id that the opening messages make.
func sessionID(open, accept []byte) transcript.Digest {
	b := []byte("puente/v1/session id\x00")
	for _, m := range [][]byte{open, accept} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(m)))
		b = append(b, m...)
	}
	return sha256.Sum256(b)
}

// sign makes a note with one signature.
func sign(body, name string, k *Key) transcript.Note {
	n := transcript.Note{Body: body}
	if err := n.Sign(context.Background(), name, k); err != nil {
		panic(err)
	}
	return n
}

// Resign replaces the signature of a key's owner in a note.
func Resign(n *transcript.Note, name string, k *Key) {
	for i := range n.Signatures {
		if n.Signatures[i].Name == name {
			n.Signatures[i] = sign(n.Body, name, k).Signatures[0]
		}
	}
}
