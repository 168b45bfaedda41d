package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/internal/certs"
)

// certCmd is a small authority for a first ensemble.
type certCmd struct {
	CA     certCACmd     `cmd:"" name:"ca" help:"Make an authority: DIR/ca.crt and DIR/ca.key."`
	Node   certNodeCmd   `cmd:"" help:"Make the certificate of a node: DIR/node-NAME.crt and .key."`
	Client certClientCmd `cmd:"" help:"Make the certificate of a client: DIR/client-NAME.crt and .key."`
	Show   certShowCmd   `cmd:"" help:"Show what is in certificates, and when they end."`
}

// certFlags are what all that make something have in common.
type certFlags struct {
	Dir   string `default:"certs" help:"Directory of the authority." placeholder:"DIR"`
	Days  int    `help:"Days until the end." placeholder:"N"`
	Force bool   `help:"Replace what is there."`
}

type certCACmd struct {
	certFlags
	Name string `default:"caucus" help:"Name of the authority." placeholder:"NAME"`
}

type certNodeCmd struct {
	certFlags
	Name string   `required:"" help:"Name of the node, as serve --id." placeholder:"NAME"`
	Host []string `help:"Names and addresses at which clients find it; this machine's own are added." placeholder:"HOST"`
}

type certClientCmd struct {
	certFlags
	Name string `required:"" help:"Name of the client." placeholder:"NAME"`
}

type certShowCmd struct {
	File []string `arg:"" help:"Files of certificates (PEM)."`
}

// The names by which a node is found on its own machine.
var ownHosts = []string{"localhost", "127.0.0.1", "::1"}

const (
	authorityDays = 3650
	certDays      = 365
)

// Validate looks at what can be judged before anything is done; kong calls it.
func (f *certFlags) Validate() error {
	if f.Days < 0 || f.Days > 36500 {
		return fmt.Errorf("--days is a number from 1 to 36500, not %d", f.Days)
	}
	return nil
}

func (f *certFlags) until(now time.Time, usual int) time.Time {
	return now.AddDate(0, 0, cmp.Or(f.Days, usual))
}

// Run makes the authority.
func (c *certCACmd) Run() error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	now := time.Now()
	_, cert, key, err := certs.NewAuthority(c.Name, now, c.until(now, authorityDays))
	if err != nil {
		return err
	}
	if err := c.keep("ca", cert, key); err != nil {
		return err
	}
	fmt.Printf("Every node and client needs %s. Whoever has %s can make nodes of this\n"+
		"ensemble: keep it here, and off the nodes. Next: caucus cert node --dir %s --name NAME --host HOST\n",
		filepath.Join(c.Dir, "ca.crt"), filepath.Join(c.Dir, "ca.key"), c.Dir)
	return nil
}

// Run makes a node's certificate.
func (c *certNodeCmd) Run() error {
	if !caucus.ValidMember(c.Name) {
		return fmt.Errorf("--name: %q is no name of a node: letters, digits, and . _ - : / @", c.Name)
	}
	files, err := c.make("node", certs.Wish{Name: c.Name, Node: true, Hosts: append(c.Host, ownHosts...)})
	if err != nil {
		return err
	}
	fmt.Printf("Add to the command line of the node, on another machine with the paths that they have there,\n"+
		"    caucus serve --id %s --tls-cert %s.crt --tls-key %s.key --tls-ca %s\n", c.Name, files, files,
		filepath.Join(c.Dir, "ca.crt"))
	return nil
}

// Run makes a client's certificate.
func (c *certClientCmd) Run() error {
	files, err := c.make("client", certs.Wish{Name: c.Name})
	if err != nil {
		return err
	}
	ca := filepath.Join(c.Dir, "ca.crt")
	fmt.Printf("The client says, on another machine with the paths that they have there,\n"+
		"    caucus status --tls-cert %s.crt --tls-key %s.key --tls-ca %s --addr HOST:PORT\n"+
		"    redis-cli --tls --cert %s.crt --key %s.key --cacert %s -h HOST -p PORT\n",
		files, files, ca, files, files, ca)
	return nil
}

// make makes what the authority in the directory is asked for, and gives the path without the ending.
func (f *certFlags) make(kind string, w certs.Wish) (path string, err error) {
	name := kind + "-" + strings.NewReplacer("/", "_", ":", "_").Replace(w.Name)
	path = filepath.Join(f.Dir, name)
	authority, err := certs.ReadAuthority(filepath.Join(f.Dir, "ca.crt"), filepath.Join(f.Dir, "ca.key"))
	if errors.Is(err, fs.ErrNotExist) {
		return path, fmt.Errorf("there is no authority in %s: make one with caucus cert ca --dir %s (%w)", f.Dir,
			f.Dir, err)
	}
	if err != nil {
		return path, err
	}
	w.From = time.Now()
	w.Until = f.until(w.From, certDays)
	cert, key, err := authority.Make(w)
	if err != nil {
		return path, err
	}
	return path, f.keep(name, cert, key)
}

// keep writes a certificate and its key, and shows them. What is there is replaced with --force alone.
func (f *certFlags) keep(name string, cert, key []byte) error {
	path := filepath.Join(f.Dir, name)
	for _, old := range []string{path + ".crt", path + ".key"} {
		if _, err := os.Lstat(old); err == nil && !f.Force {
			return fmt.Errorf("%s is there already: --force replaces it", old)
		}
	}
	if err := cmp.Or(replace(path+".key", key, 0o600), replace(path+".crt", cert, 0o644)); err != nil {
		return err
	}
	return (&certShowCmd{[]string{path + ".crt"}}).Run()
}

// replace writes a file under its name once it is whole, so that a node which reads it anew finds the old
// or the new one.
func replace(path string, text []byte, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Chmod(mode), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// Run shows a table, a line for each certificate. It fails when one has ended.
func (c *certShowCmd) Run() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FILE\tKIND\tNAME\tHOSTS\tBY\tUNTIL\tDAYS")
	var over error
	for _, file := range c.File {
		list, err := certs.Read(file)
		if err != nil {
			return err
		}
		for _, one := range list {
			left := time.Until(one.NotAfter)
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%d\n", file, kindOf(one), one.Subject.CommonName,
				cmp.Or(strings.Join(hostsOf(one), ","), "-"), one.Issuer.CommonName,
				one.NotAfter.UTC().Format(time.DateOnly), int(left.Hours()/24))
			if left < 0 {
				over = errors.Join(over, fmt.Errorf("%s: the certificate of %s has ended", file, one.Subject))
			}
		}
	}
	return errors.Join(table.Flush(), over)
}

// kindOf says what a certificate is for.
func kindOf(c *x509.Certificate) string {
	name, node := certs.NodeOf(c)
	switch {
	case c.IsCA:
		return "authority"
	case node && name != c.Subject.CommonName:
		return "node " + name
	case node:
		return "node"
	}
	return "client"
}

func hostsOf(c *x509.Certificate) (hosts []string) {
	hosts = append(hosts, c.DNSNames...)
	for _, ip := range c.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return hosts
}
