package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency"
	"github.com/puente-project/puente/protocol/transparency/view"
	"github.com/puente-project/puente/protocol/transport"
)

// The agency's transparency log is written by one process at a time: by serve while it
// runs, else by the command that needs it. What is to be logged is therefore first a file:
// the evidence of a session, or a statement in the outbox. sync appends what is not in the
// log yet and leaves a mark beside it; killed between the two, it finds the entry again.
const (
	logDir        = "log"
	logWitnessDir = "log-witness"
	outboxDir     = "outbox"
	loggedFile    = "logged" // index in the log
	claimOf       = "claim"  // in the outbox: the session of a claim that is to be logged

	// lockWait is how long a command waits for the log before it leaves it to serve.
	lockWait = 50 * time.Millisecond
)

// ledger is an opened log with what belongs to it.
type ledger struct {
	agency  *agency
	log     *transparency.Log
	witness *transparency.Witness
	mu      sync.Mutex      // one sync at a time
	logged  map[string]bool // folders that have their mark
}

// logKeys derives the keys of the log's checkpoints and of cosignatures.
func (a *agency) logKeys(ctx context.Context) (signer, cosigner *transparency.Signer, log, witness view.Verifier, err error) {
	seed, err := a.store.Seed(ctx, seedLog)
	if err != nil {
		return nil, nil, log, witness, err
	}
	origin := "puente/" + a.config.Agency
	if signer, log, err = transparency.NewSigner(seed.Derive("puente/v1 log checkpoint", nil), origin); err != nil {
		return nil, nil, log, witness, err
	}
	cosigner, witness, err = transparency.NewCosigner(seed.Derive("puente/v1 log cosignature", nil), origin+"/witness")
	return signer, cosigner, log, witness, err
}

// openLedger opens the log for writing. The error is transparency.ErrLocked while
// another process has it.
func (a *agency) openLedger(ctx context.Context, out *slog.Logger) (*ledger, error) {
	signer, cosigner, own, witness, err := a.logKeys(ctx)
	if err != nil {
		return nil, err
	}
	list, err := a.partners()
	if err != nil {
		return nil, err
	}
	var partners []transparency.Partner
	for _, p := range list {
		dir := filepath.Join(a.dir, logWitnessDir, p.Agency)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
		partners = append(partners, transparency.Partner{Name: p.Agency, Dir: dir, Log: p.logKey, Witness: p.witnessKey})
	}
	l := &ledger{agency: a, logged: map[string]bool{}}
	if l.log, err = transparency.Open(ctx, filepath.Join(a.dir, logDir), transparency.Options{
		Origin: "puente/" + a.config.Agency, Signer: signer, Verifier: own, Partners: partners, LockWait: lockWait, Log: out}); err != nil {
		return nil, err
	}
	if l.witness, err = transparency.NewWitness(cosigner, witness, partners...); err != nil {
		return nil, errors.Join(err, l.log.Close(ctx))
	}
	return l, nil
}

func (l *ledger) close(ctx context.Context) error { return l.log.Close(ctx) }

// post puts a statement into the outbox under a name that it is known by for ever.
func (a *agency) post(name string, entry transcript.Entry) error {
	dir := filepath.Join(a.dir, outboxDir, name)
	if _, err := os.Stat(filepath.Join(dir, "entry")); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writeFile(nil, filepath.Join(dir, "entry"), []byte(entry.Text()))
}

// postKeys announces the versions of the signing key in the state in which they are now.
func (a *agency) postKeys(versions keys.SigningVersions) error {
	for _, v := range versions {
		status := keyState(v, versions.Newest())
		if err := a.post(fmt.Sprintf("key-%d-%s", v.Public.Version, status), transcript.KeyEntry{Status: status, Key: v.Public, Time: now()}); err != nil {
			return err
		}
	}
	return nil
}

