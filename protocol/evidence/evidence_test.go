package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/templates"
)

// session is one session between two wrapped roles in one process.
type session struct {
	requester *Requester
	holder    *Holder
	request   []byte   // first message
	up, down  [][]byte // what was sent, request excluded
	sealed    int
	spoil     func(message []byte) []byte // on the way, if not nil
	dirs      [2]string
	parties   [2]Party
}

// entries fill one batch of three planes and begin a second.
const entries = 3*he.LaneDegree + 1

// levels is how many messages of prefixes, and of verdicts, a batch has at scores of at
// most 8.
const levels = 4

var clock = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// newSession is one of one probe.
func newSession(t testing.TB) *session {
	t.Helper()
	list := make([]templates.Template, entries)
	for i := range list {
		list[i] = vector(t, int8(i%3)-1)
	}
	return sessionOf(t, "vector:1:norm=3:theta=1", list, vector(t, 3))
}

// sessionOf is one of any probes, in blocks of width 1.
func sessionOf(t testing.TB, text string, list []templates.Template, probes ...templates.Template) *session {
	t.Helper()
	scheme, err := templates.ParseScheme(text)
	if err != nil {
		t.Fatal(err)
	}
	gallery, err := protocol.NewGallery(context.Background(), scheme, 7, len(list), 1, 2, templates.Sequence(list), nil)
	if err != nil {
		t.Fatal(err)
	}
	agreed := agreement.Agreement{Version: 1, Parties: [2]string{"cl", "us"},
		Watchlists: []agreement.Watchlist{{Holder: "us", Name: "wanted", Scheme: scheme.String(), MinEntries: 10}},
		Purposes:   []agreement.Purpose{{Code: "border", Basis: "treaty-1", Daily: 100}}, ClockSkew: 5}
	if err := agreed.Validate(); err != nil {
		t.Fatal(err)
	}
	cl, us := audittest.NewKey("cl", 1), audittest.NewKey("us", 1)
	s := &session{dirs: [2]string{t.TempDir(), t.TempDir()}}
	party := func(name string, own, other *audittest.Key, dir string) Party {
		return Party{Agency: name, Signer: own, PartnerKeys: []signature.PublicKey{other.Public()}, Agreement: agreed, Dir: dir,
			KeepMessages: true, Now: func() time.Time { return clock }, Context: context.Background()}
	}
	s.parties = [2]Party{party("cl", cl, us, s.dirs[0]), party("us", us, cl, s.dirs[1])}
	terms := protocol.Terms{Requester: "cl", Holder: "us", Watchlist: "wanted", Scheme: scheme}
	owner, err := protocol.NewKeyOwner(terms, probes, he.Seed{1}, protocol.Nonce{1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.requester, err = NewRequester(owner, Ask{Terms: terms, Purpose: "border", Basis: "treaty-1", Case: transcript.CaseHash(make([]byte, 16), "case 1")}, s.parties[0]); err != nil {
		t.Fatal(err)
	}
	first := run(t, s.requester.Start())
	s.request, s.up = first[0], first[1:]
	request, err := ParseRequest(s.request)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.Verify(s.parties[1]); err != nil {
		t.Fatal(err)
	}
	evaluator, err := protocol.NewEvaluator(terms, int(request.Probes), gallery, he.Seed{2}, protocol.Nonce{2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.holder, err = NewHolder(evaluator, request, transcript.Digest{9}, s.parties[1], func(transcript.Note) error { s.sealed++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if tasks, err := s.holder.Receive(s.request); err != nil || len(tasks) != 0 {
		t.Fatalf("the request gives %d tasks, error %v", len(tasks), err)
	}
	return s
}

func vector(t testing.TB, v int8) templates.Template {
	x, err := templates.NewVector([]int8{v}, 3)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func run(t testing.TB, tasks []protocol.Task) [][]byte {
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

// play delivers messages until nothing is left or somebody refuses.
func (s *session) play() error {
	deliver := func(r protocol.Role, m []byte, out *[][]byte) error {
		if s.spoil != nil {
			m = s.spoil(m)
		}
		tasks, err := r.Receive(m)
		for _, task := range tasks {
			messages, taskErr := task()
			*out = append(*out, messages...)
			if taskErr != nil {
				return taskErr
			}
		}
		return err
	}
	for u, d := 0, 0; u < len(s.up) || d < len(s.down); {
		if u < len(s.up) {
			u++
			if err := deliver(s.holder, s.up[u-1], &s.down); err != nil {
				return err
			}
		}
		if d < len(s.down) {
			d++
			if err := deliver(s.requester, s.down[d-1], &s.up); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestBothSignTheSameHead(t *testing.T) {
	s := newSession(t)
	if err := s.play(); err != nil {
		t.Fatal(err)
	}
	if !s.requester.Done() || !s.holder.Done() || s.sealed != 1 {
		t.Fatalf("done: %v and %v, sealed %d times", s.requester.Done(), s.holder.Done(), s.sealed)
	}
	if hits := s.requester.owner.Hits()[0]; len(hits) != entries/3 || hits[0] != 2 {
		t.Errorf("%d hits, the first at %d", len(hits), hits[0])
	}
	for i, journal := range []*Journal{s.requester.Journal(), s.holder.Journal()} {
		if want := filepath.Join(s.dirs[i], transcript.Digest(s.holder.Session()).String()); journal.Dir() != want {
			t.Errorf("the evidence is in %s, want %s", journal.Dir(), want)
		}
		text, err := os.ReadFile(filepath.Join(journal.Dir(), HeadFile))
		if err != nil {
			t.Fatal(err)
		}
		note, err := transcript.ParseNote(string(text))
		if err != nil {
			t.Fatal(err)
		}
		head, err := transcript.ParseHead(note.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(note.Verify("cl", s.parties[1].PartnerKeys, head.Request.Key), note.Verify("us", s.parties[0].PartnerKeys, head.Grant.Key)); err != nil {
			t.Error(err)
		}
		data, err := os.ReadFile(filepath.Join(journal.Dir(), RecordsFile))
		if err != nil {
			t.Fatal(err)
		}
		records, err := transcript.ParseRecords(data)
		if err != nil {
			t.Fatal(err)
		}
		transcript.Sort(records)
		if got := transcript.NewHead(head.Request, head.Grant, records); got != head {
			t.Errorf("party %d: the records give head\n%+v\nsigned is\n%+v", i, got, head)
		}
		// open, accept, key, block, 7 shares, prefixes and verdicts of 2 batches
		if head.Messages != 4+7+4*levels || head.Grant.Epoch != 7 || head.Grant.Entries != entries {
			t.Errorf("head: %+v", head)
		}
	}
	if s.requester.Head().Body != s.holder.Head().Body {
		t.Error("the heads differ")
	}
}

// long is a vector with v in one of 1100 dimensions, which take 1100 blocks of width 1: a
// wave has one probe of them.
func long(t testing.TB, at int, v int8) templates.Template {
	x := make([]int8, 1100)
	x[at] = v
	template, err := templates.NewVector(x, 20)
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// TestManyProbes has three probes in a session, in one wave, and two in two: both sides sign
// how many they are.
func TestManyProbes(t *testing.T) {
	list := make([]templates.Template, 12)
	for i := range list {
		list[i] = long(t, i%4, 20)
	}
	short := []templates.Template{vector(t, 1), vector(t, 0), vector(t, -1)}
	for text, c := range map[string]struct {
		list, probes []templates.Template
		want         [][]int
	}{
		"vector:1:norm=3:theta=1":       {slices.Repeat(short, 5), short, [][]int{{0, 3, 6, 9, 12}, nil, {2, 5, 8, 11, 14}}},
		"vector:1100:norm=20:theta=300": {list, []templates.Template{long(t, 7, 20), long(t, 3, 15)}, [][]int{nil, {3, 7, 11}}},
	} {
		s := sessionOf(t, text, c.list, c.probes...)
		if err := s.play(); err != nil {
			t.Fatal(err)
		}
		head, err := transcript.ParseHead(s.holder.Head().Body)
		if err != nil || head.Request.Probes != uint64(len(c.probes)) || s.requester.Head().Body != s.holder.Head().Body || s.sealed != 1 {
			t.Errorf("%s: head %+v, sealed %d times, error %v", text, head, s.sealed, err)
		}
		for i, hits := range s.requester.owner.Hits() {
			if !slices.Equal(hits, c.want[i]) {
				t.Errorf("%s, probe %d: hits %v, want %v", text, i+1, hits, c.want[i])
			}
		}
		sent := 2 + int64(len(s.request)) // and the seal
		for _, m := range s.up {
			sent += int64(len(m))
		}
		if limit := s.holder.ReceiveBytes(); sent > limit || sent < limit/2 { // prefixes of fewer planes are shorter
			t.Errorf("%s: the requester sent %d bytes, allowed are %d", text, sent, limit)
		}
	}
}

// TestRequestOfFewerProbes signs a request for another number of probes than the open
// message has, which the holder refuses whatever its evaluator was made for.
func TestRequestOfFewerProbes(t *testing.T) {
	for _, n := range []uint64{1, 3} {
		s := sessionOf(t, "vector:1:norm=3:theta=1", slices.Repeat([]templates.Template{vector(t, 1)}, 12), vector(t, 1), vector(t, 3))
		s.holder.request.Probes = n
		if err := s.play(); !errors.Is(err, ErrStatement) || len(s.down) != 0 {
			t.Errorf("a request of %d probes before an open message of 2: %d answers, error %v", n, len(s.down), err)
		}
	}
}

// TestNothingLeavesUnrecorded fails the disk at every step and expects that the answer
// stays.
func TestNothingLeavesUnrecorded(t *testing.T) {
	s := newSession(t)
	s.holder.Journal().Close() // every later write fails
	if err := s.play(); err == nil {
		t.Fatal("the session goes on without a journal")
	}
	for _, m := range s.down {
		if k := protocol.KindOf(m); k == protocol.KindVerdict || k == protocol.KindShare {
			t.Errorf("%v left without a record", k)
		}
	}
}

// TestTheLastVerdictWaits ends the requester before its seal.
func TestTheLastVerdictWaits(t *testing.T) {
	s := newSession(t)
	s.spoil = func(m []byte) []byte {
		if kindOf(m) == kindSeal {
			return nil
		}
		return m
	}
	if err := s.play(); err == nil {
		t.Fatal("no seal, no error")
	}
	verdicts := 0
	for _, m := range s.down {
		if protocol.KindOf(m) == protocol.KindVerdict {
			verdicts++
		}
	}
	if verdicts != levels || s.sealed != 0 {
		t.Errorf("%d of %d verdicts were released before the seal, sealed %d times", verdicts, 2*levels, s.sealed)
	}
}

// TestSpoiledStatements alters messages on the way.
func TestSpoiledStatements(t *testing.T) {
	signed, err := audittest.NewKey("cl", 1).Sign(context.Background(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	flip := func(kind byte, at int) func([]byte) []byte {
		return func(m []byte) []byte {
			if kindOf(m) != kind {
				return m
			}
			m = bytes.Clone(m)
			m[(at+len(m))%len(m)] ^= 1
			return m
		}
	}
	var verdict int
	var held []byte
	for name, c := range map[string]struct {
		spoil func([]byte) []byte
		want  error
	}{
		"open altered":      {flip(transcript.KindOpen, 10), ErrStatement},
		"accept altered":    {flip(transcript.KindAccept, 10), ErrStatement},
		"grant title":       {flip(kindGrant, 5), transcript.ErrFormat},
		"grant text":        {flip(kindGrant, 40), transcript.ErrSignature},
		"grant signature":   {flip(kindGrant, -20), transcript.ErrFormat},
		"receipt record":    {flip(kindReceipt, 30), transcript.ErrSignature},
		"receipt signature": {flip(kindReceipt, -1), transcript.ErrSignature},
		"receipt index":     {flip(kindReceipt, 2+5), ErrHeld},
		"early receipt": {func(m []byte) []byte { // in place of the first verdict, which is lost
			if protocol.KindOf(m) == protocol.KindVerdict && held == nil {
				held = m
				record := transcript.RecordOf(transcript.Holder, m).Append(nil)
				return seal(kindReceipt, append(bytes.Repeat(record, levels), signed.Bytes()...))
			}
			return m
		}, ErrHeld},
		"seal":                 {flip(kindSeal, -1), transcript.ErrSignature},
		"version of the grant": {flip(kindGrant, 1), protocol.ErrVersion},
		"other last verdict": {func(m []byte) []byte {
			if protocol.KindOf(m) == protocol.KindVerdict {
				if verdict++; verdict == levels+2 { // in the last batch
					return flip(transcript.KindVerdict, -1)(m)
				}
			}
			return m
		}, ErrHeld},
		"last verdict twice": {func(m []byte) []byte {
			if protocol.KindOf(m) == protocol.KindVerdict {
				if verdict++; verdict == levels+2 {
					return held
				}
				held = m
			}
			return m
		}, ErrHeld},
		"last verdict for its receipt": {func(m []byte) []byte {
			if protocol.KindOf(m) == protocol.KindVerdict {
				held = m
			}
			if kindOf(m) != kindReceipt {
				return m
			}
			forged := make([]byte, 1+32+4+lastVerdict(t)) // kind, session, number
			copy(forged, held[:1+32])
			binary.BigEndian.PutUint32(forged[1+32:], levels)
			return forged
		}, ErrHeld},
		"receipt for the last verdict": {func(m []byte) []byte {
			if kindOf(m) == kindReceipt {
				held = m
			}
			if protocol.KindOf(m) == protocol.KindVerdict {
				if verdict++; verdict == levels+1 {
					return held
				}
			}
			return m
		}, ErrHeld},
		"receipt of one record less": {func(m []byte) []byte {
			if kindOf(m) == kindReceipt {
				return slices.Delete(bytes.Clone(m), 2, 2+transcript.RecordSize)
			}
			return m
		}, transcript.ErrFormat},
		"receipt of one record more": {func(m []byte) []byte {
			if kindOf(m) == kindReceipt {
				return slices.Insert(bytes.Clone(m), 2, m[2:2+transcript.RecordSize]...)
			}
			return m
		}, signature.ErrFormat},
		"share altered on the way": {flip(transcript.KindShare, -1), transcript.ErrSignature}, // the heads differ
		"half of a signature": {func(m []byte) []byte {
			if kindOf(m) == kindSeal {
				return m[:len(m)-mldsa65.SignatureSize]
			}
			return m
		}, signature.ErrMLDSA},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSession(t)
			s.spoil, verdict, held = c.spoil, 0, nil
			if err := s.play(); !errors.Is(err, c.want) {
				t.Errorf("got error %v, want %v", err, c.want)
			}
			if sealed := verdict > levels; sealed != (s.sealed != 0) { // those behind the seal were spoiled
				t.Errorf("sealed %d times, %d verdicts came", s.sealed, verdict)
			}
		})
	}
}

// lastVerdict is the length of the body of a verdict of the last batch, of one comparison.
func lastVerdict(t testing.TB) int {
	t.Helper()
	scheme, err := templates.ParseScheme("vector:1:norm=3:theta=1")
	if err != nil {
		t.Fatal(err)
	}
	layout, err := scheme.Layout(he.Degree, 1)
	if err != nil {
		t.Fatal(err)
	}
	params, err := protocol.Params(scheme, layout)
	if err != nil {
		t.Fatal(err)
	}
	return params.VerdictSize(1)
}

// TestRequestsAreRefused verifies requests that a holder must not answer.
func TestRequestsAreRefused(t *testing.T) {
	s := newSession(t)
	request, err := ParseRequest(s.request)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Party){
		"to somebody else":  func(p *Party) { p.Agency = "ar" },
		"unknown key":       func(p *Party) { p.PartnerKeys = []signature.PublicKey{audittest.NewKey("third", 1).Public()} },
		"other agreement":   func(p *Party) { p.Agreement.ClockSkew++ },
		"an hour too late":  func(p *Party) { p.Now = func() time.Time { return clock.Add(time.Hour) } },
		"an hour too early": func(p *Party) { p.Now = func() time.Time { return clock.Add(-time.Hour) } },
	} {
		party := s.parties[1]
		party.PartnerKeys = slices.Clone(party.PartnerKeys)
		change(&party)
		if err := request.Verify(party); err == nil {
			t.Errorf("%s: the request is accepted", name)
		}
	}
	if _, err := NewHolder(s.holder.evaluator, request, transcript.Digest{}, s.parties[1], nil); !errors.Is(err, ErrStatement) {
		t.Errorf("a replayed request gives error %v, want %v", err, ErrStatement)
	}
	for n := range s.request {
		if _, err := ParseRequest(s.request[:n]); err == nil {
			t.Fatalf("a prefix of %d bytes is accepted", n)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(newSession(f).request)
	f.Fuzz(func(t *testing.T, m []byte) {
		if r, err := ParseRequest(m); err == nil && !bytes.Equal(seal(kindRequest, []byte(r.note.Text())), m) {
			t.Error("accepted bytes do not re-encode to themselves")
		}
	})
}
