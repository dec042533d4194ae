package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/keys/vault"
	"github.com/puente-project/puente/keys/vault/vaulttest"
	"github.com/puente-project/puente/protocol/signature"
)

// keysRun runs a keys command in this process.
func keysRun(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	app := newApp()
	var out bytes.Buffer
	app.Writer = &out
	err := app.RunContext(t.Context(), append([]string{"puente", "--dir", dir, "keys"}, args...))
	return out.String(), err
}

// keysMust runs one that must succeed and print all parts.
func keysMust(t *testing.T, dir, parts string, args ...string) string {
	t.Helper()
	out, err := keysRun(t, dir, args...)
	if err != nil {
		t.Fatalf("keys %s: %v", strings.Join(args, " "), err)
	}
	for part := range strings.SplitSeq(parts, "|") {
		if !strings.Contains(out, part) {
			t.Errorf("keys %s lacks %q:\n%s", strings.Join(args, " "), part, out)
		}
	}
	return out
}

// exported parses the output of export-public.
func exported(t *testing.T, out string) []signature.PublicKey {
	t.Helper()
	var list []signature.PublicKey
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		k, err := signature.ParsePublicKeyText(line)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, k)
	}
	return list
}

func TestKeysInFile(t *testing.T) {
	dir := t.TempDir()
	identity := filepath.Join(dir, "identity")
	put(t, identity, "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX\n")
	t.Setenv("PUENTE_IDENTITY_FILE", identity)
	app := newApp()
	app.Writer = io.Discard
	if err := app.RunContext(t.Context(), []string{"puente", "--dir", dir, "init", "--name", "cl"}); err != nil {
		t.Fatal(err)
	}
	store, err := openStore(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := keys.ListSigning(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	for n := list.Newest(); n < 2; n++ { // init may make the first one
		keysMust(t, dir, "signing key   version|, id ", "rotate")
	}
	keysMust(t, dir, keyFile+"|seeds|version 1  retired|version 2  active", "status")
	signer, err := keys.NewSigner(t.Context(), store, 1)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signer.Sign(t.Context(), []byte("head"))
	if err != nil {
		t.Fatal(err)
	}
	keysMust(t, dir, "version 1 is revoked", "revoke", "1")
	out := keysMust(t, dir, "# version 1, revoked, id |# version 2, active, id ", "export-public")
	public := exported(t, out)
	if len(public) != 2 || signature.Verify(public[0], []byte("head"), sig) != nil {
		t.Errorf("%d exported keys; an old signature must verify with the first", len(public))
	}
	if one := exported(t, keysMust(t, dir, "", "export-public", "--version", "2")); len(one) != 1 || one[0] != public[1] {
		t.Errorf("--version 2 gives %d keys", len(one))
	}
	var report keysReport
	if err := json.Unmarshal([]byte(keysMust(t, dir, "", "status", "--json")), &report); err != nil || len(report.Signing) != 2 || report.Signing[0].State != "revoked" || report.Vault != nil {
		t.Errorf("status --json: %+v, %v", report, err)
	}
	for _, tc := range []struct {
		args string
		code int
	}{
		{"revoke 2", exitUsage}, {"revoke 9", exitUsage}, {"revoke", exitUsage}, {"revoke 0", exitUsage}, {"revoke x", exitUsage},
		{"revoke --wrapping", exitAgency}, {"revoke --wrapping 1", exitUsage}, {"rotate --only wrapping", exitAgency},
		{"rotate --only x", exitUsage}, {"rotate x", exitUsage}, {"status x", exitUsage}, {"export-public --version 9", exitAgency},
		{"provision --dry-run", exitAgency},
	} {
		if _, err := keysRun(t, dir, strings.Fields(tc.args)...); exitCode(t.Context(), err) != tc.code {
			t.Errorf("keys %s: %v, exit code %d, want %d", tc.args, err, exitCode(t.Context(), err), tc.code)
		}
	}
	if _, err := keysRun(t, t.TempDir(), "status"); exitCode(t.Context(), err) != exitAgency {
		t.Errorf("no agency: %v", err)
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestKeysInVault sets up a Vault with the commands alone, and uses it in each role.
func TestKeysInVault(t *testing.T) {
	server := vaulttest.New(t, vaulttest.Options{Dir: t.TempDir(), TLS: true})
	logins := t.TempDir()
	put(t, filepath.Join(logins, "root-token"), server.RootToken+"\n")
	// agencyAs makes an agency's directory whose login is a role's.
	agencyAs := func(role string) string {
		dir := t.TempDir()
		put(t, filepath.Join(dir, configFile), "[vault]\naddress = \""+server.Address+"\"\nca_file = \""+server.CAFile+
			"\"\nauth = \"approle\"\nrole_id_file = \""+logins+"/puente-"+role+".role-id\"\nsecret_id_file = \""+logins+"/puente-"+role+".secret-id\"\n")
		return dir
	}
	operator, service, auditor := agencyAs("operator"), agencyAs("service"), agencyAs("auditor")

	dry := keysMust(t, operator, "vault write sys/mounts/puente-kv|vault write sys/policies/acl/puente-auditor policy=-", "provision", "--dry-run")
	if strings.Contains(dry, "approle") {
		t.Error("the plan has AppRoles without --approle")
	}
	if _, err := keysRun(t, operator, "provision"); exitCode(t.Context(), err) != exitUsage {
		t.Errorf("provision without a token: %v", err)
	}
	token := []string{"provision", "--approle", "--token-file", filepath.Join(logins, "root-token")}
	keysMust(t, operator, "written  sys/mounts/puente-transit|written  auth/approle/role/puente-service", token...)
	keysMust(t, operator, "present  puente-transit/keys/signing|written  sys/policies/acl/puente-operator", token...)
	for _, role := range vault.Roles() {
		if _, _, err := server.AppRole(t.Context(), logins, vault.PolicyName(role), ""); err != nil {
			t.Fatal(err)
		}
	}

	keysMust(t, service, "1.13.2, active|puente-service|no key; make one", "status")
	keysMust(t, operator, "version 1, id |new version, 1 data keys rewrapped", "rotate")
	keysMust(t, operator, "version 2, id ", "rotate", "--only", "signing")
	keysMust(t, operator, "2 data keys rewrapped", "rotate", "--only", "wrapping")
	keysMust(t, operator, "versions before 3 are disabled", "revoke", "--wrapping")
	keysMust(t, operator, "version 1 is revoked", "revoke", "1")
	keysMust(t, service, "1 under wrapping key v3|version 1  revoked|version 2  active", "status")
	keysMust(t, auditor, "denied    seeds|version 2  active", "status")
	// Another login for the same directory; flags of keys stand before the command.
	keysMust(t, service, "denied    seeds", "--vault", filepath.Join(auditor, configFile), "status")
	if public := exported(t, keysMust(t, auditor, "", "export-public")); len(public) != 2 {
		t.Errorf("the auditor sees %d public keys, want 2", len(public))
	}
	for _, args := range [][]string{{"rotate"}, {"revoke", "1"}, {"revoke", "--wrapping"}} {
		for _, dir := range []string{service, auditor} {
			if _, err := keysRun(t, dir, args...); !errors.Is(err, vault.ErrDenied) {
				t.Errorf("keys %v without the operator's rights: %v, want ErrDenied", args, err)
			}
		}
	}
	put(t, filepath.Join(auditor, configFile), "[vault]\naddress = \"https://127.0.0.1\"\nauth = \"agent\"\ntokenfile = \"x\"\n")
	if _, err := keysRun(t, auditor, "status"); exitCode(t.Context(), err) != exitAgency || !strings.Contains(err.Error(), "tokenfile") {
		t.Errorf("a misspelt setting: %v", err)
	}
	put(t, filepath.Join(auditor, configFile), "[vault]\naddress = \"http://vault.example\"\nauth = \"agent\"\n")
	if _, err := keysRun(t, auditor, "status"); exitCode(t.Context(), err) != exitAgency || !errors.Is(err, vault.ErrConfig) {
		t.Errorf("http to the network: %v", err)
	}
}
