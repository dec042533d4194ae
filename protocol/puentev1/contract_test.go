package puentev1_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/puente-project/puente/protocol/puentev1"
)

// wireContract is what an agency with an older release relies on. Lines may be
// added to it, never changed or removed.
const wireContract = `
service puente.v1.Matching
rpc Describe puente.v1.DescribeRequest -> puente.v1.DescribeResponse
rpc Match stream puente.v1.Frame -> stream puente.v1.Frame
rpc Witness puente.v1.WitnessRequest -> puente.v1.WitnessResponse
rpc Checkpoint puente.v1.CheckpointRequest -> puente.v1.CheckpointResponse
rpc Cosigned puente.v1.CosignedRequest -> puente.v1.CosignedResponse
rpc Claim puente.v1.ClaimRequest -> puente.v1.ClaimResponse
puente.v1.Frame 1 message bytes optional
puente.v1.DescribeResponse 1 watchlists puente.v1.Watchlist repeated
puente.v1.Watchlist 1 name string optional
puente.v1.Watchlist 2 scheme string optional
puente.v1.Watchlist 3 entries uint64 optional
puente.v1.Watchlist 4 epoch uint64 optional
puente.v1.WitnessRequest 1 checkpoint bytes optional
puente.v1.WitnessRequest 2 old_size uint64 optional
puente.v1.WitnessRequest 3 proof bytes repeated
puente.v1.WitnessResponse 1 cosignature bytes optional
puente.v1.WitnessResponse 2 known_size uint64 optional
puente.v1.CheckpointRequest 1 old_size uint64 optional
puente.v1.CheckpointResponse 1 checkpoint bytes optional
puente.v1.CheckpointResponse 2 proof bytes repeated
puente.v1.CosignedRequest 1 checkpoint bytes optional
puente.v1.ClaimRequest 1 message bytes optional
puente.v1.ClaimResponse 1 message bytes optional
`

func TestWireContract(t *testing.T) {
	var b strings.Builder
	file := puentev1.File_protocol_puentev1_puente_proto
	stream := map[bool]string{true: "stream ", false: ""}
	for i := range file.Services().Len() {
		s := file.Services().Get(i)
		fmt.Fprintf(&b, "service %s\n", s.FullName())
		for j := range s.Methods().Len() {
			m := s.Methods().Get(j)
			fmt.Fprintf(&b, "rpc %s %s%s -> %s%s\n", m.Name(), stream[m.IsStreamingClient()], m.Input().FullName(),
				stream[m.IsStreamingServer()], m.Output().FullName())
		}
	}
	for i := range file.Messages().Len() {
		m := file.Messages().Get(i)
		for j := range m.Fields().Len() {
			f := m.Fields().Get(j)
			kind := f.Kind().String()
			if f.Kind() == protoreflect.MessageKind {
				kind = string(f.Message().FullName())
			}
			fmt.Fprintf(&b, "%s %d %s %s %s\n", m.FullName(), f.Number(), f.Name(), kind, f.Cardinality())
		}
	}
	if got, want := strings.TrimSpace(b.String()), strings.TrimSpace(wireContract); got != want {
		t.Errorf("the wire contract has changed; a partner with an older release would misread it.\ngot:\n%s\nwant:\n%s", got, want)
	}
}
