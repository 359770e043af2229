// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// app is the build job that tests create if its content does not matter.
var app = servicestage.Spec{"job_name": "app", "job_description": "of this test"}

// document returns a build job as the service stores it.
func document(spec servicestage.Spec) map[string]any {
	content, err := json.Marshal(spec)
	var members map[string]any
	if err = errors.Join(err, json.Unmarshal(content, &members)); err != nil {
		panic(err)
	}
	return members
}

// named returns a build job with nothing but a name, as the service stores it.
func named(name string) map[string]any { return document(servicestage.Spec{"job_name": name}) }

// emulated starts an emulator and returns a client of it that waits no time between attempts.
func emulated(
	t *testing.T, quirks emulator.Quirks, adjust ...func(*servicestage.Config),
) (*emulator.Server, *servicestage.Client) {
	t.Helper()
	server := emulator.New(t, emulator.Options{Quirks: quirks})
	return server, newClient(t, server.URL, adjust...)
}

// onPost returns the fault for the create request.
func onPost(fault emulator.Fault) emulator.Fault {
	fault.Method, fault.Path = http.MethodPost, jobs
	return fault
}

// onRead returns the fault for reads of build jobs.
func onRead(fault emulator.Fault) emulator.Fault {
	fault.Method, fault.Path = http.MethodGet, jobs+"/*"
	return fault
}

// onSearch returns the fault for the list that is filtered by a name.
func onSearch(fault emulator.Fault) emulator.Fault {
	fault.Method, fault.Path = http.MethodGet, jobs
	fault.When = func(r emulator.Request) bool { return strings.Contains(r.Query, "job_name=") }
	return fault
}

// laggingList is a search that does not contain the new build job yet.
func laggingList(times int) emulator.Fault {
	return onSearch(emulator.Fault{Times: times, StatusCode: http.StatusOK, Body: noJobs})
}

// storedIDs returns the IDs of the build jobs in the service, oldest first.
func storedIDs(server *emulator.Server) []string {
	var ids []string
	for _, job := range server.Jobs() {
		ids = append(ids, job.ID)
	}
	return ids
}

func posts(server *emulator.Server) int { return server.CountRequests(http.MethodPost, jobs) }

// lostResponses are faults that lose the response to a create request.
var lostResponses = map[string]emulator.Fault{
	"dropped":     {Drop: true},
	"cut off":     {StatusCode: 200, Header: http.Header{"Content-Length": {"99"}}, Body: `{"job_id":"x"`},
	"no JSON":     {StatusCode: 200, Body: "<html>Sign in</html>"},
	"no job_id":   {StatusCode: 200, Body: "{}"},
	"303":         {StatusCode: 303, Header: http.Header{"Location": {"/created"}}},
	"408":         {StatusCode: 408},
	"500 SVCSTG":  {StatusCode: 500, Body: `{"error_code":"SVCSTG.CPE.5004401","error_msg":"already exists"}`},
	"502":         {StatusCode: 502, Body: "<html>Bad Gateway</html>"},
	"503":         {StatusCode: 503, Header: http.Header{"Retry-After": {"7"}}},
	"504 no body": {StatusCode: 504},
}

// A response that is lost once leads to one build job. One that is lost every time is an error, and the number of
// requests is limited.
func TestCreateBuildJob_responseLost(t *testing.T) {
	t.Parallel()
	for name, fault := range lostResponses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, stored := range []bool{false, true} {
				server, client := emulated(t, emulator.Quirks{})
				once := fault // Other subtests use it at the same time.
				once.After = stored
				server.InjectFault(onPost(once))
				created, err := client.CreateBuildJob(t.Context(), app)
				noError(t, err)
				equal(t, "stored", storedIDs(server), []string{created.ID})
				created.ID, created.CreatedAt = "", ""
				equal(t, "created", *created, servicestage.CreatedBuildJob{Adopted: stored, Resent: !stored})
			}
			for _, retries := range []int{0, 3} {
				server, client := emulated(t, emulator.Quirks{}, maxRetries(retries))
				always := fault
				always.Times = -1
				server.InjectFault(onPost(always))
				_, err := client.CreateBuildJob(t.Context(), app)
				want := servicestage.UnknownOutcomeError{Name: "app", Err: errorOf[callError](t, err)}
				equal(t, "outcome", *errorOf[unknownOutcome](t, err), want)
				requests := retries + 1
				if strings.Contains(fault.Body, "SVCSTG") {
					requests = min(requests, 2)
				}
				equal(t, "POST requests", posts(server), requests)
				equal(t, "number of build jobs", len(server.Jobs()), 0)
			}
		})
	}
}

