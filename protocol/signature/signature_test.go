package signature

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cloudflare/circl/sign/mldsa/mldsa65"
	"pgregory.net/rapid"
)

// pair is a key pair made from two seeds.
type pair struct {
	public PublicKey
	ed     ed25519.PrivateKey
	ml     *mldsa65.PrivateKey
}

func newPair(version uint32, ed, ml [32]byte) pair {
	p := pair{ed: ed25519.NewKeyFromSeed(ed[:])}
	pk, sk := mldsa65.NewKeyFromSeed(&ml)
	p.ml = sk
	p.public.Version = version
	copy(p.public.Ed25519[:], p.ed.Public().(ed25519.PublicKey))
	pk.Pack(&p.public.MLDSA65)
	return p
}

func testPair(version uint32, n byte) pair {
	return newPair(version, [32]byte{n, 1}, [32]byte{n, 2})
}

func (p pair) sign(t testing.TB, message []byte) Signature {
	t.Helper()
	input := Input(p.public, message)
	s := Signature{Version: p.public.Version}
	copy(s.Ed25519[:], ed25519.Sign(p.ed, input))
	if err := mldsa65.SignTo(p.ml, input, nil, false, s.MLDSA65[:]); err != nil {
		t.Fatal(err)
	}
	return s
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKnownAnswers compares both key generations with the published vectors:
// RFC 8032 section 7.1 test 1, and NIST ACVP ML-DSA-keyGen-FIPS204 cases 26, 27
// (the public key is given by its SHA-256).
func TestKnownAnswers(t *testing.T) {
	for _, tc := range []struct{ edSeed, edPublic, mlSeed, mlPublic string }{
		{
			"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
			"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
			"70cefb9aed5b68e018b079da8284b9d5cad5499ed9c265ff73588005d85c225c",
			"646b26b8d09dbc9e865b6a006c693a3127b065e62fab5fbe8b159c416462feb6",
		},
		{
			"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
			"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
			"4b4b71c5a1bc1074f2167a1d68729cdb9e16aba3651ff02a0a0f4c883caac827",
			"5fef74046438638b54fb828d4ae59fea8eb26de94905664c2c7d76da82672057",
		},
	} {
		p := newPair(1, [32]byte(unhex(t, tc.edSeed)), [32]byte(unhex(t, tc.mlSeed)))
		if got := hex.EncodeToString(p.public.Ed25519[:]); got != tc.edPublic {
			t.Errorf("Ed25519 public key %s, want %s", got, tc.edPublic)
		}
		if sum := sha256.Sum256(p.public.MLDSA65[:]); hex.EncodeToString(sum[:]) != tc.mlPublic {
			t.Errorf("ML-DSA-65 public key hashes to %x, want %s", sum, tc.mlPublic)
		}
	}
}

// TestGolden pins what is on disks and in logs: the encodings and the input.
func TestGolden(t *testing.T) {
	if PublicKeySize != 1989 || Size != 3378 {
		t.Errorf("sizes %d and %d, want 1989 and 3378", PublicKeySize, Size)
	}
	p := testPair(7, 1)
	if n := len(p.public.String()); n != 2668 {
		t.Errorf("text form has %d characters, want 2668", n)
	}
	input := Input(p.public, []byte("head"))
	id, digest := p.public.ID(), sha512.Sum512([]byte("head"))
	want := append(append([]byte("puente hybrid signature v1\n"), id[:]...), digest[:]...)
	if !bytes.Equal(input, want) || len(input) != 123 {
		t.Errorf("input is %x (%d bytes)", input, len(input))
	}
	sum := sha256.New()
	for n := range byte(16) {
		p := testPair(uint32(n)+1, n)
		sum.Write(p.public.Bytes())
		sum.Write([]byte(p.public.String()))
		sum.Write(p.sign(t, []byte{n}).Bytes())
	}
	const golden = "97ca11393fe16bb93cc5ddbdb37bab4c95e4eabae1739cec4ac36d0373299452"
	if got := hex.EncodeToString(sum.Sum(nil)); got != golden {
		t.Errorf("16 keys and signatures hash to %s, want %s", got, golden)
	}
	if got, want := id.String()[:16], id.Short(); got != want || len(id.String()) != 64 {
		t.Errorf("id %s, short %s", id, want)
	}
}

func TestVerify(t *testing.T) {
	p, other := testPair(1, 1), testPair(1, 2)
	newer := testPair(2, 1) // the same keys under another version
	message := []byte("session head")
	good := p.sign(t, message)
	foreign := other.sign(t, message)
	change := func(f func(*Signature)) Signature {
		s := good
		f(&s)
		return s
	}
	fake := p.public
	fake.Ed25519 = [32]byte{1}
	for _, tc := range []struct {
		name    string
		key     PublicKey
		message []byte
		sig     Signature
		want    []error // all of them, and no other class
	}{
		{"good", p.public, message, good, nil},
		{"empty message", p.public, nil, p.sign(t, nil), nil},
		{"other message", p.public, []byte("session heaD"), good, []error{ErrEd25519, ErrMLDSA}},
		{"other key", other.public, message, good, []error{ErrEd25519, ErrMLDSA}},
		{"other version of the same keys", newer.public, message, good, []error{ErrVersion}},
		{"version rewritten", newer.public, message, change(func(s *Signature) { s.Version = 2 }), []error{ErrEd25519, ErrMLDSA}},
		{"Ed25519 forged", p.public, message, change(func(s *Signature) { s.Ed25519[3] ^= 1 }), []error{ErrEd25519}},
		{"ML-DSA forged", p.public, message, change(func(s *Signature) { s.MLDSA65[3000] ^= 1 }), []error{ErrMLDSA}},
		{"Ed25519 stripped", p.public, message, change(func(s *Signature) { s.Ed25519 = [64]byte{} }), []error{ErrEd25519}},
		{"ML-DSA stripped", p.public, message, change(func(s *Signature) { s.MLDSA65 = [mldsa65.SignatureSize]byte{} }), []error{ErrMLDSA}},
		{"both stripped", p.public, message, Signature{Version: 1}, []error{ErrEd25519, ErrMLDSA}},
		{"Ed25519 half of another key", p.public, message, change(func(s *Signature) { s.Ed25519 = foreign.Ed25519 }), []error{ErrEd25519}},
		{"ML-DSA half of another key", p.public, message, change(func(s *Signature) { s.MLDSA65 = foreign.MLDSA65 }), []error{ErrMLDSA}},
		{"zero signature", p.public, message, Signature{}, []error{ErrVersion}},
		{"zero key", PublicKey{}, message, good, []error{ErrFormat}},
		{"small order key", fake, message, good, []error{ErrFormat}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := Verify(tc.key, tc.message, tc.sig)
			if (err == nil) != (tc.want == nil) {
				t.Fatalf("got %v", err)
			}
			for _, class := range []error{ErrEd25519, ErrMLDSA, ErrVersion, ErrFormat} {
				wanted := false
				for _, w := range tc.want {
					wanted = wanted || w == class
				}
				if errors.Is(err, class) != wanted {
					t.Errorf("%v: is %q: %v, want %v", err, class, !wanted, wanted)
				}
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
		})
	}
}

// TestMixedKey: a key put together from halves of two keys verifies neither
// owner's signature, nor halves of both.
func TestMixedKey(t *testing.T) {
	a, b := testPair(1, 1), testPair(1, 2)
	mixed := a.public
	mixed.MLDSA65 = b.public.MLDSA65
	sa, sb := a.sign(t, []byte("m")), b.sign(t, []byte("m"))
	sa.MLDSA65 = sb.MLDSA65
	if err := Verify(mixed, []byte("m"), sa); !errors.Is(err, ErrEd25519) || !errors.Is(err, ErrMLDSA) {
		t.Errorf("halves of two signatures under a mixed key: %v", err)
	}
}

func TestVerifyAny(t *testing.T) {
	first, second := testPair(1, 1), testPair(2, 2)
	keys := []PublicKey{second.public, first.public}
	for _, p := range []pair{first, second} {
		key, err := VerifyAny(keys, []byte("m"), p.sign(t, []byte("m")))
		if err != nil || key != p.public {
			t.Errorf("version %d: key %d, %v", p.public.Version, key.Version, err)
		}
		if key, err := VerifyAny(keys, []byte("n"), p.sign(t, []byte("m"))); err == nil || key != (PublicKey{}) {
			t.Errorf("version %d: another message gave %v and a key", p.public.Version, err)
		}
	}
	third := testPair(3, 3)
	if _, err := VerifyAny(keys, []byte("m"), third.sign(t, []byte("m"))); !errors.Is(err, ErrVersion) {
		t.Errorf("unknown version: %v, want ErrVersion", err)
	}
}

func TestParseSignature(t *testing.T) {
	s := testPair(5, 1).sign(t, []byte("m"))
	b := s.Bytes()
	if got, err := Parse(b); err != nil || got != s {
		t.Fatalf("round trip: %v", err)
	}
	long := append(bytes.Clone(b), make([]byte, Size)...)
	for n := range long {
		_, err := Parse(long[:n])
		if n == Size {
			continue
		}
		if !errors.Is(err, ErrFormat) {
			t.Fatalf("%d bytes: %v, want ErrFormat", n, err)
		}
		if errors.Is(err, ErrEd25519) != (n == Size-64) || errors.Is(err, ErrMLDSA) != (n == Size-3309) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	for name, change := range map[string]func([]byte){
		"format 0":  func(b []byte) { b[0] = 0 },
		"format 2":  func(b []byte) { b[0] = 2 },
		"version 0": func(b []byte) { copy(b[1:5], []byte{0, 0, 0, 0}) },
	} {
		c := bytes.Clone(b)
		change(c)
		if got, err := Parse(c); !errors.Is(err, ErrFormat) || got != (Signature{}) {
			t.Errorf("%s: %v, want ErrFormat and nothing", name, err)
		}
	}
}

func TestParsePublicKey(t *testing.T) {
	k := testPair(5, 1).public
	b := k.Bytes()
	if got, err := ParsePublicKey(b); err != nil || got != k {
		t.Fatalf("round trip: %v", err)
	}
	if got, err := ParsePublicKeyText(k.String()); err != nil || got != k {
		t.Fatalf("text round trip: %v", err)
	}
	var back PublicKey
	if j, err := json.Marshal(k); err != nil || json.Unmarshal(j, &back) != nil || back != k {
		t.Errorf("JSON round trip: %v", err)
	}
	long := append(bytes.Clone(b), b...)
	for n := range long {
		if _, err := ParsePublicKey(long[:n]); n != PublicKeySize && !errors.Is(err, ErrFormat) {
			t.Fatalf("%d bytes: %v, want ErrFormat", n, err)
		}
	}
	torsion := func(s string) func([]byte) {
		point := unhex(t, s)
		return func(b []byte) { copy(b[5:], point) }
	}
	for name, change := range map[string]func([]byte){
		"format 0":         func(b []byte) { b[0] = 0 },
		"version 0":        func(b []byte) { copy(b[1:5], []byte{0, 0, 0, 0}) },
		"order 1":          torsion("0100000000000000000000000000000000000000000000000000000000000000"),
		"order 2":          torsion("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		"order 4":          torsion("0000000000000000000000000000000000000000000000000000000000000000"),
		"order 4, other":   torsion("0000000000000000000000000000000000000000000000000000000000000080"),
		"order 8":          torsion("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
		"order 8, other":   torsion("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
		"order 8, third":   torsion("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
		"order 8, fourth":  torsion("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
		"y = p":            torsion("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		"y = p + 1":        torsion("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		"y = 2^255 - 1":    torsion("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		"not on the curve": torsion("0200000000000000000000000000000000000000000000000000000000000000"),
	} {
		c := bytes.Clone(b)
		change(c)
		if got, err := ParsePublicKey(c); !errors.Is(err, ErrFormat) || got != (PublicKey{}) {
			t.Errorf("%s: %v, want ErrFormat and nothing", name, err)
		}
	}
	text := k.String()
	for name, bad := range map[string]string{
		"empty": "", "no prefix": text[len(textPrefix):], "cut": text[:len(text)-1], "longer": text + "A",
		"newline": text + "\n", "inner newline": text[:100] + "\n" + text[101:], "space": " " + text,
		"url alphabet": text[:100] + "_" + text[101:], "padding": text[:len(text)-1] + "=",
		"padded": textPrefix + base64.StdEncoding.EncodeToString(append(b, 0)),
	} {
		if _, err := ParsePublicKeyText(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

// TestHonestKeysPass: no key that Ed25519 can generate is refused.
func TestHonestKeysPass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
		if err := checkEd25519([32]byte(public)); err != nil {
			t.Fatal(err)
		}
	})
}

// TestEveryByteCounts changes one byte of a signature at a random place.
func TestEveryByteCounts(t *testing.T) {
	p := testPair(1, 9)
	good := p.sign(t, []byte("m")).Bytes()
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(good)
		b[rapid.IntRange(0, Size-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		s, err := Parse(b)
		if err == nil {
			err = Verify(p.public, []byte("m"), s)
		}
		if err == nil {
			t.Fatal("a changed signature verifies")
		}
	})
}

func FuzzParse(f *testing.F) {
	p := testPair(1, 1)
	f.Add(p.sign(f, nil).Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Bytes(), b) {
			t.Error("accepted bytes that are not canonical")
		}
		if Verify(p.public, []byte("never signed"), s) == nil {
			t.Error("forged")
		}
	})
}

func FuzzParsePublicKey(f *testing.F) {
	p := testPair(1, 1)
	sig := p.sign(f, nil)
	f.Add(p.public.Bytes())
	f.Add([]byte(p.public.String()))
	f.Add([]byte(textPrefix))
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, err := ParsePublicKey(b); err == nil {
			if !bytes.Equal(k.Bytes(), b) {
				t.Error("accepted bytes that are not canonical")
			}
			if k != p.public && Verify(k, nil, sig) == nil {
				t.Error("another key verifies the signature")
			}
		}
		if k, err := ParsePublicKeyText(string(b)); err == nil && k.String() != string(b) {
			t.Error("accepted text that is not canonical")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	p := testPair(1, 1)
	s := p.sign(b, []byte("m"))
	for b.Loop() {
		if err := Verify(p.public, []byte("m"), s); err != nil {
			b.Fatal(err)
		}
	}
}
