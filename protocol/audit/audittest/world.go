package audittest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency/view"
	"github.com/puente-project/puente/templates"
)

// Options of a world.
type Options struct {
	Sessions int
	// Edit is called for each session before anything is signed.
	Edit func(*Session)
	// Agreement changes the agreement before it is used.
	Agreement func(*agreement.Agreement)
}

// World is two agencies with all that they have recorded.
type World struct {
	Agreement agreement.Agreement
	Parties   [2]*Party // cl, us
	Sessions  []*Session
	Now       time.Time // after everything
}

// Party is an agency.
type Party struct {
	Name     string
	Keys     []*Key // versions 1 and 2; 2 from the middle of the sessions on
	LogKey   ed25519.PrivateKey
	Witness  ed25519.PrivateKey
	Entries  []string                     // texts of the log's entries
	Evidence map[string]map[string][]byte // by folder below evidence/, by file
	// Cosigned is the number of entries that the partner has cosigned; -1 is all.
	Cosigned int
	// Remembered are the entries of the log that the partner has seen; nil is those that
	// it has cosigned.
	Remembered []string
	// Strangers are further keys for public.json.
	Strangers []*Key
}

// Start is when the agencies set up their logs.
var Start = time.Date(2025, 3, 3, 6, 0, 0, 0, time.UTC)

const (
	irisList   = "wanted-iris"
	vectorList = "wanted-face"
)

// New makes a world. In every run of 16 sessions one was aborted half-way and one never
// reached the holder; every fourth session cl is asked by us.
// Session 2 and every sixteenth behind it has three probes, session 10 has 5 in two waves. Epochs change every 40
// sessions and cl changes its key in the middle.
func New(o Options) *World {
	iris, err := templates.NewIrisScheme(templates.Shape{Rows: 16, Cols: 128, Filters: 1, Planes: 1}, 31)
	if err != nil {
		panic(err)
	}
	vector, err := templates.NewVectorScheme(128)
	if err != nil {
		panic(err)
	}
	w := &World{Agreement: agreement.Agreement{
		Version: 1, Parties: [2]string{"cl", "us"}, ClockSkew: 120,
		Watchlists: []agreement.Watchlist{
			{Holder: "cl", Name: vectorList, Scheme: vector.String(), MinEntries: 50},
			{Holder: "us", Name: vectorList, Scheme: vector.String(), MinEntries: 50},
			{Holder: "us", Name: irisList, Scheme: iris.String(), MinEntries: 100},
		},
		Purposes: []agreement.Purpose{{Code: "border", Basis: "treaty-2025-4", Daily: 100}, {Code: "fugitive", Basis: "treaty-2025-7", Daily: 20}},
		Claims:   &agreement.Claims{WindowHours: 72, PerSession: 2, Daily: 10, Bases: []string{"treaty-2025-7", "warrant"}},
	}}
	if o.Agreement != nil {
		o.Agreement(&w.Agreement)
	}
	for i, name := range w.Agreement.Parties {
		w.Parties[i] = &Party{
			Name: name, Keys: []*Key{NewKey(name+" 1", 1), NewKey(name+" 2", 2)},
			LogKey: edKey(name + " log"), Witness: edKey(name + " witness"), Evidence: map[string]map[string][]byte{}, Cosigned: -1,
		}
	}
	w.prelude()
	clock := Start.Add(time.Hour)
	for n := range o.Sessions {
		w.events(n, o.Sessions, clock)
		s := w.plan(n, o.Sessions, clock)
		if o.Edit != nil {
			o.Edit(s)
		}
		s.play(w)
		w.Sessions = append(w.Sessions, s)
		clock = clock.Add(37 * time.Minute)
	}
	w.Now = clock.Add(time.Hour)
	return w
}

