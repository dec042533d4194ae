package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/vault/api"

	"github.com/puente-project/puente/keys/vault"
)

// vaultDir is the folder of a Vault that was started for an agency of the demonstration:
// ca.pem, root-token and address.
type vaultDir string

func (v vaultDir) file(name string) string { return filepath.Join(string(v), name) }

func (v vaultDir) read(name string) (string, error) {
	data, err := os.ReadFile(v.file(name))
	return strings.TrimSpace(string(data)), err
}

// provision sets up a Vault with one token for each role, and returns the file that names
// the service's login. Root's token serves for nothing else.
func (d *demo) provision(ctx context.Context, s side, v vaultDir) (service string, err error) {
	address, err := v.read("address")
	if err != nil {
		return "", inputf("%w", err)
	}
	root, err := v.read("root-token")
	if err != nil {
		return "", inputf("%w", err)
	}
	conf := api.DefaultConfig()
	conf.Address = address
	if err := conf.ConfigureTLS(&api.TLSConfig{CACert: v.file("ca.pem")}); err != nil {
		return "", err
	}
	client, err := api.NewClient(conf)
	if err != nil {
		return "", err
	}
	client.SetToken(root)

	logins := map[string]string{}
	for _, role := range append(vault.Roles(), "admin") {
		token := root
		if role == "admin" {
			// The administrator's login is root's.
		} else if created, err := client.Auth().Token().CreateWithContext(ctx, &api.TokenCreateRequest{
			Policies: []string{vault.PolicyName(role)}, NoParent: true, TTL: "1h"}); err != nil {
			return "", fmt.Errorf("a token for the %s of %s: %w", role, s.country, err)
		} else {
			token = created.Auth.ClientToken
		}
		file := filepath.Join(d.dir, s.name+"-"+role)
		if err := os.WriteFile(file+".token", []byte(token+"\n"), 0o600); err != nil {
			return "", err
		}
		text := fmt.Sprintf("[vault]\naddress = %q\nca_file = %q\nauth = \"token\"\ntoken_file = %q\n", address, v.file("ca.pem"), file+".token")
		if err := os.WriteFile(file+".toml", []byte(text), 0o600); err != nil {
			return "", err
		}
		logins[role] = file + ".toml"
	}
	for _, step := range [][]string{
		{"keys", "--vault", logins["admin"], "provision", "--token-file", filepath.Join(d.dir, s.name+"-admin.token")},
		{"keys", "--vault", logins["operator"], "rotate", "--only", "signing"},
	} {
		if _, err := d.puente(ctx, append([]string{"--dir", s.dir}, step...)...); err != nil {
			return "", err
		}
	}
	// The auditor's login sees public keys and nothing else.
	if _, err := d.puente(ctx, "--dir", s.dir, "keys", "--vault", logins["auditor"], "export-public"); err != nil {
		return "", err
	}
	d.say("%s keeps its keys in its own Vault at %s; the signing key was made by its operator", s.country, address)
	return logins["service"], nil
}
