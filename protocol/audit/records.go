package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

var senders = [...]transcript.Party{0, transcript.Requester, transcript.Holder, transcript.Requester,
	transcript.Requester, transcript.Holder, transcript.Requester, transcript.Holder}

// checkRecords checks a side's journal against the statements and the protocol.
func (p *pair) checkRecords(h *half) {
	l := p.ledger
	if !h.recordsRead {
		for _, id := range []string{RecordsChain, RecordsOpening, RecordsSender, RecordsCount, RecordsDuplicate, RecordsOrder, RecordsLength} {
			l.skip(id, 1, "a session's records cannot be read")
		}
		return
	}
	where := h.at(recordsFile)
	for i, r := range h.records {
		l.check(RecordsSender, r.Sender == senders[r.Kind], where, "record %d, %v, is of the %v", i, r, r.Sender)
	}
	p.checkChain(h, where)
	for _, r := range h.records {
		if r.Kind == transcript.KindOpen {
			l.check(RecordsOpening, r.Digest == p.asked.Open, where, "the open message is not the one of the request")
		}
		if g := h.allGrants(p.request); r.Kind == transcript.KindAccept && len(g) > 0 {
			l.check(RecordsOpening, r.Digest == g[0].Accept, where, "the accept message is not the one of the grant")
		}
	}
	scheme, err := templates.ParseScheme(p.asked.Scheme)
	var plan plan
	if err == nil && len(h.allGrants(p.request)) > 0 {
		plan, err = newPlan(scheme, p.asked.Probes, h.allGrants(p.request)[0])
	}
	p.checkMessages(h, plan)
	if err != nil {
		return // found by checkTerms or checkGrant
	}
	complete := h.complete()
	if p.checkCounts(h, plan, complete, where) {
		fault := plan.order(h.records, h.role(p.asked))
		l.check(RecordsOrder, fault == "", where, "%s", fault)
	} else {
		l.skip(RecordsOrder, 1, "messages of a session are missing or repeated")
	}
	p.checkLengths(h, plan, where)
}

// checkChain compares the journal with what the head or the aborted entry says.
func (p *pair) checkChain(h *half, where Place) {
	l := p.ledger
	sorted := slices.Clone(h.records)
	transcript.Sort(sorted)
	var size uint64
	for _, r := range sorted {
		size += uint64(r.Length)
	}
	chain := transcript.Chain(sorted)
	compare := func(id string, count, bytes uint64, digest transcript.Digest, what string) {
		l.check(id, count == uint64(len(sorted)) && bytes == size && digest == chain, where,
			"%d messages of %d bytes chain to %.16s; %s has %d of %d bytes, %.16s", len(sorted), size, chain, what, count, bytes, digest)
	}
	var heads []transcript.Head
	if h.entry != nil && h.entry.head != nil {
		heads = append(heads, *h.entry.head)
	}
	if h.headText != nil && !slices.Contains(heads, *h.headText) {
		heads = append(heads, *h.headText)
	}
	for _, t := range heads {
		compare(RecordsChain, t.Messages, t.Bytes, t.Records, "the signed head")
	}
	if h.entry != nil && h.entry.aborted != nil {
		a := h.entry.aborted
		compare(AbortedRecords, a.Messages, a.Bytes, a.Records, "the log entry")
	}
}

// checkCounts checks that each message is there exactly once, or at most once in an
// aborted session. What it takes does not grow with what the statements claim.
func (p *pair) checkCounts(h *half, plan plan, complete bool, where Place) bool {
	l, ok := p.ledger, true
	for _, r := range h.records {
		if count := plan.count(r.Kind); int(r.Index) >= count {
			l.fail(RecordsCount, where, "%v is recorded, of %d", r, count)
			return false
		}
	}
	sorted := slices.Clone(h.records)
	transcript.Sort(sorted)
	var got, missing [transcript.KindVerdict + 1]int // missing is the first that is
	for i, r := range sorted {
		if i > 0 && r.Kind == sorted[i-1].Kind && r.Index == sorted[i-1].Index {
			l.fail(RecordsDuplicate, where, "%v is recorded twice", r)
			return false
		}
		got[r.Kind]++
		if int(r.Index) == missing[r.Kind] {
			missing[r.Kind]++
		}
	}
	l.pass(RecordsDuplicate)
	for kind := uint8(transcript.KindOpen); complete && kind <= transcript.KindVerdict; kind++ {
		want := plan.count(kind)
		if got[kind] == want {
			l.pass(RecordsCount)
			continue
		}
		l.fail(RecordsCount, where, "%d of %d messages of kind %s are missing, the first is %d", want-got[kind], want, transcript.KindName(kind), missing[kind])
		ok = false
	}
	return ok
}

// length is a message length that all sessions of a scheme and width share.
type length struct {
	scheme string
	width  uint64
	kind   uint8
	planes int // of a batch, 0 for what belongs to none
	bytes  uint32
	where  Place
}

