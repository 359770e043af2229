// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

// The published example of the signing guide.
func TestAccessKey_publishedVector(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		"https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"+
			"?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	key := auth.AccessKey{
		ID:     "QTWAOYTTINDUT2QVKYUC",
		Secret: "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc",
		Now:    func() time.Time { return time.Date(2019, 11, 15, 3, 36, 55, 0, time.UTC) },
	}
	key.Sign(req, nil, []string{"content-type", "host", "x-sdk-date"})

	const want = "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, " +
		"Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
	if got := req.Header.Get("Authorization"); got != want {
		t.Errorf("Authorization\n got %s\nwant %s", got, want)
	}
	if got, want := req.Header.Get(auth.DateHeader), "20191115T033655Z"; got != want {
		t.Errorf("%s: got %s, want %s", auth.DateHeader, got, want)
	}
}

func TestAccessKey_signsProjectAndSecurityToken(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.com/assembling/v1/jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Project-Id", "project")
	key := auth.AccessKey{ID: "id", Secret: "secret", SecurityToken: "temporary"}
	if err := key.Authenticate(t.Context(), req, []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if got := req.Header.Get("X-Security-Token"); got != "temporary" {
		t.Errorf("X-Security-Token: got %q", got)
	}
	if got := req.Header.Get("Authorization"); !strings.Contains(got, "SignedHeaders=host;x-project-id;x-sdk-date;x-security-token,") {
		t.Errorf("Authorization does not cover project and security token: %s", got)
	}
	if _, err := time.Parse(auth.DateFormat, req.Header.Get(auth.DateHeader)); err != nil {
		t.Error(err)
	}
}

func TestSignature_dependsOnEachPart(t *testing.T) {
	t.Parallel()
	sign := func(method, url, body, secret string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(auth.DateHeader, "20191115T033655Z")
		return auth.Signature(secret, req, []byte(body), []string{"host", "x-sdk-date"})
	}
	base := sign("GET", "https://a.example/x?b=1&a=2", "body", "secret")
	if same := sign("GET", "https://a.example/x/?a=2&b=1", "body", "secret"); same != base {
		t.Error("the order of the query and a final slash change the signature")
	}
	for name, other := range map[string]string{
		"method": sign("PUT", "https://a.example/x?b=1&a=2", "body", "secret"),
		"host":   sign("GET", "https://b.example/x?b=1&a=2", "body", "secret"),
		"path":   sign("GET", "https://a.example/y?b=1&a=2", "body", "secret"),
		"query":  sign("GET", "https://a.example/x?b=1&a=3", "body", "secret"),
		"body":   sign("GET", "https://a.example/x?b=1&a=2", "Body", "secret"),
		"secret": sign("GET", "https://a.example/x?b=1&a=2", "body", "Secret"),
	} {
		if other == base {
			t.Errorf("the %s does not change the signature", name)
		}
	}
}

// BenchmarkAccessKey is the signature of a request that creates a job.
func BenchmarkAccessKey(b *testing.B) {
	body := []byte(`{"job_name":"app","job_description":"Builds the app","environment_setting":{"docker_version":"18.09",
		"use_public_cluster":true,"build_os":{"arch":"x86_64"}},"code_repo":{"type":"GitHub","url":"https://github.com/acme/app","branch":"main","namespace":"acme"}}`)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "https://servicestage.cn-north-4.myhuaweicloud.com/assembling/v1/jobs", bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("X-Project-Id", "7dacae0ecd8f4a8b97bd8d7e7b6f4a3c")
	key := auth.AccessKey{ID: "ID", Secret: "secret"}
	b.ReportAllocs()
	for b.Loop() {
		req.Header.Del(auth.DateHeader)
		if err := key.Authenticate(b.Context(), req, body); err != nil {
			b.Fatal(err)
		}
	}
}
