package transport

import (
	"fmt"
	"time"
)

// Limits bounds what one end grants to the other. A zero field means the value
// of DefaultLimits. Limits are local: the two ends need not agree, except that
// MaxMessage of the receiver must cover what the sender's protocol produces.
type Limits struct {
	// MaxMessage is the largest protocol message in bytes, either direction.
	MaxMessage int
	// SessionBytes is the most that one session may receive, in bytes.
	SessionBytes int64

	// SessionTimeout ends a session that takes longer in all.
	SessionTimeout time.Duration
	// PeerTimeout ends a session when this end has nothing left to do and no
	// message has arrived for so long. While this end computes or sends, the
	// peer may be waiting for it, so that time does not count.
	PeerTimeout time.Duration
	// SendTimeout ends a session when the peer takes longer than this to
	// accept one message. It also sets the slowest usable line: MaxMessage in
	// this time.
	SendTimeout time.Duration
	// HandshakeTimeout bounds connecting, and the TLS handshake on its own.
	HandshakeTimeout time.Duration
	// IdleTimeout closes a connection on which no session runs.
	IdleTimeout time.Duration
	// DescribeTimeout bounds one Describe call, one call about a log and one claim.
	DescribeTimeout time.Duration

	// Sessions is the number of sessions the server runs at once.
	Sessions int
	// SessionsPerPartner is the same for one partner.
	SessionsPerPartner int
	// ConnectionsPerPartner is the number of open connections of one partner.
	ConnectionsPerPartner int
	// Handshakes is the number of connections that have not yet shown a
	// certificate; more are closed at once. Nobody unknown gets past this.
	Handshakes int
}

// DefaultLimits gives the limits for two agencies on a wide-area line.
func DefaultLimits() Limits {
	return Limits{
		MaxMessage: 3 << 19, // 1.5 MiB: the protocol's largest batch of ciphertexts
		// 300 probes against 100 000 irises are 184 GB both ways by the README's table, against vectors 5.7 GB; it
		// catches only a peer that never stops.
		SessionBytes: 256 << 30,

		SessionTimeout:   6 * time.Hour,   // such irises, at the README's 140 us, take 70 minutes of one thread
		PeerTimeout:      2 * time.Minute, // one task of the peer on a busy machine, many times over
		SendTimeout:      time.Minute,     // 1.5 MiB at 25 KB/s
		HandshakeTimeout: 10 * time.Second,
		IdleTimeout:      2 * time.Minute,
		DescribeTimeout:  30 * time.Second,

		Sessions:              32, // each keeps the probes of a wave, mostly 67 MB, at most 268, and a window of batches
		SessionsPerPartner:    16,
		ConnectionsPerPartner: 32,
		Handshakes:            64,
	}
}

// Bounds that no configuration needs to change.
const (
	// frameSlack is what the protobuf envelope adds to a message: one tag and
	// a length of at most five bytes.
	frameSlack = 16
	// maxDescribe bounds a Describe answer in bytes, and maxWatchlists and
	// maxName and maxScheme its parts; a request has no content at all.
	maxDescribe        = 1 << 20
	maxDescribeRequest = 1 << 10
	maxWatchlists      = 1024
	maxName            = 128
	maxScheme          = 1024
	// describesPerPartner bounds the Describe calls of a partner at one time.
	describesPerPartner = 4
	// maxCheckpoint and maxCosignature bound notes about logs, in bytes, and maxProof a
	// consistency proof in hashes of proofHash bytes (RFC 6962: 63 prove 2^63 entries).
	// maxLogCall bounds the message that holds them.
	maxCheckpoint  = 8 << 10
	maxCosignature = 1 << 10
	maxProof       = 63
	proofHash      = 32
	maxLogCall     = 16 << 10
	// logCallsPerPartner bounds the calls of a partner about logs at one time.
	logCallsPerPartner = 4
	// maxClaim bounds a claim and its answer in bytes: a statement of 1 KB, a signature
	// of 4.5 KB and, in an answer, a proof of at most 24 hashes.
	maxClaim = 16 << 10
	// claimsPerPartner bounds the claims of a partner at one time: each reads a list of
	// all references of a watchlist.
	claimsPerPartner = 2
	// maxHeaderBytes bounds HTTP headers and trailers; ours take some 300.
	maxHeaderBytes = 16 << 10
	// maxReason caps peer-supplied text, in characters.
	maxReason = 300
	// window is the HTTP/2 flow-control window of streams and connections in
	// bytes: the most that net/http accepts, 4 MiB less one. It caps the rate at
	// window / round trip: 40 MB/s at 100 ms. net/http's default of 1 MiB would
	// not even hold one message.
	window = 4<<20 - 1
	// readFrameSize is the HTTP/2 frame: 256 KiB keep the per-frame cost small.
	readFrameSize = 256 << 10
	// pingAfter and pingTimeout find dead connections below the session level.
	pingAfter   = 30 * time.Second
	pingTimeout = 15 * time.Second
	// abortGrace is how long a failing server session may take to deliver its
	// status to a peer that does not read.
	abortGrace = 2 * time.Second
	// lingerTime and lingerBytes bound the wait for a refused peer to read the
	// TLS alert that tells it why.
	lingerTime  = 250 * time.Millisecond
	lingerBytes = 64 << 10
)

// complete fills zero fields with defaults and rejects negative ones.
func (l Limits) complete() (Limits, error) {
	d := DefaultLimits()
	var err error
	fill := func(name string, v *time.Duration, def time.Duration) {
		if *v == 0 {
			*v = def
		}
		if *v < 0 {
			err = fmt.Errorf("transport: limit %s is negative; use 0 for the default", name)
		}
	}
	count := func(name string, v *int, def int) {
		if *v == 0 {
			*v = def
		}
		if *v < 0 {
			err = fmt.Errorf("transport: limit %s is negative; use 0 for the default", name)
		}
	}
	count("MaxMessage", &l.MaxMessage, d.MaxMessage)
	if l.SessionBytes == 0 {
		l.SessionBytes = d.SessionBytes
	}
	if l.SessionBytes < 0 {
		err = fmt.Errorf("transport: limit SessionBytes is negative; use 0 for the default")
	}
	fill("SessionTimeout", &l.SessionTimeout, d.SessionTimeout)
	fill("PeerTimeout", &l.PeerTimeout, d.PeerTimeout)
	fill("SendTimeout", &l.SendTimeout, d.SendTimeout)
	fill("HandshakeTimeout", &l.HandshakeTimeout, d.HandshakeTimeout)
	fill("IdleTimeout", &l.IdleTimeout, d.IdleTimeout)
	fill("DescribeTimeout", &l.DescribeTimeout, d.DescribeTimeout)
	count("Sessions", &l.Sessions, d.Sessions)
	count("SessionsPerPartner", &l.SessionsPerPartner, d.SessionsPerPartner)
	count("ConnectionsPerPartner", &l.ConnectionsPerPartner, d.ConnectionsPerPartner)
	count("Handshakes", &l.Handshakes, d.Handshakes)
	return l, err
}
