package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/puente-project/puente/keys/vault/vaulttest"
)

// shared is the server of all tests that do not disturb it.
var shared struct {
	once   sync.Once
	server *vaulttest.Server
	dir    string
	err    error
}

func TestMain(m *testing.M) {
	if config := os.Getenv(childConfig); config != "" {
		if err := client(config); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	// Variables of Vault's own tools must have no effect.
	for name, value := range map[string]string{
		"VAULT_ADDR": "http://127.0.0.1:1", "VAULT_TOKEN": "hvs.from-environment", "VAULT_NAMESPACE": "other",
		"HTTPS_PROXY": "http://127.0.0.1:1",
	} {
		os.Setenv(name, value)
	}
	code := m.Run()
	if shared.server != nil {
		shared.server.Stop()
	}
	os.RemoveAll(shared.dir)
	os.Exit(code)
}

// env is a provisioned Vault.
type env struct {
	server *vaulttest.Server
	dir    string // for login files
	base   Config // without a login
}

// sharedEnv returns the common Vault: TLS, file storage, an audit file.
func sharedEnv(t testing.TB) env {
	t.Helper()
	needServer(t)
	shared.once.Do(func() {
		shared.dir, shared.err = os.MkdirTemp("", "puente-vault-test")
		if shared.err != nil {
			return
		}
		shared.server, shared.err = vaulttest.Start(context.Background(), vaulttest.Options{Dir: shared.dir, TLS: true})
		if shared.err == nil {
			shared.err = shared.server.Init(context.Background())
		}
		if shared.err == nil {
			shared.err = shared.server.Client(shared.server.RootToken).Sys().EnableAuditWithOptions("file", &api.EnableAuditOptions{
				Type: "file", Options: map[string]string{"file_path": auditFile()},
			})
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return env{shared.server, t.TempDir(), Config{Address: shared.server.Address, CAFile: shared.server.CAFile}}
}

func auditFile() string { return filepath.Join(shared.dir, "audit.log") }

// needServer skips the test where Vault cannot be built, or fails it in CI.
func needServer(t testing.TB) {
	t.Helper()
	if _, err := vaulttest.Binary(t.Context(), os.Stderr); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// ownEnv starts a Vault for one test and provisions it.
func ownEnv(t *testing.T, o vaulttest.Options) env {
	t.Helper()
	e := env{server: vaulttest.New(t, o), dir: t.TempDir()}
	e.base = Config{Address: e.server.Address, CAFile: e.server.CAFile}
	e.provision(t)
	return e
}

// admin returns the configuration of the administrator.
func (e env) admin(t testing.TB) Config {
	t.Helper()
	c := e.base
	c.Auth, c.TokenFile = AuthToken, filepath.Join(e.dir, "root-token")
	write(t, c.TokenFile, e.server.RootToken)
	return resolved(t, c)
}

func (e env) provision(t testing.TB) {
	t.Helper()
	c := e.admin(t)
	if err := Provision(t.Context(), c, Plan(c, true), nil); err != nil {
		t.Fatal(err)
	}
}

// mount gives a test mounts of its own in the common Vault.
func (e env) mount(t *testing.T) env {
	t.Helper()
	name := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name())), "-")
	e.base.Transit, e.base.KV = "t-"+name, "k-"+name
	e.provision(t)
	return e
}

// login returns the configuration of a role that logs in by AppRole.
func (e env) login(t testing.TB, role string) Config {
	t.Helper()
	c := e.base
	c.Auth = AuthAppRole
	var err error
	c.RoleIDFile, c.SecretIDFile, err = e.server.AppRole(t.Context(), e.dir, PolicyName(role), "")
	if err != nil {
		t.Fatal(err)
	}
	return resolved(t, c)
}

// as opens the store in a role.
func (e env) as(t testing.TB, role string) *Store {
	t.Helper()
	return mustOpen(t, e.login(t, role))
}

func mustOpen(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func resolved(t testing.TB, c Config) Config {
	t.Helper()
	c, err := c.Resolve("/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// want checks an error's class and that its text is one line without a token.
func want(t *testing.T, what string, err error, classes ...error) {
	t.Helper()
	for _, class := range classes {
		if !errors.Is(err, class) {
			t.Errorf("%s: %v, want %v", what, err, class)
		}
	}
	if err == nil {
		return
	}
	if text := err.Error(); strings.Contains(text, "\n") || strings.Contains(text, "hvs.") {
		t.Errorf("%s: error of several lines or with a token: %q", what, text)
	}
}

func names(n int) string { return fmt.Sprintf("watchlist/list-%d", n) }
