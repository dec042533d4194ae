package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/puente-project/puente/he"
	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
	"github.com/puente-project/puente/keys/vault/vaulttest"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/replay"
	"github.com/puente-project/puente/protocol/transcript"
)

// vaults are two agencies as real processes, each with its keys in a Vault of its own.
type vaults struct {
	killed
	servers map[string]*vaulttest.Server
	logins  string
}

func newVaults(t *testing.T) *vaults {
	t.Helper()
	v := &vaults{killed: killed{t: t, dir: t.TempDir()}, logins: t.TempDir(), servers: map[string]*vaulttest.Server{}}
	for _, name := range []string{"cl", "us"} {
		v.servers[name] = vaulttest.New(t, vaulttest.Options{Dir: t.TempDir(), TLS: true})
	}
	v.program = filepath.Join(t.TempDir(), "puente")
	if out, err := exec.Command("go", "build", "-o", v.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	var err error
	if v.address, err = freeAddress(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"HOME", "TMPDIR", "XDG_CACHE_HOME"} { // so that all that is written lies in one folder
		t.Setenv(name, v.dir)
	}
	put(t, filepath.Join(v.dir, "people.csv"), "1,0,0,0\n0,1,0,0\n0,0,1,0\n")
	put(t, filepath.Join(v.dir, "probe.csv"), "0.1,1,0.1,0\n")
	for name, server := range v.servers {
		put(t, filepath.Join(v.logins, name+"-root"), server.RootToken+"\n")
		v.must("keys", "--vault", v.login(name, "service"), "provision", "--approle", "--token-file", filepath.Join(v.logins, name+"-root"))
		for _, role := range vault.Roles() {
			if _, _, err := server.AppRole(t.Context(), filepath.Dir(v.login(name, role)), vault.PolicyName(role), ""); err != nil {
				t.Fatal(err)
			}
		}
		v.must("keys", "--vault", v.login(name, "operator"), "rotate", "--only", "signing")
		v.must("--dir", name, "init", "--name", name, "--listen", v.address, "--vault", v.login(name, "service"))
	}
	v.must("--dir", "us", "agreement", "new", "--with", "cl", "--watchlist", "us/wanted=vector:4:norm=20:theta=200", "--purpose", "border/treaty-1=1000", "agreement.json")
	v.must("--dir", "us", "partner", "add", "cl/card.toml", "agreement.json")
	v.must("--dir", "cl", "partner", "add", "us/card.toml", "agreement.json")
	v.must("--dir", "us", "watchlist", "create", "--scheme", "vector:4:norm=20:theta=200", "wanted")
	v.must("--dir", "us", "watchlist", "add", "wanted", "people.csv")
	return v
}

// login writes the file that names a role's login at an agency's Vault.
func (v *vaults) login(agency, role string) string {
	v.t.Helper()
	dir := filepath.Join(v.logins, agency)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		v.t.Fatal(err)
	}
	file := filepath.Join(dir, role+".toml")
	put(v.t, file, fmt.Sprintf("[vault]\naddress = %q\nca_file = %q\nauth = \"approle\"\nrole_id_file = %q\nsecret_id_file = %q\n", v.servers[agency].Address,
		v.servers[agency].CAFile, filepath.Join(dir, vault.PolicyName(role)+".role-id"), filepath.Join(dir, vault.PolicyName(role)+".secret-id")))
	return file
}

// start runs us with its output in a file, until the returned function is called.
func (v *vaults) start(output string) (pid int, stop func()) {
	v.t.Helper()
	log, err := os.OpenFile(filepath.Join(v.dir, output), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		v.t.Fatal(err)
	}
	c := v.command("", "--dir", "us", "serve")
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		v.t.Fatal(err)
	}
	waitFor(v.t, v.address)
	return c.Process.Pid, func() {
		v.t.Helper()
		_ = c.Process.Signal(syscall.SIGTERM)
		if err := errors.Join(c.Wait(), log.Close()); err != nil {
			v.t.Errorf("serve: %v", err)
		}
	}
}

// query starts a query of cl; the returned function waits for its exit code and for what it wrote.
func (v *vaults) query() (wait func() (int, string)) {
	v.t.Helper()
	var out bytes.Buffer
	c := v.command("", "--dir", "cl", "query", "--partner", "us", "--watchlist", "wanted", "probe.csv")
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		v.t.Fatal(err)
	}
	return func() (int, string) {
		_ = c.Wait() // the exit code says it
		return c.ProcessState.ExitCode(), out.String()
	}
}

// seeds returns every seed of an agency's store, and those of its side of all sessions.
func (v *vaults) seeds(agency string, into map[string][]byte) {
	v.t.Helper()
	conf, err := vaultConfig(v.login(agency, "service"))
	if err != nil {
		v.t.Fatal(err)
	}
	store, err := openStore(v.t.Context(), "", conf)
	if err != nil {
		v.t.Fatal(err)
	}
	defer closeStore(store)
	names, err := store.Names(v.t.Context())
	if err != nil {
		v.t.Fatal(err)
	}
	var root keys.Seed
	for _, name := range names {
		seed, err := store.Seed(v.t.Context(), name)
		if err != nil {
			v.t.Fatal(err)
		}
		into[agency+" "+name] = seed[:]
		if name == seedSessions {
			root = seed
		}
	}
	role := map[string]transcript.Party{"cl": transcript.Requester, "us": transcript.Holder}[agency]
	sessions, err := filepath.Glob(filepath.Join(v.dir, agency, "evidence", "*", evidence.GrantFile))
	if err != nil || len(sessions) == 0 {
		v.t.Fatalf("%s has no session: %v", agency, err)
	}
	for _, grant := range sessions {
		dir := filepath.Dir(grant)
		_, seed, err := replay.SessionSeed(dir, role, he.Seed(root))
		if err != nil {
			v.t.Fatal(err)
		}
		into[agency+" session "+filepath.Base(dir)[:8]] = seed[:]
	}
}

