package vault

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/internal/hybrid"
	"github.com/puente-project/puente/protocol/signature"
)

// RotateSigning implements keys.SigningStore. Version n of the signing key is
// version n of the transit key and the seed signing/n/mldsa65; it exists once
// its public record does, which is written last. Whoever finds it half made, by
// a crash or by another one at the same moment, goes on with what is there.
func (s *Store) RotateSigning(ctx context.Context) (uint32, error) {
	list, err := s.SigningVersions(ctx)
	if err != nil {
		return 0, err
	}
	n := list.Newest() + 1
	op := fmt.Sprintf("make signing key version %d", n)

	seed := keys.NewSeed()
	half, err := hybrid.NewKey(n, placeholder(), seed.Derive(hybrid.LabelMLDSA, nil))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	public := base64.StdEncoding.EncodeToString(half.Public.MLDSA65[:])
	if err := s.create(ctx, mldsaName(n), seed, public); err != nil && !errors.Is(err, keys.ErrExists) {
		return 0, err
	}
	there, err := s.record(ctx, op, mldsaName(n))
	if err != nil {
		return 0, err
	}
	key := signature.PublicKey{Version: n}
	b, err := base64.StdEncoding.Strict().DecodeString(there.public)
	if err != nil || len(b) != len(key.MLDSA65) {
		return 0, fmt.Errorf("%s: %w: seed %q has no public part", op, keys.ErrCorrupt, mldsaName(n))
	}
	copy(key.MLDSA65[:], b)

	transit, err := s.transitKey(ctx, op, keySigning)
	if err != nil {
		return 0, err
	}
	if transit.latest < int(n) {
		if _, err := s.session.do(ctx, request{op: op, path: s.config.Transit + "/keys/" + keySigning + "/rotate", body: map[string]any{}}); err != nil {
			return 0, err
		}
		if transit, err = s.transitKey(ctx, op, keySigning); err != nil {
			return 0, err
		}
	}
	ed, ok := transit.public[n]
	if !ok {
		return 0, fmt.Errorf("%s: %w: transit has no version %d of the key", op, ErrServer, n)
	}
	copy(key.Ed25519[:], ed)
	if _, err := signature.ParsePublicKey(key.Bytes()); err != nil {
		return 0, fmt.Errorf("%s: %w", op, err)
	}
	err = s.put(ctx, op, fmt.Sprintf("%s%d", publicPath, n), publicFields(key, stateActive), 0)
	if errors.Is(err, errMismatch) {
		return 0, fmt.Errorf("%s in Vault at %s: %w: another process made it at the same time", op, s.config.Address, keys.ErrExists)
	}
	return n, err
}

// placeholder is a valid Ed25519 public key: hybrid.NewKey wants one before
// Vault's is known.
func placeholder() ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
}

// transitKey is what Vault tells about a transit key.
type transitKey struct {
	latest     int
	minSign    int // versions below are disabled; 0: none
	minDecrypt int
	public     map[uint32][]byte // Ed25519 keys by version
}

func (s *Store) transitKey(ctx context.Context, op, name string) (transitKey, error) {
	answer, err := s.session.do(ctx, request{op: op, path: s.config.Transit + "/keys/" + name})
	if errors.Is(err, errNotThere) {
		return transitKey{}, fmt.Errorf("%s in Vault at %s: %w: no transit key %s/%s", op, s.config.Address, ErrNotProvisioned, s.config.Transit, name)
	} else if err != nil {
		return transitKey{}, err
	}
	number := func(field string) int {
		n, _ := answer.Data[field].(json.Number)
		v, _ := n.Int64()
		return int(v)
	}
	k := transitKey{
		latest: number("latest_version"), minSign: number("min_encryption_version"), minDecrypt: number("min_decryption_version"),
		public: make(map[uint32][]byte),
	}
	versions, _ := answer.Data["keys"].(map[string]any)
	for digits, v := range versions {
		n, err := strconv.ParseUint(digits, 10, 32)
		fields, _ := v.(map[string]any)
		text, _ := fields["public_key"].(string)
		b, err2 := base64.StdEncoding.DecodeString(text)
		if err == nil && err2 == nil && len(b) == ed25519.PublicKeySize {
			k.public[uint32(n)] = b
		}
	}
	if k.latest < 1 {
		return transitKey{}, fmt.Errorf("%s: %w: a transit key without versions", op, ErrServer)
	}
	return k, nil
}

