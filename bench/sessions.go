package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
)

// SessionsResult is the median wall time of a session in milliseconds, bare and with what
// makes it provable. Keys are in memory, disks are real.
type SessionsResult struct {
	Scheme   string `json:"scheme"`
	Entries  int    `json:"entries"`
	Sessions int    `json:"sessions"` // of each kind, taken in turn
	Threads  int    `json:"threads"`
	// Bare is the matching protocol alone.
	Bare float64 `json:"ms_bare"`
	// Signed adds request, grant, receipt and seal, four hybrid signatures, and both
	// sides' journals, flushed to disk.
	Signed float64 `json:"ms_signed"`
	// Logged adds an entry to each side's transparency log, covered by a checkpoint. In
	// the product the answer does not wait for it.
	Logged float64 `json:"ms_logged"`
	// Added is Logged - Bare.
	Added float64 `json:"ms_added"`
}

// Sessions measures what signing and logging add to a session, in a temporary folder.
func Sessions(ctx context.Context, c Config, sessions int) (SessionsResult, error) {
	if sessions < 1 || sessions > 10_000 {
		return SessionsResult{}, fmt.Errorf("%d sessions: allowed are 1 to 10000", sessions)
	}
	c = c.complete()
	s, err := newStage(ctx, c)
	if err != nil {
		return SessionsResult{}, err
	}
	defer s.close()
	probe := []templates.Template{s.people.Genuine(0, 0)}
	var times [3][]time.Duration
	for i := range sessions {
		c.Progress("sessions", i, sessions)
		for kind := range times {
			start := time.Now()
			if _, err := s.session(ctx, probe, kind); err != nil {
				return SessionsResult{}, err
			}
			times[kind] = append(times[kind], time.Since(start))
		}
	}
	median := func(list []time.Duration) float64 {
		slices.Sort(list)
		return micros(list[len(list)/2]) / 1000
	}
	r := SessionsResult{Scheme: c.Scheme.String(), Entries: c.Entries, Sessions: sessions, Threads: c.Threads,
		Bare: median(times[bare]), Signed: median(times[signed]), Logged: median(times[logged])}
	r.Added = r.Logged - r.Bare
	return r, nil
}

// Kinds of session.
const (
	bare   = iota // the matching protocol alone
	signed        // with request, grant, receipt, seal and both journals
	logged        // and entered in both logs
)

// stage is two agencies in one process, with GOMAXPROCS set to the threads until close.
type stage struct {
	dir      string // temporary
	before   int    // GOMAXPROCS
	people   *synthetic.Population
	list     []templates.Template // by slot, as enrol makes it
	gallery  *protocol.Gallery
	terms    protocol.Terms
	pool     *transport.Pool
	parties  [2]evidence.Party // requester, holder
	logs     [2]*transparency.Log
	sessions uint64 // so far
}

func newStage(ctx context.Context, c Config) (_ *stage, err error) {
	s := &stage{before: runtime.GOMAXPROCS(c.Threads), pool: transport.NewPool(c.Threads),
		terms: protocol.Terms{Requester: "requester", Holder: "holder", Watchlist: "bench", Scheme: c.Scheme}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "puente-bench-"); err != nil {
		return nil, err
	}
	if s.people, err = synthetic.New(c.Scheme, c.Seed); err != nil {
		return nil, err
	}
	if s.list, err = enrol(ctx, c, s.people); err != nil {
		return nil, err
	}
	if s.gallery, err = protocol.NewGallery(ctx, c.Scheme, 1, c.Entries, 0, c.Threads, templates.Sequence(s.list), nil); err != nil {
		return nil, err
	}
	agreed := agreement.Agreement{Version: 1, Parties: [2]string{"holder", "requester"}, ClockSkew: 60,
		Watchlists: []agreement.Watchlist{{Holder: "holder", Name: "bench", Scheme: c.Scheme.String(), MinEntries: 1}},
		Purposes:   []agreement.Purpose{{Code: "bench", Basis: "none", Daily: 1 << 20}}}
	var signers [2]signature.Signer
	for i, name := range []string{"requester", "holder"} {
		store := new(keys.Memory)
		if _, err := keys.Rotate(ctx, store); err != nil {
			return nil, err
		}
		if signers[i], err = keys.NewSigner(ctx, store, 0); err != nil {
			return nil, err
		}
		origin := "puente/" + name
		signer, verifier, err := transparency.NewSigner(keys.NewSeed(), origin)
		if err != nil {
			return nil, err
		}
		if s.logs[i], err = transparency.Open(ctx, filepath.Join(s.dir, name+"-log"), transparency.Options{Origin: origin, Signer: signer, Verifier: verifier}); err != nil {
			return nil, err
		}
	}
	for i, name := range []string{"requester", "holder"} {
		s.parties[i] = evidence.Party{Agency: name, Signer: signers[i], PartnerKeys: []signature.PublicKey{signers[1-i].Public()},
			Agreement: agreed, Dir: filepath.Join(s.dir, name), Context: ctx,
			Now: func() time.Time { return time.Now().UTC().Truncate(time.Second) }}
	}
	return s, nil
}

