package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestImports holds down what the auditor's program is made of: of this module only
// statements, signatures, the agreement, the view of a log, the audit, the order of messages and the layouts of
// templates; nothing that holds a secret, computes on ciphertexts or speaks to a network.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	const module = "github.com/puente-project/puente/"
	own := []string{"cmd/puente-audit", "protocol/agreement", "protocol/audit", "protocol/schedule", "protocol/signature", "protocol/transcript",
		"protocol/transparency/view", "templates"}
	others := []string{"github.com/cloudflare/circl/", "github.com/transparency-dev/merkle", "github.com/transparency-dev/tessera/api/layout",
		"golang.org/x/mod/sumdb/note", "golang.org/x/sys/cpu"}
	seen := 0
	for _, path := range strings.Fields(string(out)) {
		seen++
		if name, ok := strings.CutPrefix(path, module); ok {
			if !slices.Contains(own, name) {
				t.Errorf("the program imports %s", name)
			}
			continue
		}
		if !slices.ContainsFunc(others, func(prefix string) bool { return strings.HasPrefix(path, prefix) }) {
			t.Errorf("the program imports %s", path)
		}
	}
	if seen < len(own) {
		t.Errorf("only %d packages were seen", seen)
	}
	for _, path := range standard(t) {
		switch path {
		case "net", "net/http", "os/exec", "plugin":
			t.Errorf("the program imports %s", path)
		}
	}
}

// standard lists the packages of the standard library in the program.
func standard(t *testing.T) []string {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Fields(string(out))
}
