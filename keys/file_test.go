package keys

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"github.com/puente-project/puente/keys/durable"
)

// testLogN replaces age's scrypt work factor of 2^18 in tests.
const testLogN = 10

func testPassphrase(p string) Unlock {
	return Unlock{keys: []unlocker{passphraseKey{p, testLogN}}}
}

func testIdentity(t testing.TB, postQuantum bool) Unlock {
	t.Helper()
	var text string
	if postQuantum {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			t.Fatal(err)
		}
		text = id.String()
	} else {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		text = id.String()
	}
	u, err := Identities(strings.NewReader("# comment\n\n" + text + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func unlocks(t testing.TB) map[string]Unlock {
	return map[string]Unlock{
		"passphrase":   testPassphrase("correct horse"),
		"x25519":       testIdentity(t, false),
		"post-quantum": testIdentity(t, true),
	}
}

// newStore makes a key file with the named seeds.
func newStore(t testing.TB, u Unlock, names ...string) (*FileStore, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.age")
	s, err := Init(path, u)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := s.Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	return s, path
}

func TestFileRoundTrip(t *testing.T) {
	for kind, u := range unlocks(t) {
		t.Run(kind, func(t *testing.T) {
			s, path := newStore(t, u, "watchlist/b", "root")
			if err := s.Create(t.Context(), "root"); !errors.Is(err, ErrExists) {
				t.Errorf("second Create: %v, want ErrExists", err)
			}
			other, err := Open(path, u)
			if err != nil {
				t.Fatal(err)
			}
			names, err := other.Names(t.Context())
			if err != nil || !slices.Equal(names, []string{"root", "watchlist/b"}) {
				t.Fatalf("Names = %q, %v", names, err)
			}
			seen := map[Seed]bool{{}: true}
			for _, name := range names {
				a, err := s.Seed(t.Context(), name)
				if err != nil {
					t.Fatal(err)
				}
				b, err := other.Seed(t.Context(), name)
				if err != nil || a != b {
					t.Errorf("%s: differs after reopening (%v)", name, err)
				}
				if seen[a] {
					t.Errorf("%s: a seed that is zero or not new", name)
				}
				seen[a] = true
			}
			// What one store creates the other finds.
			if err := s.Create(t.Context(), "late"); err != nil {
				t.Fatal(err)
			}
			a, _ := s.Seed(t.Context(), "late")
			if b, err := other.Seed(t.Context(), "late"); err != nil || a != b {
				t.Errorf("late seed: %v", err)
			}
			if _, err := s.Seed(t.Context(), "none"); !errors.Is(err, ErrNotFound) {
				t.Errorf("Seed(none): %v, want ErrNotFound", err)
			}
			for _, bad := range []error{
				s.Create(t.Context(), "../x"),
				func() error { _, err := s.Seed(t.Context(), "A"); return err }(),
			} {
				if !errors.Is(bad, ErrName) {
					t.Errorf("bad name: %v, want ErrName", bad)
				}
			}
		})
	}
}

func TestInitAndOpenErrors(t *testing.T) {
	u := testPassphrase("correct horse")
	_, path := newStore(t, u)
	short, err := Passphrase("1234567")
	if err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct {
		name string
		err  error
		want error
	}{
		{"init over a file", second(Init(path, u)), ErrExists},
		{"init without key", second(Init(missing, Unlock{})), ErrUnlock},
		{"init with a short passphrase", second(Init(missing, short)), ErrUnlock},
		{"open nothing", second(Open(missing, u)), ErrNotFound},
		{"open without key", second(Open(path, Unlock{})), ErrUnlock},
		{"wrong passphrase", second(Open(path, testPassphrase("correct hors"))), ErrWrongKey},
		{"identity for a passphrase file", second(Open(path, testIdentity(t, false))), ErrWrongKey},
	} {
		if !errors.Is(tc.err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, tc.err, tc.want)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a failed Init left a file")
	}
	_, path = newStore(t, testIdentity(t, true))
	if _, err := Open(path, testIdentity(t, true)); !errors.Is(err, ErrWrongKey) {
		t.Errorf("other identity: %v, want ErrWrongKey", err)
	}
	if _, err := Open(path, u); !errors.Is(err, ErrWrongKey) {
		t.Errorf("passphrase for an identity file: %v, want ErrWrongKey", err)
	}
}

func second(_ *FileStore, err error) error { return err }

// TestDefaultWorkFactor checks what users get: 2^18.
func TestDefaultWorkFactor(t *testing.T) {
	u, err := Passphrase("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	_, path := newStore(t, u)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	stanza := strings.Split(string(file), "\n")[1]
	if !strings.HasPrefix(stanza, "-> scrypt ") || !strings.HasSuffix(stanza, " 18") {
		t.Errorf("stanza %q, want scrypt with work factor 18", stanza)
	}
}

func TestPermissions(t *testing.T) {
	u := testIdentity(t, false)
	s, path := newStore(t, u, "a")
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("new file has mode %v (%v), want 0600", fi.Mode(), err)
	}
	for _, mode := range []os.FileMode{0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, u); !errors.Is(err, ErrPermissions) {
			t.Errorf("open with mode %o: %v, want ErrPermissions", mode, err)
		}
		if err := s.Create(t.Context(), "b"); !errors.Is(err, ErrPermissions) {
			t.Errorf("create with mode %o: %v, want ErrPermissions", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, u); err != nil {
		t.Errorf("mode 0400: %v", err)
	}
}

func TestRekey(t *testing.T) {
	kinds := unlocks(t)
	old := kinds["passphrase"]
	s, path := newStore(t, old, "a")
	want, _ := s.Seed(t.Context(), "a")
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		next := kinds[kind]
		if err := s.Rekey(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if kind != "passphrase" {
			if _, err := Open(path, old); !errors.Is(err, ErrWrongKey) {
				t.Errorf("to %s: the old key gives %v, want ErrWrongKey", kind, err)
			}
		}
		re, err := Open(path, next)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := re.Seed(t.Context(), "a"); err != nil || got != want {
			t.Errorf("to %s: the seed changed (%v)", kind, err)
		}
		old = next
	}
	if err := s.Rekey(t.Context(), Unlock{}); !errors.Is(err, ErrUnlock) {
		t.Errorf("to nothing: %v, want ErrUnlock", err)
	}
}

// TestSeveralIdentities: all are tried, and a rewrite keeps the one that fits.
func TestSeveralIdentities(t *testing.T) {
	a, b := testIdentity(t, false), testIdentity(t, true)
	_, path := newStore(t, a, "x")
	both := Unlock{keys: append(slices.Clone(b.keys), a.keys...)}
	s, err := Open(path, both)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "y"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, a); err != nil {
		t.Errorf("the owner of the file was locked out: %v", err)
	}
}

func TestSymlinkIsFollowedOnce(t *testing.T) {
	u := testIdentity(t, false)
	_, path := newStore(t, u)
	link := filepath.Join(t.TempDir(), "link.age")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	s, err := Open(link, u)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Lstat(link); err != nil || fi.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced by a file")
	}
	if other, err := Open(path, u); err != nil || len(other.seeds) != 1 {
		t.Errorf("the target was not written: %v", err)
	}
}

func TestFullStore(t *testing.T) {
	s, _ := newStore(t, testIdentity(t, false))
	seeds := map[string]Seed{}
	for i := range MaxSeeds {
		name := fmt.Sprintf("%0*d", MaxName, i) // the longest file there can be
		seeds[name] = NewSeed()
	}
	if err := s.write(seeds, s.key); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "one-more"); err == nil {
		t.Error("no error above MaxSeeds")
	}
	other, err := Open(s.path, s.unlock)
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(other.seeds, seeds) {
		t.Error("the full store differs after reopening")
	}
}

