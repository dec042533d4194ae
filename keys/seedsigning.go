package keys

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"

	"github.com/puente-project/puente/keys/internal/hybrid"
	"github.com/puente-project/puente/protocol/signature"
)

// seedSigning keeps signing keys in any Store. Version n is made of two seeds,
//
//	signing/n/ed25519   signing/n/mldsa65
//
// and is revoked once there is signing/n/revoked: no seed is ever deleted.
type seedSigning struct{ store Store }

const (
	signingPrefix = "signing/"
	partEd25519   = "ed25519"
	partMLDSA     = "mldsa65"
	partRevoked   = "revoked"

	labelEd25519 = "puente signing key ed25519"
)

func signingName(version uint32, part string) string {
	return fmt.Sprintf("%s%d/%s", signingPrefix, version, part)
}

// parts says which seeds of one version exist.
type parts map[string]bool

func (p parts) complete() bool { return p[partEd25519] && p[partMLDSA] }

// parts returns the parts of all versions.
func (s seedSigning) parts(ctx context.Context) (map[uint32]parts, error) {
	names, err := s.store.Names(ctx)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	all := make(map[uint32]parts)
	for _, name := range names {
		rest, _ := strings.CutPrefix(name, signingPrefix)
		digits, part, _ := strings.Cut(rest, "/")
		n, err := strconv.ParseUint(digits, 10, 32)
		version := uint32(n)
		if err != nil || signingName(version, part) != name {
			continue // some other seed
		}
		if all[version] == nil {
			all[version] = make(parts)
		}
		all[version][part] = true
	}
	return all, nil
}

func (s seedSigning) NewSigner(ctx context.Context, version uint32) (signature.Signer, error) {
	list, err := s.SigningVersions(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := list.Choose(version)
	if err != nil {
		return nil, err
	}
	return s.signer(ctx, chosen.Public.Version)
}

func (s seedSigning) SigningVersions(ctx context.Context) (SigningVersions, error) {
	all, err := s.parts(ctx)
	if err != nil {
		return nil, err
	}
	var list SigningVersions
	for n := uint32(1); all[n].complete(); n++ {
		signer, err := s.signer(ctx, n)
		if err != nil {
			return nil, err
		}
		list = append(list, SigningVersion{signer.key.Public, all[n][partRevoked]})
	}
	return list, nil
}

func (s seedSigning) RotateSigning(ctx context.Context) (uint32, error) {
	all, err := s.parts(ctx)
	if err != nil {
		return 0, err
	}
	next := uint32(1)
	for all[next].complete() {
		next++
	}
	if err := s.store.Create(ctx, signingName(next, partEd25519)); err != nil && !errors.Is(err, ErrExists) {
		return 0, fmt.Errorf("rotate signing key: %w", err)
	}
	// The second one makes the version exist.
	if err := s.store.Create(ctx, signingName(next, partMLDSA)); err != nil {
		return 0, fmt.Errorf("rotate signing key: %w", err)
	}
	return next, nil
}

func (s seedSigning) RevokeSigning(ctx context.Context, version uint32) error {
	list, err := s.SigningVersions(ctx)
	if err != nil {
		return err
	}
	if err := list.CheckRevoke(version); err != nil {
		return err
	}
	if err := s.store.Create(ctx, signingName(version, partRevoked)); err != nil && !errors.Is(err, ErrExists) {
		return fmt.Errorf("revoke signing key version %d: %w", version, err)
	}
	return nil
}

func (s seedSigning) signer(ctx context.Context, version uint32) (*seedSigner, error) {
	edSeed, err := s.store.Seed(ctx, signingName(version, partEd25519))
	if err != nil {
		return nil, fmt.Errorf("signing key version %d: %w", version, err)
	}
	mlSeed, err := s.store.Seed(ctx, signingName(version, partMLDSA))
	if err != nil {
		return nil, fmt.Errorf("signing key version %d: %w", version, err)
	}
	child := edSeed.Derive(labelEd25519, nil)
	ed := ed25519.NewKeyFromSeed(child[:])
	key, err := hybrid.NewKey(version, ed.Public().(ed25519.PublicKey), mlSeed.Derive(hybrid.LabelMLDSA, nil))
	if err != nil {
		return nil, fmt.Errorf("signing key version %d: %w", version, err)
	}
	return &seedSigner{key, ed}, nil
}

// seedSigner signs in this process.
type seedSigner struct {
	key *hybrid.Key
	ed  ed25519.PrivateKey
}

// Public implements signature.Signer.
func (s *seedSigner) Public() signature.PublicKey { return s.key.Public }

// Sign implements signature.Signer.
func (s *seedSigner) Sign(ctx context.Context, message []byte) (signature.Signature, error) {
	if err := ctx.Err(); err != nil {
		return signature.Signature{}, fmt.Errorf("sign: %w", err)
	}
	return s.key.Complete(message, ed25519.Sign(s.ed, signature.Input(s.key.Public, message)))
}

// Format writes the version and key id for every verb.
func (s *seedSigner) Format(f fmt.State, _ rune) { io.WriteString(f, s.key.String()) }

// LogValue returns the version and key id.
func (s *seedSigner) LogValue() slog.Value { return slog.StringValue(s.key.String()) }
