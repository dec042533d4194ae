package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestReadme runs the commands of the README's walk-through, in order, as they stand
// there, but for addresses: both machines are this one.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Two machines\n")
	if !ok {
		t.Fatal("the README has no section Two machines")
	}
	section, _, _ = strings.Cut(section, "\n## ")

	dir := t.TempDir()
	files := map[string]string{
		"us.passphrase": "correct horse battery staple\n", "cl.passphrase": "another long passphrase\n",
		"handles.txt": "ref-1\n", "irises.json": "", "traveller.json": "",
	}
	for target, sample := range map[string]string{"irises.json": "orb_output_v1.9.2.json", "traveller.json": "orb_output_v1.9.7.json"} {
		data, err := os.ReadFile("../../testdata/open-iris/" + sample)
		if err != nil {
			t.Fatal(err)
		}
		files[target] = string(data)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// testscript made this binary behave like puente under that name.
	if err := os.Symlink(self, filepath.Join(bin, "puente")); err != nil {
		t.Fatal(err)
	}

	addresses := map[string]string{}
	environment := map[string][]string{} // by agency
	local := func(line, agency string) string {
		if addresses[agency] == "" {
			a, err := freeAddress()
			if err != nil {
				t.Fatal(err)
			}
			addresses[agency] = a
		}
		line = strings.ReplaceAll(line, "0.0.0.0:7443", addresses[agency])
		return regexp.MustCompile(`https://puente\.example\.[a-z]+:7443`).ReplaceAllString(line, "https://"+addresses[agency])
	}
	command := func(line, agency string) *exec.Cmd {
		c := exec.Command("sh", "-c", "exec "+local(line, agency))
		c.Dir = dir
		c.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + dir}, environment[agency]...)
		return c
	}
	agency, ran := "", 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(section, -1) {
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			line, comment, _ := strings.Cut(line, " # ")
			if m := regexp.MustCompile(`at (us|cl)`).FindStringSubmatch(comment); m != nil {
				agency = m[1]
			}
			switch line = strings.TrimSpace(line); {
			case strings.HasPrefix(line, "export "):
				environment["new"] = strings.Fields(line)[1:]
				agency = strings.TrimPrefix(environment["new"][0], "PUENTE_DIR=")
				environment[agency] = environment["new"]
			case line == "puente serve":
				server := command(line, agency)
				if err := server.Start(); err != nil {
					t.Fatal(err)
				}
				defer func() {
					_ = server.Process.Signal(syscall.SIGTERM)
					_ = server.Wait()
				}()
				waitFor(t, addresses[agency])
				ran++
			case strings.HasPrefix(line, "puente "):
				if rest, ok := strings.CutSuffix(line, " SESSION"); ok { // as the query has printed it
					hits, err := filepath.Glob(filepath.Join(dir, agency, "evidence", "*", hitsFile))
					if err != nil || len(hits) != 1 {
						t.Fatalf("%d sessions with hits, error %v", len(hits), err)
					}
					line = rest + " " + filepath.Base(filepath.Dir(hits[0]))
				}
				out, err := command(line, agency).CombinedOutput()
				var exit *exec.ExitError
				if errors.As(err, &exit) && exit.ExitCode() == exitHit && strings.HasPrefix(line, "puente query") {
					err = nil
				}
				if err != nil {
					t.Fatalf("%s: %s: %v\n%s", agency, line, err, out)
				}
				if strings.HasPrefix(line, "puente query") && !strings.Contains(string(out), "HIT") {
					t.Errorf("the query does not hit:\n%s", out)
				}
				if strings.HasPrefix(line, "puente claim") && !strings.Contains(string(out), "ref-1") {
					t.Errorf("the claim shows no reference:\n%s", out)
				}
				if strings.HasPrefix(line, "puente init") {
					card, err := os.ReadFile(filepath.Join(dir, agency, cardFile))
					if err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(dir, agency+"-card.toml"), card, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				ran++
			default:
				t.Fatalf("the README has a line that this test does not know: %s", line)
			}
		}
	}
	if ran != 10 {
		t.Errorf("%d commands of the walk-through ran, want 10", ran)
	}
}

func waitFor(t *testing.T, address string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("nothing listens at %s: %v", address, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
