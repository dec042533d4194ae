package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/intake"
)

var queryCommand = &cli.Command{
	Name: "query", Usage: "ask a partner whether probes are on one of its watchlists", ArgsUsage: "PROBE...",
	Description: "PROBE is a file or a folder with templates in any form that puente template import knows, or - for stdin.\n" +
		"Impressions of one finger, and for fused schemes the eyes and fingers of one person, make one probe.\n" +
		"Each probe is one session. Exit code 10 if any probe hits, 0 if none does.\n" +
		"A hit is a lead for a human examiner; puente claim asks for the reference behind a slot.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "partner", Aliases: []string{"p"}, Usage: "`NAME` of the holder"},
		&cli.StringFlag{Name: "watchlist", Aliases: []string{"w"}, Usage: "`NAME` of its watchlist"},
		&cli.StringFlag{Name: "purpose", Usage: "`CODE` of the purpose; needed if the agreement has several"},
		&cli.StringFlag{Name: "basis", Usage: "`CODE` of the legal basis, likewise"},
		&cli.StringFlag{Name: "case", Usage: "`REFERENCE` of the case; only a salted hash leaves this machine"},
		fingerFlag,
		&cli.BoolFlag{Name: "any-quality", Usage: "ask about probes that are too poor to be enrolled, as an auditor's blank is"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up a probe after this `DURATION`", Value: 10 * time.Minute},
		jsonFlag,
	},
	Action: func(c *cli.Context) error {
		if err := needs(c, "partner", "watchlist"); err != nil {
			return err
		}
		if c.NArg() == 0 {
			return usagef("query takes at least one probe file, or - for stdin")
		}
		if c.Duration("timeout") <= 0 {
			return usagef("--timeout must be positive")
		}
		a, err := openAgency(c)
		if err != nil {
			return err
		}
		defer a.close()
		p, err := a.partner(c.String("partner"))
		if err != nil {
			return err
		}
		agreed, err := p.agreement.Watchlist(p.Agency, c.String("watchlist"))
		if err != nil {
			return agencyf("%w", err)
		}
		scheme, err := templates.ParseScheme(agreed.Scheme)
		if err != nil {
			return err
		}
		purpose, err := choosePurpose(c, p.agreement)
		if err != nil {
			return err
		}
		probes, err := readProbes(c, scheme)
		if err != nil {
			return err
		}
		q, err := a.newQuerier(c.Context, p, c.String("watchlist"), scheme)
		if err == nil {
			q.purpose, q.caseReference = purpose, c.String("case")
		}
		if err != nil {
			return err
		}
		defer q.client.Close()
		return q.run(c, probes)
	},
}

// probe is one template to ask about.
type probe struct {
	name     string // file and, when it has several, number of the record
	template templates.Template
}

// readProbes reads all probes before anything is sent: they are made to fit the scheme,
// and refused if they are no good. The impressions of a finger and the parts of a person
// make one probe.
func readProbes(c *cli.Context, scheme templates.Scheme) ([]probe, error) {
	o := intake.Options{Scheme: scheme, Read: scheme.ReadOptions(), Gate: intake.Gate{Open: c.Bool("any-quality")}, MixEyes: true, Repeats: true}
	var err error
	if o.Position, err = fingerPattern(c); err != nil {
		return nil, err
	}
	var probes []probe
	var origins []intake.Origin
	of := map[string]int{} // records of a file
	for r, err := range o.Records(c.Args().Slice()) {
		if err != nil {
			return nil, inputf("%w", err)
		}
		probes, origins = append(probes, probe{template: r.Template}), append(origins, r.Sources[0])
		of[r.Sources[0].File]++
	}
	for i, at := range origins {
		if probes[i].name = at.File; of[at.File] > 1 {
			probes[i].name = fmt.Sprintf("%s#%d", at.File, at.Record)
		}
	}
	return probes, nil
}

// readTemplates reads all templates of a file, or of stdin for "-".
func readTemplates(file string, o templates.Options) ([]templates.Template, error) {
	in, err := openInput(file)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	list, err := templates.Read(in, o)
	if err != nil {
		return nil, inputf("%s: %w", file, err)
	}
	return list, nil
}

