// Package vault keeps an agency's secrets in HashiCorp Vault: a keys.Store and
// keys.SigningStore whose secrets are on no disk but Vault's own.
//
//	store, err := vault.Open(ctx, config, logger)
//	defer store.Close()
//	root, err := store.Seed(ctx, "sessions")
//	signer, err := keys.NewSigner(ctx, store, 0)
//
// # What is where
//
// The Ed25519 half of the signing key is the transit key "signing", which never
// leaves Vault: every signature is a request. Everything else that is secret is
// a 32-byte seed (root seeds, watchlist data keys, the ML-DSA-65 half of the
// signing key, which Vault's free edition cannot hold). A seed is encrypted here
// with AES-256-GCM under a data key of its own, which Vault made and wrapped
// with the transit key "wrap"; the wrapped data key stands beside the
// ciphertext in the KV engine (version 2):
//
//	puente-kv/data/seeds/<name>        {format, key: "vault:v1:...", sealed, public}
//	puente-kv/data/public/signing/<n>  {format, public: "puente-public-1:...", state}
//
// Name, format version and purpose are associated data, so that records cannot
// be exchanged. To read a seed takes both the KV record and the right to use
// "wrap"; to rotate "wrap" takes one small rewrap for each seed, by somebody who
// need not be able to read any. Check-and-set makes exactly one of several
// racing Creates win.
//
// Seeds are not cached: sealing Vault, or taking a policy away, stops new
// sessions and signatures at once. A seed lives in this process's memory while
// it is used.
//
// # When Vault is away
//
// Every call ends within Config.Timeout, and within its context. Until then
// these are tried again, after 50 ms, 100 ms and so on to at most 1 s: refused
// or broken connections, 429, 502, 503 that is not "sealed", 504, a standby that
// knows no active node, and a KV engine that is being upgraded. All calls can
// be repeated safely: signatures are deterministic, and Create compares what it
// finds with what it wrote. Not tried again: a sealed Vault (a person has to
// act), a denial, a refused login, a certificate that does not verify.
//
// Tokens are renewed in the background at about two thirds of their life, and a new
// login follows when renewal no longer extends them or when Vault answers 403
// for a token that it does not know any more. The loop never gives up, so the
// service resumes by itself when Vault does.
package vault

import (
	"errors"

	"github.com/puente-project/puente/keys"
)

// The classes of failure, for errors.Is, beside keys.ErrNotFound,
// keys.ErrExists, keys.ErrCorrupt, keys.ErrRevoked and keys.ErrNewest. An end of the
// caller's context wraps the context's error too. No text contains a secret.
var (
	// ErrConfig: the configuration cannot work.
	ErrConfig = errors.New("unusable Vault configuration")
	// ErrSealed: Vault is sealed or not initialised; an operator must unseal it.
	ErrSealed = errors.New("the Vault is sealed")
	// ErrStandby: the node is a standby and there was no active one until the timeout.
	ErrStandby = errors.New("the Vault has no active node")
	// ErrDenied: a valid token, but no policy allows this.
	ErrDenied = errors.New("denied by Vault")
	// ErrLogin: Vault does not accept the role, secret id, certificate or token.
	ErrLogin = errors.New("login refused by Vault")
	// ErrUnreachable: no connection until the timeout.
	ErrUnreachable = errors.New("the Vault is unreachable")
	// ErrTimeout: Vault took the request, but did not answer until the timeout.
	ErrTimeout = errors.New("no answer of Vault in time")
	// ErrCertificate: the server's certificate does not verify against ca_file.
	ErrCertificate = errors.New("the certificate of Vault does not verify")
	// ErrNotProvisioned: a mount or transit key is missing; see Provision.
	ErrNotProvisioned = errors.New("the Vault is not provisioned")
	// ErrServer: an answer that fits none of the above.
	ErrServer = errors.New("unexpected answer of Vault")
	// ErrClosed: the Store was closed.
	ErrClosed = errors.New("the Vault store is closed")

	errMismatch = errors.New("record was changed by another writer") // check-and-set
	errVersion  = errors.New("transit key version is disabled")
)

var (
	_ keys.Store        = (*Store)(nil)
	_ keys.SigningStore = (*Store)(nil)
	_ keys.Rewrapper    = (*Store)(nil)
)
