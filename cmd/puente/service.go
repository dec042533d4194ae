package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// service is the holder: it answers partners out of the agency's watchlists.
type service struct {
	config   config
	root     he.Seed
	partners map[string]partner
	lists    map[string]*resident
	log      *slog.Logger
}

// resident is a watchlist in matchable form, kept up to date.
type resident struct {
	name    string
	list    *watchlist.Watchlist
	threads int
	log     *slog.Logger

	mu         sync.Mutex
	gallery    *protocol.Gallery // nil for an empty watchlist
	generation watchlist.Generation
}

// current returns the gallery of the watchlist as it is on disk now, encoding it anew
// when it has changed: a person who was delisted is not matched any more. It returns nil
// for an empty watchlist. progress may be nil.
func (r *resident) current(ctx context.Context, progress func(done, total int)) (*protocol.Gallery, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		changed, err := r.list.Changed(r.generation)
		if err != nil || !changed {
			return r.gallery, err
		}
		stats, err := r.list.Stats()
		if err != nil {
			return nil, err
		}
		r.gallery = nil // the old one may not answer, and its memory is needed
		if stats.Entries > 0 {
			var read watchlist.Generation
			r.gallery, read, err = r.encode(ctx, stats, progress)
			if errors.Is(err, errChanged) || err == nil && read != stats.Generation {
				continue // a writer came in between
			}
			if err != nil {
				return nil, err
			}
			r.log.Info("watchlist loaded", "watchlist", r.name, "entries", stats.Entries, "epoch", stats.Generation.Epoch,
				"resident_bytes", r.gallery.Bytes())
		}
		r.generation = stats.Generation
	}
}

var errChanged = errors.New("the watchlist has changed while it was read")

func (r *resident) encode(ctx context.Context, stats watchlist.Stats, progress func(done, total int)) (*protocol.Gallery, watchlist.Generation, error) {
	var generation watchlist.Generation
	stopped := errors.New("stopped")
	source := func(yield func(templates.Template, error) bool) {
		read, err := r.list.Each(func(slot int, record watchlist.Record) error {
			if slot == stats.Entries {
				return errChanged
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
	gallery, err := protocol.NewGallery(ctx, r.list.Meta().Scheme, stats.Generation.Epoch, stats.Entries, 0, r.threads, source,
		func(done int) {
			if progress != nil {
				progress(done, stats.Entries)
			}
		})
	return gallery, generation, err
}

// Describe implements transport.Service.
func (s *service) Describe(_ context.Context, name string) ([]transport.Watchlist, error) {
	var list []transport.Watchlist
	for _, watchlistName := range s.partners[name].Allow {
		r, ok := s.lists[watchlistName]
		if !ok {
			continue // allowed before it is created
		}
		stats, err := r.list.Stats()
		if err != nil {
			return nil, err
		}
		list = append(list, transport.Watchlist{Name: watchlistName, Scheme: r.list.Meta().Scheme.String(),
			Entries: uint64(stats.Entries), Epoch: stats.Generation.Epoch})
	}
	return list, nil
}

// Open implements transport.Service: it applies the release policy to the first message
// of a session.
func (s *service) Open(ctx context.Context, name string, first []byte) (transport.Session, error) {
	open, err := protocol.ParseOpen(first)
	if err != nil {
		return transport.Session{}, transport.Refuse(transport.ClassInvalid, err.Error(), nil)
	}
	refuse := func(class transport.Class, format string, args ...any) (transport.Session, error) {
		return transport.Session{}, transport.Refuse(class, fmt.Sprintf(format, args...), nil)
	}
	switch {
	case open.Requester != name:
		return refuse(transport.ClassDenied, "the certificate is that of %s, the request is from %s", name, open.Requester)
	case open.Holder != s.config.Agency:
		return refuse(transport.ClassInvalid, "this is %s, the request is to %s", s.config.Agency, open.Holder)
	case !slices.Contains(s.partners[name].Allow, open.Watchlist) || s.lists[open.Watchlist] == nil:
		// One answer for both: a partner does not learn which watchlists exist.
		return refuse(transport.ClassNotFound, "there is no watchlist %q for %s", open.Watchlist, name)
	}
	list := s.lists[open.Watchlist]
	if agreed := list.list.Meta().Scheme; open.Scheme != agreed {
		return refuse(transport.ClassPrecondition, "watchlist %q has scheme %s, the request has %s", open.Watchlist, agreed, open.Scheme)
	}
	gallery, err := list.current(ctx, nil)
	if err != nil {
		return transport.Session{}, err
	}
	if gallery == nil || gallery.Entries() < s.config.MinEntries {
		return refuse(transport.ClassPrecondition, "watchlist %q is too small to be queried", open.Watchlist)
	}
	terms := protocol.Terms{Requester: name, Holder: s.config.Agency, Watchlist: open.Watchlist, Scheme: gallery.Scheme()}
	evaluator, err := protocol.NewEvaluator(terms, gallery, s.root, newNonce(), nil)
	if err != nil {
		return transport.Session{}, err
	}
	stream, _ := transport.SessionFrom(ctx) // the id under which transport logs
	return transport.Session{
		Role: evaluator, ReceiveBytes: evaluator.ReceiveBytes(),
		Closed: func(stats transport.Stats, err error) {
			s.log.Info("query", "partner", name, "watchlist", open.Watchlist, "session", evaluator.Session().String(), "stream", stream,
				"entries", gallery.Entries(), "epoch", gallery.Epoch(), "bytes_received", stats.BytesDown, "bytes_sent", stats.BytesUp,
				"complete", err == nil)
		},
	}, nil
}

// newNonce draws a fresh nonce. crypto/rand.Read never fails since Go 1.24.
func newNonce() (n protocol.Nonce) {
	_, _ = rand.Read(n[:])
	return n
}
