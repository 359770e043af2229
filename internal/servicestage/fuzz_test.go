// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// FuzzListPage answers the list with two pages in turn, whatever is asked for.
func FuzzListPage(f *testing.F) {
	for _, pages := range [][2]string{
		{`{"total":0,"list":[]}`, ``},
		{`{"total":2,"list":[{"job_id":"a","job_name":"app"},{"job_id":"a"}]}`, `{"total":2,"list":[{"job_id":"b"}]}`},
		{`{"total":3,"page":"1","list":[{"job_id":"a"}]}`, `{"total":1,"list":null}`},
		{`{"total":9223372036854775807,"list":[{"job_id":"a"}]}`, `{"total":9223372036854775807,"list":[]}`},
		{`{"total":-1,"list":null}`, `{"total":1e3}`},
		{`{"total":1,"list":[{"job_id":""}]}`, `{"total":1,"list":[null]}`},
		{`{"total":1,"list":{"job_id":"a"}}`, `{"error_code":"C","total":0,"list":[]}`},
		{`{"TOTAL":1,"List":[{"JOB_ID":"\ud800"}]}`, `{"total":0.5,"list":[]}`},
		{`null`, `[]`},
		{`{}`, `<html>`},
		{`{"total":1,"list":[[[[`, "\xff"},
	} {
		f.Add([]byte(pages[0]), []byte(pages[1]))
	}
	var answers [2][]byte
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(answers[(asked.Add(1)-1)%2])
	}))
	f.Cleanup(server.Close)
	client, err := servicestage.New(servicestage.Config{
		Endpoint: server.URL, Authenticator: auth.Token(token),
		Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, odd, even []byte) {
		answers = [2][]byte{odd, even}
		asked.Store(0)
		seen := map[string]bool{}
		failed := false
		for job, err := range client.BuildJobs(t.Context(), "app") {
			if failed {
				t.Fatal("the list goes on after an error")
			}
			if err != nil {
				failed = true
				continue
			}
			if job.ID == "" || seen[job.ID] {
				t.Errorf("the job %q, after %v", job.ID, seen)
			}
			seen[job.ID] = true
		}
		// In each of three passes, a page contains new build jobs or is the last one before page 0.
		if asked := asked.Load(); asked > 12 {
			t.Errorf("%d requests for two pages", asked)
		}
	})
}

// FuzzTimestamp reads the one time that the service says of a job.
func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{
		"2025-11-14 09:06:28 +0000 UTC", "2025-11-14 17:06:28.123456 +0800 CST", "2025-11-14T09:06:28Z", "2025-11-14T09:06:28.5+01:00",
		"2025-11-14T09:06:28,5Z", "2024-02-29 23:59:59 +0000 UTC", "2025-02-29 00:00:00 +0000 UTC", "0000-01-01 00:00:00 +0000 UTC",
		"0000-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31 23:00:00 -0100 UTC",
		"9999-12-31T23:59:59Z", "2025-11-14 09:06:28 +0000", "2025-11-14T24:00:00Z", "14 Nov 2025", "1763111188000", "", " ", "é\x00",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		body, err := json.Marshal(map[string]string{"job_id": "id", "created_at": text})
		if err != nil {
			t.Fatal(err)
		}
		var created servicestage.CreatedBuildJob
		if err := json.Unmarshal(body, &created); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		if parsed, err := time.Parse(time.RFC3339, created.CreatedAt); err == nil {
			if given, err := time.Parse(time.RFC3339Nano, text); err == nil && !given.Truncate(time.Second).Equal(parsed) {
				t.Errorf("%q has become %q", text, created.CreatedAt)
			}
			return
		}
		if printable := shown(text); created.CreatedAt != printable {
			t.Errorf("%q has become %q, which is neither RFC 3339 nor unchanged", text, created.CreatedAt)
		}
	})
}

// shown is how much of a text the client keeps.
func shown(text string) string { return rest.Sanitize(text, 2048) }
