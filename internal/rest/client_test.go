// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// refreshable is an authenticator with several tokens.
type refreshable []string

func (r *refreshable) Authenticate(_ context.Context, req *http.Request, _ []byte) error {
	req.Header.Set("X-Auth-Token", (*r)[0])
	return nil
}

func (r *refreshable) Reject(req *http.Request) bool {
	isCurrent := req.Header.Get("X-Auth-Token") == (*r)[0]
	*r = (*r)[1:]
	return isCurrent
}

// A request whose credentials are rejected is sent once more with others, with any method. That is not a retry.
func TestClient_rejectedCredentials(t *testing.T) {
	t.Parallel()
	type handlers []http.HandlerFunc
	del := rest.Call{Method: http.MethodDelete, Path: get.Path}
	for name, c := range map[string]struct {
		handlers handlers
		call     rest.Call
		retries  int
		want     []string
		failure  string
		attempts int
	}{
		"GET":                 {handlers{expired, good}, get, 0, []string{"GET 1", "GET 2"}, "", 0},
		"POST, with its body": {handlers{expired, good}, post, 0, []string{`POST 1 {"b":2}`, `POST 2 {"b":2}`}, "", 0},
		"DELETE":              {handlers{nameless, good}, del, 0, []string{"DELETE 1", "DELETE 2"}, "", 0},
		"only once":           {handlers{expired}, get, 5, []string{"GET 1", "GET 2"}, "HTTP 401 APIGW.0307", 2},
		"before a retry":      {handlers{expired, busy, good}, get, 1, []string{"GET 1", "GET 2", "GET 2"}, "", 0},
		"after a retry":       {handlers{busy, expired, good}, get, 1, []string{"GET 1", "GET 1", "GET 2"}, "", 0},
		"a lost POST is final": {
			handlers{expired, lose}, post, 5, []string{`POST 1 {"b":2}`, `POST 2 {"b":2}`}, "no response", 2,
		},
		"not for 403": {handlers{respond(http.StatusForbidden, ``)}, get, 5, []string{"GET 1"}, "HTTP 403", 1},
		"not for another 401": {
			handlers{respond(http.StatusUnauthorized, `{"error_code":"SVC.1","error_msg":"not found"}`)},
			get, 5,
			[]string{"GET 1"},
			"HTTP 401 SVC.1: not found", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, c.handlers...)
			failure := do(t, server.client(t, retries(c.retries), func(config *rest.Config) {
				config.Authenticator = &refreshable{"1", "2", "3"}
				config.AcceptsCredentials = func(failure *rest.Error) bool { return failure.Code == "SVC.1" }
			}), c.call)
			server.want(t, c.want...)
			switch {
			case c.failure == "":
				equal(t, "failure", failure, nil)
			case failure == nil || !strings.Contains(failure.Error(), c.failure) || failure.Attempts != c.attempts:
				t.Errorf("got %v, want %s after %d attempts", failure, c.failure, c.attempts)
			}
		})
	}
}

// A response that may contain secrets is quoted only if it is a page.
func TestClient_confidential(t *testing.T) {
	t.Parallel()
	for body, quoted := range map[string]bool{
		`{"secret":"canary`: false, `secret canary`: false, "\n<html>canary</html>": true,
	} {
		var out map[string]any
		call := rest.Call{Method: http.MethodGet, Confidential: true}
		_, err := serve(t, respond(http.StatusOK, body)).client(t).Do(t.Context(), call, &out)
		if err == nil || strings.Contains(err.Error(), "canary") != quoted ||
			!strings.HasSuffix(err.Error(), ": the response is not the documented JSON") {
			t.Errorf("got %v, want it quoted: %v", err, quoted)
		}
	}
}

// The error contains the reason why there is no connection. A retry follows only if the reason may pass.
func TestClient_noConnection(t *testing.T) {
	t.Parallel()
	server, secure := serve(t, good), httptest.NewTLSServer(good)
	t.Cleanup(secure.Close)
	failure := do(t, client(t, secure.URL, retries(5)), get)
	_, isUntrusted := errors.AsType[*tls.CertificateVerificationError](failure)
	if !isUntrusted || failure.Attempts != 1 || failure.Sent {
		t.Errorf("untrusted certificate: got %+v", failure)
	}
	failure = do(t, client(t, strings.Replace(server.URL, "http:", "https:", 1), retries(5)), get)
	if _, ok := errors.AsType[tls.RecordHeaderError](failure); !ok || failure.Attempts != 1 || failure.Sent {
		t.Errorf("plain text: got %+v", failure)
	}
	server.Close()
	failure = do(t, server.client(t), post) // Nothing was sent, so even a POST is retried.
	if !errors.Is(failure, syscall.ECONNREFUSED) || failure.Attempts != 6 || failure.Sent || failure.StatusCode != 0 {
		t.Errorf("closed port: got %+v", failure)
	}
}

