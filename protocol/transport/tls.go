package transport

import (
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"
)

// Why pins, and neither a certificate authority nor host names:
//
// A handful of agencies know each other by treaty and exchange keys in person.
// An authority would add a party that can impersonate any of them, and a host
// name would add whoever controls the DNS. The pin says exactly what the treaty
// says: this key is agency B, wherever it is reached. crypto/tls still checks
// that the peer holds the key (CertificateVerify); InsecureSkipVerify only
// switches off the checks of chain and name, which VerifyConnection replaces.
// crypto/tls calls VerifyConnection on every handshake, and there is no session
// resumption here that could go round it.
//
// Why only X25519MLKEM768: what is recorded today must stay secret for a
// lifetime, so each connection's key exchange has to withstand a later quantum
// computer. The signatures stay Ed25519: they only have to hold at the moment of
// the handshake. A peer without the hybrid exchange is refused, not downgraded.

// ServerConfig makes the TLS configuration of a holder: TLS 1.3, HTTP/2, a
// client certificate whose pin belongs to a partner. It fails if the identity
// itself could not be accepted by a partner today.
func ServerConfig(identity tls.Certificate, partners PinLookup) (*tls.Config, error) {
	if partners == nil {
		return nil, errors.New("transport: a server needs a table of partners")
	}
	config, err := baseConfig(identity)
	if err != nil {
		return nil, err
	}
	config.ClientAuth = tls.RequireAnyClientCert
	config.VerifyConnection = func(state tls.ConnectionState) error {
		_, err := partnerOf(state, partners, time.Now())
		return err
	}
	return config, nil
}

// ClientConfig makes the TLS configuration of a requester that accepts exactly
// one peer, the one whose key has the pin. A handshake with another key fails
// with ErrPinMismatch, one with an unusable certificate with ErrCertificate.
func ClientConfig(identity tls.Certificate, pin Pin) (*tls.Config, error) {
	config, err := baseConfig(identity)
	if err != nil {
		return nil, err
	}
	config.InsecureSkipVerify = true // replaced by VerifyConnection; see the top of this file
	config.VerifyConnection = func(state tls.ConnectionState) error {
		cert, err := peerCertificate(state)
		if err != nil {
			return err
		}
		got := PinOf(cert)
		if subtle.ConstantTimeCompare(got[:], pin[:]) != 1 {
			return fmt.Errorf("%w: it has %v (calls itself %q), agreed was %v",
				ErrPinMismatch, got, printable(cert.Subject.CommonName, maxAgency), pin)
		}
		return checkCertificate(cert, x509.ExtKeyUsageServerAuth, time.Now())
	}
	return config, nil
}

func baseConfig(identity tls.Certificate) (*tls.Config, error) {
	leaf, err := leafOf(identity)
	if err != nil {
		return nil, err
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if err := checkCertificate(leaf, usage, time.Now()); err != nil {
			return nil, fmt.Errorf("this agency's own identity: %w", err)
		}
	}
	return &tls.Config{
		Certificates:           []tls.Certificate{identity},
		MinVersion:             tls.VersionTLS13,
		MaxVersion:             tls.VersionTLS13,
		CurvePreferences:       []tls.CurveID{tls.X25519MLKEM768},
		SessionTicketsDisabled: true, // a resumed session would skip the certificate
		NextProtos:             []string{"h2"},
	}, nil
}

// partnerOf names the partner at the other end of a server's connection.
func partnerOf(state tls.ConnectionState, partners PinLookup, now time.Time) (string, error) {
	cert, err := peerCertificate(state)
	if err != nil {
		return "", err
	}
	pin := PinOf(cert)
	partner, ok := partners(pin)
	if !ok {
		return "", fmt.Errorf("%w: no partner has %v (calls itself %q); if it should be one, add its pin",
			ErrPinMismatch, pin, printable(cert.Subject.CommonName, maxAgency))
	}
	if err := checkCertificate(cert, x509.ExtKeyUsageClientAuth, now); err != nil {
		return "", fmt.Errorf("partner %q: %w", partner, err)
	}
	return partner, nil
}

// peerCertificate gives the one certificate of the peer. It repeats what the
// configuration demands, so that a later change there cannot weaken it unseen.
func peerCertificate(state tls.ConnectionState) (*x509.Certificate, error) {
	switch {
	case state.Version != tls.VersionTLS13:
		return nil, errors.New("transport: the connection is not TLS 1.3")
	case state.CurveID != tls.X25519MLKEM768:
		return nil, errors.New("transport: the key exchange is not X25519MLKEM768")
	case state.NegotiatedProtocol != "h2":
		return nil, errors.New("transport: the peer did not negotiate HTTP/2")
	case state.DidResume:
		return nil, errors.New("transport: the connection resumes an earlier one")
	case len(state.PeerCertificates) != 1:
		return nil, fmt.Errorf("%w: the peer sent %d certificates, one is expected", ErrCertificate, len(state.PeerCertificates))
	}
	return state.PeerCertificates[0], nil
}

// checkCertificate checks everything about a certificate but its pin.
func checkCertificate(cert *x509.Certificate, usage x509.ExtKeyUsage, now time.Time) error {
	const day = "2006-01-02 15:04:05 UTC"
	switch {
	case cert.PublicKeyAlgorithm != x509.Ed25519:
		return fmt.Errorf("%w: its key is %v, not Ed25519", ErrCertificate, cert.PublicKeyAlgorithm)
	case now.Before(cert.NotBefore):
		return fmt.Errorf("%w: valid only from %s on; check both clocks", ErrCertificate, cert.NotBefore.UTC().Format(day))
	case now.After(cert.NotAfter):
		return fmt.Errorf("%w: expired at %s; its owner has to renew it", ErrCertificate, cert.NotAfter.UTC().Format(day))
	case cert.KeyUsage&x509.KeyUsageDigitalSignature == 0 || cert.IsCA:
		return fmt.Errorf("%w: it is not made for signing handshakes", ErrCertificate)
	case len(cert.UnhandledCriticalExtensions) > 0:
		return fmt.Errorf("%w: it has a critical extension that is not understood", ErrCertificate)
	}
	for _, u := range cert.ExtKeyUsage {
		if u == usage {
			// Anybody can wrap a public key into a certificate with other dates;
			// only the key's owner can sign it.
			if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
				return fmt.Errorf("%w: it is not signed by its own key", ErrCertificate)
			}
			return nil
		}
	}
	return fmt.Errorf("%w: it is not made for this end of a TLS connection", ErrCertificate)
}