func (s *stage) close() {
	for _, l := range s.logs {
		if l != nil {
			_ = l.Close(context.Background())
		}
	}
	_ = os.RemoveAll(s.dir)
	runtime.GOMAXPROCS(s.before)
}

// session runs one session of a kind and returns the slots that hit, by probe.
func (s *stage) session(ctx context.Context, probes []templates.Template, kind int) ([][]int, error) {
	var nonce protocol.Nonce
	binary.BigEndian.PutUint64(nonce[:], s.sessions)
	s.sessions++
	owner, err := protocol.NewKeyOwner(s.terms, probes, he.Seed(keys.NewSeed()), nonce, nil)
	if err != nil {
		return nil, err
	}
	evaluator, err := protocol.NewEvaluator(s.terms, len(probes), s.gallery, he.Seed(keys.NewSeed()), nonce, nil)
	if err != nil {
		return nil, err
	}
	if kind == bare {
		if err := s.play(ctx, owner, func([]byte) (protocol.Role, error) { return evaluator, nil }); err != nil {
			return nil, err
		}
		return owner.Hits(), nil
	}
	requester, err := evidence.NewRequester(owner, evidence.Ask{Terms: s.terms, Purpose: "bench", Basis: "none"}, s.parties[0])
	if err != nil {
		return nil, err
	}
	var holder *evidence.Holder
	err = s.play(ctx, requester, func(first []byte) (protocol.Role, error) {
		request, err := evidence.ParseRequest(first)
		if err == nil {
			err = request.Verify(s.parties[1])
		}
		if err == nil {
			holder, err = evidence.NewHolder(evaluator, request, transcript.Digest{}, s.parties[1], nil)
		}
		return holder, err
	})
	if err != nil {
		return nil, err
	}
	requester.Journal().Close()
	holder.Journal().Close()
	if kind == signed {
		return owner.Hits(), nil
	}
	var both sync.WaitGroup
	errs := make([]error, len(s.logs))
	for i, entry := range []transcript.SessionEntry{
		{Role: transcript.Requester, Outcome: transcript.OutcomeHit, Note: requester.Head()},
		{Role: transcript.Holder, Outcome: transcript.OutcomeAnswered, Note: holder.Head()},
	} {
		both.Go(func() { _, errs[i] = s.logs[i].Append(ctx, []byte(entry.Text())) })
	}
	both.Wait()
	return owner.Hits(), errors.Join(errs...)
}

// play drives two roles against each other; the holder's is made for the first message.
func (s *stage) play(ctx context.Context, requester protocol.Role, open func(first []byte) (protocol.Role, error)) error {
	a, b := pipe()
	var serving sync.WaitGroup
	var served error
	serving.Go(func() {
		first, err := b.Receive()
		if err != nil {
			served = err
			return
		}
		role, err := open(first)
		if err == nil {
			b.in.unread(first)
			_, err = transport.Run(ctx, role, b, transport.Options{Pool: s.pool})
		}
		if served = err; err != nil {
			b.Abort()
		}
	})
	_, err := transport.Run(ctx, requester, a, transport.Options{Pool: s.pool})
	if err != nil {
		a.Abort()
	}
	serving.Wait()
	if served != nil {
		return served
	}
	return err
}
