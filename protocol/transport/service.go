package transport

import "context"

// Service is what a holder offers to its partners. Its methods are called from
// many goroutines. What their errors tell the partner is up to them: see Refuse
// and PublicError. It may also be a WitnessService, a LogService and a
// ClaimService.
type Service interface {
	// Describe lists the watchlists that the partner may query.
	Describe(ctx context.Context, partner string) ([]Watchlist, error)
	// Open begins a session. It sees the partner's first message, in order to
	// choose the watchlist and to check the release policy, and makes the role.
	// The message is then passed to the role's Receive like all others, so Open
	// only looks at it. ctx lasts as long as the session.
	Open(ctx context.Context, partner string, first []byte) (Session, error)
}

// Session is one session as Service.Open sets it up.
type Session struct {
	// Role is the holder's side.
	Role Role
	// ReceiveBytes is the most that the partner may send in this session, as
	// computed from its parameters; 0 means Limits.SessionBytes.
	ReceiveBytes int64
	// Closed, if set, is called once when the session has ended and no task
	// runs any more, with the error that ended it or nil.
	Closed func(Stats, error)
}

// Watchlist is what a partner may know of a watchlist before it queries it.
type Watchlist struct {
	// Name by which the opening message refers to it, at most 128 characters.
	Name string
	// Scheme is the canonical text of the matching scheme, at most 1024
	// characters.
	Scheme string
	// Entries is the number of slots that a session scans, padding included.
	Entries uint64
	// Epoch counts the published states of the watchlist.
	Epoch uint64
}

// opening is a Role that becomes the service's role at the first message, so
// that the first message is under the same deadlines and limits as all others.
type opening struct {
	open    func(first []byte) (Session, error)
	session Session // its Role is nil until the first message
	got     int64   // bytes received
}

func (o *opening) Start() []Task { return nil }

func (o *opening) Receive(msg []byte) ([]Task, error) {
	var tasks []Task
	if o.session.Role == nil {
		session, err := o.open(msg)
		if err != nil {
			return nil, &openError{err}
		}
		o.session = session
		tasks = session.Role.Start()
	}
	o.got += int64(len(msg))
	if limit := o.session.ReceiveBytes; limit > 0 && o.got > limit {
		return nil, Refuse(ClassInvalid, "more bytes than this session can need", nil)
	}
	more, err := o.session.Role.Receive(msg)
	return append(tasks, more...), err
}

func (o *opening) Done() bool { return o.session.Role != nil && o.session.Role.Done() }

// openError marks an error of Service.Open, which is not a peer's fault by itself.
type openError struct{ err error }

func (e *openError) Error() string { return e.err.Error() }
func (e *openError) Unwrap() error { return e.err }
