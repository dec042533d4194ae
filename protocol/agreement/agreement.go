// Package agreement is the policy that two agencies have signed, in the form in which
// both programs and an auditor read it: who may search which watchlist under which
// scheme, for which purposes, how often.
//
//	a, err := agreement.Parse(file)
//	digest := a.Digest()                     // goes into every session
//	err = a.Allows("cl", "us", "wanted-iris", scheme, "border", "treaty-2025-4")
//
// Both parties hold the same bytes. The package imports nothing that holds a secret.
package agreement

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// Errors of this package, for errors.Is.
var (
	// ErrFormat: bytes that are no agreement in canonical form.
	ErrFormat = errors.New("malformed agreement")
	// ErrNotAllowed: the agreement does not allow it.
	ErrNotAllowed = errors.New("not allowed by the agreement")
)

// MaxSize bounds an agreement in bytes.
const MaxSize = 1 << 20

// Agreement is the policy between two parties.
type Agreement struct {
	Version    int         `json:"puente_agreement"` // 1
	Parties    [2]string   `json:"parties"`          // names of agencies, ascending
	Watchlists []Watchlist `json:"watchlists"`       // by holder, then name
	Purposes   []Purpose   `json:"purposes"`         // by code, then basis
	// ClockSkew is by how many seconds the parties' clocks may differ, at most an hour.
	ClockSkew uint64 `json:"clock_skew_seconds"`
	// Claims says when the reference behind a hit is released; without it, never.
	Claims *Claims `json:"claims,omitempty"`
}

// Watchlist is one that the holder lets the other party search.
type Watchlist struct {
	Holder string `json:"holder"`
	Name   string `json:"name"`
	// Scheme is the canonical text, threshold included.
	Scheme string `json:"scheme"`
	// MinEntries is the smallest size at which the holder answers, at least 1.
	MinEntries uint64 `json:"min_entries"`
}

// Purpose is a reason to search, with its legal basis.
type Purpose struct {
	Code  string `json:"code"`
	Basis string `json:"basis"`
	// Daily is about how many probes a requester may ask for it in a UTC day, at least 1. A
	// session counts with all its probes, also when it is aborted.
	Daily uint64 `json:"daily"`
}

// Parse reads an agreement. It accepts exactly what Encode gives.
func Parse(data []byte) (Agreement, error) {
	var a Agreement
	if len(data) > MaxSize {
		return a, fmt.Errorf("%w: %d bytes, at most %d", ErrFormat, len(data), MaxSize)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		return Agreement{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Agreement{}, fmt.Errorf("%w: more than one JSON value", ErrFormat)
	}
	if err := a.Validate(); err != nil {
		return Agreement{}, err
	}
	if !bytes.Equal(a.Encode(), data) {
		return Agreement{}, fmt.Errorf("%w: not in canonical form; write it with puente agreement", ErrFormat)
	}
	return a, nil
}

// Encode returns the canonical form: JSON indented by two spaces, one final newline.
func (a Agreement) Encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(a); err != nil {
		panic(fmt.Sprintf("agreement: numbers and strings always encode: %v", err))
	}
	return b.Bytes()
}

// Digest identifies the agreement: SHA-256 of its canonical form.
func (a Agreement) Digest() transcript.Digest { return sha256.Sum256(a.Encode()) }

// Normalise brings the lists into their order.
func (a *Agreement) Normalise() {
	slices.Sort(a.Parties[:])
	slices.SortFunc(a.Watchlists, compareWatchlists)
	slices.SortFunc(a.Purposes, comparePurposes)
	if a.Claims != nil {
		slices.Sort(a.Claims.Bases)
	}
}

func compareWatchlists(a, b Watchlist) int {
	return slices.Compare([]string{a.Holder, a.Name}, []string{b.Holder, b.Name})
}

func comparePurposes(a, b Purpose) int {
	return slices.Compare([]string{a.Code, a.Basis}, []string{b.Code, b.Basis})
}

