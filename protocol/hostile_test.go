package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/templates"
)

// What these tests do not cover: a peer who encrypts a wrong plaintext under the right
// keys. It is undetectable here by design; see the security document.

// small is a scheme whose sessions are short: 3 entries, one batch.
const small = "vector:16:norm=20:theta=20"

// recorded plays a whole session and returns it with fresh roles that stand right
// before the n-th message of the given kind.
func recorded(t testing.TB) (p *pair, fresh func(testing.TB) *pair) {
	t.Helper()
	scheme := mustScheme(t, small)
	rng := rand.New(rand.NewPCG(9, 9))
	list := []templates.Template{randomTemplate(rng, scheme), randomTemplate(rng, scheme), randomTemplate(rng, scheme)}
	g := gallery(t, scheme, 8, list)
	fresh = func(t testing.TB) *pair { return meet(t, terms(scheme), list[1:2], g, 1, 2) }
	p = fresh(t)
	p.finish(t)
	return p, fresh
}

// attack is a way to spoil a message.
type attack struct {
	name  string
	kinds []Kind
	spoil func(m []byte) []byte
	want  error
}

func cut(m []byte) []byte { return m[:len(m)-1] }

func edit(i int, v byte) func([]byte) []byte {
	return func(m []byte) []byte {
		m = bytes.Clone(m)
		if i < 0 {
			i += len(m)
		}
		m[i] ^= v
		return m
	}
}

var (
	toEvaluator = []Kind{KindKey, KindBlock, KindPrefixes}
	toOwner     = []Kind{KindShare, KindVerdict}
	running     = append(slices.Clone(toEvaluator), toOwner...)
	every       = append([]Kind{KindOpen, KindAccept}, running...)
)

// ones sets a range of body bytes to 0xff, which makes coefficients too large.
func ones(from, count int) func([]byte) []byte {
	return func(m []byte) []byte {
		m = bytes.Clone(m)
		for i := range count {
			m[headerSize+from+i] = 0xff
		}
		return m
	}
}

var attacks = []attack{
	{"empty", every, func([]byte) []byte { return nil }, ErrTruncated},
	{"one byte", every, func(m []byte) []byte { return m[:1] }, ErrTruncated},
	{"last byte missing", every, cut, ErrTruncated},
	{"one byte more", every, func(m []byte) []byte { return append(bytes.Clone(m), 0) }, ErrTrailing},
	{"other kind", every, edit(0, 0x08), ErrUnexpected},
	{"kind 0", every, func(m []byte) []byte { m = bytes.Clone(m); m[0] = 0; return m }, ErrUnexpected},
	{"other version", []Kind{KindOpen, KindAccept}, edit(1, 0x80), ErrVersion},
	{"other session", running, edit(5, 1), ErrSession},
	{"number too high", running, edit(headerSize-2, 1), ErrOrder},
	{"coefficient too large, first", []Kind{KindBlock, KindPrefixes}, ones(0, 16), ErrCoefficient},
	{"coefficient too large, last", []Kind{KindKey, KindBlock, KindPrefixes}, func(m []byte) []byte {
		return ones(len(m)-headerSize-16, 16)(m)
	}, ErrCoefficient},
	{"padding", []Kind{KindShare}, edit(-1, 0x80), ErrPadding},
	{"no entries", []Kind{KindAccept}, func(m []byte) []byte { m = bytes.Clone(m); copy(m[74:78], []byte{0, 0, 0, 0}); return m }, ErrLimit},
	{"too many entries", []Kind{KindAccept}, edit(74, 0xff), ErrLimit},
	{"block width 0", []Kind{KindAccept}, func(m []byte) []byte { m = bytes.Clone(m); m[len(m)-1] = 0; return m }, ErrTerms},
	{"block width 2^31", []Kind{KindAccept}, edit(-4, 0x80), ErrTerms},
	{"no probes", []Kind{KindOpen}, func(m []byte) []byte { m = bytes.Clone(m); m[66], m[67] = 0, 0; return m }, ErrLimit},
	{"too many probes", []Kind{KindOpen}, edit(66, 4), ErrLimit},
	{"name with a control character", []Kind{KindOpen}, func(m []byte) []byte { m = bytes.Clone(m); m[69] = 7; return m }, ErrMalformed},
	{"scheme that is none", []Kind{KindOpen}, edit(-1, 0x40), ErrMalformed},
}

