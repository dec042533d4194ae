package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/puente-project/puente/protocol/agreement"
	"github.com/puente-project/puente/protocol/audit"
	"github.com/puente-project/puente/protocol/transparency/view"
)

// Exit codes. They are part of the interface.
const (
	exitClean    = 0
	exitFindings = 1
	exitUsage    = 2
	exitInput    = 3
	exitInternal = 4
)

const exitCodeHelp = `
Exit codes:
  0  clean: no violation and no warning
  1  findings
  2  wrong flags or arguments
  3  keys, agreement, state or folder cannot be read
  4  fault of this program or machine
`

// errFindings ends a command that found something, all of which it has printed.
var errFindings = errors.New("findings")

// usage is an error about flags or arguments.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

func isFinding(err error) bool { return errors.Is(err, errFindings) }

// exitCode returns the exit code of an outcome.
func exitCode(err error) int {
	var u usage
	switch {
	case err == nil:
		return exitClean
	case isFinding(err):
		return exitFindings
	case errors.As(err, &u):
		return exitUsage
	}
	for _, target := range []error{audit.ErrInput, agreement.ErrFormat, fs.ErrNotExist, fs.ErrPermission} {
		if errors.Is(err, target) {
			return exitInput
		}
	}
	for _, target := range []error{view.ErrInconsistent, view.ErrSignature, view.ErrRoot, view.ErrTile, view.ErrCheckpoint, view.ErrCosignature} {
		if errors.Is(err, target) {
			return exitFindings
		}
	}
	return exitInternal
}
