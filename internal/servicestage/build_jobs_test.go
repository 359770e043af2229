// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// fullSpec sets each documented member.
func fullSpec() servicestage.Spec {
	return servicestage.Spec{
		"job_name": "app", "job_description": "the <app> & more", "enterprise_project_id": "eps",
		"environment_setting":                    servicestage.Empty{},
		"environment_setting.docker_version":     "18.06",
		"environment_setting.cluster_id":         "cluster",
		"environment_setting.cluster_name":       "name of cluster",
		"environment_setting.use_public_cluster": false,
		"environment_setting.build_os":           servicestage.Empty{},
		"environment_setting.build_os.arch":      "aarch64",
		"code_repo":                              servicestage.Empty{},
		"code_repo.type":                         "GitHub", "code_repo.url": "https://github.com/o/r",
		"code_repo.branch": "main", "code_repo.namespace": "o",
	}
}

const fullSpecJSON = `{"job_name":"app","job_description":"the <app> & more",
	"environment_setting":{"docker_version":"18.06","cluster_id":"cluster","cluster_name":"name of cluster",
		"use_public_cluster":false,"build_os":{"arch":"aarch64"}},
	"code_repo":{"type":"GitHub","url":"https://github.com/o/r","branch":"main","namespace":"o"},
	"enterprise_project_id":"eps"}`

// An undocumented created_at does not lose the ID of a new build job.
func TestCreateBuildJob(t *testing.T) {
	t.Parallel()
	cleared := servicestage.Spec{
		"job_name": "app", "job_description": "", "code_repo": servicestage.Empty{},
		"environment_setting.cluster_id": "", "environment_setting.build_os": servicestage.Empty{},
	}
	for name, c := range map[string]struct {
		spec                      servicestage.Spec
		body, createdAt, wantTime string
	}{
		"everything": {fullSpec(), fullSpecJSON, `"2025-11-14 09:06:28 +0000 UTC"`, "2025-11-14T09:06:28Z"},
		"name alone": {
			servicestage.Spec{"job_name": "app"},
			`{"job_name":"app","environment_setting":{}}`,
			`1763111188000`, "1763111188000",
		},
		"empty strings": {
			cleared,
			`{"job_name":"app","job_description":"","environment_setting":{"cluster_id":"","build_os":{}},
				"code_repo":{}}`,
			`{"t":1}`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := `{"job_id":"new","job_name":"app","created_at":` + c.createdAt + `}`
			service := script(t, reply{body: noJobs}, reply{status: http.StatusCreated, body: response})
			created, err := service.client(t).CreateBuildJob(t.Context(), c.spec)
			noError(t, err)
			equal(t, "created", *created, servicestage.CreatedBuildJob{ID: "new", CreatedAt: c.wantTime})
			equal(t, "requests", service.lines(), []string{"GET " + jobs + "?page=1&per_page=100", "POST " + jobs})
			equalBody(t, service.requests()[1].body, c.body)
		})
	}
}

