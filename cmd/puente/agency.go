package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transparency/view"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates/watchlist"
)

// The files of an agency's directory.
const (
	configFile    = "puente.toml" // what a person edits
	cardFile      = "card.toml"   // the public part, for partners
	keyFile       = "keys.age"    // every secret
	partnersDir   = "partners"    // one file a partner
	watchlistsDir = "watchlists"  // one directory a watchlist
)

// Names of the seeds in the key store. Watchlists add "watchlist/<name>".
const (
	seedSessions = "sessions" // root of the seeds of all sessions
	seedIdentity = "identity" // TLS key
	seedLog      = "log"      // keys of the transparency log and of cosignatures
)

// config is puente.toml.
type config struct {
	Agency   string `toml:"agency" comment:"name by which partners know this agency"`
	Listen   string `toml:"listen"`
	Endpoint string `toml:"endpoint"`
	Threads  int    `toml:"threads"` // 0: all processors
	// ResidentMemory is how many MiB of encoded watchlists serve keeps; those that find
	// no room are encoded anew for every query. 0: no limit.
	ResidentMemory int64 `toml:"resident_memory_mib"`
	// KeepMessages keeps the bytes of every session beside its transcript, for replay.
	KeepMessages bool   `toml:"keep_messages"`
	Limits       limits `toml:"limits"`
	// Vault holds the keys in place of keys.age, if the section is there.
	Vault *vault.Config `toml:"vault,omitempty"`
}

// limits are the bounds on partners that an operator may want to change.
type limits struct {
	Sessions           int      `toml:"sessions"`
	SessionsPerPartner int      `toml:"sessions_per_partner"`
	SessionTimeout     duration `toml:"session_timeout"`
	PeerTimeout        duration `toml:"peer_timeout"`
}

// duration is a time.Duration written as "30s".
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && v <= 0 {
		err = errors.New("a duration must be positive")
	}
	*d = duration(v)
	return err
}

// card is what an agency gives to its partners: card.toml.
type card struct {
	Agency   string                `toml:"agency"`
	Endpoint string                `toml:"endpoint"`
	Pin      transport.Pin         `toml:"pin"`     // SHA-256 of the public key in its certificate
	Keys     []signature.PublicKey `toml:"keys"`    // of its signatures, all versions that stand
	Log      string                `toml:"log"`     // key of its log's checkpoints
	Witness  string                `toml:"witness"` // key of its cosignatures under partners' checkpoints
}

// partner is a partner's card, partners/<name>.toml, and the agreement with it,
// partners/<name>.agreement.json.
type partner struct {
	card
	agreement          agreement.Agreement
	logKey, witnessKey view.Verifier
}

// agency is an opened agency directory.
type agency struct {
	dir    string
	config config
	store  keys.Store
}

// readTOML decodes a file strictly: unknown keys are errors.
func readTOML(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	meta, err := toml.NewDecoder(bytes.NewReader(data)).Decode(into)
	if err != nil {
		return agencyf("%s: %w", path, err)
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return agencyf("%s: unknown setting %q", path, unknown[0])
	}
	return nil
}

