package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transcript"
	"github.com/puente-project/puente/protocol/transparency"
	"github.com/puente-project/puente/protocol/transport"
	"github.com/puente-project/puente/templates"
	"github.com/puente-project/puente/templates/watchlist"
)

// Exit codes. They are part of the interface: see README.md.
const (
	exitOK          = 0   // done; for query: no hit
	exitInternal    = 1   // a fault of this program or machine
	exitUsage       = 2   // wrong flags or arguments
	exitInput       = 3   // a file, template or handle is not acceptable
	exitAgency      = 4   // the agency, a partner or a watchlist is not set up as needed
	exitKeys        = 5   // the key store cannot be opened
	exitUnreachable = 6   // the partner cannot be reached, or a deadline passed
	exitRefused     = 7   // the partner refuses
	exitPeer        = 8   // the partner is not who it should be, or breaks the protocol
	exitPartly      = 9   // import --keep-going: done, but records were refused
	exitHit         = 10  // query: at least one hit
	exitDiffers     = 11  // calibrate --verify-encrypted: a decision differs
	exitInterrupted = 130 // stopped by a signal
)

const exitCodeHelp = `
EXIT CODES:
   0  done; query: no hit              6   partner unreachable, or a deadline passed
   1  fault of this program            7   refused by the partner
   2  wrong flags or arguments         8   wrong identity or protocol breach of the partner
   3  unacceptable file or template    9   import --keep-going: done, records refused
   4  agency, partner or watchlist     10  query: at least one hit
      not set up as needed             11  calibrate --verify-encrypted: a decision differs
   5  key store cannot be opened       130 interrupted
`

// classified is an error with its exit code.
type classified struct {
	code int
	error
}

func (e classified) Unwrap() error { return e.error }

func usageError(err error) error { return classified{exitUsage, err} }

func usagef(format string, args ...any) error { return usageError(fmt.Errorf(format, args...)) }

func inputf(format string, args ...any) error {
	return classified{exitInput, fmt.Errorf(format, args...)}
}

func agencyf(format string, args ...any) error {
	return classified{exitAgency, fmt.Errorf(format, args...)}
}

// foundHits ends a query that found something: exit code 10 and no message.
type foundHits struct{ probes int }

func (h foundHits) Error() string { return fmt.Sprintf("%d probes hit", h.probes) }

// byClass maps the sentinels of the packages to exit codes, the first match wins.
var byClass = []struct {
	target error
	code   int
}{
	{transport.ErrPinMismatch, exitPeer},
	{transport.ErrCertificate, exitPeer},
	{transport.ErrPeerProtocol, exitPeer},
	{protocol.ErrTerms, exitPeer},
	{evidence.ErrStatement, exitPeer},
	{evidence.ErrHeld, exitPeer},
	{transcript.ErrSignature, exitPeer},
	{agreement.ErrNotAllowed, exitAgency},
	{transport.ErrRefused, exitRefused},
	{errWithdrawn, exitRefused},
	{transport.ErrTimeout, exitUnreachable},
	{transport.ErrUnreachable, exitUnreachable},
	{transport.ErrPeerClosed, exitUnreachable},
	{vault.ErrUnreachable, exitUnreachable},
	{vault.ErrTimeout, exitUnreachable},
	{vault.ErrStandby, exitUnreachable},
	{vault.ErrSealed, exitKeys},
	{vault.ErrDenied, exitKeys},
	{vault.ErrLogin, exitKeys},
	{vault.ErrCertificate, exitKeys},
	{vault.ErrNotProvisioned, exitKeys},
	{vault.ErrServer, exitKeys},
	{vault.ErrClosed, exitKeys},
	{vault.ErrConfig, exitAgency},
	{keys.ErrRevoked, exitKeys},
	{keys.ErrNewest, exitAgency},
	{keys.ErrWrongKey, exitKeys},
	{keys.ErrCorrupt, exitKeys},
	{keys.ErrPermissions, exitKeys},
	{keys.ErrNotFound, exitKeys},
	{keys.ErrExists, exitKeys},
	{keys.ErrUnlock, exitKeys},
	{keys.ErrLocked, exitKeys},
	{transparency.ErrFork, exitPeer},
	{transparency.ErrRollback, exitPeer},
	{watchlist.ErrNotFound, exitAgency},
	{watchlist.ErrExists, exitAgency},
	{watchlist.ErrWrongKey, exitKeys},
	{watchlist.ErrCorrupt, exitInput},
	{watchlist.ErrLocked, exitAgency},
	{watchlist.ErrDuplicate, exitInput},
	{watchlist.ErrNoSuchHandle, exitInput},
	{watchlist.ErrHandle, exitInput},
	{watchlist.ErrFull, exitInput},
	{watchlist.ErrNotErased, exitAgency},
	{watchlist.ErrSchemeMismatch, exitInput},
	{templates.ErrFormat, exitInput},
	{templates.ErrScheme, exitUsage},
	{fs.ErrNotExist, exitInput},
	{fs.ErrPermission, exitInput},
}

// exitCode returns the exit code of an outcome.
func exitCode(ctx context.Context, err error) int {
	var c classified
	var hits foundHits
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &hits):
		return exitHit
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &c):
		return c.code
	}
	for _, class := range byClass {
		if errors.Is(err, class.target) {
			return class.code
		}
	}
	return exitInternal
}
