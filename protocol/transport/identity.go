package transport

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"time"
	"unicode"
	"unicode/utf8"
)

// HKDF labels of this package; TestLabels checks that they differ.
const (
	labelKey    = "puente/v1 transport identity ed25519 seed"
	labelSerial = "puente/v1 transport certificate serial"
)

// maxAgency is the X.520 bound of a common name, in characters.
const maxAgency = 64

// NewIdentity makes an agency's TLS identity: an Ed25519 key derived from the
// seed and a self-signed certificate for it, valid from notBefore to notAfter
// (whole seconds). It is deterministic: the same arguments give the same bytes,
// so that only the 32-byte seed has to be kept, in the key store. The key, and
// with it the pin, depends on the seed alone; a certificate is renewed by
// calling again with later dates.
//
// The agency's name (1 to 64 printable characters) is informative. Partners go
// by the pin, never by the name in the certificate.
func NewIdentity(seed [32]byte, agency string, notBefore, notAfter time.Time) (tls.Certificate, error) {
	if n := utf8.RuneCountInString(agency); n == 0 || n > maxAgency || !utf8.ValidString(agency) {
		return tls.Certificate{}, fmt.Errorf("transport: an agency's name has 1 to %d characters", maxAgency)
	}
	for _, r := range agency {
		if !unicode.IsPrint(r) {
			return tls.Certificate{}, errors.New("transport: the agency's name has a character that cannot be printed")
		}
	}
	notBefore, notAfter = notBefore.UTC().Truncate(time.Second), notAfter.UTC().Truncate(time.Second)
	if !notAfter.After(notBefore) {
		return tls.Certificate{}, errors.New("transport: the certificate would end before it begins")
	}
	keySeed, err := hkdf.Key(sha256.New, seed[:], nil, labelKey, ed25519.SeedSize)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("transport: derive the identity's key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(keySeed)

	// The serial covers whatever may differ between two certificates of a key.
	info := binary.BigEndian.AppendUint64(append([]byte(labelSerial), 0), uint64(notBefore.Unix()))
	info = binary.BigEndian.AppendUint64(info, uint64(notAfter.Unix()))
	info = append(info, agency...)
	serial, err := hkdf.Key(sha256.New, seed[:], nil, string(info), 16)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("transport: derive the serial number: %w", err)
	}
	serial[0] = serial[0]&0x3f | 0x40 // positive, and always 16 bytes long

	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: agency},
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
	}
	// The random source is not used: Ed25519 signatures are deterministic and
	// the serial is given. TestIdentityDeterministic holds that down.
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("transport: make the certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("transport: read back the certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}

// leafOf gives the parsed certificate of an identity.
func leafOf(identity tls.Certificate) (*x509.Certificate, error) {
	if identity.Leaf != nil {
		return identity.Leaf, nil
	}
	if len(identity.Certificate) == 0 {
		return nil, fmt.Errorf("%w: the identity has no certificate", ErrCertificate)
	}
	leaf, err := x509.ParseCertificate(identity.Certificate[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return leaf, nil
}
