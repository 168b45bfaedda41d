// Package client speaks to an ensemble from another process: commands to any node, sessions that stay alive
// through the loss of nodes and connections, membership in groups with what a member may believe of its
// share and its leadership, locks, and the events of groups.
//
//	c, err := client.Dial(ctx, client.Config{Addrs: []string{"127.0.0.1:5010"}})
//	s, err := c.Session(ctx, client.SessionOptions{})
//	m, err := s.Join(ctx, "workers.blue", client.JoinOptions{})
//	if a, ok := m.Assignment(); ok && a.Owns(key) { ... }
//
// What is retried and what is not: TRYAGAIN and LOADING mean "not applied, for certain", so they are tried
// again, on another node if need be, until the context ends. A read whose connection broke is sent again.
// A write whose connection broke after it was sent is not: its outcome is unknown, and the error is
// caucus.ErrUncertain. All errors of the ensemble are of type *caucus.Error, for errors.Is.
//
// It is not for embedding a node (package node), and it knows nothing of how nodes replicate: it imports the
// root package, internal/resp, internal/command (to know reads from writes), internal/lease (the rule of
// belief), internal/follow (events without a gap) and the standard library, with x/sys for one clock.
package client
