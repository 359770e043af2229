// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// fullSpec says something of every documented member.
func fullSpec() servicestage.BuildJobSpec {
	return servicestage.BuildJobSpec{
		JobName:        "app",
		JobDescription: new("the <app> & more"),
		EnvironmentSetting: servicestage.EnvironmentSetting{
			DockerVersion:    new("18.06"),
			ClusterID:        new("cluster"),
			ClusterName:      new("name of cluster"),
			UsePublicCluster: new(false),
			BuildOS:          &servicestage.BuildOS{Arch: new("aarch64")},
		},
		CodeRepo: &servicestage.CodeRepo{
			Type: new("GitHub"), URL: new("https://github.com/o/r"), Branch: new("main"), Namespace: new("o"),
		},
		EnterpriseProjectID: new("0"),
	}
}

const fullSpecJSON = `{"job_name":"app","job_description":"the <app> & more","environment_setting":{"docker_version":"18.06",
	"cluster_id":"cluster","cluster_name":"name of cluster","use_public_cluster":false,"build_os":{"arch":"aarch64"}},
	"code_repo":{"type":"GitHub","url":"https://github.com/o/r","branch":"main","namespace":"o"},"enterprise_project_id":"0"}`

func TestCreateBuildJob(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		spec servicestage.BuildJobSpec
		want string
	}{
		{"everything", fullSpec(), fullSpecJSON},
		{"name alone", servicestage.BuildJobSpec{JobName: "app"}, `{"job_name":"app","environment_setting":{}}`},
		{
			"empty texts",
			servicestage.BuildJobSpec{JobName: "app", JobDescription: new(""), EnvironmentSetting: servicestage.EnvironmentSetting{
				ClusterID: new(""), BuildOS: &servicestage.BuildOS{},
			}, CodeRepo: &servicestage.CodeRepo{}},
			`{"job_name":"app","job_description":"","environment_setting":{"cluster_id":"","build_os":{}},"code_repo":{}}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := script(t, reply{body: noJobs}, reply{status: http.StatusCreated, body: `{"job_id":"new","job_name":"app","created_at":"2025-11-14 09:06:28 +0000 UTC"}`})
			created, err := service.client(t).CreateBuildJob(t.Context(), test.spec)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "created", *created, servicestage.CreatedBuildJob{ID: "new", CreatedAt: "2025-11-14T09:06:28Z"})
			equal(t, "requests", service.lines(), []string{"GET " + jobs + "?page=1&per_page=100", "POST " + jobs})
			equalBody(t, service.requests()[1].body, test.want)
		})
	}
}

// The id of a job that was made must not be lost over a member that nobody needs.
func TestCreateBuildJob_oddMembers(t *testing.T) {
	t.Parallel()
	for body, createdAt := range map[string]string{
		`{"job_id":"id","created_at":1763111188000}`: "1763111188000",
		`{"job_id":"id","created_at":{"t":1}}`:       "",
		`{"job_id":"id","created_at":null}`:          "",
	} {
		service := script(t, reply{body: noJobs}, reply{body: body})
		created, err := service.client(t).CreateBuildJob(t.Context(), servicestage.BuildJobSpec{JobName: "app"})
		if err != nil {
			t.Errorf("%s: %v", body, err)
			continue
		}
		equal(t, body, *created, servicestage.CreatedBuildJob{ID: "id", CreatedAt: createdAt})
	}
}

func TestGetBuildJob(t *testing.T) {
	t.Parallel()
	service := script(t, reply{body: `{"job_id":"id","enterprise_project_id":"project","creator":{"name":"me"},"last_build_id":"b7","x":1,
		"created_at":"2025-11-14T10:06:28.5+01:00","spec":` + strings.Replace(fullSpecJSON, `"type"`, `"extra":{},"type"`, 1) + `}`})
	job, err := service.client(t).GetBuildJob(t.Context(), "id", "app")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "request", service.lines(), []string{"GET " + jobs + "/id"})
	equal(t, "id", job.ID, "id")
	equal(t, "enterprise project", *job.EnterpriseProjectID, "project")
	equal(t, "creator", job.Creator, "me")
	equal(t, "last build", job.LastBuildID, "b7")
	equal(t, "created at", job.CreatedAt, "2025-11-14T09:06:28Z")
	equal(t, "spec", job.Spec, fullSpec())
}

func TestBuildJob_decoding(t *testing.T) {
	t.Parallel()
	// Each answer stands for one member; the others are those of a job that is silent on it.
	job := func(members string) string { return `{"job_id":"id","spec":{"job_name":"app"}` + members + `}` }
	silent := servicestage.BuildJob{ID: "id", Spec: servicestage.BuildJobSpec{JobName: "app"}}
	for _, test := range []struct {
		body string
		want func(job *servicestage.BuildJob) // Nil means that the answer is an error.
	}{
		{job(""), func(*servicestage.BuildJob) {}},
		{job(`,"creator":null,"last_build_id":null,"created_at":null,"enterprise_project_id":null`), func(*servicestage.BuildJob) {}},
		{job(`,"creator":"me"`), func(j *servicestage.BuildJob) { j.Creator = "me" }},
		{job(`,"creator":{"id":"7","name":"me"}`), func(j *servicestage.BuildJob) { j.Creator = "me" }},
		{job(`,"creator":{"name":"","user_id":"7"}`), func(j *servicestage.BuildJob) { j.Creator = "7" }},
		{job(`,"creator":{"who":"me"}`), func(j *servicestage.BuildJob) { j.Creator = `{"who":"me"}` }},
		{job(`,"creator":{}`), func(*servicestage.BuildJob) {}},
		{job(`,"creator":["me"]`), func(*servicestage.BuildJob) {}},
		{job(`,"created_at":"2025-11-14 09:06:28 +0000 UTC"`), func(j *servicestage.BuildJob) { j.CreatedAt = "2025-11-14T09:06:28Z" }},
		{job(`,"created_at":"2025-11-14 17:06:28.123456 +0800 CST"`), func(j *servicestage.BuildJob) { j.CreatedAt = "2025-11-14T09:06:28Z" }},
		{job(`,"created_at":"2025-11-14T09:06:28Z"`), func(j *servicestage.BuildJob) { j.CreatedAt = "2025-11-14T09:06:28Z" }},
		{job(`,"created_at":"14 Nov 2025"`), func(j *servicestage.BuildJob) { j.CreatedAt = "14 Nov 2025" }},
		{job(`,"created_at":""`), func(*servicestage.BuildJob) {}},
		{`{"job_id":"id","spec":{"job_name":"app","enterprise_project_id":"p"}}`, func(j *servicestage.BuildJob) {
			j.EnterpriseProjectID, j.Spec.EnterpriseProjectID = new("p"), new("p")
		}},
		{`{"job_id":"id","enterprise_project_id":"q","spec":{"job_name":"app","enterprise_project_id":"p"}}`, func(j *servicestage.BuildJob) {
			j.EnterpriseProjectID, j.Spec.EnterpriseProjectID = new("q"), new("p")
		}},
		{`{"job_id":"id"}`, nil},
		{`{"job_id":"id","spec":null}`, nil},
		{`{"job_id":"id","spec":"app"}`, nil},
		{`{"job_id":"id","spec":{"environment_setting":7}}`, nil},
		{`{"job_id":"","spec":{}}`, nil},
		{`{"spec":{"job_name":"app"}}`, nil},
		{`null`, nil},
		{`[` + goodJob + `]`, nil},
	} {
		t.Run(test.body, func(t *testing.T) {
			t.Parallel()
			service := script(t, reply{body: test.body})
			got, err := service.client(t).GetBuildJob(t.Context(), "id", "app")
			service.only(t)
			if test.want == nil {
				failure := failureOf(t, err)
				equal(t, "status", failure.StatusCode, 200)
				equal(t, "job", got, nil)
				if failure.Err == nil {
					t.Error("the error has no cause")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := silent
			test.want(&want)
			equal(t, "id", got.ID, want.ID)
			equal(t, "enterprise project", got.EnterpriseProjectID, want.EnterpriseProjectID)
			equal(t, "creator", got.Creator, want.Creator)
			equal(t, "created at", got.CreatedAt, want.CreatedAt)
			equal(t, "last build", got.LastBuildID, want.LastBuildID)
			equal(t, "spec", got.Spec, want.Spec)
		})
	}
}

func isCurrent(*servicestage.BuildJob) bool { return true }

func TestGetWrittenBuildJob_asksAgain(t *testing.T) {
	t.Parallel()
	service := script(t,
		reply{status: 404, body: `{"error_code":"SVCSTG.CPE.4040001"}`},
		reply{status: 401, body: `{"error_code":"SVCSTG.00100401"}`},
		reply{status: 404},
		reply{status: 400, body: `{"error_code":"SVCSTG.CPE.4000001"}`},
		reply{body: goodJob})
	job, err := service.client(t, maxRetries(0)).GetWrittenBuildJob(t.Context(), "id", isCurrent)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "id", job.ID, "id")
	const get = "GET " + jobs + "/id"
	equal(t, "requests", service.lines(), []string{get, get, get, get, get})
	waits := service.waits()
	equal(t, "number of waits", len(waits), 4)
	for i := 1; i < len(waits); i++ {
		if waits[i] < waits[i-1] {
			t.Errorf("the waits do not grow: %v", waits)
		}
	}
}

func TestGetWrittenBuildJob_otherErrorsStand(t *testing.T) {
	t.Parallel()
	for _, answer := range []reply{
		{status: 403},
		{status: 404, body: `{"error_code":"APIGW.0101"}`},
		{status: 401, body: `{"error_code":"APIGW.0301"}`},
		{status: 500},
		{body: `{"job_id":"id"}`},
	} {
		t.Run(fmt.Sprint(answer.status, answer.body), func(t *testing.T) {
			t.Parallel()
			service := script(t, answer)
			job, err := service.client(t, maxRetries(0)).GetWrittenBuildJob(t.Context(), "id", isCurrent)
			equal(t, "job", job, nil)
			failure := failureOf(t, err)
			equal(t, "attempts", failure.Attempts, 1)
			equal(t, "not found", servicestage.IsNotFound(err), false)
			service.only(t)
			equal(t, "waits", service.waits(), nil)
		})
	}
}

func TestGetWrittenBuildJob_stopsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	unknown := reply{status: 404, body: `{"error_code":"SVCSTG.CPE.4040001"}`}
	service := script(t, unknown, unknown, unknown)
	client := service.client(t, func(config *servicestage.Config) {
		config.Wait = func(ctx context.Context, d time.Duration) error {
			if len(service.waits()) == 2 {
				cancel()
			}
			return service.wait(ctx, d)
		}
	})
	job, err := client.GetWrittenBuildJob(ctx, "id", isCurrent)
	equal(t, "job", job, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error does not wrap the context's: %v", err)
	}
	failure := failureOf(t, err)
	equal(t, "stopped", failure.Stopped, context.Canceled)
	equal(t, "code", failure.Code, "SVCSTG.CPE.4040001")
	equal(t, "number of requests", len(service.requests()), 3)
}

func TestUpdateBuildJob_body(t *testing.T) {
	t.Parallel()
	minimal := servicestage.BuildJobSpec{JobName: "new"}
	const extraSpec = `{"job_name":"old","job_description":"d","big":12345678901234567890,"ratio":1.0,"nothing":null,"list":[{"a":1}],
		"environment_setting":{"docker_version":"1","cluster_id":"c","cluster_name":"n","use_public_cluster":true,"zone":{"z":[12345678901234567890]},
			"build_os":{"arch":"x86_64","kernel":1e400}},
		"code_repo":{"type":"GitLab","url":"u","branch":"b","namespace":"n","token_id":98765432109876543210},"enterprise_project_id":"e"}`
	for _, test := range []struct {
		name, current string
		spec          servicestage.BuildJobSpec
		want          string
	}{
		{
			"keeps what is not documented and writes what is", extraSpec, fullSpec(),
			`{"job_name":"app","job_description":"the <app> & more","big":12345678901234567890,"ratio":1.0,"nothing":null,"list":[{"a":1}],
			"environment_setting":{"docker_version":"18.06","cluster_id":"cluster","cluster_name":"name of cluster","use_public_cluster":false,
				"zone":{"z":[12345678901234567890]},"build_os":{"arch":"aarch64","kernel":1e400}},
			"code_repo":{"type":"GitHub","url":"https://github.com/o/r","branch":"main","namespace":"o","token_id":98765432109876543210},
			"enterprise_project_id":"0"}`,
		},
		{
			"leaves out what is silent, and code_repo wholly", extraSpec, minimal,
			`{"job_name":"new","big":12345678901234567890,"ratio":1.0,"nothing":null,"list":[{"a":1}],
			"environment_setting":{"zone":{"z":[12345678901234567890]},"build_os":{"kernel":1e400}}}`,
		},
		{
			"clears with empty texts", extraSpec,
			servicestage.BuildJobSpec{JobName: "new", JobDescription: new(""), EnvironmentSetting: servicestage.EnvironmentSetting{
				DockerVersion: new(""), ClusterID: new(""), ClusterName: new(""),
			}},
			`{"job_name":"new","job_description":"","big":12345678901234567890,"ratio":1.0,"nothing":null,"list":[{"a":1}],
			"environment_setting":{"docker_version":"","cluster_id":"","cluster_name":"","zone":{"z":[12345678901234567890]},
				"build_os":{"kernel":1e400}}}`,
		},
		{"leaves out a build_os without a rest", fullSpecJSON, minimal, `{"job_name":"new","environment_setting":{}}`},
		{"objects are null", `{"job_name":"old","environment_setting":null,"code_repo":null}`, fullSpec(), fullSpecJSON},
		{"objects are absent", `{}`, fullSpec(), fullSpecJSON},
		{"build_os is null", `{"environment_setting":{"build_os":null}}`, minimal, `{"job_name":"new","environment_setting":{}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := script(t, reply{body: `{"job_id":"id","outside":1,"spec":` + test.current + `}`}, reply{}, reply{})
			client := service.client(t)
			current, err := client.GetBuildJob(t.Context(), "id", "old")
			if err != nil {
				t.Fatal(err)
			}
			// The second update shows that the first has left what was read as it was.
			for range 2 {
				if err := client.UpdateBuildJob(t.Context(), current, test.spec); err != nil {
					t.Fatal(err)
				}
			}
			const put = "PUT " + jobs + "/id"
			equal(t, "requests", service.lines(), []string{"GET " + jobs + "/id", put, put})
			for _, request := range service.requests()[1:] {
				equalBody(t, request.body, test.want)
			}
		})
	}
}

