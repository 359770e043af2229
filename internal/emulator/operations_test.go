// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// The sixteen operations that the API documents, with the members of their answers.
func TestOperations_documented(t *testing.T) {
	t.Parallel()
	const (
		buildFields = "build_id build_state branch commit_comment commit_id commit_time committer creator ended_at " +
			"enterprise_project_id index job_id job_name language repo repo_type started_at type"
		stacks = "Go Java Nodejs Php Python Tomcat"
	)
	tests := []struct {
		name, method, path, body string
		status                   int
		fields                   string
	}{
		{
			"create job", "POST", "/assembling/v1/jobs", plainJob("another"), 200,
			"cluster_id cluster_name created_at job_description job_id job_name",
		},
		{"get job", "GET", "/assembling/v1/jobs/{job_id}", "", 200, "creator enterprise_project_id job_id last_build_id spec"},
		{"update job", "PUT", "/assembling/v1/jobs/{job_id}", plainJob("renamed"), 200, ""},
		{"delete job", "DELETE", "/assembling/v1/jobs/{job_id}", "", 204, ""},
		{"list jobs", "GET", "/assembling/v1/jobs?page=1&per_page=10", "", 200, "list page per_page total"},
		{
			"create build", "POST", "/assembling/v1/jobs/{job_id}", `{"name":"app"}`, 200,
			"build_id ended_at index job_id job_name started_at",
		},
		{
			"start build", "POST", "/assembling/v1/jobs/{job_id}/builds", "", 200,
			"build_id commit_id committer duration ended_at index job_id job_name progress started_at state",
		},
		{"list builds", "GET", "/assembling/v1/jobs/{job_id}/builds?name=app", "", 200, "finished list page per_page successful total"},
		{"get build", "GET", "/assembling/v1/builds/{build_id}", "", 200, buildFields},
		{"phase information", "GET", "/assembling/v1/builds/{build_id}?taskname=pmd", "", 200, "pmd"},
		{"cancel build", "PATCH", "/assembling/v1/builds/{build_id}", "", 200, buildFields},
		{"list phases", "GET", "/assembling/v1/builds/{build_id}/phases", "", 200, "list total"},
		{"get log", "GET", "/assembling/v1/builds/{build_id}/logs?from=0", "", 200, "buildlog next phase_states phases"},
		{"get results", "GET", "/assembling/v1/builds/{build_id}/results", "", 200, "checkstyle"},
		{"base images", "GET", "/assembling/v1/base_images", "", 200, stacks},
		{"base images of a project", "GET", "/v3/0123456789abcdef/assembling/base-images", "", 200, stacks},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			jobID := createJob(t, server, plainJob("app"))
			buildID := stringIn(t, mustCall(t, server, http.MethodPost, jobsPath+"/"+jobID+"/builds", ""), "build_id")
			path := strings.NewReplacer("{job_id}", jobID, "{build_id}", buildID).Replace(test.path)

			got := call(t, server, test.method, path, test.body)
			if got.status != test.status {
				t.Fatalf("got %d %s, want %d", got.status, got.raw, test.status)
			}
			if test.status == http.StatusNoContent && got.raw != "" {
				t.Errorf("204 with a body: %q", got.raw)
			}
			for field := range strings.FieldsSeq(test.fields) {
				if _, ok := got.body[field]; !ok {
					t.Errorf("%s is missing in %s", field, got.raw)
				}
			}
			if id := got.header.Get("X-Request-Id"); !requestIDRule.MatchString(id) {
				t.Errorf("X-Request-Id: got %q", id)
			}
		})
	}
}

func TestOperations_notPublished(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	for _, test := range []struct{ name, method, path string }{
		{"root", "GET", "/"},
		{"other service", "GET", "/v1/123/git/auths"},
		{"misspelled path", "GET", "/assembling/v1/job"},
		{"other version", "POST", "/assembling/v2/jobs"},
		{"bulk delete", "DELETE", "/assembling/v1/jobs"},
		{"empty id", "GET", "/assembling/v1/jobs/"},
		{"PATCH on a job", "PATCH", "/assembling/v1/jobs/" + id},
		{"DELETE on a build", "DELETE", "/assembling/v1/builds/" + id},
		{"PUT on a build", "PUT", "/assembling/v1/builds/" + id},
		{"dash for underscore", "GET", "/assembling/v1/base-images"},
		{"POST on base images", "POST", "/assembling/v1/base_images"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantError(t, call(t, server, test.method, test.path, ""), http.StatusNotFound, "APIGW.0101")
		})
	}
}

func TestOperations_unknownIDs(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const unknown = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
	for _, test := range []struct{ name, method, path, body string }{
		{"get job", "GET", "/assembling/v1/jobs/" + unknown, ""},
		{"update job", "PUT", "/assembling/v1/jobs/" + unknown, plainJob("app")},
		{"delete job", "DELETE", "/assembling/v1/jobs/" + unknown, ""},
		{"create build", "POST", "/assembling/v1/jobs/" + unknown, `{"name":"app"}`},
		{"start build", "POST", "/assembling/v1/jobs/" + unknown + "/builds", ""},
		{"list builds", "GET", "/assembling/v1/jobs/" + unknown + "/builds?name=app", ""},
		{"get build", "GET", "/assembling/v1/builds/" + unknown, ""},
		{"phase information", "GET", "/assembling/v1/builds/" + unknown + "?taskname=pmd", ""},
		{"cancel build", "PATCH", "/assembling/v1/builds/" + unknown, ""},
		{"list phases", "GET", "/assembling/v1/builds/" + unknown + "/phases", ""},
		{"get log", "GET", "/assembling/v1/builds/" + unknown + "/logs?from=0", ""},
		{"get results", "GET", "/assembling/v1/builds/" + unknown + "/results", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantError(t, call(t, server, test.method, test.path, test.body), http.StatusNotFound, "SVCSTG.CPE.404*")
		})
	}
}

func TestBaseImages_bothPaths(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, path := range []string{"/assembling/v1/base_images", "/v3/0123456789abcdef/assembling/base-images"} {
		images := mustCall(t, server, http.MethodGet, path, "")
		if got, want := slices.Sorted(maps.Keys(images)), []string{"Go", "Java", "Nodejs", "Php", "Python", "Tomcat"}; !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
		if java, ok := images["Java"].([]any); !ok || !slices.Contains(java, any("17")) {
			t.Errorf("%s: Java is %v, want a list with 17", path, images["Java"])
		}
	}
}
