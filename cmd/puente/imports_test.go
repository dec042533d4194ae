package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports holds down which way imports go: templates <- he <- protocol <- cmd, with
// keys beside them, and Lattigo behind he; a baseline to compare with has its own.
func TestImports(t *testing.T) {
	const module = "github.com/puente-project/puente/"
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	allowed := map[string][]string{ // by package or first folder; what is not named is not allowed
		"templates": {"templates", "keys/durable"},
		"he":        {"he", "lattigo"},
		"protocol":  {"protocol", "he", "templates", "keys/durable"},
		"keys":      {"keys", "protocol/signature"},
		"bench":     {"bench", "protocol", "he", "templates", "keys"},
		// Not linked by the product, as the tests of bench/report check.
		"bench/ckks":  {"lattigo"},
		"bench/suite": {"bench", "bench/ckks", "protocol", "templates"},
		"testdata":    {},
		"cmd":         {"bench", "protocol", "he", "templates", "keys", "testdata"},
	}
	packages := 0
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], module)
		folder, _, _ := strings.Cut(from, "/")
		rules, known := allowed[from]
		if !known {
			rules, known = allowed[folder]
		}
		if !known {
			t.Errorf("%s: no rule for this folder", from)
		}
		packages++
		for _, to := range fields[1:] {
			switch {
			case strings.HasPrefix(to, module):
				to = strings.TrimPrefix(to, module)
			case strings.HasPrefix(to, "github.com/tuneinsight/lattigo/"):
				to = "lattigo"
			default:
				continue
			}
			ok := false
			for _, prefix := range rules {
				ok = ok || to == prefix || strings.HasPrefix(to, prefix+"/")
			}
			if !ok {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
	if packages < 12 {
		t.Errorf("only %d packages were seen", packages)
	}
}