// announceKeys posts the state of the signing keys, and puts those that stand on the
// card, after an operator has changed them.
func announceKeys(ctx context.Context, dir string, store keys.Store) error {
	if _, err := os.Stat(filepath.Join(dir, cardFile)); errors.Is(err, fs.ErrNotExist) {
		return nil // Vault is being set up before the agency
	}
	a := &agency{dir: dir, store: store}
	var err error
	if a.config, err = readConfig(dir); err != nil {
		return err
	}
	versions, err := keys.ListSigning(ctx, store)
	if err != nil {
		return err
	}
	if err := a.postKeys(versions); err != nil {
		return err
	}
	var own card
	if err := readTOML(filepath.Join(dir, cardFile), &own); err != nil {
		return err
	}
	own.Keys = versions.PublicKeys()
	return writeTOML(filepath.Join(dir, cardFile), cardComment, own)
}

// epoch announces a state of a watchlist and has it in the log before it returns.
func (l *ledger) epoch(ctx context.Context, e transcript.EpochEntry) error {
	if err := l.agency.post(fmt.Sprintf("epoch-%s-%d-%.16s", e.Watchlist, e.Epoch, e.Root), e); err != nil {
		return err
	}
	return l.sync(ctx)
}

// exchange has the partner cosign our newest checkpoint, and cosigns the partner's.
func (l *ledger) exchange(ctx context.Context, partner string, client *transport.Client) error {
	return errors.Join(l.log.Exchange(ctx, partner, client), l.witness.Observe(ctx, partner, client))
}

// sync appends what is not logged yet, by time.
func (l *ledger) sync(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	list, err := l.unlogged()
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b waiting) int { return a.at.Compare(b.at) })
	for _, w := range list {
		index, found, err := l.log.Contains(ctx, []byte(w.text))
		if err == nil && !found {
			evidence.At(l.agency.config.Agency + " log: before an entry")
			index, err = l.log.Append(ctx, []byte(w.text))
			evidence.At(l.agency.config.Agency + " log: behind an entry")
		}
		if err != nil {
			return err
		}
		if err := writeFile(nil, filepath.Join(w.dir, loggedFile), fmt.Appendf(nil, "%d\n", index)); err != nil {
			return err
		}
	}
	return nil
}

// waiting is the entry of a folder that is not in the log yet.
type waiting struct {
	dir  string
	at   time.Time
	text string
}

// unlogged returns what waits: statements, then sessions that are over. Folders that are
// known to be logged cost no more than their names, since serve looks every second.
func (l *ledger) unlogged() ([]waiting, error) {
	var list []waiting
	for _, from := range []struct {
		root  string
		entry func(dir string) (text string, at time.Time, err error) // "" while there is none
	}{
		{filepath.Join(l.agency.dir, outboxDir), l.agency.postedEntry},
		{l.agency.evidenceDir(), l.agency.sessionText},
		{filepath.Join(l.agency.evidenceDir(), evidence.Unanswered), l.agency.sessionText},
	} {
		folders, err := os.ReadDir(from.root)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		for _, f := range folders {
			dir := filepath.Join(from.root, f.Name())
			if l.logged[dir] {
				continue
			}
			if _, err := os.Stat(filepath.Join(dir, loggedFile)); err == nil {
				l.logged[dir] = true
				continue
			}
			text, at, err := from.entry(dir)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", dir, err)
			}
			if text != "" {
				list = append(list, waiting{dir, at, text})
			}
		}
	}
	return list, nil
}

// postClaim has a claim logged as soon as it is answered. It comes before the answer is
// written, so that none is forgotten.
func (a *agency) postClaim(session string, claim evidence.Claim) error {
	dir := filepath.Join(a.dir, outboxDir, "claim-"+claim.Digest().String())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writeFile(nil, filepath.Join(dir, claimOf), []byte(filepath.Base(session)+"\n"))
}

// postedEntry reads a statement of the outbox.
func (a *agency) postedEntry(dir string) (string, time.Time, error) {
	file := filepath.Join(dir, "entry")
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return a.postedClaim(dir)
	} else if err != nil {
		return "", time.Time{}, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return "", time.Time{}, err
	}
	return string(text), info.ModTime(), nil
}

