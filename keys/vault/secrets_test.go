package vault

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault/vaulttest"
)

// The test binary runs itself as the client with this variable, which holds the
// configuration in JSON.
const childConfig = "PUENTE_TEST_VAULT_CLIENT"

// client is a service in short: it reads the root seed, creates one, signs, fails
// at what it may not do, and logs and prints everything that a program might.
func client(config string) error {
	var c Config
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx := context.Background()
	s, err := Open(ctx, c, log)
	if err != nil {
		return err
	}
	seed, err := s.Seed(ctx, "sessions")
	if err != nil {
		return err
	}
	child := seed.Derive("session", []byte("1"))
	signer, err := keys.NewSigner(ctx, s, 0)
	if err != nil {
		return err
	}
	sig, err := signer.Sign(ctx, []byte("head"))
	if err != nil {
		return err
	}
	if err := s.Create(ctx, "watchlist/border"); err != nil {
		return err
	}
	_, denied := s.Rewrap(ctx)
	_, missing := s.Seed(ctx, "nothing")
	log.Info("done", "store", s, "seed", seed, "child", child, "signer", signer, "denied", denied, "missing", missing, "config", c, "signature", len(sig.Bytes()))
	fmt.Println("ready", s, seed, child, signer)
	io.Copy(io.Discard, os.Stdin) // stays alive, logged in, for the search
	return s.Close()
}

// TestNoSecretOutside looks for the root seed, its children and the login's
// secrets on the client's disk, in its environment, its arguments, open files and
// logs, in Vault's storage and in Vault's audit file.
func TestNoSecretOutside(t *testing.T) {
	e := sharedEnv(t).mount(t)
	mustRotate(t, e.as(t, roleOperator), 1)
	own := e.as(t, roleService)
	if err := own.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	seed, err := own.Seed(t.Context(), "sessions")
	if err != nil {
		t.Fatal(err)
	}
	mldsa, err := own.Seed(t.Context(), "signing/1/mldsa65")
	if err != nil {
		t.Fatal(err)
	}
	child := seed.Derive("session", []byte("1"))
	secrets := map[string][]byte{"root seed": seed[:], "session seed": child[:], "ML-DSA seed": mldsa[:]}

	// The secret id is wrapped, so that even the file that was given to the client
	// holds nothing that works.
	c := e.base
	c.Auth, c.SecretIDWrapped = AuthAppRole, true
	logins := t.TempDir()
	if c.RoleIDFile, c.SecretIDFile, err = e.server.AppRole(t.Context(), logins, PolicyName(roleService), "60s"); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(resolved(t, c))
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	logFile, err := os.Create(filepath.Join(home, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer logFile.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Dir = home
	cmd.Env = []string{childConfig + "=" + string(config), "HOME=" + home, "TMPDIR=" + home, "XDG_CACHE_HOME=" + home}
	cmd.Stderr = logFile
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready vault.Store(https://") {
		text, _ := os.ReadFile(logFile.Name())
		t.Fatalf("client: %q, %v\n%s", line, err, text)
	}

	// What the kernel shows of the process, as files.
	proc := fmt.Sprintf("/proc/%d/", cmd.Process.Pid)
	shown := t.TempDir()
	for _, name := range []string{"environ", "cmdline", "comm", "status", "maps", "mountinfo"} {
		content, err := os.ReadFile(proc + name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(shown, name), string(content))
	}
	fds, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, err := os.Readlink(proc + "fd/" + fd.Name())
		if err != nil {
			continue // closed meanwhile
		}
		if strings.HasPrefix(target, "/") && !strings.HasPrefix(target, "/dev/") && !strings.HasPrefix(target, home) && !strings.HasPrefix(target, "/sys/") {
			t.Errorf("the client holds %s open", target)
		}
	}
	write(t, filepath.Join(shown, "stdout"), line)

	found, files, err := vaulttest.Search(secrets, home, logins, shown, shared.dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Errorf("secrets found: %s", strings.Join(found, "; "))
	}
	if files < 20 {
		t.Errorf("only %d files were searched", files)
	}
	// No token and no secret id in what the client left; the audit file has
	// their keyed hashes only.
	secretID, err := os.ReadFile(own.config.SecretIDFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{logFile.Name(), filepath.Join(shown, "environ"), filepath.Join(shown, "stdout"), auditFile()} {
		content, err := os.ReadFile(path)
		if err != nil || len(content) < 50 {
			t.Fatalf("%s: %d bytes, %v", path, len(content), err)
		}
		for what, secret := range map[string]string{"a token": "hvs.", "the secret id": strings.TrimSpace(string(secretID))} {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%s in %s", what, path)
			}
		}
	}
	audit, err := os.ReadFile(auditFile())
	if err != nil {
		t.Fatal(err)
	}
	for _, used := range []string{e.base.Transit + "/decrypt/wrap", e.base.KV + "/data/seeds/sessions", e.base.Transit + "/sign/signing", "hmac-sha256:"} {
		if !bytes.Contains(audit, []byte(used)) {
			t.Errorf("the audit file does not show %s: was it searched in vain?", used)
		}
	}

	// The search finds what is there, in each form.
	for form, b := range vaulttest.Forms(seed[:]) {
		control := t.TempDir()
		write(t, filepath.Join(control, "leak"), "xx"+string(b)+"yy")
		if found, _, err := vaulttest.Search(secrets, control); len(found) == 0 {
			t.Errorf("the search does not see a leak in the form %s (%v)", form, err)
		}
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("client: %v", err)
	}
	if _, err := os.Stat(proc); err == nil {
		t.Error("the client is still there")
	}
	entries, err := os.ReadDir(home)
	if err != nil || len(entries) != 1 {
		t.Errorf("the client left %d files in its directory, want its log alone (%v)", len(entries), err)
	}
}
