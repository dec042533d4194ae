package vault

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/internal/hybrid"
	"github.com/puente-project/puente/protocol/signature"
)

// States of a signing version in its public record.
const (
	stateActive  = "active"
	stateRevoked = "revoked"
)

// signingVersion is a public record and its place.
type signingVersion struct {
	keys.SigningVersion
	version int // of the KV engine
}

func mldsaName(version uint32) string { return fmt.Sprintf("signing/%d/mldsa65", version) }

// SigningVersions implements keys.SigningStore. It reads public records alone,
// as every role may.
func (s *Store) SigningVersions(ctx context.Context) (keys.SigningVersions, error) {
	records, err := s.signingRecords(ctx)
	if err != nil {
		return nil, err
	}
	list := make(keys.SigningVersions, len(records))
	for i, r := range records {
		list[i] = r.SigningVersion
	}
	return list, nil
}

func (s *Store) signingRecords(ctx context.Context) ([]signingVersion, error) {
	names, err := s.list(ctx, publicPath)
	if err != nil {
		return nil, err
	}
	var numbers []uint32
	for _, name := range names {
		if n, err := strconv.ParseUint(name, 10, 32); err == nil && strconv.FormatUint(n, 10) == name && n > 0 {
			numbers = append(numbers, uint32(n))
		}
	}
	slices.Sort(numbers)
	var list []signingVersion
	for i, n := range numbers {
		if n != uint32(i+1) {
			return nil, fmt.Errorf("signing key in Vault at %s: %w: version %d is missing", s.config.Address, keys.ErrCorrupt, i+1)
		}
		v, err := s.signingRecord(ctx, n)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (s *Store) signingRecord(ctx context.Context, n uint32) (signingVersion, error) {
	op := fmt.Sprintf("read signing key version %d", n)
	answer, err := s.session.do(ctx, request{op: op, path: fmt.Sprintf("%s/data/%s%d", s.config.KV, publicPath, n)})
	if err != nil {
		return signingVersion{}, err
	}
	fields, version, err := parseKV(answer.Data)
	if err != nil {
		return signingVersion{}, fmt.Errorf("%s in Vault at %s: %w", op, s.config.Address, err)
	}
	v := signingVersion{version: version}
	v.Public, err = signature.ParsePublicKeyText(fields["public"])
	state := fields["state"]
	if err != nil || v.Public.Version != n || fields["format"] != "1" || state != stateActive && state != stateRevoked {
		return signingVersion{}, fmt.Errorf("%s in Vault at %s: %w: its public record makes no sense", op, s.config.Address, keys.ErrCorrupt)
	}
	v.Revoked = state == stateRevoked
	return v, nil
}

func publicFields(k signature.PublicKey, state string) map[string]any {
	return map[string]any{"format": "1", "public": k.String(), "state": state}
}

// NewSigner implements keys.SigningStore. The signer keeps the ML-DSA-65 key
// in memory and asks Vault for every Ed25519 signature; if the version is
// revoked meanwhile it fails with keys.ErrRevoked.
func (s *Store) NewSigner(ctx context.Context, version uint32) (signature.Signer, error) {
	list, err := s.SigningVersions(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := list.Choose(version)
	if err != nil {
		return nil, err
	}
	n := chosen.Public.Version
	seed, err := s.Seed(ctx, mldsaName(n))
	if err != nil {
		return nil, fmt.Errorf("signing key version %d: %w", n, err)
	}
	key, err := hybrid.NewKey(n, chosen.Public.Ed25519[:], seed.Derive(hybrid.LabelMLDSA, nil))
	if err != nil {
		return nil, fmt.Errorf("signing key version %d: %w", n, err)
	}
	if key.Public != chosen.Public {
		return nil, fmt.Errorf("signing key version %d in Vault at %s: %w: public record and seed do not belong together", n, s.config.Address, keys.ErrCorrupt)
	}
	return &signer{s, key}, nil
}

// signer has one half of the key; Vault has the other.
type signer struct {
	store *Store
	key   *hybrid.Key
}

// Public implements signature.Signer.
func (s *signer) Public() signature.PublicKey { return s.key.Public }

// Sign implements signature.Signer. Vault sees the 123 bytes of
// signature.Input, not the message.
func (s *signer) Sign(ctx context.Context, message []byte) (signature.Signature, error) {
	n := s.key.Public.Version
	input := signature.Input(s.key.Public, message)
	answer, err := s.store.session.do(ctx, request{
		op:   fmt.Sprintf("sign with version %d", n),
		path: s.store.config.Transit + "/sign/" + keySigning,
		body: map[string]any{"input": base64.StdEncoding.EncodeToString(input), "key_version": n},
	})
	if errors.Is(err, errVersion) {
		return signature.Signature{}, fmt.Errorf("sign with version %d in Vault at %s: %w", n, s.store.config.Address, keys.ErrRevoked)
	} else if err != nil {
		return signature.Signature{}, err
	}
	text, _ := answer.Data["signature"].(string)
	digits, ok := strings.CutPrefix(text, fmt.Sprintf("vault:v%d:", n))
	half, err := base64.StdEncoding.DecodeString(digits)
	if !ok || err != nil {
		return signature.Signature{}, fmt.Errorf("sign with version %d: %w: it is no signature of that version", n, ErrServer)
	}
	return s.key.Complete(message, half)
}

// Format writes the version and key id for every verb.
func (s *signer) Format(f fmt.State, _ rune) { io.WriteString(f, s.key.String()) }

// LogValue returns the version and key id.
func (s *signer) LogValue() slog.Value { return slog.StringValue(s.key.String()) }
