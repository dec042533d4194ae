package protocol

import "github.com/puente-project/puente/templates"

// Limits of what a peer may send or ask for.
const (
	// Version is the protocol version in the first two messages.
	Version = 1
	// MaxMessage is the largest message in bytes: 23 prefix ciphertexts of 100
	// bits a coefficient are 1.2 MB.
	MaxMessage = 3 << 19
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
	// verdicts: the memory of both parties is bounded by it, and 16 batches keep
	// a link of 100 ms and 1 Gbit/s busy.
	Window = 16
	// group is the number of score ciphertexts computed together, so that the
	// probe is read from memory once for all of them.
	group = 8
)
