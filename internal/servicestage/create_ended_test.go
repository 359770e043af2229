// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	noJobs = `{"total":0,"list":[]}`
	oneJob = `{"total":1,"list":[{"job_id":"id","job_name":"app"}]}`
)

// endedLost checks that a create was lost by a POST that went out, and that the end of its context stopped it.
func endedLost(t *testing.T, err error) *servicestage.LostError {
	t.Helper()
	lost := lostOf(t, err)
	failure := failureOf(t, lost.Err)
	equal(t, "error", lost.Err, error(failure))
	equal(t, "method", failure.Method, http.MethodPost)
	equal(t, "sent", failure.Sent, true)
	equal(t, "stopped", failure.Stopped, context.Canceled)
	equal(t, "cancelled", errors.Is(err, context.Canceled), true)
	if text := lost.Err.Error(); strings.Contains(text, "not sent") {
		t.Errorf("the text says that nothing was sent: %v", text)
	}
	return lost
}

// posts is how many of the requests that have reached the service are POSTs.
func (s *service) posts() int {
	count := 0
	for _, r := range s.requests() {
		if r.Method == http.MethodPost {
			count++
		}
	}
	return count
}

// While the service throttles the client, there is a wait before every request. Each may be the last.
func TestCreateBuildJob_cancelledWhileThrottled(t *testing.T) {
	t.Parallel()
	// In turn: the first list is throttled, three times a pause and the throttling before the next list, a pause and the
	// throttling before the second send. One late list follows, but not
	// in the pause before the second send: by then the list has been asked for often enough.
	for _, test := range []struct{ wait, lists int }{
		{1, 2}, {2, 3}, {3, 3}, {4, 4}, {5, 4}, {6, 5}, {7, 5}, {8, 5}, {9, 6},
	} {
		t.Run(fmt.Sprint("wait ", test.wait), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, setting := frozen()
			var lists atomic.Int32
			service := serve(t, func(w http.ResponseWriter, r received) {
				switch {
				case r.Method == http.MethodPost:
					reply{drop: true}.write(w)
				case lists.Add(1) == 1:
					throttled("5").write(w)
				default:
					reply{body: noJobs}.write(w)
				}
			})
			client := service.client(t, setting, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, d time.Duration) error {
					if len(service.waits()) == test.wait-1 {
						cancel()
					}
					return service.wait(ctx, d)
				}
			})
			created, err := client.CreateBuildJob(ctx, app)
			equal(t, "created", created, nil)
			lost := endedLost(t, err)
			equal(t, "what is lost", *lost, servicestage.LostError{Name: "app", Err: lost.Err})
			equal(t, "number of POSTs", service.posts(), 1)
			equal(t, "number of lists", int(lists.Load()), test.lists)
			equal(t, "the wait is the throttling", service.waits()[test.wait-1] == 5*time.Second, test.wait%2 == 1)
		})
	}
}

// A lookup is cut off by the end of the context, and made once more on its own time.
func TestCreateBuildJob_lookupIsCutOff(t *testing.T) {
	t.Parallel()
	for what, inFlight := range map[string]string{"list": jobs, "job": jobs + "/id"} {
		for _, test := range []struct {
			name   string
			late   []reply
			lookup bool
		}{
			{"late look adopts", []reply{{body: oneJob}, {body: `{"job_id":"id","spec":{"job_name":"app","job_description":"of this test"}}`}}, false},
			{"late look finds nothing", []reply{{body: noJobs}}, false},
			{"late look finds another", []reply{{body: oneJob}, {body: goodJob}}, false},
			{"late look fails", []reply{noList}, true},
		} {
			t.Run(what+" in flight, "+test.name, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var isCutOff atomic.Bool
				late := make(chan reply, len(test.late))
				for _, reply := range test.late {
					late <- reply
				}
				service := serve(t, func(w http.ResponseWriter, r received) {
					switch {
					case r.Method == http.MethodPost:
						reply{drop: true}.write(w)
					case isCutOff.Load():
						select {
						case reply := <-late:
							reply.write(w)
						default:
							t.Errorf("unexpected request %s", r.RequestURI)
						}
					case r.URL.Path == inFlight:
						isCutOff.Store(true)
						cancel()
						<-r.Context().Done()
					default:
						reply{body: oneJob}.write(w)
					}
				})
				created, err := service.client(t).CreateBuildJob(ctx, app)
				equal(t, "number of late requests that are missing", len(late), 0)
				equal(t, "number of POSTs", service.posts(), 1)
				if test.name == "late look adopts" {
					if err != nil {
						t.Fatal(err)
					}
					equal(t, "created", *created, servicestage.CreatedBuildJob{ID: "id", Adopted: true})
					return
				}
				equal(t, "created", created, nil)
				lost := endedLost(t, err)
				equal(t, "no lookup", lost.Lookup != nil, test.lookup)
				equal(t, "number of named jobs", len(lost.Jobs), len(test.late)-1)
			})
		}
	}
}

// The late lookup has a context that lives for half a minute; the earlier ones have the caller's.
func TestCreateBuildJob_contextOfLookups(t *testing.T) {
	t.Parallel()
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	defer cancel()
	service := serve(t, func(w http.ResponseWriter, r received) {
		if r.Method == http.MethodPost {
			reply{drop: true}.write(w)
			return
		}
		reply{status: http.StatusServiceUnavailable}.write(w)
	})
	var early, late int
	client := service.client(t, maxRetries(2), func(config *servicestage.Config) {
		config.Wait = func(waiting context.Context, _ time.Duration) error {
			equal(t, "value", waiting.Value(key{}), any("value"))
			deadline, limited := waiting.Deadline()
			if !limited {
				early++
				if early == 2 {
					cancel()
				}
				return waiting.Err()
			}
			late++
			equal(t, "ended", waiting.Err(), nil)
			if left := time.Until(deadline); left < 15*time.Second || left > 30*time.Second {
				t.Errorf("the lookup may take %v, want about 30 seconds", left)
			}
			return nil
		}
	})
	_, err := client.CreateBuildJob(ctx, app)
	lost := endedLost(t, err)
	equal(t, "status of the lookup", failureOf(t, lost.Lookup).StatusCode, http.StatusServiceUnavailable)
	equal(t, "early waits", early, 2)
	equal(t, "late waits", late, 2)
}

// The end of the context is told also where no further send was due.
func TestCreateBuildJob_cancelledWithoutRetries(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	service := serve(t, func(w http.ResponseWriter, r received) {
		if r.Method == http.MethodPost {
			cancel()
			reply{drop: true}.write(w)
		}
		reply{body: noJobs}.write(w)
	})
	_, err := service.client(t, maxRetries(0)).CreateBuildJob(ctx, app)
	lost := endedLost(t, err)
	equal(t, "what is lost", *lost, servicestage.LostError{Name: "app", Err: lost.Err})
	equal(t, "requests", service.lines(), []string{"POST " + jobs, listOfApp})
}
