package vault

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
)

func TestConfig(t *testing.T) {
	good := Config{Address: "https://vault.example:8200", Auth: AuthAppRole, RoleIDFile: "role", SecretIDFile: "/run/secret"}
	c, err := good.Resolve("/agency")
	if err != nil {
		t.Fatal(err)
	}
	wanted := Config{
		Address: "https://vault.example:8200", Transit: "puente-transit", KV: "puente-kv", Auth: "approle", AuthMount: "approle",
		RoleIDFile: "/agency/role", SecretIDFile: "/run/secret", Timeout: Duration(10 * time.Second),
	}
	if c != wanted {
		t.Errorf("resolved %+v, want %+v", c, wanted)
	}
	for name, change := range map[string]func(*Config){
		"no address":           func(c *Config) { c.Address = "" },
		"no URL":               func(c *Config) { c.Address = "https://[" },
		"no scheme":            func(c *Config) { c.Address = "vault.example:8200" },
		"http to the network":  func(c *Config) { c.Address = "http://vault.example:8200" },
		"a password":           func(c *Config) { c.Address = "https://user:pass@vault.example" },
		"a path":               func(c *Config) { c.Address = "https://vault.example/v1" },
		"a query":              func(c *Config) { c.Address = "https://vault.example?x=1" },
		"a relative socket":    func(c *Config) { c.Address = "unix://run/agent.sock" },
		"unknown login":        func(c *Config) { c.Auth = "ldap" },
		"no login":             func(c *Config) { c.Auth = "" },
		"no role id":           func(c *Config) { c.RoleIDFile = "" },
		"no secret id":         func(c *Config) { c.SecretIDFile = "" },
		"no token":             func(c *Config) { c.Auth = AuthToken },
		"no certificate":       func(c *Config) { c.Auth = AuthCert },
		"certificate on http":  func(c *Config) { c.Address, c.Auth, c.CertFile, c.KeyFile = "http://127.0.0.1:1", AuthCert, "c", "k" },
		"bad mount":            func(c *Config) { c.Transit = "a//b" },
		"mount with a star":    func(c *Config) { c.KV = "kv/*" },
		"mount with dots":      func(c *Config) { c.AuthMount = "../sys" },
		"the same mount twice": func(c *Config) { c.Transit, c.KV = "x", "x" },
		"no time":              func(c *Config) { c.Timeout = 1 },
	} {
		c := good
		change(&c)
		if _, err := c.Resolve("/agency"); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
	for _, address := range []string{"unix:///run/agent.sock", "http://127.0.0.1:8200", "http://[::1]:8200", "http://localhost:8200", "https://vault.example"} {
		c := Config{Address: address, Auth: AuthAgent}
		if _, err := c.Resolve("/agency"); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestConfigTOML(t *testing.T) {
	c := Config{Address: "https://vault.example:8200", Auth: AuthToken, TokenFile: "token", Timeout: Duration(3 * time.Second)}
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(c); err != nil {
		t.Fatal(err)
	}
	const text = "address = \"https://vault.example:8200\"\nauth = \"token\"\ntoken_file = \"token\"\ntimeout = \"3s\"\n"
	if b.String() != text {
		t.Errorf("encoded as\n%s", b.String())
	}
	var back Config
	if _, err := toml.Decode(text, &back); err != nil || back != c {
		t.Errorf("decoded %+v, %v", back, err)
	}
	for _, bad := range []string{`timeout = "-1s"`, `timeout = "soon"`} {
		if _, err := toml.Decode(bad, &back); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
