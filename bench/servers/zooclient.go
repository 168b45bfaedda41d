package servers

import (
	"sync/atomic"
	"time"

	"github.com/go-zookeeper/zk"
)

// ZooKeeperClient is a client connection to one server.
type ZooKeeperClient struct {
	*zk.Conn
	to *oneServer
}

// zooKeeperSession is how long a session outlives its connection, well above the time of an election.
const zooKeeperSession = 20 * time.Second

// ZooKeeperClients opens n client connections, spread over the servers.
func (e *Ensemble) ZooKeeperClients(n int) (list []ZooKeeperClient, err error) {
	for i := range n {
		addr := e.Addrs[i%len(e.Addrs)]
		to := &oneServer{addr: addr}
		conn, _, err := zk.Connect([]string{addr}, zooKeeperSession, zk.WithHostProvider(to),
			zk.WithLogger(silent{}), zk.WithLogInfo(false))
		if err != nil {
			CloseZooKeeperClients(list)
			return nil, err
		}
		list = append(list, ZooKeeperClient{conn, to})
	}
	return list, nil
}

// CloseZooKeeperClients closes them all at once, since closing one whose server is gone takes a second.
func CloseZooKeeperClients(list []ZooKeeperClient) {
	closed := make(chan struct{})
	for _, c := range list {
		go func() {
			c.to.closed.Store(true)
			c.Close()
			closed <- struct{}{}
		}()
	}
	for range list {
		<-closed
	}
}

// oneServer has a client try its server again at once: by itself it would wait a second when it had
// tried all it knows, and that would be measured. It implements zk.HostProvider.
type oneServer struct {
	addr   string
	closed atomic.Bool
}

// Init implements zk.HostProvider.
func (o *oneServer) Init([]string) error { return nil }

// Len implements zk.HostProvider.
func (o *oneServer) Len() int { return 1 }

// Connected implements zk.HostProvider.
func (o *oneServer) Connected() {}

// Next implements zk.HostProvider. Only where it says that all servers were tried does a client look
// whether it was closed.
func (o *oneServer) Next() (string, bool) {
	time.Sleep(time.Millisecond)
	return o.addr, o.closed.Load()
}

// silent implements zk.Logger.
type silent struct{}

// Printf implements zk.Logger.
func (silent) Printf(string, ...any) {}