func TestStoreRedacts(t *testing.T) {
	const secret = "correct horse"
	u := testPassphrase(secret)
	s, path := newStore(t, u, "a")
	seed, _ := s.Seed(t.Context(), "a")
	var log bytes.Buffer
	l := slog.New(slog.NewTextHandler(&log, nil))
	l.Info("m", "store", s, "unlock", u, "any", []any{s, u})
	texts := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		texts = append(texts, fmt.Sprintf(verb, s), fmt.Sprintf(verb, u), fmt.Sprintf(verb, []any{s, u}))
	}
	_, notFound := s.Seed(t.Context(), "b")
	texts = append(texts, notFound.Error(), s.Create(t.Context(), "a").Error(), second(Init(path, u)).Error(),
		second(Open(path, testPassphrase(secret+"x"))).Error())
	for _, text := range texts {
		if leaks(text, seed) || strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) {
			t.Errorf("a secret in %q", text)
		}
	}
}

// TestStoreModel runs random calls on two stores over one file against a map.
func TestStoreModel(t *testing.T) {
	u := testIdentity(t, false)
	rapid.Check(t, func(rt *rapid.T) {
		a, path := newStore(t, u)
		b, err := Open(path, u)
		if err != nil {
			rt.Fatal(err)
		}
		model := map[string]Seed{}
		name := rapid.SampledFrom([]string{"a", "b", "c/d", "e"})
		store := rapid.SampledFrom([]*FileStore{a, b})
		rt.Repeat(map[string]func(*rapid.T){
			"create": func(rt *rapid.T) {
				n, s := name.Draw(rt, "name"), store.Draw(rt, "store")
				_, exists := model[n]
				err := s.Create(t.Context(), n)
				if exists != errors.Is(err, ErrExists) || !exists && err != nil {
					rt.Fatalf("Create: %v, exists %v", err, exists)
				}
				if !exists {
					model[n], _ = s.Seed(t.Context(), n)
				}
			},
			"seed": func(rt *rapid.T) {
				n := name.Draw(rt, "name")
				want, exists := model[n]
				got, err := store.Draw(rt, "store").Seed(t.Context(), n)
				if exists != (err == nil) || got != want {
					rt.Fatalf("Seed: %v, exists %v", err, exists)
				}
			},
			"names": func(rt *rapid.T) {
				got, err := store.Draw(rt, "store").Names(t.Context())
				if err != nil || !slices.Equal(got, slices.Sorted(maps.Keys(model))) {
					rt.Fatalf("Names = %q, %v", got, err)
				}
			},
		})
	})
}

func TestCreateGivesUpWithContext(t *testing.T) {
	s, path := newStore(t, testIdentity(t, false))
	unlock, err := durable.Lock(t.Context(), lockPath(path))
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := contextSoon(t)
	defer cancel()
	if err := s.Create(ctx, "a"); !errors.Is(err, ErrLocked) {
		t.Errorf("Create under a foreign lock: %v, want ErrLocked", err)
	}
}
