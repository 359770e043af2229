// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// A response for another build or another job is an error, for every call, and it is not retried.
func TestBuilds_foreignResponseIsNotAccepted(t *testing.T) {
	t.Parallel()
	get := func(c *servicestage.Client) error { _, err := c.GetBuild(t.Context(), "b", "id"); return err }
	wait := func(c *servicestage.Client) error {
		_, err := c.WaitForBuild(t.Context(), "b", "id", time.Hour, nil)
		return err
	}
	cancel := func(c *servicestage.Client) error { _, err := c.CancelBuild(t.Context(), "b", "id"); return err }
	list := func(c *servicestage.Client) error { _, err := c.Builds(t.Context(), "id"); return err }
	const build, job = `build "c" instead of "b"`, `job "other" instead of job "id"`
	for name, c := range map[string]struct {
		call    func(*servicestage.Client) error
		replies []reply
		want    string
	}{
		"get, another build":    {get, []reply{{body: `{"build_id":"c"}`}}, build},
		"get, another case":     {get, []reply{{body: `{"build_id":"B"}`}}, `build "B" instead of "b"`},
		"get, another job":      {get, []reply{{body: `{"build_id":"b","job_id":"other"}`}}, job},
		"wait, another build":   {wait, []reply{{body: `{"build_id":"c"}`}}, build},
		"wait, another job":     {wait, []reply{{body: `{"build_id":"b","job_id":"other"}`}}, job},
		"cancel, another build": {cancel, []reply{{body: `{"build_id":"c"}`}}, build},
		"cancel, another read":  {cancel, []reply{{body: `{"build_id":"b"}`}, {body: `{"build_id":"c"}`}}, build},
		"list, another job": {
			list, []reply{{body: goodJob}, {body: `{"list":[{"build_id":"b","job_id":"other"}]}`}}, job,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.replies...)
			err := c.call(s.client(t))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			equal(t, "requests", len(s.requests()), len(c.replies))
		})
	}
}

var jobCount atomic.Int64

// uniqueJobID returns the ID of a job that no other test uses: clients of all tests share what they know of a job.
func uniqueJobID() string { return "job-" + strconv.FormatInt(jobCount.Add(1), 10) }

// jobWith returns the response for a job with its last build.
func jobWith(id, lastBuild string) string {
	return fmt.Sprintf(`{"job_id":%q,"last_build_id":%q,"spec":{"job_name":"app"}}`, id, lastBuild)
}

// The build of one client is not adopted by another one of the same process, although the read before its start was
// outdated and the response was lost.
func TestStartBuild_twoClientsDoNotAdoptEachOthersBuild(t *testing.T) {
	t.Parallel()
	jobID := uniqueJobID()
	neverBuilt, built := reply{body: jobWith(jobID, "")}, reply{body: jobWith(jobID, "x")}
	s := script(t,
		neverBuilt, reply{body: `{"build_id":"x","index":1}`},
		neverBuilt, reply{drop: true}, built, built, built, built,
	)
	_, err := s.client(t).StartBuild(t.Context(), jobID)
	noError(t, err)
	_, err = s.client(t).StartBuild(t.Context(), jobID)
	outcome := errorOf[unknownStart](t, err)
	outcome.Err = nil
	equal(t, "outcome", *outcome, servicestage.UnknownStartError{JobID: jobID, JobName: "app", Before: "x"})
}

func TestStartBuild_twoClientsDoNotStartAtOnce(t *testing.T) {
	t.Parallel()
	jobID := uniqueJobID()
	var running, count atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r received) {
		if r.Method != http.MethodPost {
			reply{body: jobWith(jobID, "")}.write(w)
			return
		}
		if running.Add(1) > 1 {
			t.Error("two starts at once")
		}
		time.Sleep(10 * time.Millisecond)
		running.Add(-1)
		reply{body: fmt.Sprintf(`{"build_id":"b%d"}`, count.Add(1))}.write(w)
	})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := s.client(t).StartBuild(t.Context(), jobID); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	equal(t, "starts", count.Load(), 8)
}

