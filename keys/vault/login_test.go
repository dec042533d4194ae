package vault

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault/vaulttest"
)

func works(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.Names(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func openFails(t *testing.T, what string, c Config, class error) {
	t.Helper()
	s, err := Open(t.Context(), c, nil)
	if err == nil {
		s.Close()
	}
	want(t, what, err, class)
}

func TestAppRole(t *testing.T) {
	e := sharedEnv(t).mount(t)
	c := e.login(t, roleService)
	works(t, mustOpen(t, c))

	if err := os.Chmod(c.SecretIDFile, 0o640); err != nil {
		t.Fatal(err)
	}
	openFails(t, "a readable secret id", c, keys.ErrPermissions)
	openFails(t, "a readable secret id", c, ErrLogin)
	bad := c
	bad.SecretIDFile = filepath.Join(e.dir, "wrong")
	openFails(t, "no secret id", bad, os.ErrNotExist)
	write(t, bad.SecretIDFile, "")
	openFails(t, "an empty secret id", bad, ErrLogin)
	write(t, bad.SecretIDFile, "00000000-0000-0000-0000-000000000000")
	openFails(t, "a wrong secret id", bad, ErrLogin)
	bad = e.login(t, roleService)
	bad.AuthMount = "nothing"
	openFails(t, "no such login", bad, ErrLogin)
}

// TestWrappedSecretID: the file's token works once, and later logins of the same
// process need no other.
func TestWrappedSecretID(t *testing.T) {
	e := sharedEnv(t).mount(t)
	c := e.base
	c.Auth, c.SecretIDWrapped = AuthAppRole, true
	var err error
	c.RoleIDFile, c.SecretIDFile, err = e.server.AppRole(t.Context(), e.dir, PolicyName(roleService), "60s")
	if err != nil {
		t.Fatal(err)
	}
	c = resolved(t, c)
	s := mustOpen(t, c)
	works(t, s)
	openFails(t, "a used wrapping token", c, ErrLogin)
	client, _, _ := s.session.current()
	if err := e.server.Client(client.Token()).Auth().Token().RevokeSelf(""); err != nil {
		t.Fatal(err)
	}
	works(t, s) // logs in again with the secret id in memory

	// A wrapping token that somebody else made: of a response with a secret id
	// of his choice, but not from the role's endpoint.
	root := e.server.Client(e.server.RootToken)
	root.SetWrappingLookupFunc(func(string, string) string { return "60s" })
	planted, err := root.Logical().Write("sys/wrapping/wrap", map[string]any{"secret_id": "of-my-choice"})
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.SecretIDFile, planted.WrapInfo.Token)
	if _, err := Open(t.Context(), c, nil); !errors.Is(err, ErrLogin) || !strings.Contains(err.Error(), "do not trust") {
		t.Errorf("a planted wrapping token: %v", err)
	}
	write(t, c.SecretIDFile, "hvs.nonsense")
	openFails(t, "no wrapping token", c, ErrLogin)
}

func TestCertificateLogin(t *testing.T) {
	e := sharedEnv(t).mount(t)
	root := e.server.Client(e.server.RootToken)
	if err := root.Sys().EnableAuthWithOptions("machines", &api.EnableAuthOptions{Type: "cert"}); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(e.server.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	_, err = root.Logical().Write("auth/machines/certs/agency", map[string]any{
		"certificate": string(ca), "allowed_common_names": "agency-cl", "token_policies": PolicyName(roleService),
	})
	if err != nil {
		t.Fatal(err)
	}
	c := e.base
	c.Auth, c.AuthMount, c.CertRole = AuthCert, "machines", "agency"
	if c.CertFile, c.KeyFile, err = e.server.ClientCertificate("agency-cl"); err != nil {
		t.Fatal(err)
	}
	c = resolved(t, c)
	s := mustOpen(t, c)
	works(t, s)
	other := c
	if other.CertFile, other.KeyFile, err = e.server.ClientCertificate("agency-us"); err != nil {
		t.Fatal(err)
	}
	openFails(t, "another's certificate", other, ErrLogin)
	other.KeyFile = c.KeyFile
	openFails(t, "a key of another certificate", other, ErrConfig)
	other.KeyFile = "/nowhere"
	openFails(t, "no key", other, os.ErrNotExist)
}

func TestServerCertificate(t *testing.T) {
	e := sharedEnv(t).mount(t)
	c := e.login(t, roleService)
	bad := c
	bad.CAFile = ""
	start := time.Now()
	openFails(t, "the system's authorities", bad, ErrCertificate)
	own, _, err := e.server.ClientCertificate("no-authority")
	if err != nil {
		t.Fatal(err)
	}
	bad.CAFile = own
	openFails(t, "another authority", bad, ErrCertificate)
	if time.Since(start) > 3*time.Second {
		t.Error("a certificate that does not verify was tried again and again")
	}
	bad.CAFile = "/nowhere"
	openFails(t, "no authority file", bad, ErrConfig)
	bad.CAFile = c.RoleIDFile
	openFails(t, "authority file without certificate", bad, ErrConfig)
}

// TestTokenFile: somebody else replaces the token; it is read again when the old
// one has died, and is not revoked at the end.
func TestTokenFile(t *testing.T) {
	e := sharedEnv(t).mount(t)
	token := func() string {
		t.Helper()
		token, err := e.server.Token(t.Context(), &api.TokenCreateRequest{Policies: []string{PolicyName(roleService)}, TTL: "1h"})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	c := e.base
	c.Auth, c.TokenFile = AuthToken, filepath.Join(e.dir, "token")
	c = resolved(t, c)
	first, second := token(), token()
	write(t, c.TokenFile, first)
	s := mustOpen(t, c)
	works(t, s)
	if err := e.server.Client(first).Auth().Token().RevokeSelf(""); err != nil {
		t.Fatal(err)
	}
	_, err := s.Names(t.Context())
	want(t, "a dead token", err, ErrLogin)
	write(t, c.TokenFile, second)
	eventually(t, "the new token", func() error { _, err := s.Names(t.Context()); return err })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := e.server.Client(second).Auth().Token().LookupSelf(); err != nil {
		t.Errorf("Close revoked a token that it did not make: %v", err)
	}
	write(t, c.TokenFile, "hvs.\x01\x02")
	openFails(t, "a token of strange bytes", c, ErrLogin)
}

// TestAgentSocket: an agent on a Unix socket adds its token; ours adds none.
func TestAgentSocket(t *testing.T) {
	e := sharedEnv(t).mount(t)
	service := e.as(t, roleService)
	client, _, _ := service.session.current()
	target, err := url.Parse(e.base.Address)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = service.session.connection.http.Transport
	agent := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != "" {
			t.Error("a token was sent to the agent")
		}
		if r.Header.Get("X-Vault-Namespace") != "" {
			t.Error("a namespace of the environment was sent")
		}
		r.Header.Set("X-Vault-Token", client.Token())
		proxy.ServeHTTP(w, r)
	}))
	socket := filepath.Join(t.TempDir(), "agent.sock")
	agent.Listener.Close()
	if agent.Listener, err = net.Listen("unix", socket); err != nil {
		t.Fatal(err)
	}
	agent.Start()
	defer agent.Close()
	c := e.base
	c.Address, c.CAFile, c.Auth = "unix://"+socket, "", AuthAgent
	s := mustOpen(t, resolved(t, c))
	if err := s.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	a, err := s.Seed(t.Context(), "sessions")
	if err != nil {
		t.Fatal(err)
	}
	if b, err := service.Seed(t.Context(), "sessions"); err != nil || a != b {
		t.Errorf("the agent gives another seed (%v)", err)
	}
	_, err = s.Rewrap(t.Context())
	want(t, "what the agent's role may not", err, ErrDenied)
}

