// Command run starts a Vault for the demo on this machine:
//
//	go run ./keys/vault/vaulttest/run -dir vault-cl -listen 127.0.0.1:8200
//
// It builds the server once (with -build that is all it does), starts it with
// TLS and storage in the directory, initialises it the first time, unseals it
// and prints
//
//	ready https://127.0.0.1:8200
//
// The directory then has ca.pem, root-token and unseal-key: a demonstration of
// how Vault is used, not of how its own keys are kept. It ends at SIGINT,
// SIGTERM and, with -stdin, at the end of its standard input.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/puente-project/puente/keys/vault/vaulttest"
)

func main() {
	build := flag.Bool("build", false, "build the server, print its path and end")
	dir := flag.String("dir", "", "`directory` for storage, certificates and tokens")
	listen := flag.String("listen", "", "`address`; default 127.0.0.1 and a free port")
	stdin := flag.Bool("stdin", false, "end with standard input")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *stdin {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}
	if err := run(ctx, *build, *dir, *listen); err != nil {
		fmt.Fprintln(os.Stderr, "vault for the demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, build bool, dir, listen string) error {
	if build {
		path, err := vaulttest.Binary(ctx, os.Stderr)
		if err == nil {
			fmt.Println(path)
		}
		return err
	}
	if dir == "" {
		return errors.New("-dir is missing")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	s, err := vaulttest.Start(ctx, vaulttest.Options{Dir: dir, Listen: listen, TLS: true, Log: os.Stderr})
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := open(ctx, s, dir); err != nil {
		return err
	}
	fmt.Println("ready", s.Address)
	<-ctx.Done()
	return nil
}

// open initialises the server the first time and unseals it the other times.
func open(ctx context.Context, s *vaulttest.Server, dir string) error {
	tokenFile, keyFile := filepath.Join(dir, "root-token"), filepath.Join(dir, "unseal-key")
	token, err := os.ReadFile(tokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.Init(ctx); err != nil {
			return err
		}
		if err := os.WriteFile(keyFile, []byte(s.UnsealKey+"\n"), 0o600); err != nil {
			return err
		}
		return os.WriteFile(tokenFile, []byte(s.RootToken+"\n"), 0o600)
	} else if err != nil {
		return err
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	s.RootToken, s.UnsealKey = strings.TrimSpace(string(token)), strings.TrimSpace(string(key))
	return s.Unseal(ctx)
}
