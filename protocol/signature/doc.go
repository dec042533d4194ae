// Package signature is the hybrid signature with which an agency vouches for
// what it recorded: Ed25519 (RFC 8032) and ML-DSA-65 (FIPS 204, pure, empty
// context) over the same bytes. Both must verify, so a signature stands as long
// as one of the two algorithms does.
//
//	sig, err := signer.Sign(ctx, head)                 // the owner of the key
//	public, err := signature.ParsePublicKeyText(line)  // the partner, from a card
//	err = signature.Verify(public, head, sig)          // errors.Is(err, signature.ErrMLDSA)
//
// What both algorithms sign is not the message but
//
//	input = "puente hybrid signature v1\n" | SHA-256(public key) | SHA-512(message)
//
// (123 bytes, [Input]). The prefix keeps these signatures apart from whatever
// else a key might sign. The public key's hash covers both keys and the version,
// so that halves of two signatures, or of two keys, cannot be combined and a
// signature cannot be claimed for another key. The message's hash keeps the
// message itself from a key server that makes one half.
//
// Signatures are deterministic: a service that is killed and asked again gives
// the same bytes. Encodings are canonical: one key or signature has one binary
// and one text form, and everything else is refused.
//
// The package holds no secret and imports none of the packages that do: an
// auditor's program needs nothing more to verify.
package signature

import "errors"

// The classes of failure, for errors.Is.
var (
	// ErrFormat: bytes or text that are no public key or signature.
	ErrFormat = errors.New("malformed")
	// ErrVersion: the signature names another key version than the public key.
	ErrVersion = errors.New("signature of another key version")
	// ErrEd25519: the Ed25519 half is missing or does not verify.
	ErrEd25519 = errors.New("Ed25519 signature does not verify")
	// ErrMLDSA: the ML-DSA-65 half is missing or does not verify.
	ErrMLDSA = errors.New("ML-DSA-65 signature does not verify")
)