// checkLengths checks the lengths of messages as far as they follow from the scheme; the
// bits of a coefficient, which follow from the noise, need only be the same everywhere.
func (p *pair) checkLengths(h *half, plan plan, where Place) {
	l, r := p.ledger, p.asked
	var constant [transcript.KindVerdict + 1][maxPlanes + 1]uint32
	var short uint32 // of a share with the rest of a probe's scores
	for _, m := range h.records {
		if int(m.Index) >= plan.count(m.Kind) {
			continue // found by checkCounts
		}
		planes := 0
		first := &constant[m.Kind][0]
		switch m.Kind {
		case transcript.KindShare:
			if plan.inShare(int(m.Index)) < plan.whole() {
				first = &short
			}
		case transcript.KindPrefixes, transcript.KindVerdict:
			planes = plan.planesOf(plan.batchOf(int(m.Index)))
			first = &constant[m.Kind][planes]
		}
		if *first == 0 {
			*first = m.Length
		}
		l.check(RecordsLength, plan.fits(m, r, planes) && m.Length == *first, where, "%v has %d bytes", m, m.Length)
	}
	if full := constant[transcript.KindShare][0]; plan.known() && !plan.shareLengths(full, short) {
		l.fail(RecordsLength, where, "shares of %d scores have %d bytes, those of %d scores %d", plan.whole(), full, plan.rest(), short)
	}
	for kind := uint8(transcript.KindBlock); kind <= transcript.KindVerdict; kind++ {
		for planes, bytes := range constant[kind] {
			if bytes > 0 {
				p.lengths = append(p.lengths, length{r.Scheme, uint64(plan.Layout.Width), kind, planes, bytes, where})
			}
		}
	}
}

// checkMessages compares messages that were kept for replay with their records.
func (p *pair) checkMessages(h *half, plan plan) {
	l := p.ledger
	name := path.Join(h.folder.name, messagesFile)
	info, err := h.side.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		l.skip(EvidenceMessages, 1, "messages were not kept")
		return
	}
	where := h.at(messagesFile)
	if err != nil || !info.Mode().IsRegular() {
		l.fail(EvidenceMessages, where, "it is no regular file")
		return
	}
	f, err := h.side.root.Open(name)
	if err != nil {
		l.fail(EvidenceMessages, where, "%v", err)
		return
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	opening := sha256.New()
	opening.Write([]byte(sessionIDText))
	var open bytes.Buffer
	for i, r := range h.records {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err == io.EOF {
			if i == 2 { // the opening messages are kept in any case, so that a session can be opened to auditors
				l.skip(EvidenceMessages, 1, "only the opening messages were kept")
				return
			}
			l.check(EvidenceMessages, plan.held(h.records[i:]), where, "message %d, %v, is missing", i, r)
			return
		} else if err != nil {
			l.fail(EvidenceMessages, where, "message %d: %v", i, err)
			return
		}
		if n := binary.BigEndian.Uint32(head[1:]); n != r.Length || transcript.Party(head[0]) != r.Sender {
			l.fail(EvidenceMessages, where, "message %d is recorded as %v of the %v with %d bytes, kept are %d bytes", i, r, r.Sender, r.Length, n)
			return
		}
		digest := sha256.New()
		to := io.Writer(digest)
		if i < 2 { // open and accept make the session id
			opening.Write(head[1:])
			to = io.MultiWriter(digest, opening)
		}
		if i == 0 && plan.fits(r, p.asked, 0) {
			to = io.MultiWriter(to, &open)
		}
		if _, err := io.CopyN(to, in, int64(r.Length)); err != nil {
			l.fail(EvidenceMessages, where, "message %d: %v", i, err)
			return
		}
		if !l.check(EvidenceMessages, transcript.Digest(digest.Sum(nil)) == r.Digest, where, "message %d, %v, is not the recorded one", i, r) {
			return
		}
		if i == 0 && r.Kind == transcript.KindOpen {
			p.checkOpen(open.Bytes(), where)
		}
		if g := h.allGrants(p.request); i == 1 && len(g) > 0 {
			id := transcript.Digest(opening.Sum(nil))
			l.check(SessionID, id == g[0].Session, where, "the opening messages make the session %s", id)
		}
	}
	// A process that was killed may have kept a message that it did not come to record.
	if _, err := in.ReadByte(); err != io.EOF && h.complete() {
		l.fail(EvidenceMessages, where, "there is more than the recorded messages")
	}
}

// checkOpen compares an open message with the request; one of another length was found by
// checkLengths.
func (p *pair) checkOpen(open []byte, where Place) {
	if len(open) < openSize {
		return
	}
	l, r := p.ledger, p.asked
	probes := uint64(binary.BigEndian.Uint16(open[openProbesAt:]))
	l.check(RecordsOpening, probes == r.Probes, where, "the open message is of %d probes, the request of %d", probes, r.Probes)
	want := append([]byte{transcript.KindOpen, protocolVersion}, open[2:2+nonceSize]...)
	want = append(append(want, r.Seed[:]...), open[openProbesAt:openProbesAt+2]...)
	for _, text := range []string{r.Requester, r.Holder, r.Watchlist, r.Scheme} {
		want = append(append(want, byte(len(text))), text...)
	}
	l.check(RecordsOpening, bytes.Equal(open, want), where, "the open message has other parties, another watchlist, scheme or seed than the request")
}
