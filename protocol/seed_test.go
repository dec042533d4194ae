package protocol

import (
	"bytes"
	"testing"

	"github.com/puente-project/puente/templates"
)

// TestSeedOfASession makes both parties of a session again from their seeds alone.
func TestSeedOfASession(t *testing.T) {
	scheme := mustScheme(t, "vector:1:norm=3:theta=1")
	probe, err := templates.NewVector([]int8{3}, 3)
	if err != nil {
		t.Fatal(err)
	}
	g := gallery(t, scheme, 1, []templates.Template{probe, probe})
	terms := terms(scheme)
	p := meet(t, terms, []templates.Template{probe}, g, 1, 2)
	ownerSeed, evalSeed := KeyOwnerSeed(seed(1), nonce(1)), EvaluatorSeed(seed(2), nonce(2))
	if ownerSeed == EvaluatorSeed(seed(1), nonce(1)) || ownerSeed == KeyOwnerSeed(seed(1), nonce(2)) {
		t.Error("seeds of different parties or nonces are the same")
	}
	owner, err := NewKeyOwnerFromSeed(terms, []templates.Template{probe}, ownerSeed, nonce(1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if again := run(t, owner.Start()); !bytes.Equal(again[0], p.up[0]) {
		t.Error("the open message is another")
	}
	eval, err := NewEvaluatorFromSeed(terms, 1, g, evalSeed, nonce(2), nil)
	if err != nil {
		t.Fatal(err)
	}
	if again := run(t, mustReceive(t, eval, p.up[0])); !bytes.Equal(again[0], p.down[0]) {
		t.Error("the accept message is another")
	}
	open, err := ParseOpen(p.up[0])
	if err != nil || open.Commitment != Commit(ownerSeed) {
		t.Errorf("the open message does not commit to the seed, error %v", err)
	}
	accept, err := ParseAccept(p.down[0])
	if err != nil || accept.Commitment != Commit(evalSeed) {
		t.Errorf("the accept message does not commit to the seed, error %v", err)
	}
}
