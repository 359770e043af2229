// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
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
	key := auth.AccessKey{ID: "id", Secret: "secret", SecurityToken: "temporary"}
	session := auth.NewSession(auth.Static{Credential: key}, "", auth.Project{ID: "project"}, auth.Clients{})
	header := authenticated(t, session).Header
	if got := header.Get("X-Security-Token"); got != "temporary" {
		t.Errorf("X-Security-Token: got %q", got)
	}
	const signed = "SignedHeaders=host;x-project-id;x-sdk-date;x-security-token,"
	if got := header.Get("Authorization"); !strings.Contains(got, signed) {
		t.Errorf("Authorization does not cover project and security token: %s", got)
	}
}
