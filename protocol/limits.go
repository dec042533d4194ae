package protocol

import "github.com/puente-project/puente/templates"

// Limits of what a peer may send or ask for.
const (
	// Version is the protocol version in the first two messages.
	Version = 1
	// MaxMessage is the largest message in bytes: a public key of either ring takes
	// 205 kB, prefixes of three primes 154 kB.
	MaxMessage = 1 << 18
	// MaxName bounds the names of agencies and watchlists.
	MaxName = 64
	// MaxScheme bounds the text of a scheme.
	MaxScheme = templates.MaxSchemeText
	// MaxEntries bounds a watchlist: 2^24 entries of 512 dimensions would take
	// 128 GB resident, more than one service is meant for.
	MaxEntries = 1 << 24
	// MaxBlocks bounds the blocks of a probe, which the holder's layout decides
	// and the requester pays for: 2048 blocks are at most 105 MB.
	MaxBlocks = 2048
	// Window is the number of batches whose shares may be under way before their
	// verdicts: the memory of both parties is bounded by it, and 4 batches, of 2 MB
	// of prefixes each, keep a link of 50 ms and 1 Gbit/s busy.
	Window = 4
	// group is the number of score ciphertexts computed together, so that the
	// probe is read from memory once for all of them.
	group = 8
)
