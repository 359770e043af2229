// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// A build job that is deleted between list and read is omitted, and another one fills the limit.
func TestBuildJobList_vanished(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	ids := fill(server, 30)
	for _, gone := range []string{"job-000", "job-007", "job-008"} {
		id := ids[gone]
		delete(ids, gone)
		server.InjectFault(emulator.Fault{
			Method: http.MethodGet, Path: jobsPath + "/" + id, Do: func() { server.RemoveJob(id) },
		})
	}
	provider := providertest.NewProtocol(t, server, nil)
	found, failure := list(t.Context(), t, provider, query{details: true, limit: 27})
	failure.Expect(t)
	expectAll(t, found, ids)
	if !slices.IsSortedFunc(found, func(a, b listed) int { return strings.Compare(a.name, b.name) }) {
		t.Error("the order is not that of the service's list")
	}
}

// An error of a page ends the stream after the build jobs of the pages before.
func TestBuildJobList_errors(t *testing.T) {
	t.Parallel()
	for page, before := range map[string]int{"page=1&": 0, "page=3&": 101} {
		for _, details := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, details %t", page, details), func(t *testing.T) {
				t.Parallel()
				server := emulator.New(t, emulator.Options{})
				server.AddJob(named("job-0")) // The prefix selects 101 build jobs, the last of them on the second page.
				fill(server, 250)
				fault := denied(http.MethodGet, jobsPath)
				fault.When = func(request emulator.Request) bool { return strings.Contains(request.Query, page) }
				server.InjectFault(fault)
				provider := providertest.NewProtocol(t, server, nil)
				found, failure := list(t.Context(), t, provider, query{
					config: providertest.Arguments{"job_name_prefix": "job-0"}, details: details,
				})
				if len(found) != before {
					t.Errorf("%d build jobs came before the error, want %d", len(found), before)
				}
				failure.Expect(t, `ERROR  Error listing build jobs: .*HTTP 403: APIGW.0302.*servicestage:assembling:`)
			})
		}
	}
}

// At most ten build jobs are read at the same time.
func TestBuildJobList_concurrent(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	fill(server, 40)
	var mu sync.Mutex
	begun, running, most := 0, 0, 0
	full := make(chan struct{})
	server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, Times: -1, Do: func() {
		mu.Lock()
		running++
		most = max(most, running)
		if begun++; begun == 10 {
			close(full)
		}
		mu.Unlock()
		<-full // Ten reads must be in progress before one returns.
		mu.Lock()
		running--
		mu.Unlock()
	}})
	found, failure := list(t.Context(), t, providertest.NewProtocol(t, server, nil), query{details: true})
	failure.Expect(t)
	if len(found) != 40 || most != 10 {
		t.Errorf("%d jobs, at most %d at the same time; want 40 and 10", len(found), most)
	}
}

// An interrupt ends the list at once, with an error, because the list is incomplete.
func TestBuildJobList_interrupted(t *testing.T) {
	t.Parallel()
	for name, details := range map[string]bool{"list": false, "reads": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			ids := fill(server, 250)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			fault := emulator.Fault{
				Method: http.MethodGet, Path: jobsPath, Do: interrupt,
				When: func(request emulator.Request) bool { return strings.Contains(request.Query, "page=2&") },
			}
			if details {
				fault = emulator.Fault{Method: http.MethodGet, Path: jobsPath + "/" + ids["job-050"], Do: interrupt}
			}
			server.InjectFault(fault)
			_, failure := list(ctx, t, providertest.NewProtocol(t, server, nil), query{details: details})
			failure.Expect(t, "interrupted|context canceled")
			if sent := len(server.Requests()); details && sent > 70 || !details && sent != 2 {
				t.Errorf("%d requests were sent", sent)
			}
		})
	}
}

// A build job that cannot be read is listed with its identity and a warning, and an incomplete list ends with a
// warning.
func TestBuildJobList_problemsAreWarnings(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	ids := fill(server, 250)
	provider := providertest.NewProtocol(t, server, nil)
	server.InjectFault(denied(http.MethodGet, jobsPath+"/"+ids["job-150"]))
	found, warning := list(t.Context(), t, provider, query{details: true})
	warning.Expect(t, `WARNING  Error reading build jobs: .*reading build job "job-150" \(`)
	if len(found) != 250 {
		t.Errorf("%d build jobs are listed, want 250", len(found))
	}
	server.InjectFault(emulator.Fault{
		Path: jobsPath, Times: -1, StatusCode: http.StatusOK, Body: `{"total":250,"list":[]}`,
		When: func(r emulator.Request) bool { return !strings.Contains(r.Query, "page=1&") },
	})
	found, warning = list(t.Context(), t, provider, query{})
	warning.Expect(t, `WARNING  Incomplete list of build jobs: .*reported 250 build jobs and returned 100`)
	if len(found) != 100 {
		t.Errorf("%d build jobs are listed, want 100", len(found))
	}
}

// A name cannot forge a row of the output; without a printable name the ID is shown.
func TestBuildJobList_displayNameIsSanitized(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.AddJob(named("a\nservicestage_build_job.b\x1b[31m\u202e"))
	nameless := server.AddJob(named(""))
	found, _ := list(t.Context(), t, providertest.NewProtocol(t, server, nil), query{})
	if len(found) != 2 || strings.ContainsAny(found[0].name, "\n\x1b\u202e") ||
		!strings.HasPrefix(found[0].name, "a servicestage") || found[1].name != nameless {
		t.Errorf("got %+v", found)
	}
}
