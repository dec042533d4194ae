package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"filippo.io/age"

	"github.com/puente-project/puente/keys"
	"github.com/puente-project/puente/templates"
)

// commands runs this program as a person would, in processes of their own, with agencies
// in one directory. It is what the demonstration and a benchmark play with.
type commands struct {
	program string
	dir     string
	keep    bool
	env     []string
	servers []*exec.Cmd
	logs    map[string]*log
}

// log keeps what a server wrote to stderr.
type log struct {
	mu    sync.Mutex
	lines []string
}

// newCommands prepares a new directory that stays, or a temporary one if keep is empty.
func newCommands(keep string) (*commands, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d := &commands{program: program, dir: keep, keep: keep != "", logs: map[string]*log{}}
	if d.keep {
		err = os.Mkdir(d.dir, 0o700)
	} else {
		d.dir, err = os.MkdirTemp("", "puente-demo-")
	}
	if err != nil {
		return nil, inputf("cannot create the directory of the agencies: %w", err)
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
func (d *commands) close() {
	d.stop()
	if !d.keep {
		_ = os.RemoveAll(d.dir)
	}
}

// stop ends the servers. Their ProcessState then says what they used.
func (d *commands) stop() (ended []*os.ProcessState) {
	for _, s := range d.servers {
		_ = s.Process.Signal(syscall.SIGTERM)
		_ = s.Wait()
		ended = append(ended, s.ProcessState)
	}
	d.servers = nil
	return ended
}

// puente runs one command and returns its stdout. Exit codes 0 and 10 are success.
func (d *commands) puente(ctx context.Context, args ...string) (string, error) {
	out, _, err := d.run(ctx, args...)
	return string(out), err
}

func (d *commands) run(ctx context.Context, args ...string) ([]byte, *os.ProcessState, error) {
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
	return out, cmd.ProcessState, err
}

// asked is the outcome of a query about one probe.
type asked struct {
	session querySession
	answer  answer
	process *os.ProcessState
}

// query asks a holder about the one probe of a file.
func (d *commands) query(ctx context.Context, requester, holder side, watchlist, file string) (asked, error) {
	out, process, err := d.run(ctx, "--dir", requester.dir, "query", "--json", "--partner", holder.name, "--watchlist", watchlist, file)
	if err != nil {
		return asked{}, err
	}
	var result struct {
		Sessions []querySession
		Answers  []answer
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return asked{}, fmt.Errorf("the output of query is no JSON: %w", err)
	}
	if len(result.Sessions) != 1 || len(result.Answers) != 1 {
		return asked{}, fmt.Errorf("query gave %d sessions and %d answers for one probe", len(result.Sessions), len(result.Answers))
	}
	return asked{result.Sessions[0], result.Answers[0], process}, nil
}

// serve starts a server and waits until it listens.
func (d *commands) serve(s side) error {
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
func (d *commands) sessions(s side) []string {
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

// writeTemplates writes a file of one JSON object a line. It holds one template at a time.
func writeTemplates(file string, list iter.Seq2[templates.Template, error]) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := writeLines(w, list); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
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
