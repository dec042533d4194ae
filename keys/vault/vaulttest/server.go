package vaulttest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/vault/api"
)

// Options of a server. The zero value is one node over plain HTTP that keeps
// everything in memory and so does not survive Restart.
type Options struct {
	// Dir is an existing directory for storage and certificates; empty: memory.
	Dir string
	// Listen is the address, empty: 127.0.0.1 and a free port.
	Listen string
	// TLS makes a certificate authority in Dir, which must be set.
	TLS bool
	// Standby adds a second node on the same storage.
	Standby bool
	// MaxTTL is the greatest life of a token, 0: 32 days.
	MaxTTL time.Duration
	// Log gets the server's warnings; nil: none.
	Log io.Writer
}

// Server is a running Vault. Its process ends with this one's.
type Server struct {
	Address        string // URL
	StandbyAddress string // URL of the second node, if there is one
	CAFile         string // with TLS
	RootToken      string // after Init
	UnsealKey      string // after Init, hex

	binary  string
	options Options
	mu      sync.Mutex
	cmd     *exec.Cmd
	stdin   io.Closer
	ended   chan struct{}
}

// Start builds the server if needed and starts it, neither initialised nor
// unsealed.
func Start(ctx context.Context, o Options) (*Server, error) {
	binary, err := Binary(ctx, os.Stderr)
	if err != nil {
		return nil, err
	}
	return start(ctx, binary, o)
}

func start(ctx context.Context, binary string, o Options) (*Server, error) {
	s := &Server{binary: binary, options: o}
	if o.TLS {
		if o.Dir == "" {
			return nil, errors.New("vault test server: TLS needs a directory")
		}
		s.CAFile = filepath.Join(o.Dir, "ca.pem")
		if err := newAuthority(o.Dir); err != nil {
			return nil, err
		}
	}
	return s, s.launch(ctx)
}

// launch starts the process and waits until it answers.
func (s *Server) launch(ctx context.Context) error {
	host := func(url, otherwise string) string {
		if _, address, ok := strings.Cut(url, "://"); ok {
			return address // where it was before a restart
		}
		if otherwise == "" {
			return "127.0.0.1:0"
		}
		return otherwise
	}
	args := []string{"-listen", host(s.Address, s.options.Listen)}
	if s.options.Standby {
		args = append(args, "-standby", host(s.StandbyAddress, ""))
	}
	if s.options.Dir != "" {
		args = append(args, "-storage", "file", "-dir", filepath.Join(s.options.Dir, "storage"))
	}
	if s.options.TLS {
		args = append(args, "-tls-cert", filepath.Join(s.options.Dir, "server.pem"), "-tls-key", filepath.Join(s.options.Dir, "server.key"), "-tls-client-ca", s.CAFile)
	}
	if s.options.MaxTTL != 0 {
		args = append(args, "-max-ttl", s.options.MaxTTL.String(), "-default-ttl", s.options.MaxTTL.String())
	}
	cmd := exec.Command(s.binary, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir()}
	cmd.Stderr = s.options.Log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the vault test server: %w", err)
	}
	line := make(chan string, 1)
	ended := make(chan struct{})
	go func() {
		r := bufio.NewReader(stdout)
		text, _ := r.ReadString('\n')
		line <- text
		io.Copy(io.Discard, r)
		cmd.Wait()
		close(ended)
	}()
	s.mu.Lock()
	s.cmd, s.stdin, s.ended = cmd, stdin, ended
	s.mu.Unlock()
	select {
	case text := <-line:
		fields := strings.Fields(text)
		if len(fields) < 2 || fields[0] != "ready" {
			s.Stop()
			return fmt.Errorf("the vault test server did not start; it said %q", text)
		}
		s.Address = fields[1]
		if len(fields) > 2 {
			s.StandbyAddress = fields[2]
		}
		return nil
	case <-ctx.Done():
		s.Stop()
		return ctx.Err()
	}
}

// Client returns a client of Vault's API with a token, "" for none.
func (s *Server) Client(token string) *api.Client { return s.client(s.Address, token) }

