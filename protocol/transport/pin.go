package transport

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"sort"
	"strings"
)

// Pin identifies a partner's key: SHA-256 over the SubjectPublicKeyInfo of its
// certificate (RFC 7469, section 2.4). A certificate may be renewed under the
// same key without a new pin. Pins are public.
type Pin [sha256.Size]byte

const pinPrefix = "sha256:"

// PinOf gives the pin of a certificate's key.
func PinOf(cert *x509.Certificate) Pin { return sha256.Sum256(cert.RawSubjectPublicKeyInfo) }

// IdentityPin gives the pin of one's own identity, to hand to partners. It fails
// if the identity has no parsable certificate.
func IdentityPin(identity tls.Certificate) (Pin, error) {
	leaf, err := leafOf(identity)
	if err != nil {
		return Pin{}, err
	}
	return PinOf(leaf), nil
}

// ParsePin reads the form that String writes: "sha256:" and 64 lower-case
// hexadecimal digits, nothing else.
func ParsePin(s string) (Pin, error) {
	var p Pin
	digits, ok := strings.CutPrefix(s, pinPrefix)
	if !ok || len(digits) != 2*len(p) || strings.ToLower(digits) != digits {
		return Pin{}, fmt.Errorf("transport: a pin is %q and %d lower-case hexadecimal digits", pinPrefix, 2*len(p))
	}
	if _, err := hex.Decode(p[:], []byte(digits)); err != nil {
		return Pin{}, fmt.Errorf("transport: a pin is %q and %d lower-case hexadecimal digits", pinPrefix, 2*len(p))
	}
	return p, nil
}

// String writes the pin as ParsePin reads it.
func (p Pin) String() string { return pinPrefix + hex.EncodeToString(p[:]) }

// MarshalText is String, for configuration files.
func (p Pin) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is ParsePin, for configuration files.
func (p *Pin) UnmarshalText(text []byte) error {
	q, err := ParsePin(string(text))
	if err == nil {
		*p = q
	}
	return err
}

// PinLookup gives the partner whose key has the pin, and false if there is none.
// It is asked at every handshake and again at every request, so a partner that
// is removed is out at its next request. It must be safe for concurrent use.
type PinLookup func(Pin) (partner string, ok bool)

// NewPartners makes a PinLookup from a fixed table of partner names. It fails on
// an empty name and on two partners with one pin, because then a session could
// not be attributed.
func NewPartners(pins map[string]Pin) (PinLookup, error) {
	type entry struct {
		name string
		pin  Pin
	}
	table := make([]entry, 0, len(pins))
	seen := make(map[Pin]string, len(pins))
	for name, pin := range pins {
		if name == "" {
			return nil, fmt.Errorf("transport: the partner with %v has no name", pin)
		}
		if other, ok := seen[pin]; ok {
			return nil, fmt.Errorf("transport: partners %q and %q have the same pin", other, name)
		}
		seen[pin] = name
		table = append(table, entry{name, pin})
	}
	sort.Slice(table, func(i, j int) bool { return table[i].name < table[j].name })
	return func(pin Pin) (string, bool) {
		// Every entry is compared, in constant time: how long this takes tells
		// a stranger nothing about whom this agency works with.
		found := -1
		for i := range table {
			eq := subtle.ConstantTimeCompare(table[i].pin[:], pin[:])
			found = subtle.ConstantTimeSelect(eq, i, found)
		}
		if found < 0 {
			return "", false
		}
		return table[found].name, true
	}, nil
}