// A build job that existed before is never the result of a create, even if it equals the request.
func TestCreateBuildJob_foreignJobIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, fault := range lostResponses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
			foreign := server.AddJob(document(app))
			server.InjectFault(onPost(fault))
			created, err := client.CreateBuildJob(t.Context(), app)
			if err != nil || created.ID == foreign || created.Adopted || len(created.Duplicates) > 0 {
				t.Errorf("got %+v, %v", created, err)
			}
			equal(t, "number of build jobs", len(server.Jobs()), 2)

			server, client = emulated(t, emulator.Quirks{})
			foreign = server.AddJob(document(app))
			server.InjectFault(onPost(fault))
			_, err = client.CreateBuildJob(t.Context(), app)
			taken := errorOf[nameTaken](t, err)
			equal(t, "named", taken.Job.ID, foreign)
			equal(t, "own", taken.Own, false)
			equal(t, "stored", storedIDs(server), []string{foreign})
		})
	}
}

// A build job that this process has read or created, or that existed before, belongs to another resource.
func TestCreateBuildJob_jobOfAnotherResourceIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(server *emulator.Server, client *servicestage.Client) error{
		"created": func(_ *emulator.Server, client *servicestage.Client) error {
			_, err := client.CreateBuildJob(t.Context(), app)
			return err
		},
		"created by another client": func(server *emulator.Server, _ *servicestage.Client) error {
			_, err := newClient(t, server.URL).CreateBuildJob(t.Context(), app)
			return err
		},
		"read after the list": func(server *emulator.Server, client *servicestage.Client) error {
			_, createErr := client.CreateBuildJob(t.Context(), servicestage.Spec{"job_name": "other"})
			_, readErr := client.GetBuildJob(t.Context(), server.AddJob(document(app)), "app")
			return errors.Join(createErr, readErr)
		},
		"among more than 1,000": func(server *emulator.Server, _ *servicestage.Client) error {
			addJobs(server, 1001)
			server.AddJob(document(app))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
			noError(t, prepare(server, client))
			server.InjectFault(onPost(emulator.Fault{Drop: true, After: true}))
			second, err := client.CreateBuildJob(t.Context(), app)
			noError(t, err)
			jobs := server.Jobs()
			equal(t, "created", *second, servicestage.CreatedBuildJob{ID: jobs[len(jobs)-1].ID, Adopted: true})
		})
	}
}

// addJobs adds build jobs with other names.
func addJobs(server *emulator.Server, count int) {
	for i := range count {
		server.AddJob(named(fmt.Sprintf("other-%d", i)))
	}
}

// A build job that a data source reads while it is created is neither overlooked, which would create another one, nor
// adopted.
func TestCreateBuildJob_jobReadDuringCreateIsNotOverlooked(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
	server.InjectFault(onPost(emulator.Fault{After: true, Drop: true}))
	server.InjectFault(onSearch(emulator.Fault{Do: func() {
		if _, err := client.GetBuildJob(t.Context(), storedIDs(server)[0], ""); err != nil {
			t.Error(err)
		}
	}}))
	_, err := client.CreateBuildJob(t.Context(), app)
	created := servicestage.BuildJobSummary{ID: storedIDs(server)[0], Name: "app"}
	equal(t, "named", errorOf[unknownOutcome](t, err).Jobs, []servicestage.BuildJobSummary{created})
	equal(t, "POST requests", posts(server), 1)
}

