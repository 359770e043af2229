// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// The sixteen operations that the API documents. With an unknown ID, each returns 404. Other tests check the responses.
func TestOperations_documented(t *testing.T) {
	t.Parallel()
	const job, build = jobsPath + "/{job_id}", "/assembling/v1/builds/{build_id}"
	for _, test := range []struct{ method, path, body, want string }{
		{"POST", jobsPath, plainJob("another"), "job_id"},
		{"GET", jobsPath + "?page=1&per_page=10", "", "list"},
		{"GET", job, "", "spec"},
		{"PUT", job, plainJob("renamed"), ""},
		{"DELETE", job, "", ""},
		{"POST", job, `{"name":"app"}`, "build_id"},
		{"POST", job + "/builds", "", "build_id"},
		{"GET", job + "/builds?name=app", "", "list"},
		{"GET", build, "", "build_state"},
		{"GET", build + "?taskname=pmd", "", "pmd"},
		{"PATCH", build, "", "build_state archive_result base_image code_repo_anatomy os repo_endpoint repo_web_url " +
			"seccomp_path swr_repo_page swr_repository"},
		{"GET", build + "/phases", "", "list"},
		{"GET", build + "/logs?from=0", "", "buildlog"},
		{"GET", build + "/results", "", "checkstyle"},
		{"GET", "/assembling/v1/base_images", "", "Go Java Nodejs Php Python Tomcat"},
		{"GET", "/v3/0123456789abcdef/assembling/base-images", "", "Go Java Nodejs Php Python Tomcat"},
	} {
		server := emulator.New(t, emulator.Options{})
		jobID := createJob(t, server, plainJob("app"))
		path := strings.NewReplacer("{job_id}", "none", "{build_id}", "none").Replace(test.path)
		if path != test.path {
			wantError(t, call(t, server, test.method, path, test.body), "404 SVCSTG.CPE.404*")
		}
		path = strings.NewReplacer("{job_id}", jobID, "{build_id}", server.AddBuild(jobID)).Replace(test.path)
		got := call(t, server, test.method, path, test.body)
		if got.status/100 != 2 || !requestIDRule.MatchString(got.header.Get("X-Request-Id")) {
			t.Errorf("%s %s: got %d %s %v", test.method, test.path, got.status, got.raw, got.header)
		}
		for field := range strings.FieldsSeq(test.want) {
			if _, ok := got.body[field]; !ok {
				t.Errorf("%s %s: %s is missing in %s", test.method, test.path, field, got.raw)
			}
		}
	}
}

func TestOperations_notPublished(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for path, method := range map[string]string{
		"/": "GET", "/assembling/v2/jobs": "POST", jobsPath: "DELETE", jobsPath + "/": "GET", jobsPath + "/x": "PATCH",
		"//assembling/v1/jobs": "POST",
	} {
		wantError(t, call(t, server, method, path, ""), "404 APIGW.0101")
	}
}
