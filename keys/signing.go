package keys

import (
	"context"
	"errors"
	"fmt"

	"github.com/puente-project/puente/protocol/signature"
)

// The classes of failure of signing keys, beside those of the store.
var (
	// ErrRevoked: the version of the signing key was revoked.
	ErrRevoked = errors.New("signing key version is revoked")
	// ErrNewest: the newest version cannot be revoked.
	ErrNewest = errors.New("the newest version of the signing key cannot be revoked")
)

// SigningVersion is the public side of one version of the signing key.
type SigningVersion struct {
	Public  signature.PublicKey
	Revoked bool // it signs nothing any more; whether old signatures count is for the verifier's policy
}

// SigningVersions are all versions of an agency's signing key, ascending. The
// newest signs; the others stay, so that what they signed still verifies.
type SigningVersions []SigningVersion

// SigningStore is a Store that keeps signing keys in its own way, such as a
// server that signs. The functions of the same purpose in this package use it
// where a Store implements it; their comments say what the methods do.
type SigningStore interface {
	NewSigner(ctx context.Context, version uint32) (signature.Signer, error)
	SigningVersions(ctx context.Context) (SigningVersions, error)
	RotateSigning(ctx context.Context) (uint32, error)
	RevokeSigning(ctx context.Context, version uint32) error
}

// Rewrapper is a Store whose seeds are encrypted under a key of a server that
// can be rotated without touching the seeds.
type Rewrapper interface {
	// Rewrap rotates that key and brings every seed under its newest version.
	// It returns how many it changed. Seeds stay readable all the time.
	Rewrap(ctx context.Context) (int, error)
}

// NewSigner returns the signer for one version of the signing key; version 0 is
// the newest. The error is ErrNotFound if there is none (see Rotate), or
// ErrRevoked. The signer may be used concurrently. It does not change with
// Rotate: a service takes a new one from time to time.
func NewSigner(ctx context.Context, store Store, version uint32) (signature.Signer, error) {
	return signing(store).NewSigner(ctx, version)
}

// ListSigning returns all versions of the signing key, none in a new store.
func ListSigning(ctx context.Context, store Store) (SigningVersions, error) {
	return signing(store).SigningVersions(ctx)
}

// Rotate makes the next version of the signing key and returns its number, 1 in
// a new store. Signers of older versions go on. After a crash in the middle it
// completes what was begun. Of several concurrent calls at least one succeeds;
// one that found its version taken fails with ErrExists.
func Rotate(ctx context.Context, store Store) (uint32, error) {
	return signing(store).RotateSigning(ctx)
}

// Revoke marks a version of the signing key: it signs nothing any more. The
// newest version gives ErrNewest (rotate first: an agency must be able to sign),
// a missing one ErrNotFound; revoking once more is no error.
func Revoke(ctx context.Context, store Store, version uint32) error {
	return signing(store).RevokeSigning(ctx, version)
}

func signing(store Store) SigningStore {
	if own, ok := store.(SigningStore); ok {
		return own
	}
	return seedSigning{store}
}

// PublicKeys returns the public keys of all versions, for signature.VerifyAny.
func (list SigningVersions) PublicKeys() []signature.PublicKey {
	public := make([]signature.PublicKey, len(list))
	for i, v := range list {
		public[i] = v.Public
	}
	return public
}

// Newest returns the number of the newest version, 0 if there is none.
func (list SigningVersions) Newest() uint32 {
	if len(list) == 0 {
		return 0
	}
	return list[len(list)-1].Public.Version
}

// Choose returns the version that may sign for NewSigner, or NewSigner's error.
func (list SigningVersions) Choose(version uint32) (SigningVersion, error) {
	if len(list) == 0 {
		return SigningVersion{}, fmt.Errorf("signing key: %w; make one with puente keys rotate", ErrNotFound)
	}
	if version == 0 {
		version = list.Newest()
	}
	for _, v := range list {
		switch {
		case v.Public.Version != version:
		case v.Revoked:
			return SigningVersion{}, fmt.Errorf("version %d: %w; use a newer one", version, ErrRevoked)
		default:
			return v, nil
		}
	}
	return SigningVersion{}, fmt.Errorf("signing key version %d: %w", version, ErrNotFound)
}

// CheckRevoke returns nil if the version may be revoked, else Revoke's error.
func (list SigningVersions) CheckRevoke(version uint32) error {
	for _, v := range list {
		switch {
		case v.Public.Version != version:
		case version == list.Newest():
			return fmt.Errorf("version %d: %w; rotate first", version, ErrNewest)
		default:
			return nil
		}
	}
	return fmt.Errorf("signing key version %d: %w", version, ErrNotFound)
}
