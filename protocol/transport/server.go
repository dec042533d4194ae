package transport

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	"github.com/puente-project/puente/protocol/puentev1"
)

// ServerOptions configures NewServer.
type ServerOptions struct {
	Identity tls.Certificate
	Partners PinLookup
	Service  Service
	// Pool runs the tasks of all sessions; nil means one of the server's own.
	Pool   *Pool
	Limits Limits
	// Log receives one line for each session, other call and refused connection;
	// nil discards them.
	Log *slog.Logger
}

// Server answers partners over HTTP/2. It is made by NewServer.
type Server struct {
	http      *http.Server
	tls       *tls.Config
	partners  PinLookup
	limits    Limits
	pool      *Pool
	service   Service
	log       *slog.Logger
	sessions  *admission
	describes *admission
	logCalls  *admission
	claims    *admission

	end   context.CancelCauseFunc // ends all sessions
	calls sync.WaitGroup          // handlers that are running

	mu       sync.Mutex
	draining bool
	gates    []*gate
}

// NewServer checks the options and makes a server. It does not listen yet.
func NewServer(o ServerOptions) (*Server, error) {
	if o.Service == nil {
		return nil, errors.New("transport: a server needs a service")
	}
	limits, err := o.Limits.complete()
	if err != nil {
		return nil, err
	}
	config, err := ServerConfig(o.Identity, o.Partners)
	if err != nil {
		return nil, err
	}
	if o.Pool == nil {
		o.Pool = NewPool(0)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		tls: config, partners: o.Partners, limits: limits,
		pool: o.Pool, service: o.Service, log: o.Log,
		sessions:  newAdmission("sessions", limits.Sessions, limits.SessionsPerPartner),
		describes: newAdmission("descriptions", describesPerPartner*limits.Sessions, describesPerPartner),
		logCalls:  newAdmission("calls about logs", logCallsPerPartner*limits.Sessions, logCallsPerPartner),
		claims:    newAdmission("claims", claimsPerPartner*limits.Sessions, claimsPerPartner),
	}
	base, end := context.WithCancelCause(context.Background())
	s.end = end

	path, handler := puentev1.NewMatchingHandler(&matching{s},
		connect.WithCompression("gzip", nil, nil), // see guard
		connect.WithReadMaxBytes(limits.MaxMessage+frameSlack),
		connect.WithConditionalHandlerOptions(func(spec connect.Spec) []connect.HandlerOption {
			switch spec.Procedure {
			case puentev1.MatchingDescribeProcedure:
				return []connect.HandlerOption{
					connect.WithReadMaxBytes(maxDescribeRequest),
					connect.WithSendMaxBytes(maxDescribe),
				}
			case puentev1.MatchingMatchProcedure:
				return []connect.HandlerOption{connect.WithSendMaxBytes(limits.MaxMessage + frameSlack)}
			case puentev1.MatchingClaimProcedure:
				return []connect.HandlerOption{connect.WithReadMaxBytes(maxClaim + frameSlack), connect.WithSendMaxBytes(maxClaim + frameSlack)}
			}
			return []connect.HandlerOption{connect.WithReadMaxBytes(maxLogCall), connect.WithSendMaxBytes(maxLogCall)}
		}))
	mux := http.NewServeMux()
	mux.Handle(path, handler)

	var protocols http.Protocols
	protocols.SetHTTP2(true)
	s.http = &http.Server{
		Handler:           s.front(mux),
		TLSConfig:         config,
		Protocols:         &protocols,
		ReadHeaderTimeout: limits.HandshakeTimeout, // net/http applies it to the handshake as well
		IdleTimeout:       limits.IdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return base },
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams:          limits.SessionsPerPartner + describesPerPartner + logCallsPerPartner + claimsPerPartner,
			MaxReadFrameSize:              readFrameSize,
			MaxReceiveBufferPerConnection: window,
			MaxReceiveBufferPerStream:     window,
			SendPingTimeout:               pingAfter,
			PingTimeout:                   pingTimeout,
			WriteByteTimeout:              limits.SendTimeout,
		},
	}
	return s, nil
}

// Serve accepts TCP connections from the listener and answers them until
// Shutdown; it then returns nil. It may be called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	g := newGate(l, s.limits)
	s.mu.Lock()
	s.gates = append(s.gates, g)
	s.mu.Unlock()
	config := g.config(s.tls, func(state tls.ConnectionState) (string, error) {
		return partnerOf(state, s.partners, time.Now())
	})
	err := s.http.Serve(tls.NewListener(g, config))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Shutdown stops accepting connections and sessions, and waits for the sessions
// that run. If ctx ends first, they are ended with ErrShutdown, tasks that are
// running are waited for, and the error of ctx is returned. Afterwards no
// goroutine of the server runs.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.draining = true
	for _, g := range s.gates {
		g.drain()
	}
	s.mu.Unlock()

	// http.Server.Shutdown closes the listeners, says goodbye on every connection
	// and waits for them. It gets a deadline of its own: even sessions that are
	// cut short must be able to deliver their status.
	patience, hurry := context.WithCancel(context.Background())
	defer hurry()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = s.http.Shutdown(patience)
	}()
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		s.calls.Wait()
	}()
	var err error
	select {
	case <-idle:
	case <-ctx.Done():
		err = ctx.Err()
		s.end(ErrShutdown)
		<-idle
	}
	select {
	case <-closed:
	case <-time.After(abortGrace):
	}
	hurry()
	s.end(ErrShutdown)
	_ = s.http.Close()
	<-closed
	return err
}

// begin counts a call in, unless the server is stopping.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.calls.Add(1)
	return true
}

// front is the outermost handler: it decides who is calling and lets nothing
// but gRPC calls of the service's procedures through.
func (s *Server) front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS == nil || r.ProtoMajor != 2 {
			http.Error(w, "HTTP/2 over TLS only", http.StatusHTTPVersionNotSupported)
			return
		}
		switch contentType := r.Header.Get("Content-Type"); {
		case r.Method != http.MethodPost || !strings.HasPrefix(r.URL.Path, "/"+puentev1.MatchingName+"/"):
			http.Error(w, "no such procedure", http.StatusNotFound)
			return
		case contentType != "application/grpc" && contentType != "application/grpc+proto":
			http.Error(w, "gRPC with protobuf only", http.StatusUnsupportedMediaType)
			return
		}
		session := newSessionID()
		log := s.log.With("session", session, "remote", r.RemoteAddr)
		refuse := func(err error) {
			log.Warn("call refused", "error", err)
			_ = connect.NewErrorWriter().Write(w, r, status(err, session))
		}
		// Asked again, because connections live for long and agreements end.
		partner, err := partnerOf(*r.TLS, s.partners, time.Now())
		if err != nil {
			w.Header().Set("Connection", "close") // HTTP/2: no further requests here
			refuse(Refuse(ClassDenied, "you are not a partner any more, or your certificate has expired", err))
			return
		}
		if !s.begin() {
			refuse(Refuse(ClassUnavailable, "the holder is shutting down", nil))
			return
		}
		defer s.calls.Done()
		r.Body = newGuard(r.Body, s.limits.MaxMessage+frameSlack)
		c := &call{partner: partner, session: session, control: http.NewResponseController(w)}
		if r.URL.Path != puentev1.MatchingMatchProcedure { // the others are one message each way
			_ = c.control.SetReadDeadline(time.Now().Add(s.limits.DescribeTimeout))
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey, c)))
	})
}

func newSessionID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}
