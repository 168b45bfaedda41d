package servers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// EtcdMember is the first argument with which this program is a member of etcd. The others are its name,
// its directory, its addresses for clients and peers, and all members as etcd writes them.
const EtcdMember = "etcd-member"

// OpenEtcd starts n members of one cluster. All settings are defaults, by which a write is synced by a
// majority; it does not log.
func (h House) OpenEtcd(ctx context.Context, n int) (*Ensemble, error) {
	e, err := h.seat("etcd", n)
	if err != nil {
		return nil, err
	}
	var members []string
	for i, addr := range e.Addrs {
		members = append(members, e.name(i)+"=http://"+beside(addr))
	}
	e.mark = "ready"
	e.command = func(i int) []string {
		return []string{h.Self, EtcdMember, e.name(i), e.home(i), e.Addrs[i], beside(e.Addrs[i]),
			strings.Join(members, ",")}
	}
	return e.open(ctx)
}

// BeEtcdMember runs a member until it is killed. It is given what comes after EtcdMember.
func BeEtcdMember(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("%s has %d arguments, not 5", EtcdMember, len(args))
	}
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir, cfg.InitialCluster = args[0], args[1], args[4]
	cfg.ListenClientUrls, cfg.ListenPeerUrls = at(args[2]), at(args[3])
	cfg.AdvertiseClientUrls, cfg.AdvertisePeerUrls = cfg.ListenClientUrls, cfg.ListenPeerUrls
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return err
	}
	defer etcd.Close()
	select {
	case <-etcd.Server.ReadyNotify():
		fmt.Println("ready")
	case err := <-etcd.Err():
		return err
	}
	return <-etcd.Err()
}

func at(addr string) []url.URL { return []url.URL{{Scheme: "http", Host: addr}} }

// EtcdClients opens n client connections, spread over the members.
func (e *Ensemble) EtcdClients(n int) (list []*clientv3.Client, err error) {
	for i := range n {
		c, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + e.Addrs[i%len(e.Addrs)]},
			Logger: zap.NewNop(), DialTimeout: 5 * time.Second})
		if err != nil {
			return nil, errors.Join(err, CloseEtcdClients(list))
		}
		list = append(list, c)
	}
	return list, nil
}

// CloseEtcdClients closes them.
func CloseEtcdClients(list []*clientv3.Client) error {
	var errs []error
	for _, c := range list {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// leadingEtcd gives the number of the member that leads.
func (e *Ensemble) leadingEtcd(ctx context.Context) (int, error) {
	list, err := e.EtcdClients(len(e.Addrs))
	if err != nil {
		return -1, err
	}
	defer func() { _ = CloseEtcdClients(list) }() // they asked a question, and it was answered
	for i, addr := range e.Addrs {
		is, err := list[i].Status(ctx, addr)
		if err != nil {
			return -1, err
		}
		if is.Leader == is.Header.MemberId {
			return i, nil
		}
	}
	return -1, errors.New("no member of etcd leads")
}
