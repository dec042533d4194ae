package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
	"github.com/puente-project/puente/templates/watchlist"
)

// served is a holder's service on loopback and a requester's connection to it.
type served struct {
	service *service
	party   evidence.Party
	list    *watchlist.Watchlist
	people  *synthetic.Population
	client  *transport.Client
	terms   protocol.Terms
	root    he.Seed
	stop    func()
}

func testSigner(t *testing.T) signature.Signer {
	t.Helper()
	store := new(keys.Memory)
	if _, err := keys.Rotate(context.Background(), store); err != nil {
		t.Fatal(err)
	}
	signer, err := keys.NewSigner(context.Background(), store, 0)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// startService serves a watchlist of people 0..entries-1 to the partner "cl".
func startService(t *testing.T, scheme templates.Scheme, entries int) *served {
	t.Helper()
	people, err := synthetic.New(scheme, 5)
	if err != nil {
		t.Fatal(err)
	}
	list, err := watchlist.Create(filepath.Join(t.TempDir(), "wanted"), watchlist.Meta{Name: "wanted", Scheme: scheme}, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	records := make([]watchlist.Record, entries)
	for i := range records {
		records[i] = watchlist.Record{Handle: fmt.Sprintf("ref-%d", i), Template: people.Entry(i)}
	}
	if _, err := list.Add(records); err != nil {
		t.Fatal(err)
	}
	identity := func(n byte, name string) (cert tls.Certificate, pin transport.Pin) {
		cert, err := transport.NewIdentity([32]byte{n}, name, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err == nil {
			pin, err = transport.IdentityPin(cert)
		}
		if err != nil {
			t.Fatal(err)
		}
		return cert, pin
	}
	holder, holderPin := identity(1, "us")
	requester, requesterPin := identity(2, "cl")
	lookup, err := transport.NewPartners(map[string]transport.Pin{"cl": requesterPin})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	agreed := agreement.Agreement{Version: 1, Parties: [2]string{"cl", "us"}, ClockSkew: 60,
		Watchlists: []agreement.Watchlist{{Holder: "us", Name: "wanted", Scheme: scheme.String(), MinEntries: 1}},
		Purposes:   []agreement.Purpose{{Code: "border", Basis: "treaty-1", Daily: 1000}},
		Claims:     &agreement.Claims{WindowHours: 1, PerSession: 2, Daily: 4, Bases: []string{"warrant"}}}
	holderSigner, requesterSigner := testSigner(t), testSigner(t)
	parties := [2]evidence.Party{
		{Agency: "us", Signer: holderSigner, PartnerKeys: []signature.PublicKey{requesterSigner.Public()}, Agreement: agreed, Dir: t.TempDir(), Now: now},
		{Agency: "cl", Signer: requesterSigner, PartnerKeys: []signature.PublicKey{holderSigner.Public()}, Agreement: agreed, Dir: t.TempDir(), Now: now, Context: context.Background()},
	}
	quotas, err := newQuotas(parties[0].Dir, "us")
	if err != nil {
		t.Fatal(err)
	}
	noted := func(context.Context, transcript.EpochEntry) error { return nil }
	s := &service{config: config{Agency: "us"}, root: he.Seed{9}, log: log, quotas: quotas,
		parties: map[string]evidence.Party{"cl": parties[0]},
		lists: map[string]*resident{"wanted": {name: "wanted", list: list, threads: 2, log: log, epoch: noted, memory: newMemory(0),
			slots: &slotStore{dir: t.TempDir(), key: keys.Seed{3}}}}}
	limits := transport.DefaultLimits()
	limits.MaxMessage = protocol.MaxMessage
	limits.Sessions, limits.SessionsPerPartner = 8, 8
	server, err := transport.NewServer(transport.ServerOptions{Identity: holder, Partners: lookup, Service: s,
		Pool: transport.NewPool(2), Limits: limits, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	config, err := transport.ClientConfig(requester, holderPin)
	if err != nil {
		t.Fatal(err)
	}
	client, err := transport.NewClient("https://"+listener.Addr().String(), config, limits)
	if err != nil {
		t.Fatal(err)
	}
	x := &served{service: s, party: parties[1], list: list, people: people, client: client, root: he.Seed{8},
		terms: protocol.Terms{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: scheme}}
	x.stop = sync.OnceFunc(func() {
		client.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		<-ended
	})
	t.Cleanup(x.stop)
	return x
}

// ask runs one session about one probe and returns the slots that hit.
func (s *served) ask(probe templates.Template, pool *transport.Pool) ([]int, error) {
	hits, err := s.askAll([]templates.Template{probe}, pool)
	if err != nil {
		return nil, err
	}
	return hits[0], nil
}

// askAll runs one session and returns the slots that hit, by probe.
func (s *served) askAll(probes []templates.Template, pool *transport.Pool) ([][]int, error) {
	owner, err := protocol.NewKeyOwner(s.terms, probes, s.root, newNonce(), nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	requester, err := evidence.NewRequester(owner, evidence.Ask{Terms: s.terms, Purpose: "border", Basis: "treaty-1"}, s.party)
	if err != nil {
		return nil, err
	}
	_, err = s.client.Match(ctx, requester, transport.MatchOptions{Pool: pool})
	if journal := requester.Journal(); journal != nil {
		journal.Close()
	}
	return owner.Hits(), err
}

// TestManyQueries runs 200 queries, 8 at a time, against one service, and compares
// each with the plaintext matcher. It leaves no goroutine, and no memory that grows
// with the number of queries. Run it under -race.
func TestManyQueries(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	scheme, err := templates.SchemeByName("vector-128")
	if err != nil {
		t.Fatal(err)
	}
	const entries, queries, atOnce = 60, 200, 8
	s := startService(t, scheme, entries)
	pool := transport.NewPool(2)
	var heap [2]uint64
	for half := range heap {
		var running sync.WaitGroup
		next := make(chan int)
		for range atOnce {
			running.Go(func() {
				for i := range next {
					probe := s.people.Genuine(i, 1) // every second person is enrolled
					if i >= entries {
						probe = s.people.Stranger(i)
					}
					got, err := s.ask(probe, pool)
					if err != nil {
						t.Errorf("query %d: %v", i, err)
						continue
					}
					if want := s.plain(t, probe); !slices.Equal(got, want) {
						t.Errorf("query %d: encrypted hits %v, plaintext %v", i, got, want)
					}
				}
			})
		}
		for i := range queries / 2 {
			next <- i
		}
		close(next)
		running.Wait()
		for range 3 { // a pool gives up what it holds in two
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap[half] = m.HeapAlloc
	}
	// A leak of one probe of a session (over 128 kB) in every query would show.
	if grown := int64(heap[1]) - int64(heap[0]); grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes over %d queries", grown, queries/2)
	}
	s.stop()
}

// plain returns the slots that the plaintext matcher hits.
func (s *served) plain(t *testing.T, probe templates.Template) []int {
	matcher, err := templates.NewMatcher(s.terms.Scheme, probe)
	if err != nil {
		t.Error(err)
		return nil
	}
	var hits []int
	_, err = s.list.Each(func(slot int, r watchlist.Record) error {
		if matcher.Hit(r.Template) {
			hits = append(hits, slot)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return hits
}

// TestDelistingTakesEffect removes and adds people while the service runs.
func TestDelistingTakesEffect(t *testing.T) {
	scheme, err := templates.SchemeByName("vector-128")
	if err != nil {
		t.Fatal(err)
	}
	s := startService(t, scheme, 20)
	expect := func(probe templates.Template, want ...int) {
		t.Helper()
		got, err := s.ask(probe, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("hits %v, want %v", got, want)
		}
	}
	expect(s.people.Genuine(7, 1), 7)
	if _, err := s.list.Remove([]string{"ref-7"}); err != nil {
		t.Fatal(err)
	}
	expect(s.people.Genuine(7, 1))
	expect(s.people.Genuine(8, 1), 7) // the slots behind it have moved up
	if _, err := s.list.Add([]watchlist.Record{{Handle: "ref-7", Template: s.people.Entry(7)}}); err != nil {
		t.Fatal(err)
	}
	expect(s.people.Genuine(7, 1), 19)
}

// TestServiceRefuses opens sessions that the release policy forbids, and then one that
// it allows: the service goes on.
func TestServiceRefuses(t *testing.T) {
	scheme, err := templates.SchemeByName("vector-128")
	if err != nil {
		t.Fatal(err)
	}
	s := startService(t, scheme, 3)
	probe := s.people.Genuine(1, 1)
	good := s.party
	for name, change := range map[string]func(*evidence.Party){
		"other agreement":   func(x *evidence.Party) { x.Agreement.ClockSkew++ },
		"unknown signature": func(x *evidence.Party) { x.Signer = testSigner(t) },
		"wrong clock":       func(x *evidence.Party) { x.Now = func() time.Time { return now().Add(-time.Hour) } },
	} {
		s.party = good
		change(&s.party)
		s.party.Dir = t.TempDir()
		if _, err := s.ask(probe, nil); !errors.Is(err, transport.ErrRefused) {
			t.Errorf("%s: got error %v, want a refusal", name, err)
		}
	}
	s.party = good
	if got, err := s.ask(probe, nil); err != nil || !slices.Equal(got, []int{1}) {
		t.Errorf("after the refusals: hits %v, error %v", got, err)
	}
}

// TestQuotaCountsProbes refuses a request whole that has more probes than are left of the
// day's, and counts those that the journals have after a restart.
func TestQuotaCountsProbes(t *testing.T) {
	scheme, err := templates.SchemeByName("vector-128")
	if err != nil {
		t.Fatal(err)
	}
	s := startService(t, scheme, 3)
	s.party.Agreement.Purposes = []agreement.Purpose{{Code: "border", Basis: "treaty-1", Daily: 5}}
	holder := s.service.parties["cl"]
	holder.Agreement = s.party.Agreement
	s.service.parties["cl"] = holder
	var probes []templates.Template
	for i := range 6 {
		probes = append(probes, s.people.Genuine(i, 1))
	}
	ask := func(n int, refusal string) {
		t.Helper()
		hits, err := s.askAll(probes[:n], nil)
		if refused := (*transport.RefusedError)(nil); refusal != "" {
			if !errors.As(err, &refused) || refused.Class != transport.ClassExhausted || !strings.Contains(refused.Reason, refusal) {
				t.Errorf("%d probes: error %v, want %q", n, err, refusal)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range hits {
			if want := s.plain(t, probes[i]); !slices.Equal(got, want) {
				t.Errorf("probe %d of %d: hits %v, plaintext %v", i+1, n, got, want)
			}
		}
	}
	ask(6, "6 probes and has 5 left of today's 5")
	ask(3, "")
	ask(3, "3 probes and has 2 left")
	if s.service.quotas, err = newQuotas(holder.Dir, "us"); err != nil {
		t.Fatal(err)
	}
	ask(3, "3 probes and has 2 left")
	ask(2, "")
	ask(1, "used up today's 5 probes")
}

// TestMemory: watchlists that find no room are compact, and a place that becomes free is
// taken.
func TestMemory(t *testing.T) {
	m := newMemory(100)
	for _, c := range []struct {
		name  string
		bytes int64
		want  bool
	}{{"a", 60, true}, {"b", 41, false}, {"b", 40, true}, {"a", 61, false}, {"c", 60, true}, {"a", 1, false}, {"c", 59, true}, {"a", 1, true}} {
		if got := m.take(c.name, c.bytes); got != c.want {
			t.Errorf("%d bytes for %s: %v", c.bytes, c.name, got)
		}
	}
	if !newMemory(0).take("a", 1<<62) {
		t.Error("no limit is one")
	}
}
