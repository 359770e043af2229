// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// counting is an authenticator whose credentials belong to one attempt and its body.
type counting struct{ attempts int }

func (c *counting) Authenticate(_ context.Context, req *http.Request, body []byte) error {
	c.attempts++
	req.Header.Set("X-Auth-Token", fmt.Sprintf("%d-%s", c.attempts, body))
	return nil
}

// A POST that creates something is retried only if that cannot create it twice. Each attempt is authenticated.
func TestRetry_byMethodAndFault(t *testing.T) {
	t.Parallel()
	cut := func(status int) http.HandlerFunc { return respond(status, `{"a":1}`, "Content-Length: 99") }
	for name, c := range map[string]struct {
		fault     http.HandlerFunc
		status    int // As far as the client knows it.
		put, post bool
	}{
		"408":               {respond(408, ""), 408, true, false},
		"429":               {respond(429, ""), 429, true, true},
		"500":               {respond(500, ""), 500, true, false},
		"502":               {respond(502, ""), 502, true, false},
		"503":               {respond(503, ""), 503, true, false},
		"504":               {respond(504, ""), 504, true, false},
		"dropped":           {lose, 0, true, false},
		"truncated":         {cut(200), 0, true, false},
		"truncated error":   {cut(403), 0, true, false},
		"307":               {respond(307, ""), 307, false, false},
		"403":               {respond(403, ""), 403, false, false},
		"409":               {respond(409, ""), 409, false, false},
		"501":               {respond(501, ""), 501, false, false},
		"505":               {respond(505, ""), 505, false, false},
		"error code in 200": {respond(200, `{"error_code":"C"}`), 200, false, false},
	} {
		put, remove, repeatable := post, post, post
		put.Method, remove.Method, repeatable.Repeatable = http.MethodPut, http.MethodDelete, true
		for _, call := range []rest.Call{put, remove, repeatable, post} {
			retried := c.put
			if call.Method == http.MethodPost && !call.Repeatable {
				retried = c.post
			}
			t.Run(fmt.Sprint(name, " ", call.Method, call.Repeatable), func(t *testing.T) {
				t.Parallel()
				server := serve(t, c.fault, good)
				client := server.client(t, func(c *rest.Config) { c.Authenticator = &counting{} })
				failure := do(t, client, call)
				line := call.Method + ` 1-{"b":2} {"b":2}`
				if retried {
					equal(t, "failure", failure, nil)
					server.want(t, line, call.Method+` 2-{"b":2} {"b":2}`)
					equal(t, "number of waits", len(server.waits()), 1)
					return
				}
				server.want(t, line)
				equal(t, "waits", server.waits(), nil)
				if failure.StatusCode != c.status || failure.Method != call.Method || failure.Attempts != 1 ||
					!failure.Sent || failure.Stopped != nil {
					t.Errorf("got %+v", failure)
				}
			})
		}
	}
}

// A POST that did not reach the service is retried.
func TestRetry_failedHandshake(t *testing.T) {
	t.Parallel()
	server := newServer(t, good)
	handshakes := 0
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if handshakes++; handshakes == 1 {
			return nil, errors.New("not now")
		}
		return nil, nil //nolint:nilnil // The configuration stays as it is.
	}
	server.StartTLS()
	equal(t, "failure", do(t, server.client(t, func(c *rest.Config) { c.InsecureSkipVerify = true }), post), nil)
	server.want(t, `POST  {"b":2}`)
	equal(t, "number of waits", len(server.waits()), 1)
}

// failing is an authenticator without credentials.
type failing struct{}

func (failing) Authenticate(context.Context, *http.Request, []byte) error {
	return errors.New("no credentials left")
}

func TestRetry_noCredentials(t *testing.T) {
	t.Parallel()
	server := serve(t, good)
	failure := do(t, server.client(t, func(c *rest.Config) { c.Authenticator = failing{} }), post)
	if failure.Attempts != 1 || failure.Sent || !strings.Contains(failure.Error(), "no credentials left") {
		t.Errorf("got %+v", failure)
	}
	server.want(t)
}

// The backoff doubles until no retry is left. The error is the last response.
func TestRetry_exhausted(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 1, 12} {
		attempts := max(n, 0) + 1
		var handlers []http.HandlerFunc
		for i := range attempts {
			body := fmt.Sprintf(`{"error_code":"CODE.%d","error_msg":"try %[1]d"}`, i+1)
			handlers = append(handlers, respond(503, body))
		}
		server := serve(t, handlers...)
		failure := do(t, server.client(t, retries(n)), get)
		equal(t, "attempts", failure.Attempts, attempts)
		equal(t, "number of requests", len(server.requests()), attempts)
		equal(t, "text", failure.Error(), fmt.Sprintf("GET %s: HTTP 503 CODE.%d: try %[2]d", failure.Host, attempts))
		equal(t, "number of waits", len(server.waits()), attempts-1)
		most := 500 * time.Millisecond
		for i, got := range server.waits() {
			if got < most/2 || got > most {
				t.Errorf("wait %d: got %v, want %v to %v", i+1, got, most/2, most)
			}
			most = min(2*most, 30*time.Second)
		}
	}
}

