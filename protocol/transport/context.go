package transport

import (
	"context"
	"net/http"
)

type contextKey int

const callKey contextKey = 0

// call is what the server knows about a request before its body is read.
type call struct {
	partner string
	session string
	control *http.ResponseController
}

// PartnerFrom gives the partner whose key opened the connection that a request
// came on. It reports false outside of a call of Service.
func PartnerFrom(ctx context.Context) (string, bool) {
	c, ok := ctx.Value(callKey).(*call)
	if !ok {
		return "", false
	}
	return c.partner, true
}

// SessionFrom gives the random id (16 hexadecimal digits) under which this
// call appears in the log and in what the partner is told. It reports false
// outside of a call of Service.
func SessionFrom(ctx context.Context) (string, bool) {
	c, ok := ctx.Value(callKey).(*call)
	if !ok {
		return "", false
	}
	return c.session, true
}