// A create is not sent again before the time that the service requests, and not at all if the operation ends before.
func TestCreateBuildJob_retryAfterIsNotIgnored(t *testing.T) {
	t.Parallel()
	for seconds, created := range map[string]bool{"40": true, "86400": false} {
		t.Run(seconds, func(t *testing.T) {
			t.Parallel()
			var longest atomic.Int64
			server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, d time.Duration) error {
					longest.Store(max(longest.Load(), int64(d)))
					return ctx.Err()
				}
			})
			server.InjectFault(onPost(emulator.Fault{StatusCode: 503, Header: http.Header{"Retry-After": {seconds}}}))
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			_, err := client.CreateBuildJob(ctx, app)
			if created {
				equal(t, "error", err, nil)
				equal(t, "longest wait", time.Duration(longest.Load()), 40*time.Second)
				return
			}
			equal(t, "POST requests", posts(server), 1)
			_ = errorOf[*rest.WaitError](t, errorOf[unknownOutcome](t, err))
		})
	}
}

// If the service returns the existing build job for a taken name, it does not get a second owner.
func TestCreateBuildJob_existingIDIsNotCreated(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{})
	foreign := server.AddJob(document(app))
	for range 2 {
		body := fmt.Sprintf(`{"job_id":%q}`, foreign)
		server.InjectFault(onPost(emulator.Fault{StatusCode: http.StatusOK, Body: body}))
		created, err := client.CreateBuildJob(t.Context(), app)
		equal(t, "created", created, nil)
		equal(t, "named", errorOf[*servicestage.ExistingIDError](t, err).ID, foreign)
	}
	_, err := client.CreateBuildJob(t.Context(), app)
	equal(t, "own", errorOf[nameTaken](t, err).Own, false)
}

