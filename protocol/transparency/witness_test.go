package transparency

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/puente-project/puente/protocol/transparency/view"
)

// pair is two agencies that witness each other; a asks and b answers.
type pair struct {
	a, b       *agency
	dirA, dirB string // their data folders
	logA       *Log
	witnessB   *Witness
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{a: newAgency(t, "cl"), b: newAgency(t, "us"), dirA: t.TempDir(), dirB: t.TempDir()}
	p.a.options.Partners = []Partner{{Name: "us", Dir: filepath.Join(p.dirA, "log-witness"), Log: p.b.logKey, Witness: p.b.witness}}
	p.b.options.Partners = []Partner{{Name: "cl", Dir: filepath.Join(p.dirB, "log-witness"), Log: p.a.logKey, Witness: p.a.witness}}
	p.logA = p.a.open(t, filepath.Join(p.dirA, "log"))
	p.witnessB = p.b.newWitness(t)
	return p
}

func (a *agency) newWitness(t *testing.T) *Witness {
	t.Helper()
	w, err := NewWitness(a.cosigner, a.witness, a.options.Partners...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (p *pair) remembered(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(p.dirB, "log-witness", partnerFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// direct is a client without a network.
type direct struct {
	partner string
	witness *Witness
	log     *Log
	asked   int
}

func (d *direct) Witness(ctx context.Context, checkpoint []byte, old uint64, proof [][]byte) ([]byte, uint64, error) {
	d.asked++
	return d.witness.Witness(ctx, d.partner, checkpoint, old, proof)
}
func (d *direct) Checkpoint(ctx context.Context, old uint64) ([]byte, [][]byte, error) {
	return d.log.Latest(ctx, d.partner, old)
}
func (d *direct) Cosigned(ctx context.Context, checkpoint []byte) error {
	return d.log.Cosigned(ctx, d.partner, checkpoint)
}

func TestExchange(t *testing.T) {
	p := newPair(t)
	client := &direct{partner: "cl", witness: p.witnessB}
	sizes := []int{0, 1, 1, 3, 8, 9, 300}
	for i, size := range sizes {
		appendAll(t, p.logA, numbered("session", 0, size)...)
		client.asked = 0
		if err := p.logA.Exchange(t.Context(), "us", client); err != nil {
			t.Fatalf("exchange at %d: %v", size, err)
		}
		if client.asked != 1 {
			t.Errorf("exchange %d asked %d times, want once", i, client.asked)
		}
		v := p.a.view(t, filepath.Join(p.dirA, "log"), p.b.witness)
		own, err := os.ReadFile(filepath.Join(p.dirA, "log-witness", ownFile))
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Cosigned(own)
		if err != nil || c.Size != uint64(size) || time.Since(c.Cosignatures[0].Time) > time.Minute || c.Cosignatures[0].Witness != "us" {
			t.Errorf("the cosigned checkpoint: %+v, %v", c, err)
		}
		if err := v.Consistent([]byte(p.remembered(t))); err != nil {
			t.Errorf("what the partner remembers: %v", err)
		}
	}

	// We forget what the partner has cosigned: the conflict names its size.
	if err := os.Remove(filepath.Join(p.dirA, "log-witness", ownFile)); err != nil {
		t.Fatal(err)
	}
	appendAll(t, p.logA, "one more")
	client.asked = 0
	if err := p.logA.Exchange(t.Context(), "us", client); err != nil || client.asked != 2 {
		t.Errorf("after a conflict: %v, asked %d times", err, client.asked)
	}
	if err := p.logA.Exchange(t.Context(), "nl", client); !errors.Is(err, ErrPartner) {
		t.Errorf("exchange with nobody: %v", err)
	}
	// The state survives a restart of both.
	closeLog(t, p.logA)
	p.logA = p.a.open(t, filepath.Join(p.dirA, "log"))
	client.witness, client.asked = p.b.newWitness(t), 0
	if err := p.logA.Exchange(t.Context(), "us", client); err != nil || client.asked != 1 {
		t.Errorf("after a restart: %v, asked %d times", err, client.asked)
	}
}

func TestObserve(t *testing.T) {
	p := newPair(t)
	client := &direct{partner: "us", log: p.logA}
	for _, size := range []int{0, 2, 2, 5} {
		appendAll(t, p.logA, numbered("session", 0, size)...)
		if err := p.witnessB.Observe(t.Context(), "cl", client); err != nil {
			t.Fatal(err)
		}
		if n, err := p.witnessB.Known("cl"); err != nil || n != uint64(size) {
			t.Errorf("known are %d, %v; want %d", n, err, size)
		}
	}
	own, err := os.ReadFile(filepath.Join(p.dirA, "log-witness", ownFile))
	if err != nil || string(own) != p.remembered(t) {
		t.Errorf("the two sides keep different checkpoints:\n%s\n%s", own, p.remembered(t))
	}
	if err := p.witnessB.Observe(t.Context(), "nl", client); !errors.Is(err, ErrPartner) {
		t.Errorf("observe nobody: %v", err)
	}
	if _, _, err := p.logA.Latest(t.Context(), "nl", 0); !errors.Is(err, ErrPartner) {
		t.Errorf("a stranger reads the log: %v", err)
	}
}

// TestWitnessRefuses: each attack of a log's owner on its witness.
func TestWitnessRefuses(t *testing.T) {
	p := newPair(t)
	read := func(l *Log, old uint64) (checkpoint []byte, proof [][]byte) {
		t.Helper()
		checkpoint, proof, err := l.ProofFor(old)
		if err != nil {
			t.Fatal(err)
		}
		return checkpoint, proof
	}
	appendAll(t, p.logA, numbered("session", 0, 3)...)
	three, _ := read(p.logA, 0)
	for _, e := range numbered("session", 3, 5) {
		appendAll(t, p.logA, e)
	}
	five, _ := read(p.logA, 0)
	if _, err := p.witnessB.Update(t.Context(), "cl", five, 0, nil); err != nil {
		t.Fatal(err)
	}
	appendAll(t, p.logA, numbered("session", 5, 9)...)
	nine, proof := read(p.logA, 5)

	// A fork: the same key, another folder.
	forked := func(size int) *Log {
		l := p.a.open(t, filepath.Join(t.TempDir(), "log"))
		appendAll(t, l, numbered("other", 0, size)...)
		return l
	}
	p.a.options.Partners = nil
	fiveFork, _ := read(forked(5), 0)
	nineFork, forkProof := read(forked(9), 5)

	stranger, _, err := NewSigner([32]byte{1}, "puente/cl")
	if err != nil {
		t.Fatal(err)
	}
	resign := func(raw []byte, s note.Signer) []byte {
		t.Helper()
		text, _, _ := strings.Cut(string(raw), "\n\n")
		signed, err := note.Sign(&note.Note{Text: text + "\n"}, s)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	flipped := [][]byte{append([]byte(nil), proof[0]...)}
	flipped[0][0] ^= 1
	flipped = append(flipped, proof[1:]...)
	before := p.remembered(t)
	for name, c := range map[string]struct {
		checkpoint []byte
		old        uint64
		proof      [][]byte
		want       error
		known      uint64 // of the conflict
	}{
		"other old size":             {nine, 3, proof, nil, 5},
		"old size of zero":           {nine, 0, nil, nil, 5},
		"old size beyond":            {nine, 1 << 60, proof, nil, 5},
		"rollback":                   {three, 5, nil, ErrRollback, 0},
		"rollback, other old size":   {three, 3, nil, ErrRollback, 5},
		"fork of the same size":      {fiveFork, 5, nil, ErrFork, 0},
		"fork with its own proof":    {nineFork, 5, forkProof, ErrFork, 0},
		"fork with the good proof":   {nineFork, 5, proof, ErrFork, 0},
		"forged proof":               {nine, 5, flipped, ErrFork, 0},
		"no proof":                   {nine, 5, nil, view.ErrProof, 0},
		"proof cut short":            {nine, 5, proof[1:], view.ErrProof, 0},
		"proof for the same size":    {five, 5, proof, view.ErrProof, 0},
		"hash of 31 bytes":           {nine, 5, [][]byte{proof[0][1:]}, view.ErrProof, 0},
		"signed by another key":      {resign(nine, stranger), 5, proof, view.ErrSignature, 0},
		"signed by the witness":      {resign(nine, p.b.cosigner), 5, proof, view.ErrSignature, 0},
		"log of the witness itself":  {resign(nine, p.b.options.Signer), 5, proof, view.ErrSignature, 0},
		"no signature":               {nine[:strings.Index(string(nine), "\n\n")+2], 5, proof, view.ErrCheckpoint, 0},
		"nothing":                    {nil, 5, proof, view.ErrCheckpoint, 0},
		"size is not canonical":      {resign([]byte(strings.Replace(string(nine), "\n9\n", "\n09\n", 1)), p.a.options.Signer), 5, proof, view.ErrCheckpoint, 0},
		"extension line":             {resign([]byte(strings.Replace(string(nine), "\n\n", "\nmore\n\n", 1)), p.a.options.Signer), 5, proof, view.ErrCheckpoint, 0},
		"origin of another log":      {resign([]byte(strings.Replace(string(nine), "puente/cl", "puente/nl", 1)), p.a.options.Signer), 5, proof, view.ErrSignature, 0},
		"more than a checkpoint has": {append(append([]byte(nil), nine...), make([]byte, view.MaxCheckpoint)...), 5, proof, view.ErrCheckpoint, 0},
	} {
		cosignature, err := p.witnessB.Update(t.Context(), "cl", c.checkpoint, c.old, c.proof)
		if cosignature != nil || err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %q, %v; want %v", name, cosignature, err, c.want)
		}
		var conflict *ConflictError
		if errors.As(err, &conflict) != (c.known > 0) || (conflict != nil && conflict.Known != c.known) {
			t.Errorf("%s: %v; want the known size %d", name, err, c.known)
		}
	}
	if p.remembered(t) != before {
		t.Error("a refused checkpoint has changed what is remembered")
	}
	if _, err := p.witnessB.Update(t.Context(), "nl", nine, 5, proof); !errors.Is(err, ErrPartner) {
		t.Errorf("an unknown partner: %v", err)
	}
	// The forks are kept as evidence: signed by the log, and not consistent with it.
	forks := 0
	v := p.a.view(t, filepath.Join(p.dirA, "log"))
	kept, err := filepath.Glob(filepath.Join(p.dirB, "log-witness", refusedPrefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range kept {
		evidence, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if errors.Is(v.Consistent(evidence), ErrFork) {
			forks++
		}
	}
	if forks != 2 || len(kept) != 3 { // the third is the one with the forged proof
		t.Errorf("%d forks among %d files of evidence, want 2 among 3", forks, len(kept))
	}
	// And the honest successor is still cosigned.
	if _, err := p.witnessB.Update(t.Context(), "cl", nine, 5, proof); err != nil {
		t.Error(err)
	}
}

// TestDamagedMemory: a witness that cannot read what it remembers does not start afresh.
func TestDamagedMemory(t *testing.T) {
	p := newPair(t)
	appendAll(t, p.logA, "one", "two")
	client := &direct{partner: "cl", witness: p.witnessB}
	if err := p.logA.Exchange(t.Context(), "us", client); err != nil {
		t.Fatal(err)
	}
	path, good := filepath.Join(p.dirB, "log-witness", partnerFile), p.remembered(t)
	checkpoint, _, err := p.logA.ProofFor(0)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		content string
		want    error
	}{
		"empty":               {"", view.ErrCheckpoint},
		"smaller size":        {strings.Replace(good, "\n2\n", "\n0\n", 1), nil},
		"without cosignature": {string(checkpoint), view.ErrCosignature},
	} {
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := p.witnessB.Update(t.Context(), "cl", checkpoint, 0, nil); err == nil || (c.want != nil && !errors.Is(err, c.want)) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestRolledBackLog restores a log from a backup from before the last exchange.
func TestRolledBackLog(t *testing.T) {
	p := newPair(t)
	dir, old := filepath.Join(p.dirA, "log"), filepath.Join(p.dirA, "backup")
	client := &direct{partner: "cl", witness: p.witnessB, log: p.logA}
	appendAll(t, p.logA, "one", "two")
	closeLog(t, p.logA)
	copyDir(t, dir, old)
	l := p.a.open(t, dir)
	appendAll(t, l, "three")
	if err := l.Exchange(t.Context(), "us", client); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	copyDir(t, old, dir)

	// The cosigned checkpoint beside the log shows it at once.
	if l, err := Open(t.Context(), dir, p.a.options); !errors.Is(err, ErrRollback) {
		t.Errorf("Open: %v, want ErrRollback", err)
		if err == nil {
			closeLog(t, l)
		}
	}
	// If that was restored as well, the partner knows, whichever side begins.
	if err := os.RemoveAll(filepath.Join(p.dirA, "log-witness")); err != nil {
		t.Fatal(err)
	}
	l = p.a.open(t, dir)
	if err := l.Exchange(t.Context(), "us", client); !errors.Is(err, ErrRollback) {
		t.Errorf("Exchange: %v, want ErrRollback", err)
	}
	observe := &direct{partner: "us", log: l}
	if err := p.witnessB.Observe(t.Context(), "cl", observe); !errors.Is(err, ErrRollback) {
		t.Errorf("Observe: %v, want ErrRollback", err)
	}
	// Filling it up with other entries makes a fork of it.
	appendAll(t, l, "other three", "other four")
	if err := l.Exchange(t.Context(), "us", client); !errors.Is(err, ErrFork) {
		t.Errorf("Exchange of the refilled log: %v, want ErrFork", err)
	}
	if err := p.witnessB.Observe(t.Context(), "cl", observe); !errors.Is(err, ErrFork) {
		t.Errorf("Observe of the refilled log: %v, want ErrFork", err)
	}
	// An auditor with the partner's checkpoint sees the same.
	if err := p.a.view(t, dir).Consistent([]byte(p.remembered(t))); !errors.Is(err, view.ErrFork) {
		t.Errorf("the auditor: %v, want ErrFork", err)
	}
}

// TestWitnessedRefuses: what a partner can send instead of a cosignature.
func TestWitnessedRefuses(t *testing.T) {
	p := newPair(t)
	appendAll(t, p.logA, "one")
	checkpoint, _, err := p.logA.ProofFor(0)
	if err != nil {
		t.Fatal(err)
	}
	c, err := view.OpenCheckpoint(checkpoint, p.a.logKey)
	if err != nil {
		t.Fatal(err)
	}
	stranger, _, err := NewCosigner([32]byte{7}, "us")
	if err != nil {
		t.Fatal(err)
	}
	line := func(s note.Signer, text string) []byte {
		t.Helper()
		b, err := signatureLine(s, text)
		if err != nil {
			t.Fatal(err)
		}
		return append(append([]byte(nil), checkpoint...), b...)
	}
	for name, test := range map[string]struct {
		raw  []byte
		want error
	}{
		"no cosignature":           {checkpoint, view.ErrCosignature},
		"another key of that name": {line(stranger, c.Text()), view.ErrCosignature},
		"over another checkpoint":  {line(p.b.cosigner, strings.Replace(c.Text(), "\n1\n", "\n2\n", 1)), view.ErrCosignature},
		"the log's key as witness": {line(p.a.options.Signer, c.Text()), view.ErrCosignature},
		"no note":                  {[]byte("thank you"), view.ErrCheckpoint},
		"not signed by the log":    {line(p.b.cosigner, c.Text())[len(checkpoint):], view.ErrCheckpoint},
	} {
		if err := p.logA.Witnessed("us", test.raw); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	if _, err := os.Stat(filepath.Join(p.dirA, "log-witness", ownFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was kept: %v", err)
	}
	// A cosignature that arrives late does not replace a newer one.
	appendAll(t, p.logA, "two")
	if err := p.logA.Exchange(t.Context(), "us", &direct{partner: "cl", witness: p.witnessB}); err != nil {
		t.Fatal(err)
	}
	if err := p.logA.Witnessed("us", line(p.b.cosigner, c.Text())); err != nil {
		t.Error(err)
	}
	if got, _ := p.a.options.Partners[0].stored(ownFile, p.a.logKey, p.b.witness); got.Size != 2 {
		t.Errorf("the kept checkpoint has %d entries, want 2", got.Size)
	}
}

// TestManyAskers: exchanges at the same time, by two witnesses that share a folder.
func TestManyAskers(t *testing.T) {
	p := newPair(t)
	second := p.b.newWitness(t)
	var group sync.WaitGroup
	for i := range 8 {
		w := []*Witness{p.witnessB, second}[i%2]
		group.Go(func() {
			appendAll(t, p.logA, numbered("session", 3*i, 3*i+3)...)
			err := p.logA.Exchange(context.Background(), "us", &direct{partner: "cl", witness: w})
			if err != nil && !strings.Contains(err.Error(), "try again") && !errors.Is(err, ErrRollback) {
				t.Errorf("exchange: %v", err)
			}
		})
	}
	group.Wait()
	if err := p.logA.Exchange(t.Context(), "us", &direct{partner: "cl", witness: second}); err != nil {
		t.Error(err)
	}
	if got, err := p.a.options.Partners[0].stored(ownFile, p.a.logKey, p.b.witness); err != nil || got.Size != 24 {
		t.Errorf("cosigned are %d entries, %v; want 24", got.Size, err)
	}
}

// TestFormats compares our keys and cosignatures with the implementation of others.
func TestFormats(t *testing.T) {
	a := newAgency(t, "cl")
	text := "puente/cl\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	signed, err := note.Sign(&note.Note{Text: text}, a.options.Signer, a.cosigner)
	if err != nil {
		t.Fatal(err)
	}
	log, err := note.NewVerifier(a.logKey.String())
	if err != nil {
		t.Fatal(err)
	}
	witness, err := fnote.NewVerifierForCosignatureV1(a.witness.String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(log, witness))
	if err != nil || len(n.Sigs) != 2 {
		t.Fatalf("others verify %v, %v", n, err)
	}
	if when, err := fnote.CoSigV1Timestamp(n.Sigs[1]); err != nil || time.Since(when) > time.Minute {
		t.Errorf("the time is %v, %v", when, err)
	}
	// And theirs with ours.
	skey, vkey, err := note.GenerateKey(nil, "us")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := fnote.NewSignerForCosignatureV1(skey)
	if err != nil {
		t.Fatal(err)
	}
	vkey, err = fnote.VKeyToCosignatureV1(vkey)
	if err != nil {
		t.Fatal(err)
	}
	us, err := view.ParseWitnessKey(vkey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err = note.Sign(&note.Note{Text: text}, a.options.Signer, theirs)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := view.OpenCheckpoint(signed, a.logKey, us); err != nil || len(c.Cosignatures) != 1 {
		t.Errorf("ours verify %+v, %v", c, err)
	}
}
