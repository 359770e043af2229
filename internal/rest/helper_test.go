// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// server returns a response by the next of its handlers, the last one again and again, and records requests and waits.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	received []*http.Request
	lines    []string // Method, token and body of each request.
	waited   []time.Duration
}

// newServer returns a server that does not listen yet.
func newServer(t *testing.T, handlers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the request: %v", err)
		}
		s.mu.Lock()
		number := min(len(s.received), len(handlers)-1)
		s.received = append(s.received, r)
		s.lines = append(s.lines, strings.TrimSpace(r.Method+" "+r.Header.Get("X-Auth-Token")+" "+string(body)))
		s.mu.Unlock()
		handlers[number](w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(s.Close)
	return s
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *server {
	t.Helper()
	s := newServer(t, handlers...)
	s.Start()
	return s
}

// want checks the requests that the server received.
func (s *server) want(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.lines, want) {
		t.Errorf("got %q, want %q", s.lines, want)
	}
}

func (s *server) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

func (s *server) waits() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.waited)
}

func (s *server) wait(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited = append(s.waited, d)
	return ctx.Err()
}

// client returns a client of the server that retries five times. Its waits take no time and are recorded.
func (s *server) client(t *testing.T, adjust ...func(*rest.Config)) *rest.Client {
	t.Helper()
	defaults := []func(*rest.Config){retries(5), func(c *rest.Config) { c.Wait = s.wait }}
	return client(t, s.URL, append(defaults, adjust...)...)
}

func retries(n int) func(*rest.Config) { return func(c *rest.Config) { c.MaxRetries = n } }

func newClient(t *testing.T, config rest.Config) *rest.Client {
	t.Helper()
	client, err := rest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// client returns a client of an endpoint that does not retry. Its waits take no time.
func client(t *testing.T, url string, adjust ...func(*rest.Config)) *rest.Client {
	t.Helper()
	config := rest.Config{Endpoint: url, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	for _, f := range adjust {
		f(&config)
	}
	return newClient(t, config)
}

var (
	get  = rest.Call{Method: http.MethodGet, Path: []string{"thing"}}
	post = rest.Call{Method: http.MethodPost, Path: []string{"thing"}, Body: map[string]int{"b": 2}}
)

// do sends a call and returns its failure, or nil.
func do(t *testing.T, client *rest.Client, call rest.Call) *rest.Error {
	t.Helper()
	_, err := client.Do(t.Context(), call, nil)
	return failureOf(t, err)
}

func failureOf(t *testing.T, err error) *rest.Error {
	t.Helper()
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*rest.Error](err)
	if !ok {
		t.Fatalf("got %T (%v), want a *rest.Error", err, err)
	}
	return failure
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %#v\nwant %#v", what, got, want)
	}
}

// respond returns a handler that sends a status, a body, and headers ("Name: value").
func respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // The client may have left.
	}
}

// lose breaks the connection after the request has arrived.
func lose(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

var (
	good     = respond(http.StatusOK, `{"a":1}`)
	expired  = respond(http.StatusUnauthorized, `{"error_code":"APIGW.0307","error_msg":"The token must be updated."}`)
	nameless = respond(http.StatusUnauthorized, ``)
	busy     = respond(http.StatusServiceUnavailable, ``)
)

// static is a token that cannot be replaced.
type static string

func (s static) Authenticate(_ context.Context, req *http.Request, _ []byte) error {
	req.Header.Set("X-Auth-Token", string(s))
	return nil
}

// recorder records log lines.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) log(_ context.Context, message string, fields ...map[string]any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, line := range fields {
		r.lines = append(r.lines, fmt.Sprintf("%s %v", message, line))
	}
}

// serveInMemory serves without sockets, so that a test can run in a synctest bubble. It returns the configuration of a
// client.
func serveInMemory(t *testing.T, handler http.HandlerFunc) rest.Config {
	t.Helper()
	closed := make(chan struct{})
	m := memory{make(chan net.Conn), closed, sync.OnceFunc(func() { close(closed) })}
	server := &httptest.Server{Listener: m, Config: &http.Server{Handler: handler}}
	server.Start()
	t.Cleanup(server.Close)
	return rest.Config{Endpoint: "http://service.test", Proxy: http.ProxyURL(nil), MaxRetries: 5, Dial: m.dial}
}

// memory is a [net.Listener] for connections in memory.
type memory struct {
	accepted chan net.Conn
	closed   chan struct{}
	close    func()
}

func (m memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.accepted <- server:
		return client, nil
	case <-m.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.accepted:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

func (m memory) Close() error {
	m.close()
	return nil
}

func (memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }
