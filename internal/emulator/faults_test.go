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

// What a create gets, and whether the job exists afterwards.
func TestFaults_beforeAndAfter(t *testing.T) {
	t.Parallel()
	const page = "<h1>Bad gateway</h1>"
	header := http.Header{"Retry-After": {"7"}, "Content-Type": {"text/html"}}
	html := emulator.Fault{StatusCode: http.StatusBadGateway, Header: header, Body: page}
	for name, test := range map[string]struct {
		fault emulator.Fault
		after bool
	}{
		"response before": {html, false},
		"response after":  {html, true},
		"drop before":     {emulator.Fault{Drop: true, StatusCode: http.StatusOK}, false},
		"drop after":      {emulator.Fault{Drop: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			test.fault.After = test.after
			server.InjectFault(test.fault)
			req := newRequest(t, server, http.MethodPost, jobsPath, plainJob("app"))
			req.Header.Set("X-Auth-Token", emulator.DefaultToken)
			got, err := exchange(req)
			if (err != nil) != test.fault.Drop {
				t.Fatalf("got %v and error %v", got, err)
			}
			want := http.StatusBadGateway
			if test.fault.Drop {
				want = 0
			} else if kind := got.header.Get("Content-Type"); got.raw != page || kind != "text/html" ||
				got.header.Get("Retry-After") != "7" {
				t.Errorf("got %s %v", got.raw, got.header)
			}
			if recorded := server.Requests()[0].StatusCode; got.status != want || recorded != want {
				t.Errorf("status: got %d, recorded %d, want %d", got.status, recorded, want)
			}
			if exists := len(server.Jobs()) == 1; exists != test.after {
				t.Errorf("the job exists: %t, want %t", exists, test.after)
			}
			createJob(t, server, plainJob("second")) // The fault is used up.
		})
	}
}

func TestFaults_choose(t *testing.T) {
	t.Parallel()
	hasQuery := func(r emulator.Request) bool { return r.Query != "" }
	for name, test := range map[string]struct {
		fault emulator.Fault
		want  string // P and G for POST and GET of jobs, B for base images; lower case is hit.
	}{
		"any request, once":     {emulator.Fault{}, "pGBPGB"},
		"any request, twice":    {emulator.Fault{Times: 2}, "pgBPGB"},
		"any request, always":   {emulator.Fault{Times: -1}, "pgbpgb"},
		"method":                {emulator.Fault{Method: http.MethodGet, Times: 3}, "PgbPgB"},
		"pattern":               {emulator.Fault{Path: "/assembling/v1/*", Times: 4}, "pgbpGB"},
		"a star is one segment": {emulator.Fault{Path: "/assembling/*", Times: -1}, "PGBPGB"},
		"method and path":       {emulator.Fault{Method: http.MethodGet, Path: jobsPath}, "PgBPGB"},
		"condition":             {emulator.Fault{When: hasQuery, Times: -1}, "PgBPgB"},
		"broken pattern":        {emulator.Fault{Path: "[", Times: -1}, "PGBPGB"},
	} {
		server := emulator.New(t, emulator.Options{Quirks: quirks(t, "allow-taken-names")})
		test.fault.StatusCode = http.StatusServiceUnavailable
		server.InjectFault(test.fault)
		var got strings.Builder
		for i, letter := range []string{"P", "G", "B", "P", "G", "B"} {
			request := [][]string{
				{http.MethodPost, jobsPath, plainJob("app")},
				{http.MethodGet, jobsPath + "?page=1&per_page=1", ""},
				{http.MethodGet, "/assembling/v1/base_images", ""},
			}[i%3]
			if call(t, server, request[0], request[1], request[2]).status == http.StatusServiceUnavailable {
				letter = strings.ToLower(letter)
			}
			got.WriteString(letter)
		}
		if got.String() != test.want {
			t.Errorf("%s: got %s, want %s", name, &got, test.want)
		}
	}
}

// Faults hit in their order, one for a request, whoever sends it.
func TestFaults_order(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{StatusCode: 500})
	server.InjectFault(emulator.Fault{Method: http.MethodPost, StatusCode: 501})
	server.InjectFault(emulator.Fault{StatusCode: 502, Times: 2})
	server.InjectFault(emulator.Fault{StatusCode: 503})
	var got []int
	for range 6 {
		got = append(got, callWith(t, server, http.MethodGet, "/assembling/v1/base_images", "", nil).status)
	}
	if want := []int{500, 502, 502, 503, 401, 401}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := call(t, server, http.MethodPost, jobsPath, plainJob("app")).status; got != 501 {
		t.Errorf("the fault that waits for a POST: got %d", got)
	}
}

// Do runs before the request. It may use the service and inject further faults.
func TestFaults_do(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	path := jobsPath + "/" + id
	server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: path, Do: func() {
		server.ChangeJob(id, func(spec map[string]any) { spec["job_description"] = "changed" })
		server.InjectFault(emulator.Fault{Path: path, Do: func() { server.RemoveJob(id) }, StatusCode: 504})
	}})
	wantJSON(t, getSpec(t, server, id), `{"job_name":"app","job_description":"changed","environment_setting":{}}`)
	if got := call(t, server, http.MethodGet, path, "").status; got != http.StatusGatewayTimeout {
		t.Errorf("got %d, want the injected status", got)
	}
	wantError(t, call(t, server, http.MethodGet, path, ""), "404 SVCSTG.CPE.404*")
}