func (s *Server) client(address, token string) *api.Client {
	config := api.DefaultConfig()
	config.Address, config.MaxRetries, config.Timeout = address, 0, 10*time.Second
	if s.CAFile != "" {
		if err := config.ConfigureTLS(&api.TLSConfig{CACert: s.CAFile}); err != nil {
			panic("vaulttest: " + err.Error()) // of a file that we wrote
		}
	}
	client, err := api.NewClient(config)
	if err != nil {
		panic("vaulttest: " + err.Error()) // of an address that the server printed
	}
	client.ClearNamespace()
	client.SetToken(token)
	return client
}

// Init initialises Vault with one unseal key, and unseals it.
func (s *Server) Init(ctx context.Context) error {
	answer, err := s.Client("").Sys().InitWithContext(ctx, &api.InitRequest{SecretShares: 1, SecretThreshold: 1})
	if err != nil {
		return fmt.Errorf("initialise vault: %w", err)
	}
	s.RootToken, s.UnsealKey = answer.RootToken, answer.Keys[0]
	return s.Unseal(ctx)
}

// Unseal unseals all nodes and waits for one to be active.
func (s *Server) Unseal(ctx context.Context) error {
	for _, address := range []string{s.Address, s.StandbyAddress} {
		if address == "" {
			continue
		}
		if _, err := s.client(address, "").Sys().UnsealWithContext(ctx, s.UnsealKey); err != nil {
			return fmt.Errorf("unseal vault: %w", err)
		}
	}
	return s.waitActive(ctx)
}

// waitActive waits until a request that needs the active node succeeds.
func (s *Server) waitActive(ctx context.Context) error {
	for {
		_, err := s.Client(s.RootToken).Auth().Token().LookupSelfWithContext(ctx)
		if err == nil {
			return nil
		}
		if answer, ok := errors.AsType[*api.ResponseError](err); ok && answer.StatusCode == http.StatusForbidden {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for vault: %w: %w", ctx.Err(), err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Seal seals the active node.
func (s *Server) Seal(ctx context.Context) error {
	return s.Client(s.RootToken).Sys().SealWithContext(ctx)
}

// StepDown makes the active node a standby; the other one takes over.
func (s *Server) StepDown(ctx context.Context) error {
	return s.Client(s.RootToken).Sys().StepDownWithContext(ctx)
}

// Restart stops the process and starts it on the same address, sealed.
func (s *Server) Restart(ctx context.Context) error {
	s.Stop()
	return s.launch(ctx)
}

// Launch starts the process again after Stop or Kill.
func (s *Server) Launch(ctx context.Context) error { return s.launch(ctx) }

// Stop ends the process in order.
func (s *Server) Stop() { s.end(syscall.SIGTERM) }

// Kill ends the process at once.
func (s *Server) Kill() { s.end(syscall.SIGKILL) }

func (s *Server) end(signal os.Signal) {
	s.mu.Lock()
	cmd, stdin, ended := s.cmd, s.stdin, s.ended
	s.mu.Unlock()
	cmd.Process.Signal(signal)
	stdin.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		cmd.Process.Kill()
		<-ended
	}
}

// Pause stops the process from running, as a hung machine would; Resume undoes it. The
// signal takes effect later on a busy machine: Pause waits until /proc shows all threads
// as stopped.
func (s *Server) Pause() error {
	if err := s.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	s.mu.Lock()
	threads := fmt.Sprintf("/proc/%d/task/*/stat", s.cmd.Process.Pid)
	s.mu.Unlock()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		files, err := filepath.Glob(threads)
		if err != nil {
			return err
		}
		running := 0
		for _, file := range files {
			stat, err := os.ReadFile(file) // fails for a thread that has ended
			if _, state, ok := strings.Cut(string(stat), ") "); err == nil && ok && state[0] != 'T' {
				running++
			}
		}
		if running == 0 {
			return nil
		}
	}
	return errors.New("vault test server: it does not stop")
}

// Resume undoes Pause.
func (s *Server) Resume() error { return s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal os.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cmd.Process.Signal(signal)
}
