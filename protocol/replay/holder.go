package replay

import (
	"context"
	"fmt"
	"iter"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// Watchlist is what the holder's messages depend on besides its seed.
type Watchlist struct {
	Scheme  templates.Scheme
	Epoch   uint64
	Entries int
	// Templates yields the entries in slot order.
	Templates iter.Seq2[templates.Template, error]
}

// Holder makes the holder's messages again: accept, shares and verdicts. folder is the
// evidence of the session at either party, seed the holder's session seed. The watchlist
// is held in memory, encoded, as in the service. The error wraps ErrEvidence or ErrInputs
// if nothing can be made at all; everything else is in the report.
func Holder(ctx context.Context, folder string, seed he.Seed, list Watchlist, options Options) (*Report, error) {
	p, err := newPlayer(folder, transcript.Holder, options)
	if err != nil {
		return nil, err
	}
	defer p.folder.close()
	terms, err := p.terms()
	if err != nil {
		return nil, err
	}
	if !p.committed(seed) || !p.granted(terms, list) {
		return p.finish(), nil
	}
	nonce, ok, err := p.nonce(transcript.KindAccept)
	if err != nil || !ok {
		return p.finish(), err
	}
	gallery, err := protocol.NewGallery(ctx, list.Scheme, list.Epoch, list.Entries, int(p.folder.grant.Width), p.options.Workers, list.Templates, options.Encoded)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %w", ErrInputs, err)
	}
	evaluator, err := protocol.NewEvaluatorFromSeed(terms, p.plan.Probes, gallery, seed, nonce, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInputs, err)
	}
	p.role = evaluator
	ok, err = p.feed(ctx, transcript.KindOpen, 0)
	if ok && err == nil && transcript.Digest(evaluator.Session()) != p.folder.grant.Session {
		p.stop("the opening messages do not make the session of the grant: a nonce was altered")
		return p.finish(), nil
	}
	if ok && err == nil {
		ok, err = p.feed(ctx, transcript.KindKey, 0)
	}
	for number := 0; ok && err == nil && number < p.plan.Waves(); number++ {
		w := p.plan.Wave(number)
		for i := 0; ok && err == nil && i < w.Blocks(); i++ {
			ok, err = p.feed(ctx, transcript.KindBlock, uint32(w.First*w.Layout.Blocks+i))
		}
		for i := 0; ok && err == nil && i < w.Batches()*w.Levels; i++ {
			ok, err = p.feed(ctx, transcript.KindPrefixes, uint32(w.Batch*w.Levels+i))
		}
	}
	if err != nil {
		return nil, err
	}
	return p.finish(), nil
}

// granted compares the watchlist that is given with the one of the grant, and stops the
// replay if it is another.
func (p *player) granted(terms protocol.Terms, list Watchlist) bool {
	g := p.folder.grant
	position, found := p.folder.find(transcript.KindAccept, 0)
	if !found {
		position = -1
	}
	d := p.difference(Inputs, transcript.KindAccept, 0, position)
	switch {
	case list.Scheme != terms.Scheme:
		d.Kind, d.Sender, d.Field = transcript.KindName(transcript.KindOpen), transcript.Requester.String(), "terms"
		p.report.Detail = fmt.Sprintf("the watchlist that is given is of scheme %s, asked was %s", list.Scheme, terms.Scheme)
	case list.Epoch != g.Epoch:
		d.Offset, d.Field = firstDifference(commitmentEnd, 8, list.Epoch, g.Epoch), "epoch"
		p.report.Detail = fmt.Sprintf("the watchlist that is given is of epoch %d, granted was epoch %d", list.Epoch, g.Epoch)
	case uint64(list.Entries) != g.Entries:
		d.Offset, d.Field = firstDifference(epochEnd, 4, uint64(list.Entries), g.Entries), "entries"
		p.report.Detail = fmt.Sprintf("the watchlist that is given has %d entries, granted were %d", list.Entries, g.Entries)
	default:
		return true
	}
	d.Bytes = 1
	p.report.find(d)
	p.stop("%s", p.report.Detail)
	return false
}

// firstDifference returns the offset of the first byte in which two big-endian numbers of
// size bytes at an offset differ.
func firstDifference(at, size int, a, b uint64) int {
	for i := range size {
		if shift := 8 * (size - 1 - i); byte(a>>shift) != byte(b>>shift) {
			return at + i
		}
	}
	return at
}
