package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transport"
)

// vaultConfig reads the section [vault] of a configuration file, nil if there is
// none. The rest of the file is not looked at. Paths in it are relative to the file.
func vaultConfig(path string) (*vault.Config, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, agencyf("%s does not exist; create an agency with puente init, name one with --dir, or a file with --vault", path)
	} else if err != nil {
		return nil, err
	}
	var file struct {
		Vault *vault.Config `toml:"vault"`
	}
	meta, err := toml.Decode(string(text), &file)
	if err != nil {
		return nil, agencyf("%s: %w", path, err)
	}
	for _, key := range meta.Undecoded() {
		if len(key) > 1 && key[0] == "vault" {
			return nil, agencyf("%s: unknown setting %q", path, key)
		}
	}
	if file.Vault == nil {
		return nil, nil
	}
	resolved, err := file.Vault.Resolve(filepath.Dir(path))
	if err != nil {
		return nil, agencyf("%s, section [vault]: %w", path, err)
	}
	return &resolved, nil
}

// openStore opens the key store of an agency: Vault if there is a configuration
// of it, from vaultConfig, else the key file. The caller closes it with
// closeStore.
func openStore(ctx context.Context, dir string, conf *vault.Config) (keys.Store, error) {
	if conf != nil {
		return vault.Open(ctx, *conf, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	}
	unlock, err := keys.FromEnvironment(os.Getenv, keys.Prompt(os.Stdin, os.Stderr, false))
	if err != nil {
		return nil, err
	}
	return keys.Open(filepath.Join(dir, keyFile), unlock)
}

// closeStore ends the login of a store that has one.
func closeStore(store keys.Store) error {
	if c, ok := store.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// sessionSigner signs for sessions with partners. When the keys are away, a sealed Vault
// or a revoked version, the partner is told this much and no "internal error"; why stays
// on this side.
type sessionSigner struct{ signature.Signer }

// Sign implements signature.Signer.
func (s sessionSigner) Sign(ctx context.Context, message []byte) (signature.Signature, error) {
	signed, err := s.Signer.Sign(ctx, message)
	if err != nil && ctx.Err() == nil {
		err = transport.Refuse(transport.ClassUnavailable, "the signing key is not available at the moment", err)
	}
	return signed, err
}
