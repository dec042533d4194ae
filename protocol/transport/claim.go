package transport

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	"github.com/puente-project/puente/protocol/puentev1"
)

// ClaimService is implemented by a Service that answers claims of references behind hits.
// Messages are 1 to 16 KiB long; what their bytes mean is up to it.
type ClaimService interface {
	// Claim answers a claim. The same bytes must get the same answer.
	Claim(ctx context.Context, partner string, message []byte) ([]byte, error)
}

// Claim implements the generated service.
func (m *matching) Claim(ctx context.Context, req *connect.Request[puentev1.ClaimRequest]) (*connect.Response[puentev1.ClaimResponse], error) {
	service, ok := m.service.(ClaimService)
	return unary(ctx, m, m.claims, "claim", ok, func(ctx context.Context, partner string) (*puentev1.ClaimResponse, error) {
		if err := checkClaim(req.Msg.Message); err != nil {
			return nil, Refuse(ClassInvalid, err.Error(), nil)
		}
		message, err := service.Claim(ctx, partner, req.Msg.Message)
		if err != nil {
			return nil, err
		}
		return &puentev1.ClaimResponse{Message: message}, nil
	})
}

// Claim asks the holder for the reference behind a hit and returns its answer. What that
// is worth is for the caller to verify.
func (c *Client) Claim(ctx context.Context, message []byte) ([]byte, error) {
	if err := checkClaim(message); err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	resp, err := ask(ctx, c, connect.NewRequest(&puentev1.ClaimRequest{Message: message}), c.rpc.Claim)
	if err != nil {
		return nil, err
	}
	if err := checkClaim(resp.Message); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPeerProtocol, err)
	}
	return resp.Message, nil
}

// checkClaim applies the bounds of a claim or its answer at both ends.
func checkClaim(message []byte) error {
	if n := len(message); n == 0 || n > maxClaim {
		return fmt.Errorf("a claim or answer of %d bytes, allowed are 1 to %d", n, maxClaim)
	}
	return nil
}
