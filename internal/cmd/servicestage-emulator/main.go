// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command servicestage-emulator serves the ServiceStage Build API from memory, so that Terraform configuration can be planned
// and applied without an account.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "servicestage-emulator:", err)
		os.Exit(1) //nolint:gocritic // Nothing is left for stop to do.
	}
}

// run serves until ctx ends. The first line on stdout is the base URL; stderr gets a line for each request.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("servicestage-emulator", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:0", "`address` to listen on; port 0 takes a free one. The credentials are public, so use a loopback address")
	options := emulator.Options{Log: log.New(stderr, "", log.LstdFlags)}
	flags.StringVar(&options.StateFile, "state", "", "`file` that keeps jobs and builds over restarts (default: memory only)")
	flags.StringVar(&options.AccessKey, "access-key", emulator.DefaultAccessKey, "access key that may sign requests")
	flags.StringVar(&options.SecretKey, "secret-key", emulator.DefaultSecretKey, "its secret key")
	flags.StringVar(&options.Token, "token", emulator.DefaultToken, "token that may be sent instead")
	flags.DurationVar(&options.BuildDuration, "build-duration", 10*time.Second, "how long a build takes")
	flags.StringVar(&options.FailIn, "fail-in", "", "`phase` in which each build fails, such as Build (default: builds go well)")
	flags.Func("quirks", "comma-separated ways of the service to imitate: "+strings.Join(emulator.QuirkNames(), ", "), func(list string) (err error) {
		options.Quirks, err = emulator.ParseQuirks(list)
		return err
	})
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	service, err := emulator.NewService(options)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	if address, ok := listener.Addr().(*net.TCPAddr); ok && !address.IP.IsLoopback() {
		_, _ = fmt.Fprintf(stderr, "servicestage-emulator: warning: other machines can reach %s, and the emulator's credentials are public: "+
			"anyone who reaches it can read and change its build jobs. Listen on 127.0.0.1 unless the network is trusted.\n", address)
	}
	if _, err := fmt.Fprintf(stdout, "http://%s\n", listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}

	server := newServer(service)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(listener) }()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
	}
	// Answers on their way are finished. A connection that was never used would hold this up, so it ends after a moment.
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(deadline); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}

// newServer returns a server that drops clients that do not send their request, or do not read the response, within a minute.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
	}
}