// Validate refuses an agreement that cannot be applied. Errors wrap ErrFormat.
func (a Agreement) Validate() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
	}
	switch {
	case a.Version != 1:
		return bad("puente_agreement is %d, this program knows 1", a.Version)
	case !transcript.ValidCode(a.Parties[0]) || !transcript.ValidCode(a.Parties[1]):
		return bad("a party is not 1 to 64 characters of a-z, 0-9 and -")
	case a.Parties[0] >= a.Parties[1]:
		return bad("the parties must differ and be in order")
	case a.ClockSkew > 3600:
		return bad("clock_skew_seconds is %d, at most 3600", a.ClockSkew)
	case len(a.Watchlists) == 0 || len(a.Purposes) == 0:
		return bad("at least one watchlist and one purpose are needed")
	}
	if err := a.Claims.validate(); err != nil {
		return bad("claims: %v", err)
	}
	for i, w := range a.Watchlists {
		if w.Holder != a.Parties[0] && w.Holder != a.Parties[1] {
			return bad("watchlist %s: holder %q is no party", w.Name, w.Holder)
		}
		if !transcript.ValidCode(w.Name) || w.MinEntries == 0 {
			return bad("watchlist %q: the name must be a-z, 0-9 and -, min_entries at least 1", w.Name)
		}
		if _, err := templates.ParseScheme(w.Scheme); err != nil {
			return bad("watchlist %s: %v", w.Name, err)
		}
		if i > 0 && compareWatchlists(a.Watchlists[i-1], w) >= 0 {
			return bad("watchlists must differ and be in order of holder and name")
		}
	}
	for i, p := range a.Purposes {
		if !transcript.ValidCode(p.Code) || !transcript.ValidCode(p.Basis) || p.Daily == 0 {
			return bad("purpose %q: code and basis must be a-z, 0-9 and -, daily at least 1", p.Code)
		}
		if i > 0 && comparePurposes(a.Purposes[i-1], p) >= 0 {
			return bad("purposes must differ and be in order of code and basis")
		}
	}
	return nil
}

// Partner returns the other party.
func (a Agreement) Partner(agency string) (string, error) {
	switch agency {
	case a.Parties[0]:
		return a.Parties[1], nil
	case a.Parties[1]:
		return a.Parties[0], nil
	}
	return "", fmt.Errorf("%w: %s is no party", ErrNotAllowed, agency)
}

// Watchlist returns what was agreed on a holder's watchlist.
func (a Agreement) Watchlist(holder, name string) (Watchlist, error) {
	for _, w := range a.Watchlists {
		if w.Holder == holder && w.Name == name {
			return w, nil
		}
	}
	return Watchlist{}, fmt.Errorf("%w: %s has no watchlist %q in it", ErrNotAllowed, holder, name)
}

// Purpose returns what was agreed on a purpose.
func (a Agreement) Purpose(code, basis string) (Purpose, error) {
	for _, p := range a.Purposes {
		if p.Code == code && p.Basis == basis {
			return p, nil
		}
	}
	return Purpose{}, fmt.Errorf("%w: purpose %s on the basis %s is not in it", ErrNotAllowed, code, basis)
}

// Check refuses a request that the agreement does not allow, but for its quota, which
// needs the other requests of the day. Errors wrap ErrNotAllowed.
func (a Agreement) Check(r transcript.Request) error {
	if r.Agreement != a.Digest() {
		return fmt.Errorf("%w: the request is under another agreement", ErrNotAllowed)
	}
	if partner, err := a.Partner(r.Requester); err != nil {
		return err
	} else if partner != r.Holder {
		return fmt.Errorf("%w: %s is no party", ErrNotAllowed, r.Holder)
	}
	w, err := a.Watchlist(r.Holder, r.Watchlist)
	if err != nil {
		return err
	}
	if w.Scheme != r.Scheme {
		return fmt.Errorf("%w: watchlist %s is agreed with scheme %s, the request has %s", ErrNotAllowed, w.Name, w.Scheme, r.Scheme)
	}
	_, err = a.Purpose(r.Purpose, r.Basis)
	return err
}
