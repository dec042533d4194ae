package transport

import (
	"encoding/binary"
	"fmt"
	"io"
)

// guard reads a body of gRPC frames and stops at the first frame that is larger
// than allowed or compressed. Connect would refuse both as well, and would first
// read an oversize frame to its end, up to 4 GiB of it; and nothing here ever
// compresses (ciphertexts do not shrink), so a compressed frame is an attack or a
// mistake. The frame's five bytes: a flag byte, then the length, big-endian.
type guard struct {
	io.ReadCloser
	max    uint32
	header [5]byte
	have   int    // bytes of header that are filled
	left   uint32 // bytes of the frame that are still to come
	err    error
}

func newGuard(body io.ReadCloser, max int) *guard {
	return &guard{ReadCloser: body, max: uint32(max)}
}

// Read never returns the rest of a header whose frame is not acceptable.
func (g *guard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.ReadCloser.Read(p)
	for i := 0; i < n; {
		if g.left > 0 {
			step := min(uint32(n-i), g.left)
			g.left -= step
			i += int(step)
			continue
		}
		took := copy(g.header[g.have:], p[i:n])
		g.have += took
		i += took
		if g.have < len(g.header) {
			break
		}
		g.have = 0
		g.left = binary.BigEndian.Uint32(g.header[1:])
		switch {
		case g.header[0] != 0:
			g.err = fmt.Errorf("%w: it sent a frame with flags %#x; compression is not used here", ErrPeerProtocol, g.header[0])
		case g.left > g.max:
			g.err = fmt.Errorf("%w: it sent a frame of %d bytes, allowed are %d", ErrPeerProtocol, g.left, g.max)
		default:
			continue
		}
		// Whole frames before this one still count; its header does not.
		return i - took, g.err
	}
	return n, err
}
