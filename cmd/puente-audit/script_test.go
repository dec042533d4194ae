package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/puente-project/puente/protocol/audit/audittest"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"puente-audit": main}) }

// TestScripts runs testdata/script with real processes, on the folders of 12 clean
// sessions: cl and us, with their keys in keys/ and the agreement beside them.
func TestScripts(t *testing.T) {
	w := audittest.New(audittest.Options{Sessions: 12})
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("SESSION", w.Sessions[5].Folder)
			e.Setenv("NOW", w.Now.Format("2006-01-02T15:04:05Z"))
			if err := w.Write(e.WorkDir); err != nil {
				return err
			}
			if err := os.Mkdir(filepath.Join(e.WorkDir, "keys"), 0o700); err != nil {
				return err
			}
			for _, p := range w.Parties {
				if err := os.WriteFile(filepath.Join(e.WorkDir, "keys", p.Name+".json"), p.Public().Encode(), 0o600); err != nil {
					return err
				}
			}
			return os.WriteFile(filepath.Join(e.WorkDir, "agreement.json"), w.Agreement.Encode(), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exit": expectExit},
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
