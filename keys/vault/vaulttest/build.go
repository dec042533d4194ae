// Package vaulttest starts a real HashiCorp Vault on this machine, for tests and
// for the demo.
//
//	server := vaulttest.New(t, vaulttest.Options{})      // initialised and unsealed
//	root := server.Client(server.RootToken)
//	server.Restart(t.Context())                          // sealed, on the same address
//	server.Unseal(t.Context())
//
// The server is the nested module in the folder server: Vault 1.13.2 as a
// program of its own. It is built once for each machine into the user's cache
// directory, which takes some minutes and downloads about 230 modules; after
// that a server is ready in less than half a second. It needs the go command
// and Puente's source. To build it ahead of the tests:
//
//	go run ./keys/vault/vaulttest/run -build
package vaulttest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/puente-project/puente/keys/durable"
)

const serverModule = "keys/vault/vaulttest/server"

// Binary returns the path of the server, which it builds if this machine has
// none for these sources and this Go. Packages that are tested at the same time
// wait for one build. log gets a line before a build; nil: none.
func Binary(ctx context.Context, log io.Writer) (string, error) {
	source, err := sourceDir(ctx)
	if err != nil {
		return "", err
	}
	hash, err := hashSources(source)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("vault test server: no cache directory: %w", err)
	}
	cache = filepath.Join(cache, "puente", "vault-test-server")
	path := filepath.Join(cache, hash)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	unlock, err := durable.Lock(ctx, filepath.Join(cache, "lock"))
	if err != nil {
		return "", fmt.Errorf("vault test server: another process is building it: %w", err)
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return path, nil // built while we waited
	}
	if log != nil {
		fmt.Fprintln(log, "building the Vault test server, once for this machine; this takes some minutes")
	}
	temp := path + ".new"
	defer os.Remove(temp)
	if err := build(ctx, source, temp); err != nil {
		return "", err
	}
	if err := smoke(ctx, temp); err != nil {
		return "", fmt.Errorf("vault test server: it was built but does not work: %w", err)
	}
	return path, os.Rename(temp, path)
}

// sourceDir finds the nested module beside this package's module.
func sourceDir(ctx context.Context) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/puente-project/puente")
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("vault test server: find Puente's source: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	dir := filepath.Join(strings.TrimSpace(out.String()), serverModule)
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("vault test server: its source is not in %s: %w", dir, err)
	}
	return dir, nil
}

// hashSources returns the binary's name: what it is built from and with.
func hashSources(dir string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH, buildFlags)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if name := d.Name(); filepath.Ext(name) != ".go" && name != "go.mod" && name != "go.sum" {
			return nil
		}
		content, err := os.ReadFile(path)
		fmt.Fprintln(h, d.Name(), len(content))
		h.Write(content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)[:12]), err
}

var buildFlags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

func build(ctx context.Context, source, out string) error {
	args := append([]string{"build", "-o", out}, buildFlags...)
	cmd := exec.CommandContext(ctx, "go", append(args, ".")...)
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Run(); err != nil {
		text := log.String()
		if len(text) > 4000 {
			text = "..." + text[len(text)-4000:]
		}
		return fmt.Errorf("build the vault test server: %w\n%s", err, text)
	}
	return nil
}

// smoke sends the requests that a server built from unsuitable versions fails.
func smoke(ctx context.Context, binary string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := start(ctx, binary, Options{})
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := s.Init(ctx); err != nil {
		return err
	}
	root := s.Client(s.RootToken)
	for _, engine := range []string{"transit", "kv"} {
		if _, err := root.Logical().WriteWithContext(ctx, "sys/mounts/"+engine, map[string]any{"type": engine}); err != nil {
			return err
		}
	}
	if _, err := root.Logical().WriteWithContext(ctx, "transit/keys/k", map[string]any{"type": "ed25519"}); err != nil {
		return err
	}
	key, err := root.Logical().ReadWithContext(ctx, "transit/keys/k")
	if err == nil && key == nil {
		err = errors.New("the transit engine lost a key")
	}
	return err
}
