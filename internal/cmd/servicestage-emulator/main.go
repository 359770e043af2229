// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command servicestage-emulator serves the ServiceStage Build API from memory, so that Terraform configuration can be
// planned and applied without an account.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
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

// settings are the values of the flags.
type settings struct {
	emulator.Options

	listen, health, shell string
	quiet                 bool
}

func parseFlags(arguments []string, stderr io.Writer) (settings, error) {
	flags := flag.NewFlagSet("servicestage-emulator", flag.ContinueOnError)
	flags.SetOutput(stderr)
	s := settings{Options: emulator.Options{Log: log.New(stderr, "", log.LstdFlags)}}
	flags.StringVar(&s.listen, "listen", "127.0.0.1:0",
		"`address` to listen on; port 0 takes a free one. The credentials are public, so use a loopback address")
	flags.BoolVar(&s.quiet, "quiet", false, "print only the URL on standard output")
	flags.StringVar(&s.shell, "shell", "posix", "`syntax` of the printed commands: posix or powershell")
	flags.StringVar(&s.health, "health", "", "check the emulator at this `URL` and exit")
	flags.StringVar(&s.AdminToken, "admin-token", "",
		"`token` that /_emulator/ requires; makes it available to other machines (default: loopback only)")
	flags.StringVar(&s.StateFile, "state", "", "`file` that keeps jobs and builds over restarts (default: memory only)")
	flags.Func("seed", "JSON `file` with the initial build jobs", func(file string) (err error) {
		s.Seed, err = os.ReadFile(file) //nolint:gosec // The user names the file.
		return err
	})
	flags.StringVar(&s.Region, "region", "", "`name` of the only region (default: every region exists)")
	flags.StringVar(&s.Project, "project", "", "`ID` of the only project (default: every project exists)")
	flags.StringVar(&s.AccessKey, "access-key", emulator.DefaultAccessKey, "access `key` that can sign requests")
	flags.StringVar(&s.SecretKey, "secret-key", emulator.DefaultSecretKey, "secret `key` of the access key")
	flags.StringVar(&s.Token, "token", emulator.DefaultToken, "`token` that can be sent instead of a signature")
	const usersHelp = "JSON `file` with further users, such as [{\"name\":\"team-a\",\"password\":\"secret\"}]"
	flags.Func("users", usersHelp, func(file string) error {
		content, err := os.ReadFile(file) //nolint:gosec // The user names the file.
		if err != nil {
			return err
		}
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.DisallowUnknownFields()
		return decoder.Decode(&s.IAM.Users)
	})
	flags.DurationVar(&s.IAM.Lifetime, "token-lifetime", 24*time.Hour,
		"lifetime of the tokens and keys that IAM issues")
	flags.DurationVar(&s.BuildDuration, "build-duration", 10*time.Second, "duration of a build")
	flags.StringVar(&s.FailIn, "fail-in", "",
		"`phase` in which each build fails, such as Build (default: builds succeed)")
	const faultHelp = "`JSON` of a fault to inject, such as {\"method\":\"POST\",\"status\":503}; can be repeated"
	flags.Func("fault", faultHelp, func(text string) error {
		var fault emulator.Fault
		err := json.Unmarshal([]byte(text), &fault)
		s.Faults = append(s.Faults, fault)
		return err
	})
	flags.IntVar(&s.RateLimit, "rate", 0,
		"largest `number` of requests per second; others return 429 (default: no limit)")
	flags.DurationVar(&s.Latency, "latency", 0, "delay of each request")
	quirksHelp := "comma-separated `list` of: " + strings.Join(emulator.QuirkNames(), ", ")
	flags.Func("quirks", quirksHelp, func(list string) (err error) {
		s.Quirks, err = emulator.ParseQuirks(list)
		return err
	})
	if err := flags.Parse(arguments); err != nil {
		return settings{}, err
	}
	if flags.NArg() > 0 {
		return settings{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if !slices.Contains([]string{"posix", "powershell"}, s.shell) {
		return settings{}, fmt.Errorf("-shell must be posix or powershell, not %q", s.shell)
	}
	return s, nil
}

// run serves until ctx ends. The first line on stdout is the base URL; stderr gets a line for each request.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	settings, err := parseFlags(arguments, stderr)
	if err != nil {
		return err
	}
	if settings.health != "" {
		return checkHealth(ctx, settings.health)
	}
	service, err := emulator.NewService(settings.Options)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", settings.listen)
	if err != nil {
		return err
	}
	if address, ok := listener.Addr().(*net.TCPAddr); ok && !address.IP.IsLoopback() {
		_, _ = fmt.Fprintf(stderr, "servicestage-emulator: warning: other machines can reach %s, and the emulator's "+
			"credentials are public: they can read and change its build jobs. Listen on 127.0.0.1 unless the network "+
			"is trusted.\n", address)
	}
	base := baseURL(listener.Addr())
	_, err = fmt.Fprintln(stdout, base)
	if err == nil && !settings.quiet {
		err = writeBanner(stdout, base, settings.shell, settings.Options)
	}
	if err != nil {
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
	// Shutdown waits for responses, and for connections that were never used: those are closed after a second.
	deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(deadline); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return server.Close()
}

// checkHealth returns an error if no emulator serves the URL.
func checkHealth(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	address := strings.TrimSuffix(base, "/") + "/_emulator/health"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s returned %s", request.URL, response.Status)
	}
	return nil
}

// newServer returns a server that drops clients that do not send their request, or do not read the response, within a
// minute.
func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
	}
}
