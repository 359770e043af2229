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

func TestAuthenticate_token(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		options       emulator.Options
		authorization map[string]string
		valid         bool
	}{
		{"default token", emulator.Options{}, map[string]string{"X-Auth-Token": emulator.DefaultToken}, true},
		{"own token", emulator.Options{Token: "mine"}, map[string]string{"X-Auth-Token": "mine"}, true},
		{"default in place of the own token", emulator.Options{Token: "mine"}, map[string]string{"X-Auth-Token": emulator.DefaultToken}, false},
		{"wrong token", emulator.Options{}, map[string]string{"X-Auth-Token": "wrong"}, false},
		{"prefix of the token", emulator.Options{}, map[string]string{"X-Auth-Token": emulator.DefaultToken[:5]}, false},
		{"no credentials", emulator.Options{}, nil, false},
		{"empty token", emulator.Options{}, map[string]string{"X-Auth-Token": ""}, false},
		{"bearer", emulator.Options{}, map[string]string{"Authorization": "Bearer " + emulator.DefaultToken}, false},
		{"algorithm alone", emulator.Options{}, map[string]string{"Authorization": auth.Algorithm}, false},
		{"no signature", emulator.Options{}, map[string]string{
			"Authorization": auth.Algorithm + " Access=" + emulator.DefaultAccessKey,
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, test.options)
			req, err := newRequest(t.Context(), server, http.MethodPost, jobsPath, plainJob("app"))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range test.authorization {
				req.Header.Set(name, value)
			}
			wantAuthenticated(t, server, req, test.valid)
		})
	}
}

// wantAuthenticated sends a request that creates a job.
func wantAuthenticated(t *testing.T, server *emulator.Server, req *http.Request, valid bool) {
	t.Helper()
	got, err := exchange(req)
	if err != nil {
		t.Fatal(err)
	}
	if valid {
		if got.status != http.StatusOK || len(server.Jobs()) != 1 {
			t.Errorf("got %d %s, want 200 and a job", got.status, got.raw)
		}
		return
	}
	wantError(t, got, http.StatusUnauthorized, "APIGW.0301")
	if message, _ := got.body["error_msg"].(string); !strings.HasPrefix(message, "Incorrect IAM authentication information: ") {
		t.Errorf("error_msg: got %q", message)
	}
	if got := len(server.Jobs()); got != 0 {
		t.Errorf("a refused request left %d jobs", got)
	}
}

func TestAuthenticate_signature(t *testing.T) {
	t.Parallel()
	now := newClock().Now()
	defaultKey := auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}
	signedAt := func(at time.Time) auth.AccessKey {
		key := defaultKey
		key.Now = func() time.Time { return at }
		return key
	}
	for _, test := range []struct {
		name    string
		options emulator.Options
		key     auth.AccessKey
		before  func(*http.Request) // signing
		after   func(*http.Request)
		valid   bool
	}{
		{name: "right", key: defaultKey, valid: true},
		{name: "own pair", options: emulator.Options{AccessKey: "AK", SecretKey: "SK"}, key: auth.AccessKey{ID: "AK", Secret: "SK"}, valid: true},
		{name: "defaults in place of the own pair", options: emulator.Options{AccessKey: "AK", SecretKey: "SK"}, key: defaultKey},
		{name: "wrong secret", key: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: "wrong"}},
		{name: "unknown key", key: auth.AccessKey{ID: "UNKNOWN", Secret: emulator.DefaultSecretKey}},
		{name: "14 minutes old", key: signedAt(now.Add(-14 * time.Minute)), valid: true},
		{name: "14 minutes early", key: signedAt(now.Add(14 * time.Minute)), valid: true},
		{name: "16 minutes old", key: signedAt(now.Add(-16 * time.Minute))},
		{name: "16 minutes early", key: signedAt(now.Add(16 * time.Minute))},
		{name: "tampered body", key: defaultKey, after: func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(plainJob("APP")))
		}},
		{name: "tampered query", key: defaultKey, after: func(r *http.Request) { r.URL.RawQuery = "a=2&b=2" }},
		{name: "dropped query", key: defaultKey, after: func(r *http.Request) { r.URL.RawQuery = "" }},
		{name: "query in another order", key: defaultKey, after: func(r *http.Request) { r.URL.RawQuery = "b=2&a=1" }, valid: true},
		{name: "tampered path", key: defaultKey, after: func(r *http.Request) { r.URL.Path += "/x" }},
		{name: "tampered method", key: defaultKey, after: func(r *http.Request) { r.Method = http.MethodPut }},
		{name: "tampered date", key: defaultKey, after: func(r *http.Request) {
			r.Header.Set(auth.DateHeader, now.Add(time.Minute).Format(auth.DateFormat))
		}},
		{name: "no date", key: defaultKey, after: func(r *http.Request) { r.Header.Del(auth.DateHeader) }},
		{name: "unreadable date", key: defaultKey, before: func(r *http.Request) { r.Header.Set(auth.DateHeader, "yesterday") }},
		{
			name: "signed project", key: defaultKey, valid: true,
			before: func(r *http.Request) { r.Header.Set("X-Project-Id", "project") },
		},
		{
			name: "tampered project", key: defaultKey,
			before: func(r *http.Request) { r.Header.Set("X-Project-Id", "project") },
			after:  func(r *http.Request) { r.Header.Set("X-Project-Id", "another") },
		},
		{
			name: "project added by a proxy", key: defaultKey, valid: true,
			after: func(r *http.Request) { r.Header.Set("X-Project-Id", "project") },
		},
		{
			name: "security token", options: emulator.Options{SecurityToken: "temporary"}, valid: true,
			key: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey, SecurityToken: "temporary"},
		},
		{
			name: "wrong security token", options: emulator.Options{SecurityToken: "temporary"},
			key: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey, SecurityToken: "expired"},
		},
		{name: "no security token", options: emulator.Options{SecurityToken: "temporary"}, key: defaultKey},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.options.Now = func() time.Time { return now }
			server := emulator.New(t, test.options)
			body := plainJob("app")
			req, err := newRequest(t.Context(), server, http.MethodPost, jobsPath+"?a=1&b=2", body)
			if err != nil {
				t.Fatal(err)
			}
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

// A signature that leaves out the host or the date could be sent to another host, or at any time.
func TestAuthenticate_signedHeaders(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		headers string
		valid   bool
	}{
		{"host;x-sdk-date", true},
		{"content-type;host;x-sdk-date", true},
		{"host", false},
		{"x-sdk-date", false},
	} {
		t.Run(test.headers, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			body := plainJob("app")
			req, err := newRequest(t.Context(), server, http.MethodPost, jobsPath, body)
			if err != nil {
				t.Fatal(err)
			}
			key := auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}
			key.Sign(req, []byte(body), strings.Split(test.headers, ";"))
			wantAuthenticated(t, server, req, test.valid)
		})
	}
}

func TestAuthenticate_ownSecretKeyAlone(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{SecretKey: "mine"})
	req, err := newRequest(t.Context(), server, http.MethodPost, jobsPath, plainJob("app"))
	if err != nil {
		t.Fatal(err)
	}
	key := auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: "mine"}
	if err := key.Authenticate(t.Context(), req, []byte(plainJob("app"))); err != nil {
		t.Fatal(err)
	}
	wantAuthenticated(t, server, req, true)
}
