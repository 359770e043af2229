// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// server answers each request by the next of its handlers, the last one again and again, and remembers who sent it what.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	received []string
}

func serve(t *testing.T, handlers ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading the request: %v", err)
		}
		s.mu.Lock()
		number := min(len(s.received), len(handlers)-1)
		s.received = append(s.received, strings.TrimSpace(r.Method+" "+r.Header.Get("X-Auth-Token")+" "+string(body)))
		s.mu.Unlock()
		handlers[number](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) want(t *testing.T, want ...string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.received, want) {
		t.Errorf("got %q, want %q", s.received, want)
	}
}

// say answers with a status and a body.
func say(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // Who does not wait for the answer gets none.
	}
}

// lose breaks the connection when the request has arrived.
func lose(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

var (
	good     = say(http.StatusOK, `{"a":1}`)
	expired  = say(http.StatusUnauthorized, `{"error_code":"APIGW.0307","error_msg":"The token must be updated."}`)
	nameless = say(http.StatusUnauthorized, ``)
	busy     = say(http.StatusServiceUnavailable, ``)
)

// renewable has one token after the other.
type renewable struct {
	mu     sync.Mutex
	tokens []string
}

func (r *renewable) Authenticate(_ context.Context, req *http.Request, _ []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	req.Header.Set("X-Auth-Token", r.tokens[0])
	return nil
}

func (r *renewable) Reject(req *http.Request) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Header.Get("X-Auth-Token") != r.tokens[0] || len(r.tokens) == 1 {
		return false
	}
	r.tokens = r.tokens[1:]
	return true
}

// static is an authenticator that has nothing else.
type static string

func (s static) Authenticate(_ context.Context, req *http.Request, _ []byte) error {
	req.Header.Set("X-Auth-Token", string(s))
	return nil
}

func client(t *testing.T, url string, adjust func(*rest.Config)) *rest.Client {
	t.Helper()
	config := rest.Config{Endpoint: url, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	if adjust != nil {
		adjust(&config)
	}
	made, err := rest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// A request that is refused for its credentials is sent once more with others, whatever its method, and counts as no retry.
func TestClient_renewsCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handlers []http.HandlerFunc
		method   string
		retries  int
		want     []string
		failure  string
		attempts int
	}{
		"GET":                     {[]http.HandlerFunc{expired, good}, http.MethodGet, 0, []string{"GET 1", "GET 2"}, "", 0},
		"POST, with its body":     {[]http.HandlerFunc{expired, good}, http.MethodPost, 0, []string{`POST 1 {"b":2}`, `POST 2 {"b":2}`}, "", 0},
		"DELETE":                  {[]http.HandlerFunc{nameless, good}, http.MethodDelete, 0, []string{"DELETE 1", "DELETE 2"}, "", 0},
		"once only":               {[]http.HandlerFunc{expired}, http.MethodGet, 5, []string{"GET 1", "GET 2"}, "HTTP 401 APIGW.0307", 2},
		"and then the retries":    {[]http.HandlerFunc{expired, busy, good}, http.MethodGet, 1, []string{"GET 1", "GET 2", "GET 2"}, "", 0},
		"after the retries":       {[]http.HandlerFunc{busy, expired, good}, http.MethodGet, 1, []string{"GET 1", "GET 1", "GET 2"}, "", 0},
		"a lost POST stays lost":  {[]http.HandlerFunc{expired, lose}, http.MethodPost, 5, []string{`POST 1 {"b":2}`, `POST 2 {"b":2}`}, "no response", 2},
		"not for what is allowed": {[]http.HandlerFunc{say(http.StatusForbidden, ``)}, http.MethodGet, 5, []string{"GET 1"}, "HTTP 403", 1},
		"not for another 401": {
			[]http.HandlerFunc{say(http.StatusUnauthorized, `{"error_code":"SVC.1","error_msg":"not found"}`)},
			http.MethodGet, 5,
			[]string{"GET 1"},
			"HTTP 401 SVC.1: not found", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, c.handlers...)
			client := client(t, server.URL, func(config *rest.Config) {
				config.Authenticator, config.MaxRetries = &renewable{tokens: []string{"1", "2", "3"}}, c.retries
				config.AcceptsCredentials = func(failure *rest.Error) bool { return failure.Code == "SVC.1" }
			})
			call := rest.Call{Method: c.method, Path: []string{"x"}}
			if c.method == http.MethodPost {
				call.Body = map[string]int{"b": 2}
			}
			_, err := client.Do(t.Context(), call, nil)
			server.want(t, c.want...)
			if c.failure == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			failure, ok := errors.AsType[*rest.Error](err)
			if !ok || !strings.Contains(err.Error(), c.failure) || failure.Attempts != c.attempts {
				t.Errorf("got %v, want %s after %d attempts", err, c.failure, c.attempts)
			}
		})
	}
}

// Credentials that cannot be had anew are sent once.
func TestClient_staticCredentials(t *testing.T) {
	t.Parallel()
	server := serve(t, expired)
	_, err := client(t, server.URL, func(c *rest.Config) { c.Authenticator, c.MaxRetries = static("T"), 5 }).
		Do(t.Context(), rest.Call{Method: http.MethodGet}, nil)
	if err == nil {
		t.Error("a refusal is no error")
	}
	server.want(t, "GET T")
}

