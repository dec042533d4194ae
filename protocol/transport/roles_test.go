package transport_test

import (
	"testing"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transport"
)

// The two packages do not import each other; what fits them together is checked
// here.
var (
	_ transport.Role = (*protocol.KeyOwner)(nil)
	_ transport.Role = (*protocol.Evaluator)(nil)
)

func TestMessagesFit(t *testing.T) {
	if protocol.MaxMessage > transport.DefaultLimits().MaxMessage {
		t.Errorf("the protocol's messages have up to %d bytes, the transport carries %d", protocol.MaxMessage, transport.DefaultLimits().MaxMessage)
	}
}
