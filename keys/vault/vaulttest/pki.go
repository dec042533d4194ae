package vaulttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// newAuthority makes ca.pem, ca.key, server.pem and server.key in dir, unless
// they are there.
func newAuthority(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "server.key")); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Puente test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 30),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if err := writePair(dir, "ca", der, key); err != nil {
		return err
	}
	return issue(dir, "server", x509.ExtKeyUsageServerAuth)
}

// ClientCertificate makes name.pem and name.key in the server's directory, with
// the name as common name, and returns their paths. The server must have TLS.
func (s *Server) ClientCertificate(name string) (cert, key string, err error) {
	dir := s.options.Dir
	return filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"), issue(dir, name, x509.ExtKeyUsageClientAuth)
}

// issue has the authority in dir sign a certificate.
func issue(dir, name string, usage x509.ExtKeyUsage) error {
	ca, caKey, err := readPair(dir, "ca")
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 29),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	if usage == x509.ExtKeyUsageServerAuth {
		leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		leaf.DNSNames = []string{"localhost"}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return err
	}
	return writePair(dir, name, der, key)
}

func writePair(dir, name string, der []byte, key *ecdsa.PrivateKey) error {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, name+".pem"), cert, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600)
}

func readPair(dir, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	pairs := make([][]byte, 2)
	for i, ext := range []string{".pem", ".key"} {
		text, err := os.ReadFile(filepath.Join(dir, name+ext))
		if err != nil {
			return nil, nil, err
		}
		block, _ := pem.Decode(text)
		pairs[i] = block.Bytes
	}
	cert, err := x509.ParseCertificate(pairs[0])
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(pairs[1])
	if err != nil {
		return nil, nil, err
	}
	return cert, key.(*ecdsa.PrivateKey), nil
}
