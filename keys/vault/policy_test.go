package vault

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/puente-project/puente/keys"
)

// TestPolicies asks as each role for what it may and may not do. The requests
// that are allowed show that a denial is the policy's and not a wrong path.
func TestPolicies(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator := e.as(t, roleOperator)
	for _, name := range []string{"sessions", "identity", "watchlist/border"} {
		if err := e.as(t, roleService).Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := keys.Rotate(t.Context(), operator); err != nil {
			t.Fatal(err)
		}
	}
	sessions, err := operator.record(t.Context(), "test", "sessions")
	if err != nil {
		t.Fatal(err)
	}
	T, K := e.base.Transit, e.base.KV
	input := map[string]any{"input": base64.StdEncoding.EncodeToString([]byte("x"))}
	wrapped := map[string]any{"ciphertext": sessions.key}
	overwrite := map[string]any{"data": sessions.fields(), "options": map[string]any{"cas": sessions.version}}
	fresh := func(n string) map[string]any {
		return map[string]any{"data": map[string]any{"x": n}, "options": map[string]any{"cas": 0}}
	}
	const none, all = "", "operator service auditor"
	for _, tc := range []struct {
		what    string
		request request
		allowed string
	}{
		{"read a sealed seed", request{path: K + "/data/seeds/sessions"}, "operator service"},
		{"list seeds", request{path: K + "/metadata/seeds/", list: true}, "operator service"},
		{"unwrap a data key", request{path: T + "/decrypt/wrap", body: wrapped}, "service"},
		{"make a data key", request{path: T + "/datakey/plaintext/wrap", body: map[string]any{}}, "operator service"},
		{"rewrap a data key", request{path: T + "/rewrap/wrap", body: wrapped}, "operator"},
		{"sign", request{path: T + "/sign/signing", body: input}, "service"},
		{"sign with another hash", request{path: T + "/sign/signing/sha2-512", body: input}, none},
		{"replace a seed", request{path: K + "/data/seeds/sessions", body: overwrite}, "operator"},
		{"replace a signing seed", request{path: K + "/data/seeds/signing/9/mldsa65", body: fresh("a")}, "operator"},
		{"destroy a seed's history", request{path: K + "/metadata/seeds/sessions", remove: true}, none},
		{"delete a seed", request{path: K + "/data/seeds/sessions", remove: true}, none},
		{"destroy a version", request{path: K + "/destroy/seeds/sessions", body: map[string]any{"versions": []int{1}}}, none},
		{"configure the KV engine", request{path: K + "/config", body: map[string]any{"cas_required": false}}, none},
		{"write elsewhere in KV", request{path: K + "/data/other", body: fresh("b")}, none},
		{"read the signing key", request{path: T + "/keys/signing"}, all},
		{"read public keys", request{path: K + "/data/public/signing/1"}, all},
		{"list public keys", request{path: K + "/metadata/public/signing/", list: true}, all},
		{"write public keys", request{path: K + "/data/public/x", body: fresh("c")}, "operator"},
		{"rotate the wrapping key", request{path: T + "/keys/wrap/rotate", body: map[string]any{}}, "operator"},
		{"disable signing versions", request{path: T + "/keys/signing/config", body: map[string]any{"min_encryption_version": 1}}, "operator"},
		{"make the signing key exportable", request{path: T + "/keys/signing/config", body: map[string]any{"exportable": true}}, none},
		{"let the wrapping key be deleted", request{path: T + "/keys/wrap/config", body: map[string]any{"deletion_allowed": true}}, none},
		{"export the signing key", request{path: T + "/export/signing-key/signing"}, none},
		{"back up the wrapping key", request{path: T + "/backup/wrap"}, none},
		{"delete the signing key", request{path: T + "/keys/signing", remove: true}, none},
		{"make another key", request{path: T + "/keys/mine", body: map[string]any{"exportable": true}}, none},
		{"encrypt with the wrapping key", request{path: T + "/encrypt/wrap", body: map[string]any{"plaintext": "eA=="}}, none},
		{"write a policy", request{path: "sys/policies/acl/puente-service", body: map[string]any{"policy": "path \"*\" {}"}}, none},
		{"list mounts", request{path: "sys/mounts"}, none},
		{"read the raw storage", request{path: "sys/raw/sys/token"}, none},
		{"switch audit off", request{path: "sys/audit/file", remove: true}, none},
		{"make a secret id", request{path: "auth/approle/role/puente-service/secret-id", body: map[string]any{}}, none},
		{"make a token", request{path: "auth/token/create", body: map[string]any{}}, none},
		{"look at its own token", request{path: "auth/token/lookup-self"}, all},
	} {
		for _, role := range Roles() {
			s := e.as(t, role)
			client, _, err := s.session.current()
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.session.connection.once(t.Context(), client, tc.request)
			if allowed := strings.Contains(tc.allowed, role); allowed == errors.Is(err, ErrDenied) {
				t.Errorf("%s as %s: %v, want allowed: %v", tc.what, role, err, allowed)
			}
			s.Close()
		}
	}
}

