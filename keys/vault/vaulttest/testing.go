package vaulttest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/vault/api"
)

// New starts an initialised, unsealed server that ends with the test. Where it
// cannot be built the test is skipped, or fails if the environment has CI=true:
// there a test that did not run is no success.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	binary, err := Binary(context.Background(), os.Stderr)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	s, err := start(t.Context(), binary, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	if err := s.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// AppRole writes the role id and a secret id of an AppRole into dir and returns
// the files' paths. With wrap, a duration such as "60s", the second file holds a
// wrapping token of that life.
func (s *Server) AppRole(ctx context.Context, dir, role, wrap string) (roleFile, secretFile string, err error) {
	root := s.Client(s.RootToken)
	id, err := root.Logical().ReadWithContext(ctx, "auth/approle/role/"+role+"/role-id")
	if err != nil {
		return "", "", err
	}
	if id == nil {
		return "", "", fmt.Errorf("there is no AppRole %q", role)
	}
	root.SetWrappingLookupFunc(func(string, string) string { return wrap })
	secret, err := root.Logical().WriteWithContext(ctx, "auth/approle/role/"+role+"/secret-id", nil)
	if err != nil {
		return "", "", err
	}
	text, _ := secret.Data["secret_id"].(string)
	if wrap != "" {
		text = secret.WrapInfo.Token
	}
	roleID, _ := id.Data["role_id"].(string)
	roleFile, secretFile = filepath.Join(dir, role+".role-id"), filepath.Join(dir, role+".secret-id")
	for path, content := range map[string]string{roleFile: roleID, secretFile: text} {
		if err := os.WriteFile(path, []byte(strings.TrimSpace(content)+"\n"), 0o600); err != nil {
			return "", "", err
		}
	}
	return roleFile, secretFile, nil
}

// Token makes a token with the policies given.
func (s *Server) Token(ctx context.Context, request *api.TokenCreateRequest) (string, error) {
	secret, err := s.Client(s.RootToken).Auth().Token().CreateWithContext(ctx, request)
	if err != nil {
		return "", err
	}
	return secret.Auth.ClientToken, nil
}
