package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/puente-project/puente/keys"
)

// Status is what a role can see of Vault and of the agency's keys in it.
type Status struct {
	Address  string
	Version  string // of Vault
	Standby  bool   // this node is one
	Policies []string
	TTL      time.Duration // rest of the token's life, 0 for one without end
	// Seeds are the names of all seeds.
	Seeds []string
	// Wrapping counts seeds by version of the wrapping key, "v3": 5.
	Wrapping map[string]int
	// Signing are the versions of the signing key.
	Signing keys.SigningVersions
	// Denied names the parts that the role may not see.
	Denied []string
}

// Status asks Vault. A sealed or absent Vault is an error of that class.
func (s *Store) Status(ctx context.Context) (Status, error) {
	st := Status{Address: s.config.Address, Wrapping: make(map[string]int)}
	seal, err := s.session.do(ctx, request{op: "read seal status", path: "sys/seal-status"})
	if err != nil {
		return st, err
	}
	st.Version, _ = seal.Data["version"].(string)
	st.Version = printable(st.Version)
	if sealed, _ := seal.Data["sealed"].(bool); sealed {
		return st, fmt.Errorf("status of Vault at %s: %w", s.config.Address, ErrSealed)
	}
	leader, err := s.session.do(ctx, request{op: "ask for the active node", path: "sys/leader"})
	if err != nil {
		return st, err
	}
	several, _ := leader.Data["ha_enabled"].(bool)
	active, _ := leader.Data["is_self"].(bool)
	st.Standby = several && !active

	for _, part := range []struct {
		name string
		fill func(context.Context, *Status) error
	}{{"token", s.tokenStatus}, {"seeds", s.seedStatus}, {"signing key", s.signingStatus}} {
		switch err := part.fill(ctx, &st); {
		case errors.Is(err, ErrDenied):
			st.Denied = append(st.Denied, part.name)
		case err != nil:
			return st, err
		}
	}
	return st, nil
}

func (s *Store) tokenStatus(ctx context.Context, st *Status) error {
	token, err := s.session.do(ctx, request{op: "look up token", path: "auth/token/lookup-self"})
	if err != nil {
		return err
	}
	list, _ := token.Data["policies"].([]any)
	for _, p := range list {
		name, _ := p.(string)
		st.Policies = append(st.Policies, printable(name))
	}
	ttl, _ := token.Data["ttl"].(json.Number)
	seconds, _ := ttl.Int64()
	st.TTL = time.Duration(seconds) * time.Second
	return nil
}

func (s *Store) seedStatus(ctx context.Context, st *Status) error {
	names, err := s.Names(ctx)
	if err != nil {
		return err
	}
	st.Seeds = names
	for _, name := range names {
		r, err := s.record(ctx, fmt.Sprintf("read record of seed %q", name), name)
		if errors.Is(err, keys.ErrNotFound) {
			continue // removed by a revocation meanwhile
		} else if err != nil {
			return err
		}
		n, err := wrapVersion(r.key)
		if err != nil {
			return fmt.Errorf("seed %q: %w", name, err)
		}
		st.Wrapping[fmt.Sprintf("v%d", n)]++
	}
	return nil
}

func (s *Store) signingStatus(ctx context.Context, st *Status) error {
	list, err := s.SigningVersions(ctx)
	st.Signing = list
	return err
}