// TestAuditorSeesNoSecret walks all that is in the engines as root, and asks as the auditor
// for each of it in every way: the answer is a denial, except for what is public.
func TestAuditorSeesNoSecret(t *testing.T) {
	e := sharedEnv(t).mount(t)
	for n := range uint32(2) {
		mustRotate(t, e.as(t, roleOperator), n+1)
	}
	for _, name := range []string{"sessions", "identity", "log", "watchlist/border"} {
		if err := e.as(t, roleService).Create(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	T, K := e.base.Transit, e.base.KV
	root := e.server.Client(e.server.RootToken).Logical()
	var requests []request
	public, secret := 0, 0
	var walk func(folder string)
	walk = func(folder string) {
		list, err := root.ListWithContext(t.Context(), K+"/metadata/"+folder)
		if err != nil || list == nil {
			t.Fatalf("list %q: %v", folder, err)
		}
		if !strings.HasPrefix(folder, "public/") {
			requests = append(requests, request{path: K + "/metadata/" + folder, list: true})
		}
		for _, k := range list.Data["keys"].([]any) {
			name := folder + k.(string)
			switch {
			case strings.HasSuffix(name, "/"):
				walk(name)
			case strings.HasPrefix(name, "public/"):
				public++
			default:
				secret++
				for _, way := range []string{"data", "metadata", "subkeys"} {
					requests = append(requests, request{path: K + "/" + way + "/" + name})
				}
			}
		}
	}
	walk("")
	if public != 2 || secret != 6 {
		t.Errorf("%d public and %d secret records, want 2 and 6", public, secret)
	}
	transit, err := root.ListWithContext(t.Context(), T+"/keys")
	if err != nil || len(transit.Data["keys"].([]any)) != 2 {
		t.Fatalf("transit keys: %v, %v", transit, err)
	}
	body := map[string]any{"input": "eA==", "plaintext": "eA==", "ciphertext": "vault:v1:eA=="}
	for _, k := range transit.Data["keys"].([]any) {
		for _, use := range []string{"encrypt", "decrypt", "rewrap", "sign", "hmac", "datakey/plaintext", "datakey/wrapped"} {
			requests = append(requests, request{path: T + "/" + use + "/" + k.(string), body: body})
		}
		for _, read := range []string{"export/encryption-key", "export/signing-key", "export/hmac-key", "backup"} {
			requests = append(requests, request{path: T + "/" + read + "/" + k.(string)})
		}
	}
	s := e.as(t, roleAuditor)
	client, _, err := s.session.current()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range requests {
		if _, err := s.session.connection.once(t.Context(), client, r); !errors.Is(err, ErrDenied) {
			t.Errorf("%s: %v, want ErrDenied", r.path, err)
		}
	}
}

// TestRolesAtWork: the same through the store.
func TestRolesAtWork(t *testing.T) {
	e := sharedEnv(t).mount(t)
	operator, service, auditor := e.as(t, roleOperator), e.as(t, roleService), e.as(t, roleAuditor)
	if err := operator.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.RotateSigning(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := operator.Seed(t.Context(), "sessions")
	want(t, "operator reads a seed", err, ErrDenied)
	_, err = operator.NewSigner(t.Context(), 0)
	want(t, "operator signs", err, ErrDenied)
	_, err = service.RotateSigning(t.Context())
	want(t, "service rotates", err, ErrDenied)
	_, err = service.Rewrap(t.Context())
	want(t, "service rewraps", err, ErrDenied)
	if _, err := operator.RotateSigning(t.Context()); err != nil {
		t.Fatal(err)
	}
	want(t, "service revokes", service.RevokeSigning(t.Context(), 1), ErrDenied)
	_, err = auditor.Seed(t.Context(), "sessions")
	want(t, "auditor reads a seed", err, ErrDenied)
	want(t, "auditor creates", auditor.Create(t.Context(), "x"), ErrDenied)
	_, err = auditor.Names(t.Context())
	want(t, "auditor lists seeds", err, ErrDenied)
	_, err = auditor.NewSigner(t.Context(), 0)
	want(t, "auditor signs", err, ErrDenied)
	if list, err := auditor.SigningVersions(t.Context()); err != nil || list.Newest() != 2 {
		t.Errorf("auditor reads public keys: newest %d, %v", list.Newest(), err)
	}
	if st, err := auditor.Status(t.Context()); err != nil || len(st.Denied) != 1 || st.Denied[0] != "seeds" || len(st.Signing) != 2 {
		t.Errorf("auditor's status: %+v, %v", st, err)
	}
	st, err := service.Status(t.Context())
	if err != nil || len(st.Denied) != 0 || st.Wrapping["v1"] != 3 || st.Version != "1.13.2" || st.Standby {
		t.Errorf("service's status: %+v, %v", st, err)
	}
}

// TestProvisionAgain: nothing is lost, and what could leave Vault is refused.
func TestProvisionAgain(t *testing.T) {
	e := sharedEnv(t).mount(t)
	service := e.as(t, roleService)
	if err := service.Create(t.Context(), "sessions"); err != nil {
		t.Fatal(err)
	}
	before, err := service.Seed(t.Context(), "sessions")
	if err != nil {
		t.Fatal(err)
	}
	admin := e.admin(t)
	present := 0
	err = Provision(t.Context(), admin, Plan(admin, true), func(_ Step, there bool) {
		if there {
			present++
		}
	})
	if err != nil || present != 5 {
		t.Errorf("second time: %d things were there, want 5 (2 engines, 2 keys, the login); %v", present, err)
	}
	if after, err := service.Seed(t.Context(), "sessions"); err != nil || after != before {
		t.Errorf("the seed changed (%v)", err)
	}
	root := e.server.Client(e.server.RootToken).Logical()
	if _, err := root.Write("sys/mounts/bad-transit", map[string]any{"type": "transit"}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.Write("bad-transit/keys/signing", map[string]any{"type": "ed25519", "exportable": true}); err != nil {
		t.Fatal(err)
	}
	bad := admin
	bad.Transit = "bad-transit"
	want(t, "an exportable key", Provision(t.Context(), bad, Plan(bad, false), nil), ErrConfig)
	bad = admin
	bad.Transit, bad.KV = "another-transit", admin.Transit
	want(t, "another engine", Provision(t.Context(), bad, Plan(bad, false), nil), ErrConfig)
	c := e.login(t, roleOperator)
	want(t, "no administrator's token", Provision(t.Context(), c, Plan(c, false), nil), ErrConfig)
}

// TestPlanText pins what --dry-run prints of the most delicate step.
func TestPlanText(t *testing.T) {
	c := resolved(t, Config{Address: "https://v", Auth: AuthAgent})
	var text strings.Builder
	for _, step := range Plan(c, true) {
		text.WriteString(step.String())
	}
	for _, part := range []string{
		"vault write sys/mounts/puente-kv description='Puente: encrypted seeds, public keys' options=version=2 type=kv\n",
		"vault write puente-transit/keys/signing allow_plaintext_backup=false exportable=false type=ed25519\n",
		"# rights of the auditor\nvault write sys/policies/acl/puente-auditor policy=- <<'EOF'\n" +
			"# public keys and their versions\npath \"puente-transit/keys/signing\" {\n  capabilities = [\"read\"]\n}\n" +
			"path \"puente-kv/data/public/*\" {\n  capabilities = [\"read\"]\n}\n" +
			"path \"puente-kv/metadata/public/*\" {\n  capabilities = [\"list\"]\n}\n",
		"  allowed_parameters = { \"min_encryption_version\" = [] }\n",
		"vault write auth/approle/role/puente-service ",
	} {
		if !strings.Contains(text.String(), part) {
			t.Errorf("the plan lacks\n%s", part)
		}
	}
	if strings.Contains(text.String(), "sudo") {
		t.Error("a role got sudo")
	}
	if t.Failed() {
		t.Log(text.String())
	}
}
