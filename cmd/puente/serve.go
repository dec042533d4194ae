package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/puente-project/puente/protocol"
	"github.com/puente-project/puente/protocol/evidence"
	"github.com/puente-project/puente/protocol/transport"
)

// drainTime is how long running sessions may take after a signal.
const drainTime = 20 * time.Second

var serveCommand = &cli.Command{
	Name: "serve", Usage: "answer partners' queries until interrupted", ArgsUsage: " ",
	Description: "Loads every watchlist into memory and listens on the configured address. Changes of watchlists\n" +
		"take effect with the next session, changes of partners and configuration with the next start.\n" +
		"Logs one line for each session to stderr. SIGINT or SIGTERM lets running sessions end, a second one does not.",
	Flags: []cli.Flag{
		&cli.StringFlag{Name: "listen", Usage: "`ADDRESS` in place of the configured one; port 0 takes a free one"},
		&cli.BoolFlag{Name: "log-json", Usage: "log JSON lines"},
	},
	Action: func(c *cli.Context) (err error) {
		if err := noArguments(c); err != nil {
			return err
		}
		a, err := openAgency(c)
		if err != nil {
			return err
		}
		defer a.close()
		var handler slog.Handler = slog.NewTextHandler(os.Stderr, nil)
		if c.Bool("log-json") {
			handler = slog.NewJSONHandler(os.Stderr, nil)
		}
		log := slog.New(handler)
		l, err := a.openLedger(c.Context, log)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.close(context.WithoutCancel(c.Context))) }()
		s, err := a.service(c.Context, l, log)
		if err != nil {
			return err
		}
		address := a.config.Listen
		if c.IsSet("listen") {
			address = c.String("listen")
		}
		return a.serve(c, s, address, log)
	},
}

// threads is the number of threads that sessions may use together.
func (a *agency) threads() int {
	if a.config.Threads > 0 {
		return a.config.Threads
	}
	return runtime.GOMAXPROCS(0)
}

// service opens and loads all watchlists.
func (a *agency) service(ctx context.Context, l *ledger, log *slog.Logger) (*service, error) {
	root, err := a.root(ctx)
	if err != nil {
		return nil, err
	}
	s := &service{config: a.config, root: root, parties: map[string]evidence.Party{}, lists: map[string]*resident{}, log: log,
		ledger: l}
	if s.quotas, err = newQuotas(a.evidenceDir(), a.config.Agency); err != nil {
		return nil, err
	}
	partners, err := a.partners()
	if err != nil {
		return nil, err
	}
	if len(partners) == 0 {
		return nil, agencyf("%s has no partner to serve; add one with puente partner add", a.dir)
	}
	for _, p := range partners {
		if s.parties[p.Agency], err = a.party(ctx, p); err != nil {
			return nil, err
		}
	}
	names, err := a.watchlists()
	if err != nil {
		return nil, err
	}
	room := newMemory(a.config.ResidentMemory << 20)
	bar := newProgress()
	defer bar.done()
	for _, name := range names {
		list, err := a.watchlist(ctx, name)
		if err != nil {
			return nil, err
		}
		if err := list.Sweep(); err != nil { // what a crashed writer left behind
			return nil, err
		}
		salts, err := a.store.Seed(ctx, "watchlist/"+name)
		if err != nil {
			return nil, err
		}
		r := &resident{name: name, list: list, threads: a.threads(), log: log, salts: entrySalts(salts.Derive(labelSalts, nil)), epoch: l.epoch, memory: room}
		if s.claimable(name) {
			r.slots = &slotStore{dir: filepath.Join(a.dir, slotsDir, name), key: salts, salts: r.salts}
		}
		if _, _, err := r.current(ctx, func(done, total int) { bar.update("load "+name, done, total) }); err != nil {
			return nil, err
		}
		s.lists[name] = r
	}
	resident := 0
	for _, r := range s.lists {
		if r.gallery != nil {
			resident += r.gallery.Bytes()
		}
	}
	protocol.LimitGarbage(resident)
	return s, nil
}

func (a *agency) serve(c *cli.Context, s *service, address string, log *slog.Logger) error {
	partners, err := a.partners()
	if err != nil {
		return err
	}
	pins := map[string]transport.Pin{}
	for _, p := range partners {
		pins[p.Agency] = p.Pin
	}
	lookup, err := transport.NewPartners(pins)
	if err != nil {
		return agencyf("%w", err)
	}
	identity, err := a.identity(c.Context)
	if err != nil {
		return err
	}
	server, err := transport.NewServer(transport.ServerOptions{Identity: identity, Partners: lookup, Service: s,
		Pool: transport.NewPool(a.threads()), Limits: a.limits(), Log: log})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return agencyf("cannot listen: %w", err)
	}
	log.Info("serving", "agency", a.config.Agency, "address", listener.Addr().String(), "watchlists", len(s.lists), "partners", len(pins))
	fmt.Fprintln(c.App.Writer, listener.Addr())

	logging, stopLogging := context.WithCancel(context.WithoutCancel(c.Context))
	var logger sync.WaitGroup
	logger.Go(func() { s.keepLogging(logging) })
	defer func() { // after the last session
		stopLogging()
		logger.Wait()
		if err := s.ledger.sync(context.WithoutCancel(c.Context)); err != nil {
			log.Error("the transparency log is behind", "error", err)
		}
	}()
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-c.Context.Done():
	}
	log.Info("stopping, running sessions may end", "at_most", drainTime.String())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context), drainTime)
	defer cancel()
	err = server.Shutdown(ctx)
	if serveErr := <-stopped; serveErr != nil && !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("sessions were cut off", "after", drainTime.String())
		return nil
	}
	return err
}
