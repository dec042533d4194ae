package transport

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"github.com/puente-project/puente/protocol/puentev1"
)

// matching implements the generated service on top of Service.
type matching struct{ *Server }

// Describe answers the partner's question for watchlists.
func (m *matching) Describe(ctx context.Context, _ *connect.Request[puentev1.DescribeRequest]) (*connect.Response[puentev1.DescribeResponse], error) {
	c, ok := ctx.Value(callKey).(*call)
	if !ok {
		return nil, status(errors.New("transport: a call came past the front handler"), "")
	}
	log := m.log.With("session", c.session, "partner", c.partner)
	resp, err := bounded(ctx, m, c, m.describes, m.describe)
	if err != nil {
		log.Warn("describe failed", "error", err)
		return nil, status(err, c.session)
	}
	log.Info("described", "watchlists", len(resp.Watchlists))
	return connect.NewResponse(resp), nil
}

func (m *matching) describe(ctx context.Context, partner string) (*puentev1.DescribeResponse, error) {
	lists, err := m.service.Describe(ctx, partner)
	if err != nil {
		return nil, err
	}
	resp := &puentev1.DescribeResponse{}
	for _, w := range lists {
		resp.Watchlists = append(resp.Watchlists, &puentev1.Watchlist{
			Name: w.Name, Scheme: w.Scheme, Entries: w.Entries, Epoch: w.Epoch,
		})
	}
	if err := checkWatchlists(lists); err != nil {
		return nil, err
	}
	return resp, nil
}

// Match runs one session.
func (m *matching) Match(ctx context.Context, stream *connect.BidiStream[puentev1.Frame, puentev1.Frame]) error {
	c, ok := ctx.Value(callKey).(*call)
	if !ok {
		return status(errors.New("transport: a call came past the front handler"), "")
	}
	log := m.log.With("session", c.session, "partner", c.partner)
	began := time.Now()
	stats, err := m.match(ctx, c, stream)
	log = log.With("up", stats.BytesUp, "down", stats.BytesDown, "messages", stats.Messages, "took", time.Since(began))
	if err != nil {
		log.Warn("session failed", "error", err)
		return status(err, c.session)
	}
	log.Info("session complete")
	return nil
}

func (m *matching) match(ctx context.Context, c *call, stream *connect.BidiStream[puentev1.Frame, puentev1.Frame]) (Stats, error) {
	leave, err := m.sessions.enter(c.partner)
	if err != nil {
		return Stats{}, err
	}
	defer leave()
	ctx, cancel := context.WithTimeoutCause(ctx, m.limits.SessionTimeout,
		fmt.Errorf("%w: the session took longer than %v", ErrTimeout, m.limits.SessionTimeout))
	defer cancel()

	role := &opening{open: func(first []byte) (Session, error) {
		session, err := m.service.Open(ctx, c.partner, first)
		if err == nil && session.Role == nil {
			err = errors.New("transport: the service opened a session without a role")
		}
		return session, err
	}}
	stats, err := Run(ctx, role, &serverStream{stream: stream, call: c}, Options{
		Pool:         m.pool,
		ReceiveBytes: m.limits.SessionBytes,
		PeerTimeout:  m.limits.PeerTimeout,
		SendTimeout:  m.limits.SendTimeout,
	})
	if role.session.Closed != nil {
		role.session.Closed(stats, err)
	}
	return stats, err
}

// serverStream is the server's end of a Match stream.
//
// Connect offers no way to interrupt a blocked Receive of a handler, and the
// request's context does not either. The deadlines of net/http below it do.
type serverStream struct {
	stream  *connect.BidiStream[puentev1.Frame, puentev1.Frame]
	call    *call
	aborted atomic.Bool
}

func (s *serverStream) Send(msg []byte) error {
	return s.stream.Send(&puentev1.Frame{Message: msg})
}

func (s *serverStream) Receive() ([]byte, error) {
	frame, err := s.stream.Receive()
	if err != nil {
		return nil, err
	}
	return unpack(frame)
}

// Abort ends reading at once, and writing after a grace in which a pending
// write or the status can still be delivered.
func (s *serverStream) Abort() {
	if s.aborted.Swap(true) {
		return
	}
	_ = s.call.control.SetReadDeadline(time.Unix(1, 0))
	_ = s.call.control.SetWriteDeadline(time.Now().Add(abortGrace))
}

// unpack takes the message out of a frame. Unknown fields would be bytes that
// no transcript covers, so they are not skipped as protobuf usually does.
func unpack(frame *puentev1.Frame) ([]byte, error) {
	switch {
	case len(frame.ProtoReflect().GetUnknown()) > 0:
		return nil, fmt.Errorf("%w: it sent a frame with unknown fields", ErrPeerProtocol)
	case len(frame.Message) == 0:
		return nil, fmt.Errorf("%w: it sent an empty frame", ErrPeerProtocol)
	}
	return frame.Message, nil
}