// deliver feeds the recorded session to fresh roles up to the first message of a
// kind and returns the role that is to receive it.
func deliver(t testing.TB, whole *pair, fresh func(testing.TB) *pair, kind Kind) (Role, []byte) {
	t.Helper()
	p := fresh(t)
	for u, d := 1, 0; ; {
		// The holder's shares come before the requester's prefixes.
		if u < len(whole.up) && KindOf(whole.up[u]) != KindPrefixes || d > 1 && u < len(whole.up) {
			if KindOf(whole.up[u]) == kind {
				return p.eval, whole.up[u]
			}
			step(t, p.eval, whole.up[u])
			u++
			continue
		}
		if KindOf(whole.down[d]) == kind {
			return p.owner, whole.down[d]
		}
		step(t, p.owner, whole.down[d])
		d++
	}
}

func step(t testing.TB, r Role, m []byte) {
	t.Helper()
	tasks, err := r.Receive(m)
	if err != nil {
		t.Fatal(err)
	}
	run(t, tasks)
}

// receive hands over a message and runs what it causes.
func receive(r Role, m []byte) error {
	tasks, err := r.Receive(m)
	for _, task := range tasks {
		if _, taskErr := task(); err == nil {
			err = taskErr
		}
	}
	return err
}

func TestSpoiledMessagesAreNamed(t *testing.T) {
	whole, fresh := recorded(t)
	for _, a := range attacks {
		for _, kind := range a.kinds {
			t.Run(fmt.Sprintf("%v/%s", kind, a.name), func(t *testing.T) {
				var err error
				if kind == KindOpen {
					m := a.spoil(whole.up[0])
					if bytes.Equal(m, whole.up[0]) {
						t.Fatal("the attack changed nothing")
					}
					_, err = ParseOpen(m)
				} else {
					role, m := deliver(t, whole, fresh, kind)
					spoiled := a.spoil(m)
					if bytes.Equal(m, spoiled) {
						t.Fatal("the attack changed nothing")
					}
					err = receive(role, spoiled)
					// What a task finds ends the session, too, and the role does not know.
					byTask := errors.As(err, new(broken))
					if _, again := role.Receive(m); err != nil && !byTask && !errors.Is(again, ErrDead) {
						t.Errorf("after %v the session goes on: %v", err, again)
					}
				}
				if !errors.Is(err, a.want) {
					t.Errorf("got error %v, want %v", err, a.want)
				}
			})
		}
	}
}

