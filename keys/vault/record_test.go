package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/puente-project/puente/keys"
)

// kvAnswer is what Vault's KV engine answers for a value.
func kvAnswer(t testing.TB, fields map[string]any, version int) map[string]any {
	t.Helper()
	b, err := json.Marshal(map[string]any{"data": fields, "metadata": map[string]any{"version": version}})
	if err != nil {
		t.Fatal(err)
	}
	return decode(b)
}

func decode(b []byte) map[string]any {
	var answer map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	d.Decode(&answer)
	return answer
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.SampledFrom([]string{"sessions", "watchlist/border", "signing/12/mldsa65"}).Draw(rt, "name")
		seed := keys.Seed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "seed"))
		dataKey := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, "key")
		sealed, err := sealSeed(name, seed, dataKey)
		if err != nil {
			rt.Fatal(err)
		}
		in := record{key: "vault:v3:AAAA", sealed: sealed, public: "p", version: 7}
		out, err := parseRecord(kvAnswer(t, in.fields(), 7))
		if err != nil {
			rt.Fatal(err)
		}
		back, err := openSeed(name, out.sealed, dataKey)
		if err != nil || back != seed || out.key != in.key || out.public != "p" || out.version != 7 {
			rt.Fatalf("%+v, %v", out, err)
		}
		// Another name, key or byte opens nothing.
		other := bytes.Clone(sealed)
		other[rapid.IntRange(0, len(other)-1).Draw(rt, "at")] ^= byte(rapid.IntRange(1, 255).Draw(rt, "by"))
		dataKey2 := bytes.Clone(dataKey)
		dataKey2[0] ^= 1
		for what, err := range map[string]error{
			"name": fail(openSeed("identity", sealed, dataKey)), "key": fail(openSeed(name, sealed, dataKey2)),
			"byte": fail(openSeed(name, other, dataKey)), "short": fail(openSeed(name, sealed[1:], dataKey)),
			"short key": fail(openSeed(name, sealed, dataKey[1:])),
		} {
			if !errors.Is(err, keys.ErrCorrupt) {
				rt.Fatalf("another %s: %v, want ErrCorrupt", what, err)
			}
		}
	})
}

func fail(_ keys.Seed, err error) error { return err }

// TestAssociatedDistinct: names that share bytes do not share associated data.
func TestAssociatedDistinct(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a", "a/b", "ab", "a/b/c", "b", "aa"} {
		a := string(associated(name))
		if other, ok := seen[a]; ok {
			t.Errorf("%q and %q have the same associated data", name, other)
		}
		seen[a] = name
	}
	const wanted = "puente vault seed\n\x00\x00\x00\x01\x00\x03a/b\x00\x01a"
	if got := string(associated("a/b")); got != wanted {
		t.Errorf("associated data is %q, want %q", got, wanted)
	}
}

func TestParseRecordRefuses(t *testing.T) {
	good := func() map[string]any {
		return record{key: "vault:v1:AAAA", sealed: make([]byte, sealedSize)}.fields()
	}
	for name, change := range map[string]func(map[string]any){
		"no format":      func(f map[string]any) { delete(f, "format") },
		"other format":   func(f map[string]any) { f["format"] = "2" },
		"number":         func(f map[string]any) { f["format"] = 1 },
		"no key":         func(f map[string]any) { delete(f, "key") },
		"plain key":      func(f map[string]any) { f["key"] = "AAAA" },
		"long key":       func(f map[string]any) { f["key"] = "vault:v1:" + strings.Repeat("A", 1000) },
		"no ciphertext":  func(f map[string]any) { delete(f, "sealed") },
		"not base64":     func(f map[string]any) { f["sealed"] = "!" },
		"cut ciphertext": func(f map[string]any) { f["sealed"] = base64.StdEncoding.EncodeToString(make([]byte, sealedSize-1)) },
	} {
		f := good()
		change(f)
		if _, err := parseRecord(kvAnswer(t, f, 1)); !errors.Is(err, keys.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
	if _, err := parseRecord(kvAnswer(t, nil, 1)); !errors.Is(err, errNotThere) {
		t.Errorf("a deleted value: %v", err)
	}
	if _, err := parseRecord(kvAnswer(t, good(), 0)); !errors.Is(err, ErrServer) {
		t.Errorf("no version: %v, want ErrServer", err)
	}
}

func FuzzParseRecord(f *testing.F) {
	good, _ := json.Marshal(map[string]any{"data": record{key: "vault:v1:AAAA", sealed: make([]byte, sealedSize)}.fields(), "metadata": map[string]any{"version": 1}})
	f.Add(good)
	f.Add([]byte(`{"data":{"format":"1"},"metadata":null}`))
	f.Add([]byte(`{"data":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(decode(b))
		if err != nil {
			return
		}
		if len(r.sealed) != sealedSize || r.version < 1 || len(r.key) > maxWrapped {
			t.Errorf("accepted %d bytes, version %d", len(r.sealed), r.version)
		}
		if _, err := openSeed("x", r.sealed, make([]byte, 32)); err == nil {
			t.Error("forged")
		}
	})
}
