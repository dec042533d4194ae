package keys

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/puente-project/puente/keys/internal/private"
)

// The environment variables of FromEnvironment. At most one may be set.
const (
	// EnvPassphrase holds the passphrase itself. Other processes of the same
	// user can read it; prefer one of the files outside of tests and demos.
	EnvPassphrase = "PUENTE_PASSPHRASE"
	// EnvPassphraseFile names a file with the passphrase, as a container's or
	// systemd's secret. One newline at its end is dropped.
	EnvPassphraseFile = "PUENTE_PASSPHRASE_FILE"
	// EnvIdentityFile names a file with age identities, see Identities.
	EnvIdentityFile = "PUENTE_IDENTITY_FILE"
)

const (
	maxPassphrase   = 1024
	maxIdentityFile = 64 << 10
)

// FromEnvironment finds the passphrase or the identities: in the one variable
// that getenv knows, else by prompt, which may be nil where nobody can answer.
// Secrets are never taken from command line flags, which every user of the
// machine can read. Files must be closed to group and others (ErrPermissions).
func FromEnvironment(getenv func(string) string, prompt func() (string, error)) (Unlock, error) {
	var set []string
	for _, name := range []string{EnvPassphrase, EnvPassphraseFile, EnvIdentityFile} {
		if getenv(name) != "" {
			set = append(set, name)
		}
	}
	if len(set) > 1 {
		return Unlock{}, fmt.Errorf("%w: %s are all set; keep one", ErrUnlock, strings.Join(set, " and "))
	}
	if len(set) == 0 {
		if prompt == nil {
			return Unlock{}, fmt.Errorf("%w: set one of %s, %s and %s", ErrUnlock, EnvIdentityFile, EnvPassphraseFile, EnvPassphrase)
		}
		passphrase, err := prompt()
		if err != nil {
			return Unlock{}, err
		}
		return Passphrase(passphrase)
	}
	value := getenv(set[0])
	switch set[0] {
	case EnvPassphraseFile:
		text, err := private.Read(value, maxPassphrase+2)
		if err != nil {
			return Unlock{}, fmt.Errorf("%s: %w", EnvPassphraseFile, err)
		}
		text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
		return Passphrase(string(text))
	case EnvIdentityFile:
		text, err := private.Read(value, maxIdentityFile)
		if err != nil {
			return Unlock{}, fmt.Errorf("%s: %w", EnvIdentityFile, err)
		}
		return Identities(bytes.NewReader(text))
	default:
		return Passphrase(value)
	}
}

// Prompt returns the prompt for FromEnvironment that asks at the terminal in,
// without echo, writing to out; twice if confirm, for a new key file. If in is
// no terminal the prompt fails with ErrUnlock and names the variables.
func Prompt(in *os.File, out io.Writer, confirm bool) func() (string, error) {
	return func() (string, error) {
		if !term.IsTerminal(int(in.Fd())) {
			return "", fmt.Errorf("%w: there is no terminal to ask at; set one of %s, %s and %s",
				ErrUnlock, EnvIdentityFile, EnvPassphraseFile, EnvPassphrase)
		}
		ask := func(question string) (string, error) {
			fmt.Fprint(out, question)
			answer, err := term.ReadPassword(int(in.Fd()))
			fmt.Fprintln(out)
			if err != nil {
				return "", fmt.Errorf("%w: read passphrase: %w", ErrUnlock, err)
			}
			return string(answer), nil
		}
		first, err := ask("Passphrase for the key file: ")
		if err != nil || !confirm {
			return first, err
		}
		second, err := ask("The same again: ")
		if err != nil {
			return "", err
		}
		if first != second {
			return "", fmt.Errorf("%w: the two passphrases differ", ErrUnlock)
		}
		return first, nil
	}
}
