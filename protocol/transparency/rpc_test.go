package transparency

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/puente-project/puente/protocol/transport"
)

// The pieces fit without adapters.
var (
	_ transport.WitnessService = (*Witness)(nil)
	_ transport.LogService     = (*Log)(nil)
	_ WitnessClient            = (*transport.Client)(nil)
	_ LogClient                = (*transport.Client)(nil)
)

// holder is a service with a log and no watchlists.
type holder struct {
	witness *Witness
	*Log
}

func (h holder) Witness(ctx context.Context, partner string, checkpoint []byte, oldSize uint64, proof [][]byte) ([]byte, uint64, error) {
	return h.witness.Witness(ctx, partner, checkpoint, oldSize, proof)
}

func (holder) Describe(context.Context, string) ([]transport.Watchlist, error) { return nil, nil }
func (holder) Open(context.Context, string, []byte) (transport.Session, error) {
	return transport.Session{}, errors.New("no watchlists")
}

// TestOverRPC exchanges cosignatures both ways over a real connection, then rolls the
// caller's log back.
func TestOverRPC(t *testing.T) {
	p := newPair(t)
	logB := p.b.open(t, filepath.Join(p.dirB, "log"))
	witnessA := p.a.newWitness(t)

	from := time.Now().Add(-time.Hour)
	idA, err := transport.NewIdentity([32]byte{1}, "cl", from, from.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	idB, err := transport.NewIdentity([32]byte{2}, "us", from, from.Add(24*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	pinA, err := transport.IdentityPin(idA)
	if err != nil {
		t.Fatal(err)
	}
	pinB, err := transport.IdentityPin(idB)
	if err != nil {
		t.Fatal(err)
	}
	known, err := transport.NewPartners(map[string]transport.Pin{"cl": pinA})
	if err != nil {
		t.Fatal(err)
	}
	server, err := transport.NewServer(transport.ServerOptions{Identity: idB, Partners: known, Service: holder{p.witnessB, logB}})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	config, err := transport.ClientConfig(idA, pinB)
	if err != nil {
		t.Fatal(err)
	}
	client, err := transport.NewClient("https://"+listener.Addr().String(), config, transport.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)

	for _, size := range []int{1, 5, 300} {
		appendAll(t, p.logA, numbered("a", 0, size)...)
		appendAll(t, logB, numbered("b", 0, size)...)
		if err := p.logA.Exchange(t.Context(), "us", client); err != nil {
			t.Fatal(err)
		}
		if err := witnessA.Observe(t.Context(), "us", client); err != nil {
			t.Fatal(err)
		}
	}
	for _, side := range []struct {
		of, by *agency
		dir    string
	}{{p.a, p.b, p.dirA}, {p.b, p.a, p.dirB}} {
		c, err := side.by.options.Partners[0].stored(partnerFile, side.of.logKey, side.by.witness)
		if err != nil || c.Size != 300 {
			t.Errorf("%s remembers %d entries of %s, %v", side.by.name, c.Size, side.of.name, err)
		}
		if c, err = side.of.options.Partners[0].stored(ownFile, side.of.logKey, side.by.witness); err != nil || c.Size != 300 {
			t.Errorf("%s keeps %d cosigned entries, %v", side.of.name, c.Size, err)
		}
	}

	// Another log under the same key.
	p.a.options.Partners[0].Dir = filepath.Join(t.TempDir(), "log-witness")
	forked := p.a.open(t, filepath.Join(t.TempDir(), "log"))
	appendAll(t, forked, numbered("other", 0, 5)...)
	if err := forked.Exchange(t.Context(), "us", client); !errors.Is(err, ErrRollback) {
		t.Errorf("a shorter log: %v, want ErrRollback", err)
	}
	appendAll(t, forked, numbered("other", 5, 301)...)
	err = forked.Exchange(t.Context(), "us", client)
	if !errors.Is(err, transport.ErrRefused) || !strings.Contains(err.Error(), "does not extend the checkpoint") {
		t.Errorf("a fork: %v, want a refusal that says so", err)
	}
}

// BenchmarkAppend is one entry at a time, as sessions bring them.
func BenchmarkAppend(b *testing.B) {
	a := newAgency(b, "cl")
	l := a.open(b, filepath.Join(b.TempDir(), "log"))
	entry := strings.Repeat("x", 10_000)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		time.Sleep(150 * time.Millisecond) // a session
		b.StartTimer()
		if _, err := l.Append(b.Context(), []byte(fmt.Sprint(i, entry))); err != nil {
			b.Fatal(err)
		}
	}
}
