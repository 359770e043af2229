// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func TestNew_listensOnLoopback(t *testing.T) {
	t.Parallel()
	base, err := url.Parse(emulator.New(t, emulator.Options{}).URL)
	if err != nil || base.Scheme != "http" || base.Hostname() != "127.0.0.1" || base.Port() == "" || base.Path != "" {
		t.Errorf("got %v and error %v", base, err)
	}
}

func TestRequests_record(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	list(t, server, "page=1&per_page=10")
	call(t, server, http.MethodGet, jobsPath+"/none", "")
	call(t, server, http.MethodDelete, jobsPath+"/"+id, "")

	got := server.Requests()
	if len(got) != 4 {
		t.Fatalf("got %d requests, want 4", len(got))
	}
	for i, want := range []emulator.Request{
		{Method: "POST", Path: jobsPath, Body: []byte(plainJob("app")), StatusCode: 200},
		{Method: "GET", Path: jobsPath, Query: "page=1&per_page=10", StatusCode: 200},
		{Method: "GET", Path: jobsPath + "/none", StatusCode: 404},
		{Method: "DELETE", Path: jobsPath + "/" + id, StatusCode: 204},
	} {
		if got[i].Method != want.Method || got[i].Path != want.Path || got[i].Query != want.Query ||
			!bytes.Equal(got[i].Body, want.Body) || got[i].StatusCode != want.StatusCode {
			t.Errorf("request %d: got %+v, want %+v", i, got[i], want)
		}
		if got[i].Header.Get("X-Auth-Token") != emulator.DefaultToken {
			t.Errorf("request %d: the header is missing: %v", i, got[i].Header)
		}
	}
}

func TestRequests_countAndForget(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	createJob(t, server, plainJob("other"))
	getSpec(t, server, id)
	for _, test := range []struct {
		method, pattern string
		want            int
	}{
		{http.MethodPost, jobsPath, 2},
		{http.MethodPost, jobsPath + "/*", 0},
		{http.MethodGet, jobsPath + "/*", 1},
		{http.MethodGet, jobsPath + "/" + id, 1},
		{http.MethodGet, jobsPath, 0},
		{http.MethodDelete, "*", 0},
	} {
		if got := server.CountRequests(test.method, test.pattern); got != test.want {
			t.Errorf("%s %s: got %d, want %d", test.method, test.pattern, got, test.want)
		}
	}
	server.ForgetRequests()
	if got := len(server.Requests()); got != 0 {
		t.Errorf("%d requests are not forgotten", got)
	}
	getSpec(t, server, id)
	if got := server.CountRequests(http.MethodGet, jobsPath+"/*"); got != 1 {
		t.Errorf("after the record was emptied: got %d, want 1", got)
	}
}

func TestJobs_hooks(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	createJob(t, server, plainJob("app"))
	// The console may make what the API refuses.
	id := server.AddJob(object{"job_name": "APP", "environment_setting": object{"cache": true}})
	if !idRule.MatchString(id) {
		t.Errorf("id: got %q", id)
	}
	wantJSON(t, getSpec(t, server, id), `{"job_name":"APP","environment_setting":{"cache":true}}`)

	changed := server.ChangeJob(id, func(spec map[string]any) { spec["job_name"] = "changed" })
	if !changed || server.ChangeJob("none", func(map[string]any) { t.Error("a job that does not exist was changed") }) {
		t.Error("ChangeJob does not report whether there is a job")
	}
	jobs := server.Jobs()
	if len(jobs) != 2 || jobs[0].Name() != "app" || jobs[1].ID != id || jobs[1].Name() != "changed" {
		t.Errorf("got %+v", jobs)
	}
	if !server.RemoveJob(id) || server.RemoveJob(id) {
		t.Error("RemoveJob does not report whether there was a job")
	}
	wantError(t, call(t, server, http.MethodGet, jobsPath+"/"+id, ""), http.StatusNotFound, "SVCSTG.CPE.404*")
	if got := jobNames(server); !slices.Equal(got, []string{"app"}) {
		t.Errorf("left are %v", got)
	}
}