func TestBuildJob_decoding(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]struct{ creator, createdAt, lastBuild, project string }{
		`"x":1`: {},
		`"creator":null,"last_build_id":null,"created_at":null,"enterprise_project_id":null`: {},

		`"creator":"me","last_build_id":"b7"`:            {creator: "me", lastBuild: "b7"},
		`"creator":{"id":"7","name":"me"}`:               {creator: "me"},
		`"creator":{"name":"","user_id":"7"}`:            {creator: "7"},
		`"creator":{"who":"me"}`:                         {creator: `{"who":"me"}`},
		`"creator":{}`:                                   {},
		`"creator":["me"],"last_build_id":{}`:            {},
		`"created_at":"2025-11-14 09:06:28 +0000 UTC"`:   {createdAt: "2025-11-14T09:06:28Z"},
		`"created_at":"2025-11-14 17:06:28.9 +0800 CST"`: {createdAt: "2025-11-14T09:06:28Z"},
		`"created_at":"2025-11-14T10:06:28.5+01:00"`:     {createdAt: "2025-11-14T09:06:28Z"},
		`"created_at":"14 Nov 2025"`:                     {createdAt: "14 Nov 2025"},
		`"created_at":1763111188000`:                     {createdAt: "1763111188000"},
		// RFC 3339 has the years 0 to 9999.
		`"created_at":"0000-01-01T01:00:00+01:00"`:                         {createdAt: "0000-01-01T00:00:00Z"},
		`"created_at":"0000-01-01 00:00:00 +0100 C"`:                       {createdAt: "0000-01-01 00:00:00 +0100 C"},
		`"created_at":"9999-12-31 22:59:59 -0100 -01"`:                     {createdAt: "9999-12-31T23:59:59Z"},
		`"created_at":"9999-12-31T23:59:59.9-01:00"`:                       {createdAt: "9999-12-31T23:59:59.9-01:00"},
		`"enterprise_project_id":"q"`:                                      {project: "q"},
		`"spec":{"job_name":"app","enterprise_project_id":"p"}`:            {project: "p"},
		`"enterprise_project_id":"","spec":{"enterprise_project_id":"p"}`:  {project: "p"},
		`"enterprise_project_id":"q","spec":{"enterprise_project_id":"p"}`: {project: "q"},
	} {
		var job servicestage.BuildJob
		if err := json.Unmarshal([]byte(`{"job_id":"id","spec":{"job_name":"app"},`+members+`}`), &job); err != nil {
			t.Errorf("%s: %v", members, err)
		}
		got := want
		got.creator, got.createdAt, got.lastBuild = job.Creator, job.CreatedAt, job.LastBuildID
		got.project = job.EnterpriseProjectID
		equal(t, members, got, want)
	}
	for _, body := range []string{
		`{"job_id":"id"}`, `{"job_id":"id","spec":null}`, `{"job_id":"id","spec":"app"}`,
		`{"job_id":"id","spec":{"environment_setting":7}}`, `{"job_id":"id","spec":{"code_repo":{"url":7}}}`,
		`{"job_id":"","spec":{}}`,
		`{"spec":{"job_name":"app"}}`, `null`, `[` + goodJob + `]`,
	} {
		job, err := script(t, reply{body: body}).client(t).GetBuildJob(t.Context(), "id", "app")
		failure := errorOf[callError](t, err)
		if job != nil || failure.StatusCode != http.StatusOK || failure.Err == nil {
			t.Errorf("%s: got %v, %v", body, job, err)
		}
	}
	var job servicestage.BuildJob
	spec := strings.Replace(fullSpecJSON, `"type"`, `"extra":{},"type"`, 1)
	noError(t, json.Unmarshal([]byte(`{"job_id":"id","spec":`+spec+`}`), &job))
	equal(t, "spec", job.Spec, fullSpec())
	spec = `{"code_repo":null,"environment_setting":{"use_public_cluster":null}}`
	noError(t, json.Unmarshal([]byte(`{"job_id":"id","spec":`+spec+`}`), &job))
	want := servicestage.Spec{"job_name": "", "environment_setting": servicestage.Empty{}}
	equal(t, "spec with null members", job.Spec, want)
}

// A build job with the returned ID is somebody else's if its name differs, or if it has what was not sent.
func TestBuildJob_isForeign(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]bool{
		`{"job_name":"APP","job_description":"","code_repo":{},"environment_setting":{"cluster_id":"c"}}`: false,
		`{"job_name":"other"}`:                       true,
		`{"job_name":"app","job_description":"d"}`:   true,
		`{"job_name":"app","code_repo":{"url":"u"}}`: true,
	} {
		var job servicestage.BuildJob
		noError(t, json.Unmarshal([]byte(`{"job_id":"id","spec":`+spec+`}`), &job))
		equal(t, spec, job.IsForeign(servicestage.Spec{"job_name": "app", "job_description": ""}), want)
	}
}

// A new build job may not be found for a while, in each form of that error, and the state before an update may be
// returned.
func TestGetWrittenBuildJob_lag(t *testing.T) {
	t.Parallel()
	replies := append([]reply{
		notFound,
		{status: 401, body: `{"error_code":"SVCSTG.00100401"}`},
		{status: 404},
		{status: 400, body: `{"error_code":"SVCSTG.CPE.4000001"}`},
	}, slices.Repeat([]reply{{body: goodJob}}, 5)...)
	service := script(t, replies...)
	never := func(*servicestage.BuildJob) bool { return false }
	job, err := service.client(t, maxRetries(0)).GetWrittenBuildJob(t.Context(), "id", never)
	noError(t, err)
	equal(t, "ID", job.ID, "id")
	equal(t, "requests", len(service.requests()), len(replies))
	waits := service.waits()
	equal(t, "number of waits", len(waits), len(replies)-1)
	if !slices.IsSorted(waits[:4]) {
		t.Errorf("the waits do not grow: %v", waits)
	}
}

