package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"puente": main})
}

// identityForTests is the published example of age's own tests: no secret.
const identityForTests = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"

// TestScripts runs testdata/script: real processes, as a person would start them.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+"/puente-audit", "../puente-audit").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			// One age identity for all agencies of a script: a passphrase would
			// take a second for each command.
			e.Setenv("PUENTE_IDENTITY_FILE", e.WorkDir+"/identity.txt")
			e.Setenv("PATH", bin+":"+e.Getenv("PATH"))
			samples, err := os.Getwd()
			if err != nil {
				return err
			}
			e.Setenv("SAMPLES", samples+"/../../testdata/open-iris")
			return os.WriteFile(e.WorkDir+"/identity.txt", []byte(identityForTests+"\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exit": expectExit, "address": freeAddressInto, "listening": waitListening,
		},
	})
}

// expectExit runs a command that must end with an exit code: exit CODE COMMAND...
func expectExit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exit CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// freeAddressInto sets a variable to a free loopback address: address VARIABLE
func freeAddressInto(ts *testscript.TestScript, _ bool, args []string) {
	a, err := freeAddress()
	ts.Check(err)
	ts.Setenv(args[0], a)
}

// waitListening waits until something listens: listening ADDRESS
func waitListening(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", args[0])
		if err == nil {
			ts.Check(c.Close())
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nothing listens at %s: %v", args[0], err)
		}
	}
}