func TestUpdateBuildJob_error(t *testing.T) {
	t.Parallel()
	service := script(t, reply{status: 400, body: `{"error_code":"SVCSTG.CPE.4000001","error_msg":"no"}`})
	err := service.client(t).UpdateBuildJob(t.Context(), &servicestage.BuildJob{ID: "id", Spec: fullSpec()}, fullSpec())
	failure := failureOf(t, err)
	equal(t, "text", failure.Error(), "PUT "+service.host()+": HTTP 400 SVCSTG.CPE.4000001: no")
	equal(t, "not found", servicestage.IsNotFound(err), false)
	equalBody(t, service.only(t).body, fullSpecJSON)
}

func TestDeleteBuildJob(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 204} {
		service := script(t, reply{status: status})
		if err := service.client(t).DeleteBuildJob(t.Context(), "id", "app"); err != nil {
			t.Errorf("%d: %v", status, err)
		}
		equal(t, "requests", service.lines(), []string{"DELETE " + jobs + "/id"})
	}
	// The first request has deleted the job, and its answer was lost.
	service := script(t, reply{drop: true}, reply{status: 404, body: `{"error_code":"SVCSTG.CPE.4040001"}`})
	if err := service.client(t).DeleteBuildJob(t.Context(), "id", "app"); err != nil {
		t.Error(err)
	}
	equal(t, "number of requests", len(service.requests()), 2)
}

