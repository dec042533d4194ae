package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// ErrInput: input that cannot be used, so that no report can be made. It is about the
// auditor's own files and arguments; what is wrong in a party's folder is a finding.
var ErrInput = errors.New("unusable input")

// Input is what an audit works on.
type Input struct {
	// Parties are one or both parties to the agreement, with their folders. With one, the
	// checks of the sides against each other are counted as not made.
	Parties []Party
	// Public are the parties' keys, from a channel that the auditor trusts and not from
	// the folders. Signatures of an agency without an entry are not checked.
	Public []Public
	// Agreements are all versions of the agreement between the parties that were in force.
	Agreements []agreement.Agreement
	// Canaries are those that the auditor has planted.
	Canaries []Canary
	// Now is the time of the audit, against which dates in the future are found; with the
	// zero time this is not checked.
	Now time.Time
}

// Party is what one agency handed over.
type Party struct {
	Agency string
	// Dir holds log/, log-witness/, evidence/ and agreement.json.
	Dir string
}

// Public is an agency's public.json: the keys with which it signs.
type Public struct {
	Agency  string
	Keys    []signature.PublicKey // all versions, also retired and revoked ones
	Log     view.Verifier         // signs the checkpoints of its log
	Witness view.Verifier         // cosigns the partner's checkpoints
}

type publicFile struct {
	Version    int      `json:"puente_public"`
	Agency     string   `json:"agency"`
	Keys       []string `json:"keys"`
	LogKey     string   `json:"log_key"`
	WitnessKey string   `json:"witness_key"`
}

// ParsePublic reads a public.json. Errors match ErrInput.
func ParsePublic(data []byte) (Public, error) {
	bad := func(format string, args ...any) (Public, error) {
		return Public{}, fmt.Errorf("public keys: %w: %s", ErrInput, fmt.Sprintf(format, args...))
	}
	if len(data) > maxPublic {
		return bad("%d bytes, at most %d", len(data), maxPublic)
	}
	var f publicFile
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return bad("%v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return bad("more than one JSON value")
	}
	switch {
	case f.Version != 1:
		return bad("puente_public is %d, this program knows 1", f.Version)
	case !transcript.ValidCode(f.Agency):
		return bad("the agency is not 1 to 64 characters of a-z, 0-9 and -")
	case len(f.Keys) == 0:
		return bad("%s has no signing key", f.Agency)
	}
	p := Public{Agency: f.Agency}
	seen := map[signature.KeyID]bool{}
	for _, text := range f.Keys {
		k, err := signature.ParsePublicKeyText(text)
		if err != nil {
			return bad("%s: %v", f.Agency, err)
		}
		if seen[k.ID()] {
			return bad("%s: the key %s is listed twice", f.Agency, k.ID().Short())
		}
		seen[k.ID()] = true
		p.Keys = append(p.Keys, k)
	}
	var err error
	if p.Log, err = view.ParseLogKey(f.LogKey); err != nil {
		return bad("%s: log_key: %v", f.Agency, err)
	}
	if p.Witness, err = view.ParseWitnessKey(f.WitnessKey); err != nil {
		return bad("%s: witness_key: %v", f.Agency, err)
	}
	return p, nil
}

// Encode returns the form that ParsePublic reads: JSON with a final newline.
func (p Public) Encode() []byte {
	f := publicFile{Version: 1, Agency: p.Agency, LogKey: p.Log.String(), WitnessKey: p.Witness.String()}
	for _, k := range p.Keys {
		f.Keys = append(f.Keys, k.String())
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("audit: strings always encode: %v", err))
	}
	return append(b, '\n')
}

// Check refuses an input with which no report can be made. Errors match ErrInput.
func (in Input) Check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrInput, fmt.Sprintf(format, args...))
	}
	if len(in.Parties) < 1 || len(in.Parties) > 2 {
		return bad("%d parties, one or two are audited together", len(in.Parties))
	}
	if len(in.Agreements) == 0 {
		return bad("no agreement")
	}
	parties := in.Agreements[0].Parties
	for _, a := range in.Agreements {
		if a.Parties != parties {
			return bad("the agreements are between different parties")
		}
	}
	for i, p := range in.Parties {
		if p.Agency != parties[0] && p.Agency != parties[1] {
			return bad("%s is no party to the agreement between %s and %s", p.Agency, parties[0], parties[1])
		}
		if i > 0 && in.Parties[0].Agency == p.Agency {
			return bad("%s is given twice", p.Agency)
		}
		if in.public(p.Agency) == nil {
			return bad("there are no trusted keys of %s", p.Agency)
		}
	}
	for i, p := range in.Public {
		for _, q := range in.Public[:i] {
			if p.Agency == q.Agency {
				return bad("the keys of %s are given twice", p.Agency)
			}
		}
	}
	return nil
}

// public returns the trusted keys of an agency, or nil.
func (in Input) public(agency string) *Public {
	for i := range in.Public {
		if in.Public[i].Agency == agency {
			return &in.Public[i]
		}
	}
	return nil
}