// postedClaim makes the entry of a claim out of its evidence, "" while it waits for its
// answer.
func (a *agency) postedClaim(dir string) (string, time.Time, error) {
	session, err := os.ReadFile(filepath.Join(dir, claimOf))
	if errors.Is(err, fs.ErrNotExist) {
		return "", time.Time{}, nil
	} else if err != nil {
		return "", time.Time{}, err
	}
	digest := strings.TrimPrefix(filepath.Base(dir), "claim-")
	folder := filepath.Join(a.evidenceDir(), strings.TrimSpace(string(session)), evidence.ClaimsDir, digest)
	release, err := evidence.ReadRelease(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return "", time.Time{}, nil
	} else if err != nil {
		return "", time.Time{}, err
	}
	claim, err := evidence.ReadClaim(folder)
	if err != nil {
		return "", time.Time{}, err
	}
	role := transcript.Holder
	if claim.Requester == a.config.Agency {
		role = transcript.Requester
	}
	return evidence.ClaimEntry(role, claim, release).Text(), release.Time, nil
}

// sessionText is the text of sessionEntry.
func (a *agency) sessionText(dir string) (string, time.Time, error) {
	if _, err := os.Stat(filepath.Join(dir, evidence.RequestFile)); errors.Is(err, fs.ErrNotExist) {
		return "", time.Time{}, nil // no session, or one that was killed before its request was written
	}
	entry, at, err := a.sessionEntry(dir)
	if err != nil || entry == nil {
		return "", at, err
	}
	return entry.Text(), at, nil
}

// sessionEntry makes the log entry of a session out of its evidence, nil while it runs.
func (a *agency) sessionEntry(dir string) (transcript.Entry, time.Time, error) {
	request, statement, err := readNote(filepath.Join(dir, evidence.RequestFile), transcript.ParseRequest)
	if err != nil {
		return nil, time.Time{}, err
	}
	role := transcript.Holder
	if statement.Requester == a.config.Agency {
		role = transcript.Requester
	}
	running, err := evidence.Running(dir)
	if err != nil || running {
		return nil, time.Time{}, err
	}
	head, signed, err := readNote(filepath.Join(dir, evidence.HeadFile), transcript.ParseHead)
	if err == nil {
		return transcript.SessionEntry{Role: role, Outcome: outcomeOf(dir, role), Note: head}, signed.Grant.Time, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, time.Time{}, err
	}
	info, err := os.Stat(filepath.Join(dir, evidence.RecordsFile))
	if errors.Is(err, fs.ErrNotExist) {
		info, err = os.Stat(filepath.Join(dir, evidence.RequestFile)) // killed right after the request
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	data, err := os.ReadFile(filepath.Join(dir, evidence.RecordsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, time.Time{}, err
	}
	records, err := transcript.ParseRecords(data[:len(data)/transcript.RecordSize*transcript.RecordSize]) // a kill may leave part of one
	if err != nil {
		return nil, time.Time{}, err
	}
	entry := transcript.AbortedEntry{Role: role, Stage: "request", Messages: uint64(len(records)), Time: info.ModTime().UTC().Truncate(time.Second), Note: request}
	if len(records) > 0 {
		entry.Stage = transcript.KindName(records[len(records)-1].Kind)
	}
	for _, r := range records {
		entry.Bytes += uint64(r.Length)
	}
	transcript.Sort(records)
	entry.Records = transcript.Chain(records)
	return entry, entry.Time, nil
}

// outcomeOf is what a side knows of the outcome of a complete session.
func outcomeOf(dir string, role transcript.Party) string {
	if role == transcript.Holder {
		return transcript.OutcomeAnswered
	}
	switch text, _ := os.ReadFile(filepath.Join(dir, outcomeFile)); strings.TrimSpace(string(text)) {
	case transcript.OutcomeHit:
		return transcript.OutcomeHit
	case transcript.OutcomeNoHit:
		return transcript.OutcomeNoHit
	}
	return transcript.OutcomeUnknown
}

// readNote reads a signed statement.
func readNote[T any](file string, parse func(string) (T, error)) (transcript.Note, T, error) {
	var zero T
	text, err := os.ReadFile(file)
	if err != nil {
		return transcript.Note{}, zero, err
	}
	note, err := transcript.ParseNote(string(text))
	if err != nil {
		return note, zero, err
	}
	statement, err := parse(note.Body)
	return note, statement, err
}
