package vaulttest

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestHashSources: another source, module file or checksum is another binary.
func TestHashSources(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		hash, err := hashSources(dir)
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	seen := map[string]bool{}
	for _, f := range [][2]string{{"main.go", "a"}, {"main.go", "b"}, {"go.mod", "a"}, {"go.sum", "a"}, {"go.sum", "aa"}} {
		hash := put(f[0], f[1])
		if seen[hash] {
			t.Errorf("%s = %q does not change the name", f[0], f[1])
		}
		seen[hash] = true
	}
	if last := put("README.md", "x"); !seen[last] {
		t.Error("a file that is not built changes the name")
	}
}

// TestRestart: file storage survives, on the same address, and TLS is verified.
func TestRestart(t *testing.T) {
	s := New(t, Options{Dir: t.TempDir(), TLS: true})
	address := s.Address
	if !strings.HasPrefix(address, "https://127.0.0.1:") {
		t.Fatalf("address %q", address)
	}
	root := s.Client(s.RootToken)
	if _, err := root.Logical().Write("sys/mounts/kv", map[string]any{"type": "kv"}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Logical().Write("kv/a", map[string]any{"b": "c"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Address != address {
		t.Errorf("address %s after the restart, want %s", s.Address, address)
	}
	if _, err := root.Logical().Read("kv/a"); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("after the restart: %v, want sealed", err)
	}
	if err := s.Unseal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, err := root.Logical().Read("kv/a"); err != nil || v == nil || v.Data["b"] != "c" {
		t.Errorf("after unsealing: %v, %v", v, err)
	}
}

// TestRunCommand starts the demo's command twice in the same directory.
func TestRunCommand(t *testing.T) {
	if _, err := Binary(t.Context(), os.Stderr); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "run")
	if out, err := exec.Command("go", "build", "-o", program, "./run").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dir := filepath.Join(t.TempDir(), "vault")
	for range 2 {
		cmd := exec.Command(program, "-dir", dir, "-stdin")
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(stdout).ReadString('\n')
		address, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
		if !ok {
			t.Fatalf("it said %q (%v)", line, err)
		}
		token, err := os.ReadFile(filepath.Join(dir, "root-token"))
		if err != nil {
			t.Fatal(err)
		}
		s := &Server{Address: address, CAFile: filepath.Join(dir, "ca.pem")}
		if _, err := s.Client(strings.TrimSpace(string(token))).Auth().Token().LookupSelf(); err != nil {
			t.Errorf("the root token does not work: %v", err)
		}
		stdin.Close()
		io.Copy(io.Discard, stdout)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(15 * time.Second):
			cmd.Process.Kill()
			t.Fatal("it does not end with its standard input")
		}
	}
}
