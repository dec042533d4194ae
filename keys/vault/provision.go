package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Step is one change that Provision makes.
type Step struct {
	Purpose string         // one line for people
	Path    string         // in Vault's API, without /v1/
	Body    map[string]any // what is written
	Present func(*Store, context.Context) (bool, error)
}

// String prints the step as a command for Vault's own program.
func (s Step) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\nvault write %s", s.Purpose, s.Path)
	policy, _ := s.Body["policy"].(string)
	for _, name := range slices.Sorted(maps.Keys(s.Body)) {
		value := fmt.Sprint(s.Body[name])
		switch pairs, ok := s.Body[name].(map[string]any); {
		case name == "policy":
			value = "-"
		case ok: // Vault takes one pair for a map of one
			for k, v := range pairs {
				value = fmt.Sprintf("%s=%v", k, v)
			}
		}
		if strings.ContainsAny(value, " :,") {
			value = "'" + value + "'"
		}
		fmt.Fprintf(&b, " %s=%s", name, value)
	}
	if policy != "" {
		fmt.Fprintf(&b, " <<'EOF'\n%sEOF", policy)
	}
	b.WriteString("\n")
	return b.String()
}

// Plan returns the steps that set up Vault for an agency: mounts, transit keys,
// a policy for each role and, with approle, an AppRole for each. c must come from Resolve.
func Plan(c Config, approle bool) []Step {
	steps := []Step{
		{"engine that signs and wraps data keys", "sys/mounts/" + c.Transit,
			map[string]any{"type": "transit", "description": "Puente: signing key and wrapping key"}, mounted(c.Transit, "transit", "")},
		{"engine for encrypted seeds and public keys", "sys/mounts/" + c.KV,
			map[string]any{"type": "kv", "description": "Puente: encrypted seeds, public keys", "options": map[string]any{"version": "2"}}, mounted(c.KV, "kv", "2")},
		{"every write must name the version that it replaces; one older version is kept", c.KV + "/config",
			map[string]any{"cas_required": true, "max_versions": 2}, nil},
		{"the Ed25519 half of the signing key, which never leaves Vault", c.Transit + "/keys/" + keySigning,
			map[string]any{"type": "ed25519", "exportable": false, "allow_plaintext_backup": false}, keyPresent(keySigning, "ed25519")},
		{"the key that wraps data keys", c.Transit + "/keys/" + keyWrap,
			map[string]any{"type": "aes256-gcm96", "exportable": false, "allow_plaintext_backup": false}, keyPresent(keyWrap, "aes256-gcm96")},
	}
	for _, r := range roles {
		steps = append(steps, Step{"rights of the " + r.name, "sys/policies/acl/" + PolicyName(r.name), map[string]any{"policy": c.policy(r.rules)}, nil})
	}
	if !approle {
		return steps
	}
	mount := c.AuthMount
	if c.Auth != AuthAppRole {
		mount = AuthAppRole
	}
	steps = append(steps, Step{"login for programs", "sys/auth/" + mount, map[string]any{"type": "approle"}, authMounted(mount)})
	for _, r := range roles {
		steps = append(steps, Step{"login of the " + r.name, "auth/" + mount + "/role/" + PolicyName(r.name), map[string]any{
			"token_policies": PolicyName(r.name), "token_no_default_policy": true,
			"token_ttl": "1h", "token_max_ttl": "24h", "secret_id_ttl": "0", "bind_secret_id": true,
		}, nil})
	}
	return steps
}

// Provision carries out a plan with an administrator's token, which needs the
// right to make mounts, policies and keys. It may be repeated: what is there stays,
// policies are written anew. After each step it calls report, if not nil, with
// whether something was there already. What is there but of another kind is
// ErrConfig.
func Provision(ctx context.Context, c Config, steps []Step, report func(s Step, present bool)) error {
	if c.Auth != AuthToken {
		return fmt.Errorf("%w: provisioning needs an administrator's token in a file", ErrConfig)
	}
	admin, err := Open(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer admin.Close() // leaves the token, which is not ours
	for _, step := range steps {
		present := false
		if step.Present != nil {
			if present, err = step.Present(admin, ctx); err != nil {
				return err
			}
		}
		if !present {
			if _, err := admin.session.do(ctx, request{op: "provision " + step.Path, path: step.Path, body: step.Body}); err != nil {
				return err
			}
		}
		if report != nil {
			report(step, present)
		}
	}
	return nil
}

// mounted looks for a secret engine.
func mounted(mount, kind, version string) func(*Store, context.Context) (bool, error) {
	return func(s *Store, ctx context.Context) (bool, error) {
		answer, err := s.session.do(ctx, request{op: "list mounts", path: "sys/mounts"})
		if err != nil {
			return false, err
		}
		entry, ok := answer.Data[mount+"/"].(map[string]any)
		if !ok {
			return false, nil
		}
		options, _ := entry["options"].(map[string]any)
		if entry["type"] != kind || version != "" && options["version"] != version {
			return false, fmt.Errorf("%w: %s in Vault at %s is another engine than %s %s; choose another mount", ErrConfig, mount, s.config.Address, kind, version)
		}
		return true, nil
	}
}

// authMounted looks for a login method.
func authMounted(mount string) func(*Store, context.Context) (bool, error) {
	return func(s *Store, ctx context.Context) (bool, error) {
		answer, err := s.session.do(ctx, request{op: "list logins", path: "sys/auth"})
		if err != nil {
			return false, err
		}
		entry, ok := answer.Data[mount+"/"].(map[string]any)
		if ok && entry["type"] != AuthAppRole {
			return false, fmt.Errorf("%w: auth/%s in Vault at %s is no AppRole login; choose another auth_mount", ErrConfig, mount, s.config.Address)
		}
		return ok, nil
	}
}

// keyPresent looks for a transit key and refuses one that could leave Vault.
func keyPresent(name, kind string) func(*Store, context.Context) (bool, error) {
	return func(s *Store, ctx context.Context) (bool, error) {
		answer, err := s.session.do(ctx, request{op: "read key " + name, path: s.config.Transit + "/keys/" + name})
		if errors.Is(err, errNotThere) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		if answer.Data["type"] != kind || answer.Data["exportable"] != false || answer.Data["allow_plaintext_backup"] != false {
			return false, fmt.Errorf("%w: the transit key %s/%s in Vault at %s is not of type %s or can be exported", ErrConfig, s.config.Transit, name, s.config.Address, kind)
		}
		return true, nil
	}
}