// Before a timeout is reported, the build is read once more.
func TestWaitForBuild_successAtTheTimeoutIsNotATimeout(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := script(t, reply{body: buildIn("Building")}, reply{body: buildIn("Successful")})
	client := s.client(t, func(config *servicestage.Config) { config.Now = func() time.Time { return now } })
	build, err := client.WaitForBuild(t.Context(), "b", "", time.Minute, func(servicestage.BuildProgress) {
		now = now.Add(time.Hour)
	})
	if err != nil || build.State != servicestage.BuildSuccessful {
		t.Errorf("got %v, %v", build, err)
	}
}

// The build is read once more, too, if the deadline passes during a read without response.
func TestWaitForBuild_deadlineDuringARead(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r received) {
		if reads.Add(1) == 1 {
			<-r.Context().Done()
			return
		}
		reply{body: buildIn("Successful")}.write(w)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	build, err := s.client(t).WaitForBuild(ctx, "b", "", time.Minute, nil)
	if err != nil || build.State != servicestage.BuildSuccessful {
		t.Errorf("got %v, %v", build, err)
	}
}

// buildIn returns the response for a build in a state.
func buildIn(state string) string { return fmt.Sprintf(`{"build_id":"b","build_state":%q}`, state) }

// The phases for a progress message take one request and two seconds at most.
func TestPhasesNow_failureIsNotRetried(t *testing.T) {
	t.Parallel()
	s := script(t, reply{status: http.StatusServiceUnavailable})
	if _, err := s.client(t).PhasesNow(t.Context(), "b"); err == nil {
		t.Error("no error")
	}
	equal(t, "waits", len(s.waits()), 0)
	equal(t, "requests", len(s.requests()), 1)
	deadline := make(deadlines, 1)
	client := s.client(t, func(config *servicestage.Config) { config.Authenticator = deadline })
	if _, err := client.PhasesNow(t.Context(), "b"); err == nil {
		t.Error("no error")
	}
	if left := time.Until(<-deadline); left > 2*time.Second {
		t.Errorf("the request may take %s", left)
	}
}

// deadlines is an authenticator that records the deadline of each request.
type deadlines chan time.Time

func (d deadlines) Authenticate(ctx context.Context, _ *http.Request, _ []byte) error {
	deadline, _ := ctx.Deadline()
	d <- deadline
	return errors.New("recorded")
}

// The wait for a canceled build takes a minute and ends with a read.
func TestCancelBuild_endsWithARead(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"ends in the last wait": true, "does not end": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			var mu sync.Mutex
			now := start
			s := serve(t, func(w http.ResponseWriter, _ received) {
				mu.Lock()
				defer mu.Unlock()
				state := "Building"
				if ends && now.Sub(start) >= time.Minute {
					state = "Cancel"
				}
				reply{body: buildIn(state)}.write(w)
			})
			client := s.client(t, func(config *servicestage.Config) {
				config.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
				config.Wait = func(ctx context.Context, d time.Duration) error {
					mu.Lock()
					defer mu.Unlock()
					now = now.Add(d)
					return ctx.Err()
				}
			})
			build, err := client.CancelBuild(t.Context(), "b", "")
			equal(t, "time", now.Sub(start), time.Minute)
			if ends && (err != nil || build.State != servicestage.BuildCancel) || !ends && err == nil {
				t.Errorf("got %v, %v", build, err)
			}
		})
	}
}

// A cancellation with any response of status 200 succeeds when the build has ended.
func TestCancelBuild_undocumentedResponseIsNoFailure(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", "null", "OK"} {
		s := script(t, reply{body: body}, reply{body: buildIn("Building")}, reply{body: buildIn("Cancel")})
		build, err := s.client(t).CancelBuild(t.Context(), "b", "")
		if err != nil || build.State != servicestage.BuildCancel {
			t.Errorf("%q: got %v, %v", body, build, err)
		}
	}
}
