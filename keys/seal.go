package keys

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
)

// seal encrypts seeds to key: the content of a key file.
func seal(seeds map[string]Seed, key unlocker) ([]byte, error) {
	r, err := key.recipient()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		return nil, err
	}
	plain := format(seeds, key.tag)
	defer clear(plain)
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unseal is the inverse of seal. It tries all keys of u and returns the one
// that opened the file; on error it returns no seeds at all.
//
// A file whose age header was damaged in the part that holds the wrapped file
// key cannot be told from one that was made for another key: ErrWrongKey.
func unseal(file []byte, u Unlock) (map[string]Seed, unlocker, error) {
	if len(u.keys) == 0 {
		return nil, nil, fmt.Errorf("%w: none was given", ErrUnlock)
	}
	for _, key := range u.keys {
		r, err := age.Decrypt(bytes.NewReader(file), key)
		if _, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
		}
		plain, err := io.ReadAll(io.LimitReader(r, int64(maxPlain)+1))
		defer clear(plain)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
		}
		if len(plain) > maxPlain {
			return nil, nil, fmt.Errorf("%w: longer than %d seeds", ErrCorrupt, MaxSeeds)
		}
		seeds, auth, err := parse(plain)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
		}
		if subtle.ConstantTimeCompare([]byte(auth), []byte(key.tag(body(seeds)))) != 1 {
			return nil, nil, fmt.Errorf("%w: it was not written by an owner of the identity; restore it from a backup", ErrCorrupt)
		}
		return seeds, key, nil
	}
	return nil, nil, ErrWrongKey
}
