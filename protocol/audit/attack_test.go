package audit_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/audit/audittest"
	"github.com/puente-project/puente/protocol/signature"
	"github.com/puente-project/puente/protocol/transcript"
)

// An attack changes a clean world. What is not an attack on the log itself is built by an
// agency that owns its log key, so that the log verifies and only the content is wrong.
//
// Not covered here: an attacker who owns both agencies' keys and logs and tells one
// consistent lie; what the openings of seeds show (replay).
type attack struct {
	name     string
	sessions int // 24 unless given
	// number of the session that the finding must name, -1 for none
	session int
	options func(o *audittest.Options)
	edit    func(s *audittest.Session)                         // the session, before it is signed
	world   func(w *audittest.World)                           // before it is written
	disk    func(t *testing.T, dir string, w *audittest.World) // afterwards
	canary  func(w *audittest.World) audit.Canary              // of the auditor
	want    string                                             // id of the finding that names the attack
	also    []string                                           // what follows from it
}

const none = -1

func onlyRequester(f func([]transcript.Record) []transcript.Record) func(*audittest.Session) {
	return onlyAt(transcript.Requester, f)
}

func onlyAt(party transcript.Party, f func([]transcript.Record) []transcript.Record) func(*audittest.Session) {
	return func(s *audittest.Session) {
		s.EditJournal = func(own transcript.Party, r []transcript.Record) []transcript.Record {
			if own == party {
				return f(r)
			}
			return r
		}
	}
}

func signedRecords(f func([]transcript.Record) []transcript.Record) func(*audittest.Session) {
	return func(s *audittest.Session) { s.EditRecords = f }
}

func request(f func(*transcript.Request)) func(*audittest.Session) {
	return func(s *audittest.Session) { s.EditRequest = f }
}

func grant(f func(*transcript.Grant)) func(*audittest.Session) {
	return func(s *audittest.Session) { s.EditGrant = f }
}

func note(f func(*transcript.Note)) func(*audittest.Session) {
	return func(s *audittest.Session) { s.EditNote = f }
}

// alter flips a byte of the first message of a kind.
func alter(kind uint8) func([]transcript.Record) []transcript.Record {
	return func(r []transcript.Record) []transcript.Record {
		r[find(r, kind, 0)].Digest[5] ^= 1
		return r
	}
}

func find(r []transcript.Record, kind uint8, index uint32) int {
	i := slices.IndexFunc(r, func(r transcript.Record) bool { return r.Kind == kind && r.Index == index })
	if i < 0 {
		panic("no such record")
	}
	return i
}

// entryOf is the index of a session's entry in a log.
func entryOf(p *audittest.Party, s *audittest.Session) int {
	i := slices.IndexFunc(p.Entries, func(e string) bool { return strings.Contains(e, s.Request.Open.String()) })
	if i < 0 {
		panic("no such entry")
	}
	return i
}

func dropEntry(p *audittest.Party, s *audittest.Session) {
	i := entryOf(p, s)
	p.Entries = slices.Delete(p.Entries, i, i+1)
	dropClaims(p, s)
}

// dropClaims removes all claims of a session at one side.
func dropClaims(p *audittest.Party, s *audittest.Session) {
	p.Entries = slices.DeleteFunc(p.Entries, func(e string) bool { return isClaim(e, s) })
	for folder := range p.Evidence {
		if strings.HasPrefix(folder, s.Folder+"/") {
			delete(p.Evidence, folder)
		}
	}
}

func isClaim(entry string, s *audittest.Session) bool {
	return strings.HasPrefix(entry, "puente log v1 claim\n") && strings.Contains(entry, "\nsession "+s.Grant.Session.String()+"\n")
}

// claimFile is a file of the claim of session claimed.
func claimFile(w *audittest.World, party, name string) string {
	return filepath.Join(party, "evidence", w.Sessions[claimed].ClaimFolder, name)
}

// claimNotes changes the signed statements of the claim.
func claimNotes(f func(claim, release *transcript.Note)) func(*audittest.Session) {
	return func(s *audittest.Session) { s.EditClaimNotes = f }
}

func editClaim(f func(*transcript.Claim)) func(*audittest.Session) {
	return func(s *audittest.Session) { s.EditClaim = f }
}

func editRelease(f func(*transcript.Release)) func(*audittest.Session) {
	return func(s *audittest.Session) { s.EditRelease = f }
}

func claimTerms(f func(*agreement.Claims)) func(*audittest.Options) {
	return func(o *audittest.Options) { o.Agreement = func(a *agreement.Agreement) { f(a.Claims) } }
}

// canaryOf is a canary on the irises of us, asked in some sessions.
func canaryOf(w *audittest.World, epoch uint64, probe, blank int) audit.Canary {
	return audit.Canary{Version: 1, Holder: "us", Watchlist: "wanted-iris", Epoch: epoch,
		Probes: []string{w.Sessions[probe].Grant.Session.String()}, Blanks: []string{w.Sessions[blank].Grant.Session.String()}}
}

func replaceEntry(p *audittest.Party, s *audittest.Session, e transcript.Entry) {
	p.Entries[entryOf(p, s)] = e.Text()
}

func file(party, name string, change func([]byte) []byte) func(*testing.T, string, *audittest.World) {
	return func(t *testing.T, dir string, _ *audittest.World) {
		changeFile(t, filepath.Join(dir, party, name), change)
	}
}

