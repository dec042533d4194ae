package vault

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/puente-project/puente/keys"
)

// Store is an agency's secrets in Vault. It must be closed. It redacts itself
// when printed. Its methods may be called concurrently.
type Store struct {
	config  Config
	session *session
}

// Open logs in and returns the store; a goroutine keeps the login valid until
// Close. The configuration must come from Resolve. log gets a line when a
// renewal fails and when it works again, without secrets; nil: none. The error is
// ErrConfig, ErrLogin or a class of an absent Vault.
func Open(ctx context.Context, c Config, log *slog.Logger) (*Store, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	conn, err := newConnection(c)
	if err != nil {
		return nil, err
	}
	session, err := newSession(ctx, conn, log)
	if err != nil {
		return nil, err
	}
	return &Store{c, session}, nil
}

// Close ends the renewal and revokes the token, if this store logged in for it.
// Calls that follow fail with ErrClosed.
func (s *Store) Close() error { return s.session.close(context.Background()) }

// Seed implements keys.Store. It takes two requests.
func (s *Store) Seed(ctx context.Context, name string) (keys.Seed, error) {
	if err := keys.CheckName(name); err != nil {
		return keys.Seed{}, err
	}
	op := fmt.Sprintf("read seed %q", name)
	for retried := false; ; retried = true {
		r, err := s.record(ctx, op, name)
		if err != nil {
			return keys.Seed{}, err
		}
		seed, err := s.open(ctx, op, name, r)
		// The data key may have been rewrapped, and its older version retired,
		// between the two requests.
		if errors.Is(err, errVersion) && !retried {
			continue
		}
		return seed, err
	}
}

// record reads the record of a seed; the error is keys.ErrNotFound if there is none.
func (s *Store) record(ctx context.Context, op, name string) (record, error) {
	answer, err := s.session.do(ctx, request{op: op, path: s.config.KV + "/data/" + seedsPath + name})
	if err == nil {
		var r record
		if r, err = parseRecord(answer.Data); err == nil {
			return r, nil
		}
		err = fmt.Errorf("%s in Vault at %s: %w", op, s.config.Address, err)
	}
	if errors.Is(err, errNotThere) {
		return record{}, fmt.Errorf("seed %q in Vault at %s: %w", name, s.config.Address, keys.ErrNotFound)
	}
	return record{}, err
}

// open has Vault unwrap the data key and decrypts the seed with it.
func (s *Store) open(ctx context.Context, op, name string, r record) (keys.Seed, error) {
	answer, err := s.session.do(ctx, request{
		op: op, path: s.config.Transit + "/decrypt/" + keyWrap, body: map[string]any{"ciphertext": r.key},
	})
	if err != nil {
		return keys.Seed{}, err
	}
	text, _ := answer.Data["plaintext"].(string)
	dataKey, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return keys.Seed{}, fmt.Errorf("%s: %w: the data key is not base64", op, ErrServer)
	}
	defer clear(dataKey)
	seed, err := openSeed(name, r.sealed, dataKey)
	if err != nil {
		return keys.Seed{}, fmt.Errorf("%s in Vault at %s: %w", op, s.config.Address, err)
	}
	return seed, nil
}

// Names implements keys.Store.
func (s *Store) Names(ctx context.Context) ([]string, error) {
	names, err := s.list(ctx, seedsPath)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

// list returns the names of all KV values under a path that ends in '/',
// without that path. Names that no seed can have are left out.
func (s *Store) list(ctx context.Context, under string) ([]string, error) {
	var names []string
	for folders := []string{""}; len(folders) > 0; {
		folder := folders[0]
		folders = folders[1:]
		answer, err := s.session.do(ctx, request{op: "list " + under, path: s.config.KV + "/metadata/" + under + folder, list: true})
		if errors.Is(err, errNotThere) {
			continue
		} else if err != nil {
			return nil, err
		}
		entries, _ := answer.Data["keys"].([]any)
		for _, e := range entries {
			text, _ := e.(string)
			name := folder + text
			inner, isFolder := strings.CutSuffix(name, "/")
			switch {
			case keys.CheckName(inner) != nil:
			case isFolder:
				folders = append(folders, name)
			default:
				names = append(names, name)
			}
			if len(names)+len(folders) > keys.MaxSeeds {
				return nil, fmt.Errorf("list %s: %w: more than %d entries", under, ErrServer, keys.MaxSeeds)
			}
		}
	}
	return names, nil
}

// Create implements keys.Store.
func (s *Store) Create(ctx context.Context, name string) error {
	if err := keys.CheckName(name); err != nil {
		return err
	}
	return s.create(ctx, name, keys.NewSeed(), "")
}

// create stores a seed under a new name, with a public part that belongs to it.
func (s *Store) create(ctx context.Context, name string, seed keys.Seed, public string) error {
	op := fmt.Sprintf("create seed %q", name)
	exists := fmt.Errorf("seed %q in Vault at %s: %w", name, s.config.Address, keys.ErrExists)
	if _, err := s.record(ctx, op, name); err == nil {
		return exists
	} else if !errors.Is(err, keys.ErrNotFound) {
		return err
	}
	r, err := s.sealNew(ctx, op, name, seed)
	if err != nil {
		return err
	}
	r.public = public
	failed := s.put(ctx, op, seedsPath+name, r.fields(), 0)
	if failed == nil {
		return nil
	}
	// Another one was faster; or the answer to our own write was lost and the
	// repetition found it. Vault says "mismatch" to those who may overwrite and
	// "denied" to those who may only create.
	if !errors.Is(failed, errMismatch) && !errors.Is(failed, ErrDenied) {
		return failed
	}
	there, err := s.record(ctx, op, name)
	switch {
	case errors.Is(err, keys.ErrNotFound):
		return failed
	case err != nil:
		return err
	case bytes.Equal(there.sealed, r.sealed):
		return nil
	}
	return exists
}

// sealNew encrypts a seed under a new data key.
func (s *Store) sealNew(ctx context.Context, op, name string, seed keys.Seed) (record, error) {
	answer, err := s.session.do(ctx, request{
		op: op, path: s.config.Transit + "/datakey/plaintext/" + keyWrap, body: map[string]any{"bits": 8 * dataKeySize},
	})
	if err != nil {
		return record{}, err
	}
	text, _ := answer.Data["plaintext"].(string)
	wrapped, _ := answer.Data["ciphertext"].(string)
	dataKey, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(dataKey) != dataKeySize || !strings.HasPrefix(wrapped, "vault:v") || len(wrapped) > maxWrapped {
		return record{}, fmt.Errorf("%s: %w: it is no data key", op, ErrServer)
	}
	defer clear(dataKey)
	sealed, err := sealSeed(name, seed, dataKey)
	return record{key: wrapped, sealed: sealed}, err
}

// put writes a KV value over the version that was read, 0 for a new one.
func (s *Store) put(ctx context.Context, op, path string, fields map[string]any, version int) error {
	_, err := s.session.do(ctx, request{
		op: op, path: s.config.KV + "/data/" + path,
		body: map[string]any{"data": fields, "options": map[string]any{"cas": version}},
	})
	return err
}

// Format writes the address alone for every verb.
func (s *Store) Format(f fmt.State, _ rune) { io.WriteString(f, "vault.Store("+s.config.Address+")") }

// LogValue returns the address alone.
func (s *Store) LogValue() slog.Value {
	return slog.StringValue("vault.Store(" + s.config.Address + ")")
}
