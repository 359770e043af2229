// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// app is the job that is made where its content does not matter.
var app = servicestage.BuildJobSpec{JobName: "app", JobDescription: new("of this test")}

// appSpec is the same in the service's words.
func appSpec() map[string]any {
	return map[string]any{"job_name": "app", "job_description": "of this test", "environment_setting": map[string]any{}}
}

// emulated starts an emulator, and makes a client of it that takes no time between attempts and is sent again three times.
func emulated(t *testing.T, quirks emulator.Quirks, adjust ...func(*servicestage.Config)) (*emulator.Server, *servicestage.Client) {
	t.Helper()
	server := emulator.New(t, emulator.Options{Quirks: quirks})
	config := servicestage.Config{
		Endpoint:      server.URL,
		Authenticator: auth.Token(emulator.DefaultToken),
		MaxRetries:    3,
		Wait:          func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	for _, f := range adjust {
		f(&config)
	}
	client, err := servicestage.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return server, client
}

// onPost is a fault of create.
func onPost(fault emulator.Fault) emulator.Fault {
	fault.Method, fault.Path = http.MethodPost, jobs
	return fault
}

// onList is a fault of the list.
func onList(fault emulator.Fault) emulator.Fault {
	fault.Method, fault.Path = http.MethodGet, jobs
	return fault
}

// emptyList is a list that lags behind for the given number of requests.
func emptyList(times int) emulator.Fault {
	return onList(emulator.Fault{Times: times, StatusCode: http.StatusOK, Body: `{"total":0,"list":[]}`})
}

// heldIDs returns the ids of what the service holds, oldest first.
func heldIDs(server *emulator.Server) []string {
	var held []string
	for _, job := range server.Jobs() {
		held = append(held, job.ID)
	}
	return held
}

func namedIDs(lost *servicestage.LostError) []string {
	var named []string
	for _, job := range lost.Jobs {
		named = append(named, job.ID)
	}
	return named
}

// lostAnswers are the ways in which the answer of a create gets lost.
var lostAnswers = map[string]struct {
	fault  emulator.Fault
	status int
}{
	"dropped":         {emulator.Fault{Drop: true}, 0},
	"cut off":         {emulator.Fault{StatusCode: 200, Header: http.Header{"Content-Length": {"99"}}, Body: `{"job_id":"x"`}, 0},
	"no JSON":         {emulator.Fault{StatusCode: 200, Body: "<html>Sign in</html>"}, 200},
	"no job_id":       {emulator.Fault{StatusCode: 200, Body: "{}"}, 200},
	"408":             {emulator.Fault{StatusCode: 408}, 408},
	"500":             {emulator.Fault{StatusCode: 500, Body: `{"error_code":"SVCSTG.CPE.5004401"}`}, 500},
	"502":             {emulator.Fault{StatusCode: 502, Body: "<html>Bad Gateway</html>"}, 502},
	"503":             {emulator.Fault{StatusCode: 503}, 503},
	"503 Retry-After": {emulator.Fault{StatusCode: 503, Header: http.Header{"Retry-After": {"7"}}}, 503},
	"504":             {emulator.Fault{StatusCode: 504}, 504},
}

func TestCreateBuildJob_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, lost := range lostAnswers {
		for _, times := range []int{1, 3} {
			t.Run(fmt.Sprint(name, " before the job was stored ", times), func(t *testing.T) {
				t.Parallel()
				server, client := emulated(t, emulator.Quirks{})
				fault := lost.fault
				fault.Times = times
				server.Order(onPost(fault))
				created, err := client.CreateBuildJob(t.Context(), app)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "held", heldIDs(server), []string{created.ID})
				equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), times+1)
				equal(t, "adopted", created.Adopted, false)
				equal(t, "unchecked", created.Unchecked, nil)
				equal(t, "created_at is known", created.CreatedAt != "", true)
			})
			t.Run(fmt.Sprint(name, " after the job was stored ", times), func(t *testing.T) {
				t.Parallel()
				server, client := emulated(t, emulator.Quirks{})
				fault := lost.fault
				fault.Times, fault.After = times, true
				server.Order(onPost(fault))
				created, err := client.CreateBuildJob(t.Context(), app)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "held", heldIDs(server), []string{created.ID})
				equal(t, "created", *created, servicestage.CreatedBuildJob{ID: created.ID, Adopted: true})
				equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1)
			})
		}
	}
}

func TestCreateBuildJob_lostForEver(t *testing.T) {
	t.Parallel()
	for name, fault := range lostAnswers {
		for _, retries := range []int{-1, 0, 1, 3} {
			t.Run(fmt.Sprint(name, " ", retries), func(t *testing.T) {
				t.Parallel()
				server, client := emulated(t, emulator.Quirks{}, maxRetries(retries))
				fault := fault
				fault.fault.Times = -1
				server.Order(onPost(fault.fault))
				created, err := client.CreateBuildJob(t.Context(), app)
				equal(t, "created", created, nil)
				failure := failureOf(t, err)
				equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{Name: "app", Err: failure})
				equal(t, "status", failure.StatusCode, fault.status)
				equal(t, "text", err.Error(), failure.Error())
				equal(t, "held", heldIDs(server), nil)
				equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), max(retries, 0)+1)
			})
		}
	}
}

