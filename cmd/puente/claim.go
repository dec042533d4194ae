package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transport"
)

var claimCommand = &cli.Command{
	Name: "claim", Usage: "ask the holder for the reference behind a hit", ArgsUsage: "SESSION",
	Description: "SESSION is the id that puente query printed, or its beginning. The claim is signed by this agency and the\n" +
		"answer by the holder; both are logged. The holder learns from it that the slot hit; by which probe of the\n" +
		"session, only the output says. Interrupted, the same command asks again and gets the same answer.\n" +
		"Exit code 7 if the holder refuses or has delisted the entry.",
	Flags: []cli.Flag{
		&cli.Uint64Flag{Name: "slot", Usage: "`N`, one of the slots that hit"},
		&cli.StringFlag{Name: "legal-basis", Usage: "`CODE` out of the agreement's bases for claims"},
		&cli.StringFlag{Name: "purpose", Usage: "`CODE` of the purpose, if it is not the session's"},
		&cli.StringFlag{Name: "case", Usage: "`REFERENCE` of the case; only a salted hash leaves this machine"},
		&cli.DurationFlag{Name: "timeout", Usage: "give up after this `DURATION`", Value: time.Minute},
		jsonFlag,
	},
	Action: func(c *cli.Context) error {
		if c.NArg() > 1 && c.NumFlags() == 0 && strings.HasPrefix(c.Args().Get(1), "-") { // SESSION stands first
			arguments := append([]string{"claim"}, c.Args().Tail()...)
			return c.Command.Run(c, append(arguments, c.Args().First())...)
		}
		if c.NArg() != 1 {
			return usagef("claim takes one argument, the session")
		}
		if !c.IsSet("slot") {
			return usagef("claim needs --slot, see what puente query printed")
		}
		if err := needs(c, "legal-basis"); err != nil {
			return err
		}
		a, err := openAgency(c)
		if err != nil {
			return err
		}
		defer a.close()
		k, err := a.newClaimer(c)
		if err != nil {
			return err
		}
		defer k.client.Close()
		return k.run(c)
	},
}

// refusedFile is what the requester keeps for itself of a claim: why the holder refuses it.
// Another one may be made.
const refusedFile = "refused"

// claimer asks for the reference of one slot of a session.
type claimer struct {
	agency  *agency
	partner partner
	party   evidence.Party
	client  *transport.Client
	session string          // folder
	head    transcript.Note // signed by both
	slot    uint64
	probes  []claimedProbe // that hit the slot
}

func (a *agency) newClaimer(c *cli.Context) (*claimer, error) {
	dir, err := a.sessionDir(c.Args().First())
	if err != nil {
		return nil, err
	}
	k := &claimer{agency: a, session: dir, slot: c.Uint64("slot")}
	var head transcript.Head
	k.head, head, err = readNote(filepath.Join(dir, evidence.HeadFile), transcript.ParseHead)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, inputf("session %s was not completed: there is nothing to claim", filepath.Base(dir))
	} else if err != nil {
		return nil, err
	}
	if head.Request.Requester != a.config.Agency {
		return nil, inputf("session %s was asked by %s, which alone can claim", filepath.Base(dir), head.Request.Requester)
	}
	if err := k.checkHit(); err != nil {
		return nil, err
	}
	if k.partner, err = a.partner(head.Request.Holder); err != nil {
		return nil, err
	}
	if k.party, err = a.party(c.Context, k.partner); err != nil {
		return nil, err
	}
	k.client, err = a.client(c.Context, k.partner)
	return k, err
}

// checkHit refuses a slot that no probe of the session hit, and finds those that did.
func (k *claimer) checkHit() error {
	if outcomeOf(k.session, transcript.Requester) != transcript.OutcomeHit {
		return inputf("session %s has no hit", filepath.Base(k.session))
	}
	hits, err := readHits(k.session)
	if err != nil {
		return err
	}
	for _, h := range hits {
		if h.slot == k.slot {
			k.probes = append(k.probes, claimedProbe{h.number, h.name})
		}
	}
	if len(k.probes) == 0 {
		return inputf("slot %d of session %s did not hit", k.slot, filepath.Base(k.session))
	}
	return nil
}

// claimed is the result, and its JSON form.
type claimed struct {
	Session string `json:"session"`
	Slot    uint64 `json:"slot"`
	// Probes are those of the session that hit the slot.
	Probes    []claimedProbe `json:"probes"`
	Holder    string         `json:"holder"`
	Watchlist string         `json:"watchlist"`
	Outcome   string         `json:"outcome"` // released or withdrawn
	Handle    string         `json:"handle,omitempty"`
	Claim     string         `json:"claim"` // digest
	Decided   string         `json:"decided"`
}

// claimedProbe names a probe, and its JSON form.
type claimedProbe struct {
	Number int    `json:"number"`          // in the session, from 1
	Probe  string `json:"probe,omitempty"` // as query printed it, if the session had several
}

