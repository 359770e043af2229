// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

const throttled = `{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached","request_id":"r1"}`

// What a create meets, and whether the job exists afterwards.
func TestFaults_beforeAndAfter(t *testing.T) {
	t.Parallel()
	answered := emulator.Fault{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"7"}}, Body: throttled}
	for _, test := range []struct {
		name   string
		fault  emulator.Fault
		after  bool
		broken bool
	}{
		{"answer before", answered, false, false},
		{"answer after", answered, true, false},
		{"drop before", emulator.Fault{Drop: true}, false, true},
		{"drop after", emulator.Fault{Drop: true}, true, true},
		{"drop wins over an answer", emulator.Fault{Drop: true, StatusCode: http.StatusOK}, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			test.fault.After = test.after
			server.Order(test.fault)

			got, err := send(t.Context(), server, http.MethodPost, jobsPath, plainJob("app"))
			if (err != nil) != test.broken {
				t.Fatalf("got %v and error %v", got, err)
			}
			if !test.broken {
				if got.status != test.fault.StatusCode || got.raw != throttled || got.header.Get("Retry-After") != "7" {
					t.Errorf("got %d %s %v", got.status, got.raw, got.header)
				}
			}
			want := 0
			if test.after {
				want = 1
			}
			if got := len(server.Jobs()); got != want {
				t.Errorf("the service holds %d jobs, want %d", got, want)
			}
			wantStatus := test.fault.StatusCode
			if test.broken {
				wantStatus = 0
			}
			if got := server.Requests()[0].StatusCode; got != wantStatus {
				t.Errorf("recorded status: got %d, want %d", got, wantStatus)
			}
			createJob(t, server, plainJob("second")) // The fault is used up.
		})
	}
}

func TestFaults_bodyIsNoJSON(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.Order(emulator.Fault{
		StatusCode: http.StatusBadGateway, Header: http.Header{"Content-Type": {"text/html"}}, Body: "<h1>Bad gateway</h1>",
	})
	got := call(t, server, http.MethodGet, jobsPath+"?page=1&per_page=1", "")
	if got.status != http.StatusBadGateway || got.raw != "<h1>Bad gateway</h1>" || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("got %d %q %v", got.status, got.raw, got.header)
	}
}

func TestFaults_choose(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault emulator.Fault
		want  string // P and G for post and get of jobs, B for base images; lower case is hit
	}{
		{"any request, once", emulator.Fault{}, "pGBPGB"},
		{"any request, twice", emulator.Fault{Times: 2}, "pgBPGB"},
		{"any request, always", emulator.Fault{Times: -1}, "pgbpgb"},
		{"method", emulator.Fault{Method: http.MethodGet, Times: 3}, "PgbPgB"},
		{"path", emulator.Fault{Path: jobsPath, Times: -1}, "pgBpgB"},
		{"pattern", emulator.Fault{Path: "/assembling/v1/*", Times: 4}, "pgbpGB"},
		{"a star is one segment", emulator.Fault{Path: "/assembling/*", Times: -1}, "PGBPGB"},
		{"method and path", emulator.Fault{Method: http.MethodGet, Path: jobsPath}, "PgBPGB"},
		{"broken pattern", emulator.Fault{Path: "[", Times: -1}, "PGBPGB"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
			test.fault.StatusCode = http.StatusServiceUnavailable
			server.Order(test.fault)
			var got strings.Builder
			for range 2 {
				for _, request := range []struct{ letter, method, path, body string }{
					{"P", http.MethodPost, jobsPath, plainJob("app")},
					{"G", http.MethodGet, jobsPath + "?page=1&per_page=1", ""},
					{"B", http.MethodGet, "/assembling/v1/base_images", ""},
				} {
					letter := request.letter
					if call(t, server, request.method, request.path, request.body).status == http.StatusServiceUnavailable {
						letter = strings.ToLower(letter)
					}
					got.WriteString(letter)
				}
			}
			if got.String() != test.want {
				t.Errorf("got %s, want %s", got.String(), test.want)
			}
		})
	}
}

func TestFaults_inOrder(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.Order(emulator.Fault{StatusCode: 500})
	server.Order(emulator.Fault{Method: http.MethodPost, StatusCode: 501})
	server.Order(emulator.Fault{StatusCode: 502, Times: 2})
	server.Order(emulator.Fault{StatusCode: 503})
	var got []int
	for range 6 {
		got = append(got, call(t, server, http.MethodGet, "/assembling/v1/base_images", "").status)
	}
	if want := []int{500, 502, 502, 503, 200, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := call(t, server, http.MethodPost, jobsPath, plainJob("app")).status; got != 501 {
		t.Errorf("the fault that waits for a POST: got %d", got)
	}
}

func TestFaults_do(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	path := jobsPath + "/" + id

	server.Order(emulator.Fault{Method: http.MethodGet, Path: path, Do: func() {
		server.ChangeJob(id, func(spec map[string]any) { spec["job_description"] = "changed meanwhile" })
	}})
	wantJSON(t, getSpec(t, server, id), `{"job_name":"app","job_description":"changed meanwhile","environment_setting":{}}`)

	server.Order(emulator.Fault{Path: path, Do: func() { server.RemoveJob(id) }, StatusCode: http.StatusGatewayTimeout})
	if got := call(t, server, http.MethodGet, path, "").status; got != http.StatusGatewayTimeout {
		t.Errorf("got %d, want what was ordered", got)
	}
	wantError(t, call(t, server, http.MethodGet, path, ""), http.StatusNotFound, "SVCSTG.CPE.404*")
}

// A fault may order the next one, and look at what has happened.
func TestFaults_doUsesTheService(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	seen := 0
	server.Order(emulator.Fault{Do: func() {
		seen = len(server.Requests()) + len(server.Jobs()) + server.CountRequests(http.MethodGet, "/*")
		server.AddJob(object{"job_name": "app", "environment_setting": object{}})
		server.Order(emulator.Fault{StatusCode: http.StatusTeapot})
	}})
	names, _ := list(t, server, "page=1&per_page=10")
	if seen != 1 || !slices.Equal(names, []string{"app"}) {
		t.Errorf("the hook saw %d, the list is %v", seen, names)
	}
	if got := call(t, server, http.MethodGet, "/assembling/v1/base_images", "").status; got != http.StatusTeapot {
		t.Errorf("got %d, want what the hook ordered", got)
	}
}

func TestFaults_hitUnauthenticatedRequests(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.Order(emulator.Fault{StatusCode: http.StatusServiceUnavailable})
	req, err := newRequest(t.Context(), server, http.MethodPost, jobsPath, plainJob("app"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := exchange(req); err != nil || got.status != http.StatusServiceUnavailable {
		t.Errorf("got %v and error %v", got, err)
	}
	server.Order(emulator.Fault{After: true, StatusCode: http.StatusServiceUnavailable})
	req.Body, err = req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := exchange(req); err != nil || got.status != http.StatusServiceUnavailable || len(server.Jobs()) != 0 {
		t.Errorf("got %v and error %v, and %d jobs", got, err, len(server.Jobs()))
	}
}

func TestFaults_forget(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.Order(emulator.Fault{StatusCode: http.StatusServiceUnavailable, Times: -1})
	if got := call(t, server, http.MethodGet, "/assembling/v1/base_images", "").status; got != http.StatusServiceUnavailable {
		t.Errorf("got %d, want what was ordered", got)
	}
	server.ForgetFaults()
	mustCall(t, server, http.MethodGet, "/assembling/v1/base_images", "")
}
