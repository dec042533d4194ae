package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/puente-project/puente/protocol/puentev1"
)

// claimedService is a testService that also answers claims.
type claimedService struct {
	*testService
	answer []byte
	fail   error
	calls  int
}

func (s *claimedService) Claim(ctx context.Context, partner string, message []byte) ([]byte, error) {
	s.calls++
	if p, ok := PartnerFrom(ctx); !ok || p != partner || len(message) == 0 {
		return nil, fmt.Errorf("the context says partner %q, the argument %q, with %d bytes", p, partner, len(message))
	}
	return s.answer, s.fail
}

func TestClaim(t *testing.T) {
	service := &claimedService{testService: &testService{}, answer: bytes.Repeat([]byte{7}, maxClaim)}
	a := start(t, service.testService, Limits{}, service)
	got, err := a.client.Claim(t.Context(), make([]byte, maxClaim))
	if err != nil || !bytes.Equal(got, service.answer) {
		t.Errorf("%d bytes, error %v", len(got), err)
	}
	for what, c := range map[string]struct {
		fail  error
		class Class
		text  string
	}{
		"public":  {Refuse(ClassExhausted, "no more claims today", errors.New("secret zebra")), ClassExhausted, "no more claims today"},
		"private": {errors.New("secret zebra"), ClassInternal, "internal error"},
	} {
		service.fail = c.fail
		_, err := a.client.Claim(t.Context(), []byte("x"))
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Class != c.class || !strings.Contains(refused.Reason, c.text) || strings.Contains(err.Error(), "zebra") {
			t.Errorf("%s: %v", what, err)
		}
	}
	service.fail, service.answer = nil, nil
	if _, err := a.client.Claim(t.Context(), []byte("x")); !errors.Is(err, ErrPeerProtocol) {
		t.Errorf("an empty answer gives %v, want %v", err, ErrPeerProtocol)
	}

	before := service.calls
	for _, n := range []int{0, maxClaim + 1} { // what the client does not send
		if _, err := a.client.Claim(t.Context(), make([]byte, n)); err == nil {
			t.Errorf("a claim of %d bytes is sent", n)
		}
	}
	for n, want := range map[int]string{0: "3", maxClaim + 1: "3", 1 << 20: "8"} { // what a hostile one sends anyway
		b, err := proto.Marshal(&puentev1.ClaimRequest{Message: make([]byte, n)})
		if err != nil {
			t.Fatal(err)
		}
		resp, err := a.raw(puentev1.MatchingClaimProcedure, nil, bytes.NewReader(frame(0, b)))
		if err != nil {
			t.Fatal(err)
		}
		if code, message := grpcStatus(t, resp); code != want {
			t.Errorf("%d bytes: status %s (%s), want %s", n, code, message, want)
		}
	}
	if service.calls != before {
		t.Error("the service saw a claim that is out of bounds")
	}
	a.alive()
}

// TestClaimNotOffered: a holder of an older release.
func TestClaimNotOffered(t *testing.T) {
	a := start(t, &testService{}, Limits{})
	_, err := a.client.Claim(t.Context(), []byte("x"))
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Class != ClassInvalid {
		t.Errorf("%v, want a refusal", err)
	}
	a.alive()
}
