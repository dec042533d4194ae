package protocol

import (
	"crypto/sha256"
	"fmt"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
)

// The seed of a session is all that a party's messages depend on besides its inputs and
// what it receives. Its opening message commits to it (Commit); whoever is given the
// seed can make the party again and compare its messages with those that were recorded.

// KeyOwnerSeed returns the session seed of the key owner whose open message has the nonce.
func KeyOwnerSeed(root he.Seed, nonce Nonce) he.Seed { return root.Derive(labelOwnerSeed, nonce[:]) }

// EvaluatorSeed returns the session seed of the evaluator whose accept message has the
// nonce.
func EvaluatorSeed(root he.Seed, nonce Nonce) he.Seed { return root.Derive(labelEvalSeed, nonce[:]) }

// NewKeyOwnerFromSeed is NewKeyOwner with the session's seed in place of the root.
func NewKeyOwnerFromSeed(terms Terms, probes []templates.Template, seed he.Seed, nonce Nonce, meter Meter) (*KeyOwner, error) {
	if err := terms.Validate(); err != nil {
		return nil, err
	}
	if err := checkProbes(len(probes)); err != nil {
		return nil, err
	}
	for i, probe := range probes {
		if err := terms.Scheme.Check(probe); err != nil {
			return nil, fmt.Errorf("probe %d of %d: %w", i+1, len(probes), err)
		}
	}
	return &KeyOwner{open: Open{terms, nonce, Commit(seed), len(probes)}, seed: seed, probes: probes, meter: meter, state: KindAccept}, nil
}

// NewEvaluatorFromSeed is NewEvaluator with the session's seed in place of the root.
func NewEvaluatorFromSeed(terms Terms, probes int, gallery *Gallery, seed he.Seed, nonce Nonce, meter Meter) (*Evaluator, error) {
	if err := terms.Validate(); err != nil {
		return nil, err
	}
	if terms.Scheme != gallery.Scheme() {
		return nil, fmt.Errorf("%w: agreed is scheme %s, the watchlist has %s", ErrTerms, terms.Scheme, gallery.Scheme())
	}
	if err := checkProbes(probes); err != nil {
		return nil, err
	}
	if err := checkPairs(probes, gallery.Entries()); err != nil {
		return nil, err
	}
	p := gallery.plan(probes)
	accept := Accept{nonce, Commit(seed), gallery.epoch, uint32(p.Entries), uint32(p.Layout.Width)}
	return &Evaluator{terms: terms, gallery: gallery, plan: p, seed: seed, meter: meter, reply: accept.encode(),
		state: KindOpen, received: sha256.New()}, nil
}
