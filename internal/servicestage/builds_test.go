// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const builds = "/assembling/v1/builds"

func TestBuild_decoding(t *testing.T) {
	t.Parallel()
	minute, second := time.Minute, 1181*time.Second
	for body, want := range map[string]servicestage.Build{
		`"index":2,"build_state":"Building","started_at":"2025-11-14 09:06:28 +0000 UTC","ended_at":"","duration":0`: {
			Index: "2", State: "Building", StartedAt: "2025-11-14T09:06:28Z",
		},
		`"state":"Successful","started_at":"2025-11-14 09:06:28 +0000 UTC","ended_at":"2025-11-14T09:07:28Z"`: {
			State: "Successful", Duration: &minute,
			StartedAt: "2025-11-14T09:06:28Z", EndedAt: "2025-11-14T09:07:28Z",
		},
		`"index":"2","build_state":"Failed","duration":1181,"started_at":"soon","ended_at":{},"type":"auto"`: {
			Index: "2", State: "Failed", StartedAt: "soon", Duration: &second, Trigger: "auto",
		},
		`"build_state":"Timeout","duration":-1,"index":null,"job_id":"j","job_name":"app","state":"Building"`: {
			State: "Timeout", JobID: "j", JobName: "app",
		},
		`"state":"Successful","started_at":"2025-11-14T09:06:28Z","ended_at":"2025-11-14 09:06:27 +0000 UTC"`: {
			State: "Successful", StartedAt: "2025-11-14T09:06:28Z", EndedAt: "2025-11-14T09:06:27Z",
		},
		`"state":"Successful","swr_repository":"r","swr_repo_page":"p","base_image":["i"],"creator":{"name":"me"}`: {
			State: "Successful", SWRRepository: "r", SWRRepoPage: "p", Creator: "me",
		},
	} {
		var got servicestage.Build
		equal(t, "error", json.Unmarshal([]byte(`{"build_id":"b",`+body+"}"), &got), nil)
		want.ID = "b"
		equal(t, body, got, want)
	}
	for _, body := range []string{"{}", "[]", "null", `{"build_id":""}`, `{"build_id":1}`, "<html>"} {
		s := script(t, reply{body: body})
		_, err := s.client(t).GetBuild(t.Context(), "b", "")
		if failure := errorOf[callError](t, err); !strings.Contains(failure.Error(), "not the documented JSON") {
			t.Errorf("%s: got %v", body, err)
		}
	}
}

func TestBuildState(t *testing.T) {
	t.Parallel()
	for state, want := range map[servicestage.BuildState][2]bool{
		"NotStarted": {false, false}, "Queuing": {false, false}, "Building": {false, false}, "Pushing": {false, false},
		"Successful": {true, false},
		"Failed":     {true, true}, "Timeout": {true, true}, "Cancel": {true, true}, "Deleted": {true, true},
		"": {false, false}, "successful": {false, false}, "Paused": {false, false},
	} {
		equal(t, string(state), [2]bool{state.Ended(), state.Failed()}, want)
	}
}

// Pages are requested until one contains no new build, with the parameters that the response contains.
func TestBuilds_pages(t *testing.T) {
	t.Parallel()
	s := script(t,
		reply{body: `{"job_id":"id","last_build_id":"c","spec":{"job_name":"a&b"}}`},
		reply{body: `{"total":4,"per_page":2,"finished":2,"successful":1,"list":[{"build_id":"a"},{"build_id":"b"}]}`},
		reply{body: `{"total":4,"per_page":2,"finished":2,"successful":1,"list":[{"build_id":"b"},{"build_id":"c"}]}`},
		reply{body: `{"total":4,"per_page":2,"finished":2,"successful":1,"list":[]}`},
	)
	list, err := s.client(t).Builds(t.Context(), "id")
	noError(t, err)
	equal(t, "list", *list, servicestage.BuildList{
		JobName: "a&b", Total: 4, Finished: 2, Successful: 1,
		Builds: []servicestage.BuildSummary{{ID: "c"}, {ID: "b"}, {ID: "a"}},
	})
	equal(t, "requests", s.lines(), []string{
		"GET " + jobs + "/id",
		"GET " + jobs + "/id/builds?name=a%26b",
		"GET " + jobs + "/id/builds?name=a%26b&page=2&per_page=2",
		"GET " + jobs + "/id/builds?name=a%26b&page=3&per_page=2",
	})
}

