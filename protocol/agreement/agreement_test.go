package agreement

import (
	"bytes"
	"errors"
	"testing"

	"github.com/puente-project/puente/protocol/transcript"
)

func sample() Agreement {
	return Agreement{Version: 1, Parties: [2]string{"cl", "us"}, ClockSkew: 30,
		Watchlists: []Watchlist{{"cl", "fingers", "vector:512:norm=63:theta=1191", 5}, {"us", "iris", "iris:16x256x2x2:shifts=31:threshold=8/25:delta=4096", 1}},
		Purposes:   []Purpose{{"asylum", "treaty-2", 3}, {"border", "treaty-1", 100}},
		Claims:     &Claims{72, 3, 50, []string{"treaty-2", "warrant"}}}
}

func TestCanonical(t *testing.T) {
	a := sample()
	data := a.Encode()
	back, err := Parse(data)
	if err != nil || back.Digest() != a.Digest() {
		t.Fatalf("parsed back %+v, error %v", back, err)
	}
	for name, bad := range map[string][]byte{
		"spaces":       bytes.ReplaceAll(data, []byte("  "), []byte(" ")),
		"second value": append(bytes.Clone(data), '1'),
		"no newline":   data[:len(data)-1],
		"unknown name": bytes.Replace(data, []byte(`"daily"`), []byte(`"weekly"`), 1),
		"empty":        nil,
	} {
		if _, err := Parse(bad); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want %v", name, err, ErrFormat)
		}
	}
	unordered := sample()
	unordered.Parties[0], unordered.Parties[1] = "us", "cl"
	unordered.Purposes[0], unordered.Purposes[1] = unordered.Purposes[1], unordered.Purposes[0]
	unordered.Normalise()
	if unordered.Digest() != a.Digest() {
		t.Error("both parties do not get the same bytes")
	}
}

func TestRefusals(t *testing.T) {
	for name, change := range map[string]func(*Agreement){
		"version":            func(a *Agreement) { a.Version = 2 },
		"same party":         func(a *Agreement) { a.Parties[1] = "cl" },
		"party's name":       func(a *Agreement) { a.Parties[1] = "U S" },
		"skew":               func(a *Agreement) { a.ClockSkew = 3601 },
		"no purpose":         func(a *Agreement) { a.Purposes = nil },
		"no watchlist":       func(a *Agreement) { a.Watchlists = nil },
		"foreign holder":     func(a *Agreement) { a.Watchlists[0].Holder = "ar" },
		"scheme":             func(a *Agreement) { a.Watchlists[0].Scheme = "vector" },
		"min entries":        func(a *Agreement) { a.Watchlists[0].MinEntries = 0 },
		"watchlist twice":    func(a *Agreement) { a.Watchlists[1] = a.Watchlists[0] },
		"purpose twice":      func(a *Agreement) { a.Purposes[1] = a.Purposes[0] },
		"no session allowed": func(a *Agreement) { a.Purposes[0].Daily = 0 },
		"no window":          func(a *Agreement) { a.Claims.WindowHours = 0 },
		"endless window":     func(a *Agreement) { a.Claims.WindowHours = MaxWindowHours + 1 },
		"no claim a session": func(a *Agreement) { a.Claims.PerSession = 0 },
		"no claim a day":     func(a *Agreement) { a.Claims.Daily = 0 },
		"no basis of claims": func(a *Agreement) { a.Claims.Bases = nil },
		"basis twice":        func(a *Agreement) { a.Claims.Bases = []string{"x", "x"} },
		"basis's name":       func(a *Agreement) { a.Claims.Bases[0] = "X" },
	} {
		a := sample()
		change(&a)
		if err := a.Validate(); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: error %v, want %v", name, err, ErrFormat)
		}
	}
}

func TestCheck(t *testing.T) {
	a := sample()
	good := transcript.Request{Requester: "cl", Holder: "us", Watchlist: "iris", Scheme: a.Watchlists[1].Scheme, Probes: 1,
		Agreement: a.Digest(), Purpose: "border", Basis: "treaty-1"}
	if err := a.Check(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*transcript.Request){
		"other agreement":  func(r *transcript.Request) { r.Agreement = transcript.Digest{} },
		"no party":         func(r *transcript.Request) { r.Requester = "ar" },
		"itself":           func(r *transcript.Request) { r.Holder = "cl" },
		"other watchlist":  func(r *transcript.Request) { r.Watchlist = "fingers" },
		"raised threshold": func(r *transcript.Request) { r.Scheme = "iris:16x256x2x2:shifts=31:threshold=9/25:delta=4096" },
		"purpose":          func(r *transcript.Request) { r.Purpose = "asylum" },
		"legal basis":      func(r *transcript.Request) { r.Basis = "treaty-2" },
	} {
		r := good
		change(&r)
		if err := a.Check(r); !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: error %v, want %v", name, err, ErrNotAllowed)
		}
	}
}

func TestCheckClaim(t *testing.T) {
	a := sample()
	good := transcript.Claim{Requester: "cl", Holder: "us", Watchlist: "iris", Agreement: a.Digest(), Purpose: "border", Basis: "warrant"}
	if err := a.CheckClaim(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*transcript.Claim){
		"other agreement": func(c *transcript.Claim) { c.Agreement = transcript.Digest{} },
		"no party":        func(c *transcript.Claim) { c.Requester = "ar" },
		"itself":          func(c *transcript.Claim) { c.Holder = "cl" },
		"other watchlist": func(c *transcript.Claim) { c.Watchlist = "fingers" },
		"purpose":         func(c *transcript.Claim) { c.Purpose = "tourism" },
		"legal basis":     func(c *transcript.Claim) { c.Basis = "treaty-1" },
	} {
		c := good
		change(&c)
		if err := a.CheckClaim(c); !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%s: error %v, want %v", name, err, ErrNotAllowed)
		}
	}
}

// TestWithoutClaims reads an agreement from before there were claims: it stays valid and
// allows none.
func TestWithoutClaims(t *testing.T) {
	a := sample()
	a.Claims = nil
	data := a.Encode()
	if bytes.Contains(data, []byte("claims")) {
		t.Errorf("an agreement without claims mentions them:\n%s", data)
	}
	if _, err := Parse(data); err != nil {
		t.Error(err)
	}
	c := transcript.Claim{Requester: "cl", Holder: "us", Watchlist: "iris", Agreement: a.Digest(), Purpose: "border", Basis: "warrant"}
	if err := a.CheckClaim(c); !errors.Is(err, ErrNotAllowed) {
		t.Errorf("a claim is allowed: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample().Encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := Parse(data); err == nil && !bytes.Equal(a.Encode(), data) {
			t.Error("accepted bytes do not re-encode to themselves")
		}
	})
}
