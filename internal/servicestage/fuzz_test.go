// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf8"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// fuzzed returns a client of a service that returns what respond returns.
func fuzzed(f *testing.F, respond func(r *http.Request) []byte) *servicestage.Client {
	f.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(respond(r))
	}))
	f.Cleanup(server.Close)
	return newClient(f, server.URL, maxRetries(0))
}

// FuzzBuild reads one response as a build and as a page of the list of builds.
func FuzzBuild(f *testing.F) {
	for _, body := range []string{
		`{"build_id":"b","index":2,"build_state":"Building","started_at":"2025-11-14 09:06:28 +0000 UTC","duration":0}`,
		`{"build_id":"b","state":"Successful","started_at":"2025-11-14T09:06:28Z","ended_at":"2025-11-14T09:07:28Z"}`,
		`{"build_id":"b","build_state":"Failed","duration":1e300,"creator":{"name":"me"},"index":[[[]]]}`,
		`{"build_id":"b","job_id":"other"}`, `{"build_id":"a/../b"}`, `{"BUILD_ID":"b","job_id":{}}`,
		`{"total":1,"list":[{"build_id":"b","build_state":"Failed","duration":7}]}`, `{"total":1,"list":[null]}`,
		`{"total":9223372036854775807,"per_page":-1,"list":[{"build_id":"c"}]}`,
		`{"total":2,"list":[{"build_id":"b"},{"build_id":"b"}]}`,
		`{"total":1,"list":[{"build_id":"b","job_id":"other"}]}`,
		`null`, `[]`, `{}`, `<html>`, "\xff", `{"list":[[[[`, `{"error_code":"SVCSTG.CPE.4044402","build_id":"b"}`,
	} {
		f.Add([]byte(body))
	}
	var body []byte
	var requests atomic.Int32
	client := fuzzed(f, func(r *http.Request) []byte {
		requests.Add(1)
		if strings.HasSuffix(r.URL.Path, "/jobs/id") {
			return []byte(goodJob)
		}
		return body
	})
	f.Fuzz(func(t *testing.T, response []byte) {
		body = response
		build, err := client.GetBuild(t.Context(), "b", "id")
		switch {
		case (build == nil) != (err != nil):
			t.Errorf("got %v, %v", build, err)
		case err == nil && (build.ID != "b" || build.JobID != "" && build.JobID != "id"):
			t.Errorf("another build is accepted: %+v", build)
		case err == nil && build.Duration != nil && (*build.Duration < 0 || !build.State.Ended()):
			t.Errorf("duration %s in the state %s", build.Duration, build.State)
		}
		requests.Store(0)
		list, err := client.Builds(t.Context(), "id")
		if err == nil {
			seen := map[string]bool{}
			for _, row := range list.Builds {
				if !rest.PathElement.MatchString(row.ID) || seen[row.ID] {
					t.Errorf("the build %q, after %v", row.ID, seen)
				}
				seen[row.ID] = true
			}
		}
		if requests := requests.Load(); requests > 3 {
			t.Errorf("%d requests for a list whose pages are the same", requests)
		}
	})
}

// FuzzPhases reads one response as phases, as results of code checks and as their information.
func FuzzPhases(f *testing.F) {
	for _, body := range []string{
		`{"list":[{"id":6,"name":"Init","state":"Successful"},{"id":"7","name":"Build","state":"Failed"}]}`,
		`{"list":null}`, `{"list":[null,{},{"id":{},"name":[],"state":1}]}`, `{"list":{}}`,
		`{"checkstyle":{"static":{"count_info":[{"build_id":"b","total_count":"2"}]}},"pmd":{"violations":3}}`,
		`{"checkstyle":[],"pmd":{"static":1},"x":null}`, `{"x":{"static":{"count_info":[null,1]}}}`,
		`{"a":{"b":{"count_info":[{}]}},"a":{"b":{"count_info":[{}]}}}`, `null`, `[]`, `{}`, `<html>`, "\xff",
		`{"list":[[[[`,
	} {
		f.Add([]byte(body))
	}
	var body []byte
	client := fuzzed(f, func(*http.Request) []byte { return body })
	f.Fuzz(func(t *testing.T, response []byte) {
		body = response
		if phases, err := client.Phases(t.Context(), "b"); err == nil && len(phases) > 1000 {
			t.Errorf("%d phases", len(phases))
		}
		checks, err := client.Checks(t.Context(), "b")
		if err != nil && checks != nil {
			t.Errorf("got %v with %v", checks, err)
		}
		names, counts := map[string]bool{}, 0
		for _, check := range checks {
			if names[check.Name] {
				t.Errorf("the check %q comes twice", check.Name)
			}
			names[check.Name] = true
			counts += len(check.Counts)
		}
		if counts > 1000 {
			t.Errorf("%d counts", counts)
		}
	})
}

