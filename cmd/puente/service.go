package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// service is the holder: it answers partners out of the agency's watchlists.
type service struct {
	config  config
	root    he.Seed
	parties map[string]evidence.Party // by partner
	lists   map[string]*resident
	quotas  *quotas
	log     *slog.Logger
	ledger  *ledger // nil in tests without a log

	claims sync.Mutex // one claim at a time: limits and the folder of a claim then agree
}

// Witness implements transport.WitnessService.
func (s *service) Witness(ctx context.Context, partner string, checkpoint []byte, oldSize uint64, proof [][]byte) ([]byte, uint64, error) {
	return s.ledger.witness.Witness(ctx, partner, checkpoint, oldSize, proof)
}

// Latest implements transport.LogService.
func (s *service) Latest(ctx context.Context, partner string, oldSize uint64) ([]byte, [][]byte, error) {
	return s.ledger.log.Latest(ctx, partner, oldSize)
}

// Cosigned implements transport.LogService.
func (s *service) Cosigned(ctx context.Context, partner string, checkpoint []byte) error {
	return s.ledger.log.Cosigned(ctx, partner, checkpoint)
}

// keepLogging appends to the log what sessions and other commands leave behind, until
// ctx ends.
func (s *service) keepLogging(ctx context.Context) {
	cosigned, tried, pruned := uint64(0), time.Time{}, time.Time{}
	for {
		if time.Since(pruned) > pruneInterval {
			pruned = time.Now()
			s.pruneSlots()
		}
		if err := s.ledger.sync(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("the transparency log is behind", "error", err)
		}
		if size := s.ledger.log.Size(); size > cosigned && time.Since(tried) > witnessInterval {
			tried = time.Now()
			if s.askWitnesses(ctx) {
				cosigned = size
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(logInterval):
		}
	}
}

// askWitnesses exchanges cosignatures with all partners that can be reached. It reports
// whether all could.
func (s *service) askWitnesses(ctx context.Context) bool {
	all := true
	partners, err := s.ledger.agency.partners()
	if err != nil {
		return false
	}
	for _, p := range partners {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			client, err := s.ledger.agency.client(ctx, p)
			if err != nil {
				return err
			}
			defer client.Close()
			return s.ledger.exchange(ctx, p.Agency, client)
		}()
		if err != nil && ctx.Err() == nil {
			all = false
			s.log.Info("a partner has not cosigned the log", "partner", p.Agency, "error", err)
		}
	}
	return all
}

// witnessInterval is how often partners are asked to cosign new entries.
const witnessInterval = 30 * time.Second

// pruneInterval is how often references are forgotten that nobody can claim any more.
const pruneInterval = time.Hour

// logInterval is how long a session may wait for its entry in the log.
const logInterval = time.Second

// resident is a watchlist in matchable form, kept up to date.
type resident struct {
	name    string
	list    *watchlist.Watchlist
	salts   entrySalts
	slots   *slotStore // nil if no agreement allows claims
	threads int
	log     *slog.Logger
	epoch   func(context.Context, transcript.EpochEntry) error
	memory  *memory

	mu         sync.Mutex
	gallery    *protocol.Gallery // nil for an empty watchlist
	root       transcript.Digest
	generation watchlist.Generation
}

// current returns the gallery of the watchlist as it is on disk now, encoding it anew
// when it has changed: a person who was delisted is not matched any more. The gallery is
// nil for an empty watchlist. progress may be nil.
func (r *resident) current(ctx context.Context, progress func(done, total int)) (*protocol.Gallery, transcript.Digest, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		changed, err := r.list.Changed(r.generation)
		if err != nil || !changed {
			return r.gallery, r.root, err
		}
		stats, err := r.list.Stats()
		if err != nil {
			return nil, r.root, err
		}
		r.gallery, r.root = nil, transcript.Digest{} // the old one may not answer, and its memory is needed
		if stats.Entries > 0 {
			var gallery *protocol.Gallery
			var read watchlist.Generation
			gallery, r.root, read, err = r.encode(ctx, stats, progress)
			if errors.Is(err, errChanged) || err == nil && read != stats.Generation {
				continue // a writer came in between
			}
			if err == nil {
				err = r.epoch(ctx, transcript.EpochEntry{Watchlist: r.name, Scheme: r.list.Meta().Scheme.String(),
					Epoch: stats.Generation.Epoch, Entries: uint64(stats.Entries), Root: r.root, Time: now()})
			}
			if err != nil {
				return nil, r.root, err
			}
			r.gallery = gallery
			r.log.Info("watchlist loaded", "watchlist", r.name, "entries", stats.Entries, "epoch", stats.Generation.Epoch,
				"bytes", r.gallery.Bytes(), "compact", r.gallery.Compact())
		}
		r.generation = stats.Generation
	}
}

