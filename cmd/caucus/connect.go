package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/caucus-project/caucus"
	"github.com/caucus-project/caucus/client"
)

// ensembleFlags say how a verb that is a client finds the ensemble (WIRE "Command line").
type ensembleFlags struct {
	Addr         []string `help:"Client addresses of nodes; one is enough, the others are asked for." env:"CAUCUS_ADDR" default:"127.0.0.1:5010" placeholder:"HOST:PORT"`
	User         string   `help:"Whom to log in as; unless stated, the default user or whom --tls-cert names." env:"CAUCUS_USER" placeholder:"NAME"`
	PasswordFile string   `help:"File with the user's password." env:"CAUCUS_PASSWORD_FILE" placeholder:"FILE"`
	tlsFlags
}

// config is what the flags say, for client.Dial.
func (f *ensembleFlags) config() (client.Config, error) {
	password, err := readPassword(f.PasswordFile)
	cfg := client.Config{Addrs: f.Addr, User: f.User, Password: password}
	return cfg, errors.Join(err, f.secure(&cfg))
}

// dial reaches a node. The caller closes the client.
func (f *ensembleFlags) dial(ctx context.Context) (*client.Client, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	return f.dialAs(ctx, cfg)
}

// dialAs is dial with more said than the flags say.
func (f *ensembleFlags) dialAs(ctx context.Context, cfg client.Config) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, cfg)
	if err != nil {
		return nil, f.unreached(err)
	}
	return c, nil
}

// unreached says what to do when no node let this client in.
func (f *ensembleFlags) unreached(err error) error {
	at := strings.Join(f.Addr, ", ")
	switch {
	case errors.Is(err, caucus.ErrNoAuth):
		return fmt.Errorf("the ensemble at %s asks who you are: name the file of your password with "+
			"--password-file and, unless you are the default user, yourself with --user (%w)", at, err)
	case errors.Is(err, caucus.ErrWrongPass):
		return fmt.Errorf("the ensemble at %s does not let in the user '%s' with %s (--user, --password-file): "+
			"he is not there, is off or has another password (%w)", at, cmp.Or(f.User, "default"),
			cmp.Or(f.PasswordFile, "no password"), err)
	}
	return fmt.Errorf("no node of an ensemble at %s (--addr or CAUCUS_ADDR says where): %w", at, err)
}

// readPassword reads the password in the first line of a file, none when no file is named.
func readPassword(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", errors.New("--password-file: the file is empty; put the password on its first line")
	}
	return password, nil
}
