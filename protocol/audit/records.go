package audit

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"path"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// plan is how many messages of each kind a session has, from scheme and grant alone.
type plan struct {
	layout          templates.Layout
	entries         int
	perBatch        int // entries
	shares, batches int
	hitBits         int // levels of a comparison
}

func newPlan(s templates.Scheme, g transcript.Grant) (plan, error) {
	if g.Entries < 1 || g.Entries > maxEntries || g.Width > slots {
		return plan{}, fmt.Errorf("1 to %d entries and blocks of at most %d are possible", maxEntries, slots)
	}
	layout, err := s.Layout(slots, int(g.Width))
	if err != nil {
		return plan{}, err
	}
	if layout.Blocks > maxBlocks {
		return plan{}, fmt.Errorf("%d blocks, at most %d are possible", layout.Blocks, maxBlocks)
	}
	n := int(g.Entries)
	_, top := s.ScoreRange()
	p := plan{layout: layout, entries: n, perBatch: slots / layout.Shifts, hitBits: max(1, bits.Len64(uint64(top)))}
	p.shares, p.batches = layout.Ciphertexts(n), (n+p.perBatch-1)/p.perBatch
	return p, nil
}

// count is the number of messages of a kind.
func (p plan) count(kind uint8) int {
	switch kind {
	case transcript.KindOpen, transcript.KindAccept, transcript.KindKey:
		return 1
	case transcript.KindBlock:
		return p.layout.Blocks
	case transcript.KindShare:
		return p.shares
	}
	return p.batches
}

// sharesUpTo is the number of shares that cover the batches before end.
func (p plan) sharesUpTo(end int) int { return p.layout.Ciphertexts(min(end*p.perBatch, p.entries)) }

// inShare is the number of scores in a share.
func (p plan) inShare(index int) int {
	return min(p.layout.PerCiphertext, p.entries-index*p.layout.PerCiphertext) * p.layout.Shifts
}

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
	p.checkMessages(h)

	scheme, err := templates.ParseScheme(p.asked.Scheme)
	var plan plan
	if err == nil && len(h.allGrants(p.request)) > 0 {
		plan, err = newPlan(scheme, h.allGrants(p.request)[0])
	}
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
// aborted session.
func (p *pair) checkCounts(h *half, plan plan, complete bool, where Place) bool {
	l, ok := p.ledger, true
	var seen [transcript.KindVerdict + 1][]bool
	var got [transcript.KindVerdict + 1]int
	for kind := uint8(transcript.KindOpen); kind <= transcript.KindVerdict; kind++ {
		seen[kind] = make([]bool, plan.count(kind))
	}
	for _, r := range h.records {
		if uint64(r.Index) >= uint64(len(seen[r.Kind])) {
			l.fail(RecordsCount, where, "%v is recorded, of %d", r, len(seen[r.Kind]))
			return false
		}
		if seen[r.Kind][r.Index] {
			l.fail(RecordsDuplicate, where, "%v is recorded twice", r)
			return false
		}
		seen[r.Kind][r.Index] = true
		got[r.Kind]++
	}
	l.pass(RecordsDuplicate)
	for kind := uint8(transcript.KindOpen); complete && kind <= transcript.KindVerdict; kind++ {
		want := plan.count(kind)
		if got[kind] == want {
			l.pass(RecordsCount)
			continue
		}
		l.fail(RecordsCount, where, "%d of %d messages of kind %s are missing, the first is %d", want-got[kind], want, transcript.KindName(kind), slices.Index(seen[kind], false))
		ok = false
	}
	return ok
}

// order returns why a side cannot have journaled messages in this order, or "". Messages
// that a side receives come in the order of their index. Those that it sends are computed
// at the same time, so that only what they answer must come before.
func (p plan) order(records []transcript.Record, own transcript.Party) string {
	shares := make([]bool, p.shares)
	prefixes := make([]bool, p.batches)
	low, blocks, answered := 0, 0, 0 // shares without gap, blocks, batches that the other side has answered
	key := false
	var next [transcript.KindVerdict + 1]uint32
	for i, r := range records {
		if r.Sender != own {
			if r.Index < next[r.Kind] {
				return fmt.Sprintf("%v came after %s %d", r, transcript.KindName(r.Kind), next[r.Kind]-1)
			}
			next[r.Kind] = r.Index + 1
		}
		early := ""
		switch n := int(r.Index); r.Kind {
		case transcript.KindOpen:
			if i != 0 {
				early = "it is not the first message"
			}
		case transcript.KindAccept:
			if i != 1 {
				early = "it does not follow the open message"
			}
		case transcript.KindKey:
			if i < 2 {
				early = "the session was not accepted"
			}
			key = true
		case transcript.KindBlock:
			if i < 2 || own == transcript.Holder && !key {
				early = "the key had not passed"
			}
			blocks++
		case transcript.KindShare:
			if blocks < p.layout.Blocks || !key {
				early = fmt.Sprintf("%d of %d blocks had passed", blocks, p.layout.Blocks)
			} else if n >= p.sharesUpTo(answered+window) {
				early = fmt.Sprintf("%d batches had been answered", answered)
			}
			shares[n] = true
			for low < len(shares) && shares[low] {
				low++
			}
		case transcript.KindPrefixes:
			if low < p.sharesUpTo(n+1) {
				early = fmt.Sprintf("share %d had not passed", low)
			}
			prefixes[n] = true
		case transcript.KindVerdict:
			if !prefixes[n] {
				early = "its prefixes had not passed"
			}
		}
		if early != "" {
			return fmt.Sprintf("%v stands in place %d, and %s", r, i, early)
		}
		if r.Sender != own && (r.Kind == transcript.KindPrefixes || r.Kind == transcript.KindVerdict) {
			answered++
		}
	}
	return ""
}

