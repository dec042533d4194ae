package transport

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	"github.com/puente-project/puente/protocol/puentev1"
)

// WitnessService is implemented by a Service that cosigns its partners' transparency
// logs. Sizes are bounded before it is called; what the bytes mean is up to it.
type WitnessService interface {
	// Witness cosigns a checkpoint of the partner's log. If the witness remembers
	// another size than oldSize, cosignature is empty and known is that size.
	Witness(ctx context.Context, partner string, checkpoint []byte, oldSize uint64, proof [][]byte) (cosignature []byte, known uint64, err error)
}

// LogService is implemented by a Service that has its own transparency log cosigned.
type LogService interface {
	// Latest gives the newest checkpoint of the holder's log and the proof that it
	// extends the first oldSize entries.
	Latest(ctx context.Context, partner string, oldSize uint64) (checkpoint []byte, proof [][]byte, err error)
	// Cosigned takes a checkpoint of the holder's log with the partner's cosignature.
	Cosigned(ctx context.Context, partner string, checkpoint []byte) error
}

// Witness implements the generated service.
func (m *matching) Witness(ctx context.Context, req *connect.Request[puentev1.WitnessRequest]) (*connect.Response[puentev1.WitnessResponse], error) {
	service, ok := m.service.(WitnessService)
	return unary(ctx, m, m.logCalls, "witness", ok, func(ctx context.Context, partner string) (*puentev1.WitnessResponse, error) {
		if err := checkCheckpoint(req.Msg.Checkpoint, req.Msg.Proof); err != nil {
			return nil, Refuse(ClassInvalid, err.Error(), nil)
		}
		cosignature, known, err := service.Witness(ctx, partner, req.Msg.Checkpoint, req.Msg.OldSize, req.Msg.Proof)
		if err != nil {
			return nil, err
		}
		return &puentev1.WitnessResponse{Cosignature: cosignature, KnownSize: known}, nil
	})
}

// Checkpoint implements the generated service.
func (m *matching) Checkpoint(ctx context.Context, req *connect.Request[puentev1.CheckpointRequest]) (*connect.Response[puentev1.CheckpointResponse], error) {
	service, ok := m.service.(LogService)
	return unary(ctx, m, m.logCalls, "checkpoint", ok, func(ctx context.Context, partner string) (*puentev1.CheckpointResponse, error) {
		checkpoint, proof, err := service.Latest(ctx, partner, req.Msg.OldSize)
		if err != nil {
			return nil, err
		}
		return &puentev1.CheckpointResponse{Checkpoint: checkpoint, Proof: proof}, nil
	})
}

// Cosigned implements the generated service.
func (m *matching) Cosigned(ctx context.Context, req *connect.Request[puentev1.CosignedRequest]) (*connect.Response[puentev1.CosignedResponse], error) {
	service, ok := m.service.(LogService)
	return unary(ctx, m, m.logCalls, "cosigned", ok, func(ctx context.Context, partner string) (*puentev1.CosignedResponse, error) {
		if err := checkCheckpoint(req.Msg.Checkpoint, nil); err != nil {
			return nil, Refuse(ClassInvalid, err.Error(), nil)
		}
		return &puentev1.CosignedResponse{}, service.Cosigned(ctx, partner, req.Msg.Checkpoint)
	})
}

// Witness asks the holder to cosign a checkpoint of this agency's log. If the holder
// remembers another size than oldSize, cosignature is empty and known is that size. What
// the cosignature is worth is for the caller to verify.
func (c *Client) Witness(ctx context.Context, checkpoint []byte, oldSize uint64, proof [][]byte) (cosignature []byte, known uint64, err error) {
	if err := checkCheckpoint(checkpoint, proof); err != nil {
		return nil, 0, fmt.Errorf("transport: %w", err)
	}
	req := connect.NewRequest(&puentev1.WitnessRequest{Checkpoint: checkpoint, OldSize: oldSize, Proof: proof})
	resp, err := ask(ctx, c, req, c.rpc.Witness)
	if err != nil {
		return nil, 0, err
	}
	if n := len(resp.Cosignature); n > maxCosignature || (n > 0 && resp.KnownSize > 0) {
		return nil, 0, fmt.Errorf("%w: it sent a cosignature of %d bytes and the size %d", ErrPeerProtocol, n, resp.KnownSize)
	}
	return resp.Cosignature, resp.KnownSize, nil
}

// Checkpoint asks for the newest checkpoint of the holder's log and the proof that it
// extends its first oldSize entries. Only sizes are checked.
func (c *Client) Checkpoint(ctx context.Context, oldSize uint64) (checkpoint []byte, proof [][]byte, err error) {
	resp, err := ask(ctx, c, connect.NewRequest(&puentev1.CheckpointRequest{OldSize: oldSize}), c.rpc.Checkpoint)
	if err != nil {
		return nil, nil, err
	}
	if err := checkCheckpoint(resp.Checkpoint, resp.Proof); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrPeerProtocol, err)
	}
	return resp.Checkpoint, resp.Proof, nil
}

// Cosigned brings the holder a checkpoint of its log with this agency's cosignature.
func (c *Client) Cosigned(ctx context.Context, checkpoint []byte) error {
	if err := checkCheckpoint(checkpoint, nil); err != nil {
		return fmt.Errorf("transport: %w", err)
	}
	_, err := ask(ctx, c, connect.NewRequest(&puentev1.CosignedRequest{Checkpoint: checkpoint}), c.rpc.Cosigned)
	return err
}

// checkCheckpoint applies the bounds of a checkpoint and its proof at both ends.
func checkCheckpoint(checkpoint []byte, proof [][]byte) error {
	if n := len(checkpoint); n == 0 || n > maxCheckpoint {
		return fmt.Errorf("a checkpoint of %d bytes, allowed are 1 to %d", n, maxCheckpoint)
	}
	if len(proof) > maxProof {
		return fmt.Errorf("a proof of %d hashes, allowed are %d", len(proof), maxProof)
	}
	for _, h := range proof {
		if len(h) != proofHash {
			return fmt.Errorf("a proof with a hash of %d bytes, it has %d", len(h), proofHash)
		}
	}
	return nil
}
