package keys

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a pseudo-terminal.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { user.Close() })
	if err := unix.IoctlSetPointerInt(int(user.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("unlock pseudo-terminal: %v", err)
	}
	n, err := unix.IoctlGetInt(int(user.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skipf("name of pseudo-terminal: %v", err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("open pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return user, program
}

func TestPrompt(t *testing.T) {
	for _, tc := range []struct {
		typed   string
		confirm bool
		want    string
		err     error
	}{
		{"two words\n", false, "two words", nil},
		{"two words\ntwo words\n", true, "two words", nil},
		{"two words\ntwo wrods\n", true, "", ErrUnlock},
	} {
		user, program := openTerminal(t)
		var out bytes.Buffer
		if _, err := user.WriteString(tc.typed); err != nil {
			t.Fatal(err)
		}
		got, err := Prompt(program, &out, tc.confirm)()
		if got != tc.want || !errors.Is(err, tc.err) {
			t.Errorf("%q: got %q, %v; want %q, %v", tc.typed, got, err, tc.want, tc.err)
		}
		if strings.Contains(out.String(), "words") {
			t.Errorf("the prompt shows the passphrase: %q", out.String())
		}
	}
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := Prompt(file, &bytes.Buffer{}, false)(); !errors.Is(err, ErrUnlock) {
		t.Errorf("no terminal: %v, want ErrUnlock", err)
	}
}
