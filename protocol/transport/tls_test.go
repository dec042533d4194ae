package transport

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"
)

var (
	testFrom  = time.Now().Add(-time.Hour)
	testUntil = time.Now().Add(24 * time.Hour)
)

func testIdentity(t testing.TB, seed byte, name string, from, until time.Time) tls.Certificate {
	t.Helper()
	id, err := NewIdentity([32]byte{seed}, name, from, until)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func testPin(t testing.TB, id tls.Certificate) Pin {
	t.Helper()
	pin, err := IdentityPin(id)
	if err != nil {
		t.Fatal(err)
	}
	return pin
}

func TestIdentityDeterministic(t *testing.T) {
	from, until := time.Unix(1_800_000_000, 5).In(time.FixedZone("x", 3600)), time.Unix(1_900_000_000, 0)
	a := testIdentity(t, 1, "Agencia Ñ", from, until)
	b := testIdentity(t, 1, "Agencia Ñ", from.UTC(), until)
	if !bytes.Equal(a.Certificate[0], b.Certificate[0]) {
		t.Error("the same arguments give two different certificates")
	}
	// The pin is agreed with partners for years: a change of the derivation
	// would lock every agency out.
	const want = "sha256:83d25fe1e6f4e0b8929d688389188c8f00e2479ddf2803b170f1405b3075da7a"
	if got := testPin(t, a).String(); got != want {
		t.Errorf("the pin of the seed 01 00 .. 00 is %s, want %s", got, want)
	}
	renewed := testIdentity(t, 1, "Agencia Ñ", from, until.Add(time.Second))
	if testPin(t, renewed) != testPin(t, a) {
		t.Error("renewal changes the pin")
	}
	if renewed.Leaf.SerialNumber.Cmp(a.Leaf.SerialNumber) == 0 {
		t.Error("two certificates of one key have the same serial number")
	}
	if testPin(t, testIdentity(t, 2, "Agencia Ñ", from, until)) == testPin(t, a) {
		t.Error("two seeds give one pin")
	}
	for _, bad := range []struct {
		name        string
		from, until time.Time
	}{
		{"", from, until}, {strings.Repeat("x", 65), from, until}, {"a\x1b[2J", from, until},
		{"a\xff", from, until}, {"a", until, from}, {"a", from, from},
	} {
		if _, err := NewIdentity([32]byte{1}, bad.name, bad.from, bad.until); err == nil {
			t.Errorf("NewIdentity accepts %q from %v until %v", bad.name, bad.from, bad.until)
		}
	}
}

func TestLabels(t *testing.T) {
	if labelKey == labelSerial || strings.HasPrefix(labelKey, labelSerial) || strings.HasPrefix(labelSerial, labelKey) {
		t.Error("the HKDF labels are not distinct")
	}
}

func TestPin(t *testing.T) {
	pin := testPin(t, testIdentity(t, 1, "a", testFrom, testUntil))
	back, err := ParsePin(pin.String())
	if err != nil || back != pin {
		t.Errorf("ParsePin(String) = %v, %v; want %v", back, err, pin)
	}
	for _, bad := range []string{
		"", "sha256:", pin.String()[7:], pin.String() + "0", pin.String()[:70], "sha1:" + pin.String()[7:],
		strings.ToUpper(pin.String()), " " + pin.String(), "sha256:" + strings.Repeat("g", 64),
	} {
		if _, err := ParsePin(bad); err == nil {
			t.Errorf("ParsePin accepts %q", bad)
		}
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add("sha256:83d25fe1e6f4e0b8929d688389188c8f00e2479ddf2803b170f1405b3075da7a")
	f.Add("sha256:")
	f.Fuzz(func(t *testing.T, s string) {
		if pin, err := ParsePin(s); err == nil && pin.String() != s {
			t.Errorf("ParsePin accepts %q and writes %q", s, pin)
		}
	})
}

func TestPartners(t *testing.T) {
	a, b := Pin{1}, Pin{2}
	lookup, err := NewPartners(map[string]Pin{"a": a, "b": b})
	if err != nil {
		t.Fatal(err)
	}
	for pin, want := range map[Pin]string{a: "a", b: "b", {3}: "", {}: ""} {
		if got, ok := lookup(pin); got != want || ok != (want != "") {
			t.Errorf("lookup(%v) = %q, %v; want %q", pin, got, ok, want)
		}
	}
	for _, bad := range []map[string]Pin{{"a": a, "b": a}, {"": a}} {
		if _, err := NewPartners(bad); err == nil {
			t.Errorf("NewPartners accepts %v", bad)
		}
	}
}

// handshake runs one TLS handshake and gives the errors of both ends, each after
// one exchange of bytes, because in TLS 1.3 a client learns of a refusal late.
func handshake(t *testing.T, server, client *tls.Config) (serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	deadline := time.Now().Add(5 * time.Second)
	_ = a.SetDeadline(deadline)
	_ = b.SetDeadline(deadline)
	done := make(chan error, 1)
	go func() {
		s := tls.Server(a, server)
		err := s.Handshake()
		if err == nil {
			_, err = s.Write([]byte("x"))
		}
		if err == nil {
			_, err = s.Read(make([]byte, 1))
		}
		done <- err
	}()
	c := tls.Client(b, client)
	if clientErr = c.Handshake(); clientErr == nil {
		if _, clientErr = c.Read(make([]byte, 1)); clientErr == nil {
			_, clientErr = c.Write([]byte("x"))
		}
	}
	return <-done, clientErr
}

func TestHandshake(t *testing.T) {
	idA, idB := testIdentity(t, 1, "a", testFrom, testUntil), testIdentity(t, 2, "b", testFrom, testUntil)
	stranger := testIdentity(t, 3, "a", testFrom, testUntil)
	ecdsaID := ecdsaIdentity(t)
	partners, err := NewPartners(map[string]Pin{"a": testPin(t, idA), "p256": testPin(t, ecdsaID)})
	if err != nil {
		t.Fatal(err)
	}
	same := func(*tls.Config) {}
	use := func(id tls.Certificate) func(*tls.Config) {
		return func(c *tls.Config) { c.Certificates = []tls.Certificate{id} }
	}
	any := errors.New("any")
	for name, c := range map[string]struct {
		server, client func(*tls.Config)
		wantS, wantC   error  // sentinel, or any
		text           string // in the error of the end that refuses
	}{
		"both pins right":           {server: same, client: same},
		"client unknown":            {server: same, client: use(stranger), wantS: ErrPinMismatch, wantC: any, text: testPin(t, stranger).String()},
		"server has another key":    {server: use(stranger), client: same, wantS: any, wantC: ErrPinMismatch, text: testPin(t, stranger).String()},
		"client without a key":      {server: same, client: func(c *tls.Config) { c.Certificates = nil }, wantS: any, wantC: any},
		"client speaks TLS 1.2":     {server: same, client: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }, wantS: any, wantC: any, text: "version"},
		"server speaks TLS 1.2":     {server: func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 }, client: same, wantS: any, wantC: any, text: "version"},
		"client has only X25519":    {server: same, client: func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} }, wantS: any, wantC: any},
		"server has only X25519":    {server: func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} }, client: same, wantS: any, wantC: any},
		"client offers no HTTP/2":   {server: same, client: func(c *tls.Config) { c.NextProtos = nil }, wantS: any, wantC: any, text: "HTTP/2"},
		"client offers HTTP/1.1":    {server: same, client: func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }, wantS: any, wantC: any},
		"client expired":            {server: same, client: use(testIdentity(t, 1, "a", testFrom, testFrom.Add(time.Minute))), wantS: ErrCertificate, wantC: any, text: "expired"},
		"client not yet valid":      {server: same, client: use(testIdentity(t, 1, "a", testUntil, testUntil.Add(time.Minute))), wantS: ErrCertificate, wantC: any, text: "valid only from"},
		"server expired":            {server: use(testIdentity(t, 2, "b", testFrom, testFrom.Add(time.Minute))), client: same, wantS: any, wantC: ErrCertificate, text: "expired"},
		"client with ECDSA key":     {server: same, client: use(ecdsaID), wantS: ErrCertificate, wantC: any, text: "not Ed25519"},
		"client with two certs":     {server: same, client: use(tls.Certificate{Certificate: [][]byte{idA.Certificate[0], stranger.Certificate[0]}, PrivateKey: idA.PrivateKey}), wantS: ErrCertificate, wantC: any, text: "2 certificates"},
		"client's dates not signed": {server: same, client: use(forgeDates(t, idA)), wantS: any, wantC: any},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ServerConfig(idB, partners)
			if err != nil {
				t.Fatal(err)
			}
			k, err := ClientConfig(idA, testPin(t, idB))
			if err != nil {
				t.Fatal(err)
			}
			c.server(s)
			c.client(k)
			serverErr, clientErr := handshake(t, s, k)
			check := func(end string, got, want error) {
				if (got == nil) != (want == nil) || (want != nil && want != any && !errors.Is(got, want)) {
					t.Errorf("%s: %v, want %v", end, got, want)
				}
			}
			check("server", serverErr, c.wantS)
			check("client", clientErr, c.wantC)
			if both := errors.Join(serverErr, clientErr); c.text != "" && !strings.Contains(both.Error(), c.text) {
				t.Errorf("the errors do not say %q: %v", c.text, both)
			}
		})
	}
}

