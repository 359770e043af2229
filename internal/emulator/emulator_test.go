// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package emulator_test speaks plain HTTP to the emulator and knows the wire format from the API's pages alone: the
// provider's client is not imported, so that a mistake in it cannot hide one of the emulator.
package emulator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

type object = map[string]any

const jobsPath = "/assembling/v1/jobs"

// fullJob sets every documented member.
const fullJob = `{"job_name":"shop-web","job_description":"The shop","enterprise_project_id":"project-1",` +
	`"environment_setting":{"docker_version":"20.10","cluster_id":"c1","cluster_name":"builders",` +
	`"use_public_cluster":true,"build_os":{"arch":"aarch64"}},` +
	`"code_repo":{"type":"Github","url":"https://example.com/shop.git","branch":"main","namespace":"example"}}`

// plainJob is a body with nothing but what is mandatory.
func plainJob(name string) string {
	return fmt.Sprintf(`{"job_name":%q,"environment_setting":{}}`, name)
}

// undocumentedJob has members that the API does not document, with numbers that a float64 would change.
const undocumentedJob = `{"job_name":"app","environment_setting":{"node_label":{"zone":["a",{"b":null}]},"cache":true},
	"build_cmd":"make <all> & more","serial":12345678901234567890,"ratio":0.10}`

var (
	idRule        = regexp.MustCompile(`^[a-z0-9]{40}$`)
	requestIDRule = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// httpClient keeps no connections, because net/http sends a GET again by itself when a kept one breaks.
var httpClient = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// response has status 0 and the error as raw if the connection broke.
type response struct {
	status int
	header http.Header
	raw    string
	body   object
}

// newRequest returns a request without credentials.
func newRequest(t *testing.T, server *emulator.Server, method, path, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func do(t *testing.T, req *http.Request) response {
	t.Helper()
	resp, err := httpClient.Do(req)
	if err != nil {
		return response{raw: err.Error()}
	}
	raw, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return response{raw: err.Error()}
	}
	got := response{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if len(raw) > 0 && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		got.body = decode(t, got.raw)
	}
	return got
}

// decode keeps numbers as they are written.
func decode(t *testing.T, text string) (decoded object) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&decoded); err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return decoded
}

// call sends a request with the default token. It may be called in any goroutine.
func call(t *testing.T, server *emulator.Server, method, path, body string) response {
	t.Helper()
	return callWith(t, server, method, path, body, map[string]string{"X-Auth-Token": emulator.DefaultToken})
}

func callWith(t *testing.T, server *emulator.Server, method, path, body string, header map[string]string) response {
	t.Helper()
	req := newRequest(t, server, method, path, body)
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return do(t, req)
}

// callSigned sends a request that an access key signs, with the account unless it is empty.
func callSigned(
	t *testing.T, server *emulator.Server, key auth.AccessKey, method, path, body, account string,
) response {
	t.Helper()
	req := newRequest(t, server, method, path, body)
	if account != "" {
		req.Header.Set("X-Domain-Id", account)
	}
	if err := key.Authenticate(t.Context(), req, []byte(body)); err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

// mustCall returns the body of a response with the status 200.
func mustCall(t *testing.T, server *emulator.Server, method, path, body string) object {
	t.Helper()
	got := call(t, server, method, path, body)
	if got.status != http.StatusOK {
		t.Fatalf("%s %s: got %d %s, want 200", method, path, got.status, got.raw)
	}
	return got.body
}

func createJob(t *testing.T, server *emulator.Server, body string) string {
	t.Helper()
	return mustCall(t, server, http.MethodPost, jobsPath, body)["job_id"].(string)
}

func getSpec(t *testing.T, server *emulator.Server, id string) object {
	t.Helper()
	return mustCall(t, server, http.MethodGet, jobsPath+"/"+id, "")["spec"].(object)
}

// wantError checks the status and the code of an error response, such as "404 APIGW.0101", and its request ID. A code
// may be a pattern of [path.Match].
func wantError(t *testing.T, got response, want string) {
	t.Helper()
	if ok, err := path.Match(want, fmt.Sprint(got.status, " ", got.body["error_code"])); !ok || err != nil {
		t.Errorf("got %d %s, want %s", got.status, got.raw, want)
	}
	if message, _ := got.body["error_msg"].(string); message == "" {
		t.Errorf("error_msg is missing: %s", got.raw)
	}
	id := got.header.Get("X-Request-Id")
	if !requestIDRule.MatchString(id) || got.body["request_id"] != id {
		t.Errorf("request id: header %q, body %v", id, got.body["request_id"])
	}
}

func wantJSON(t *testing.T, got object, want string) {
	t.Helper()
	if !reflect.DeepEqual(got, decode(t, want)) {
		t.Errorf("\n got %v\nwant %s", got, want)
	}
}

// jobNames returns the sorted names of the jobs in the service.
func jobNames(server *emulator.Server) string {
	var names []string
	for _, job := range server.Jobs() {
		names = append(names, job.Name())
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func quirks(t *testing.T, list string) emulator.Quirks {
	t.Helper()
	parsed, err := emulator.ParseQuirks(list)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// clock stands still until a test advances it.
type clock struct{ passed atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2025, 11, 14, 9, 6, 28, 0, time.UTC).Add(time.Duration(c.passed.Load()))
}

func (c *clock) Advance(by time.Duration) { c.passed.Add(int64(by)) }

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
