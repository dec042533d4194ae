package vault

import (
	"fmt"
	"strings"
)

// rule is one path of a policy.
type rule struct {
	comment      string
	path         string
	capabilities string // separated by spaces
	only         string // the one parameter that may be written
}

// common is what every role may do with its own token.
var common = []rule{
	{"its own token", "auth/token/lookup-self", "read", ""},
	{"", "auth/token/renew-self", "update", ""},
	{"", "auth/token/revoke-self", "update", ""},
}

// roles are the three roles and their rules; T and K stand for the mounts.
//
// The operator makes, rotates and revokes; it can neither sign with Vault's half
// of the signing key nor read a seed, except those that it makes itself, in the
// moment when it makes them. The service signs and reads seeds; it can create
// seeds (a watchlist's) but not replace or remove one, and cannot touch keys. The auditor
// reads what is public.
var roles = []struct {
	name  string
	rules []rule
}{
	{roleOperator, []rule{
		{"new versions of the signing key, disabling old ones; not sign with it", "T/keys/signing", "read", ""},
		{"", "T/keys/signing/rotate", "update", ""},
		{"", "T/keys/signing/config", "update", "min_encryption_version"},
		{"new versions of the wrapping key, bringing data keys under them; not unwrap", "T/keys/wrap", "read", ""},
		{"", "T/keys/wrap/rotate", "update", ""},
		{"", "T/keys/wrap/config", "update", "min_decryption_version"},
		{"", "T/rewrap/wrap", "update", ""},
		{"", "T/datakey/plaintext/wrap", "update", ""},
		{"encrypted seeds", "K/data/seeds/*", "create read update", ""},
		{"", "K/metadata/seeds/*", "list", ""},
		{"what a revoked version leaves", "K/metadata/seeds/signing/*", "list delete", ""},
		{"public keys", "K/data/public/*", "create read update", ""},
		{"", "K/metadata/public/*", "list", ""},
	}},
	{roleService, []rule{
		{"sign", "T/sign/signing", "update", ""},
		{"", "T/keys/signing", "read", ""},
		{"read seeds and create new ones, never replace one", "T/decrypt/wrap", "update", ""},
		{"", "T/datakey/plaintext/wrap", "update", ""},
		{"", "K/data/seeds/*", "create read", ""},
		{"", "K/data/seeds/signing/*", "read", ""},
		{"", "K/metadata/seeds/*", "list", ""},
		{"public keys", "K/data/public/*", "read", ""},
		{"", "K/metadata/public/*", "list", ""},
	}},
	{roleAuditor, []rule{
		{"public keys and their versions", "T/keys/signing", "read", ""},
		{"", "K/data/public/*", "read", ""},
		{"", "K/metadata/public/*", "list", ""},
	}},
}

// policy returns a role's policy in Vault's language (HCL).
func (c Config) policy(rules []rule) string {
	var b strings.Builder
	for _, r := range append(rules[:len(rules):len(rules)], common...) {
		if r.comment != "" {
			fmt.Fprintf(&b, "# %s\n", r.comment)
		}
		path := r.path
		if rest, ok := strings.CutPrefix(path, "T/"); ok {
			path = c.Transit + "/" + rest
		} else if rest, ok := strings.CutPrefix(path, "K/"); ok {
			path = c.KV + "/" + rest
		}
		fmt.Fprintf(&b, "path %q {\n  capabilities = [\"%s\"]\n", path, strings.Join(strings.Fields(r.capabilities), `", "`))
		if r.only != "" {
			fmt.Fprintf(&b, "  allowed_parameters = { %q = [] }\n", r.only)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// PolicyName returns the name in Vault of a role's policy and AppRole:
// "puente-service" for "service".
func PolicyName(role string) string { return rolePrefix + role }

// Roles returns the names of the three roles: operator, service, auditor.
func Roles() []string {
	var names []string
	for _, r := range roles {
		names = append(names, r.name)
	}
	return names
}