func TestBuildLog_parts(t *testing.T) {
	t.Parallel()
	one := reply{body: `{"buildlog":"one\n","next":4}`}
	for name, c := range map[string]struct {
		replies []reply
		limit   int
		want    servicestage.BuildLog
	}{
		"until a part is empty": {
			[]reply{one, {body: `{"buildlog":"two\n","next":"8"}`}, {body: `{"buildlog":"","next":8}`}},
			100,
			servicestage.BuildLog{Text: "one\ntwo\n"},
		},
		"until the offset repeats": {
			[]reply{one, one}, 4, servicestage.BuildLog{Text: "one\n", Cut: true},
		},
		"no offset":     {[]reply{{body: `{"buildlog":"one\n"}`}}, 2, servicestage.BuildLog{Text: "e\n", Cut: true}},
		"no log":        {[]reply{{body: `{}`}}, 2, servicestage.BuildLog{}},
		"character cut": {[]reply{{body: `{"buildlog":"aßb"}`}}, 2, servicestage.BuildLog{Text: "b", Cut: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.replies...)
			got, err := s.client(t).BuildLog(t.Context(), "b", c.limit)
			noError(t, err)
			equal(t, "log", got, c.want)
			equal(t, "first request", s.lines()[0], "GET "+builds+"/b/logs?from=0")
			equal(t, "requests", len(s.requests()), len(c.replies))
		})
	}
}

// A canceled wait ends immediately and returns the build as last read.
func TestWaitForBuild_interrupted(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	s := script(t, reply{body: `{"build_id":"b","build_state":"Pushing"}`})
	last, err := s.client(t).WaitForBuild(ctx, "b", "", time.Hour, func(progress servicestage.BuildProgress) {
		equal(t, "progress", progress.State, servicestage.BuildPushing)
		interrupt()
	})
	if !errors.Is(err, context.Canceled) || last == nil || last.State != servicestage.BuildPushing {
		t.Errorf("got %v, %v", last, err)
	}
}

// Transient failures do not end the wait. Others do, and so does "not found" after the first read.
func TestWaitForBuild_failures(t *testing.T) {
	t.Parallel()
	good, end := reply{body: buildIn("Building")}, reply{body: buildIn("Successful")}
	down := reply{status: http.StatusServiceUnavailable}
	for name, c := range map[string]struct {
		replies []reply
		want    int
	}{
		"passes":             {[]reply{good, down, down, good, down, end}, 0},
		"five in a row":      {[]reply{down, down, down, down, down, end}, 0},
		"six in a row":       {[]reply{good, down, down, down, down, down, down}, http.StatusServiceUnavailable},
		"not known at first": {[]reply{notFound, notFound, good, end}, 0},
		"not found later":    {[]reply{good, notFound}, http.StatusNotFound},
		"never known":        {slices.Repeat([]reply{notFound}, 6), http.StatusNotFound},
		"forbidden":          {[]reply{good, noList}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := script(t, c.replies...)
			_, err := s.client(t, maxRetries(0)).WaitForBuild(t.Context(), "b", "", time.Hour, nil)
			if c.want == 0 && err != nil || c.want != 0 && errorOf[callError](t, err).StatusCode != c.want {
				t.Errorf("got %v, want status %d", err, c.want)
			}
			equal(t, "requests", len(s.requests()), len(c.replies))
		})
	}
}

