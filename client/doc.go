// Package client speaks to an ensemble from another process: commands to any node, sessions that stay alive
// through the loss of nodes and connections, membership in groups with what a member may believe of its
// share and its leadership, locks, and the events of groups.
//
//	c, err := client.Dial(ctx, client.Config{Addrs: []string{"127.0.0.1:5010"}})
//	s, err := c.Session(ctx, client.SessionOptions{})
//	m, err := s.Join(ctx, "workers.blue", client.JoinOptions{})
//	if a, ok := m.Assignment(); ok && a.Owns(key) { ... }
//
// Calls wait until their context ends, or for Config.Timeout when it has no deadline. What passes is waited
// out: a lost node, an election, a node that starts. What a call fails with then is of type *caucus.Error
// (errors.Is), and says what happened:
//
//	error                           was it carried out?   what to do
//	caucus.ErrTryAgain, ErrLoading  no, for certain       make the call again: caucus.SafeToRetry
//	caucus.ErrUncertain             nobody knows          look; or write through a Session
//	ErrFenced (a CONFLICT)          no, all of it         stop: what was granted is somebody else's
//	caucus.ErrConflict              no                    the message gives what there is instead
//	caucus.ErrNoSession             no                    the session is over (Session.Err): open another
//	caucus.ErrNoGroup, ErrNoMember, no                    what is named does not exist (any more)
//	  ErrNoLeader, ErrNoPoll
//	caucus.ErrGap                   an answer is gone     of a Session's write: it was applied, once
//	caucus.ErrOutOfMemory,          no                    free some; what frees space is still taken
//	  ErrNoSpace
//	caucus.ErrBad, ErrWrongType     no                    the call is wrong
//	caucus.ErrNoAuth, ErrWrongPass, no                    the Config is wrong, or not allowed this
//	  ErrNoPerm, ErrDenied, ErrNoProto
//	net.ErrClosed                   no                    this program has closed the Client or Session
//
// An answer that is under way when the context ends is waited for a moment, 250 ms at most, since a node says
// what came of the call; why it was refused before stands in the error. What is ErrTryAgain or ErrUncertain
// because the context ended, and not by a node's answer, is also what the context ended with
// (context.DeadlineExceeded). A write is not sent again when too little time is left
// for a certain answer. Reads are sent again, on another node if need be, whatever
// breaks. A write whose connection broke after it was sent is not: its outcome is unknown. A Session knows
// better: its writes are numbered, so that one is sent again and applied once (see Session.Do); there
// ErrUncertain is left for a session that is over and a context that has ended.
//
// It is not for embedding a node (package node), and it knows nothing of how nodes replicate: it imports the
// root package, internal/resp, internal/command (to know reads from writes), internal/lease (the rule of
// belief), internal/follow (events without a gap), internal/clocks and the standard library.
package client