// TestMaximalLife: tokens die after 8 s however often they are renewed, and a
// service that works all the time does not notice: not one request is denied.
func TestMaximalLife(t *testing.T) {
	e := ownEnv(t, vaulttest.Options{MaxTTL: 8 * time.Second})
	root := e.server.Client(e.server.RootToken)
	_, err := root.Logical().Write("auth/approle/role/short", map[string]any{
		"token_policies": PolicyName(roleService), "token_ttl": "4s", "token_max_ttl": "8s",
	})
	if err != nil {
		t.Fatal(err)
	}
	c := e.base
	c.Auth = AuthAppRole
	if c.RoleIDFile, c.SecretIDFile, err = e.server.AppRole(t.Context(), e.dir, "short", ""); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, resolved(t, c))
	s.session.mu.Lock() // the renewal takes it before each request
	denied := countDenied(&s.session.connection.http.Transport)
	s.session.mu.Unlock()
	if err := s.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); time.Since(start) < 9*time.Second; time.Sleep(50 * time.Millisecond) {
		if _, err := s.Seed(t.Context(), "sessions"); err != nil {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
	}
	if _, generation, _ := s.session.current(); generation < 2 || denied.Load() > 0 {
		t.Errorf("%d logins in 9 s with a maximal life of 8 s, %d requests denied; want at least 2 and none", generation, denied.Load())
	}
}