// TestOrder sends right messages at wrong times.
func TestOrder(t *testing.T) {
	whole, fresh := recorded(t)
	find := func(list [][]byte, k Kind) [][]byte {
		var found [][]byte
		for _, m := range list {
			if KindOf(m) == k {
				found = append(found, m)
			}
		}
		return found
	}
	blocks, prefixes := find(whole.up, KindBlock), find(whole.up, KindPrefixes)
	shares, verdicts := find(whole.down, KindShare), find(whole.down, KindVerdict)
	key := whole.up[1]
	levels := whole.eval.Levels()
	if len(blocks) != 2 || len(shares) != 1 || levels < 3 || len(verdicts) != levels || len(prefixes) != levels {
		t.Fatalf("the session has %d blocks, %d shares, %d prefixes and %d verdicts of %d levels", len(blocks), len(shares), len(prefixes), len(verdicts), levels)
	}
	// behind appends messages to some that were sent before.
	behind := func(before [][]byte, more ...[]byte) [][]byte { return append(slices.Clip(before), more...) }
	loaded, opened := [][]byte{key, blocks[0], blocks[1]}, [][]byte{whole.down[0], shares[0]}
	for name, c := range map[string]struct {
		owner bool
		send  [][]byte
		want  error
	}{
		"key twice":                {false, [][]byte{key, key}, ErrUnexpected},
		"block before key":         {false, [][]byte{blocks[0]}, ErrUnexpected},
		"blocks swapped":           {false, [][]byte{key, blocks[1]}, ErrOrder},
		"block repeated":           {false, [][]byte{key, blocks[0], blocks[0]}, ErrRepeated},
		"prefixes before blocks":   {false, [][]byte{key, blocks[0], prefixes[0]}, ErrUnexpected},
		"block after the last":     {false, behind(loaded, blocks[1]), ErrUnexpected},
		"open again":               {false, [][]byte{whole.up[0]}, ErrUnexpected},
		"prefixes of level 1":      {false, behind(loaded, prefixes[1]), ErrOrder},
		"level left out":           {false, behind(loaded, prefixes[0], prefixes[2]), ErrOrder},
		"level repeated":           {false, behind(loaded, prefixes[0], prefixes[1], prefixes[1]), ErrRepeated},
		"first level at the end":   {false, behind(behind(loaded, prefixes[:levels-1]...), prefixes[0]), ErrRepeated},
		"prefixes after the end":   {false, behind(behind(loaded, prefixes...), prefixes[0]), ErrUnexpected},
		"own message returned":     {false, [][]byte{key, shares[0]}, ErrUnexpected},
		"share before accept":      {true, [][]byte{shares[0]}, ErrUnexpected},
		"accept twice":             {true, [][]byte{whole.down[0], whole.down[0]}, ErrUnexpected},
		"verdict before share":     {true, [][]byte{whole.down[0], verdicts[0]}, ErrUnexpected},
		"share repeated":           {true, behind(opened, shares[0]), ErrUnexpected},
		"verdict of number 1":      {true, behind(opened, verdicts[1]), ErrOrder},
		"verdict left out":         {true, behind(opened, verdicts[0], verdicts[2]), ErrOrder},
		"verdict repeated":         {true, behind(opened, verdicts[0], verdicts[0]), ErrRepeated},
		"share among verdicts":     {true, behind(opened, verdicts[0], shares[0]), ErrUnexpected},
		"verdict after the end":    {true, behind(behind(opened, verdicts...), verdicts[0]), ErrUnexpected},
		"own message as a verdict": {true, behind(opened, prefixes[0]), ErrUnexpected},
	} {
		t.Run(name, func(t *testing.T) {
			p := fresh(t)
			var role Role = p.eval
			if c.owner {
				role = p.owner
			}
			for i, m := range c.send {
				err := receive(role, m)
				if last := i == len(c.send)-1; last && !errors.Is(err, c.want) {
					t.Fatalf("got error %v, want %v", err, c.want)
				} else if !last && err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestWindow has an evaluator that runs ahead: it is held at the window until all verdicts
// of a batch have come, and an honest one stays within it.
func TestWindow(t *testing.T) {
	scheme := mustScheme(t, "vector:1:norm=3:theta=1")
	rng := rand.New(rand.NewPCG(10, 10))
	list := make([]templates.Template, (Window+2)*3*he.LaneDegree)
	for i := range list {
		list[i] = randomTemplate(rng, scheme)
	}
	g := gallery(t, scheme, 1, list)
	plan := g.plan(1)
	shares, levels := plan.SharesUpTo(Window), plan.Levels
	if plan.Batches() != Window+2 || shares <= Window || levels < 2 {
		t.Fatalf("%d batches of %d levels, %d shares in the window", plan.Batches(), levels, shares)
	}
	p := meet(t, terms(scheme), list[:1], g, 1, 2)
	for _, m := range run(t, mustReceive(t, p.owner, p.down[0])) {
		p.down = append(p.down, run(t, mustReceive(t, p.eval, m))...)
	}
	if got := len(p.down) - 1; got != shares {
		t.Fatalf("the evaluator sent %d shares ahead, %d are in the window", got, shares)
	}
	for verdicts := range 2*levels + 1 {
		owner := meet(t, terms(scheme), list[:1], g, 1, 2).owner
		for _, m := range p.down {
			mustReceive(t, owner, m)
		}
		for i := range verdicts { // they are not opened
			mustReceive(t, owner, seal(KindVerdict, owner.session, uint32(i), make([]byte, plan.params.VerdictSize(plan.Comparisons(0)))))
		}
		open := plan.SharesUpTo(Window + verdicts/levels)
		for i := shares; i < open; i++ {
			mustReceive(t, owner, seal(KindShare, owner.session, uint32(i), p.down[1][headerSize:]))
		}
		want := ErrWindow
		if open == plan.Shares() {
			want = ErrUnexpected // there are no more shares
		}
		if _, err := owner.Receive(seal(KindShare, owner.session, uint32(open), p.down[1][headerSize:])); !errors.Is(err, want) {
			t.Errorf("share %d behind %d verdicts gives %v, want %v", open, verdicts, err, want)
		}
	}
	for i := range Window * levels {
		mustReceive(t, p.eval, seal(KindPrefixes, p.eval.session, uint32(i), make([]byte, plan.params.PrefixSize(plan.Comparisons(0)))))
		if want := plan.SharesUpTo(Window + (i+1)/levels); p.eval.released != want {
			t.Fatalf("%d shares are released behind %d prefixes, want %d", p.eval.released, i+1, want)
		}
	}
}

func mustReceive(t testing.TB, r Role, m []byte) []Task {
	t.Helper()
	tasks, err := r.Receive(m)
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// TestTerms refuses sessions on other terms than the agreed ones.
func TestTerms(t *testing.T) {
	scheme := mustScheme(t, small)
	rng := rand.New(rand.NewPCG(11, 11))
	probe := randomTemplate(rng, scheme)
	g := gallery(t, scheme, 8, []templates.Template{probe})
	agreed := terms(scheme)
	// ask opens a session with an evaluator that expects one probe on the agreed terms.
	ask := func(asked Terms, probes ...templates.Template) error {
		t.Helper()
		owner, err := NewKeyOwner(asked, probes, seed(1), nonce(1), nil)
		if err != nil {
			t.Fatal(err)
		}
		eval, err := NewEvaluator(agreed, 1, g, seed(2), nonce(2), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = eval.Receive(run(t, owner.Start())[0])
		return err
	}
	for name, change := range map[string]func(*Terms){
		"requester":       func(x *Terms) { x.Requester = "xx" },
		"holder":          func(x *Terms) { x.Holder = "xx" },
		"watchlist":       func(x *Terms) { x.Watchlist = "other" },
		"lower threshold": func(x *Terms) { x.Scheme.Theta-- },
	} {
		asked := agreed
		change(&asked)
		if err := ask(asked, probe); !errors.Is(err, ErrTerms) {
			t.Errorf("%s: got error %v, want %v", name, err, ErrTerms)
		}
	}
	if err := ask(agreed, probe, probe); !errors.Is(err, ErrTerms) {
		t.Errorf("another number of probes: got error %v, want %v", err, ErrTerms)
	}
	other := agreed
	other.Scheme.Theta++
	if _, err := NewEvaluator(other, 1, g, seed(2), nonce(2), nil); !errors.Is(err, ErrTerms) {
		t.Errorf("agreed terms that the watchlist does not have: got error %v, want %v", err, ErrTerms)
	}
	if _, err := NewKeyOwner(agreed, []templates.Template{probe, randomTemplate(rng, mustScheme(t, "vector:8:norm=20:theta=20"))}, seed(1), nonce(1), nil); err == nil {
		t.Error("a probe of another size is accepted")
	}
	for _, count := range []int{0, MaxProbes + 1} {
		if _, err := NewKeyOwner(agreed, slices.Repeat([]templates.Template{probe}, count), seed(1), nonce(1), nil); !errors.Is(err, ErrLimit) {
			t.Errorf("%d probes: got error %v, want %v", count, err, ErrLimit)
		}
		if _, err := NewEvaluator(agreed, count, g, seed(2), nonce(2), nil); !errors.Is(err, ErrLimit) {
			t.Errorf("an evaluator of %d probes: got error %v, want %v", count, err, ErrLimit)
		}
	}
}

// TestMasksFollowTheProbe feeds one evaluator state two different probes, as a
// machine restored from a snapshot would, and expects unrelated masks.
func TestMasksFollowTheProbe(t *testing.T) {
	whole, fresh := recorded(t)
	a, b := fresh(t), fresh(t)
	for _, m := range whole.up[1:4] {
		step(t, a.eval, m)
	}
	for i, m := range whole.up[1:4] {
		if i == 1 {
			m = edit(headerSize+100, 1)(m)
		}
		step(t, b.eval, m)
	}
	if a.eval.session != b.eval.session {
		t.Fatal("the sessions differ")
	}
	ra, rb := a.eval.plan.params.Masks(a.eval.wave.masks, 0, 64), b.eval.plan.params.Masks(b.eval.wave.masks, 0, 64)
	if slices.Equal(ra, rb) {
		t.Error("two different probes are answered under the same masks")
	}
}

// TestRolesDoNotPrint prints roles in every way: their seeds and masks must not show.
func TestRolesDoNotPrint(t *testing.T) {
	whole, _ := recorded(t)
	for _, v := range []any{whole.owner, whole.eval} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%s", "%d"} {
			if text := fmt.Sprintf(verb, v); len(text) > 60 {
				t.Errorf("%s prints %d characters: %.60s", verb, len(text), text)
			}
		}
	}
}

func FuzzEvaluator(f *testing.F) {
	whole, fresh := recorded(f)
	for _, m := range whole.up {
		f.Add(m, uint8(0))
	}
	f.Fuzz(func(t *testing.T, m []byte, after uint8) {
		p := fresh(t)
		for _, good := range whole.up[1 : 1+int(after)%6] { // up to two levels of prefixes
			step(t, p.eval, good)
		}
		// No panic, and an error unless it is the next message of this very session.
		if err := receive(p.eval, m); err == nil && len(m) < headerSize {
			t.Error("a message without a header is accepted")
		}
	})
}

func FuzzKeyOwner(f *testing.F) {
	whole, fresh := recorded(f)
	for _, m := range whole.down {
		f.Add(m, uint8(0))
	}
	f.Fuzz(func(t *testing.T, m []byte, after uint8) {
		p := fresh(t)
		for _, good := range whole.down[:int(after)%5] { // up to two verdicts
			step(t, p.owner, good)
		}
		if err := receive(p.owner, m); err == nil && KindOf(m) != KindAccept && len(m) < headerSize {
			t.Error("a message without a header is accepted")
		}
	})
}

func FuzzOpen(f *testing.F) {
	whole, _ := recorded(f)
	f.Add(whole.up[0])
	f.Fuzz(func(t *testing.T, m []byte) {
		if o, err := ParseOpen(m); err == nil && !bytes.Equal(o.encode(), m) {
			t.Error("accepted bytes do not re-encode to themselves")
		}
	})
}

func FuzzAccept(f *testing.F) {
	whole, _ := recorded(f)
	f.Add(whole.down[0])
	f.Fuzz(func(t *testing.T, m []byte) {
		if a, err := ParseAccept(m); err == nil && !bytes.Equal(a.encode(), m) {
			t.Error("accepted bytes do not re-encode to themselves")
		}
	})
}
