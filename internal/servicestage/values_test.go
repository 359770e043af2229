// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"encoding/json"
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
