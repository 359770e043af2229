// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// admin sends a request to the JSON API and requires a status.
func admin(t *testing.T, server *emulator.Server, status int, method, path, body string) object {
	t.Helper()
	got := callWith(t, server, method, "/_emulator/"+path, body, nil)
	if got.status != status {
		t.Fatalf("%s %s: got %d %s, want %d", method, path, got.status, got.raw, status)
	}
	if message, _ := got.body["error"].(string); (message != "") != (status >= http.StatusBadRequest) {
		t.Errorf("%s %s: got %s", method, path, got.raw)
	}
	return got.body
}

// column returns one member of each object in a list.
func column(list any, name string) string {
	var values []string
	items, _ := list.([]any)
	for _, item := range items {
		values = append(values, fmt.Sprint(item.(object)[name]))
	}
	return strings.Join(values, " ")
}

func TestAdmin_state(t *testing.T) {
	t.Parallel()
	clock := new(clock)
	server := emulator.New(t, emulator.Options{Now: clock.Now, Region: "eu-west-101"})
	id := createJob(t, server, fullJob)
	clock.Advance(time.Second)
	build := server.AddBuild(id)
	server.AddJob(object{"job_name": "2nd", "environment_setting": object{}})
	header := http.Header{"Retry-After": {"1"}}
	server.InjectFault(emulator.Fault{Path: "/nowhere", StatusCode: 503, Times: -1, Header: header})

	got := admin(t, server, 200, http.MethodGet, "state?search=SHOP", "")
	accepted := got["accepted"].(object)
	if accepted["password"] != emulator.DefaultPassword || accepted["access_key"] != emulator.DefaultAccessKey {
		t.Errorf("accepted: got %v", accepted)
	}
	delete(got, "accepted")
	wantJSON(t, got, fmt.Sprintf(`{"address":%q,"region":"eu-west-101","total":1,
		"projects":[{"id":%q,"name":"eu-west-101"}],
		"faults":[{"path":"/nowhere","status":503,"count":-1,"when":"before","headers":{"Retry-After":"1"}}],
		"jobs":[{"job_id":%q,"name":"shop-web","description":"The shop","arch":"aarch64",
			"repository":"https://example.com/shop.git",
			"branch":"main","cluster":"builders","enterprise_project_id":"project-1",
			"created_at":"2025-11-14T09:06:28Z","changed_at":"2025-11-14T09:06:28Z",
			"changed_by":"POST /assembling/v1/jobs",
			"last_build":{"build_id":%q,"number":1,"status":"Queuing",
			"phase":"Init","started_at":"2025-11-14T09:06:29Z","ended_at":null}}]}`,
		server.URL, emulator.ProjectID("eu-west-101"), id, build))
	for query, want := range map[string]string{
		"": "2nd shop-web", "?limit=1": "2nd", "?limit=1&offset=1": "shop-web", "?offset=9": "", "?limit=0": "",
		"?search=main": "shop-web",
	} {
		if got := column(admin(t, server, 200, http.MethodGet, "state"+query, "")["jobs"], "name"); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	admin(t, server, 400, http.MethodGet, "state?limit=-1", "")
	admin(t, server, 400, http.MethodGet, "state?offset=x", "")
	admin(t, server, 404, http.MethodGet, "stat", "")
	wantJSON(t, admin(t, server, 200, http.MethodGet, "health", ""), `{"status":"ok"}`)
}

func TestAdmin_builds(t *testing.T) {
	t.Parallel()
	r := newRunning(t, emulator.Options{})
	path := "jobs/" + r.jobID
	build := admin(t, r.Server, 200, http.MethodPost, path+"/builds", "")["build_id"].(string)
	r.Advance(15 * time.Second)
	got := admin(t, r.Server, 200, http.MethodGet, path, "")
	shown := got["builds"].([]any)[0].(object)
	if got["name"] != "app" || shown["build_id"] != build || shown["phase"] != "Download" {
		t.Errorf("got %v", got)
	}
	if got := column(shown["phases"], "progress"); got != "100 50 0 0 0 0" {
		t.Errorf("progress: got %s", got)
	}
	if got := column(shown["phases"], "status"); got != r.phases(t, build) {
		t.Errorf("status of the phases: got %s", got)
	}
	if log := shown["log"]; log != r.get(t, build, "/logs?from=0")["buildlog"] {
		t.Errorf("log: got %s", log)
	}
	other := createJob(t, r.Server, plainJob("other"))
	admin(t, r.Server, 404, http.MethodPost, "jobs/"+other+"/builds/"+build+"/cancel", "")
	for range 2 {
		got := admin(t, r.Server, 200, http.MethodPost, path+"/builds/"+build+"/cancel", "")
		if got["status"] != "Cancel" {
			t.Errorf("after cancel: got %v", got)
		}
	}
	for range 25 {
		r.AddBuild(r.jobID)
	}
	got = admin(t, r.Server, 200, http.MethodGet, path, "")
	numbers, total := column(got["builds"], "number"), fmt.Sprint(got["builds_total"])
	if !strings.HasPrefix(numbers, "26 25 ") || !strings.HasSuffix(numbers, " 7") || total != "26" {
		t.Errorf("builds: got %s of %s", numbers, total)
	}
}

func TestAdmin_changeJob(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	server := emulator.New(t, emulator.Options{StateFile: file})
	id, other := createJob(t, server, undocumentedJob), createJob(t, server, fullJob)
	const changes = `{"name":"1st","description":"d","arch":"aarch64","cluster":"c"}`
	got := admin(t, server, 200, http.MethodPatch, "jobs/"+id, changes)
	if got["name"] != "1st" || got["changed_by"] != "console" {
		t.Errorf("got %v", got)
	}
	want := strings.NewReplacer(`"job_name":"app",`, `"job_name":"1st","job_description":"d",`,
		`"cache":true`, `"cache":true,"cluster_name":"c","build_os":{"arch":"aarch64"}`).Replace(undocumentedJob)
	wantJSON(t, getSpec(t, server, id), want)
	const clearing = `{"branch":"next","repository":"https://example.com/2","description":null}`
	admin(t, server, 200, http.MethodPatch, "jobs/"+other, clearing)
	next := strings.NewReplacer(`"main"`, `"next"`, "shop.git", "2", `"job_description":"The shop",`, "")
	want = next.Replace(fullJob)
	wantJSON(t, getSpec(t, server, other), want)
	for _, body := range []string{
		`{"name":""}`, `{"name":null}`, `{"name":"1ST"}`, `{"arch":"arm"}`, `{"branch":null}`, `{"job_name":"x"}`,
		`{"name":1}`, `[]`, ``, `{}{}`,
	} {
		admin(t, server, 400, http.MethodPatch, "jobs/"+other, body)
	}
	wantJSON(t, getSpec(t, server, other), want)
	admin(t, server, 400, http.MethodPatch, "jobs/"+id, `{"branch":"main"}`) // It has no repository.
	admin(t, server, 204, http.MethodDelete, "jobs/"+id, "")
	admin(t, server, 404, http.MethodGet, "jobs/"+id, "")
	if names := jobNames(emulator.New(t, emulator.Options{StateFile: file})); names != "shop-web" {
		t.Errorf("the state file contains %q", names)
	}
}

func TestAdmin_seedAndReset(t *testing.T) {
	t.Parallel()
	const seed = `[{"job_id":"first","job_name":"1st"},` + fullJob + `]`
	server := emulator.New(t, emulator.Options{Seed: []byte(seed), Faults: []emulator.Fault{{Path: "/once"}}})
	wantJSON(t, getSpec(t, server, "first"), `{"job_name":"1st","environment_setting":{}}`)
	admin(t, server, 204, http.MethodPost, "seed", `[{"job_name":"added"}]`)
	for _, body := range []string{
		`{}`, `[null]`, `[{}]`, `[{"job_name":"x","code_repo":{}}]`, `[{"job_name":"x","code_rep":{}}]`,
		`[{"job_name":"new"},{"job_name":"ADDED"}]`, `[{"job_name":"x","job_id":"first"}]`,
		`[{"job_name":"x","job_id":"a/b"}]`, `[{"job_name":"x","job_id":1}]`,
		`[{"job_name":"x","environment_setting":{"arch":"x86_64"}}]`, `[{"job_name":"x","code_repo":[]}]`,
	} {
		admin(t, server, 400, http.MethodPost, "seed", body)
	}
	if names := jobNames(server); names != "1st added shop-web" {
		t.Errorf("got %s", names)
	}
	server.AddBuild("first")
	admin(t, server, 204, http.MethodPut, "faults", `[]`)
	admin(t, server, 204, http.MethodPost, "reset", "")
	faults := admin(t, server, 200, http.MethodGet, "state", "")["faults"].([]any)
	if jobNames(server) != "1st shop-web" || len(server.Builds()) != 0 || len(faults) != 1 {
		t.Errorf("after the reset: got %s, %v and %v", jobNames(server), server.Builds(), faults)
	}
	wantJSON(t, admin(t, server, 200, http.MethodGet, "requests", ""), `{"total":0,"requests":[]}`)
}

func TestAdmin_faults(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{StatusCode: 500})
	admin(t, server, 204, http.MethodPut, "faults", `[
		{"method":"GET","drop":true},{"path":"/assembling/v1/jobs/*","delay":"1ms"},
		{"method":"post","path":"/assembling/v1/*","count":2,
			"status":503,"when":"after","headers":{"Retry-After":"1"},"body":"{}"},
		{"drop":true}]`)
	got := call(t, server, http.MethodPost, jobsPath, plainJob("app")) // Hit by the first fault that selects it.
	if got.status != 503 || got.header.Get("Retry-After") != "1" || got.raw != "{}" || len(server.Jobs()) != 1 {
		t.Errorf("got %v", got)
	}
	faults := admin(t, server, 200, http.MethodGet, "state", "")["faults"]
	wantJSON(t, object{"faults": faults}, `{"faults":[
		{"method":"GET","count":1,"drop":true,"when":"before"},
		{"path":"/assembling/v1/jobs/*","count":1,"delay":"1ms","when":"before"},
		{"method":"POST","path":"/assembling/v1/*","count":1,
			"status":503,"when":"after","headers":{"Retry-After":"1"},"body":"{}"},
		{"count":1,"drop":true,"when":"before"}]}`)
	for _, body := range []string{
		`{}`, `[{}]`, `[null]`, `[{"status":99}]`, `[{"status":600}]`, `[{"drop":true,"when":"during"}]`,
		`[{"delay":"2"}]`, `[{"delay":"-1s"}]`,
		`[{"path":"[","drop":true}]`, `[{"body":"x","drop":true}]`, `[{"status":503,"times":2}]`,
	} {
		admin(t, server, 400, http.MethodPut, "faults", body)
	}
}