// TestNoSeedOutsideVault searches all that both programs write and show, while the
// service runs, for every seed that is in the Vaults and for those of the sessions.
func TestNoSeedOutsideVault(t *testing.T) {
	v := newVaults(t)
	pid, stop := v.start("serve.log")
	defer stop()
	for range 2 {
		code, out := v.query()()
		if code != exitHit {
			t.Fatalf("the query ends with %d:\n%s", code, out)
		}
		put(t, filepath.Join(v.dir, "query.log"), out)
	}
	secrets := map[string][]byte{}
	v.seeds("cl", secrets)
	v.seeds("us", secrets)
	for _, name := range []string{"us " + seedSessions, "us " + seedIdentity, "us " + seedLog, "us watchlist/wanted", "us signing/1/mldsa65", "cl " + seedSessions} {
		if secrets[name] == nil {
			t.Errorf("%s is not among the %d secrets", name, len(secrets))
		}
	}
	// What the kernel shows of the service as files, and what it holds open.
	proc := fmt.Sprintf("/proc/%d/", pid)
	for _, name := range []string{"environ", "cmdline", "status", "maps"} {
		content, err := os.ReadFile(proc + name)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(v.dir, "proc-"+name), string(content))
	}
	open, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		target, err := os.Readlink(proc + "fd/" + fd.Name())
		if err == nil && filepath.IsAbs(target) && !strings.HasPrefix(target, v.dir) && !strings.HasPrefix(target, "/dev/") && !strings.HasPrefix(target, "/sys/") {
			t.Errorf("the service holds %s open, which is not searched", target)
		}
	}
	paths := []string{v.dir, v.logins, filepath.Dir(v.servers["cl"].CAFile), filepath.Dir(v.servers["us"].CAFile)}
	found, files, err := vaulttest.Search(secrets, paths...)
	if err != nil || len(found) > 0 || files < 50 {
		t.Errorf("%d secrets in %d files, error %v, found: %s", len(secrets), files, err, strings.Join(found, "; "))
	}
	// The search sees one that is there.
	put(t, filepath.Join(v.dir, "us", "leak"), string(secrets["us "+seedSessions]))
	if found, _, err := vaulttest.Search(secrets, v.dir); len(found) != 1 || !strings.Contains(found[0], "us/leak (raw)") {
		t.Errorf("a planted leak: found %q, error %v", found, err)
	}
	if err := os.Remove(filepath.Join(v.dir, "us", "leak")); err != nil {
		t.Fatal(err)
	}
}

// TestVaultSealedInSession seals one side's Vault at different moments of a query. The
// query completes or ends with an error that names the reason, the service resumes by
// itself when the Vault does, and no statement is half signed: the audit is clean.
func TestVaultSealedInSession(t *testing.T) {
	v := newVaults(t)
	_, stop := v.start("serve.log")
	ended := map[int]int{}
	for _, side := range []string{"us", "cl"} {
		for _, records := range []int{-1, 0, 4, 8, 12, 16, 20} { // of 21; -1: before the session
			before := v.recorded()
			if records < 0 {
				v.seal(side)
			}
			wait := v.query()
			for deadline := time.Now().Add(20 * time.Second); records >= 0 && !v.reached(before, records) && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			if records >= 0 {
				v.seal(side)
			}
			code, out := wait()
			ended[code]++
			switch {
			case code == exitHit && records >= 0:
			case side == "us" && code == exitRefused && strings.Contains(out, "signing key is not available"):
			case side == "cl" && code == exitKeys && strings.Contains(out, "sealed"):
			default:
				t.Errorf("the Vault of %s is sealed at record %d: the query ends with %d:\n%s", side, records, code, out)
			}
			if err := v.servers[side].Unseal(t.Context()); err != nil {
				t.Fatal(err)
			}
			if code, out := v.query()(); code != exitHit {
				t.Errorf("unsealed: the next query ends with %d:\n%s", code, out)
			}
		}
	}
	stop()
	report := v.audit(14)
	aborted := 0
	for _, s := range report.Sessions {
		if s.Aborted {
			aborted++
		}
	}
	if aborted == 0 {
		t.Errorf("no session was under way when a Vault was sealed: exit codes %v", ended)
	}
	t.Logf("queries by exit code %v, %d sessions of which %d were aborted", ended, len(report.Sessions), aborted)
}

func (v *vaults) seal(side string) {
	v.t.Helper()
	if err := v.servers[side].Seal(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
}

// recorded returns the sizes of the journals of us.
func (v *vaults) recorded() map[string]int64 {
	v.t.Helper()
	files, err := filepath.Glob(filepath.Join(v.dir, "us", "evidence", "*", evidence.RecordsFile))
	if err != nil {
		v.t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			v.t.Fatal(err)
		}
		sizes[file] = info.Size()
	}
	return sizes
}

// reached reports whether us has a new journal with so many records.
func (v *vaults) reached(before map[string]int64, records int) bool {
	for file, size := range v.recorded() {
		if _, old := before[file]; !old && size >= int64(records)*transcript.RecordSize {
			return true
		}
	}
	return false
}
