package audit

import "time"

// Limits of what is read, and tolerances, each with its reason.
const (
	// maxSession is the longest that a session may take, as the transport enforces it.
	maxSession = 6 * time.Hour
	// travel is what request and grant may lie apart beyond the clock skew: each side
	// refuses a statement that is older than a minute.
	travel = 2 * time.Minute
	// staleAfter is how long a holder may serve an epoch after the next one was logged:
	// services load a watchlist when they start.
	staleAfter = 24 * time.Hour

	// maxPublic bounds a public.json: 1000 keys of 2.7 KB.
	maxPublic = 4 << 20
	// maxNoteFile bounds a statement with two signatures: 8 KB and 2 x 4.6 KB.
	maxNoteFile = 64 << 10
	// maxRecordsFile bounds the journal of a session: 16 million entries of 640 dimensions
	// are 2.8 million shares, 120 MB; 300 probes against 100 000 irises some 60 MB.
	maxRecordsFile = 256 << 20
	// maxFolders bounds the sessions of a party in one audit.
	maxFolders = 1 << 22
)

// Numbers of the matching protocol, version 1; see its specification. Those of its order are
// in package schedule.
const (
	degree          = 4096       // of the ring of scores
	laneDegree      = 8192       // of the ring of comparisons: those of a plane
	maxScoreBits    = 24         // of a masked score
	threePlanes     = 16         // most bits of a masked score with three planes
	maxPlanes       = 3          // of a batch
	headerSize      = 1 + 32 + 4 // kind, session id, index
	acceptSize      = 82         // version, nonce, commitment, epoch, entries, width
	protocolVersion = 1
	nonceSize       = 32
	openProbesAt    = 2 + nonceSize + 32                    // behind version, nonce and commitment
	openSize        = 2 + 32 + 32 + 2 + 4                   // version, nonce, commitment, probes, and the four texts
	primeSize       = laneDegree * 50 / 8                   // residues of a polynomial modulo one prime; prefixes have two of one plane, else three
	keySize         = headerSize + 32 + 51200 + 3*primeSize // seed, 4096 coefficients of 100 bits, and as long as prefixes
	maxBits         = 100                                   // of a coefficient of a block or a share
	maxVerdictBits  = 2 * 61                                // of both coefficients of a verdict
	sessionIDText   = "puente/v1/session id\x00"
)