func TestAdmin_requests(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	mustCall(t, server, http.MethodGet, jobsPath+"/"+id, "")
	header := map[string]string{"X-Auth-Token": issueToken(t, server, toProject)}
	callWith(t, server, http.MethodGet, jobsPath+"?page=1&per_page=1", "", header)
	callWith(t, server, http.MethodGet, "/elsewhere", "", nil)
	callSigned(t, server, defaultKey, http.MethodGet, jobsPath+"/none", "", "")
	for query, want := range map[string]string{
		"":                               "6: none elsewhere jobs tokens app jobs",
		"method=get&limit=1":             "3: none",
		"path=/assembling/v1/jobs":       "2: jobs jobs",
		"path=/assembling/v1/jobs/*":     "2: none app",
		"method=PUT&path=/*/*/jobs/*":    "0: ",
		"path=/assembling/v1/jobs&limit": "2: jobs jobs",
	} {
		got := admin(t, server, 200, http.MethodGet, "requests?"+query, "")
		var names []string
		for path := range strings.FieldsSeq(column(got["requests"], "path")) {
			names = append(names, strings.Replace(path[strings.LastIndex(path, "/")+1:], id, "app", 1))
		}
		if got := fmt.Sprintf("%s: %s", got["total"], strings.Join(names, " ")); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
	got := admin(t, server, 200, http.MethodGet, "requests", "")["requests"]
	const want = "access key EMULATORACCESSKEY none token of emulator-user none token token"
	if credentials := column(got, "credential"); credentials != want {
		t.Errorf("credentials: got %s", credentials)
	}
	if statuses := column(got, "status"); statuses != "404 401 200 201 200 200" {
		t.Errorf("status: got %s", statuses)
	}
	admin(t, server, 400, http.MethodGet, "requests?limit=x", "")
	admin(t, server, 400, http.MethodGet, "requests?path=/assembling/v1/job", "") // Not a count of 0.
}

// Neither another web page nor another machine can control the emulator.
func TestAdmin_access(t *testing.T) {
	t.Parallel()
	const local, remote, own = "127.0.0.1:1234", "192.0.2.7:1234", "127.0.0.1:8181"
	for _, test := range []struct {
		name, host, origin, client, token, sent, path string
		want                                          int
	}{
		{"loopback", own, "", local, "", "", "state", 200},
		{"localhost", "LOCALHOST:8181", "", local, "", "", "state", 200},
		{"own origin, IPv6", "[::1]:8181", "http://[::1]:8181", "[::1]:1", "", "", "state", 200},
		{"no port", "localhost", "", local, "", "", "state", 200},
		{"foreign origin", own, "http://example.com", local, "", "", "state", 403},
		{"origin of another port", own, "http://127.0.0.1:8080", local, "", "", "health", 403},
		{"opaque origin", own, "null", local, "", "", "", 403},
		{"foreign host", "example.com:8181", "http://example.com:8181", local, "", "", "state", 403},
		{"host like localhost", "localhost.example.com", "", local, "", "", "", 403},
		{"other machine", own, "", remote, "", "", "state", 403},
		{"token from another machine", "emulator:8181", "", remote, "secret", "Bearer secret", "state", 200},
		{"foreign origin and token", "emulator:8181", "http://a.b", remote, "secret", "Bearer secret", "state", 403},
		{"wrong token", own, "", local, "secret", "Bearer secre", "state", 401},
		{"no token", own, "", local, "secret", "", "state", 401},
		{"health without token", "emulator:8181", "", remote, "secret", "", "health", 200},
		{"page without token", "emulator:8181", "", remote, "secret", "", "", 200},
	} {
		service := newService(t, emulator.Options{AdminToken: test.token})
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_emulator/"+test.path, http.NoBody)
		request.Host, request.RemoteAddr = test.host, test.client
		request.Header.Set("Origin", test.origin)
		request.Header.Set("Authorization", test.sent)
		response := httptest.NewRecorder()
		service.ServeHTTP(response, request)
		if response.Code != test.want {
			t.Errorf("%s: got %d %s, want %d", test.name, response.Code, response.Body, test.want)
		}
	}
}

// A browser gets the page; API clients get the error of the gateway.
func TestAdmin_page(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, path := range []string{"/", "/_emulator"} {
		got := callWith(t, server, http.MethodGet, path, "", map[string]string{"Accept": "text/html,*/*;q=0.8"})
		if location := got.header.Get("Location"); got.status/100 != 3 || location != "/_emulator/" {
			t.Errorf("%s: got %d to %q", path, got.status, location)
		}
	}
	wantError(t, callWith(t, server, http.MethodGet, "/", "", nil), "401 APIGW.0301")
	got := callWith(t, server, http.MethodGet, "/_emulator/", "", nil)
	policy := got.header.Get("Content-Security-Policy")
	isPage := got.status == http.StatusOK && strings.HasPrefix(got.raw, "<!doctype html>")
	if !isPage || !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; ") {
		t.Errorf("got %d %v %s", got.status, got.header, got.raw)
	}
	if faults := admin(t, server, 200, http.MethodGet, "state", "")["faults"]; fmt.Sprint(faults) != "[]" {
		t.Errorf("faults: got %v, want an empty list", faults)
	}
	if len(server.Requests()) != 1 {
		t.Errorf("requests of the page are recorded: %v", server.Requests())
	}
}

func TestNewService_invalidOptions(t *testing.T) {
	t.Parallel()
	for want, options := range map[string]emulator.Options{
		"at least 0":     {RateLimit: -1},
		"durations":      {BuildDuration: -1},
		"Init, Download": {FailIn: "Compile"},
		`"name"`:         {Seed: []byte(`[{"name":"x"}]`)},
		"state file":     {StateFile: t.TempDir()},
	} {
		if _, err := emulator.NewService(options); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func TestOptions_rateLimit(t *testing.T) {
	t.Parallel()
	clock := new(clock)
	server := emulator.New(t, emulator.Options{RateLimit: 2, Now: clock.Now})
	var got []int
	for i := range 6 {
		got = append(got, call(t, server, http.MethodGet, "/assembling/v1/base_images", "").status)
		if i == 3 {
			clock.Advance(time.Second / 2)
		}
	}
	if want := "[200 200 429 429 200 429]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	wantError(t, call(t, server, http.MethodGet, jobsPath, ""), "429 APIGW.0308")
}