// writeTOML writes a file behind a comment.
func writeTOML(path, comment string, from any) error {
	var b bytes.Buffer
	for _, line := range strings.Split(comment, "\n") {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	if err := toml.NewEncoder(&b).Encode(from); err != nil {
		return err
	}
	return writeFile(nil, path, b.Bytes())
}

func readConfig(dir string) (config, error) {
	var c config
	path := filepath.Join(dir, configFile)
	if err := readTOML(path, &c); errors.Is(err, fs.ErrNotExist) {
		return c, agencyf("%s is no agency: %s does not exist; create one with puente init, or name one with --dir", dir, path)
	} else if err != nil {
		return c, err
	}
	switch {
	case !protocol.ValidName(c.Agency):
		return c, agencyf("%s: agency %q is not 1 to %d characters of a-z, 0-9 and -", path, c.Agency, protocol.MaxName)
	case c.Threads < 0 || c.Threads > 1024:
		return c, agencyf("%s: threads = %d, allowed are 0 (all processors) to 1024", path, c.Threads)
	case c.ResidentMemory < 0 || c.ResidentMemory > 1<<30:
		return c, agencyf("%s: resident_memory_mib = %d, allowed are 0 (no limit) to %d", path, c.ResidentMemory, 1<<30)
	case c.Limits.Sessions < 1 || c.Limits.SessionsPerPartner < 1:
		return c, agencyf("%s: limits.sessions and limits.sessions_per_partner must be at least 1", path)
	}
	return c, nil
}

// openAgency reads the configuration and opens the key store.
func openAgency(c *cli.Context) (*agency, error) {
	a := &agency{dir: c.Path("dir")}
	var err error
	if a.config, err = readConfig(a.dir); err != nil {
		return nil, err
	}
	vault, err := vaultConfig(filepath.Join(a.dir, configFile))
	if err != nil {
		return nil, err
	}
	if a.store, err = openStore(c.Context, a.dir, vault); err != nil {
		return nil, err
	}
	return a, nil
}

// close ends the login of a key store that has one.
func (a *agency) close() { _ = closeStore(a.store) }

// identity makes this agency's TLS certificate. The key, and so the pin, is always the
// same; the dates move with every start.
func (a *agency) identity(ctx context.Context) (tls.Certificate, error) {
	seed, err := a.store.Seed(ctx, seedIdentity)
	if err != nil {
		return tls.Certificate{}, err
	}
	today := time.Now().UTC().Truncate(24 * time.Hour)
	return transport.NewIdentity(seed, a.config.Agency, today.AddDate(0, 0, -1), today.AddDate(1, 0, 0))
}

// labelSalts derives the key of a watchlist's salts from its seed.
const labelSalts = "puente/v1 watchlist salts"

// evidenceDir is where transcripts are kept.
func (a *agency) evidenceDir() string { return filepath.Join(a.dir, "evidence") }

// party is what sessions with a partner are signed and checked with.
func (a *agency) party(ctx context.Context, p partner) (evidence.Party, error) {
	signer, err := keys.NewSigner(ctx, a.store, 0)
	if err != nil {
		return evidence.Party{}, err
	}
	return evidence.Party{Agency: a.config.Agency, Signer: sessionSigner{signer}, PartnerKeys: p.Keys, Agreement: p.agreement,
		Dir: a.evidenceDir(), KeepMessages: a.config.KeepMessages, Now: now, Context: ctx}, nil
}

// root is the secret from which session seeds are derived.
func (a *agency) root(ctx context.Context) (he.Seed, error) {
	seed, err := a.store.Seed(ctx, seedSessions)
	return he.Seed(seed), err
}

func (a *agency) limits() transport.Limits {
	l := transport.DefaultLimits()
	l.MaxMessage = protocol.MaxMessage
	l.Sessions, l.SessionsPerPartner = a.config.Limits.Sessions, a.config.Limits.SessionsPerPartner
	l.SessionTimeout, l.PeerTimeout = time.Duration(a.config.Limits.SessionTimeout), time.Duration(a.config.Limits.PeerTimeout)
	return l
}

func (a *agency) partnerFile(name string) string {
	return filepath.Join(a.dir, partnersDir, name+".toml")
}

func (a *agency) agreementFile(name string) string {
	return filepath.Join(a.dir, partnersDir, name+".agreement.json")
}

// partner reads what was agreed with a partner.
func (a *agency) partner(name string) (partner, error) {
	var p partner
	if !protocol.ValidName(name) {
		return p, usagef("partner %q is not 1 to %d characters of a-z, 0-9 and -", name, protocol.MaxName)
	}
	path := a.partnerFile(name)
	if err := readTOML(path, &p.card); errors.Is(err, fs.ErrNotExist) {
		return p, agencyf("%s is no partner; add it with puente partner add CARD", name)
	} else if err != nil {
		return p, err
	}
	if p.Agency != name {
		return p, agencyf("%s: agency is %q, but the file is named for %q", path, p.Agency, name)
	}
	if err := p.check(path); err != nil {
		return p, err
	}
	var err error
	if p.agreement, err = readAgreement(a.agreementFile(name)); err != nil {
		return p, agencyf("partner %s: %w", name, err)
	}
	p.logKey, _ = view.ParseLogKey(p.Log) // check has parsed both
	p.witnessKey, _ = view.ParseWitnessKey(p.Witness)
	return p, a.fits(p)
}

// fits refuses an agreement that is not between this agency and the partner.
func (a *agency) fits(p partner) error {
	if other, err := p.agreement.Partner(a.config.Agency); err != nil || other != p.Agency {
		return agencyf("the agreement is between %s and %s, not %s and %s", p.agreement.Parties[0], p.agreement.Parties[1], a.config.Agency, p.Agency)
	}
	return nil
}

// partners reads all partners.
func (a *agency) partners() ([]partner, error) {
	entries, err := os.ReadDir(filepath.Join(a.dir, partnersDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var list []partner
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".toml") // agreements lie beside the cards
		if !ok {
			continue
		}
		p, err := a.partner(name)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// check refuses cards that could not work. where names the file.
func (p card) check(where string) error {
	if !protocol.ValidName(p.Agency) {
		return agencyf("%s: agency %q is not 1 to %d characters of a-z, 0-9 and -", where, p.Agency, protocol.MaxName)
	}
	if p.Pin == (transport.Pin{}) {
		return agencyf("%s: the pin is missing", where)
	}
	if len(p.Keys) == 0 {
		return agencyf("%s: the keys of signatures are missing", where)
	}
	if _, err := view.ParseLogKey(p.Log); err != nil {
		return agencyf("%s: log: %w", where, err)
	}
	if _, err := view.ParseWitnessKey(p.Witness); err != nil {
		return agencyf("%s: witness: %w", where, err)
	}
	if u, err := url.Parse(p.Endpoint); p.Endpoint != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return agencyf("%s: endpoint %q is no https address", where, p.Endpoint)
	}
	return nil
}

func (a *agency) watchlistDir(name string) (string, error) {
	if !protocol.ValidName(name) {
		return "", usagef("watchlist %q is not 1 to %d characters of a-z, 0-9 and -", name, protocol.MaxName)
	}
	return filepath.Join(a.dir, watchlistsDir, name), nil
}

// watchlist opens one of the agency's own watchlists.
func (a *agency) watchlist(ctx context.Context, name string) (*watchlist.Watchlist, error) {
	dir, err := a.watchlistDir(name)
	if err != nil {
		return nil, err
	}
	seed, err := a.store.Seed(ctx, "watchlist/"+name)
	if errors.Is(err, keys.ErrNotFound) {
		return nil, agencyf("there is no watchlist %q in %s; create it with puente watchlist create", name, a.dir)
	} else if err != nil {
		return nil, err
	}
	return watchlist.Open(dir, seed)
}

// watchlists returns the names of the agency's own watchlists.
func (a *agency) watchlists() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(a.dir, watchlistsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && protocol.ValidName(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