// memory is what resident galleries may take together.
type memory struct {
	limit int64 // bytes, 0 for no limit

	mu   sync.Mutex
	used map[string]int64 // by watchlist
}

func newMemory(limit int64) *memory { return &memory{limit: limit, used: map[string]int64{}} }

// take gives a watchlist so much memory in place of what it had, if there is room.
func (m *memory) take(name string, bytes int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.used, name)
	total := bytes
	for _, used := range m.used {
		total += used
	}
	if m.limit > 0 && total > m.limit {
		return false
	}
	m.used[name] = bytes
	return true
}

var errChanged = errors.New("the watchlist has changed while it was read")

func (r *resident) encode(ctx context.Context, stats watchlist.Stats, progress func(done, total int)) (*protocol.Gallery, transcript.Digest, watchlist.Generation, error) {
	var generation watchlist.Generation
	tree := newRootTree()
	var slots *slotWriter
	if r.slots != nil {
		var err error
		if slots, err = r.slots.begin(); err != nil {
			return nil, transcript.Digest{}, generation, err
		}
		defer func() {
			if slots != nil {
				slots.discard()
			}
		}()
	}
	commit := func(record watchlist.Record) error {
		template, err := r.salts.template(record)
		if err == nil {
			err = tree.Append(r.salts.leaf(record.Handle, template).Hash(), nil)
		}
		if err == nil && slots != nil {
			err = slots.add(record.Handle, template)
		}
		return err
	}
	stopped := errors.New("stopped")
	source := func(yield func(templates.Template, error) bool) {
		read, err := r.list.Each(func(slot int, record watchlist.Record) error {
			if slot == stats.Entries {
				return errChanged
			}
			if err := commit(record); err != nil {
				return err
			}
			if !yield(record.Template, nil) {
				return stopped
			}
			return nil
		})
		if generation = read; err == nil && read != stats.Generation {
			err = errChanged
		}
		if err != nil && !errors.Is(err, stopped) {
			yield(nil, err)
		}
	}
	told := func(done int) {
		if progress != nil {
			progress(done, stats.Entries)
		}
	}
	scheme := r.list.Meta().Scheme
	var gallery *protocol.Gallery
	var err error
	if r.memory.take(r.name, protocol.ResidentBytes(scheme, stats.Entries)) {
		gallery, err = protocol.NewGallery(ctx, scheme, stats.Generation.Epoch, stats.Entries, 0, r.threads, source, told)
	} else {
		gallery, err = protocol.NewCompactGallery(ctx, scheme, stats.Generation.Epoch, stats.Entries, 0, source, told)
	}
	if err != nil {
		return nil, transcript.Digest{}, generation, err
	}
	root, err := tree.root()
	if err == nil && slots != nil {
		err = slots.keep(root)
		slots = nil
	}
	return gallery, root, generation, err
}

// Describe implements transport.Service.
func (s *service) Describe(_ context.Context, name string) ([]transport.Watchlist, error) {
	var list []transport.Watchlist
	for _, w := range s.parties[name].Agreement.Watchlists {
		r, ok := s.lists[w.Name]
		if w.Holder != s.config.Agency || !ok {
			continue // agreed before it is created
		}
		stats, err := r.list.Stats()
		if err != nil {
			return nil, err
		}
		list = append(list, transport.Watchlist{Name: w.Name, Scheme: w.Scheme, Entries: uint64(stats.Entries), Epoch: stats.Generation.Epoch})
	}
	return list, nil
}

