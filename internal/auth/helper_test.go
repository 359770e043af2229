// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// received is a request as it reached a server.
type received struct {
	call   string // Method, path and query.
	header http.Header
	body   string
}

// server answers by a function, and remembers what reached it.
type server struct {
	url  string
	mu   sync.Mutex
	list []received
}

func serve(t *testing.T, handler func(w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the request: %v", err)
		}
		s.mu.Lock()
		s.list = append(s.list, received{r.Method + " " + r.RequestURI, r.Header.Clone(), string(body)})
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(listener.Close)
	s.url = listener.URL
	return s
}

func (s *server) received() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list)
}

// client calls a server without waits.
func client(t *testing.T, url string, adjust ...func(*rest.Config)) *rest.Client {
	t.Helper()
	config := rest.Config{Endpoint: url, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	for _, adjust := range adjust {
		adjust(&config)
	}
	made, err := rest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// clientsOf are clients of a server that is IAM and STS.
func clientsOf(t *testing.T, url string, adjust ...func(*rest.Config)) auth.Clients {
	t.Helper()
	made := client(t, url, adjust...)
	return auth.Clients{IAM: made, Agencies: made, STS: made, Now: made.Now}
}

// respond answers with a status and JSON.
func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // Who does not wait for the answer gets none.
}

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// unsent is a request of the service that nobody sends.
func unsent(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/assembling/v1/jobs", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// authenticated is a request with the credentials of a session, which must have some.
func authenticated(t *testing.T, session *auth.Session) *http.Request {
	t.Helper()
	req := unsent(t)
	if err := session.Authenticate(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	return req
}
