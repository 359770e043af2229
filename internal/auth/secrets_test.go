// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// echo returns a server that sends each request back, headers and body, in a format and with a status. signatures returns the
// signatures that it received.
func echo(t *testing.T, format string, status int) (address string, signatures func() []string) {
	t.Helper()
	var mu sync.Mutex
	var received []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		request := fmt.Sprintf("%s %v %s", r.RequestURI, r.Header, body)
		if _, signature, ok := strings.Cut(r.Header.Get("Authorization"), "Signature="); ok {
			request += " canary-secret-key" // No server knows it; one that guesses it must not be quoted either.
			mu.Lock()
			received = append(received, signature)
			mu.Unlock()
		}
		encoded, err := json.Marshal(request)
		if err != nil {
			t.Error(err)
		}
		if format == "request ID" {
			w.Header().Set("X-Request-Id", request)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, map[string]string{ // Who does not wait for the response gets none.
			"plain text":        "you sent %[1]s",
			"HTML":              "<html><b>you sent</b> %[1]s</html>",
			"JSON message":      `{"error_code":"C","error_msg":%[2]s}`,
			"JSON without code": `{"request":%[2]s,"token":{"expires_at":%[2]s},"credential":{"expires_at":%[2]s}}`,
			"request ID":        "no%.0[1]s",
		}[format], request, encoded)
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return received
	}
}

// No error and no log line shows a secret that the service or IAM sends back.
func TestSources_echoedSecretIsNotShown(t *testing.T) {
	t.Parallel()
	key := auth.AccessKey{ID: "AK", Secret: "canary-secret-key", SecurityToken: "canary-security-token"}
	for _, format := range []string{"plain text", "HTML", "JSON message", "JSON without code", "request ID"} {
		for _, status := range []int{200, 400, 401, 403, 502} {
			t.Run(fmt.Sprint(format, " ", status), func(t *testing.T) {
				t.Parallel()
				address, signatures := echo(t, format, status)
				var mu sync.Mutex
				var log strings.Builder
				client := func(authenticator rest.Authenticator) *rest.Client {
					return client(t, address, func(c *rest.Config) {
						c.Authenticator = authenticator
						c.Log = func(_ context.Context, message string, fields ...map[string]any) {
							mu.Lock()
							defer mu.Unlock()
							_, _ = fmt.Fprintln(&log, message, fields)
						}
					})
				}
				failures := map[string]error{}
				unsigned := client(nil)
				clients := auth.Clients{IAM: unsigned, Agencies: unsigned, STS: unsigned}
				for name, source := range sources() {
					failures[name] = auth.NewSession(source, "", auth.Project{ID: "p"}, clients).Authenticate(t.Context(), unsent(t), nil)
				}
				failures["project"] = auth.NewSession(auth.Static{Credential: key}, "", auth.Project{Name: "n"}, clients).Authenticate(t.Context(), unsent(t), nil)
				for name, credential := range map[string]auth.Credential{"service, key": key, "service, token": auth.Token("canary-token")} {
					var out struct{ Token map[string]bool }
					session := auth.NewSession(auth.Static{Credential: credential}, "", auth.Project{ID: "p"}, clients)
					_, failures[name] = client(session).Do(t.Context(), rest.Call{Method: http.MethodPut, Body: "b"}, &out)
				}
				redacted := strings.Contains(log.String(), "[redacted]")
				for name, err := range failures {
					if err == nil {
						t.Errorf("%s: there is no error", name)
						continue
					}
					text := err.Error()
					if failure, ok := errors.AsType[*rest.Error](err); ok {
						text = fmt.Sprintln(text, failure.Code, failure.Message, failure.RequestID, failure.Err)
					}
					redacted = redacted || strings.Contains(text, "[redacted]")
					for _, secret := range append(signatures(), "canary") {
						if strings.Contains(text, secret) || strings.Contains(log.String(), secret) {
							t.Errorf("%s: %s is in %s or in the log %s", name, secret, text, log.String())
						}
					}
				}
				if len(signatures()) == 0 || !redacted && (format != "JSON without code" || status != 200) {
					t.Errorf("nothing was redacted, or no request was signed: %v", failures)
				}
			})
		}
	}
}
