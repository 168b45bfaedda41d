package here_test

import (
	"net"
	"testing"

	"github.com/caucus-project/caucus/internal/here"
)

func TestIs(t *testing.T) {
	for _, c := range []struct {
		address net.Addr
		want    bool
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, true},
		{&net.TCPAddr{IP: net.IPv4(127, 8, 9, 10)}, true},
		{&net.TCPAddr{IP: net.IPv6loopback}, true},
		{&net.TCPAddr{IP: net.ParseIP("::ffff:127.0.0.1")}, true},
		{&net.UnixAddr{Name: "@caucus"}, true},
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, false},
		{&net.TCPAddr{IP: net.IPv4zero}, false},
		{&net.TCPAddr{}, false},
		{&net.IPAddr{IP: net.IPv4(127, 0, 0, 1)}, false},
		{nil, false},
	} {
		if got := here.Is(c.address); got != c.want {
			t.Errorf("%v: %v, want %v", c.address, got, c.want)
		}
	}
}

func TestDenies(t *testing.T) {
	near, far := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}
	for _, c := range []struct {
		from                net.Addr
		password, certified bool
		want                bool
	}{
		{near, false, false, false}, {near, true, false, false}, {near, false, true, false},
		{far, true, false, false}, {far, false, true, false}, {far, true, true, false},
		{far, false, false, true}, {nil, false, false, true},
	} {
		if got := here.Denies(c.from, c.password, c.certified); got != c.want {
			t.Errorf("%v: %v, want %v", c, got, c.want)
		}
	}
}