// length is a message length that all sessions of a scheme and width share.
type length struct {
	scheme string
	width  uint64
	kind   uint8
	bytes  uint32
	where  Place
}

// checkLengths checks the lengths of messages as far as they follow from the scheme; the
// bits of a coefficient, which follow from the noise, need only be the same everywhere.
func (p *pair) checkLengths(h *half, plan plan, where Place) {
	l, r := p.ledger, p.asked
	var constant [transcript.KindVerdict + 1]uint32
	var short uint32 // the last share
	fits := func(r transcript.Record, ok bool) { l.check(RecordsLength, ok, where, "%v has %d bytes", r, r.Length) }
	for _, m := range h.records {
		n := m.Length
		whole := func(unit int) bool { // headerSize and 1..maxBits times unit
			rest := int(n) - headerSize
			return rest > 0 && rest%unit == 0 && rest/unit <= maxBits
		}
		last := m.Kind == transcript.KindShare && int(m.Index) == plan.shares-1
		if !last && constant[m.Kind] == 0 {
			constant[m.Kind] = n
		}
		switch same := last || n == constant[m.Kind]; m.Kind {
		case transcript.KindOpen:
			fits(m, int(n) == openSize+len(r.Requester)+len(r.Holder)+len(r.Watchlist)+len(r.Scheme))
		case transcript.KindAccept:
			fits(m, n == acceptSize)
		case transcript.KindKey:
			fits(m, n == keySize)
		case transcript.KindBlock:
			fits(m, same && whole(bytesPerBit))
		case transcript.KindShare:
			if last {
				short = n
			}
			fits(m, same)
		case transcript.KindPrefixes:
			fits(m, same && whole(plan.hitBits*bytesPerBit))
		case transcript.KindVerdict:
			fits(m, same && whole((plan.hitBits+1)*bytesPerBit))
		}
	}
	if short > 0 && !plan.shareLengths(constant[transcript.KindShare], short) {
		l.fail(RecordsLength, where, "the last share has %d bytes for %d scores, the others %d for %d", short, plan.inShare(plan.shares-1), constant[transcript.KindShare], plan.inShare(0))
	}
	for kind := uint8(transcript.KindBlock); kind <= transcript.KindVerdict; kind++ {
		if constant[kind] > 0 {
			p.lengths = append(p.lengths, length{r.Scheme, uint64(plan.layout.Width), kind, constant[kind], where})
		}
	}
}

// shareLengths reports whether some number of bits for a and for b explains the lengths of
// a full share (0 if there is none) and of the last.
func (p plan) shareLengths(full, last uint32) bool {
	size := func(a, b, scores int) uint32 { return uint32(headerSize + bytesPerBit*a + (scores*b+7)/8) }
	for a := 1; a <= maxBits; a++ {
		for b := 1; b <= maxBits; b++ {
			if size(a, b, p.inShare(p.shares-1)) == last && (full == 0 || size(a, b, p.inShare(0)) == full) {
				return true
			}
		}
	}
	return false
}

// checkMessages compares messages that were kept for replay with their records.
func (p *pair) checkMessages(h *half) {
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
	for i, r := range h.records {
		var head [5]byte
		if _, err := io.ReadFull(in, head[:]); err == io.EOF {
			if i == 2 { // the opening messages are kept in any case, so that a session can be opened to auditors
				l.skip(EvidenceMessages, 1, "only the opening messages were kept")
				return
			}
			l.check(EvidenceMessages, r.Kind == transcript.KindVerdict && i == len(h.records)-1, where, "message %d, %v, is missing", i, r)
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
		if _, err := io.CopyN(to, in, int64(r.Length)); err != nil {
			l.fail(EvidenceMessages, where, "message %d: %v", i, err)
			return
		}
		if !l.check(EvidenceMessages, transcript.Digest(digest.Sum(nil)) == r.Digest, where, "message %d, %v, is not the recorded one", i, r) {
			return
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
