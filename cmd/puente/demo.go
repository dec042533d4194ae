package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"filippo.io/age"
	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/keys"
)

var demoCommand = &cli.Command{
	Name: "demo", Usage: "play Chile and the United States on this machine", ArgsUsage: " ",
	Description: "Creates two agencies in a temporary directory, enrols synthetic watchlists and two real iris records of one\n" +
		"eye, starts two serve processes and queries in both directions. Needs about 2 GB of memory.",
	Flags: []cli.Flag{
		&cli.IntFlag{Name: "entries", Usage: "`NUMBER` of entries in each watchlist", Value: 2000},
		&cli.PathFlag{Name: "vaults", Usage: "`DIRECTORY` with a Vault for each agency, in cl and us: see make demo-vault"},
		&cli.PathFlag{Name: "keep", Usage: "use this new `DIRECTORY` and keep it"},
	},
	Action: func(c *cli.Context) error {
		if err := noArguments(c); err != nil {
			return err
		}
		if n := c.Int("entries"); n < 2 || n > 1_000_000 {
			return usagef("--entries %d: allowed are 2 to 1000000", n)
		}
		d, err := newDemo(c)
		if err != nil {
			return err
		}
		defer d.close()
		return d.run(c.Context)
	},
}

// demo plays two agencies, each through the same commands that a person would type.
type demo struct {
	out     io.Writer
	program string
	dir     string
	keep    bool
	vaults  string // "" for key files
	entries int
	env     []string
	servers []*exec.Cmd
	logs    map[string]*log
	start   time.Time
}

// log keeps what a server wrote to stderr.
type log struct {
	mu    sync.Mutex
	lines []string
}

// side is one agency of the demonstration.
type side struct{ name, country, dir, address string }

func newDemo(c *cli.Context) (*demo, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &demo{out: c.App.Writer, program: program, entries: c.Int("entries"), dir: c.Path("keep"), vaults: c.Path("vaults"),
		keep: c.IsSet("keep"), logs: map[string]*log{}, start: time.Now()}
	if d.keep {
		err = os.Mkdir(d.dir, 0o700)
	} else {
		d.dir, err = os.MkdirTemp("", "puente-demo-")
	}
	if err != nil {
		return nil, inputf("cannot create the demonstration's directory: %w", err)
	}
	// One age identity unlocks both key stores; agencies have their own.
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(d.dir, "identity.txt")
	if err := os.WriteFile(file, []byte(identity.String()+"\n"), 0o600); err != nil {
		return nil, err
	}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PUENTE_") || strings.HasPrefix(v, "PUENTE_KERNEL=") {
			d.env = append(d.env, v)
		}
	}
	d.env = append(d.env, keys.EnvIdentityFile+"="+file)
	return d, nil
}

// close stops the servers and removes the directory.
func (d *demo) close() {
	for _, s := range d.servers {
		_ = s.Process.Signal(syscall.SIGTERM)
		_ = s.Wait()
	}
	if !d.keep {
		_ = os.RemoveAll(d.dir)
	}
}

// puente runs one command and returns its stdout. Exit codes 0 and 10 are success.
func (d *demo) puente(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, d.program, args...)
	cmd.Env = d.env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == exitHit {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("puente %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), err
}

// serve starts a server and waits until it listens.
func (d *demo) serve(s side) error {
	cmd := exec.Command(d.program, "--dir", s.dir, "serve")
	cmd.Env = d.env
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	d.servers = append(d.servers, cmd)
	l := &log{}
	d.logs[s.name] = l
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for scan := bufio.NewScanner(stderr); scan.Scan(); {
			l.mu.Lock()
			l.lines = append(l.lines, scan.Text())
			l.mu.Unlock()
		}
	}()
	ready := make(chan error, 1)
	go func() {
		if !bufio.NewScanner(stdout).Scan() {
			<-ended
			ready <- fmt.Errorf("the server of %s did not start:\n%s", s.name, strings.Join(l.lines, "\n"))
			return
		}
		ready <- nil
	}()
	return <-ready
}

// sessions returns what the log of a server says of its sessions.
func (d *demo) sessions(s side) []string {
	l := d.logs[s.name]
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		if _, after, ok := strings.Cut(line, "msg=query "); ok {
			found = append(found, after)
		}
	}
	return found
}

// freeAddress reserves a loopback port for a moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (d *demo) say(format string, args ...any) {
	fmt.Fprintf(d.out, "%6.1f s  %s\n", time.Since(d.start).Seconds(), fmt.Sprintf(format, args...))
}
