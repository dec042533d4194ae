// Package transport carries sessions of the matching protocol between two
// agencies: mutually pinned TLS, one gRPC stream for each session, a pool of
// workers shared by all sessions, and limits on everything a peer can send.
//
// It knows nothing of cryptographic content. A session is a Role: a state
// machine without I/O that turns received messages into tasks, and tasks into
// messages to send. Run moves the bytes: a reader feeds Receive, tasks run in a
// Pool, and a sender sends their results in the order of the tasks.
//
// The holder of watchlists implements Service and serves it:
//
//	identity, err := transport.NewIdentity(seed, "agency-b", from, until)
//	partners, err := transport.NewPartners(map[string]transport.Pin{"agency-a": pinA})
//	server, err := transport.NewServer(transport.ServerOptions{
//		Identity: identity, Partners: partners, Service: service,
//		Pool: transport.NewPool(runtime.GOMAXPROCS(0)),
//	})
//	err = server.Serve(listener) // until Shutdown
//
// The requester dials it with the holder's pin:
//
//	config, err := transport.ClientConfig(identity, pinB)
//	client, err := transport.NewClient("https://b.example:8443", config, transport.Limits{})
//	lists, err := client.Describe(ctx)
//	stats, err := client.Match(ctx, role, transport.MatchOptions{})
//
// # Trust
//
// There is no certificate authority. Two agencies exchange the pins of their
// keys when they sign their agreement, and a connection stands only if each end
// proves possession of the key that the other expects. See ClientConfig.
//
// # What a peer can do at most
//
// Everything that arrives is hostile until a Role has accepted it. The bounds
// are in Limits. A peer sees the text of an error only if that error says that
// it is public (PublicError); of all others it learns a class and the session's
// id, under which the holder's log has the full text.
package transport
