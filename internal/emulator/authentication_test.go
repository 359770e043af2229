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

// A create request with valid credentials creates a job. One without is rejected and changes nothing.
func TestAuthenticate(t *testing.T) {
	t.Parallel()
	now, body := new(clock).Now(), plainJob("app")
	key := func(change func(*auth.AccessKey)) auth.AccessKey {
		key := defaultKey
		key.Now = func() time.Time { return now }
		change(&key)
		return key
	}
	valid := key(func(*auth.AccessKey) {})
	signedAt := func(at time.Time) auth.AccessKey {
		return key(func(k *auth.AccessKey) { k.Now = func() time.Time { return at } })
	}
	temporary := func(token string) auth.AccessKey {
		return key(func(k *auth.AccessKey) { k.SecurityToken = token })
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	setQuery := func(query string) func(*http.Request) {
		return func(r *http.Request) { r.URL.RawQuery = query }
	}
	sign := func(headers ...string) func(*http.Request) {
		return func(r *http.Request) { valid.Sign(r, []byte(body), headers) }
	}
	own := emulator.Options{AccessKey: "AK", SecretKey: "SK", Token: "mine"}
	needsToken := emulator.Options{SecurityToken: "temporary"}
	for _, test := range []struct {
		name    string
		options emulator.Options
		key     auth.AccessKey      // Signs the request, unless it is empty.
		after   func(*http.Request) // Changes the request afterwards.
		valid   bool
	}{
		{name: "default token", after: set("X-Auth-Token", emulator.DefaultToken), valid: true},
		{name: "configured token", options: own, after: set("X-Auth-Token", "mine"), valid: true},
		{name: "not the configured token", options: own, after: set("X-Auth-Token", emulator.DefaultToken)},
		{name: "prefix of the token", after: set("X-Auth-Token", emulator.DefaultToken[:5])},
		{name: "no credentials"},
		{name: "bearer", after: set("Authorization", "Bearer "+emulator.DefaultToken)},
		{name: "no signature", after: set("Authorization", auth.Algorithm+" Access=EMULATORACCESSKEY")},
		{name: "default key", key: valid, valid: true},
		{name: "configured key", options: own, valid: true, key: key(func(k *auth.AccessKey) {
			k.ID, k.Secret = "AK", "SK"
		})},
		{name: "default instead of the configured key", options: own, key: valid},
		{name: "wrong secret", key: key(func(k *auth.AccessKey) { k.Secret = "wrong" })},
		{name: "unknown key", key: key(func(k *auth.AccessKey) { k.ID = "UNKNOWN" })},
		{name: "14 minutes old", key: signedAt(now.Add(-14 * time.Minute)), valid: true},
		{name: "16 minutes old", key: signedAt(now.Add(-16 * time.Minute))},
		{name: "16 minutes early", key: signedAt(now.Add(16 * time.Minute))},
		{name: "tampered body", key: valid, after: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(plainJob("APP")))
		}},
		{name: "tampered query", key: valid, after: setQuery("a=2&b=2")},
		{name: "query in another order", key: valid, after: setQuery("b=2&a=1"), valid: true},
		{name: "no date", key: valid, after: func(r *http.Request) { r.Header.Del(auth.DateHeader) }},
		{name: "unreadable date", after: func(r *http.Request) {
			r.Header.Set(auth.DateHeader, "yesterday")
			valid.Sign(r, []byte(body), []string{"host", "x-sdk-date"})
		}},
		{name: "project added by a proxy", key: valid, after: set("X-Project-Id", "project"), valid: true},
		{name: "security token", options: needsToken, key: temporary("temporary"), valid: true},
		{name: "wrong security token", options: needsToken, key: temporary("expired")},
		{name: "no security token", options: needsToken, key: valid},
		// A signature without the host or the date could be sent to another host, or at any time.
		{name: "host and date signed", after: sign("content-type", "host", "x-sdk-date"), valid: true},
		{name: "date not signed", after: sign("host")},
		{name: "host not signed", after: sign("x-sdk-date")},
		{name: "account not signed", key: valid, after: set("X-Domain-Id", emulator.DomainID)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Now = func() time.Time { return now }
			server := emulator.New(t, test.options)
			req := newRequest(t, server, http.MethodPost, jobsPath+"?a=1&b=2", body)
			if test.key.ID != "" {
				if err := test.key.Authenticate(t.Context(), req, []byte(body)); err != nil {
					t.Fatal(err)
				}
			}
			if test.after != nil {
				test.after(req)
			}
			got := do(t, req)
			if jobs := len(server.Jobs()); (jobs == 1) != test.valid {
				t.Errorf("got %d %s and %d jobs", got.status, got.raw, jobs)
			}
			if !test.valid {
				wantError(t, got, "401 APIGW.0301")
			}
		})
	}
}