// TestConnectionIsHybrid looks at what was in fact negotiated.
func TestConnectionIsHybrid(t *testing.T) {
	id := testIdentity(t, 1, "a", testFrom, testUntil)
	partners, _ := NewPartners(map[string]Pin{"a": testPin(t, id)})
	s, err := ServerConfig(id, partners)
	if err != nil {
		t.Fatal(err)
	}
	k, err := ClientConfig(id, testPin(t, id))
	if err != nil {
		t.Fatal(err)
	}
	verify := k.VerifyConnection
	var state tls.ConnectionState
	k.VerifyConnection = func(cs tls.ConnectionState) error { state = cs; return verify(cs) }
	if a, b := handshake(t, s, k); a != nil || b != nil {
		t.Fatal(a, b)
	}
	if state.Version != tls.VersionTLS13 || state.CurveID != tls.X25519MLKEM768 || state.NegotiatedProtocol != "h2" || state.DidResume {
		t.Errorf("negotiated version %#x, exchange %v, protocol %q", state.Version, state.CurveID, state.NegotiatedProtocol)
	}
}

// TestOwnIdentity: what no partner would accept is refused at the start, where
// the operator sees it.
func TestOwnIdentity(t *testing.T) {
	old := testIdentity(t, 1, "a", testFrom, testFrom.Add(time.Minute))
	if _, err := ClientConfig(old, Pin{}); !errors.Is(err, ErrCertificate) {
		t.Errorf("ClientConfig with an expired identity: %v", err)
	}
	if _, err := ServerConfig(old, func(Pin) (string, bool) { return "", false }); !errors.Is(err, ErrCertificate) {
		t.Errorf("ServerConfig with an expired identity: %v", err)
	}
	if _, err := ServerConfig(tls.Certificate{}, func(Pin) (string, bool) { return "", false }); !errors.Is(err, ErrCertificate) {
		t.Errorf("ServerConfig without an identity: %v", err)
	}
	if _, err := ServerConfig(testIdentity(t, 1, "a", testFrom, testUntil), nil); err == nil {
		t.Error("ServerConfig without partners succeeds")
	}
}

// forgeDates changes a date in the certificate without signing it again.
func forgeDates(t *testing.T, id tls.Certificate) tls.Certificate {
	t.Helper()
	der := bytes.Clone(id.Certificate[0])
	old := []byte(id.Leaf.NotAfter.Format("060102150405Z"))
	i := bytes.Index(der, old)
	if i < 0 {
		t.Fatal("no date in the certificate")
	}
	copy(der[i:], "49")
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: id.PrivateKey}
}

func ecdsaIdentity(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: testFrom, NotAfter: testUntil,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, &x509.Certificate{SerialNumber: big.NewInt(1)}, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
