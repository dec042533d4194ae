package keys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/puente-project/puente/keys/internal/private"
)

func TestFromEnvironment(t *testing.T) {
	dir := t.TempDir()
	put := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	pass := put("pass", "two words\n", 0o600)
	crlf := put("crlf", "two words\r\n", 0o400)
	open := put("open", "two words\n", 0o644)
	empty := put("empty", "\n", 0o600)
	long := put("long", strings.Repeat("x", maxPassphrase+3), 0o600)
	ident := put("ident", id.String()+"\n", 0o600)
	identOpen := put("identOpen", id.String()+"\n", 0o640)
	garbage := put("garbage", "AGE-SECRET-KEY-1NOTAKEY\n", 0o600)

	answer := func(s string, err error) func() (string, error) {
		return func() (string, error) { return s, err }
	}
	cancelled := errors.New("cancelled")
	for _, tc := range []struct {
		name   string
		env    map[string]string
		prompt func() (string, error)
		want   string // passphrase, or "identity"
		err    error
	}{
		{"passphrase", map[string]string{EnvPassphrase: "two words"}, nil, "two words", nil},
		{"spaces are kept", map[string]string{EnvPassphrase: " two words "}, nil, " two words ", nil},
		{"file", map[string]string{EnvPassphraseFile: pass}, nil, "two words", nil},
		{"file with CRLF", map[string]string{EnvPassphraseFile: crlf}, nil, "two words", nil},
		{"identity", map[string]string{EnvIdentityFile: ident}, nil, "identity", nil},
		{"prompt", nil, answer("two words", nil), "two words", nil},
		{"environment before prompt", map[string]string{EnvPassphrase: "env words"}, answer("", cancelled), "env words", nil},
		{"prompt fails", nil, answer("", cancelled), "", cancelled},
		{"prompt empty", nil, answer("", nil), "", ErrUnlock},
		{"nothing", nil, nil, "", ErrUnlock},
		{"two variables", map[string]string{EnvPassphrase: "x", EnvIdentityFile: ident}, nil, "", ErrUnlock},
		{"readable file", map[string]string{EnvPassphraseFile: open}, nil, "", ErrPermissions},
		{"readable identity", map[string]string{EnvIdentityFile: identOpen}, nil, "", ErrPermissions},
		{"empty file", map[string]string{EnvPassphraseFile: empty}, nil, "", ErrUnlock},
		{"long file", map[string]string{EnvPassphraseFile: long}, nil, "", private.ErrTooLong},
		{"missing file", map[string]string{EnvPassphraseFile: dir + "/none"}, nil, "", os.ErrNotExist},
		{"bad identity", map[string]string{EnvIdentityFile: garbage}, nil, "", ErrUnlock},
	} {
		t.Run(tc.name, func(t *testing.T) {
			u, err := FromEnvironment(func(k string) string { return tc.env[k] }, tc.prompt)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if err != nil {
				if strings.Contains(err.Error(), "NOTAKEY") || strings.Contains(err.Error(), "words") {
					t.Errorf("secret in %q", err)
				}
				return
			}
			switch k := u.keys[0].(type) {
			case passphraseKey:
				if k.passphrase != tc.want || k.logN != 0 {
					t.Errorf("another passphrase or work factor than given")
				}
			case identityKey:
				if tc.want != "identity" || k.secret != id.String() {
					t.Errorf("unexpected identity")
				}
			}
		})
	}
}
