package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
)

// querier asks one watchlist of a partner.
type querier struct {
	agency  *agency
	terms   protocol.Terms
	client  *transport.Client
	options transport.MatchOptions
	party   evidence.Party

	purpose       agreement.Purpose
	caseReference string
}

func (a *agency) newQuerier(ctx context.Context, p partner, watchlist string, scheme templates.Scheme) (*querier, error) {
	client, err := a.client(ctx, p)
	if err != nil {
		return nil, err
	}
	party, err := a.party(ctx, p)
	if err != nil {
		return nil, err
	}
	return &querier{agency: a, client: client, party: party, options: transport.MatchOptions{Pool: transport.NewPool(a.threads())},
		terms: protocol.Terms{Requester: a.config.Agency, Holder: p.Agency, Watchlist: watchlist, Scheme: scheme}}, nil
}

// split deals probes out to as few sessions of at most so many as there can be, evenly and
// in their order.
func split(probes []probe, most int) [][]probe {
	sessions := make([][]probe, (len(probes)+most-1)/most)
	for i := range sessions {
		sessions[i] = probes[i*len(probes)/len(sessions) : (i+1)*len(probes)/len(sessions)]
	}
	return sessions
}

// patience is how long a session of so many probes may take. The transport's limits end it
// long before if the partner does nothing.
func patience(c *cli.Context, probes int) time.Duration {
	if c.IsSet("timeout") {
		return c.Duration("timeout")
	}
	return 10*time.Minute + time.Duration(probes-1)*30*time.Second
}

// ask runs one session.
func (q *querier) ask(ctx context.Context, probes []probe, progress func(done, total int)) (queried, error) {
	root, err := q.agency.root(ctx)
	if err != nil {
		return queried{}, err
	}
	list, names := make([]templates.Template, len(probes)), make([]string, len(probes))
	for i, p := range probes {
		list[i], names[i] = p.template, p.name
	}
	owner, err := protocol.NewKeyOwner(q.terms, list, root, newNonce(), nil)
	if err != nil {
		return queried{}, err
	}
	options := q.options
	if progress != nil {
		options.Progress = func(transport.Stats) { progress(owner.Progress(), owner.Pairs()) }
	}
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	party := q.party
	party.Context = ctx
	requester, err := evidence.NewRequester(owner, evidence.Ask{Terms: q.terms, Purpose: q.purpose.Code, Basis: q.purpose.Basis,
		Case: transcript.CaseHash(salt, q.caseReference)}, party)
	if err != nil {
		return queried{}, err
	}
	start := time.Now()
	stats, err := q.client.Match(ctx, requester, options)
	if journal := requester.Journal(); journal != nil {
		defer journal.Close() // with the outcome beside it, the session can be logged
	}
	if err != nil && len(probes) > 1 {
		return queried{}, fmt.Errorf("%d probes from %s on: %w", len(probes), names[0], err)
	} else if err != nil {
		return queried{}, fmt.Errorf("%s: %w", names[0], err)
	}
	hits := owner.Hits()
	if err := keepOutcome(requester.Journal().Dir(), hits, names, salt, q.caseReference); err != nil {
		return queried{}, err
	}
	accept, session := owner.Accepted(), owner.Session().String()
	result := queried{session: querySession{Session: session, Probes: len(probes), Entries: int(accept.Entries), Epoch: accept.Epoch,
		BytesUp: stats.BytesUp, BytesDown: stats.BytesDown, Seconds: time.Since(start).Seconds()}}
	for i, slots := range hits {
		result.answers = append(result.answers, answer{Probe: names[i], Number: i + 1, Hit: len(slots) > 0,
			Slots: append([]int{}, slots...), Session: session})
	}
	return result, nil
}

// run asks about all probes, session after session, and prints what is known, also when a
// later session fails.
func (q *querier) run(c *cli.Context, probes []probe) error {
	bar := newProgress()
	most := protocol.MaxProbes
	if c.Bool("each") {
		most = 1
	}
	var results []queried
	var failed error
	sessions := split(probes, most)
	for i, list := range sessions {
		ctx, cancel := context.WithTimeout(c.Context, patience(c, len(list)))
		what := fmt.Sprintf("session %d of %d", i+1, len(sessions))
		result, err := q.ask(ctx, list, func(done, total int) { bar.update(what, done, total) })
		cancel()
		if err != nil {
			failed = err
			break
		}
		results = append(results, result)
	}
	bar.done()
	if err := errors.Join(failed, q.show(c, results), q.agency.logNow(c, q.terms.Holder, q.client)); err != nil {
		return err
	}
	if hits := countHits(results); hits > 0 {
		return foundHits{hits}
	}
	return nil
}

// logNow appends to the log what waits, and exchanges cosignatures with the partner.
// While serve runs, that is its work. A partner who does not cosign now is asked again
// the next time.
func (a *agency) logNow(c *cli.Context, partner string, client *transport.Client) error {
	ctx := context.WithoutCancel(c.Context)
	l, err := a.openLedger(ctx, slog.New(slog.DiscardHandler))
	if errors.Is(err, transparency.ErrLocked) {
		return nil
	} else if err != nil {
		return err
	}
	if err := l.sync(ctx); err != nil {
		return errors.Join(err, l.close(ctx))
	}
	if err := l.exchange(c.Context, partner, client); err != nil {
		fmt.Fprintf(c.App.ErrWriter, "puente: %s has not cosigned the log yet, puente log witness asks again: %v\n", partner, err)
	}
	return l.close(ctx)
}