// querier asks one watchlist of a partner.
type querier struct {
	agency  *agency
	terms   protocol.Terms
	client  *transport.Client
	options transport.MatchOptions
	party   evidence.Party

	purpose       agreement.Purpose
	caseReference string
}

func (a *agency) newQuerier(ctx context.Context, p partner, watchlist string, scheme templates.Scheme) (*querier, error) {
	client, err := a.client(ctx, p)
	if err != nil {
		return nil, err
	}
	party, err := a.party(ctx, p)
	if err != nil {
		return nil, err
	}
	return &querier{agency: a, client: client, party: party, options: transport.MatchOptions{Pool: transport.NewPool(a.threads())},
		terms: protocol.Terms{Requester: a.config.Agency, Holder: p.Agency, Watchlist: watchlist, Scheme: scheme}}, nil
}

// answer is the result of one session, and its JSON form.
type answer struct {
	Probe     string  `json:"probe"`
	Hit       bool    `json:"hit"`
	Slots     []int   `json:"slots"` // positions in the watchlist at this epoch
	Session   string  `json:"session"`
	Entries   int     `json:"entries"`
	Epoch     uint64  `json:"epoch"`
	BytesUp   int64   `json:"bytes_up"`
	BytesDown int64   `json:"bytes_down"`
	Seconds   float64 `json:"seconds"`
}

// ask runs one session.
func (q *querier) ask(ctx context.Context, p probe, progress func(done, total int)) (answer, error) {
	root, err := q.agency.root(ctx)
	if err != nil {
		return answer{}, err
	}
	owner, err := protocol.NewKeyOwner(q.terms, []templates.Template{p.template}, root, newNonce(), nil)
	if err != nil {
		return answer{}, err
	}
	options := q.options
	if progress != nil {
		options.Progress = func(transport.Stats) { progress(owner.Progress(), owner.Pairs()) }
	}
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	party := q.party
	party.Context = ctx
	requester, err := evidence.NewRequester(owner, evidence.Ask{Terms: q.terms, Purpose: q.purpose.Code, Basis: q.purpose.Basis,
		Case: transcript.CaseHash(salt, q.caseReference)}, party)
	if err != nil {
		return answer{}, err
	}
	start := time.Now()
	stats, err := q.client.Match(ctx, requester, options)
	if journal := requester.Journal(); journal != nil {
		defer journal.Close() // with the outcome beside it, the session can be logged
	}
	if err != nil {
		return answer{}, fmt.Errorf("%s: %w", p.name, err)
	}
	hits := append([]int{}, owner.Hits()[0]...)
	if err := keepOutcome(requester.Journal().Dir(), hits, salt, q.caseReference); err != nil {
		return answer{}, err
	}
	accept := owner.Accepted()
	return answer{Probe: p.name, Hit: len(hits) > 0, Slots: hits, Session: owner.Session().String(),
		Entries: int(accept.Entries), Epoch: accept.Epoch,
		BytesUp: stats.BytesUp, BytesDown: stats.BytesDown, Seconds: time.Since(start).Seconds()}, nil
}

// Files that the requester keeps for itself beside the evidence of a session.
const (
	outcomeFile = "outcome" // hit or no-hit
	caseFile    = "case"    // salt and reference of the case: deleting it erases the reference
)

// keepOutcome writes down what the requester alone knows. The outcome comes last: with it
// the session can be logged, and claimed.
func keepOutcome(dir string, hits []int, salt []byte, reference string) error {
	outcome := transcript.OutcomeNoHit
	if reference != "" {
		if err := keepCase(dir, salt, reference); err != nil {
			return err
		}
	}
	if len(hits) > 0 {
		outcome = transcript.OutcomeHit
		var lines []byte
		for _, slot := range hits {
			lines = fmt.Appendf(lines, "%d\n", slot)
		}
		if err := writeFile(nil, filepath.Join(dir, hitsFile), lines); err != nil {
			return err
		}
	}
	return writeFile(nil, filepath.Join(dir, outcomeFile), []byte(outcome+"\n"))
}

