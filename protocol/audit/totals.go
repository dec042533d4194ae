package audit

import (
	"cmp"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
)

// checkTotals makes the checks that take all sessions.
func checkTotals(l *ledger, in *Input, list []*pair) []QuotaUse {
	checkUnique(l, list)
	checkGroups(l, list)
	return checkQuotas(l, in, list)
}

// checkUnique finds what must serve once: session ids, opening messages, seeds.
func checkUnique(l *ledger, list []*pair) {
	seen := map[string]*pair{}
	unique := func(id string, p *pair, what, key string) {
		first := seen[key]
		if first == nil {
			seen[key] = p
			l.pass(id)
			return
		}
		where := p.halves[0].anywhere()
		where.Session = p.summary.Session
		l.fail(id, where, "%s served before, in the session %s of %s", what, first.summary.Session, first.summary.Asked)
		p.summary.Findings++
	}
	for _, p := range list {
		if p.summary.Asked == "" {
			continue
		}
		r := p.asked
		unique(SessionNonce, p, "the open message", "open "+r.Open.String())
		unique(SessionNonce, p, "the requester's seed", "seed "+r.Requester+r.Seed.String())
		for i, g := range p.grants {
			if i > 0 {
				where := p.halves[0].anywhere()
				l.fail(SessionDuplicate, where, "one request was granted twice, for the sessions %s and %s", p.grants[0].Session, g.Session)
				continue
			}
			unique(SessionDuplicate, p, "the session id", "session "+g.Session.String())
			unique(SessionNonce, p, "the accept message", "accept "+g.Accept.String())
			unique(SessionNonce, p, "the holder's seed", "seed "+r.Holder+g.Seed.String())
		}
	}
}

// checkGroups finds sessions whose messages have another length than those of the other
// sessions of the same scheme and width.
func checkGroups(l *ledger, list []*pair) {
	type group struct {
		scheme string
		width  uint64
		kind   uint8
		planes int
	}
	counts := map[group]map[uint32]int{}
	for _, p := range list {
		for _, n := range p.lengths {
			g := group{n.scheme, n.width, n.kind, n.planes}
			if counts[g] == nil {
				counts[g] = map[uint32]int{}
			}
			counts[g][n.bytes]++
		}
	}
	usual := map[group]uint32{}
	for g, sizes := range counts {
		for bytes, count := range sizes {
			best := usual[g]
			if count > sizes[best] || count == sizes[best] && bytes < best {
				usual[g] = bytes
			}
		}
	}
	for _, p := range list {
		for _, n := range p.lengths {
			want := usual[group{n.scheme, n.width, n.kind, n.planes}]
			if !l.check(RecordsLength, n.bytes == want, n.where, "messages of kind %s have %d bytes, in other sessions of this scheme %d", transcript.KindName(n.kind), n.bytes, want) {
				p.summary.Findings++
			}
		}
	}
}

// checkQuotas counts the probes of each UTC day, by the time of the request.
func checkQuotas(l *ledger, in *Input, list []*pair) []QuotaUse {
	type key struct{ day, requester, purpose, basis string }
	use := map[key]*QuotaUse{}
	over := map[key]*pair{}
	for _, p := range list {
		r := p.asked
		a := in.agreement(r.Agreement)
		if a == nil || !p.counted {
			continue
		}
		purpose, err := a.Purpose(r.Purpose, r.Basis)
		if err != nil {
			continue
		}
		k := key{r.Time.UTC().Format("2006-01-02"), r.Requester, r.Purpose, r.Basis}
		q := use[k]
		if q == nil {
			q = &QuotaUse{Day: k.day, Requester: k.requester, Purpose: k.purpose, Basis: k.basis}
			use[k] = q
		}
		q.Allowed = purpose.Daily
		if p.summary.Aborted {
			q.Aborted++
		} else {
			q.Completed++
		}
		q.Probes += r.Probes
		if q.Probes > q.Allowed && over[k] == nil {
			over[k] = p
		}
	}
	quotas := []QuotaUse{}
	for k, q := range use {
		quotas = append(quotas, *q)
		if first := over[k]; first != nil {
			where := first.halves[0].anywhere()
			if h := first.half(first.asked.Holder); h != nil {
				where = h.anywhere()
			}
			l.fail(SessionQuota, where, "%s asked about %d probes on %s for %s on the basis %s, allowed are %d; this session is the first beyond",
				k.requester, q.Probes, k.day, k.purpose, k.basis, q.Allowed)
			first.summary.Findings++
		} else {
			l.pass(SessionQuota)
		}
	}
	slices.SortFunc(quotas, func(a, b QuotaUse) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Requester, b.Requester), cmp.Compare(a.Purpose, b.Purpose), cmp.Compare(a.Basis, b.Basis))
	})
	return quotas
}