// A request goes through the proxy. A rejection by the proxy is retried only if it may pass.
func TestClient_proxy(t *testing.T) {
	t.Parallel()
	for status, attempts := range map[int]int{http.StatusProxyAuthRequired: 1, http.StatusServiceUnavailable: 2} {
		var sent string
		proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
			sent = r.Method + " " + r.Host + " " + r.Header.Get("Proxy-Authorization")
			respond(status, "")(w, r)
		})
		failure := do(t, client(t, "https://service.example", retries(1), withProxy(proxy.Listener.Addr())), get)
		rejected, ok := errors.AsType[*rest.ProxyError](failure)
		want := rest.ProxyError{Host: proxy.Listener.Addr().String(), StatusCode: status}
		if !ok || *rejected != want || failure.Attempts != attempts || failure.Sent ||
			failure.Err.Error() != fmt.Sprintf("the proxy %s returned HTTP %d", want.Host, status) {
			t.Errorf("%d: got %+v", status, failure)
		}
		equal(t, "request to the proxy", sent, "CONNECT service.example:443 Basic dXNlcjpjYW5hcnktcGFzc3dvcmQ=")
	}
}

// withProxy sets a proxy that needs a password.
func withProxy(address net.Addr) func(*rest.Config) {
	proxy := url.URL{Scheme: "http", User: url.UserPassword("user", "canary-password"), Host: address.String()}
	return func(c *rest.Config) { c.Proxy = http.ProxyURL(&proxy) }
}

// The password of the proxy is redacted.
func TestClient_proxyPasswordIsNotShown(t *testing.T) {
	t.Parallel()
	failure := do(t, client(t, "http://service.example", withProxy(&net.TCPAddr{}), func(c *rest.Config) {
		c.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("user:canary-password")
		}
	}), get)
	if !strings.HasSuffix(failure.Error(), "no response: [redacted]") {
		t.Errorf("got %v", failure)
	}
}

func TestClient_requests(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{"": "", "/": "", "/base/path": "/base/path", "/base/": "/base"} {
		server := serve(t, good)
		client := server.client(t, func(c *rest.Config) {
			c.Endpoint, c.UserAgent, c.Authenticator = c.Endpoint+base, "test/1.2.3", static("T")
		})
		call := rest.Call{
			Method: http.MethodPut, Path: []string{"a.b-C_", "x"}, Query: url.Values{"q": {"a b&c"}},
			Body: "b", Header: http.Header{"X-More": {"m"}},
		}
		equal(t, "failure", do(t, client, call), nil)
		server.want(t, `PUT T "b"`)
		request := server.requests()[0]
		equal(t, "URI", request.RequestURI, want+"/a.b-C_/x?q=a+b%26c")
		for name, want := range map[string]string{
			"Content-Type": "application/json;charset=utf8", "Accept": "application/json", "X-Language": "en-us",
			"User-Agent": "test/1.2.3", "X-More": "m",
		} {
			equal(t, name, request.Header.Get(name), want)
		}
	}
}

// An invalid call is not sent.
func TestClient_invalidCallIsNotSent(t *testing.T) {
	t.Parallel()
	server := serve(t, good)
	calls := []rest.Call{{Method: http.MethodPut, Body: func() {}}, {Method: "G T"}}
	for _, id := range []string{
		"", ".", "..", "...", "../a", "a/b\x1b", `a\b`, "%2e%2e", "a b", "a\n", "a?b#d", "a;b", "a:b", "é", "a\u202eb",
	} {
		calls = append(calls, rest.Call{Method: http.MethodGet, Path: []string{"a", id}})
	}
	for _, call := range calls {
		if _, err := server.client(t).Do(t.Context(), call, nil); err == nil {
			t.Errorf("%+v: no error", call)
		}
	}
	server.want(t)
	equal(t, "waits", server.waits(), nil)
}

