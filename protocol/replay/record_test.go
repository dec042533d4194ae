package replay

import (
	"bytes"
	"context"
	"encoding/binary"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

var (
	clock     = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	ownerRoot = he.Seed{1}
	evalRoot  = he.Seed{2}
)

const epoch = 7

// recording is a session in both parties' evidence folders.
type recording struct {
	scheme     templates.Scheme
	probes     []templates.Template
	list       []templates.Template
	dirs       [2]string // of the session, at the requester and at the holder
	seeds      [2]he.Seed
	openNonce  protocol.Nonce
	evalNonce  protocol.Nonce
	hits       [][]int // by probe
	incomplete bool
}

func (r *recording) watchlist() Watchlist {
	return Watchlist{Scheme: r.scheme, Epoch: epoch, Entries: len(r.list), Templates: values(r.list)}
}

func values(list []templates.Template) iter.Seq2[templates.Template, error] {
	return func(yield func(templates.Template, error) bool) {
		for _, t := range list {
			if !yield(t, nil) {
				return
			}
		}
	}
}

// how a session is made.
type how struct {
	scheme string
	width  int
	probes func(templates.Scheme) []templates.Template
	list   func(templates.Scheme) []templates.Template
	// cheat changes the scheme by which the holder's evaluator computes.
	cheat func(*templates.Scheme)
	// weights, if not empty, is the scheme under which the holder encodes its entries.
	weights string
	// ends reports at which of the messages of the matching protocol the connection breaks.
	ends func(message []byte) bool
}

// record plays a session through package evidence.
func record(t testing.TB, h how) *recording {
	t.Helper()
	scheme, err := templates.ParseScheme(h.scheme)
	if err != nil {
		t.Fatal(err)
	}
	r := &recording{scheme: scheme, probes: h.probes(scheme), list: h.list(scheme), openNonce: protocol.Nonce{1, 31: 9}, evalNonce: protocol.Nonce{2, 31: 8}}
	encoding := scheme
	if h.weights != "" {
		if encoding, err = templates.ParseScheme(h.weights); err != nil {
			t.Fatal(err)
		}
	}
	gallery, err := protocol.NewGallery(context.Background(), encoding, epoch, len(r.list), h.width, 2, values(r.list), nil)
	if err != nil {
		t.Fatal(err)
	}
	*schemeIn(gallery, "single") = scheme
	agreed := agreement.Agreement{Version: 1, Parties: [2]string{"cl", "us"},
		Watchlists: []agreement.Watchlist{{Holder: "us", Name: "wanted", Scheme: scheme.String(), MinEntries: 10}},
		Purposes:   []agreement.Purpose{{Code: "border", Basis: "treaty-1", Daily: 100}}, ClockSkew: 5}
	cl, us := audittest.NewKey("cl", 1), audittest.NewKey("us", 1)
	party := func(name string, own, other *audittest.Key) evidence.Party {
		return evidence.Party{Agency: name, Signer: own, PartnerKeys: []signature.PublicKey{other.Public()}, Agreement: agreed, Dir: t.TempDir(),
			KeepMessages: true, Now: func() time.Time { return clock }, Context: context.Background()}
	}
	parties := [2]evidence.Party{party("cl", cl, us), party("us", us, cl)}
	terms := protocol.Terms{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: scheme}
	owner, err := protocol.NewKeyOwner(terms, r.probes, ownerRoot, r.openNonce, nil)
	if err != nil {
		t.Fatal(err)
	}
	requester, err := evidence.NewRequester(owner, evidence.Ask{Terms: terms, Purpose: "border", Basis: "treaty-1"}, parties[0])
	if err != nil {
		t.Fatal(err)
	}
	up := carry(t, requester.Start())
	request, err := evidence.ParseRequest(up[0])
	if err != nil {
		t.Fatal(err)
	}
	evaluator, err := protocol.NewEvaluator(terms, len(r.probes), gallery, evalRoot, r.evalNonce, nil)
	if err != nil {
		t.Fatal(err)
	}
	holder, err := evidence.NewHolder(evaluator, request, transcript.Digest{9}, parties[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	if h.cheat != nil {
		h.cheat(schemeIn(evaluator, "plan"))
	}
	var down [][]byte
	broken := false
	deliver := func(role protocol.Role, m []byte) (out [][]byte) {
		if broken = broken || h.ends != nil && h.ends(m); broken {
			return nil
		}
		tasks, err := role.Receive(m)
		if err != nil {
			t.Fatal(err)
		}
		return carry(t, tasks)
	}
	for u, d := 0, 0; !broken && (u < len(up) || d < len(down)); {
		if u < len(up) {
			down = append(down, deliver(holder, up[u])...)
			u++
		}
		if d < len(down) {
			up = append(up, deliver(requester, down[d])...)
			d++
		}
	}
	if r.incomplete = h.ends != nil; r.incomplete != broken || !broken && !owner.Done() {
		t.Fatalf("the session is not as it should be: broken %v, done %v", broken, owner.Done())
	}
	if owner.Done() {
		r.hits = owner.Hits()
	}
	r.dirs = [2]string{requester.Journal().Dir(), holder.Journal().Dir()}
	requester.Journal().Close()
	holder.Journal().Close()
	r.seeds = [2]he.Seed{protocol.KeyOwnerSeed(ownerRoot, r.openNonce), protocol.EvaluatorSeed(evalRoot, r.evalNonce)}
	return r
}

func carry(t testing.TB, tasks []protocol.Task) [][]byte {
	t.Helper()
	var out [][]byte
	for _, task := range tasks {
		m, err := task()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m...)
	}
	return out
}

// schemeIn is the scheme in the plan of a gallery, which claims another one so than its weights
// are of, or of an evaluator. The product does not allow to change it.
func schemeIn(of any, plan string) *templates.Scheme {
	f := reflect.ValueOf(of).Elem().FieldByName(plan).FieldByName("scheme")
	return (*templates.Scheme)(unsafe.Pointer(f.UnsafeAddr()))
}

const (
	vectorScheme = "vector:2:norm=3:theta=2"
	irisScheme   = "iris:2x16x1x1:shifts=3:threshold=8/25:delta=40"
)

func vector(t testing.TB, coords ...int8) templates.Template {
	v, err := templates.NewVector(coords, 3)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// vectorEntries fill one batch of three planes and begin a second.
const vectorEntries = 3*he.LaneDegree + 1

// vectorLevels is how many messages of prefixes, and of verdicts, a batch has at scores of
// at most 7.
const vectorLevels = 4

// vectorHow is a session of two blocks, seven shares and two batches.
func vectorHow(t testing.TB) how {
	return how{scheme: vectorScheme, width: 1,
		probes: func(templates.Scheme) []templates.Template { return []templates.Template{vector(t, 2, 1)} },
		list: func(templates.Scheme) []templates.Template {
			list := make([]templates.Template, vectorEntries)
			for i := range list {
				list[i] = vector(t, int8(i%3)-1, int8(i%2))
			}
			return list
		}}
}

func iris(t testing.TB, s templates.Scheme, n uint64) templates.Template {
	code, err := templates.NewIrisColumns(s.Shape, []uint64{n * 0x9e3779b97f4a7c15 >> 32}, []uint64{0xffffffff})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// irisHow is a session of 4 blocks and four shares.
func irisHow(t testing.TB) how {
	return how{scheme: irisScheme, width: 16,
		probes: func(s templates.Scheme) []templates.Template { return []templates.Template{iris(t, s, 5)} },
		list: func(s templates.Scheme) []templates.Template {
			list := make([]templates.Template, 700)
			for i := range list {
				list[i] = iris(t, s, uint64(i))
			}
			return list
		}}
}

// manifestHow is vectorHow with three probes, whose pairs meet in batches.
func manifestHow(t testing.TB) how {
	h := vectorHow(t)
	h.probes = func(templates.Scheme) []templates.Template {
		return []templates.Template{vector(t, 2, 1), vector(t, -1, 0), vector(t, 0, 2)}
	}
	return h
}

// wavesHow is a session of two probes of 257 blocks, so that each is a wave.
func wavesHow(t testing.TB) how {
	long := func(at int) templates.Template {
		x := make([]int8, 257)
		x[at] = 20
		v, err := templates.NewVector(x, 20)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return how{scheme: "vector:257:norm=20:theta=300", width: 1,
		probes: func(templates.Scheme) []templates.Template { return []templates.Template{long(9), long(2)} },
		list: func(templates.Scheme) []templates.Template {
			list := make([]templates.Template, 12)
			for i := range list {
				list[i] = long(i % 4)
			}
			return list
		}}
}

// The honest sessions are recorded once.
var (
	once    sync.Map
	onceDir string
)

func TestMain(m *testing.M) {
	var err error
	if onceDir, err = os.MkdirTemp("", "replay"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(onceDir)
	os.Exit(code)
}

func honest(t testing.TB, name string) *recording {
	t.Helper()
	if r, ok := once.Load(name); ok {
		return r.(*recording)
	}
	h := map[string]func(testing.TB) how{"vector": vectorHow, "iris": irisHow, "manifest": manifestHow}[name](t)
	r := record(t, h)
	for i, dir := range r.dirs { // the originals go with the test
		r.dirs[i] = filepath.Join(onceDir, name+string(rune('0'+i)))
		copyFolder(t, dir, r.dirs[i])
	}
	once.Store(name, r)
	return r
}

func copyFolder(t testing.TB, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// spoiled returns a copy of a folder for changes.
func spoiled(t testing.TB, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "session")
	copyFolder(t, dir, to)
	for _, file := range []string{evidence.MessagesFile, evidence.RecordsFile} {
		if err := os.Chmod(filepath.Join(to, file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func read(t testing.TB, dir, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, dir, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// frames cuts a messages file.
func frames(t testing.TB, b []byte) (list [][]byte) {
	t.Helper()
	for len(b) > 0 {
		n := frameSize + int(binary.BigEndian.Uint32(b[1:]))
		list = append(list, b[:n:n])
		b = b[n:]
	}
	return list
}

// flip changes one byte of a message, counted from the end if at is negative, and returns
// the offset.
func flip(t testing.TB, dir string, position, at int) int {
	t.Helper()
	list := frames(t, read(t, dir, evidence.MessagesFile))
	m := list[position][frameSize:]
	at = (at + len(m)) % len(m)
	m[at] ^= 0x10
	write(t, dir, evidence.MessagesFile, bytes.Join(list, nil))
	return at
}

func records(t testing.TB, dir string) []transcript.Record {
	t.Helper()
	list, err := transcript.ParseRecords(read(t, dir, evidence.RecordsFile))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func writeRecords(t testing.TB, dir string, list []transcript.Record) {
	t.Helper()
	var b []byte
	for _, r := range list {
		b = r.Append(b)
	}
	write(t, dir, evidence.RecordsFile, b)
}

// replayRole replays one side.
func replayRole(t testing.TB, r *recording, dir string, role transcript.Party) *Report {
	t.Helper()
	var report *Report
	var err error
	if role == transcript.Requester {
		report, err = Requester(context.Background(), dir, r.seeds[0], r.probes, Options{Workers: 2})
	} else {
		report, err = Holder(context.Background(), dir, r.seeds[1], r.watchlist(), Options{Workers: 2})
	}
	if err != nil {
		t.Fatal(err)
	}
	return report
}