// 429 says that nothing was done: no list is asked for, and nothing is in doubt.
func TestCreateBuildJob_throttled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		times, posts int
		made         bool
	}{{1, 2, true}, {3, 4, true}, {-1, 4, false}} {
		for _, retryAfter := range []string{"", "7"} {
			t.Run(fmt.Sprint(test.times, retryAfter), func(t *testing.T) {
				t.Parallel()
				server, client := emulated(t, emulator.Quirks{})
				server.Order(onPost(emulator.Fault{
					Times: test.times, StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {retryAfter}},
				}))
				created, err := client.CreateBuildJob(t.Context(), app)
				if test.made {
					if err != nil {
						t.Fatal(err)
					}
					equal(t, "created", *created, servicestage.CreatedBuildJob{ID: created.ID, CreatedAt: created.CreatedAt})
					equal(t, "held", heldIDs(server), []string{created.ID})
				} else {
					equal(t, "held", heldIDs(server), nil)
					failure := failureOf(t, err)
					equal(t, "error", err, error(failure))
					equal(t, "status", failure.StatusCode, 429)
					equal(t, "attempts", failure.Attempts, 4)
				}
				equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), test.posts)
				equal(t, "number of requests", len(server.Requests()), test.posts)
			})
		}
	}
}

// What the service says for certain about the first send is no lost answer.
func TestCreateBuildJob_refused(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{})
	server.AddJob(appSpec())
	created, err := client.CreateBuildJob(t.Context(), app)
	equal(t, "created", created, nil)
	equal(t, "refused", servicestage.IsRefused(err), true)
	equal(t, "error", err, error(failureOf(t, err)))
	equal(t, "number of requests", len(server.Requests()), 1)
	equal(t, "number of jobs", len(server.Jobs()), 1)
}

// The end of the operation does not lose the id of a job that was made.
func TestCreateBuildJob_cancelled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name         string
		stored       bool // The first send makes the job.
		lag          int
		inWait       int // Which wait is cancelled instead of the POST in flight.
		posts, lists int
	}{
		{"in flight, stored", true, 0, 0, 1, 1},
		{"in flight, not stored", false, 0, 0, 1, 1},
		{"in flight, the list lags", true, 1, 0, 1, 1},
		{"between two lists, the second shows the job", true, 1, 1, 1, 2},
		{"between two lists, the second does not", true, 2, 1, 1, 2},
		{"between later lists", true, 3, 3, 1, 4},
		{"before the second send", false, 0, 4, 1, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			waits := 0
			server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, _ time.Duration) error {
					if waits++; waits == test.inWait {
						cancel()
					}
					return ctx.Err()
				}
			})
			fault := emulator.Fault{Drop: true, After: test.stored}
			if test.inWait == 0 {
				fault.Do = cancel
			}
			server.Order(onPost(fault))
			if test.lag > 0 {
				server.Order(emptyList(test.lag))
			}
			created, err := client.CreateBuildJob(ctx, app)
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), test.posts)
			equal(t, "number of lists", server.CountRequests(http.MethodGet, jobs), test.lists)
			if test.stored && test.lists > test.lag {
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "created", *created, servicestage.CreatedBuildJob{ID: created.ID, Adopted: true})
				equal(t, "held", heldIDs(server), []string{created.ID})
				return
			}
			equal(t, "created", created, nil)
			equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{Name: "app", Err: failureOf(t, err)})
			equal(t, "sent", failureOf(t, err).Sent, true)
			equal(t, "stopped", failureOf(t, err).Stopped, context.Canceled)
			equal(t, "cancelled", errors.Is(err, context.Canceled), true)
		})
	}
}

func TestCreateBuildJob_cancelledBefore(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	created, err := client.CreateBuildJob(ctx, app)
	equal(t, "created", created, nil)
	equal(t, "error", err, error(failureOf(t, err)))
	equal(t, "cancelled", errors.Is(err, context.Canceled), true)
	equal(t, "sent", failureOf(t, err).Sent, false)
	equal(t, "number of requests", len(server.Requests()), 0)
}

// Whatever breaks, and whenever: each create makes one job, and knows which.
func TestCreateBuildJob_concurrent(t *testing.T) {
	t.Parallel()
	const creates = 30
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	part := func(share float64) func(emulator.Request) bool {
		return func(emulator.Request) bool { return random.Float64() < share } // The service asks one request at a time.
	}
	// So many retries never run out.
	server, client := emulated(t, emulator.Quirks{}, maxRetries(100))
	server.Order(onPost(emulator.Fault{Times: -1, Drop: true, When: part(0.2)}))
	server.Order(onPost(emulator.Fault{Times: -1, Drop: true, After: true, When: part(0.4)}))
	server.Order(onPost(emulator.Fault{Times: -1, StatusCode: http.StatusTooManyRequests, When: part(0.2)}))
	server.Order(emulator.Fault{Method: http.MethodGet, Times: -1, Drop: true, When: part(0.2)})
	server.Order(emulator.Fault{Method: http.MethodGet, Times: -1, StatusCode: http.StatusServiceUnavailable, When: part(0.2)})

	var mu sync.Mutex
	got := map[string]string{} // Ids by name.
	var group sync.WaitGroup
	for i := range creates {
		group.Go(func() {
			name := fmt.Sprintf("app-%02d", i)
			created, err := client.CreateBuildJob(t.Context(), servicestage.BuildJobSpec{JobName: name})
			if err != nil || created.Unchecked != nil {
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
		want[job.Name()] = cmp.Or(want[job.Name()], job.ID)
	}
	equal(t, "ids by name", got, want)
	equal(t, "number of jobs", len(server.Jobs()), creates)
	equal(t, "number of different ids", len(slices.Compact(slices.Sorted(maps.Values(got)))), creates)
	if t.Failed() {
		t.Logf("the seed was %d", seed)
	}
}