// keepCase keeps what the hash of a case's reference hides.
func keepCase(dir string, salt []byte, reference string) error {
	return writeFile(nil, filepath.Join(dir, caseFile), fmt.Appendf(nil, "%x %s\n", salt, reference))
}

// choosePurpose returns the purpose that the flags name, or the only one there is.
func choosePurpose(c *cli.Context, a agreement.Agreement) (agreement.Purpose, error) {
	var found []agreement.Purpose
	for _, p := range a.Purposes {
		if (c.String("purpose") == "" || p.Code == c.String("purpose")) && (c.String("basis") == "" || p.Basis == c.String("basis")) {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return agreement.Purpose{}, usagef("the agreement has no such purpose; puente agreement show lists them")
	}
	return agreement.Purpose{}, usagef("the agreement has %d purposes that fit: name one with --purpose and --basis", len(found))
}

// run asks about all probes, one after the other, and prints what is known, also when
// a later probe fails.
func (q *querier) run(c *cli.Context, probes []probe) error {
	bar := newProgress()
	answers := make([]answer, 0, len(probes))
	var failed error
	hits := 0
	for i, p := range probes {
		ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
		what := fmt.Sprintf("probe %d of %d", i+1, len(probes))
		a, err := q.ask(ctx, p, func(done, total int) { bar.update(what, done, total) })
		cancel()
		if err != nil {
			failed = err
			break
		}
		if a.Hit {
			hits++
		}
		answers = append(answers, a)
	}
	bar.done()
	if err := errors.Join(failed, q.show(c, answers), q.agency.logNow(c, q.terms.Holder, q.client)); err != nil {
		return err
	}
	switch {
	case hits > 0:
		return foundHits{hits}
	}
	return nil
}

// logNow appends to the log what waits, and exchanges cosignatures with the partner.
// While serve runs, that is its work. A partner who does not cosign now is asked again
// the next time.
func (a *agency) logNow(c *cli.Context, partner string, client *transport.Client) error {
	ctx := context.WithoutCancel(c.Context)
	l, err := a.openLedger(ctx, slog.New(slog.DiscardHandler))
	if errors.Is(err, transparency.ErrLocked) {
		return nil
	} else if err != nil {
		return err
	}
	if err := l.sync(ctx); err != nil {
		return errors.Join(err, l.close(ctx))
	}
	if err := l.exchange(c.Context, partner, client); err != nil {
		fmt.Fprintf(c.App.ErrWriter, "puente: %s has not cosigned the log yet, puente log witness asks again: %v\n", partner, err)
	}
	return l.close(ctx)
}

func (q *querier) show(c *cli.Context, answers []answer) error {
	if c.Bool("json") {
		return writeJSON(c, map[string]any{"requester": q.terms.Requester, "holder": q.terms.Holder,
			"watchlist": q.terms.Watchlist, "scheme": q.terms.Scheme.String(), "answers": answers})
	}
	if len(answers) == 0 {
		return nil
	}
	t := newTable(c, "probe", "result", "slots", "entries", "epoch", "session", "up", "down", "time")
	for _, a := range answers {
		result := "no hit"
		if a.Hit {
			result = "HIT"
		}
		t.AppendRow([]any{a.Probe, result, slotList(a.Slots), a.Entries, a.Epoch, a.Session,
			byteSize(a.BytesUp), byteSize(a.BytesDown), fmt.Sprintf("%.2f s", a.Seconds)})
	}
	t.Render()
	return nil
}

// slotList shows at most eight slots.
func slotList(slots []int) string {
	var b strings.Builder
	for i, s := range slots {
		if i == 8 {
			fmt.Fprintf(&b, " and %d more", len(slots)-i)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, s)
	}
	return b.String()
}

// byteSize shows a number of bytes with three digits.
func byteSize(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, u := float64(n), 0
	for v >= 999.5 && u < len(units)-1 {
		v, u = v/1000, u+1
	}
	if u == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", v, units[u])
}