func FuzzBuildJob(f *testing.F) {
	for _, body := range []string{
		goodJob, `{"job_id":"id","spec":` + fullSpecJSON + `}`, `{"job_id":"id"}`, `{"job_id":7,"spec":{}}`, `null`, `[]`, ``,
		`{"job_id":"id","creator":{"name":7},"created_at":"2025-11-14 09:06:28 +0000 UTC","spec":{"environment_setting":{"build_os":{"x":1e999}}}}`,
		`{"job_id":"\ud800","spec":{"code_repo":null,"JOB_NAME":"a","more":[[],{}]}}`,
	} {
		f.Add([]byte(body))
	}
	var answer, sent []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			sent, _ = io.ReadAll(r.Body)
			return
		}
		_, _ = w.Write(answer)
	}))
	f.Cleanup(server.Close)
	client, err := servicestage.New(servicestage.Config{Endpoint: server.URL, Authenticator: auth.Token(token)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, sent = body, nil
		job, err := client.GetBuildJob(t.Context(), "id", "")
		if err != nil {
			if job != nil || failureOf(t, err).StatusCode != http.StatusOK {
				t.Errorf("got %v, %v", job, err)
			}
			return
		}
		if job.ID == "" {
			t.Error("a job without an id")
		}
		// Whatever could be read can be written.
		job.ID = "id"
		if err := client.UpdateBuildJob(t.Context(), job, job.Spec); err != nil {
			t.Fatal(err)
		}
		var written map[string]json.RawMessage
		if err := json.Unmarshal(sent, &written); err != nil {
			t.Fatalf("%v in the body %s", err, sent)
		}
		var name string
		if err := json.Unmarshal(written["job_name"], &name); err != nil || name != job.Spec.JobName {
			t.Errorf("job_name: sent %q, %v, want %q", name, err, job.Spec.JobName)
		}
	})
}