// FuzzBuildLog reads a log. Two responses take turns as its parts.
func FuzzBuildLog(f *testing.F) {
	for _, parts := range [][2]string{
		{`{"buildlog":"one\n","next":4}`, `{"buildlog":"two\n","next":"8"}`},
		{`{"buildlog":"größer","next":9223372036854775807}`, `{"buildlog":"x","next":-1}`},
		{`{"buildlog":"\ud800\u001b[31m","next":1.5}`, `{"buildlog":"","next":8}`},
		{`{"buildlog":1}`, `{}`},
		{`null`, `[]`},
		{`<html>`, "\xff"},
		{`{"buildlog":"x","next":{}}`, `{"buildlog":null,"next":2}`},
	} {
		f.Add([]byte(parts[0]), []byte(parts[1]), 3)
	}
	var parts [2][]byte
	var requests atomic.Int32
	client := fuzzed(f, func(*http.Request) []byte { return parts[(requests.Add(1)-1)%2] })
	f.Fuzz(func(t *testing.T, odd, even []byte, limit int) {
		parts = [2][]byte{odd, even}
		requests.Store(0)
		limit = max(1, limit%1000)
		log, err := client.BuildLog(t.Context(), "b", limit)
		if len(log.Text) > limit || err != nil && log.Text != "" || !utf8.ValidString(log.Text) {
			t.Errorf("%q with the limit %d, and %v", log.Text, limit, err)
		}
		// The offset of a part that comes again is no progress.
		if requests := requests.Load(); requests > 3 {
			t.Errorf("%d requests for two parts", requests)
		}
	})
}

func FuzzBuildJob(f *testing.F) {
	for _, body := range []string{
		goodJob, `{"job_id":"id","spec":` + fullSpecJSON + `}`, `{"job_id":"id"}`, `{"job_id":7,"spec":{}}`, `null`,
		`[]`, ``,
		`{"job_id":"id","creator":{"name":7},"created_at":1,"spec":{"environment_setting":{"build_os":{"x":1e999}}}}`,
		`{"job_id":"\ud800","spec":{"code_repo":null,"JOB_NAME":"a","more":[[],{}]}}`,
	} {
		f.Add([]byte(body))
	}
	var response, sent []byte
	client := fuzzed(f, func(r *http.Request) []byte {
		if r.Method != http.MethodPut {
			return response
		}
		sent, _ = io.ReadAll(r.Body)
		return nil
	})
	f.Fuzz(func(t *testing.T, body []byte) {
		response, sent = body, nil
		job, err := client.GetBuildJob(t.Context(), "id", "")
		if err != nil {
			if job != nil || errorOf[callError](t, err).StatusCode != http.StatusOK {
				t.Errorf("got %v, %v", job, err)
			}
			return
		}
		if job.ID == "" {
			t.Error("a job without an id")
		}
		// Each build job that was read can be written.
		job.ID = "id"
		noError(t, client.UpdateBuildJob(t.Context(), job, job.Spec))
		var written map[string]json.RawMessage
		if err := json.Unmarshal(sent, &written); err != nil {
			t.Fatalf("%v in the body %s", err, sent)
		}
		var name string
		if err := json.Unmarshal(written["job_name"], &name); err != nil || name != job.Spec.Name() {
			t.Errorf("job_name: sent %q, %v, want %q", name, err, job.Spec.Name())
		}
	})
}

// FuzzListPage lists build jobs from two pages in turn.
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
	var responses [2][]byte
	var requests atomic.Int32
	client := fuzzed(f, func(*http.Request) []byte { return responses[(requests.Add(1)-1)%2] })
	f.Fuzz(func(t *testing.T, odd, even []byte) {
		responses = [2][]byte{odd, even}
		requests.Store(0)
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
		if requests := requests.Load(); requests > 12 {
			t.Errorf("%d requests for two pages", requests)
		}
	})
}
