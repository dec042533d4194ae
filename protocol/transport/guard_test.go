package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// FuzzGuard compares the guard with a parser that has all bytes before it, for
// reads of every size: what passes is whole frames, and the first bad header is
// where it ends.
func FuzzGuard(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0, 0}, uint8(3))
	f.Add([]byte{0, 0, 0, 0, 1, 'a', 1, 0, 0, 0, 1, 'b'}, uint8(1))
	f.Add([]byte{0, 0, 0, 1, 0}, uint8(2))
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff}, uint8(0))
	f.Fuzz(func(t *testing.T, body []byte, size uint8) {
		const max = 100
		want, bad := 0, false
		for rest := body; len(rest) >= 5; {
			n := int(binary.BigEndian.Uint32(rest[1:]))
			if bad = rest[0] != 0 || n > max; bad {
				break
			}
			rest = rest[min(len(rest), 5+n):]
			want = len(body) - len(rest)
		}
		if !bad {
			want = len(body)
		}
		var r io.Reader = bytes.NewReader(body)
		if size%2 == 1 {
			r = iotest.OneByteReader(r)
		}
		g := newGuard(io.NopCloser(r), max)
		var got []byte
		var err error
		for buf := make([]byte, int(size)+1); err == nil; {
			var n int
			n, err = g.Read(buf)
			got = append(got, buf[:n]...)
		}
		switch {
		case bad != errors.Is(err, ErrPeerProtocol) || bad == errors.Is(err, io.EOF):
			t.Fatalf("the guard ends with %v; the body is bad: %v", err, bad)
		case len(got) < want || len(got) > want+4 || !bytes.Equal(got, body[:len(got)]):
			// Up to four bytes of a bad header may pass before its fifth is seen.
			t.Fatalf("%d bytes passed, want %d", len(got), want)
		}
	})
}
