package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/puente-project/puente/protocol/puentev1"
)

// loggedService is a testService that also answers calls about logs.
type loggedService struct {
	*testService
	cosignature []byte // what Witness answers; if nil, the conflict with known
	known       uint64
	checkpoint  []byte
	proof       [][]byte
	fail        error
	wait        chan struct{} // if set, Witness waits for it

	mu    sync.Mutex
	calls []string
}

func (s *loggedService) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

func (s *loggedService) Witness(ctx context.Context, partner string, checkpoint []byte, oldSize uint64, proof [][]byte) ([]byte, uint64, error) {
	if p, ok := PartnerFrom(ctx); !ok || p != partner {
		return nil, 0, fmt.Errorf("the context says partner %q, the argument %q", p, partner)
	}
	s.note("witness %s %s %d %d", partner, checkpoint, oldSize, len(proof))
	if s.wait != nil {
		select {
		case <-s.wait:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
	return s.cosignature, s.known, s.fail
}

func (s *loggedService) Latest(_ context.Context, partner string, oldSize uint64) ([]byte, [][]byte, error) {
	s.note("latest %s %d", partner, oldSize)
	return s.checkpoint, s.proof, s.fail
}

func (s *loggedService) Cosigned(_ context.Context, partner string, checkpoint []byte) error {
	s.note("cosigned %s %s", partner, checkpoint)
	return s.fail
}

// startLogged runs a holder with the service.
func startLogged(t *testing.T, service *loggedService, limits Limits) *agency {
	t.Helper()
	service.testService = &testService{}
	return start(t, service.testService, limits, service)
}

func hashes(n, size int) (list [][]byte) {
	for i := range n {
		list = append(list, bytes.Repeat([]byte{byte(i)}, size))
	}
	return list
}

func TestLogCalls(t *testing.T) {
	service := &loggedService{cosignature: []byte("— a AAAA\n"), checkpoint: []byte("newest"), proof: hashes(63, 32)}
	a := startLogged(t, service, Limits{})
	c := a.dial(a.idC, Limits{})

	cosignature, known, err := a.client.Witness(t.Context(), []byte("one"), 7, hashes(63, 32))
	if err != nil || known != 0 || string(cosignature) != "— a AAAA\n" {
		t.Errorf("Witness: %q, %d, %v", cosignature, known, err)
	}
	checkpoint, proof, err := c.Checkpoint(t.Context(), 9)
	if err != nil || string(checkpoint) != "newest" || len(proof) != 63 || !bytes.Equal(proof[62], service.proof[62]) {
		t.Errorf("Checkpoint: %q, %d hashes, %v", checkpoint, len(proof), err)
	}
	if err := c.Cosigned(t.Context(), bytes.Repeat([]byte("x"), maxCheckpoint)); err != nil {
		t.Errorf("Cosigned: %v", err)
	}
	service.cosignature, service.known = nil, 1<<63
	cosignature, known, err = c.Witness(t.Context(), []byte("two"), 0, nil)
	if err != nil || known != 1<<63 || len(cosignature) != 0 {
		t.Errorf("Witness with a conflict: %q, %d, %v", cosignature, known, err)
	}
	want := []string{"witness a one 7 63", "latest c 9", "cosigned c " + strings.Repeat("x", maxCheckpoint), "witness c two 0 0"}
	if got := service.calls; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the service saw %q", got)
	}
	a.alive()
}

func TestLogCallErrors(t *testing.T) {
	service := &loggedService{}
	a := startLogged(t, service, Limits{})
	all := map[string]func() error{
		"Witness": func() error { _, _, err := a.client.Witness(t.Context(), []byte("x"), 0, nil); return err },
		"Checkpoint": func() error {
			_, _, err := a.client.Checkpoint(t.Context(), 0)
			return err
		},
		"Cosigned": func() error { return a.client.Cosigned(t.Context(), []byte("x")) },
	}
	for name, call := range all {
		for what, c := range map[string]struct {
			fail  error
			class Class
			text  string
		}{
			"public":  {Refuse(ClassDenied, "your log has forked", errors.New("secret zebra")), ClassDenied, "your log has forked"},
			"private": {errors.New("secret zebra"), ClassInternal, "internal error"},
		} {
			service.fail = c.fail
			err := call()
			var refused *RefusedError
			if !errors.As(err, &refused) || refused.Class != c.class || !strings.Contains(refused.Reason, c.text) || strings.Contains(err.Error(), "zebra") {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
	}
	service.fail = nil

	// What the client does not send.
	before := len(service.calls)
	for name, c := range map[string]struct {
		checkpoint []byte
		proof      [][]byte
	}{
		"no checkpoint":         {nil, nil},
		"too long a checkpoint": {make([]byte, maxCheckpoint+1), nil},
		"64 hashes":             {[]byte("x"), hashes(64, 32)},
		"a hash of 33 bytes":    {[]byte("x"), hashes(1, 33)},
	} {
		if _, _, err := a.client.Witness(t.Context(), c.checkpoint, 0, c.proof); err == nil {
			t.Errorf("Witness with %s is sent", name)
		}
	}
	if err := a.client.Cosigned(t.Context(), nil); err == nil {
		t.Error("Cosigned without a checkpoint is sent")
	}

	// What a hostile client sends anyway.
	for name, c := range map[string]struct {
		path string
		m    proto.Message
		want string
	}{
		"no checkpoint":          {puentev1.MatchingWitnessProcedure, &puentev1.WitnessRequest{}, "3"},
		"too long a checkpoint":  {puentev1.MatchingWitnessProcedure, &puentev1.WitnessRequest{Checkpoint: make([]byte, maxCheckpoint+1)}, "3"},
		"64 hashes":              {puentev1.MatchingWitnessProcedure, &puentev1.WitnessRequest{Checkpoint: []byte("x"), Proof: hashes(64, 32)}, "3"},
		"empty hashes":           {puentev1.MatchingWitnessProcedure, &puentev1.WitnessRequest{Checkpoint: []byte("x"), Proof: hashes(60, 0)}, "3"},
		"megabyte":               {puentev1.MatchingWitnessProcedure, &puentev1.WitnessRequest{Checkpoint: make([]byte, 1<<20)}, "8"},
		"nothing delivered":      {puentev1.MatchingCosignedProcedure, &puentev1.CosignedRequest{}, "3"},
		"too much delivered":     {puentev1.MatchingCosignedProcedure, &puentev1.CosignedRequest{Checkpoint: make([]byte, maxCheckpoint+1)}, "3"},
		"question of a megabyte": {puentev1.MatchingCheckpointProcedure, &puentev1.WitnessRequest{Checkpoint: make([]byte, 1<<20)}, "8"},
	} {
		b, err := proto.Marshal(c.m)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := a.raw(c.path, nil, bytes.NewReader(frame(0, b)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if code, message := grpcStatus(t, resp); code != c.want {
			t.Errorf("%s: status %s (%s), want %s", name, code, message, c.want)
		}
	}
	if len(service.calls) != before {
		t.Errorf("the service saw %q", service.calls[before:])
	}
	a.alive()
}

// TestLogCallsNotOffered: a service without a log, as with an older release.
func TestLogCallsNotOffered(t *testing.T) {
	a := start(t, &testService{}, Limits{})
	_, _, err1 := a.client.Witness(t.Context(), []byte("x"), 0, nil)
	_, _, err2 := a.client.Checkpoint(t.Context(), 0)
	err3 := a.client.Cosigned(t.Context(), []byte("x"))
	for _, err := range []error{err1, err2, err3} {
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Class != ClassInvalid || !strings.Contains(refused.Reason, "does not offer") {
			t.Errorf("%v, want a refusal", err)
		}
	}
	a.alive()
}

// TestLogCallLimits: calls that take long, and many at a time.
func TestLogCallLimits(t *testing.T) {
	service := &loggedService{wait: make(chan struct{})}
	a := startLogged(t, service, Limits{DescribeTimeout: 500 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	errs := make(chan error, 2*logCallsPerPartner)
	for range 2 * logCallsPerPartner {
		group.Go(func() {
			_, _, err := a.client.Witness(ctx, []byte("x"), 0, nil)
			errs <- err
		})
	}
	group.Wait()
	cancel()
	busy, late := 0, 0
	for range 2 * logCallsPerPartner {
		var refused *RefusedError
		switch err := <-errs; {
		case errors.As(err, &refused) && refused.Class == ClassExhausted:
			busy++
		case errors.Is(err, ErrTimeout):
			late++
		default:
			t.Errorf("Witness: %v", err)
		}
	}
	if busy != logCallsPerPartner || late != logCallsPerPartner {
		t.Errorf("%d calls were refused and %d timed out, want %d of each", busy, late, logCallsPerPartner)
	}
	close(service.wait)
	a.alive()
}

// TestHostileLogAnswers: what a holder can answer to a call about a log.
func TestHostileLogAnswers(t *testing.T) {
	pack := func(m proto.Message) []byte {
		b, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return frame(0, b)
	}
	for name, body := range map[string][]byte{
		"long cosignature":     pack(&puentev1.WitnessResponse{Cosignature: make([]byte, maxCosignature+1)}),
		"cosignature and size": pack(&puentev1.WitnessResponse{Cosignature: []byte("x"), KnownSize: 3}),
		"not protobuf":         frame(0, []byte{0xff}),
		"compressed":           frame(1, []byte{1}),
		"4 GiB":                {0, 0xff, 0xff, 0xff, 0xff},
	} {
		client := hostile(t, func(w http.ResponseWriter, _ *http.Request) { grpcReply(w, body, "0", "") })
		if _, _, err := client.Witness(t.Context(), []byte("x"), 0, nil); !errors.Is(err, ErrPeerProtocol) {
			t.Errorf("Witness, %s: %v, want ErrPeerProtocol", name, err)
		}
	}
	for name, m := range map[string]*puentev1.CheckpointResponse{
		"no checkpoint":   {Proof: hashes(1, 32)},
		"long checkpoint": {Checkpoint: make([]byte, maxCheckpoint+1)},
		"64 hashes":       {Checkpoint: []byte("x"), Proof: hashes(64, 32)},
		"100000 hashes":   {Checkpoint: []byte("x"), Proof: hashes(100_000, 0)},
		"short hash":      {Checkpoint: []byte("x"), Proof: hashes(1, 31)},
	} {
		body := pack(m)
		client := hostile(t, func(w http.ResponseWriter, _ *http.Request) { grpcReply(w, body, "0", "") })
		if _, _, err := client.Checkpoint(t.Context(), 0); !errors.Is(err, ErrPeerProtocol) {
			t.Errorf("Checkpoint, %s: %v, want ErrPeerProtocol", name, err)
		}
	}
	silent := hostileWithin(t, 400*time.Millisecond, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	if err := silent.Cosigned(t.Context(), []byte("x")); !errors.Is(err, ErrTimeout) {
		t.Errorf("Cosigned with a silent holder: %v, want ErrTimeout", err)
	}
}
