package transport

import (
	"strings"
	"testing"
)

// BenchmarkMatch moves 1 MiB messages in both directions over loopback TLS.
func BenchmarkMatch(b *testing.B) {
	a := start(b, &testService{}, Limits{})
	msgs := make([]string, 64)
	for i := range msgs {
		msgs[i] = strings.Repeat("x", 1<<20)
	}
	b.SetBytes(2 * 64 << 20)
	for b.Loop() {
		if _, err := a.client.Match(b.Context(), askRole(msgs...), MatchOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