func changeFile(t *testing.T, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err == nil {
		err = os.WriteFile(name, change(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 1; return b }
}

// remove deletes a file or folder.
func remove(party, name string) func(*testing.T, string, *audittest.World) {
	return func(t *testing.T, dir string, _ *audittest.World) {
		if err := os.RemoveAll(filepath.Join(dir, party, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// Sessions of the clean world that the attacks use: 5 is of iris codes, cl asks us; 4 is of
// vectors; 9 was aborted; from 12 on cl has its second key. 21 is of iris codes too, has a hit, and cl claims it. 2 is of
// three probes, 10 of 5 in two waves of 128 blocks each.
const iris, vector, aborted, late, claimed, several, waves = 5, 4, 9, 20, 21, 2, 10

var attacks = []attack{
	{name: "altered byte in open", session: iris, edit: onlyRequester(alter(transcript.KindOpen)), want: audit.RecordsOpening, also: []string{audit.RecordsChain, audit.SidesRecords, audit.EvidenceMessages}},
	{name: "altered byte in accept", session: iris, edit: onlyRequester(alter(transcript.KindAccept)), want: audit.RecordsOpening, also: []string{audit.RecordsChain, audit.SidesRecords, audit.EvidenceMessages}},
	{name: "altered byte in key", session: iris, edit: onlyRequester(alter(transcript.KindKey)), want: audit.RecordsChain, also: []string{audit.SidesRecords}},
	{name: "altered byte in block", session: iris, edit: onlyRequester(alter(transcript.KindBlock)), want: audit.RecordsChain, also: []string{audit.SidesRecords}},
	{name: "altered byte in share", session: iris, edit: onlyRequester(alter(transcript.KindShare)), want: audit.RecordsChain, also: []string{audit.SidesRecords}},
	{name: "altered byte in prefixes", session: iris, edit: onlyRequester(alter(transcript.KindPrefixes)), want: audit.RecordsChain, also: []string{audit.SidesRecords}},
	{name: "altered byte in verdict", session: iris, edit: onlyAt(transcript.Holder, alter(transcript.KindVerdict)), want: audit.SidesRecords, also: []string{audit.RecordsChain}},
	{name: "message dropped and signed", session: iris, edit: signedRecords(func(r []transcript.Record) []transcript.Record {
		i := find(r, transcript.KindBlock, 7)
		return slices.Delete(r, i, i+1)
	}), want: audit.RecordsCount},
	{name: "message dropped from one journal", session: iris, edit: onlyRequester(func(r []transcript.Record) []transcript.Record {
		i := find(r, transcript.KindShare, 2)
		return slices.Delete(r, i, i+1)
	}), want: audit.RecordsCount, also: []string{audit.RecordsChain}},
	{name: "message added and signed", session: iris, edit: signedRecords(func(r []transcript.Record) []transcript.Record {
		extra := r[find(r, transcript.KindBlock, 31)]
		extra.Index = 32
		return slices.Insert(r, find(r, transcript.KindBlock, 31)+1, extra)
	}), want: audit.RecordsCount},
	{name: "message answered twice", session: iris, edit: signedRecords(func(r []transcript.Record) []transcript.Record {
		second := r[find(r, transcript.KindVerdict, 0)]
		second.Digest[0] ^= 1
		return append(r, second)
	}), want: audit.RecordsDuplicate},
	{name: "verdict before its prefixes", session: iris, edit: onlyAt(transcript.Holder, func(r []transcript.Record) []transcript.Record {
		i, j := find(r, transcript.KindPrefixes, 1), find(r, transcript.KindVerdict, 1)
		r[i], r[j] = r[j], r[i]
		return r
	}), want: audit.RecordsOrder},
	{name: "blocks received in another order", session: iris, edit: onlyAt(transcript.Holder, func(r []transcript.Record) []transcript.Record {
		i, j := find(r, transcript.KindBlock, 3), find(r, transcript.KindBlock, 4)
		r[i], r[j] = r[j], r[i]
		return r
	}), want: audit.RecordsOrder},
	{name: "share before the last block", session: iris, edit: onlyRequester(func(r []transcript.Record) []transcript.Record {
		i, j := find(r, transcript.KindShare, 0), find(r, transcript.KindBlock, 30)
		r[i], r[j] = r[j], r[i]
		return r
	}), want: audit.RecordsOrder},
	{name: "block of the second wave before the prefixes of the first", session: waves, edit: onlyAt(transcript.Holder, func(r []transcript.Record) []transcript.Record {
		i, j := find(r, transcript.KindBlock, 4*128), find(r, transcript.KindVerdict, 0)
		block := r[i]
		return slices.Insert(slices.Delete(r, i, i+1), j-1, block)
	}), want: audit.RecordsOrder},
	{name: "block of the second wave before the shares of the first", session: waves, edit: onlyRequester(func(r []transcript.Record) []transcript.Record {
		i, j := find(r, transcript.KindBlock, 4*128), find(r, transcript.KindShare, 0)
		block := r[i]
		return slices.Insert(slices.Delete(r, i, i+1), j, block)
	}), want: audit.RecordsOrder},
	{name: "share of the second wave before its last block", session: waves, edit: onlyRequester(func(r []transcript.Record) []transcript.Record {
		i, j := find(r, transcript.KindShare, 4), find(r, transcript.KindBlock, 5*128-2) // the last two may be journaled in either order
		share := r[i]
		return slices.Insert(slices.Delete(r, i, i+1), j, share)
	}), want: audit.RecordsOrder},
	{name: "request of fewer probes than the open message", session: several, edit: request(func(r *transcript.Request) { r.Probes-- }),
		want: audit.RecordsOpening, also: []string{audit.RecordsCount}},
	{name: "request of more probes than the open message", session: several, edit: request(func(r *transcript.Request) { r.Probes++ }),
		want: audit.RecordsOpening, also: []string{audit.RecordsCount}},
	{name: "share of a probe's last entries of another length", session: several, edit: signedRecords(func(r []transcript.Record) []transcript.Record {
		r[find(r, transcript.KindShare, 7)].Length++
		return r
	}), want: audit.RecordsLength},
	{name: "covert bytes in a message", session: iris, edit: signedRecords(func(r []transcript.Record) []transcript.Record {
		r[find(r, transcript.KindVerdict, 1)].Length += 3
		return r
	}), want: audit.RecordsLength},
	{name: "other ciphertext size in a session", session: iris, edit: signedRecords(func(r []transcript.Record) []transcript.Record {
		for i := range r {
			if r[i].Kind == transcript.KindBlock {
				r[i].Length += 512
			}
		}
		return r
	}), want: audit.RecordsLength},
	{name: "message attributed to the other side", session: iris, edit: signedRecords(func(r []transcript.Record) []transcript.Record {
		r[find(r, transcript.KindKey, 0)].Sender = transcript.Holder
		return r
	}), want: audit.RecordsSender},
	{name: "journal cut off", session: iris, disk: func(t *testing.T, dir string, w *audittest.World) {
		changeFile(t, filepath.Join(dir, "us/evidence", w.Sessions[iris].Folder, "records"), func(b []byte) []byte { return b[:len(b)-7] })
	}, want: audit.RecordsFormat},
	{name: "bytes claimed that never passed", session: iris, edit: func(s *audittest.Session) { s.EditHead = func(h *transcript.Head) { h.Bytes += 1000 } }, want: audit.RecordsChain},

	{name: "session dropped by the holder", session: iris, world: func(w *audittest.World) {
		dropEntry(w.Parties[1], w.Sessions[iris])
		delete(w.Parties[1].Evidence, w.Sessions[iris].Folder)
	}, want: audit.SidesMissing},
	{name: "session dropped by the requester", session: iris, world: func(w *audittest.World) {
		dropEntry(w.Parties[0], w.Sessions[iris])
		delete(w.Parties[0].Evidence, w.Sessions[iris].Folder)
	}, want: audit.SidesMissing},
	{name: "aborted session hidden by the requester", session: aborted, world: func(w *audittest.World) {
		dropEntry(w.Parties[0], w.Sessions[aborted])
		delete(w.Parties[0].Evidence, w.Sessions[aborted].Folder)
	}, want: audit.SidesMissing},
	{name: "session kept out of the log", session: iris, world: func(w *audittest.World) { dropEntry(w.Parties[1], w.Sessions[iris]) },
		want: audit.EvidenceUnlogged, also: []string{audit.SidesMissing}},
	{name: "evidence removed", session: iris, world: func(w *audittest.World) { delete(w.Parties[0].Evidence, w.Sessions[iris].Folder) }, want: audit.EvidenceMissing},
	{name: "head removed", session: iris, world: func(w *audittest.World) {
		delete(w.Parties[0].Evidence[w.Sessions[iris].Folder], "head.txt")
	}, want: audit.EvidenceMissing},
	{name: "evidence moved", session: none, disk: func(t *testing.T, dir string, w *audittest.World) {
		dir = filepath.Join(dir, "us/evidence")
		if err := os.Rename(filepath.Join(dir, w.Sessions[iris].Folder), filepath.Join(dir, strings.Repeat("ab", 32))); err != nil {
			t.Fatal(err)
		}
	}, want: audit.EvidenceName},
	{name: "kept message altered", session: iris, edit: func(s *audittest.Session) { s.Keep = true }, disk: func(t *testing.T, dir string, w *audittest.World) {
		changeFile(t, filepath.Join(dir, "us/evidence", w.Sessions[iris].Folder, "messages"), flip(-1000))
	}, want: audit.EvidenceMessages},

	{name: "replayed session", session: iris, world: func(w *audittest.World) {
		p := w.Parties[1]
		p.Entries = slices.Insert(p.Entries, entryOf(p, w.Sessions[iris])+1, p.Entries[entryOf(p, w.Sessions[iris])])
	}, want: audit.SessionDuplicate},
	{name: "replayed opening message", session: late, edit: request(func(r *transcript.Request) {
		r.Open = audittest.New(audittest.Options{Sessions: 1}).Sessions[0].Request.Open
	}), want: audit.SessionNonce, also: []string{audit.RecordsOpening}},
	{name: "replayed session seed", session: late, edit: grant(func(g *transcript.Grant) {
		g.Seed = audittest.New(audittest.Options{Sessions: 1}).Sessions[0].Grant.Seed
	}), want: audit.SessionNonce},
	{name: "grant for another session id", session: iris, edit: grant(func(g *transcript.Grant) { g.Session[0] ^= 1 }), want: audit.SessionID},

	{name: "forged Ed25519 signature", session: iris, edit: note(func(n *transcript.Note) { n.Signatures[0].Signature.Ed25519[9] ^= 1 }), want: audit.SessionEd25519},
	{name: "forged ML-DSA signature", session: iris, edit: note(func(n *transcript.Note) { n.Signatures[1].Signature.MLDSA65[99] ^= 1 }), want: audit.SessionMLDSA},
	{name: "stripped Ed25519 signature", session: iris, edit: note(func(n *transcript.Note) { n.Signatures[1].Signature.Ed25519 = [64]byte{} }), want: audit.SessionEd25519},
	{name: "stripped ML-DSA signature", session: iris, edit: note(func(n *transcript.Note) { n.Signatures[0].Signature.MLDSA65 = [3309]byte{} }), want: audit.SessionMLDSA},
	{name: "ML-DSA signature cut out", session: iris, disk: cutSignature, want: audit.SessionMLDSA},
	{name: "signature of another text", session: iris, edit: note(func(n *transcript.Note) {
		other := transcript.Note{Body: n.Body + "\n", Signatures: slices.Clone(n.Signatures)}
		audittest.Resign(&other, "us", audittest.NewKey("us 1", 1))
		n.Signatures[0] = other.Signatures[0]
	}), want: audit.SessionEd25519, also: []string{audit.SessionMLDSA}},
	{name: "partner has not signed", session: iris, edit: note(func(n *transcript.Note) { n.Signatures = n.Signatures[:1] }), want: audit.SessionSigner},
	{name: "signature of a stranger", session: iris, edit: note(func(n *transcript.Note) {
		n.Signatures = append(n.Signatures, transcript.NamedSignature{Name: "ar", Signature: n.Signatures[0].Signature})
	}), want: audit.SessionSigner},
	{name: "signature of another key version", session: iris, edit: note(func(n *transcript.Note) { n.Signatures[0].Signature.Version = 2 }), want: audit.SessionSigner},
	{name: "unknown key", session: iris, edit: func(s *audittest.Session) {
		s.HolderKey = audittest.NewKey("thief", 1)
		s.EditGrant = func(g *transcript.Grant) { g.Key = s.HolderKey.ID() }
	}, want: audit.KeyKnown},
	{name: "retired key", session: late, edit: func(s *audittest.Session) {
		s.RequesterKey = s.Requester.Keys[0]
		s.EditRequest = func(r *transcript.Request) { r.Key = s.RequesterKey.ID() }
	}, want: audit.KeyRetired},
	{name: "revoked key", session: late, world: func(w *audittest.World) {
		p, s := w.Parties[1], w.Sessions[late-1]
		revoked := transcript.KeyEntry{Status: "revoked", Key: p.Keys[0].Public(), Time: s.Request.Time.Add(5 * time.Minute)}
		p.Entries = slices.Insert(p.Entries, entryOf(p, s)+1, revoked.Text())
		for _, s := range w.Sessions[late+1:] { // only one session to look at
			for _, p := range w.Parties {
				if strings.Contains(s.Folder, "unanswered") && p != s.Requester {
					continue
				}
				dropEntry(p, s)
				delete(p.Evidence, s.Folder)
			}
		}
	}, want: audit.KeyRevoked},
	{name: "key never announced", session: iris, edit: func(s *audittest.Session) {
		s.RequesterKey = s.Requester.Keys[1]
		s.EditRequest = func(r *transcript.Request) { r.Key = s.RequesterKey.ID() }
	}, want: audit.KeyLogged},
	{name: "stranger's key in the log", session: none, world: func(w *audittest.World) {
		w.Parties[0].Log(transcript.KeyEntry{Status: "active", Key: audittest.NewKey("thief", 3).Public(), Time: w.Now.Add(-time.Hour)})
	}, want: audit.KeyKnown},

	{name: "other keys shown", session: none, disk: func(t *testing.T, dir string, w *audittest.World) {
		p := w.Parties[0].Public()
		p.Keys = p.Keys[:1]
		changeFile(t, filepath.Join(dir, "cl/public.json"), func([]byte) []byte { return p.Encode() })
	}, want: audit.KeyCopy},

	{name: "sessions with a third agency that is not announced", session: none, world: func(w *audittest.World) {
		r := w.Sessions[iris].Request
		r.Requester, r.Agreement, r.Open = "ar", transcript.Digest{7}, transcript.Digest{8}
		w.Parties[1].Log(transcript.AbortedEntry{Role: transcript.Holder, Stage: "request", Time: w.Now.Add(-time.Hour), Note: transcript.Note{Body: r.Text()}})
	}, want: audit.SessionParties, also: []string{audit.SessionAgreement, audit.EvidenceMissing, audit.SessionSigner, audit.SidesMissing}},
	{name: "raised threshold", session: iris, edit: request(func(r *transcript.Request) {
		r.Scheme = strings.Replace(r.Scheme, "delta=358", "delta=258", 1)
	}), want: audit.SessionThreshold},
	{name: "lowered threshold", session: vector, edit: request(func(r *transcript.Request) {
		r.Scheme = strings.Replace(r.Scheme, "theta=1191", "theta=1", 1)
	}), want: audit.SessionThreshold},
	{name: "downgraded parameters", session: iris, edit: request(func(r *transcript.Request) {
		r.Scheme = strings.Replace(r.Scheme, "shifts=31", "shifts=1", 1)
	}), want: audit.SessionScheme},
	{name: "watchlist that is not agreed", session: iris, edit: request(func(r *transcript.Request) { r.Watchlist = "voters-iris" }),
		want: audit.SessionWatchlist, also: []string{audit.EpochLogged}},
	{name: "other watchlist under the same name", session: iris, edit: grant(func(g *transcript.Grant) { g.Root[3] ^= 1 }), want: audit.EpochRoot},
	{name: "wrong epoch", session: iris, edit: grant(func(g *transcript.Grant) { g.Epoch = 7 }), want: audit.EpochLogged},
	{name: "entries left out", session: iris, edit: grant(func(g *transcript.Grant) { g.Entries -= 40 }), want: audit.EpochSize},
	{name: "watchlist of a few people", session: vector, edit: grant(func(g *transcript.Grant) { g.Entries = 2 }), want: audit.SessionMinEntries, also: []string{audit.EpochSize}},
	{name: "impossible layout", session: iris, edit: grant(func(g *transcript.Grant) { g.Width = 1 }), want: audit.SessionLayout},
	{name: "outdated watchlist", sessions: 96, session: 92, edit: grant(func(g *transcript.Grant) {
		e := audittest.Epoch(agreement.Watchlist{Holder: "us", Name: "wanted-face"}, 1, time.Time{})
		g.Epoch, g.Root, g.Entries = 1, e.Root, e.Entries
	}), want: audit.EpochStale},
	{name: "watchlist put back", sessions: 48, session: none, world: func(w *audittest.World) {
		w.Parties[1].Log(audittest.Epoch(w.Agreement.Watchlists[2], 1, w.Now.Add(-time.Hour)))
	}, want: audit.EpochOrder},
	{name: "watchlist built for another threshold", session: none, world: func(w *audittest.World) {
		l := w.Agreement.Watchlists[2]
		l.Scheme = strings.Replace(l.Scheme, "delta=358", "delta=359", 1)
		w.Parties[1].Log(audittest.Epoch(l, 9, w.Now.Add(-time.Hour)))
	}, want: audit.EpochScheme},
	{name: "purpose that is not agreed", session: iris, edit: request(func(r *transcript.Request) { r.Purpose = "tax" }), want: audit.SessionPurpose},
	{name: "legal basis that is not agreed", session: iris, edit: request(func(r *transcript.Request) { r.Basis = "none" }), want: audit.SessionPurpose},
	{name: "quota overrun", session: none, options: func(o *audittest.Options) {
		o.Agreement = func(a *agreement.Agreement) { a.Purposes[0].Daily = 12 }
	}, want: audit.SessionQuota},

	{name: "quota overrun by the probes of one session", session: waves, options: func(o *audittest.Options) {
		o.Agreement = func(a *agreement.Agreement) { a.Purposes[0].Daily = 12 }
	}, want: audit.SessionQuota},

	{name: "session dated back", session: 11, edit: func(s *audittest.Session) { shift(s, -7*time.Hour) }, want: audit.TimeOrder},
	{name: "epoch dated back", session: none, world: func(w *audittest.World) {
		w.Parties[1].Log(audittest.Epoch(w.Agreement.Watchlists[2], 9, audittest.Start.Add(time.Hour)))
	}, want: audit.TimeOrder},
	{name: "session dated forward", session: late, edit: func(s *audittest.Session) { shift(s, 365*24*time.Hour) }, want: audit.TimeFuture},
	{name: "old request answered later", session: iris, edit: grant(func(g *transcript.Grant) { g.Time = g.Time.Add(10 * time.Minute) }), want: audit.TimeGrant},

	{name: "swapped partner", session: iris, edit: request(func(r *transcript.Request) { r.Holder = "ar" }), want: audit.SessionParties,
		also: []string{audit.EntryRole, audit.SessionSigner}},
	{name: "session of others in the log", session: iris, world: func(w *audittest.World) {
		replaceEntry(w.Parties[1], w.Sessions[iris], transcript.SessionEntry{Role: transcript.Requester, Outcome: transcript.OutcomeNoHit, Note: w.Sessions[iris].Note})
	}, want: audit.EntryRole},
	{name: "holder claims the result", session: iris, world: func(w *audittest.World) {
		replaceEntry(w.Parties[1], w.Sessions[iris], transcript.SessionEntry{Role: transcript.Holder, Outcome: transcript.OutcomeHit, Note: w.Sessions[iris].Note})
	}, want: audit.SessionOutcome},
	{name: "session under another agreement", session: iris, edit: request(func(r *transcript.Request) { r.Agreement[0] ^= 1 }), want: audit.SessionAgreement},
	{name: "agreement exchanged", session: none, disk: file("cl", "agreement.json", func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"daily": 100`), []byte(`"daily": 4000`), 1)
	}), want: audit.AgreementCopy},
	{name: "secret agreement", session: none, world: func(w *audittest.World) {
		w.Parties[0].Log(transcript.AgreementEntry{Partner: "us", Agreement: transcript.Digest{1}, Time: w.Now.Add(-time.Hour)})
	}, want: audit.AgreementKnown},
	{name: "agreement never announced", session: none, world: func(w *audittest.World) {
		p := w.Parties[1]
		p.Entries = slices.DeleteFunc(p.Entries, func(e string) bool { return strings.HasPrefix(e, "puente log v1 agreement") })
	}, want: audit.AgreementInForce},

	{name: "altered entry", session: none, disk: file("us", "log/tile/entries/000.p/30", flip(5000)), want: audit.LogRoot},
	{name: "forged inclusion proof", session: none, disk: file("us", "log/tile/0/000.p/30", flip(70)), want: audit.LogInclusion},
	{name: "missing tile", session: none, disk: remove("us", "log/tile/0/000.p/30"), want: audit.LogReadable},
	{name: "checkpoint altered", session: none, disk: file("us", "log/checkpoint", func(b []byte) []byte { return bytes.Replace(b, []byte("\n30\n"), []byte("\n29\n"), 1) }), want: audit.LogSignature},
	{name: "log of another key", session: none, disk: func(t *testing.T, dir string, w *audittest.World) {
		thief := *w.Parties[1]
		thief.LogKey = w.Parties[0].LogKey
		changeFile(t, filepath.Join(dir, "us/log/checkpoint"), func([]byte) []byte { return thief.Checkpoint(thief.Entries, nil, 0) })
	}, want: audit.LogSignature},
	{name: "entry that is no statement", session: none, world: func(w *audittest.World) { w.Parties[1].Entries = append(w.Parties[1].Entries, "hello\n") }, want: audit.EntryFormat},
	{name: "rolled-back log", session: none, world: func(w *audittest.World) {
		p := w.Parties[1]
		p.Remembered = slices.Clone(p.Entries)
		p.Entries = p.Entries[:len(p.Entries)-1]
	}, want: audit.LogRollback, also: []string{audit.EvidenceUnlogged, audit.SidesMissing}},
	{name: "split view", session: none, world: func(w *audittest.World) {
		p := w.Parties[1]
		p.Remembered = slices.Clone(p.Entries)
		p.Remembered[7] = p.Remembered[8]
	}, want: audit.LogSplit},
	{name: "history rewritten after the cosignature", session: none, disk: func(t *testing.T, dir string, w *audittest.World) {
		p := w.Parties[1]
		old := slices.Clone(p.Entries[:20])
		old[7] = old[8]
		changeFile(t, filepath.Join(dir, "us/log-witness/checkpoint"), func([]byte) []byte { return p.Checkpoint(old, w.Parties[0], w.Now.Unix()) })
	}, want: audit.LogConsistency},
	{name: "forged cosignature", session: none, disk: func(t *testing.T, dir string, w *audittest.World) {
		p, thief := w.Parties[1], *w.Parties[0]
		thief.Witness = p.Witness
		changeFile(t, filepath.Join(dir, "us/log-witness/checkpoint"), func([]byte) []byte { return p.Checkpoint(p.Entries, &thief, w.Now.Unix()) })
	}, want: audit.LogCosignature},
	{name: "no cosignature", session: none, disk: remove("us", "log-witness/checkpoint"), want: audit.LogCosignature},
	{name: "partner forgets what it cosigned", session: none, disk: remove("cl", "log-witness/partner-checkpoint"), want: audit.LogSplit},
	{name: "dated after the cosignature", session: none, disk: func(t *testing.T, dir string, w *audittest.World) {
		p := w.Parties[1]
		at := w.Sessions[late].Request.Time.Add(-time.Hour)
		changeFile(t, filepath.Join(dir, "us/log-witness/checkpoint"), func([]byte) []byte { return p.Checkpoint(p.Entries, w.Parties[0], at.Unix()) })
	}, want: audit.TimeFuture},

	{name: "statements exchanged", session: iris, disk: func(t *testing.T, dir string, w *audittest.World) {
		other, err := os.ReadFile(filepath.Join(dir, "us/evidence", w.Sessions[vector].Folder, "grant.txt"))
		if err != nil {
			t.Fatal(err)
		}
		changeFile(t, filepath.Join(dir, "us/evidence", w.Sessions[iris].Folder, "grant.txt"), func([]byte) []byte { return other })
	}, want: audit.SessionStatements, also: []string{audit.EvidenceName}},
	{name: "statement damaged", session: iris, disk: func(t *testing.T, dir string, w *audittest.World) {
		changeFile(t, filepath.Join(dir, "us/evidence", w.Sessions[iris].Folder, "grant.txt"), func(b []byte) []byte { return bytes.Replace(b, []byte("epoch 1"), []byte("epoch 01"), 1) })
	}, want: audit.SessionFormat},
	{name: "aborted session counted small", session: aborted, world: func(w *audittest.World) {
		p, s := w.Parties[1], w.Sessions[aborted]
		i := entryOf(p, s)
		p.Entries[i] = strings.Replace(p.Entries[i], "\nmessages 7\n", "\nmessages 3\n", 1)
	}, want: audit.AbortedRecords},
	{name: "answer logged as never given", session: iris, world: func(w *audittest.World) {
		s := w.Sessions[iris]
		replaceEntry(w.Parties[1], s, abortedEntry(s, transcript.Holder, len(s.Records)))
	}, want: audit.AbortedSealed, also: []string{audit.SidesStatus}},
	{name: "answer denied", session: iris, world: func(w *audittest.World) {
		s := w.Sessions[iris]
		replaceEntry(w.Parties[1], s, abortedEntry(s, transcript.Holder, len(s.Records)))
		delete(w.Parties[1].Evidence[s.Folder], "head.txt")
	}, want: audit.SidesStatus},
	{name: "two accounts of a session", session: iris, world: func(w *audittest.World) {
		p, s := w.Parties[0], w.Sessions[iris]
		head, err := transcript.ParseHead(s.Note.Body)
		if err != nil {
			panic(err)
		}
		head.Bytes--
		second := transcript.Note{Body: head.Text(), Signatures: slices.Clone(s.Note.Signatures)}
		audittest.Resign(&second, "cl", s.RequesterKey)
		audittest.Resign(&second, "us", s.HolderKey)
		replaceEntry(p, s, transcript.SessionEntry{Role: transcript.Requester, Outcome: transcript.OutcomeNoHit, Note: second})
		p.Evidence[s.Folder]["head.txt"] = []byte(second.Text())
	}, want: audit.SidesNote, also: []string{audit.RecordsChain}},

	{name: "claim on no session", session: none, world: func(w *audittest.World) {
		s := *w.Sessions[claimed]
		s.Grant.Session[0] ^= 1
		s.Folder = s.Grant.Session.String()
		s.Claim(w, w.Now.Add(-30*time.Minute))
		for _, p := range w.Parties {
			delete(p.Evidence, s.ClaimFolder)
		}
	}, want: audit.ClaimSession},
	{name: "claim with another head", session: claimed, edit: editClaim(func(c *transcript.Claim) { c.Head[0] ^= 1 }), want: audit.ClaimSession},
	{name: "claim on another watchlist", session: claimed, edit: editClaim(func(c *transcript.Claim) { c.Watchlist = "wanted-face" }), want: audit.ClaimSession},
	{name: "claim on a session without a hit", session: iris, edit: func(s *audittest.Session) { s.Claimed = true }, want: audit.ClaimHit},
	{name: "claim on an aborted session", session: aborted, world: func(w *audittest.World) {
		s := w.Sessions[aborted]
		s.RequesterKey = s.Requester.Keys[1] // cl has another key by then
		s.Claim(w, w.Now.Add(-30*time.Minute))
	}, want: audit.ClaimSession, also: []string{audit.ClaimHit}},
	{name: "claim behind the window", session: claimed, options: claimTerms(func(c *agreement.Claims) { c.WindowHours = 1 }), edit: func(s *audittest.Session) {
		s.EditClaim = func(c *transcript.Claim) { c.Time = c.Time.Add(2 * time.Hour) }
		s.EditRelease = func(r *transcript.Release) { r.Time = r.Time.Add(2 * time.Hour) }
	}, want: audit.ClaimWindow},
	{name: "release behind the window", session: claimed, options: claimTerms(func(c *agreement.Claims) { c.WindowHours = 1 }),
		edit: editRelease(func(r *transcript.Release) { r.Time = r.Time.Add(2 * time.Hour) }), want: audit.ClaimWindow},
	{name: "claim dated before the session", session: claimed, edit: editClaim(func(c *transcript.Claim) { c.Time = c.Time.Add(-time.Hour) }), want: audit.ClaimWindow},
	{name: "too many claims of a session", session: claimed, world: func(w *audittest.World) {
		for i := range 2 {
			s := *w.Sessions[claimed]
			s.EditClaim = func(c *transcript.Claim) { c.Slot[0] ^= byte(1 + i) }
			s.Claim(w, w.Now.Add(-30*time.Minute))
		}
	}, want: audit.ClaimLimit},
	{name: "too many claims of a day", session: claimed, options: claimTerms(func(c *agreement.Claims) { c.Daily = 1 }), want: audit.ClaimLimit},
	{name: "legal basis not allowed for claims", session: claimed, edit: editClaim(func(c *transcript.Claim) { c.Basis = "treaty-2025-4" }), want: audit.ClaimBasis},
	{name: "purpose of a claim not in the agreement", session: claimed, edit: editClaim(func(c *transcript.Claim) { c.Purpose = "tax" }), want: audit.ClaimBasis},
	{name: "claims that are not agreed on", session: none, options: func(o *audittest.Options) {
		o.Agreement = func(a *agreement.Agreement) { a.Claims = nil }
	}, want: audit.ClaimBasis},
	{name: "claim under an agreement that was not shown", session: claimed, edit: editClaim(func(c *transcript.Claim) { c.Agreement[0] ^= 1 }), want: audit.ClaimBasis},
	{name: "forged Ed25519 signature of a claim", session: claimed, edit: claimNotes(func(c, _ *transcript.Note) { c.Signatures[0].Signature.Ed25519[9] ^= 1 }), want: audit.SessionEd25519},
	{name: "forged ML-DSA signature of a claim", session: claimed, edit: claimNotes(func(c, _ *transcript.Note) { c.Signatures[0].Signature.MLDSA65[9] ^= 1 }), want: audit.SessionMLDSA},
	{name: "forged Ed25519 signature of a release", session: claimed, edit: claimNotes(func(_, r *transcript.Note) { r.Signatures[0].Signature.Ed25519[9] ^= 1 }), want: audit.SessionEd25519},
	{name: "forged ML-DSA signature of a release", session: claimed, edit: claimNotes(func(_, r *transcript.Note) { r.Signatures[0].Signature.MLDSA65[9] ^= 1 }), want: audit.SessionMLDSA},
	{name: "unsigned claim", session: claimed, edit: claimNotes(func(c, _ *transcript.Note) { c.Signatures = nil }),
		want: audit.SessionSigner, also: []string{audit.EntryFormat, audit.ClaimLogged}},
	{name: "requester signs its own release", session: claimed, edit: func(s *audittest.Session) {
		s.EditClaimNotes = func(c, r *transcript.Note) { r.Signatures[0].Name = "cl"; audittest.Resign(r, "cl", s.RequesterKey) }
	}, want: audit.SessionSigner},
	{name: "release for another claim", session: claimed, edit: editRelease(func(r *transcript.Release) { r.Claim[0] ^= 1 }), want: audit.ClaimRelease},
	{name: "claim hidden by the requester", session: claimed, world: func(w *audittest.World) { dropClaims(w.Parties[0], w.Sessions[claimed]) }, want: audit.ClaimSides},
	{name: "claim hidden by the holder", session: claimed, world: func(w *audittest.World) { dropClaims(w.Parties[1], w.Sessions[claimed]) }, want: audit.ClaimSides},
	{name: "claim altered", session: claimed, disk: func(t *testing.T, dir string, w *audittest.World) {
		changeFile(t, filepath.Join(dir, claimFile(w, "us", "claim.txt")), func(b []byte) []byte {
			return bytes.Replace(b, []byte("basis warrant"), []byte("basis treaty-2025-7"), 1)
		})
	}, want: audit.ClaimStatements, also: []string{audit.SessionEd25519, audit.SessionMLDSA}},
	{name: "claim damaged", session: claimed, disk: func(t *testing.T, dir string, w *audittest.World) {
		changeFile(t, filepath.Join(dir, claimFile(w, "us", "claim.txt")), func(b []byte) []byte { return b[:len(b)-1] })
	}, want: audit.SessionFormat, also: []string{audit.EvidenceMissing}},
	{name: "two releases for one claim", session: claimed, world: func(w *audittest.World) {
		p, s := w.Parties[1], w.Sessions[claimed]
		first, err := transcript.ParseNote(string(p.Evidence[s.ClaimFolder]["release.txt"]))
		if err != nil {
			panic(err)
		}
		release, err := transcript.ParseRelease(first.Body)
		if err != nil {
			panic(err)
		}
		release.Handle[0] ^= 1
		second := transcript.Note{Body: release.Text(), Signatures: slices.Clone(first.Signatures)}
		audittest.Resign(&second, "us", s.HolderKey)
		p.Evidence[s.ClaimFolder]["release.txt"] = []byte(second.Text())
		i := slices.IndexFunc(p.Entries, func(e string) bool { return isClaim(e, s) })
		p.Entries[i] = strings.Replace(p.Entries[i], first.Text(), second.Text(), 1)
	}, want: audit.ClaimTwice},
	{name: "release exchanged on disk", session: claimed, disk: func(t *testing.T, dir string, w *audittest.World) {
		other, err := os.ReadFile(filepath.Join(dir, "us/evidence", w.Sessions[0].ClaimFolder, "release.txt"))
		if err != nil {
			t.Fatal(err)
		}
		changeFile(t, filepath.Join(dir, claimFile(w, "us", "release.txt")), func([]byte) []byte { return other })
	}, want: audit.ClaimStatements, also: []string{audit.ClaimRelease, audit.ClaimTwice}},
	{name: "claim kept out of the log", session: claimed, world: func(w *audittest.World) {
		p := w.Parties[1]
		p.Entries = slices.DeleteFunc(p.Entries, func(e string) bool { return isClaim(e, w.Sessions[claimed]) })
	}, want: audit.ClaimLogged},
	{name: "claim logged twice", session: claimed, world: func(w *audittest.World) {
		p := w.Parties[1]
		i := slices.IndexFunc(p.Entries, func(e string) bool { return isClaim(e, w.Sessions[claimed]) })
		p.Entries = slices.Insert(p.Entries, i, p.Entries[i])
	}, want: audit.ClaimTwice},
	{name: "evidence of a claim removed", session: claimed, world: func(w *audittest.World) {
		delete(w.Parties[0].Evidence, w.Sessions[claimed].ClaimFolder)
	}, want: audit.EvidenceMissing},
	{name: "release removed", session: claimed, world: func(w *audittest.World) {
		delete(w.Parties[0].Evidence[w.Sessions[claimed].ClaimFolder], "release.txt")
	}, want: audit.EvidenceMissing},
	{name: "claim logged in the other role", session: claimed, world: func(w *audittest.World) {
		p := w.Parties[1]
		i := slices.IndexFunc(p.Entries, func(e string) bool { return isClaim(e, w.Sessions[claimed]) })
		p.Entries[i] = strings.Replace(p.Entries[i], "role holder", "role requester", 1)
	}, want: audit.EntryRole},
	{name: "claim logged with another outcome", session: none, world: func(w *audittest.World) {
		p := w.Parties[1]
		i := slices.IndexFunc(p.Entries, func(e string) bool { return isClaim(e, w.Sessions[claimed]) })
		p.Entries[i] = strings.Replace(p.Entries[i], "outcome released", "outcome withdrawn", 1)
	}, want: audit.EntryFormat, also: []string{audit.ClaimLogged}},

	{name: "canary not found", session: iris, canary: func(w *audittest.World) audit.Canary { return canaryOf(w, 1, iris, 13) }, want: audit.CanaryFound},
	{name: "blank found", session: claimed, canary: func(w *audittest.World) audit.Canary { return canaryOf(w, 1, claimed, claimed) }, want: audit.CanaryBlank},
	{name: "session with a canary dropped by both", session: none, canary: func(w *audittest.World) audit.Canary {
		c := canaryOf(w, 1, claimed, iris)
		c.Probes = append(c.Probes, strings.Repeat("ab", 16))
		return c
	}, want: audit.CanarySessions},
	{name: "canary asked of another watchlist", session: vector, canary: func(w *audittest.World) audit.Canary { return canaryOf(w, 1, vector, iris) }, want: audit.CanarySessions},
	{name: "canary asked among others", session: several, canary: func(w *audittest.World) audit.Canary {
		c := canaryOf(w, 1, several, vector)
		c.Watchlist = "wanted-face"
		return c
	}, want: audit.CanarySessions},
	{name: "canary asked of an older state", session: iris, canary: func(w *audittest.World) audit.Canary {
		c := canaryOf(w, 2, iris, iris)
		c.Probes = nil
		return c
	}, want: audit.CanarySessions},
}

// shift moves a session in time.
func shift(s *audittest.Session, by time.Duration) {
	s.EditRequest = func(r *transcript.Request) { r.Time = r.Time.Add(by) }
	s.EditGrant = func(g *transcript.Grant) { g.Time = g.Time.Add(by) }
}

// cutSignature leaves a signature in a file without its second half.
func cutSignature(t *testing.T, dir string, w *audittest.World) {
	changeFile(t, filepath.Join(dir, "us/evidence", w.Sessions[iris].Folder, "head.txt"), func(b []byte) []byte {
		full := w.Sessions[iris].Note.Signatures[1].Signature
		line := encode(full.Bytes())
		return bytes.Replace(b, []byte(line), []byte(encode(full.Bytes()[:signature.Size-3309])), 1)
	})
}

func TestAttacks(t *testing.T) {
	if len(attacks) < 30 {
		t.Fatalf("only %d attacks", len(attacks))
	}
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			o := audittest.Options{Sessions: 24, Edit: func(s *audittest.Session) {
				if s.Number == a.session && a.edit != nil {
					a.edit(s)
				}
			}}
			if a.sessions > 0 {
				o.Sessions = a.sessions
			}
			if a.options != nil {
				a.options(&o)
			}
			dir := t.TempDir()
			w := audittest.New(o)
			if a.world != nil {
				a.world(w)
			}
			if err := w.Write(dir); err != nil {
				t.Fatal(err)
			}
			if a.disk != nil {
				a.disk(t, dir, w)
			}
			in := w.Input(dir)
			if a.canary != nil {
				in.Canaries = append(in.Canaries, a.canary(w))
			}
			r, err := audit.Verify(in)
			if err != nil {
				t.Fatal(err)
			}
			want := append([]string{a.want}, a.also...)
			slices.Sort(want)
			if got := r.FindingIDs(); !slices.Equal(got, want) {
				t.Errorf("findings %v, want %v", got, want)
				for i, f := range r.Findings {
					if i < 10 {
						t.Logf("%s: %s (%v)", f.Check, f.What, f.Where)
					}
				}
			}
			if a.session == none || len(r.Findings) == 0 {
				return
			}
			s := w.Sessions[a.session]
			named := []string{s.Grant.Session.String(), "request " + transcript.TextDigest(s.Request.Text()).String()}
			for _, f := range r.Findings {
				if f.Check == a.want && !slices.Contains(named, f.Where.Session) {
					t.Errorf("%s is said of %q, want one of %v", f.Check, f.Where.Session, named)
				}
			}
		})
	}
}

// TestAttacksCoverChecks holds every check against the table, so that none is without an
// attack that it finds.
func TestAttacksCoverChecks(t *testing.T) {
	covered := map[string]bool{}
	for _, a := range attacks {
		covered[a.want] = true
		for _, id := range a.also {
			covered[id] = true
		}
	}
	for _, c := range audit.Checks() {
		if !covered[c.ID] && c.Severity != audit.Notice {
			t.Errorf("no attack is found by %s", c.ID)
		}
	}
}
