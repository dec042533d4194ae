package protocol

import (
	"github.com/puente-project/puente/protocol/schedule"
	"github.com/puente-project/puente/templates"
)

// Limits of what a peer may send or ask for; the reasons of those of a schedule stand there.
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
	// MaxProbes bounds the probes of a session.
	MaxProbes = schedule.MaxProbes
	// MaxEntries bounds a watchlist.
	MaxEntries = schedule.MaxEntries
	// maxPairs bounds the meetings of a probe and an entry: numbers of messages have 32 bits.
	maxPairs = 1 << 32
	// MaxBlocks bounds the blocks of a probe.
	MaxBlocks = schedule.MaxBlocks
	// Window is the number of batches whose shares may be under way.
	Window = schedule.Window
	// together is the number of probes for which the weights of a tier are read from
	// memory once. It divides the work of a window into few tasks, and so bounds the
	// threads that share it.
	together = 4
)