// prelude logs keys, agreement and first epochs.
func (w *World) prelude() {
	for i, p := range w.Parties {
		p.Log(transcript.KeyEntry{Status: "active", Key: p.Keys[0].Public(), Time: Start})
		p.Log(transcript.AgreementEntry{Partner: w.Parties[1-i].Name, Agreement: w.Agreement.Digest(), Time: Start.Add(time.Minute)})
	}
	w.epochs(1, Start.Add(2*time.Minute))
}

// epochs logs a state of every watchlist.
func (w *World) epochs(epoch uint64, at time.Time) {
	for _, l := range w.Agreement.Watchlists {
		w.Party(l.Holder).Log(Epoch(l, epoch, at))
	}
}

// Epoch is the entry for a state of a watchlist.
func Epoch(l agreement.Watchlist, epoch uint64, at time.Time) transcript.EpochEntry {
	entries := 300 + epoch
	if l.Name == vectorList {
		entries = 100 + epoch
	}
	return transcript.EpochEntry{Watchlist: l.Name, Scheme: l.Scheme, Epoch: epoch, Entries: entries,
		Root: digest("root", l.Holder, l.Name, epoch), Time: at}
}

// events are what happens between sessions.
func (w *World) events(n, sessions int, at time.Time) {
	if n > 0 && n%40 == 0 {
		w.epochs(epochOf(n), at.Add(-5*time.Minute))
	}
	if n > 0 && n == sessions/2 {
		p := w.Parties[0]
		p.Log(transcript.KeyEntry{Status: "active", Key: p.Keys[1].Public(), Time: at.Add(-4 * time.Minute)})
		p.Log(transcript.KeyEntry{Status: "retired", Key: p.Keys[0].Public(), Time: at.Add(-4 * time.Minute)})
	}
}

func epochOf(n int) uint64 { return uint64(n/40) + 1 }

// Log appends an entry.
func (p *Party) Log(e transcript.Entry) { p.Entries = append(p.Entries, e.Text()) }

// Party returns the party of a name; it panics if there is none.
func (w *World) Party(name string) *Party {
	for _, p := range w.Parties {
		if p.Name == name {
			return p
		}
	}
	panic("no party " + name)
}

// Public returns what the auditor trusts of a party.
func (p *Party) Public() audit.Public {
	var keys []signature.PublicKey
	for _, k := range append(append([]*Key{}, p.Keys...), p.Strangers...) {
		keys = append(keys, k.Public())
	}
	log, err := view.LogVerifier("puente/"+p.Name, p.LogKey.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	witness, err := view.WitnessVerifier(p.Name, p.Witness.Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	return audit.Public{Agency: p.Name, Keys: keys, Log: log, Witness: witness}
}

// Canary is one on a watchlist of us: its sessions with a hit had the probe, the first two
// others the blank.
func (w *World) Canary() audit.Canary {
	c := audit.Canary{Version: 1, Holder: "us", Watchlist: irisList, Epoch: 1, Handle: "0123456789abcdef"}
	for _, s := range w.Sessions {
		switch {
		case s.Holder.Name != c.Holder || s.Request.Watchlist != c.Watchlist || s.Stop > 0:
		case s.Outcome == transcript.OutcomeHit:
			c.Probes = append(c.Probes, s.Grant.Session.String())
		case len(c.Blanks) < 2:
			c.Blanks = append(c.Blanks, s.Grant.Session.String()[:16])
		}
	}
	return c
}

// Input is the audit of both parties that were written to dir.
func (w *World) Input(dir string) audit.Input {
	in := audit.Input{Agreements: []agreement.Agreement{w.Agreement}, Now: w.Now}
	for _, p := range w.Parties {
		in.Parties = append(in.Parties, audit.Party{Agency: p.Name, Dir: dir + "/" + p.Name})
		in.Public = append(in.Public, p.Public())
	}
	return in
}

// digest makes a digest that stands for something.
func digest(parts ...any) transcript.Digest { return sha256.Sum256(fmt.Appendln(nil, parts...)) }