func TestGetWrittenBuildJob_otherErrorIsReturned(t *testing.T) {
	t.Parallel()
	_, err := script(t, noList).client(t).GetWrittenBuildJob(t.Context(), "id", nil)
	equal(t, "status", errorOf[callError](t, err).StatusCode, http.StatusForbidden)
}

// After the end of the context, the last response counts: the failure, or the state before an update.
func TestGetWrittenBuildJob_canceled(t *testing.T) {
	t.Parallel()
	for _, response := range []reply{notFound, {body: goodJob}} {
		ctx, cancel := context.WithCancel(t.Context())
		service := script(t, response, response, response)
		client := service.client(t, func(config *servicestage.Config) {
			config.Wait = func(ctx context.Context, d time.Duration) error {
				if len(service.waits()) == 2 {
					cancel()
				}
				return service.wait(ctx, d)
			}
		})
		job, err := client.GetWrittenBuildJob(ctx, "id", func(*servicestage.BuildJob) bool { return false })
		equal(t, "number of requests", len(service.requests()), 3)
		if response.status == 0 {
			equal(t, "job", job != nil && err == nil, true)
			continue
		}
		failure := errorOf[callError](t, err)
		equal(t, "stopped", failure.Stopped, context.Canceled)
		equal(t, "code", failure.Code, "SVCSTG.CPE.4040001")
	}
}

func TestUpdateBuildJob_body(t *testing.T) {
	t.Parallel()
	minimal := servicestage.Spec{"job_name": "new"}
	const empty = `{"job_name":"new","environment_setting":{}}`
	const extra = `"big":12345678901234567890,"ratio":1.0,"nothing":null,"list":[{"a":1}]`
	const extraSpec = `{"job_name":"old","job_description":"d",` + extra + `,
		"environment_setting":{"docker_version":"1","cluster_id":"c","cluster_name":"n","use_public_cluster":true,
			"zone":{"z":[12345678901234567890]},"build_os":{"arch":"x86_64","kernel":1e400}},
		"code_repo":{"type":"GitLab","url":"u","branch":"b","namespace":"n","token_id":98765432109876543210},
		"enterprise_project_id":"e"}`
	for _, test := range []struct {
		name, current string
		spec          servicestage.Spec
		want          string
	}{
		{
			"keeps other members", extraSpec, fullSpec(),
			`{"job_name":"app","job_description":"the <app> & more",` + extra + `,
			"environment_setting":{"docker_version":"18.06","cluster_id":"cluster","cluster_name":"name of cluster",
				"use_public_cluster":false,"zone":{"z":[12345678901234567890]},
				"build_os":{"arch":"aarch64","kernel":1e400}},
			"code_repo":{"type":"GitHub","url":"https://github.com/o/r","branch":"main","namespace":"o",
				"token_id":98765432109876543210},
			"enterprise_project_id":"eps"}`,
		},
		{
			"omits unset members, and an unset code_repo with its other members", extraSpec, minimal,
			`{"job_name":"new",` + extra + `,
			"environment_setting":{"zone":{"z":[12345678901234567890]},"build_os":{"kernel":1e400}}}`,
		},
		{
			"clears with empty strings", extraSpec,
			servicestage.Spec{
				"job_name": "new", "job_description": "", "environment_setting.docker_version": "",
				"environment_setting.cluster_id": "", "environment_setting.cluster_name": "",
			},
			`{"job_name":"new","job_description":"",` + extra + `,
			"environment_setting":{"docker_version":"","cluster_id":"","cluster_name":"",
				"zone":{"z":[12345678901234567890]},"build_os":{"kernel":1e400}}}`,
		},
		{"omits a build_os without other members", fullSpecJSON, minimal, empty},
		{"objects are null", `{"environment_setting":null,"code_repo":null}`, fullSpec(), fullSpecJSON},
		{"objects are absent", `{}`, fullSpec(), fullSpecJSON},
		{"build_os is null", `{"environment_setting":{"build_os":null}}`, minimal, empty},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			job := reply{body: `{"job_id":"id","outside":1,"spec":` + test.current + `}`}
			service := script(t, job, reply{}, reply{})
			client := service.client(t)
			current, err := client.GetBuildJob(t.Context(), "id", "old")
			noError(t, err)
			// The second update shows that the first did not change the build job that was read.
			for range 2 {
				noError(t, client.UpdateBuildJob(t.Context(), current, test.spec))
			}
			const put = "PUT " + jobs + "/id"
			equal(t, "requests", service.lines(), []string{"GET " + jobs + "/id", put, put})
			for _, request := range service.requests()[1:] {
				equalBody(t, request.body, test.want)
			}
		})
	}
}
