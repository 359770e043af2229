// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// RFC 3339 has the years 0 to 9999. A time of another year stays as it came.
func TestTimestamp_years(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0000-01-01T00:00:00Z":            "0000-01-01T00:00:00Z",
		"0000-01-01T00:00:00+01:00":       "0000-01-01T00:00:00+01:00",
		"0000-01-01 00:00:00 +0100 CET":   "0000-01-01 00:00:00 +0100 CET",
		"0000-01-01T00:00:00-01:00":       "0000-01-01T01:00:00Z",
		"0000-01-01T01:00:00+01:00":       "0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z":            "9999-12-31T23:59:59Z",
		"9999-12-31T23:59:59.9-01:00":     "9999-12-31T23:59:59.9-01:00",
		"9999-12-31 23:00:00 -0100 -01":   "9999-12-31 23:00:00 -0100 -01",
		"9999-12-31T23:59:59+01:00":       "9999-12-31T22:59:59Z",
		"9999-12-31 22:59:59 -0100 -01":   "9999-12-31T23:59:59Z",
		"10000-01-01T00:00:00Z":           "10000-01-01T00:00:00Z",
		"-0001-12-31 23:00:00 +0000 UTC":  "-0001-12-31 23:00:00 +0000 UTC",
		"2025-11-14 17:06:28.9 +0800 CST": "2025-11-14T09:06:28Z",
	} {
		var created servicestage.CreatedBuildJob
		if err := json.Unmarshal([]byte(`{"job_id":"id","created_at":"`+text+`"}`), &created); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		equal(t, text, created, servicestage.CreatedBuildJob{ID: "id", CreatedAt: want})
		var job servicestage.BuildJob
		if err := json.Unmarshal([]byte(`{"job_id":"id","created_at":"`+text+`","spec":{}}`), &job); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		equal(t, text, job.CreatedAt, want)
	}
}

// An answer that is not as documented is told by what it was expected to be.
func TestDecoding_errorsNameTheAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ method, body, want string }{
		{http.MethodGet, `[]`, "cannot unmarshal array into Go value of type servicestage.jobAnswer"},
		{http.MethodGet, `{"job_id":7}`, "cannot unmarshal number into Go struct field jobAnswer.job_id of type string"},
		{http.MethodPost, `[]`, "cannot unmarshal array into Go value of type servicestage.createAnswer"},
		{http.MethodPost, `{"job_id":7}`, "cannot unmarshal number into Go struct field createAnswer.job_id of type string"},
		{"list", `[]`, "cannot unmarshal array into Go value of type servicestage.listAnswer"},
		{"list", `{"total":"3"}`, "cannot unmarshal string into Go struct field listAnswer.total of type int"},
		{"list", `{"total":-1,"list":[]}`, "total or list is missing"},
		{"list", `{"total":-1,"list":null}`, "total or list is missing"},
	} {
		t.Run(test.method+" "+test.body, func(t *testing.T) {
			t.Parallel()
			replies := []reply{{body: test.body}}
			if test.method == http.MethodPost {
				replies = append(replies, noList)
			}
			client := script(t, replies...).client(t)
			var err error
			if call, ok := operations[test.method]; ok {
				err = call(t.Context(), client)
			} else {
				for _, listErr := range client.BuildJobs(t.Context(), "") {
					err = listErr
				}
			}
			failure := failureOf(t, err)
			equal(t, "status", failure.StatusCode, http.StatusOK)
			if failure.Err == nil || !strings.HasSuffix(failure.Err.Error(), test.want) {
				t.Errorf("got %v, want it to end in %q", failure.Err, test.want)
			}
		})
	}
}
