// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// memory is a network of one service without sockets, so that a test can run in a bubble of its own time.
type memory struct {
	accepted chan net.Conn
	closed   chan struct{}
}

// serveInMemory serves until the test ends, and returns what a client needs to reach the service.
func serveInMemory(t *testing.T, handler http.HandlerFunc) rest.Config {
	t.Helper()
	m := &memory{accepted: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: handler}
	done := make(chan error)
	go func() { done <- server.Serve(m) }()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return rest.Config{Endpoint: "http://service.test", NoProxy: true, MaxRetries: 5, Dial: m.dial}
}

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.accepted <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements [net.Listener].
func (m *memory) Accept() (net.Conn, error) {
	select {
	case conn := <-m.accepted:
		return conn, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (m *memory) Close() error {
	close(m.closed)
	return nil
}

// Addr implements [net.Listener].
func (m *memory) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

func newClient(t *testing.T, config rest.Config) *rest.Client {
	t.Helper()
	made, err := rest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

var get = rest.Call{Method: http.MethodGet, Path: []string{"thing"}}
