package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/puente-project/puente/keys"
)

// A seed's record in the KV engine. Vault's KV values are JSON objects; all
// fields are strings.
//
//	format  "1"
//	key     the data key, wrapped by transit: "vault:v<version>:<base64>"
//	sealed  base64 of nonce (12) | AES-256-GCM ciphertext and tag (32 + 16)
//	public  for signing/<n>/mldsa65: the ML-DSA-65 public key in base64
//
// The associated data of the ciphertext is
//
//	"puente vault seed\n" | be32 format | be16 len(name) | name | be16 len(purpose) | purpose
//
// so that no record can stand in for another. Purpose is the first part of the
// name. transit's own associated_data is not used: rewrap could not give it.
type record struct {
	key     string // wrapped
	sealed  []byte
	public  string
	version int // of the KV engine, for check-and-set
}

const (
	recordFormat = 1
	nonceSize    = 12
	sealedSize   = nonceSize + keys.SeedSize + 16
	dataKeySize  = 32
	maxWrapped   = 512 // 89 characters today
)

var errRecord = errors.New("it was damaged or exchanged")

func associated(name string) []byte {
	purpose, _, _ := strings.Cut(name, "/")
	b := []byte("puente vault seed\n")
	b = binary.BigEndian.AppendUint32(b, recordFormat)
	for _, part := range []string{name, purpose} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(part)))
		b = append(b, part...)
	}
	return b
}

func gcm(dataKey []byte) (cipher.AEAD, error) {
	if len(dataKey) != dataKeySize {
		return nil, fmt.Errorf("%w: the data key has %d bytes", keys.ErrCorrupt, len(dataKey))
	}
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// sealSeed encrypts a seed for its name under a fresh data key.
func sealSeed(name string, seed keys.Seed, dataKey []byte) ([]byte, error) {
	aead, err := gcm(dataKey)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, nonceSize, sealedSize)
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, seed[:], associated(name)), nil
}

// openSeed is the inverse of sealSeed.
func openSeed(name string, sealed, dataKey []byte) (keys.Seed, error) {
	aead, err := gcm(dataKey)
	if err != nil {
		return keys.Seed{}, err
	}
	if len(sealed) != sealedSize {
		return keys.Seed{}, fmt.Errorf("%w: the ciphertext has %d bytes", keys.ErrCorrupt, len(sealed))
	}
	plain, err := aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], associated(name))
	if err != nil {
		return keys.Seed{}, fmt.Errorf("%w: %w", keys.ErrCorrupt, errRecord)
	}
	defer clear(plain)
	return keys.Seed(plain), nil
}

// fields returns the record as the data of a KV value.
func (r record) fields() map[string]any {
	f := map[string]any{
		"format": fmt.Sprint(recordFormat),
		"key":    r.key,
		"sealed": base64.StdEncoding.EncodeToString(r.sealed),
	}
	if r.public != "" {
		f["public"] = r.public
	}
	return f
}

// parseRecord reads the answer to a KV read. A deleted value gives errNotThere.
func parseRecord(answer map[string]any) (record, error) {
	fields, version, err := parseKV(answer)
	if err != nil {
		return record{}, err
	}
	if fields["format"] != fmt.Sprint(recordFormat) {
		return record{}, fmt.Errorf("%w: a record of unknown format", keys.ErrCorrupt)
	}
	r := record{key: fields["key"], public: fields["public"], version: version}
	if !strings.HasPrefix(r.key, "vault:v") || len(r.key) > maxWrapped {
		return record{}, fmt.Errorf("%w: a record without a wrapped data key", keys.ErrCorrupt)
	}
	if r.sealed, err = base64.StdEncoding.Strict().DecodeString(fields["sealed"]); err != nil || len(r.sealed) != sealedSize {
		return record{}, fmt.Errorf("%w: a record without its ciphertext", keys.ErrCorrupt)
	}
	return r, nil
}

// parseKV returns the strings of a KV value and its version.
func parseKV(answer map[string]any) (map[string]string, int, error) {
	data, _ := answer["data"].(map[string]any)
	meta, _ := answer["metadata"].(map[string]any)
	if data == nil {
		return nil, 0, errNotThere
	}
	number, _ := meta["version"].(json.Number)
	version, err := number.Int64()
	if err != nil || version < 1 {
		return nil, 0, fmt.Errorf("%w: a KV value without a version", ErrServer)
	}
	fields := make(map[string]string, len(data))
	for name, value := range data {
		text, ok := value.(string)
		if !ok {
			return nil, 0, fmt.Errorf("%w: a record of another kind", keys.ErrCorrupt)
		}
		fields[name] = text
	}
	return fields, int(version), nil
}