// The authenticator of a call replaces that of the client.
func TestClient_authenticatorOfTheCall(t *testing.T) {
	t.Parallel()
	server := serve(t, good)
	client := client(t, server.URL, func(c *rest.Config) { c.Authenticator = static("T") })
	for _, by := range []rest.Authenticator{nil, static("other")} {
		if _, err := client.Do(t.Context(), rest.Call{Method: http.MethodGet, Authenticator: by}, nil); err != nil {
			t.Error(err)
		}
	}
	server.want(t, "GET T", "GET other")
}

// A POST that makes nothing is sent again like any other request; one that may have made something is not.
func TestClient_repeatable(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]http.HandlerFunc{"lost": lose, "busy": busy} {
		for _, repeatable := range []bool{true, false} {
			server := serve(t, fail, good)
			_, err := client(t, server.URL, func(c *rest.Config) { c.MaxRetries = 1 }).
				Do(t.Context(), rest.Call{Method: http.MethodPost, Repeatable: repeatable}, nil)
			if (err == nil) != repeatable {
				t.Errorf("%s, repeatable %v: %v", name, repeatable, err)
			}
			want := []string{"POST"}
			if repeatable {
				want = append(want, "POST")
			}
			server.want(t, want...)
		}
	}
}

// A POST that makes nothing is cut off with its caller, who waits for no id.
func TestClient_repeatableEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	arrived := make(chan bool)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { close(arrived); <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := client(t, server.URL, nil).Do(ctx, rest.Call{Method: http.MethodPost, Repeatable: true}, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// What cannot be understood is quoted, unless it may hold secrets.
func TestClient_confidential(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body         string
		confidential bool
		quoted       bool
	}{
		"cut":               {`{"secret":"canary`, false, true},
		"cut, confidential": {`{"secret":"canary`, true, false},
		"text":              {`secret canary`, true, false},
		"page":              {"\n<html>canary</html>", true, true},
	} {
		server := serve(t, say(http.StatusOK, c.body))
		var out map[string]any
		_, err := client(t, server.URL, nil).Do(t.Context(), rest.Call{Method: http.MethodGet, Confidential: c.confidential}, &out)
		if err == nil || strings.Contains(err.Error(), "canary") != c.quoted {
			t.Errorf("%s: got %v, want it quoted: %v", name, err, c.quoted)
		}
	}
}

// Authorities are those of the configuration, where it has some.
func TestClient_rootCAs(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(good)
	t.Cleanup(secure.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(secure.Certificate())
	for name, c := range map[string]struct {
		pool *x509.CertPool
		good bool
	}{"trusted": {trusted, true}, "none": {x509.NewCertPool(), false}, "those of the system": {nil, false}} {
		_, err := client(t, secure.URL, func(config *rest.Config) { config.RootCAs, config.MaxRetries = c.pool, 5 }).
			Do(t.Context(), rest.Call{Method: http.MethodGet}, nil)
		if (err == nil) != c.good || err != nil && !strings.Contains(err.Error(), "certificate signed by unknown authority") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every connection is made by Dial.
func TestClient_dial(t *testing.T) {
	t.Parallel()
	server := serve(t, good)
	var dialled []string
	client := client(t, "http://service.example:8080", func(c *rest.Config) {
		c.NoProxy = true
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialled = append(dialled, network+" "+address)
			return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
		}
	})
	if _, err := client.Do(t.Context(), rest.Call{Method: http.MethodGet}, nil); err != nil {
		t.Error(err)
	}
	server.want(t, "GET")
	if want := []string{"tcp service.example:8080"}; !slices.Equal(dialled, want) {
		t.Errorf("got %v, want %v", dialled, want)
	}
}

// The proxy of the environment is used, unless the client is told not to, and its password is not shown. The environment is read once in a program, so this is
// another one.
func TestClient_proxy(t *testing.T) {
	t.Parallel()
	if noProxy := os.Args[len(os.Args)-1]; noProxy == "proxy" || noProxy == "no-proxy" {
		var dialled string
		_, err := client(t, "http://service.example", func(c *rest.Config) {
			c.NoProxy = noProxy == "no-proxy"
			c.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
				dialled = address
				return nil, errors.New("as ordered, user:canary-password, " + base64.StdEncoding.EncodeToString([]byte("user:canary-password")))
			}
		}).Do(t.Context(), rest.Call{Method: http.MethodGet}, nil)
		t.Logf("dialled %s: %v", dialled, err)
		return
	}
	const proxy = "http://user:canary-password@192.0.2.1:3128"
	for argument, want := range map[string]string{"proxy": "dialled 192.0.2.1:3128: GET service.example: no response: proxyconnect tcp: as ordered, user:[redacted], dXNlcjp[redacted]Q=", "no-proxy": "dialled service.example:80"} {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestClient_proxy$", "-test.v", "--", argument)
		command.Env = append(os.Environ(), "HTTP_PROXY="+proxy, "http_proxy="+proxy, "NO_PROXY=", "no_proxy=")
		output, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(output), want) {
			t.Errorf("%s: %v, want %s\n%s", argument, err, want, output)
		}
	}
}