// RevokeSigning implements keys.SigningStore. It marks the public record,
// disables this and all older versions of the Ed25519 key in Vault, and removes
// the version's ML-DSA-65 seed. Repeat it if it fails in the middle.
func (s *Store) RevokeSigning(ctx context.Context, version uint32) error {
	list, err := s.SigningVersions(ctx)
	if err != nil {
		return err
	}
	if err := list.CheckRevoke(version); err != nil {
		return err
	}
	op := fmt.Sprintf("revoke signing key version %d", version)
	record, err := s.signingRecord(ctx, version)
	if err != nil {
		return err
	}
	if !record.Revoked {
		err := s.put(ctx, op, fmt.Sprintf("%s%d", publicPath, version), publicFields(record.Public, stateRevoked), record.version)
		if err != nil && !errors.Is(err, errMismatch) { // the only other change is the same
			return err
		}
	}
	transit, err := s.transitKey(ctx, op, keySigning)
	if err != nil {
		return err
	}
	if least := int(version) + 1; transit.minSign < least {
		_, err := s.session.do(ctx, request{
			op: op, path: s.config.Transit + "/keys/" + keySigning + "/config", body: map[string]any{"min_encryption_version": least},
		})
		if err != nil {
			return err
		}
	}
	_, err = s.session.do(ctx, request{op: op, path: s.config.KV + "/metadata/" + seedsPath + mldsaName(version), remove: true})
	return err
}

// Rewrap implements keys.Rewrapper: a new version of the transit key "wrap", and
// every data key under it. Neither seeds nor data keys are seen.
func (s *Store) Rewrap(ctx context.Context) (int, error) {
	if _, err := s.session.do(ctx, request{op: "rotate wrapping key", path: s.config.Transit + "/keys/" + keyWrap + "/rotate", body: map[string]any{}}); err != nil {
		return 0, err
	}
	names, err := s.Names(ctx)
	if err != nil {
		return 0, err
	}
	for done, name := range names {
		if err := s.rewrap(ctx, name); err != nil {
			return done, fmt.Errorf("%w; %d of %d data keys are rewrapped, run it again", err, done, len(names))
		}
	}
	return len(names), nil
}

func (s *Store) rewrap(ctx context.Context, name string) error {
	op := fmt.Sprintf("rewrap data key of seed %q", name)
	for {
		r, err := s.record(ctx, op, name)
		if errors.Is(err, keys.ErrNotFound) {
			return nil // removed by a revocation meanwhile
		} else if err != nil {
			return err
		}
		answer, err := s.session.do(ctx, request{op: op, path: s.config.Transit + "/rewrap/" + keyWrap, body: map[string]any{"ciphertext": r.key}})
		if err != nil {
			return err
		}
		r.key, _ = answer.Data["ciphertext"].(string)
		if !strings.HasPrefix(r.key, "vault:v") || len(r.key) > maxWrapped {
			return fmt.Errorf("%s: %w: it is no wrapped key", op, ErrServer)
		}
		err = s.put(ctx, op, seedsPath+name, r.fields(), r.version)
		if !errors.Is(err, errMismatch) {
			return err
		}
		// Another rewrap was faster; look again.
	}
}

// RetireWrapping disables the versions of the transit key "wrap" that no data
// key needs any more, so that older copies of records (in backups, in the KV
// engine's history) cannot be opened. It returns the oldest version that works.
func (s *Store) RetireWrapping(ctx context.Context) (int, error) {
	const op = "retire wrapping key versions"
	transit, err := s.transitKey(ctx, op, keyWrap)
	if err != nil {
		return 0, err
	}
	names, err := s.Names(ctx)
	if err != nil {
		return 0, err
	}
	oldest := transit.latest
	for _, name := range names {
		r, err := s.record(ctx, op, name)
		if errors.Is(err, keys.ErrNotFound) {
			continue
		} else if err != nil {
			return 0, err
		}
		n, err := wrapVersion(r.key)
		if err != nil {
			return 0, fmt.Errorf("%s: seed %q: %w", op, name, err)
		}
		oldest = min(oldest, n)
	}
	if oldest <= transit.minDecrypt {
		return transit.minDecrypt, nil
	}
	_, err = s.session.do(ctx, request{
		op: op, path: s.config.Transit + "/keys/" + keyWrap + "/config", body: map[string]any{"min_decryption_version": oldest},
	})
	return oldest, err
}

// wrapVersion returns the version of the transit key in "vault:v3:...".
func wrapVersion(wrapped string) (int, error) {
	rest, _ := strings.CutPrefix(wrapped, "vault:v")
	digits, _, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%w: a data key that transit did not wrap", keys.ErrCorrupt)
	}
	return n, nil
}