// The job is read before the start. A request without response is not sent again. A response that describes a build of
// another job, or one that existed before, is a lost response.
func TestStartBuild_requests(t *testing.T) {
	t.Parallel()
	before, after := reply{body: jobWith("id", "a")}, reply{body: jobWith("id", "b")}
	numbered := func(id, index string) reply { return reply{body: `{"build_id":"` + id + `","index":` + index + `}`} }
	first, second := numbered("a", "1"), numbered("b", "2")
	foreign, invalid := reply{body: `{"build_id":"b","job_id":"other"}`}, numbered("a/../b", "2")
	for name, c := range map[string]struct {
		replies []reply
		adopted bool
		unknown bool
		after   string // The last build if the outcome is unknown.
	}{
		"response":        {replies: []reply{before, second}},
		"response lost":   {replies: []reply{before, {drop: true}, before, after, second, first}, adopted: true},
		"half a response": {replies: []reply{before, {body: "{", cut: true}, after, second, first}, adopted: true},
		"numbers unknown": {replies: []reply{before, {drop: true}, after, numbered("b", `""`), first}, adopted: true},
		"not readable":    {replies: []reply{before, {drop: true}, after, noList}, adopted: true},
		"among others": {
			replies: []reply{before, {drop: true}, after, numbered("b", "3"), first}, unknown: true, after: "b",
		},
		"not started": {replies: []reply{before, {drop: true}, before, before, before, before}, unknown: true},
		// Responses that do not describe a new build of the job.
		"of another job":           {replies: []reply{before, foreign, after, second, first}, adopted: true},
		"of the build before":      {replies: []reply{before, first, after, second, first}, adopted: true},
		"invalid ID":               {replies: []reply{before, invalid, after, second, first}, adopted: true},
		"of another job, no start": {replies: []reply{before, foreign, before, before, before, before}, unknown: true},
		"the last build has an invalid ID": {
			replies: []reply{before, foreign, {body: jobWith("id", "a/../b")}}, unknown: true, after: "a/../b",
		},
		"the last build is of another job": {
			replies: []reply{before, foreign, after, foreign}, unknown: true, after: "b",
		},
		"the last build is another one": {
			replies: []reply{before, foreign, after, numbered("c", "2")}, unknown: true, after: "b",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := uniqueJobID()
			replies := slices.Clone(c.replies)
			for i := range replies {
				replies[i].body = strings.ReplaceAll(replies[i].body, `"id"`, strconv.Quote(id))
			}
			s := script(t, replies...)
			started, err := s.client(t).StartBuild(t.Context(), id)
			equal(t, "requests", len(s.requests()), len(c.replies))
			equal(t, "the start", s.lines()[1], "POST "+jobs+"/"+id+"/builds")
			if c.unknown {
				want := servicestage.UnknownStartError{JobID: id, JobName: "app", Before: "a", After: c.after}
				want.Err = errorOf[callError](t, err)
				equal(t, "outcome", *errorOf[unknownStart](t, err), want)
				return
			}
			noError(t, err)
			equal(t, "id", started.ID, "b")
			equal(t, "job", started.JobName, "app")
			equal(t, "adopted", started.Adopted, c.adopted)
		})
	}
}

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
	want := servicestage.UnknownStartError{JobID: jobID, JobName: "app", Before: "x", Err: errorOf[callError](t, err)}
	equal(t, "outcome", *errorOf[unknownStart](t, err), want)
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
	authenticator := &deadline{Token: "T"}
	client := s.client(t, func(config *servicestage.Config) { config.Authenticator = authenticator })
	if _, err := client.PhasesNow(t.Context(), "b"); err == nil {
		t.Error("no error")
	}
	equal(t, "waits", len(s.waits()), 0)
	equal(t, "requests", len(s.requests()), 1)
	if left := time.Until(authenticator.time); left <= 0 || left > 2*time.Second {
		t.Errorf("the request may take %s", left)
	}
}

// deadline is a token that records the deadline of a request.
type deadline struct {
	auth.Token
	time time.Time
}

func (d *deadline) Authenticate(ctx context.Context, req *http.Request, body []byte) error {
	d.time, _ = ctx.Deadline()
	return d.Token.Authenticate(ctx, req, body)
}

// The wait for a canceled build takes a minute at most, and a build that has ended by then is returned.
func TestCancelBuild_waitsAMinute(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"ends in the last wait": true, "does not end": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			var waited atomic.Int64
			s := serve(t, func(w http.ResponseWriter, _ received) {
				state := "Building"
				if ends && waited.Load() >= int64(time.Minute) {
					state = "Cancel"
				}
				reply{body: buildIn(state)}.write(w)
			})
			client := s.client(t, func(config *servicestage.Config) {
				config.Now = func() time.Time { return start.Add(time.Duration(waited.Load())) }
				config.Wait = func(ctx context.Context, d time.Duration) error {
					waited.Add(int64(d))
					return ctx.Err()
				}
			})
			build, err := client.CancelBuild(t.Context(), "b", "")
			equal(t, "time", time.Duration(waited.Load()), time.Minute)
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
