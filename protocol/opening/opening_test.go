package opening

import (
	"bytes"
	"crypto/hpke"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/transcript"
)

func newKey(t testing.TB) *PrivateKey {
	t.Helper()
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// fixedKey returns the same key in every run.
func fixedKey(t testing.TB, n byte) *PrivateKey {
	t.Helper()
	key, err := newPrivateKey([32]byte{n})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func subjectFor(seed he.Seed) Subject {
	return Subject{Session: transcript.Digest{1, 2, 3}, Role: transcript.Holder, Commitment: protocol.Commit(seed)}
}

func sealed1(t testing.TB, seed he.Seed, to ...PublicKey) Opening {
	t.Helper()
	o, err := Seal(subjectFor(seed), seed, to...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func sealed2(t testing.TB, seed he.Seed, a, b *PrivateKey) Opening {
	t.Helper()
	o, err := SealSplit(subjectFor(seed), seed, [2]PublicKey{a.Public(), b.Public()})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEachAuditorOpensAlone(t *testing.T) {
	seed := he.Seed{7, 31: 255}
	a, b, c := newKey(t), newKey(t), newKey(t)
	o, err := Parse(sealed1(t, seed, a.Public(), b.Public()).Encode())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []*PrivateKey{a, b} {
		if got, err := o.Open(subjectFor(seed), key); err != nil || got != seed {
			t.Errorf("opening gives error %v", err)
		}
	}
	if _, err := o.Open(subjectFor(seed), c); !errors.Is(err, ErrKey) {
		t.Errorf("a stranger's key gives error %v, want %v", err, ErrKey)
	}
	if _, err := o.Open(subjectFor(seed)); !errors.Is(err, ErrKey) {
		t.Errorf("no key gives error %v, want %v", err, ErrKey)
	}
}

func TestSplitNeedsBoth(t *testing.T) {
	seed := he.Seed{7, 31: 255}
	a, b, c := newKey(t), newKey(t), newKey(t)
	o, err := Parse(sealed2(t, seed, a, b).Encode())
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []*PrivateKey{a, b} {
		if _, err := o.Open(subjectFor(seed), key); !errors.Is(err, ErrParts) {
			t.Errorf("one auditor alone gives error %v, want %v", err, ErrParts)
		}
	}
	if got, err := o.Open(subjectFor(seed), b, a); err != nil || got != seed {
		t.Errorf("both auditors: error %v", err)
	}
	forwarded, err := o.Forward(a, b.Public())
	if err != nil {
		t.Fatal(err)
	}
	if forwarded, err = Parse(forwarded.Encode()); err != nil {
		t.Fatal(err)
	}
	if got, err := forwarded.Open(subjectFor(seed), b); err != nil || got != seed {
		t.Errorf("the second auditor with the forwarded part: error %v", err)
	}
	if _, err := forwarded.Open(subjectFor(seed), a); !errors.Is(err, ErrParts) {
		t.Errorf("who has forwarded still has one part, got error %v", err)
	}
	if _, err := o.Open(subjectFor(seed), b); !errors.Is(err, ErrParts) {
		t.Errorf("forwarding has changed the original: %v", err)
	}
	if _, err := o.Forward(c, b.Public()); !errors.Is(err, ErrKey) {
		t.Errorf("a stranger forwards: error %v, want %v", err, ErrKey)
	}
	if _, err := SealSplit(subjectFor(seed), seed, [2]PublicKey{a.Public(), a.Public()}); !errors.Is(err, ErrKey) {
		t.Errorf("both parts to one auditor: error %v, want %v", err, ErrKey)
	}
}

func TestWrongSeedIsNamed(t *testing.T) {
	seed := he.Seed{1}
	key := newKey(t)
	if _, err := Seal(subjectFor(seed), he.Seed{2}, key.Public()); !errors.Is(err, ErrCommitment) {
		t.Errorf("sealing another seed gives error %v, want %v", err, ErrCommitment)
	}
	// An agency that seals another seed, and says so in the opening.
	other := sealed1(t, he.Seed{2}, key.Public())
	if _, err := other.Open(subjectFor(seed), key); !errors.Is(err, ErrCommitment) {
		t.Errorf("the opening of another seed gives error %v, want %v", err, ErrCommitment)
	}
	// One that lies in the opening as well: what is sealed is bound to the true commitment.
	lie := Opening{Subject: subjectFor(seed)}
	lie.parts = []transcript.Digest{lie.digest(1, (&he.Seed{2})[:])}
	if err := lie.add(1, (&he.Seed{2})[:], key.Public()); err != nil {
		t.Fatal(err)
	}
	if _, err := lie.Open(subjectFor(seed), key); !errors.Is(err, ErrCommitment) {
		t.Errorf("a lie gives error %v, want %v", err, ErrCommitment)
	}
	// The same with parts of another seed.
	parts, err := split(he.Seed{2})
	if err != nil {
		t.Fatal(err)
	}
	lie = Opening{Subject: subjectFor(seed)}
	lie.parts = []transcript.Digest{lie.digest(1, parts[0]), lie.digest(2, parts[1])}
	if err := errors.Join(lie.add(1, parts[0], key.Public()), lie.add(2, parts[1], key.Public())); err != nil {
		t.Fatal(err)
	}
	if _, err := lie.Open(subjectFor(seed), key); !errors.Is(err, ErrCommitment) {
		t.Errorf("parts of another seed give error %v, want %v", err, ErrCommitment)
	}
}

// TestFalsePartIsNamed is an auditor that forwards another part than his own.
func TestFalsePartIsNamed(t *testing.T) {
	seed := he.Seed{1}
	a, b := newKey(t), newKey(t)
	o := sealed2(t, seed, a, b)
	false1 := bytes.Repeat([]byte{1}, partSize)
	if err := o.add(1, false1, b.Public()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(subjectFor(seed), b); !errors.Is(err, ErrPart) {
		t.Errorf("got error %v, want %v", err, ErrPart)
	}
}

func TestOtherSubjects(t *testing.T) {
	seed := he.Seed{1}
	key := newKey(t)
	o := sealed1(t, seed, key.Public())
	for name, change := range map[string]func(*Subject){
		"session": func(s *Subject) { s.Session[31] ^= 1 },
		"role":    func(s *Subject) { s.Role = transcript.Requester },
	} {
		subject := subjectFor(seed)
		change(&subject)
		if _, err := o.Open(subject, key); !errors.Is(err, ErrSubject) {
			t.Errorf("%s: error %v, want %v", name, err, ErrSubject)
		}
		// The claim of the opening altered as well: what is sealed does not follow.
		altered := o
		change(&altered.Subject)
		if _, err := altered.Open(subject, key); !errors.Is(err, ErrTampered) {
			t.Errorf("%s altered: error %v, want %v", name, err, ErrTampered)
		}
	}
}

func TestSubjectOf(t *testing.T) {
	request, grant := transcript.Request{Seed: transcript.Digest{1}}, transcript.Grant{Session: transcript.Digest{2}, Seed: transcript.Digest{3}}
	for role, want := range map[transcript.Party]Subject{
		transcript.Requester: {transcript.Digest{2}, transcript.Requester, transcript.Digest{1}},
		transcript.Holder:    {transcript.Digest{2}, transcript.Holder, transcript.Digest{3}},
	} {
		if got := SubjectOf(request, grant, role); got != want {
			t.Errorf("%v: got %+v, want %+v", role, got, want)
		}
	}
}

// TestTampering alters every field of the file.
func TestTampering(t *testing.T) {
	seed := he.Seed{1}
	a, b := newKey(t), newKey(t)
	o := sealed2(t, seed, a, b)
	for name, c := range map[string]struct {
		change func(o *Opening)
		want   error
	}{
		"session":     {func(o *Opening) { o.Subject.Session[0] ^= 1 }, ErrSubject},
		"role":        {func(o *Opening) { o.Subject.Role = transcript.Requester }, ErrSubject},
		"commitment":  {func(o *Opening) { o.Subject.Commitment[0] ^= 1 }, ErrCommitment},
		"digest":      {func(o *Opening) { o.parts[1][0] ^= 1 }, ErrTampered},
		"parts":       {func(o *Opening) { o.parts = o.parts[:1] }, ErrTampered},
		"enc":         {func(o *Opening) { o.sealed[0].enc[5] ^= 1 }, ErrTampered},
		"enc, X25519": {func(o *Opening) { o.sealed[0].enc[len(o.sealed[0].enc)-1] ^= 1 }, ErrTampered},
		"ciphertext":  {func(o *Opening) { o.sealed[1].ciphertext[0] ^= 1 }, ErrTampered},
		"tag":         {func(o *Opening) { o.sealed[1].ciphertext[79] ^= 1 }, ErrTampered},
		"auditor":     {func(o *Opening) { o.sealed[0].auditor[0] ^= 1 }, ErrParts},
		"swapped":     {func(o *Opening) { o.sealed[0].part, o.sealed[1].part = 2, 1 }, ErrTampered},
	} {
		altered, err := Parse(o.Encode())
		if err != nil {
			t.Fatal(err)
		}
		c.change(&altered)
		if _, err := altered.Open(subjectFor(seed), a, b); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := string(sealed2(t, he.Seed{1}, fixedKey(t, 1), fixedKey(t, 2)).Encode())
	if _, err := Parse([]byte(good)); err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("there is no %q to replace", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, text := range map[string]string{
		"empty":               "",
		"null":                "null",
		"no newline":          strings.TrimSuffix(good, "\n"),
		"trailing":            good + "\n",
		"two":                 good + good,
		"indentation":         replace("  ", "\t"),
		"version":             replace(`"puente_opening": 1`, `"puente_opening": 2`),
		"unknown field":       replace(`"role"`, `"extra": 1, "role"`),
		"role":                replace(`"holder"`, `"witness"`),
		"upper case":          replace(`"session": "0102`, `"session": "0A02`),
		"short digest":        replace(`"session": "01`, `"session": "`),
		"part 0":              replace(`"part": 1`, `"part": 0`),
		"part 3":              replace(`"part": 1`, `"part": 3`),
		"both parts the same": replace(`"part": 1`, `"part": 2`),
		"parts null":          replace(`"parts": [`, `"parts": null, "x": [`),
		"too long":            strings.Repeat(" ", MaxFile) + good,
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want %v", name, err, ErrFormat)
		}
	}
	for n := range good {
		if _, err := Parse([]byte(good[:n])); !errors.Is(err, ErrFormat) {
			t.Fatalf("a prefix of %d bytes gives error %v", n, err)
		}
	}
}

func TestLimits(t *testing.T) {
	seed := he.Seed{1}
	var keys []PublicKey
	for i := range MaxAuditors + 1 {
		keys = append(keys, fixedKey(t, byte(i+1)).Public())
	}
	full := sealed1(t, seed, keys[:MaxAuditors]...)
	if n := len(full.Encode()); n > MaxFile {
		t.Errorf("the largest opening has %d bytes, the limit is %d", n, MaxFile)
	}
	if _, err := Parse(full.Encode()); err != nil {
		t.Error(err)
	}
	for name, to := range map[string][]PublicKey{"none": nil, "too many": keys, "twice": {keys[0], keys[0]}, "no key": {{}, {0: 255, 1: 255}}} {
		if o, err := Seal(subjectFor(seed), seed, to...); !errors.Is(err, ErrKey) && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: opening %v, error %v", name, o.Auditors(1), err)
		}
	}
}

func TestKeys(t *testing.T) {
	key := newKey(t)
	if got, err := ParsePublicKey(key.Public().String() + "\n"); err != nil || got != key.Public() {
		t.Errorf("public key: error %v", err)
	}
	if got, err := ParsePrivateKey(key.Secret()); err != nil || got.Public() != key.Public() || got.Secret() != key.Secret() {
		t.Errorf("secret: error %v", err)
	}
	public, secret := key.Public().String(), key.Secret()
	unreduced := publicPrefix + textEncoding.EncodeToString(bytes.Repeat([]byte{255}, len(PublicKey{})))
	for _, text := range []string{"", public[1:], public[:len(public)-1], public + "A", public + "\n\n", "\n" + public, secret, unreduced,
		public[:len(publicPrefix)+4] + "\n" + public[len(publicPrefix)+4:]} {
		if _, err := ParsePublicKey(text); !errors.Is(err, ErrFormat) {
			t.Errorf("public key %.40q: error %v, want %v", text, err, ErrFormat)
		}
	}
	for _, text := range []string{"", secret[1:], secret[:len(secret)-1], public, secret + "\n\n"} {
		if _, err := ParsePrivateKey(text); !errors.Is(err, ErrFormat) || strings.Contains(err.Error(), secret[len(secretPrefix):]) {
			t.Errorf("secret of %d characters: error %v, want %v", len(text), err, ErrFormat)
		}
	}
}

// TestRedaction prints keys in every way that comes to mind.
func TestRedaction(t *testing.T) {
	key := newKey(t)
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("key", "pointer", key, "value", *key, "within", struct{ K *PrivateKey }{key})
	marshalled, err := json.Marshal(map[string]any{"pointer": key, "value": *key})
	if err != nil {
		t.Fatal(err)
	}
	printed := logged.String() + string(marshalled)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		printed += fmt.Sprintf(verb, key) + fmt.Sprintf(verb, *key) + fmt.Sprintf(verb, struct{ K *PrivateKey }{key})
	}
	for _, secret := range []string{hex.EncodeToString(key.seed[:4]), base64.StdEncoding.EncodeToString(key.seed[:6]),
		fmt.Sprint(key.seed[:4])[1:], fmt.Sprintf("%#v", key.seed[:3])} {
		if strings.Contains(printed, secret) {
			t.Errorf("the secret is printed as %s", secret)
		}
	}
}

// TestStandardLibraryOpens opens with crypto/hpke what this package seals, and the other
// way round.
func TestStandardLibraryOpens(t *testing.T) {
	seed := he.Seed{1}
	key := newKey(t)
	o := sealed1(t, seed, key.Public())
	theirs, err := hpke.MLKEM768X25519().NewPrivateKey(key.seed[:])
	if err != nil {
		t.Fatal(err)
	}
	if PublicKey(theirs.PublicKey().Bytes()) != key.Public() {
		t.Fatal("the public keys differ")
	}
	r, err := hpke.NewRecipient(o.sealed[0].enc, theirs, hpke.HKDFSHA256(), hpke.AES256GCM(), o.info())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Open([]byte{1}, o.sealed[0].ciphertext); err != nil || !bytes.Equal(got, seed[:]) {
		t.Errorf("crypto/hpke gives error %v", err)
	}
	enc, s, err := hpke.NewSender(theirs.PublicKey(), hpke.HKDFSHA256(), hpke.AES256GCM(), o.info())
	if err != nil {
		t.Fatal(err)
	}
	ciphertext, err := s.Seal([]byte{1}, seed[:])
	if err != nil {
		t.Fatal(err)
	}
	o.sealed[0].enc, o.sealed[0].ciphertext = enc, ciphertext
	if got, err := o.Open(subjectFor(seed), key); err != nil || got != seed {
		t.Errorf("what crypto/hpke sealed gives error %v", err)
	}
}

func TestSplitAndJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := he.Seed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed"))
		parts, err := split(seed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := join(parts); err != nil || got != seed {
			t.Fatalf("joined to another seed, error %v", err)
		}
		if bytes.Equal(parts[0], parts[1]) {
			t.Error("both parts are the same")
		}
		again, err := split(seed)
		if err != nil || bytes.Equal(again[0], parts[0]) {
			t.Error("a second splitting gives the same parts")
		}
		// A part of another splitting gives no seed: the upper bytes are not zero but with
		// probability 2^-248.
		if _, err := join([2][]byte{parts[0], again[1]}); !errors.Is(err, ErrPart) {
			t.Errorf("parts of two splittings give error %v", err)
		}
	})
	ones := bytes.Repeat([]byte{255}, partSize) // above the group's order
	if _, err := join([2][]byte{ones, ones}); !errors.Is(err, ErrPart) {
		t.Errorf("scalars that are not canonical give error %v", err)
	}
	if _, err := join([2][]byte{nil, nil}); !errors.Is(err, ErrPart) {
		t.Errorf("no parts give error %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sealed1(f, he.Seed{1}, fixedKey(f, 1).Public()).Encode())
	f.Add(sealed2(f, he.Seed{1}, fixedKey(f, 1), fixedKey(f, 2)).Encode())
	key := fixedKey(f, 1)
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := Parse(b)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("error %v wraps no class", err)
			}
			return
		}
		if !bytes.Equal(o.Encode(), b) {
			t.Error("accepted bytes do not re-encode to themselves")
		}
		if seed, err := o.Open(o.Subject, key); err == nil && o.Subject.Check(seed) != nil {
			t.Error("an opened seed is not the one committed to")
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add(fixedKey(f, 1).Public().String())
	f.Add(fixedKey(f, 1).Secret())
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ParsePublicKey(text); err == nil && k.String() != strings.TrimSuffix(text, "\n") {
			t.Error("an accepted public key does not re-encode to itself")
		}
		if k, err := ParsePrivateKey(text); err == nil && k.Secret() != strings.TrimSuffix(text, "\n") {
			t.Error("an accepted secret does not re-encode to itself")
		}
	})
}
