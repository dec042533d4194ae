package vault

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
)

// roundTripper is a function as a transport.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// dieAfter calls die at the first request that at picks, which is not sent.
func dieAfter(inner http.RoundTripper, at func(path string) bool, die func(), err error) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if at(r.URL.Path) {
			die()
			return nil, err
		}
		return inner.RoundTrip(r)
	})
}

var errLost = errors.New("the answer was lost")

// loseAnswers sends the first n writes whose path has a part, and drops the answers.
func loseAnswers(inner http.RoundTripper, part string, n int32) http.RoundTripper {
	var lost atomic.Int32
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err == nil && r.Method != http.MethodGet && strings.Contains(r.URL.Path, part) && lost.Add(1) <= n {
			resp.Body.Close()
			return nil, errLost
		}
		return resp, err
	})
}

// countDenied puts a counter of answers 403 into a transport.
func countDenied(transport *http.RoundTripper) *atomic.Int32 {
	var denied atomic.Int32
	inner := *transport
	*transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := inner.RoundTrip(r)
		if err == nil && resp.StatusCode == http.StatusForbidden {
			denied.Add(1)
		}
		return resp, err
	})
	return &denied
}
