package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/hashicorp/vault/api"

	"github.com/puente-project/puente/keys/internal/private"
)

// maxLoginFile bounds role ids, secret ids and tokens.
const maxLoginFile = 4096

// grant is a token and its life. TTL 0 means that it does not end.
type grant struct {
	client    *api.Client // with the token
	ttl       time.Duration
	full      time.Duration // ttl at login
	renewable bool
}

// loginOnce logs in by the configured method. The errors are classified; those
// of a refusal are ErrLogin.
func (s *session) loginOnce(ctx context.Context) (grant, error) {
	c := s.connection.config
	switch c.Auth {
	case AuthAppRole:
		role, err := readLoginFile("role_id_file", c.RoleIDFile)
		if err != nil {
			return grant{}, err
		}
		secret, err := s.secretID(ctx)
		if err != nil {
			return grant{}, err
		}
		return s.authenticate(ctx, map[string]any{"role_id": role, "secret_id": secret})
	case AuthCert:
		body := map[string]any{}
		if c.CertRole != "" {
			body["name"] = c.CertRole
		}
		// The certificate is shown when a connection is made; an open one may
		// have been made with an older certificate.
		s.connection.http.CloseIdleConnections()
		return s.authenticate(ctx, body)
	case AuthToken:
		token, err := readLoginFile("token_file", c.TokenFile)
		if err != nil {
			return grant{}, err
		}
		return s.adopt(ctx, token)
	default: // AuthAgent
		client, err := s.connection.client("")
		return grant{client: client}, err
	}
}

// readLoginFile reads a one-line secret.
func readLoginFile(setting, path string) (string, error) {
	text, err := private.Read(path, maxLoginFile)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", ErrLogin, setting, err)
	}
	defer clear(text)
	value := string(bytes.TrimSpace(text))
	if value == "" {
		return "", fmt.Errorf("%w: %s %s is empty", ErrLogin, setting, path)
	}
	return value, nil
}

// authenticate posts to the login path of the auth mount.
func (s *session) authenticate(ctx context.Context, body map[string]any) (grant, error) {
	client, err := s.connection.client("")
	if err != nil {
		return grant{}, err
	}
	r := request{op: "log in", path: "auth/" + s.connection.config.AuthMount + "/login", body: body, hush: true}
	answer, err := s.connection.once(ctx, client, r)
	if err != nil {
		return grant{}, refusal(err)
	}
	if answer.Auth == nil || answer.Auth.ClientToken == "" {
		return grant{}, fmt.Errorf("%w: a login without a token", ErrServer)
	}
	g := grant{ttl: time.Duration(answer.Auth.LeaseDuration) * time.Second, renewable: answer.Auth.Renewable}
	g.client, err = s.connection.client(answer.Auth.ClientToken)
	return g, err
}

// refusal makes ErrLogin of the ways in which Vault refuses credentials.
func refusal(err error) error {
	switch {
	case errors.Is(err, ErrDenied), errors.Is(err, ErrLogin), errors.Is(err, ErrServer) && strings.Contains(err.Error(), "status 400"):
		return fmt.Errorf("%w: the credentials are wrong, expired or used up", ErrLogin)
	case errors.Is(err, errNotThere), errors.Is(err, ErrNotProvisioned):
		return fmt.Errorf("%w: there is no such login method or role", ErrLogin)
	}
	return err
}

// adopt asks Vault about a token that somebody else made.
func (s *session) adopt(ctx context.Context, token string) (grant, error) {
	client, err := s.connection.client(token)
	if err != nil {
		return grant{}, err
	}
	answer, err := s.connection.once(ctx, client, request{op: "look up token", path: "auth/token/lookup-self"})
	if err != nil {
		return grant{}, refusal(err)
	}
	g := grant{client: client}
	g.renewable, _ = answer.Data["renewable"].(bool)
	ttl, _ := answer.Data["ttl"].(json.Number)
	seconds, err := ttl.Int64()
	if err != nil || seconds < 0 {
		return grant{}, fmt.Errorf("%w: a token without ttl", ErrServer)
	}
	g.ttl = time.Duration(seconds) * time.Second
	return g, nil
}

// secretID returns the AppRole's secret id: the file's content, or what its
// wrapping token wraps. A wrapping token works once, so its secret id is kept
// in memory for later logins, until the file has another token.
func (s *session) secretID(ctx context.Context) (string, error) {
	c := s.connection.config
	text, err := readLoginFile("secret_id_file", c.SecretIDFile)
	if err != nil || !c.SecretIDWrapped {
		return text, err
	}
	mark := sha256.Sum256([]byte(text))
	if s.unwrapped != "" && mark == s.unwrappedFrom {
		return s.unwrapped, nil
	}
	client, err := s.connection.client("")
	if err != nil {
		return "", err
	}
	// A wrapping token that was not made by this role's secret-id endpoint was
	// put there by somebody who wants us to use a role of his.
	look := request{op: "look up wrapped secret id", path: "sys/wrapping/lookup", body: map[string]any{"token": text}, hush: true}
	answer, err := s.connection.once(ctx, client, look)
	if err != nil {
		return "", unwrapRefusal(err)
	}
	from, _ := answer.Data["creation_path"].(string)
	if ok, _ := path.Match("auth/"+c.AuthMount+"/role/*/secret-id", from); !ok {
		return "", fmt.Errorf("%w: the wrapping token in secret_id_file was not made by auth/%s: do not trust who put it there", ErrLogin, c.AuthMount)
	}
	unwrapper, err := s.connection.client(text)
	if err != nil {
		return "", err
	}
	answer, err = s.connection.once(ctx, unwrapper, request{op: "unwrap secret id", path: "sys/wrapping/unwrap", body: map[string]any{}, hush: true})
	if err != nil {
		return "", unwrapRefusal(err)
	}
	secret, _ := answer.Data["secret_id"].(string)
	if secret == "" {
		return "", fmt.Errorf("%w: the wrapping token wraps no secret id", ErrLogin)
	}
	s.unwrapped, s.unwrappedFrom = secret, mark
	return secret, nil
}

func unwrapRefusal(err error) error {
	if err := refusal(err); !errors.Is(err, ErrLogin) {
		return err
	}
	return fmt.Errorf("%w: the wrapping token in secret_id_file is expired or was used already; if not by this agency, revoke the secret id", ErrLogin)
}
