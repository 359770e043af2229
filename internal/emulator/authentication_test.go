// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

var defaultKey = auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}

// wantAuthenticated sends a request that creates a job.
func wantAuthenticated(t *testing.T, server *emulator.Server, req *http.Request, valid bool) {
	t.Helper()
	got := do(t, req)
	if valid {
		if got.status != http.StatusOK || len(server.Jobs()) != 1 {
			t.Errorf("got %d %s, want 200 and a job", got.status, got.raw)
		}
		return
	}
	wantError(t, got, "401 APIGW.0301")
	if got := len(server.Jobs()); got != 0 {
		t.Errorf("a rejected request left %d jobs", got)
	}
}

func TestAuthenticate_token(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token, header, value string
		valid                bool
	}{
		"default token":            {"", "X-Auth-Token", emulator.DefaultToken, true},
		"configured token":         {"mine", "X-Auth-Token", "mine", true},
		"not the configured token": {"mine", "X-Auth-Token", emulator.DefaultToken, false},
		"prefix of the token":      {"", "X-Auth-Token", emulator.DefaultToken[:5], false},
		"no credentials":           {"", "X-Auth-Token", "", false},
		"bearer":                   {"", "Authorization", "Bearer " + emulator.DefaultToken, false},
		"no signature":             {"", "Authorization", auth.Algorithm + " Access=EMULATORACCESSKEY", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Token: test.token})
			req := newRequest(t, server, http.MethodPost, jobsPath, plainJob("app"))
			req.Header.Set(test.header, test.value)
			wantAuthenticated(t, server, req, test.valid)
		})
	}
}

func TestAuthenticate_signature(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	signedAt := func(at time.Time) auth.AccessKey {
		key := defaultKey
		key.Now = func() time.Time { return at }
		return key
	}
	temporary := func(token string) auth.AccessKey {
		key := defaultKey
		key.SecurityToken = token
		return key
	}
	own := emulator.Options{AccessKey: "AK", SecretKey: "SK"}
	needsToken := emulator.Options{SecurityToken: "temporary"}
	for _, test := range []struct {
		name          string
		options       emulator.Options
		key           auth.AccessKey
		before, after func(*http.Request) // Called before and after the request is signed.
		valid         bool
	}{
		{name: "default key", key: defaultKey, valid: true},
		{name: "configured key", options: own, key: auth.AccessKey{ID: "AK", Secret: "SK"}, valid: true},
		{name: "default instead of the configured key", options: own, key: defaultKey},
		{name: "wrong secret", key: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: "wrong"}},
		{name: "unknown key", key: auth.AccessKey{ID: "UNKNOWN", Secret: emulator.DefaultSecretKey}},
		{name: "14 minutes old", key: signedAt(now.Add(-14 * time.Minute)), valid: true},
		{name: "16 minutes old", key: signedAt(now.Add(-16 * time.Minute))},
		{name: "16 minutes early", key: signedAt(now.Add(16 * time.Minute))},
		{name: "tampered body", key: defaultKey, after: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(plainJob("APP")))
		}},
		{name: "tampered query", key: defaultKey, after: func(r *http.Request) { r.URL.RawQuery = "a=2&b=2" }},
		{name: "query in another order", key: defaultKey, valid: true, after: func(r *http.Request) {
			r.URL.RawQuery = "b=2&a=1"
		}},
		{name: "no date", key: defaultKey, after: func(r *http.Request) { r.Header.Del(auth.DateHeader) }},
		{name: "unreadable date", key: defaultKey, before: func(r *http.Request) {
			r.Header.Set(auth.DateHeader, "yesterday")
		}},
		{name: "project added by a proxy", key: defaultKey, valid: true, after: func(r *http.Request) {
			r.Header.Set("X-Project-Id", "project")
		}},
		{name: "security token", options: needsToken, key: temporary("temporary"), valid: true},
		{name: "wrong security token", options: needsToken, key: temporary("expired")},
		{name: "no security token", options: needsToken, key: defaultKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Now = func() time.Time { return now }
			server := emulator.New(t, test.options)
			body := plainJob("app")
			req := newRequest(t, server, http.MethodPost, jobsPath+"?a=1&b=2", body)
			if test.before != nil {
				test.before(req)
			}
			if test.key.Now == nil {
				test.key.Now = func() time.Time { return now }
			}
			if err := test.key.Authenticate(t.Context(), req, []byte(body)); err != nil {
				t.Fatal(err)
			}
			if test.after != nil {
				test.after(req)
			}
			wantAuthenticated(t, server, req, test.valid)
		})
	}
}

// A signature without the host or the date could be sent to another host, or at any time.
func TestAuthenticate_hostAndDateMustBeSigned(t *testing.T) {
	t.Parallel()
	for headers, valid := range map[string]bool{
		"host;x-sdk-date": true, "content-type;host;x-sdk-date": true, "host": false, "x-sdk-date": false,
	} {
		server := emulator.New(t, emulator.Options{})
		body := plainJob("app")
		req := newRequest(t, server, http.MethodPost, jobsPath, body)
		defaultKey.Sign(req, []byte(body), strings.Split(headers, ";"))
		wantAuthenticated(t, server, req, valid)
	}
}