func TestJobs_hooksCopy(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	added := object{"job_name": "app", "environment_setting": object{"build_os": object{"arch": "x86_64"}}}
	id := server.AddJob(added)
	for _, spec := range []object{added, server.Jobs()[0].Spec} {
		environment := objectIn(t, spec, "environment_setting")
		objectIn(t, environment, "build_os")["arch"] = "changed"
		environment["added"] = true
		spec["job_name"] = "changed"
	}
	wantJSON(t, getSpec(t, server, id), `{"job_name":"app","environment_setting":{"build_os":{"arch":"x86_64"}}}`)
}

func TestService_logsOneLinePerRequest(t *testing.T) {
	t.Parallel()
	var lines strings.Builder // The logger writes one line at a time.
	service, err := emulator.NewService(emulator.Options{Log: log.New(&lines, "", 0), Now: newClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(service)
	server := &emulator.Server{Service: service, URL: listener.URL}
	createJob(t, server, plainJob("app"))
	list(t, server, "page=1&per_page=10")
	server.Order(emulator.Fault{Drop: true})
	if _, err := send(t.Context(), server, http.MethodGet, jobsPath+"/x", ""); err == nil {
		t.Error("the connection is not broken")
	}
	listener.Close() // Handlers that still write their line are waited for.
	const want = "POST /assembling/v1/jobs 200 0s\n" +
		"GET /assembling/v1/jobs?page=1&per_page=10 200 0s\n" +
		"GET /assembling/v1/jobs/x: connection broken as ordered\n"
	if got := lines.String(); got != want {
		t.Errorf("\n got %q\nwant %q", got, want)
	}
}

func TestService_concurrency(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const count = 50
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() {
			got, err := send(t.Context(), server, http.MethodPost, jobsPath, plainJob(fmt.Sprintf("app-%d", i)))
			id, _ := got.body["job_id"].(string)
			if err != nil || got.status != http.StatusOK || id == "" {
				t.Errorf("create: got %d %s and error %v", got.status, got.raw, err)
				return
			}
			want := map[string]int{http.MethodGet: http.StatusOK}
			if i%2 == 1 {
				want[http.MethodDelete] = http.StatusNoContent
			}
			for _, method := range []string{http.MethodGet, http.MethodDelete} {
				if want[method] == 0 {
					continue
				}
				if got, err := send(t.Context(), server, method, jobsPath+"/"+id, ""); err != nil || got.status != want[method] {
					t.Errorf("%s: got %d %s and error %v", method, got.status, got.raw, err)
				}
			}
			server.Jobs()
			server.Requests()
			server.Order(emulator.Fault{Path: "/nowhere"})
		})
	}
	group.Wait()
	if _, total := list(t, server, "page=1&per_page=100"); total != "25" || len(server.Jobs()) != 25 {
		t.Errorf("left are %s, want 25", total)
	}
	if got := server.CountRequests(http.MethodPost, jobsPath); got != count {
		t.Errorf("recorded are %d creates, want %d", got, count)
	}
}

func TestService_concurrentCreatesOfOneName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const count = 20
	statuses := make([]int, count)
	var group sync.WaitGroup
	for i := range count {
		group.Go(func() {
			got, err := send(t.Context(), server, http.MethodPost, jobsPath, plainJob("app"))
			if err != nil {
				t.Error(err)
			}
			statuses[i] = got.status
		})
	}
	group.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusOK || statuses[1] != http.StatusBadRequest || len(server.Jobs()) != 1 {
		t.Errorf("got %v and %d jobs, want one success and one job", statuses, len(server.Jobs()))
	}
}

func TestJobs_hooksCopyLists(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	labels := []any{"a", object{"b": "c"}}
	id := server.AddJob(object{"job_name": "app", "environment_setting": object{}, "labels": labels})
	labels[0] = "changed"
	if held, ok := server.Jobs()[0].Spec["labels"].([]any); ok {
		held[1] = "changed"
	}
	wantJSON(t, getSpec(t, server, id), `{"job_name":"app","environment_setting":{},"labels":["a",{"b":"c"}]}`)
}