// Nothing is adopted if the existing build jobs could not be listed.
func TestCreateBuildJob_listFailed(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"forbidden":  {StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302"}`},
		"incomplete": {StatusCode: http.StatusOK, Body: `{"total":5,"list":[]}`},
		"no list":    {StatusCode: http.StatusOK, Body: `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
			foreign := server.AddJob(document(app))
			fault.Method, fault.Path, fault.Times = http.MethodGet, jobs, -1
			fault.When = func(r emulator.Request) bool { return !strings.Contains(r.Query, "job_name=") }
			server.InjectFault(fault)
			server.InjectFault(onPost(emulator.Fault{StatusCode: http.StatusBadGateway}))
			_, err := client.CreateBuildJob(t.Context(), app)
			want := []servicestage.BuildJobSummary{{ID: foreign, Name: "app"}}
			equal(t, "named", errorOf[unknownOutcome](t, err).Jobs, want)
			equal(t, "POST requests", posts(server), 1)
			_, err = client.CreateBuildJob(t.Context(), app)
			noError(t, err) // Without faults.
		})
	}
}

// A new build job with the name that was created elsewhere at the same time is adopted only if it equals the request.
func TestCreateBuildJob_otherNewJobIsNotAdopted(t *testing.T) {
	t.Parallel()
	full, minimal := fullSpec(), servicestage.Spec{"job_name": "app"}
	type changes = servicestage.Spec
	type lookalike struct {
		name    string
		sent    servicestage.Spec
		changes changes // nil removes a member.
		adopted bool
		built   bool
	}
	tests := []lookalike{
		{"equal", full, nil, true, false},
		{"type in other case", full, changes{"code_repo.type": "gitHUB"}, true, false},
		{"minimal", minimal, nil, true, false},
		{"minimal with defaults", minimal, changes{
			"job_description": "", "enterprise_project_id": "0", "environment_setting.docker_version": "18",
			"environment_setting.use_public_cluster": false, "environment_setting.build_os.arch": "x86_64",
		}, true, false},
		{"unset description", minimal, changes{"job_description": "d"}, false, false},
		{"unset repository", minimal, changes{"code_repo.url": "u"}, false, false},
		{"unset cluster ID", minimal, changes{"environment_setting.cluster_id": "c"}, false, false},
		{"unset cluster name", minimal, changes{"environment_setting.cluster_name": "c"}, false, false},
		{"other project", minimal, changes{"enterprise_project_id": "eps"}, false, false},
		{"no URL", full, changes{"code_repo.url": nil}, false, false},
		{"built", full, nil, false, true},
	}
	for _, path := range servicestage.Arguments() {
		value := any("x")
		if path == "environment_setting.use_public_cluster" {
			value = true
		}
		if path != "job_name" {
			tests = append(tests, lookalike{"other " + path, full, changes{path: value}, false, false})
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			spec := maps.Clone(test.sent)
			maps.Copy(spec, test.changes)
			maps.DeleteFunc(spec, func(_ string, value any) bool { return value == nil })
			stored := document(spec)
			stored["undocumented"] = []any{"a"}
			var other string
			server.InjectFault(onPost(emulator.Fault{StatusCode: http.StatusBadGateway, Do: func() {
				other = server.AddJob(stored)
				if test.built {
					server.AddBuild(other)
				}
			}}))
			created, err := client.CreateBuildJob(t.Context(), test.sent)
			equal(t, "POST requests", posts(server), 1)
			if test.adopted {
				noError(t, err)
				equal(t, "created", *created, servicestage.CreatedBuildJob{ID: other, Adopted: true})
				return
			}
			want := []servicestage.BuildJobSummary{{ID: other, Name: "app"}}
			equal(t, "named", errorOf[unknownOutcome](t, err).Jobs, want)
		})
	}
	// The service may store a name in lower case.
	t.Run("name in other case", func(t *testing.T) {
		t.Parallel()
		server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
		var stored string
		server.InjectFault(onPost(emulator.Fault{Drop: true, Do: func() { stored = server.AddJob(named("app")) }}))
		_, err := client.CreateBuildJob(t.Context(), servicestage.Spec{"job_name": "App"})
		want := []servicestage.BuildJobSummary{{ID: stored, Name: "app"}}
		equal(t, "named", errorOf[unknownOutcome](t, err).Jobs, want)
		equal(t, "POST requests", posts(server), 1)
	})
	t.Run("two", func(t *testing.T) {
		t.Parallel()
		server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
		server.InjectFault(onPost(emulator.Fault{Drop: true, After: true, Do: func() { server.AddJob(document(app)) }}))
		_, err := client.CreateBuildJob(t.Context(), app)
		equal(t, "named", len(errorOf[unknownOutcome](t, err).Jobs), 2)
		equal(t, "POST requests", posts(server), 1)
	})
}

// If lists and reads lag, the create succeeds, and a second build job is reported once it is listed.
func TestCreateBuildJob_lag(t *testing.T) {
	t.Parallel()
	unreadable := onRead(emulator.Fault{Times: 3, StatusCode: notFound.status, Body: notFound.body})
	for name, c := range map[string]struct {
		fault               emulator.Fault
		uniqueNames         bool
		isResent, hasListed bool
	}{
		"listed at the fourth attempt":        {fault: laggingList(3)},
		"read at the fourth attempt":          {fault: unreadable},
		"listed after the resend":             {fault: laggingList(4), isResent: true, hasListed: true},
		"never listed":                        {fault: laggingList(-1), isResent: true},
		"the resend is rejected for the name": {fault: laggingList(4), uniqueNames: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: !c.uniqueNames})
			server.InjectFault(onPost(emulator.Fault{Drop: true, After: true}))
			server.InjectFault(c.fault)
			created, err := client.CreateBuildJob(t.Context(), app)
			noError(t, err)
			stored := storedIDs(server)
			count, want := 1, servicestage.CreatedBuildJob{ID: stored[0], Adopted: true}
			if c.isResent {
				count, want = 2, servicestage.CreatedBuildJob{ID: stored[1], CreatedAt: created.CreatedAt, Resent: true}
			}
			equal(t, "number of build jobs", len(stored), count)
			if c.hasListed {
				want.Duplicates = []servicestage.BuildJobSummary{{ID: stored[0], Name: "app"}}
			}
			equal(t, "created", *created, want)
		})
	}
}

// A list that lags contains a deleted build job, which is no candidate. A build job without an enterprise project is in
// the default one.
func TestCreateBuildJob_deletedJobIsListed(t *testing.T) {
	t.Parallel()
	list := reply{body: `{"total":2,"list":[{"job_id":"deleted","job_name":"app"},{"job_id":"id","job_name":"app"}]}`}
	searches := slices.Repeat([]reply{list, notFound, {body: goodJob}}, 4)
	s := script(t, append([]reply{{body: noJobs}, {drop: true}}, searches...)...)
	created, err := s.client(t).CreateBuildJob(t.Context(), servicestage.Spec{"job_name": "app"})
	noError(t, err)
	equal(t, "created", *created, servicestage.CreatedBuildJob{ID: "id", Adopted: true})
}

// Without known outcome and without list, nothing is sent again.
func TestCreateBuildJob_searchFails(t *testing.T) {
	t.Parallel()
	forbidden := emulator.Fault{Times: -1, StatusCode: noList.status, Body: noList.body}
	for name, fault := range map[string]emulator.Fault{
		"list":        onSearch(forbidden),
		"incomplete":  onSearch(emulator.Fault{Times: -1, StatusCode: http.StatusOK, Body: `{"total":9,"list":[]}`}),
		"job":         onRead(forbidden),
		"another job": onRead(emulator.Fault{Times: -1, StatusCode: http.StatusOK, Body: goodJob}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
			server.InjectFault(onPost(emulator.Fault{Drop: true, After: true}))
			server.InjectFault(fault)
			_, err := client.CreateBuildJob(t.Context(), app)
			if errorOf[unknownOutcome](t, err).LookupErr == nil {
				t.Error("the failed search is not reported")
			}
			equal(t, "POST requests", posts(server), 1)
		})
	}
}

// The ID of a build job that was created is found after the end of the operation too.
func TestCreateBuildJob_interrupted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		stored bool
		lag    int
		wait   int // The wait at which the operation is canceled; 0 cancels it while the POST is in flight.
		found  bool
	}{
		{"in flight, stored", true, 0, 0, true},
		{"in flight, not stored", false, 0, 0, false},
		{"in flight, the list lags", true, 1, 0, false},
		{"between two searches", true, 1, 1, true},
		{"before the resend", false, 0, 4, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			waits := 0
			server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, _ time.Duration) error {
					if waits++; waits == test.wait {
						cancel()
					}
					return ctx.Err()
				}
			})
			fault := emulator.Fault{Drop: true, After: test.stored}
			if test.wait == 0 {
				fault.Do = cancel
			}
			server.InjectFault(onPost(fault))
			if test.lag > 0 {
				server.InjectFault(laggingList(test.lag))
			}
			created, err := client.CreateBuildJob(ctx, app)
			equal(t, "POST requests", posts(server), 1)
			if test.found {
				noError(t, err)
				equal(t, "stored", storedIDs(server), []string{created.ID})
				return
			}
			equal(t, "canceled", errors.Is(errorOf[unknownOutcome](t, err), context.Canceled), true)
		})
	}
	t.Run("before the request", func(t *testing.T) {
		t.Parallel()
		server, client := emulated(t, emulator.Quirks{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.CreateBuildJob(ctx, app)
		equal(t, "canceled", errors.Is(err, context.Canceled), true)
		equal(t, "sent", errorOf[callError](t, err).Sent, false)
		equal(t, "POST requests", posts(server), 0)
	})
}

// The list of the existing build jobs is requested once; above 1,000 of them, each create requests those of its name.
func TestCreateBuildJob_requests(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ existing, pages, searches int }{{0, 1, 0}, {1000, 10, 0}, {1001, 1, 20}} {
		t.Run(strconv.Itoa(test.existing), func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			addJobs(server, test.existing)
			var group sync.WaitGroup
			for i := range 20 {
				group.Go(func() {
					spec := servicestage.Spec{"job_name": fmt.Sprintf("app-%d", i)}
					_, err := client.CreateBuildJob(t.Context(), spec)
					equal(t, "create", err, nil)
				})
			}
			group.Wait()
			isOther := func(r emulator.Request) bool { return !strings.Contains(r.Query, "job_name=") }
			searches := slices.DeleteFunc(server.Requests(), isOther)
			equal(t, "searches", len(searches), test.searches)
			equal(t, "lists", server.CountRequests(http.MethodGet, jobs), test.pages+test.searches)
			equal(t, "creates", posts(server), 20)
		})
	}
}

// The build job that has the name is reported although the filter is case-sensitive.
func TestCreateBuildJob_nameTaken(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{ExactNameFilter: true})
	foreign := server.AddJob(named("APP"))
	_, err := client.CreateBuildJob(t.Context(), app)
	taken := errorOf[nameTaken](t, err)
	equal(t, "named", taken.Job, servicestage.BuildJobSummary{ID: foreign, Name: "APP"})
	equal(t, "own", taken.Own, false)

	if _, err := client.GetBuildJob(t.Context(), foreign, ""); err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateBuildJob(t.Context(), app)
	equal(t, "own after reading it", errorOf[nameTaken](t, err).Own, true)
	equal(t, "status", errorOf[callError](t, err).StatusCode, http.StatusBadRequest)

	server.InjectFault(onPost(emulator.Fault{StatusCode: 400, Body: `{"error_code":"SVCSTG.CPE.4000001"}`}))
	_, err = client.CreateBuildJob(t.Context(), servicestage.Spec{"job_name": "free"})
	if _, ok := errors.AsType[*servicestage.NameTakenError](err); ok || err == nil {
		t.Errorf("a rejection for another reason became %v", err)
	}
}

// Concurrent creates of one name run one after the other, in any case of the name, and leave the wait when they are
// canceled.
func TestCreateBuildJob_sameName(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
	arrived, release := make(chan struct{}), make(chan struct{})
	server.InjectFault(onPost(emulator.Fault{Do: func() { close(arrived); <-release }}))
	var first sync.WaitGroup
	first.Go(func() {
		_, err := client.CreateBuildJob(t.Context(), app)
		equal(t, "first", err, nil)
	})
	<-arrived
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := client.CreateBuildJob(ctx, servicestage.Spec{"job_name": "APP"})
	equal(t, "ended by the timeout", errors.Is(err, context.DeadlineExceeded), true)
	close(release)
	first.Wait()
	_, err = client.CreateBuildJob(t.Context(), app)
	noError(t, err)
	equal(t, "POST requests", posts(server), 2)
}

// Each create results in one build job, with random faults of all requests.
func TestCreateBuildJob_randomFaults(t *testing.T) {
	t.Parallel()
	const creates = 30
	seed := rand.Uint64()
	server, client := emulated(t, emulator.Quirks{}, maxRetries(100)) // Retries never run out.
	server.InjectRandomFaults(seed, 0.6)

	var mu sync.Mutex
	got := map[string]string{} // IDs by name.
	var group sync.WaitGroup
	for i := range creates {
		group.Go(func() {
			name := fmt.Sprintf("app-%02d", i)
			created, err := client.CreateBuildJob(t.Context(), servicestage.Spec{"job_name": name})
			if err != nil || created.DuplicatesErr != nil || len(created.Duplicates) > 0 {
				t.Errorf("%s: got %v, %v", name, created, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			got[name] = created.ID
		})
	}
	group.Wait()
	want := map[string]string{}
	for _, job := range server.Jobs() {
		want[job.Name()] = job.ID
	}
	equal(t, "IDs by name", got, want)
	equal(t, "number of build jobs", len(server.Jobs()), creates)
	if t.Failed() {
		t.Logf("the seed was %d", seed)
	}
}