// probeList is for people.
func probeList(list []claimedProbe) string {
	var names []string
	for _, p := range list {
		name := strconv.Itoa(p.Number)
		if p.Probe != "" {
			name += " " + p.Probe
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// errWithdrawn ends a claim of an entry that was delisted.
var errWithdrawn = errors.New("the holder has delisted the entry since the session; its reference is not disclosed")

func (k *claimer) run(c *cli.Context) error {
	ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
	defer cancel()
	k.party.Context = ctx
	claim, err := k.claim(c)
	if err != nil {
		return err
	}
	release, err := k.ask(ctx, claim)
	if err != nil {
		return err
	}
	result := claimed{Session: claim.Session.String(), Slot: claim.Slot, Probes: k.probes, Holder: claim.Holder, Watchlist: claim.Watchlist, Outcome: release.Outcome,
		Handle: release.Released.Handle, Claim: claim.Digest().String(), Decided: release.Time.Format(time.RFC3339)}
	if err := errors.Join(showClaimed(c, result), k.agency.logNow(c, k.partner.Agency, k.client)); err != nil {
		return err
	}
	if release.Outcome == transcript.OutcomeWithdrawn {
		return errWithdrawn
	}
	return nil
}

// claim returns the claim of the slot: one that still waits for its answer or has it, else
// a new one, on disk.
func (k *claimer) claim(c *cli.Context) (evidence.Claim, error) {
	folders, err := os.ReadDir(filepath.Join(k.session, evidence.ClaimsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return evidence.Claim{}, err
	}
	for _, f := range folders {
		dir := filepath.Join(k.session, evidence.ClaimsDir, f.Name())
		claim, err := evidence.ReadClaim(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue // killed before it was written, so it was not sent
		} else if err != nil {
			return claim, inputf("%s: %w", dir, err)
		}
		if _, err := os.Stat(filepath.Join(dir, refusedFile)); err == nil || claim.Slot != k.slot {
			continue
		}
		if claim.Basis != c.String("legal-basis") {
			return claim, inputf("slot %d of session %s was claimed before, on the basis %s", k.slot, claim.Session, claim.Basis)
		}
		return claim, nil
	}
	_, head, err := readNote(filepath.Join(k.session, evidence.HeadFile), transcript.ParseHead)
	if err != nil {
		return evidence.Claim{}, err
	}
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	claim, err := evidence.NewClaim(k.head, k.slot, cmp.Or(c.String("purpose"), head.Request.Purpose), c.String("legal-basis"),
		transcript.CaseHash(salt, c.String("case")), k.party)
	if err != nil {
		return claim, err
	}
	evidence.At("requester: claim signed")
	if reference := c.String("case"); reference != "" {
		dir := claim.Dir(k.session)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return claim, err
		}
		if err := keepCase(dir, salt, reference); err != nil {
			return claim, err
		}
	}
	if err := claim.Keep(k.session); err != nil {
		return claim, err
	}
	evidence.At("requester: claim recorded")
	return claim, nil
}

// ask returns the answer to a claim, from disk if it has come before.
func (k *claimer) ask(ctx context.Context, claim evidence.Claim) (evidence.Release, error) {
	dir := claim.Dir(k.session)
	if err := k.agency.postClaim(k.session, claim); err != nil {
		return evidence.Release{}, err
	}
	release, err := evidence.ReadRelease(dir)
	if err == nil {
		return release, release.Keep(dir)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return release, err
	}
	answer, err := k.client.Claim(ctx, claim.Message())
	var refused *transport.RefusedError
	if errors.As(err, &refused) && final(refused.Class) {
		return release, errors.Join(err, writeFile(nil, filepath.Join(dir, refusedFile), []byte(refused.Reason+"\n")))
	} else if err != nil {
		return release, err
	}
	evidence.At("requester: release came")
	if release, err = evidence.ParseRelease(answer); err != nil {
		return release, classified{exitPeer, err}
	}
	if err := release.Verify(claim, k.head, k.party); err != nil {
		return release, classified{exitPeer, err}
	}
	if err := release.Keep(dir); err != nil {
		return release, err
	}
	evidence.At("requester: release recorded")
	return release, nil
}

// final reports whether a refusal will not change when the same claim is sent again.
func final(c transport.Class) bool {
	return slices.Contains([]transport.Class{transport.ClassInvalid, transport.ClassDenied, transport.ClassNotFound, transport.ClassPrecondition}, c)
}

func showClaimed(c *cli.Context, r claimed) error {
	if c.Bool("json") {
		return writeJSON(c, r)
	}
	t := newTable(c, "session", "slot", "probe", "holder", "watchlist", "outcome", "reference", "decided")
	t.AppendRow([]any{r.Session[:16], r.Slot, probeList(r.Probes), r.Holder, r.Watchlist, r.Outcome, r.Handle, r.Decided})
	t.Render()
	return nil
}