// now is the time of the client in tests of Retry-After.
var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// The clock of the client is a day behind that of the server.
func TestRetry_retryAfterNeverShortensTheBackoff(t *testing.T) {
	t.Parallel()
	const least, most = 250 * time.Millisecond, 500 * time.Millisecond // The backoff.
	for _, c := range []struct {
		header, date string
		least, most  time.Duration
	}{
		{"0", "", least, most},
		{"soon", "", least, most},
		{"7", "", 7 * time.Second, 7 * time.Second},
		{"18446744074", "", 24 * time.Hour, 24 * time.Hour},
		{"99999999999999999999", "", 24 * time.Hour, 24 * time.Hour},
		{"Sat, 03 Jan 2026 03:34:05 GMT", "Sat, 03 Jan 2026 03:04:05 GMT", 30 * time.Minute, 30 * time.Minute},
		{"Sat, 03 Jan 2026 03:04:05 GMT", "Sat, 03 Jan 2026 03:04:05 GMT", least, most},
		{"Sat, 03 Jan 2026 02:04:05 GMT", "Sat, 03 Jan 2026 03:04:05 GMT", least, most},
		{"Fri, 02 Jan 2026 03:34:05 GMT", "not a date", 30 * time.Minute, 30 * time.Minute},
	} {
		server := serve(t, respond(503, "", "Retry-After: "+c.header, "Date: "+c.date), good)
		equal(t, "failure", do(t, server.client(t, new(clock).set), get), nil)
		if waits := server.waits(); len(waits) != 1 || waits[0] < c.least || waits[0] > c.most {
			t.Errorf("%s: got %v, want one wait of %v to %v", c.header, waits, c.least, c.most)
		}
	}
}

// A wait that exceeds the timeout of the operation does not begin, and the error contains the response that requests
// it. Later calls are not sent, and their errors contain the response too.
func TestRetry_waitBeyondTimeoutDoesNotBegin(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"600", "Fri, 02 Jan 2026 03:14:05 GMT"} {
		server := serve(t, respond(429, `{"error_code":"APIGW.0308","error_msg":"slow down","request_id":"r"}`,
			"Retry-After: "+header, "Date: Fri, 02 Jan 2026 03:04:05 GMT"))
		client := server.client(t, new(clock).set)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for i, call := range []rest.Call{get, post} {
			_, err := client.Do(ctx, call, nil)
			failure := failureOf(t, err)
			if failure.StatusCode != http.StatusTooManyRequests || failure.Code != "APIGW.0308" ||
				failure.Message != "slow down" || failure.RequestID != "r" || failure.Method != call.Method ||
				failure.Attempts != 1-i || failure.Sent != (i == 0) || failure.RetryAfter != 10*time.Minute {
				t.Errorf("got %+v", failure)
			}
			wait, ok := errors.AsType[*rest.WaitError](failure.Stopped)
			if !ok || wait.Wait != 10*time.Minute || wait.Left <= 0 || wait.Left > time.Minute ||
				!errors.Is(err, context.DeadlineExceeded) ||
				!strings.Contains(err.Error(), "a wait of 10m0s exceeds the remaining ") {
				t.Errorf("stopped by %v, want a wait of ten minutes that exceeds one", failure.Stopped)
			}
		}
		server.want(t, "GET")
		equal(t, "waits", server.waits(), nil)
	}
}

// The error contains the last response, also if the context ends after the wait.
func TestRetry_cancellationEndsTheWait(t *testing.T) {
	t.Parallel()
	for _, result := range []error{context.Canceled, nil} {
		ctx, cancel := context.WithCancel(t.Context())
		server := serve(t, busy, respond(429, `{"error_code":"APIGW.0308"}`))
		_, err := server.client(t, func(c *rest.Config) {
			c.Wait = func(ctx context.Context, d time.Duration) error {
				if len(server.waits()) == 1 {
					cancel()
					return result
				}
				return server.wait(ctx, d)
			}
		}).Do(ctx, get, nil)
		failure := failureOf(t, err)
		if !errors.Is(failure.Stopped, context.Canceled) || failure.Attempts != 2 || failure.Code != "APIGW.0308" ||
			!strings.HasSuffix(err.Error(), ": stopped: context canceled") {
			t.Errorf("got %+v: %v", failure, err)
		}
		server.want(t, "GET", "GET")
	}
}
