package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caucus-project/caucus/node"
	"github.com/caucus-project/caucus/otel"
	api "go.opentelemetry.io/otel"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	err := run(ctx, os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "caucus-otel:", err)
		os.Exit(1)
	}
}

// run runs the node that the command line describes until ctx ends.
func run(ctx context.Context, args []string) error {
	cfg, ratio, err := configOf(args)
	if err != nil {
		return err
	}
	tracer, err := otel.New(ctx, otel.Config{Ratio: ratio})
	if err != nil {
		return err
	}
	api.SetErrorHandler(api.ErrorHandlerFunc(func(err error) {
		cfg.Logger.Warn("spans cannot be sent", "error", err)
	}))
	cfg.Tracer = tracer
	err = node.Run(ctx, cfg)
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if lost := tracer.Close(closing); lost != nil { // the node has done its work nevertheless
		cfg.Logger.Warn("the last spans were not sent", "error", lost)
	}
	return err
}

// configOf reads the command line and the files that it names.
func configOf(args []string) (cfg node.Config, ratio float64, err error) {
	set := flag.NewFlagSet("caucus-otel", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Float64Var(&ratio, "ratio", 0.01, "how many writes are traced for which no client asks, from 0 to 1")
	password := set.String("password-file", "", "file with the password of clients and peers")
	rate := set.Int("max-user-rate", 0, "commands that one user may ask for in a second; 0 for no bound")
	secure := tlsFlags(set)
	switch err := set.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		set.SetOutput(os.Stdout)
		fmt.Println("usage: caucus-otel [flags] FILE, a file as of 'caucus serve --config'")
		set.PrintDefaults()
		return cfg, 0, err
	case err != nil:
		return cfg, 0, err
	case set.NArg() != 1:
		return cfg, 0, errors.New("name one FILE, as of 'caucus serve --config'; -help says what else may stand")
	}
	if cfg, err = node.ReadConfig(set.Arg(0)); err != nil {
		return cfg, 0, err
	}
	cfg.TLS, cfg.MaxUserRate, cfg.Logger = *secure, *rate, slog.New(slog.NewTextHandler(os.Stderr, nil))
	cfg.Password, err = passwordOf(*password)
	return cfg, ratio, err
}

// tlsFlags adds the flags about TLS, which are those of serve.
func tlsFlags(set *flag.FlagSet) *node.TLS {
	t := new(node.TLS)
	set.StringVar(&t.Cert, "tls-cert", "", "file with the node's certificate; all doors speak TLS")
	set.StringVar(&t.Key, "tls-key", "", "file with the key of it")
	set.StringVar(&t.CA, "tls-ca", "", "file with the authorities that vouch for nodes and clients")
	set.StringVar(&t.Clients, "tls-clients", "",
		"whether clients must show a certificate: require, which is the default, optional or off")
	set.Func("tls-min", "oldest TLS that clients may speak, 1.2 or 1.3, which is the default",
		func(text string) error {
			known := map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}
			if t.Min = known[text]; t.Min == 0 {
				return errors.New("it is 1.2 or 1.3")
			}
			return nil
		})
	return t
}

func passwordOf(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("-password-file: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", errors.New("-password-file: the file is empty; put the password on its first line")
	}
	return password, nil
}
