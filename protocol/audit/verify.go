package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/transcript"
)

// Verify makes all checks. It fails, matching ErrInput, only if the input does not allow
// any report; what is wrong in a party's folder is in the report.
func Verify(in Input) (Report, error) {
	run, err := start(in)
	if err != nil {
		return Report{}, err
	}
	defer run.close()
	run.sessions()
	return run.report(), nil
}

// run is an audit in progress.
type run struct {
	in     *Input
	sides  []*side
	list   []*pair
	ledger *ledger
}

// start loads the parties and checks all but the sessions.
func start(in Input) (*run, error) {
	if err := in.Check(); err != nil {
		return nil, err
	}
	r := &run{in: &in, ledger: newLedger()}
	for _, p := range in.Parties {
		root, err := os.OpenRoot(p.Dir)
		if err != nil {
			r.close()
			return nil, fmt.Errorf("%w: the folder of %s: %w", ErrInput, p.Agency, err)
		}
		s := &side{Party: p, public: in.public(p.Agency), root: root}
		s.partner, _ = in.Agreements[0].Partner(p.Agency) // checked by Check
		r.sides = append(r.sides, s)
	}
	for i, s := range r.sides {
		var other *side
		if len(r.sides) > 1 {
			other = r.sides[1-i]
		}
		s.openLog(r.ledger, in.public(s.partner), other)
		s.readEntries(r.ledger, r.in)
		s.checkOrder(r.ledger, r.in)
		s.checkCopies(r.ledger, r.in)
	}
	return r, nil
}

func (r *run) close() {
	for _, s := range r.sides {
		s.root.Close()
	}
}

// sessions checks all sessions, several at a time.
func (r *run) sessions() {
	for _, s := range r.sides {
		s.listEvidence(r.ledger)
	}
	r.list = pairs(r.in, r.sides)
	next := make(chan *pair)
	var running sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for p := range next {
				p.run()
			}
		})
	}
	for _, p := range r.list {
		next <- p
	}
	close(next)
	running.Wait()
}

// report puts everything together.
func (r *run) report() Report {
	for _, p := range r.list {
		r.ledger.merge(p.ledger)
	}
	rep := Report{Format: 1, Sessions: []SessionSummary{}, Events: []Event{}, Quotas: checkTotals(r.ledger, r.in, r.list)}
	if !r.in.Now.IsZero() {
		rep.Audited = utc(r.in.Now)
	}
	for _, a := range r.in.Agreements {
		rep.Agreements = append(rep.Agreements, AgreementSummary{a.Digest().String(), a.Parties, a.ClockSkew})
	}
	for _, s := range r.sides {
		rep.Parties = append(rep.Parties, s.summary())
		rep.Events = append(rep.Events, s.events()...)
	}
	slices.SortFunc(rep.Events, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Party, b.Party), cmp.Compare(a.Entry, b.Entry))
	})
	rep.Claims = checkClaimTotals(r.ledger, r.in, r.sides, r.list)
	rep.Canaries = checkCanaries(r.ledger, r.in, r.list)
	for _, p := range r.list {
		rep.Sessions = append(rep.Sessions, p.summary)
	}
	r.ledger.into(&rep)
	return rep
}

// checkCopies checks that the party has the auditor's agreement and shows the keys that it
// gave to the auditor.
func (s *side) checkCopies(l *ledger, in *Input) {
	data, err := s.read(agreementFile, agreement.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.fail(AgreementCopy, s.at(agreementFile), "the file is missing")
	case err != nil:
		l.fail(AgreementCopy, s.at(agreementFile), "%v", err)
	default:
		same := slices.ContainsFunc(in.Agreements, func(a agreement.Agreement) bool { return bytes.Equal(a.Encode(), data) })
		l.check(AgreementCopy, same, s.at(agreementFile), "it is not an agreement that was given to the auditor; its digest is %.16s", transcript.TextDigest(string(data)))
	}
	data, err = s.read(publicFileName, maxPublic)
	if errors.Is(err, fs.ErrNotExist) {
		l.skip(KeyCopy, 1, "a party's folder has no public.json")
		return
	}
	var shown Public
	if err == nil {
		shown, err = ParsePublic(data)
	}
	l.check(KeyCopy, err == nil && bytes.Equal(shown.Encode(), s.public.Encode()), s.at(publicFileName), "it is not the file that was given to the auditor")
}

func (s *side) summary() PartySummary {
	p := PartySummary{Agency: s.Agency, Dir: s.Dir, Witnessed: s.witnessed.Size, Keys: len(s.history.keys)}
	for _, list := range s.history.epochs {
		p.Epochs += len(list)
	}
	if s.log != nil {
		p.Origin, p.Size, p.Root = s.log.Checkpoint().Origin, s.log.Size(), s.log.Root().String()
	}
	if c := s.witnessed.Cosignatures; len(c) > 0 {
		p.WitnessAt = utc(c[0].Time)
	}
	for _, list := range s.claims {
		p.Claims += len(list)
	}
	for _, e := range s.sessions {
		p.Probes += e.request.Probes
		if e.aborted != nil {
			p.Aborted++
		} else {
			p.Completed++
		}
	}
	return p
}
