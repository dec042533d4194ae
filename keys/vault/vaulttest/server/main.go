// Command server is a real HashiCorp Vault in one process, for tests and for
// the demo on this machine: the core and HTTP handler of Vault 1.13.2 (MPL-2.0)
// with the engines that Puente uses (transit, kv, AppRole and TLS certificate
// login, audit file) and storage in memory or in a directory. It is a module of
// its own, so that Vault's dependencies never become those of Puente.
//
//	server -listen 127.0.0.1:0 -storage file -dir /tmp/v
//	ready http://127.0.0.1:41321
//
// The line goes to standard output once requests are answered, sealed or not.
// With -standby a second node shares the storage and its address follows on the
// same line. The server ends at the end of its standard input, so that it never
// outlives the program that started it, and at SIGINT and SIGTERM.
//
// It is not for production: memory is not locked, the storage is not
// replicated, and there is no cluster port, so a standby redirects requests
// and does not forward them.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	kv "github.com/hashicorp/vault-plugin-secrets-kv"
	"github.com/hashicorp/vault/audit"
	auditfile "github.com/hashicorp/vault/builtin/audit/file"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/credential/cert"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

type options struct {
	listen, standby    string
	storage, dir       string
	cert, key, client  string
	logLevel           string
	defaultTTL, maxTTL time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "`address` to listen on")
	flag.StringVar(&o.standby, "standby", "", "`address` of a second node on the same storage; none if empty")
	flag.StringVar(&o.storage, "storage", "inmem", "inmem or file")
	flag.StringVar(&o.dir, "dir", "", "`directory` of file storage")
	flag.StringVar(&o.cert, "tls-cert", "", "PEM `file` with the server's certificate; plain HTTP if empty")
	flag.StringVar(&o.key, "tls-key", "", "PEM `file` with its key")
	flag.StringVar(&o.client, "tls-client-ca", "", "PEM `file` of authorities named to clients that have certificates")
	flag.StringVar(&o.logLevel, "log", "warn", "`level` of the log on standard error")
	flag.DurationVar(&o.defaultTTL, "default-ttl", 32*24*time.Hour, "default lifetime of tokens")
	flag.DurationVar(&o.maxTTL, "max-ttl", 32*24*time.Hour, "greatest lifetime of tokens")
	flag.Parse()
	if err := run(o, os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "vault test server:", err)
		os.Exit(1)
	}
}

// run serves until a signal, the end of in or a listener's failure.
func run(o options, in io.Reader, out, log io.Writer) error {
	logger := hclog.New(&hclog.LoggerOptions{Name: "vault", Level: hclog.LevelFromString(o.logLevel), Output: log})
	store, err := openStorage(o, logger)
	if err != nil {
		return err
	}
	var locks physical.HABackend
	if o.standby != "" {
		b, err := inmem.NewInmemHA(nil, logger)
		if err != nil {
			return err
		}
		locks = b.(physical.HABackend)
	}
	end := make(chan error, 4)
	ready := []string{"ready"}
	for _, address := range []string{o.listen, o.standby} {
		if address == "" {
			continue
		}
		url, stop, err := serve(o, address, store, locks, logger, end)
		if err != nil {
			return err
		}
		defer stop()
		ready = append(ready, url)
	}
	fmt.Fprintln(out, strings.Join(ready, " "))

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		end <- nil
	}()
	go func() {
		_, err := io.Copy(io.Discard, in)
		end <- err
	}()
	return <-end
}

func openStorage(o options, logger hclog.Logger) (physical.Backend, error) {
	switch o.storage {
	case "inmem":
		return inmem.NewInmem(nil, logger)
	case "file":
		if o.dir == "" {
			return nil, errors.New("-storage file needs -dir")
		}
		return file.NewFileBackend(map[string]string{"path": o.dir}, logger)
	}
	return nil, fmt.Errorf("unknown storage %q; use inmem or file", o.storage)
}

// serve starts one node and returns its URL and what stops it.
func serve(o options, address string, store physical.Backend, locks physical.HABackend, logger hclog.Logger, end chan<- error) (string, func(), error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, err
	}
	scheme := "http"
	if o.cert != "" {
		config, err := tlsConfig(o)
		if err != nil {
			return "", nil, err
		}
		scheme, listener = "https", tls.NewListener(listener, config)
	}
	url := scheme + "://" + listener.Addr().String()
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:     store,
		HAPhysical:   locks,
		StorageType:  o.storage,
		RedirectAddr: url,
		LogicalBackends: map[string]logical.Factory{
			"kv":      kv.Factory,
			"transit": transit.Factory,
		},
		CredentialBackends: map[string]logical.Factory{
			"approle": approle.Factory,
			"cert":    cert.Factory,
		},
		AuditBackends:   map[string]audit.Factory{"file": auditfile.Factory},
		BuiltinRegistry: registry{},
		DefaultLeaseTTL: o.defaultTTL,
		MaxLeaseTTL:     o.maxTTL,
		DisableMlock:    true,
		Logger:          logger,
	})
	if err != nil {
		return "", nil, fmt.Errorf("start core: %w", err)
	}
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Type: "tcp", Address: address},
	})
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: logger.StandardLogger(nil)}
	go func() { end <- server.Serve(listener) }()
	stop := func() {
		server.Close()
		core.Shutdown()
	}
	return url, stop, nil
}

// tlsConfig asks for a client's certificate without verifying it: the cert
// login does that, against the authorities that are configured in Vault.
func tlsConfig(o options) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13, ClientAuth: tls.RequestClientCert,
		NextProtos: []string{"h2", "http/1.1"},
	}
	if o.client != "" {
		pem, err := os.ReadFile(o.client)
		if err != nil {
			return nil, err
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate", o.client)
		}
	}
	return config, nil
}

// registry is what Vault asks about engines outside of the maps above: there
// are none.
type registry struct{}

func (registry) Contains(string, consts.PluginType) bool { return false }

func (registry) Get(string, consts.PluginType) (func() (interface{}, error), bool) {
	return nil, false
}

func (registry) Keys(consts.PluginType) []string { return nil }

func (registry) DeprecationStatus(string, consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, true
}