// Open implements transport.Service: it applies the agreement to the request with which a
// session begins.
func (s *service) Open(ctx context.Context, name string, first []byte) (transport.Session, error) {
	refuse := func(class transport.Class, format string, args ...any) (transport.Session, error) {
		return transport.Session{}, transport.Refuse(class, fmt.Sprintf(format, args...), nil)
	}
	request, err := evidence.ParseRequest(first)
	if err != nil {
		return refuse(transport.ClassInvalid, "%v", err)
	}
	if request.Requester != name {
		return refuse(transport.ClassDenied, "the certificate is that of %s, the request is from %s", name, request.Requester)
	}
	party := s.parties[name]
	party.Context = ctx
	if err := request.Verify(party); errors.Is(err, agreement.ErrNotAllowed) {
		return refuse(transport.ClassPrecondition, "%v", err)
	} else if err != nil {
		return refuse(transport.ClassInvalid, "%v", err)
	}
	agreed, err := party.Agreement.Watchlist(s.config.Agency, request.Watchlist)
	if err != nil || s.lists[request.Watchlist] == nil {
		return refuse(transport.ClassNotFound, "there is no watchlist %q", request.Watchlist)
	}
	list := s.lists[request.Watchlist]
	scheme := list.list.Meta().Scheme
	if scheme.String() != agreed.Scheme {
		s.log.Error("a watchlist has another scheme than the agreement", "watchlist", request.Watchlist, "scheme", scheme.String(), "partner", name)
		return refuse(transport.ClassPrecondition, "watchlist %q has another scheme than the agreement", request.Watchlist)
	}
	gallery, root, err := list.current(ctx, nil)
	if err != nil {
		return transport.Session{}, err
	}
	if gallery == nil || uint64(gallery.Entries()) < agreed.MinEntries {
		return refuse(transport.ClassPrecondition, "watchlist %q is too small to be queried", request.Watchlist)
	}
	if list.slots != nil { // before the grant: its claim window has not begun yet
		if err := list.slots.touch(root); err != nil {
			return transport.Session{}, err
		}
	}
	purpose, err := party.Agreement.Purpose(request.Purpose, request.Basis)
	if err != nil {
		return refuse(transport.ClassPrecondition, "%v", err)
	}
	if left, ok := s.quotas.take(request.Request, purpose.Daily); !ok && left == 0 {
		return refuse(transport.ClassExhausted, "%s has used up today's %d probes for %s", name, purpose.Daily, request.Purpose)
	} else if !ok {
		return refuse(transport.ClassExhausted, "%s asks about %d probes and has %d left of today's %d for %s", name, request.Probes, left, purpose.Daily, request.Purpose)
	}
	terms := protocol.Terms{Requester: name, Holder: s.config.Agency, Watchlist: request.Watchlist, Scheme: scheme}
	evaluator, err := protocol.NewEvaluator(terms, int(request.Probes), gallery, s.root, newNonce(), nil)
	if err != nil {
		return transport.Session{}, err
	}
	holder, err := evidence.NewHolder(evaluator, request, root, party, nil)
	if errors.Is(err, evidence.ErrStatement) {
		return refuse(transport.ClassInvalid, "%v", err)
	} else if err != nil {
		return transport.Session{}, err
	}
	stream, _ := transport.SessionFrom(ctx) // the id under which transport logs
	return transport.Session{
		Role: holder, ReceiveBytes: holder.ReceiveBytes(),
		Closed: func(stats transport.Stats, err error) {
			holder.Journal().Close()
			s.log.Info("query", "partner", name, "watchlist", request.Watchlist, "purpose", request.Purpose,
				"session", holder.Session().String(), "stream", stream,
				"probes", request.Probes, "entries", gallery.Entries(), "epoch", gallery.Epoch(), "bytes_received", stats.BytesDown, "bytes_sent", stats.BytesUp,
				"complete", err == nil)
		},
	}, nil
}

// newNonce draws a fresh nonce. crypto/rand.Read never fails since Go 1.24.
func newNonce() (n protocol.Nonce) {
	_, _ = rand.Read(n[:])
	return n
}

// now is the time of statements: UTC in whole seconds.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
