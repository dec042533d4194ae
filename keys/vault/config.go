package vault

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// The ways to log in, values of Config.Auth.
const (
	AuthAppRole = "approle" // role id and secret id, from files
	AuthCert    = "cert"    // TLS client certificate
	AuthToken   = "token"   // a token in a file that somebody else keeps fresh
	AuthAgent   = "agent"   // a Vault agent or proxy that adds its own token to requests
)

// Names in Vault that are not configurable.
const (
	keySigning    = "signing"
	keyWrap       = "wrap"
	seedsPath     = "seeds/"
	publicPath    = "public/signing/"
	defaultMount  = "puente-transit"
	defaultKV     = "puente-kv"
	rolePrefix    = "puente-"
	roleOperator  = "operator"
	roleService   = "service"
	roleAuditor   = "auditor"
	defaultWindow = 10 * time.Second
)

// Config is the section [vault] of puente.toml. Paths of files are relative to
// the agency's directory, see Resolve. The environment variables of Vault's own
// programs (VAULT_ADDR, VAULT_TOKEN, VAULT_SKIP_VERIFY...) have no effect.
type Config struct {
	// Address is https://host:port, or unix:///path of an agent's socket; http
	// is accepted for this machine only.
	Address string `toml:"address"`
	// CAFile has the PEM certificates that may sign Vault's; empty: the system's.
	CAFile string `toml:"ca_file,omitempty"`
	// Transit and KV are the mounts; empty: puente-transit and puente-kv.
	Transit string `toml:"transit,omitempty"`
	KV      string `toml:"kv,omitempty"`
	// Auth is one of the constants above. AuthMount is where that method is
	// mounted in Vault; empty: under the method's name.
	Auth      string `toml:"auth"`
	AuthMount string `toml:"auth_mount,omitempty"`
	// RoleIDFile and SecretIDFile are for approle. With SecretIDWrapped the
	// second holds a response-wrapping token for a secret id: it works once, and
	// only until it is used or expires, so the file is no secret afterwards.
	RoleIDFile      string `toml:"role_id_file,omitempty"`
	SecretIDFile    string `toml:"secret_id_file,omitempty"`
	SecretIDWrapped bool   `toml:"secret_id_wrapped,omitempty"`
	// CertFile and KeyFile are for cert; CertRole names the role, empty: any.
	CertFile string `toml:"cert_file,omitempty"`
	KeyFile  string `toml:"key_file,omitempty"`
	CertRole string `toml:"cert_role,omitempty"`
	// TokenFile is for token.
	TokenFile string `toml:"token_file,omitempty"`
	// Timeout bounds every call with all its repetitions; 0: 10 s.
	Timeout Duration `toml:"timeout,omitempty"`
}

// Duration is a time.Duration written as "10s".
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. Negative values are errors.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && v < 0 {
		err = errors.New("a duration must not be negative")
	}
	*d = Duration(v)
	return err
}

// Resolve fills in the defaults, makes relative paths relative to dir and
// returns ErrConfig, naming the setting, if the configuration cannot work.
func (c Config) Resolve(dir string) (Config, error) {
	for _, p := range []*string{&c.CAFile, &c.RoleIDFile, &c.SecretIDFile, &c.CertFile, &c.KeyFile, &c.TokenFile} {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
	for p, value := range map[*string]string{&c.Transit: defaultMount, &c.KV: defaultKV, &c.AuthMount: c.Auth} {
		if *p == "" {
			*p = value
		}
	}
	if c.Timeout == 0 {
		c.Timeout = Duration(defaultWindow)
	}
	return c, c.check()
}

func (c Config) check() error {
	u, err := url.Parse(c.Address)
	if err != nil || c.Address == "" {
		return fmt.Errorf("%w: address %q is no URL", ErrConfig, c.Address)
	}
	switch {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%w: address must be a scheme, host and port alone", ErrConfig)
	case u.Scheme == "unix" && (u.Host != "" || !filepath.IsAbs(u.Path)):
		return fmt.Errorf("%w: address %q has no absolute path: write unix:///path", ErrConfig, c.Address)
	case u.Scheme == "unix":
	case u.Host == "" || u.Path != "" && u.Path != "/":
		return fmt.Errorf("%w: address %q must be https://host:port", ErrConfig, c.Address)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return fmt.Errorf("%w: address %q: http would show secrets to the network, use https", ErrConfig, c.Address)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: address %q: scheme must be https or unix", ErrConfig, c.Address)
	}
	for name, mount := range map[string]string{"transit": c.Transit, "kv": c.KV, "auth_mount": c.AuthMount} {
		if !validMount(mount) {
			return fmt.Errorf("%w: %s = %q, want parts of a-z, 0-9, '-' and '_' separated by '/'", ErrConfig, name, mount)
		}
	}
	if c.Transit == c.KV {
		return fmt.Errorf("%w: transit and kv are the same mount", ErrConfig)
	}
	if c.Timeout < Duration(time.Millisecond) {
		return fmt.Errorf("%w: timeout %v is too short", ErrConfig, time.Duration(c.Timeout))
	}
	var needs map[string]string
	switch c.Auth {
	case AuthAppRole:
		needs = map[string]string{"role_id_file": c.RoleIDFile, "secret_id_file": c.SecretIDFile}
	case AuthCert:
		needs = map[string]string{"cert_file": c.CertFile, "key_file": c.KeyFile}
		if u.Scheme != "https" {
			return fmt.Errorf("%w: auth = cert needs an https address", ErrConfig)
		}
	case AuthToken:
		needs = map[string]string{"token_file": c.TokenFile}
	case AuthAgent:
	default:
		return fmt.Errorf("%w: auth = %q, want approle, cert, token or agent", ErrConfig, c.Auth)
	}
	for name, value := range needs {
		if value == "" {
			return fmt.Errorf("%w: auth = %s needs %s", ErrConfig, c.Auth, name)
		}
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// validMount accepts mounts that need no escaping in URLs and policies.
func validMount(mount string) bool {
	for part := range strings.SplitSeq(mount, "/") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return len(mount) <= 128
}
