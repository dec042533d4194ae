package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/synthetic"
	"github.com/puente-project/puente/testdata"
)

// demoSeed makes the demonstration's people the same every time; keys are fresh.
const demoSeed = 2026

// demoWarrant is the legal basis of claims in the demonstration.
const demoWarrant = "demonstration-warrant"

// act is one watchlist and the probes against it.
type act struct {
	holder, requester side
	watchlist, scheme string
	probes            []demoProbe
}

type demoProbe struct {
	what, file string
	slots      []int // the plaintext matcher's decision
}

// run plays both directions and shows what came of it.
func (d *demo) run(ctx context.Context) error {
	chile := side{name: "cl", country: "Chile", dir: filepath.Join(d.dir, "cl")}
	states := side{name: "us", country: "United States", dir: filepath.Join(d.dir, "us")}
	acts := []act{
		{holder: states, requester: chile, watchlist: "wanted-iris", scheme: "iris-16384"},
		{holder: chile, requester: states, watchlist: "wanted-fingers", scheme: "fingers-10x512"},
	}
	for _, s := range []*side{&chile, &states} {
		var err error
		if s.address, err = freeAddress(); err != nil {
			return err
		}
		args := []string{"--dir", s.dir, "init", "--name", s.name, "--listen", s.address}
		if d.vaults != "" {
			login, err := d.provision(ctx, *s, vaultDir(filepath.Join(d.vaults, s.name)))
			if err != nil {
				return err
			}
			args = append(args, "--vault", login)
		}
		if _, err := d.puente(ctx, args...); err != nil {
			return err
		}
		d.say("%s is an agency: keys, certificate and card in %s", s.country, s.dir)
	}
	for i := range acts {
		if err := d.prepare(ctx, &acts[i]); err != nil {
			return err
		}
	}
	agreed := filepath.Join(d.dir, "agreement.json")
	args := []string{"--dir", chile.dir, "agreement", "new", "--with", states.name, "--purpose", "border/demonstration-treaty=100", "--claim-basis", demoWarrant}
	for _, a := range acts {
		args = append(args, "--watchlist", a.holder.name+"/"+a.watchlist+"="+a.scheme)
	}
	if _, err := d.puente(ctx, append(args, agreed)...); err != nil {
		return err
	}
	for _, a := range acts {
		if _, err := d.puente(ctx, "--dir", a.holder.dir, "partner", "add", filepath.Join(a.requester.dir, cardFile), agreed); err != nil {
			return err
		}
	}
	d.say("both hold the same agreement: watchlists, schemes, purposes and quotas")
	for _, s := range []side{chile, states} {
		if err := d.serve(s); err != nil {
			return err
		}
		d.say("%s serves its watchlist at %s, TLS 1.3 with pinned certificates", s.country, s.address)
	}
	return d.ask(ctx, acts)
}

// prepare enrols the watchlist of an act and writes its probes.
func (d *demo) prepare(ctx context.Context, a *act) error {
	scheme, err := templates.SchemeByName(a.scheme)
	if err != nil {
		return err
	}
	people, err := synthetic.New(scheme, demoSeed)
	if err != nil {
		return err
	}
	list := make([]templates.Template, d.entries)
	for i := range list {
		list[i] = people.Entry(i)
	}
	known, what := people.Genuine(d.entries/2, 1), "four fingers of an enrolled person, captured again"
	if hand, ok := known.(*templates.Fused); ok {
		slap := map[int]templates.Vector{}
		for _, f := range []int{2, 3, 4, 5} {
			slap[f], _ = hand.Finger(f)
		}
		if known, err = templates.NewFused(nil, nil, slap); err != nil {
			return err
		}
	}
	if scheme.Modality == templates.ModalityIris {
		enrolled, err := openIris("orb_output_v1.9.2.json")
		if err != nil {
			return err
		}
		if known, err = openIris("orb_output_v1.9.7.json"); err != nil {
			return err
		}
		list[d.entries/2], what = enrolled, "real eye, enrolled from another pipeline run"
	}
	for i, t := range []templates.Template{known, people.Stranger(1)} {
		p := demoProbe{what: what, file: filepath.Join(d.dir, fmt.Sprintf("%s-probe-%d.json", a.watchlist, i+1))}
		if i == 1 {
			p.what = "somebody who is not on the list"
		}
		matcher, err := templates.NewMatcher(scheme, t)
		if err != nil {
			return err
		}
		for slot, entry := range list {
			if matcher.Hit(entry) {
				p.slots = append(p.slots, slot)
			}
		}
		if err := writeTemplates(p.file, templates.Sequence([]templates.Template{t})); err != nil {
			return err
		}
		a.probes = append(a.probes, p)
	}
	file := filepath.Join(d.dir, a.watchlist+".json")
	if err := writeTemplates(file, templates.Sequence(list)); err != nil {
		return err
	}
	if _, err := d.puente(ctx, "--dir", a.holder.dir, "watchlist", "create", "--scheme", a.scheme, a.watchlist); err != nil {
		return err
	}
	if _, err := d.puente(ctx, "--dir", a.holder.dir, "watchlist", "add", a.watchlist, file); err != nil {
		return err
	}
	d.say("%s enrolled %d entries in %s: %s", a.holder.country, len(list), a.watchlist, scheme)
	return nil
}

