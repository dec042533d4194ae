package replay

import (
	"context"
	"fmt"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/opening"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// Requester makes the requester's messages again: open, key, blocks and prefixes. folder is
// the evidence of the session at either party, seed the requester's session seed, probes the
// templates about which it asked, in the order in which it did. The error wraps ErrEvidence or ErrInputs if nothing can be
// made at all; everything else is in the report.
func Requester(ctx context.Context, folder string, seed he.Seed, probes []templates.Template, options Options) (*Report, error) {
	p, err := newPlayer(folder, transcript.Requester, options)
	if err != nil {
		return nil, err
	}
	defer p.folder.close()
	terms, err := p.terms()
	if err != nil {
		return nil, err
	}
	if !p.committed(seed) || !p.asked(len(probes)) {
		return p.finish(), nil
	}
	nonce, ok, err := p.nonce(transcript.KindOpen)
	if err != nil || !ok {
		return p.finish(), err
	}
	owner, err := protocol.NewKeyOwnerFromSeed(terms, probes, seed, nonce, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInputs, err)
	}
	p.role = owner
	if err := p.run(ctx, owner.Start()); err != nil {
		return nil, err
	}
	ok, err = p.feed(ctx, transcript.KindAccept, 0)
	if ok && err == nil && transcript.Digest(owner.Session()) != p.folder.grant.Session {
		p.stop("the opening messages do not make the session of the grant: a nonce was altered")
		return p.finish(), nil
	}
	// Verdicts are fed as soon as their prefixes are made, so that the role keeps the shares
	// of one batch only. In an aborted session shares may have come without their verdicts.
	for shares, verdicts := uint32(0), uint32(0); ok && err == nil && !owner.Done(); {
		_, recorded := p.folder.find(transcript.KindVerdict, verdicts)
		if verdicts < p.sent[transcript.KindPrefixes] && (recorded || p.folder.head != nil) {
			ok, err = p.feed(ctx, transcript.KindVerdict, verdicts)
			verdicts++
		} else {
			ok, err = p.feed(ctx, transcript.KindShare, shares)
			shares++
		}
	}
	if err != nil {
		return nil, err
	}
	return p.finish(), nil
}

// asked compares the number of probes that are given with that of the request, and stops the
// replay if it is another.
func (p *player) asked(probes int) bool {
	if probes == p.plan.Probes {
		return true
	}
	position, found := p.folder.find(transcript.KindOpen, 0)
	if !found {
		position = -1
	}
	d := p.difference(Inputs, transcript.KindOpen, 0, position)
	d.Offset, d.Field, d.Bytes = firstDifference(commitmentEnd, 2, uint64(probes), uint64(p.plan.Probes)), "probes", 1
	p.report.Detail = fmt.Sprintf("the session has %d probes, %d are given", p.plan.Probes, probes)
	p.report.find(d)
	p.stop("%s", p.report.Detail)
	return false
}

// SessionSeed returns the seed of one party's session and what it is to be sealed as. It
// needs the root secret from which the party derived it, and the messages, for the nonce.
// Another root, one that has been rotated since, is ErrSeed.
func SessionSeed(folder string, role transcript.Party, root he.Seed) (opening.Subject, he.Seed, error) {
	p, err := newPlayer(folder, role, Options{})
	if err != nil {
		return opening.Subject{}, he.Seed{}, err
	}
	defer p.folder.close()
	subject := opening.SubjectOf(p.folder.request, p.folder.grant, role)
	kind, derive := uint8(transcript.KindOpen), protocol.KeyOwnerSeed
	if role == transcript.Holder {
		kind, derive = transcript.KindAccept, protocol.EvaluatorSeed
	}
	nonce, ok, err := p.nonce(kind)
	if err != nil {
		return subject, he.Seed{}, err
	}
	if !ok {
		return subject, he.Seed{}, fmt.Errorf("%s: %w: %s is not there", folder, ErrMissing, transcript.KindName(kind))
	}
	seed := derive(root, nonce)
	if err := subject.Check(seed); err != nil {
		return subject, he.Seed{}, err
	}
	return subject, seed, nil
}
