package transport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
)

// unary runs one call of one message each way under its limits.
func unary[T any](ctx context.Context, m *matching, limit *admission, what string, offered bool, answer func(ctx context.Context, partner string) (*T, error)) (*connect.Response[T], error) {
	c, ok := ctx.Value(callKey).(*call)
	if !ok {
		return nil, status(errors.New("transport: a call came past the front handler"), "")
	}
	log := m.log.With("session", c.session, "partner", c.partner, "call", what)
	if !offered {
		log.Warn("call refused: not offered")
		return nil, connect.NewError(connect.CodeUnimplemented, fmt.Errorf("this holder does not offer the call %s (session %s)", what, c.session))
	}
	resp, err := bounded(ctx, m, c, limit, answer)
	if err != nil {
		log.Warn("call failed", "error", err)
		return nil, status(err, c.session)
	}
	log.Info("call answered")
	return connect.NewResponse(resp), nil
}

// bounded makes an answer within a limit of calls at a time and the time that a call of
// one message each way may take.
func bounded[T any](ctx context.Context, m *matching, c *call, limit *admission, answer func(ctx context.Context, partner string) (T, error)) (T, error) {
	leave, err := limit.enter(c.partner)
	if err != nil {
		var none T
		return none, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, m.limits.DescribeTimeout)
	defer cancel()
	_ = c.control.SetWriteDeadline(time.Now().Add(m.limits.DescribeTimeout + abortGrace))
	return answer(ctx, c.partner)
}

// ask makes one call of one message each way.
func ask[Req, Resp any](ctx context.Context, c *Client, req *connect.Request[Req], rpc func(context.Context, *connect.Request[Req]) (*connect.Response[Resp], error)) (*Resp, error) {
	limited, cancel := context.WithTimeout(ctx, c.limits.DescribeTimeout)
	defer cancel()
	resp, err := rpc(limited, req)
	if err != nil {
		return nil, classify(ctx, err)
	}
	return resp.Msg, nil
}
