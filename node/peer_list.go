package node

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/founding"
)

// Peer is one node: of a list of those that found an ensemble together, or of those that belong to one.
type Peer struct {
	Name     string // in a list, empty: whatever it calls itself
	Addr     string // of its client door, host:port
	Metadata string // shown to all as that node's, JSON by convention; empty: none is stated
}

// Host gives the host of Addr, "" when that is no address.
func (p Peer) Host() string {
	host, _ := hostPort(p.Addr)
	return host
}

// Port gives the port of Addr, 0 when that is no address.
func (p Peer) Port() int {
	_, port := hostPort(p.Addr)
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	return int(number)
}

// withoutSelf takes the node itself off its own list, and what is stated of it there.
func (c Config) withoutSelf() Config {
	var others []Peer
	for _, p := range c.Peers {
		if !c.isSelf(p) {
			others = append(others, p)
		} else {
			c.Metadata = cmp.Or(c.Metadata, p.Metadata)
		}
	}
	c.Peers = others
	return c
}

// isSelf says whether an entry is of this node: its address, under its name or none.
func (c Config) isSelf(p Peer) bool {
	return (p.Name == "" || p.Name == c.Name) && c.lives(p.Addr)
}

// lives says whether an address is that of this node's client door.
func (c Config) lives(addr string) bool {
	return sameDoor(addr, c.Listen) || c.Advertise != "" && sameDoor(addr, c.Advertise)
}

// sameDoor says whether two addresses are surely of one door of one machine: the ports are the same, and the
// hosts too, or one is all of this machine's, or both are loopback.
func sameDoor(a, b string) bool {
	hostA, portA := hostPort(a)
	hostB, portB := hostPort(b)
	if portA != portB || portA == "" || portA == "0" {
		return false
	}
	everywhere := func(host string) bool {
		ip := net.ParseIP(host)
		return host == "" || ip != nil && ip.IsUnspecified()
	}
	loopback := func(host string) bool {
		ip := net.ParseIP(host)
		return host == "localhost" || ip != nil && ip.IsLoopback()
	}
	return hostA == hostB || everywhere(hostA) || everywhere(hostB) || loopback(hostA) && loopback(hostB)
}

// validatePeers finds fault with the list as it was given.
func (c Config) validatePeers() error {
	if len(c.Peers) > 0 && len(c.Join) > 0 {
		return errors.New("node: Join and Peers are both given; a node that joins needs no list of peers, " +
			"and one with a list joins by itself whoever belongs to an ensemble")
	}
	if len(c.FoundWithout) > 0 && len(c.list()) == 0 {
		return fmt.Errorf("node: FoundWithout names %q and there is no list of peers", c.FoundWithout)
	}
	for i, p := range c.Peers {
		if err := c.validatePeer(i, p); err != nil {
			return fmt.Errorf("node: peers[%d]: %w", i, err)
		}
	}
	return nil
}

func (c Config) validatePeer(i int, p Peer) error {
	host, port := hostPort(p.Addr)
	number, err := strconv.ParseUint(port, 10, 16)
	switch {
	case host == "" || err != nil || number == 0:
		return fmt.Errorf("the address %q is not host:port", p.Addr)
	case p.Name != "" && !caucus.ValidMember(p.Name):
		return fmt.Errorf("the identifier %q is not 1 to 255 letters, digits and ._-:/@", p.Name)
	case len(p.Metadata) > caucus.MaxMetadata:
		return fmt.Errorf("%d bytes of metadata; at most %d", len(p.Metadata), caucus.MaxMetadata)
	case p.Name != "" && p.Name == c.Name && !c.isSelf(p):
		return fmt.Errorf("the identifier %q is this node's own, and %s is not its address, %s",
			p.Name, p.Addr, cmp.Or(c.Advertise, c.Listen))
	case p.Name != "" && c.Name != "" && p.Name != c.Name && c.lives(p.Addr):
		return fmt.Errorf("the address %s is this node's own, and %q is not its identifier, %q",
			p.Addr, p.Name, c.Name)
	}
	for k, other := range c.Peers[:i] {
		switch {
		case p.Name != "" && p.Name == other.Name:
			return fmt.Errorf("the identifier %q, at %s, is also that of peers[%d], at %s",
				p.Name, p.Addr, k, other.Addr)
		case sameDoor(p.Addr, other.Addr):
			return fmt.Errorf("the address %s of %q is also that of peers[%d], %q", p.Addr, p.Name, k, other.Name)
		}
	}
	return nil
}

// list gives whom this node was told of, as founding wants it.
func (c Config) list() []founding.Entry {
	list := make([]founding.Entry, 0, len(c.Peers)+len(c.Join))
	for _, p := range c.Peers {
		list = append(list, founding.Entry{Name: p.Name, Addr: p.Addr, Metadata: p.Metadata})
	}
	for _, addr := range c.Join {
		list = append(list, founding.Entry{Addr: addr})
	}
	return list
}

// hints gives client addresses at which the ensemble may be found.
func (c Config) hints() (addrs []string) {
	for _, e := range c.list() {
		addrs = append(addrs, e.Addr)
	}
	return addrs
}

// stride gives how many ports after the client's the peer door is: one, or so many that on no machine it
// meets a client door of the list. Their ports may follow each other, as they do in QCluster's example.
// Whoever has the same list gets the same.
func (c Config) stride(own int) int {
	ports := map[int]bool{own: true}
	for _, p := range c.Peers {
		_, port := hostPort(p.Addr)
		number, _ := strconv.Atoi(port) // validate has looked at it
		ports[number] = true
	}
	for stride := 1; ; stride++ {
		free := true
		for port := range ports {
			free = free && !ports[port+stride]
		}
		if free {
			return stride
		}
	}
}