// A redirect is not followed. The error contains its target without what may be credentials.
func TestClient_redirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	for location, c := range map[string]struct {
		status int
		want   string
	}{
		"https://other.example/v1/x":            {301, "https://other.example/v1/x"},
		"http://other.example:8080":             {302, "http://other.example:8080"},
		"https://u:p@other.example/x?token=t#f": {303, "https://other.example/x"},
		"mailto:u@h":                            {307, ""},
		"https://h:port":                        {307, ""},
		"":                                      {307, ""},
		"/same/host":                            {308, "SERVER/same/host"},
	} {
		server := serve(t, respond(c.status, "", "Location: "+location))
		failure, want := do(t, server.client(t), get), strings.Replace(c.want, "SERVER", server.URL, 1)
		message := strings.TrimSuffix("the endpoint redirects to "+want, " to ") +
			"; the provider does not follow redirects"
		if failure.StatusCode != c.status || failure.Location != want || failure.Message != message ||
			failure.Attempts != 1 {
			t.Errorf("%d %s: got %+v", c.status, location, failure)
		}
		server.want(t, "GET")
	}
}

// A response of up to 4 MiB is read, and no more of a longer one.
func TestClient_longResponseIsAnError(t *testing.T) {
	t.Parallel()
	const limit, most = 4 << 20, 64 << 20 // The second is far more than the buffers between both sides.
	written := make(chan int, 1)
	server := serve(t, respond(200, "{}"+strings.Repeat(" ", limit-2)), func(w http.ResponseWriter, _ *http.Request) {
		chunk, total := make([]byte, 1<<16), 0
		for err := error(nil); err == nil && total < most; {
			var n int
			n, err = w.Write(chunk)
			total += n
		}
		written <- total
	})
	equal(t, "failure", do(t, server.client(t), get), nil)
	failure := do(t, server.client(t), get)
	if total := <-written; total >= most || failure.Attempts != 1 || !failure.Sent ||
		!strings.Contains(failure.Error(), "4 MiB") {
		t.Errorf("got %v after %d bytes", failure, total)
	}
}

// Cancellation ends a request in flight, except a POST that may create something: its response contains an ID.
func TestClient_cancellationInFlight(t *testing.T) {
	t.Parallel()
	repeatable := post
	repeatable.Repeatable = true
	for _, call := range []rest.Call{get, repeatable, post} {
		isCanceled := call.Method == http.MethodGet || call.Repeatable
		ctx, cancel := context.WithCancel(t.Context())
		var client *rest.Client
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			cancel()
			if isCanceled {
				<-r.Context().Done()
				return
			}
			// A client that cancels the POST closes its connection during this call.
			if _, err := client.Do(context.WithoutCancel(r.Context()), get, nil); err != nil {
				t.Error(err)
			}
			equal(t, "end of the request", r.Context().Err(), nil)
			good(w, r)
		}, good)
		client = server.client(t)
		_, err := client.Do(ctx, call, nil)
		failure := failureOf(t, err)
		if errors.Is(err, context.Canceled) != isCanceled || isCanceled && (failure.Attempts != 1 || !failure.Sent) {
			t.Errorf("%s: got %v", call.Method, err)
		}
	}
}

func TestClient_nothingIsSentAfterCancellation(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	server := serve(t, good)
	_, err := server.client(t).Do(ctx, post, nil)
	failure := failureOf(t, err)
	equal(t, "stopped", failure.Stopped, context.Canceled)
	equal(t, "sent", failure.Sent, false)
	equal(t, "text", failure.Error(), "POST "+failure.Host+": not sent: stopped: context canceled")
	server.want(t)
}

// An attempt is one log line, without any header and body.
func TestClient_log(t *testing.T) {
	t.Parallel()
	var clock clock
	var log recorder
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		clock.advance(time.Second)
		lose(w, r)
	}, respond(200, "secret", "X-Request-Id: request", "X-Other: secret"))
	client := server.client(t, clock.set, func(c *rest.Config) { c.Authenticator, c.Log = static("secret"), log.log })
	call := rest.Call{Method: http.MethodPut, Path: []string{"a.b"}, Body: "secret"}
	equal(t, "failure", do(t, client, call), nil)
	request := " host:" + client.Host() + " method:PUT path:/a.b"
	equal(t, "lines", log.lines, []string{
		"no response map[attempt:1 duration_ms:1000 error:EOF" + request + "]",
		"response map[attempt:2 duration_ms:0" + request + " request_id:request status:200]",
	})
}