// TestExpiry: without any renewal (a machine that slept) a token that expired in
// mid-session is replaced by the request that needs it.
func TestExpiry(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator, s := e.as(t, roleOperator), e.as(t, roleService)
	mustRotate(t, operator, 1)
	signer, err := keys.NewSigner(t.Context(), s, 0)
	if err != nil {
		t.Fatal(err)
	}
	before := mustSign(t, signer, "head")
	client, generation, _ := s.session.current()
	if err := e.server.Client(client.Token()).Auth().Token().RevokeSelf(""); err != nil {
		t.Fatal(err)
	}
	if mustSign(t, signer, "head") != before {
		t.Error("another signature after the new login")
	}
	if _, now, _ := s.session.current(); now != generation+1 {
		t.Errorf("%d logins, want one", now-generation)
	}
	// A denial by policy does not log in again.
	_, err = s.Rewrap(t.Context())
	want(t, "a denial", err, ErrDenied)
	if _, now, _ := s.session.current(); now != generation+1 {
		t.Error("a denial by policy caused a login")
	}
	// Where the credentials were taken away too, the error says so, at once
	// and without asking Vault each time.
	if err := os.WriteFile(s.config.SecretIDFile, []byte("gone\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	client, _, _ = s.session.current()
	if err := e.server.Client(client.Token()).Auth().Token().RevokeSelf(""); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		sig, err := signer.Sign(t.Context(), []byte("head"))
		want(t, "no credentials", err, ErrLogin)
		if sig.Version != 0 {
			t.Error("an error with a signature")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, s.config.SecretIDFile, err = e.server.AppRole(ctx, e.dir, PolicyName(roleService), ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, "new credentials", func() error { _, err := signer.Sign(ctx, []byte("head")); return err })
}

// TestPolicyGivenLater: an old login learns of a right that its role got.
func TestPolicyGivenLater(t *testing.T) {
	e := sharedEnv(t).mount(t)
	root := e.server.Client(e.server.RootToken)
	role := map[string]any{"token_policies": PolicyName(roleAuditor)}
	if _, err := root.Logical().Write("auth/approle/role/later", role); err != nil {
		t.Fatal(err)
	}
	c := e.base
	c.Auth = AuthAppRole
	var err error
	if c.RoleIDFile, c.SecretIDFile, err = e.server.AppRole(t.Context(), e.dir, "later", ""); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, resolved(t, c))
	want(t, "before", s.Create(t.Context(), "sessions"), ErrDenied)
	role["token_policies"] = PolicyName(roleService)
	if _, err := root.Logical().Write("auth/approle/role/later", role); err != nil {
		t.Fatal(err)
	}
	want(t, "a young login", s.Create(t.Context(), "sessions"), ErrDenied)
	s.session.mu.Lock()
	s.session.since = time.Now().Add(-2 * oldToken)
	s.session.mu.Unlock()
	if err := s.Create(t.Context(), "sessions"); err != nil {
		t.Errorf("an old login: %v", err)
	}
}