func openIris(name string) (templates.Template, error) {
	data, err := testdata.OpenIris.ReadFile("open-iris/" + name)
	if err != nil {
		return nil, err
	}
	list, err := templates.Read(bytes.NewReader(data), templates.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list[0], nil
}

// ask runs the queries of all acts and prints the two decisions side by side.
func (d *demo) ask(ctx context.Context, acts []act) error {
	t := newTable(&cli.Context{App: &cli.App{Writer: d.out}}, "query", "probe", "plaintext", "encrypted", "time per entry", "up", "down")
	var claims []string
	for _, a := range acts {
		for i, p := range a.probes {
			outcome, err := d.query(ctx, a.requester, a.holder, a.watchlist, p.file)
			if err != nil {
				return err
			}
			got, session := outcome.answer, outcome.session
			t.AppendRow([]any{a.requester.name + " asks " + a.holder.name + "'s " + a.watchlist, p.what,
				decision(p.slots), decision(got.Slots), fmt.Sprintf("%.0f us", session.Seconds*1e6/float64(session.Entries)),
				byteSize(session.BytesUp), byteSize(session.BytesDown)})
			if !slices.Equal(got.Slots, p.slots) {
				t.Render()
				return fmt.Errorf("the encrypted decision differs from the plaintext one: please report this")
			}
			d.say("%s asked %s about one probe, %d entries in %.2f s", a.requester.country, a.holder.country, session.Entries, session.Seconds)
			if i == 0 {
				handle, err := d.claim(ctx, a, got)
				if err != nil {
					return err
				}
				claims = append(claims, fmt.Sprintf("%s claimed slot %d of %s on the basis %s: %s released the reference %s",
					a.requester.country, got.Slots[0], a.watchlist, demoWarrant, a.holder.country, handle))
			}
		}
	}
	fmt.Fprintln(d.out)
	t.Render()
	fmt.Fprintln(d.out, "Time is wall time at the requester for one probe, with both parties on this machine.")
	fmt.Fprintln(d.out, "\nWhat each side learned:")
	for _, a := range acts {
		fmt.Fprintf(d.out, "  %-14s hit or no hit for each slot of %s. No score, no template, no handle.\n", a.requester.country+":", a.watchlist)
		fmt.Fprintf(d.out, "  %-14s that it was asked, and how much was sent; not the probe, not the outcome. From its log:\n", a.holder.country+":")
		for _, line := range d.sessions(a.holder) {
			fmt.Fprintf(d.out, "      %s\n", line)
		}
	}
	fmt.Fprintln(d.out, "Both sides hold the same transcript of each session, signed by both with Ed25519 and ML-DSA-65.")
	fmt.Fprintln(d.out, "A hit is a lead for a human examiner. What lies behind a slot is a second request, signed and logged by both:")
	for _, c := range claims {
		fmt.Fprintf(d.out, "  %s\n", c)
	}
	return nil
}

// claim asks for the reference behind the hit of a query.
func (d *demo) claim(ctx context.Context, a act, hit answer) (handle string, err error) {
	out, err := d.puente(ctx, "--dir", a.requester.dir, "claim", "--json", "--slot", fmt.Sprint(hit.Slots[0]), "--legal-basis", demoWarrant, hit.Session)
	if err != nil {
		return "", err
	}
	var result claimed
	if err := json.Unmarshal([]byte(out), &result); err != nil || result.Handle == "" {
		return "", fmt.Errorf("the output of claim has no handle: %w", err)
	}
	return result.Handle, nil
}

func decision(slots []int) string {
	if len(slots) == 0 {
		return "no hit"
	}
	return "HIT slot " + slotList(slots)
}
