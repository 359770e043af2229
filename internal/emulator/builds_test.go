// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

var phaseNames = []string{"Init", "Download", "PreProcess", "Build", "Artifact", "PostProcess"}

// running is a server whose builds take a minute of the test's clock, with one job named app.
type running struct {
	*emulator.Server
	*clock
	jobID string
}

func newRunning(t *testing.T, options emulator.Options) *running {
	t.Helper()
	r := &running{clock: new(clock)}
	options.Now, options.BuildDuration = r.Now, time.Minute
	r.Server = emulator.New(t, options)
	r.jobID = createJob(t, r.Server, `{"job_name":"app","environment_setting":{},
		"code_repo":{"type":"Github","url":"https://example.com/app.git","branch":"main","namespace":"example"}}`)
	return r
}

func (r *running) get(t *testing.T, buildID, suffix string) object {
	t.Helper()
	return mustCall(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+buildID+suffix, "")
}

func (r *running) cancel(t *testing.T, buildID string) object {
	t.Helper()
	return mustCall(t, r.Server, http.MethodPatch, "/assembling/v1/builds/"+buildID, "")
}

// phases returns the states of the phases, and checks their names.
func (r *running) phases(t *testing.T, buildID string) string {
	t.Helper()
	got := r.get(t, buildID, "/phases")
	if names := column(got["list"], "name"); names != strings.Join(phaseNames, " ") || fmt.Sprint(got["total"]) != "6" {
		t.Errorf("phases: got %v", got)
	}
	return column(got["list"], "state")
}

func TestBuilds_start(t *testing.T) {
	t.Parallel()
	r := newRunning(t, emulator.Options{})
	older := mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+r.jobID, `{"name":"app"}`)
	olderID := older["build_id"].(string)
	wantJSON(t, older, fmt.Sprintf(`{"build_id":%q,"job_id":%q,"job_name":"app","index":1,
		"started_at":"2025-11-14 09:06:28 +0000 UTC","ended_at":""}`, olderID, r.jobID))

	r.Advance(time.Second)
	newer := mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+r.jobID+"/builds", "")
	newerID := newer["build_id"].(string)
	wantJSON(t, newer, fmt.Sprintf(`{"build_id":%q,"job_id":%q,"job_name":"app","index":2,
		"started_at":"2025-11-14 09:06:29 +0000 UTC","ended_at":"","duration":0,"state":"Queuing","progress":0,
		"commit_id":"","committer":""}`, newerID, r.jobID))

	if !idRule.MatchString(olderID) || olderID == newerID {
		t.Errorf("build_id: got %q and %q", olderID, newerID)
	}
	// The older call needs the name of the job.
	for _, body := range []string{"", "{}", `{"name":"other"}`, `{"name":1}`} {
		wantError(t, call(t, r.Server, http.MethodPost, jobsPath+"/"+r.jobID, body), "400 SVCSTG.CPE.400*")
	}
	if got := mustCall(t, r.Server, http.MethodGet, jobsPath+"/"+r.jobID, "")["last_build_id"]; got != newerID {
		t.Errorf("last_build_id: got %v, want %s", got, newerID)
	}
}

func TestBuilds_statesFollowTheClock(t *testing.T) {
	t.Parallel()
	done := func(count int) string { return strings.Repeat("Successful ", count) }
	const end = "2025-11-14 09:07:28 +0000 UTC"
	for _, test := range []struct {
		after                time.Duration
		state, phases, ended string
	}{
		{-time.Hour, "Queuing", "Building" + strings.Repeat(" NotStarted", 5), ""}, // As after a restart.
		{9 * time.Second, "Queuing", "Building" + strings.Repeat(" NotStarted", 5), ""},
		{10 * time.Second, "Building", done(1) + "Building" + strings.Repeat(" NotStarted", 4), ""},
		{39 * time.Second, "Building", done(3) + "Building NotStarted NotStarted", ""},
		{40 * time.Second, "Pushing", done(4) + "Building NotStarted", ""},
		{59 * time.Second, "Building", done(5) + "Building", ""},
		{60 * time.Second, "Successful", strings.TrimSpace(done(6)), end},
		{24 * time.Hour, "Successful", strings.TrimSpace(done(6)), end},
	} {
		r := newRunning(t, emulator.Options{})
		id := r.AddBuild(r.jobID)
		r.Advance(test.after)
		got := r.get(t, id, "")
		if got["build_state"] != test.state || got["ended_at"] != test.ended {
			t.Errorf("%s: got %v", test.after, got)
		}
		for _, name := range []string{"commit_id", "committer", "commit_time", "commit_comment"} {
			if known := test.after >= 20*time.Second; (got[name] != "") != known { // The repository is downloaded.
				t.Errorf("%s: %s: got %v", test.after, name, got[name])
			}
		}
		if _, ok := got["swr_repository"]; ok != (test.state == "Successful") {
			t.Errorf("%s: got %v", test.after, got)
		}
		if got := r.phases(t, id); got != test.phases {
			t.Errorf("%s: phases\n got %s\nwant %s", test.after, got, test.phases)
		}
	}
}

func TestBuilds_get(t *testing.T) {
	t.Parallel()
	r := newRunning(t, emulator.Options{})
	id := r.AddBuild(r.jobID)
	wantJSON(t, r.get(t, id, ""), fmt.Sprintf(`{"build_id":%q,"job_id":%q,"job_name":"app","index":1,
		"enterprise_project_id":"0","started_at":"2025-11-14 09:06:28 +0000 UTC","ended_at":"","build_state":"Queuing",
		"repo_type":"Github","repo":"https://example.com/app.git","branch":"main","language":"","type":"user",
		"commit_id":"","committer":"","commit_time":"","commit_comment":"","creator":"emulator-user"}`, id, r.jobID))
	wantJSON(t, r.get(t, id, "/results"), fmt.Sprintf(
		`{"checkstyle":{"static":{"count_info":[{"build_id":%q,"build_order":1,"total_count":0}]}}}`, id))
	got := call(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+id+"?taskname=lint", "")
	wantError(t, got, "400 SVCSTG.CPE.400*")
}

func TestOptions_shortestBuild(t *testing.T) {
	t.Parallel()
	clock := new(clock)
	server := emulator.New(t, emulator.Options{Now: clock.Now, BuildDuration: time.Nanosecond})
	server.AddBuild(server.AddJob(object{"job_name": "app"}))
	clock.Advance(time.Nanosecond)
	if got := server.Builds()[0].State; got != "Successful" {
		t.Errorf("got %s", got)
	}
}

// Canceling does not change a build that is canceled or has ended. With a quirk, the request is rejected.
func TestBuilds_cancel(t *testing.T) {
	t.Parallel()
	r := newRunning(t, emulator.Options{})
	id, ended := r.AddBuild(r.jobID), r.AddBuild(r.jobID)
	r.Advance(25 * time.Second)
	for range 2 {
		got := r.cancel(t, id)
		if got["build_state"] != "Cancel" || got["ended_at"] != "2025-11-14 09:06:53 +0000 UTC" {
			t.Errorf("got %v", got)
		}
		r.Advance(time.Hour)
	}
	if got := r.phases(t, id); got != "Successful Successful Cancel NotStarted NotStarted NotStarted" {
		t.Errorf("phases: got %s", got)
	}
	got := r.cancel(t, ended)
	if got["build_state"] != "Successful" || got["ended_at"] != "2025-11-14 09:07:28 +0000 UTC" {
		t.Errorf("after the end: got %v", got)
	}

	strict := newRunning(t, emulator.Options{Quirks: emulator.Quirks{RefuseLateCancel: true}})
	id = strict.AddBuild(strict.jobID)
	strict.Advance(time.Minute)
	wantError(t, call(t, strict.Server, http.MethodPatch, "/assembling/v1/builds/"+id, ""), "400 SVCSTG.CPE.400*")
}

func TestBuilds_list(t *testing.T) {
	t.Parallel()
	r := newRunning(t, emulator.Options{})
	path := jobsPath + "/" + r.jobID + "/builds?name=app"
	wantJSON(t, mustCall(t, r.Server, http.MethodGet, path, ""),
		`{"total":0,"per_page":20,"page":1,"finished":0,"successful":0,"list":[]}`)

	successful := r.AddBuild(r.jobID)
	r.Advance(time.Minute)
	canceled := r.AddBuild(r.jobID)
	r.Advance(30 * time.Second)
	r.cancel(t, canceled)
	queuing := r.AddBuild(r.jobID)
	other := createJob(t, r.Server, plainJob("other"))
	first := mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+other+"/builds", "")
	if got := fmt.Sprint(first["index"]); got != "1" {
		t.Errorf("index of the first build of another job: got %s", got)
	}
	wantJSON(t, mustCall(t, r.Server, http.MethodGet, path, ""), fmt.Sprintf(
		`{"total":3,"per_page":20,"page":1,"finished":2,"successful":1,"list":[
			{"build_id":%q,"build_state":"Queuing","duration":0},
			{"build_id":%q,"build_state":"Cancel","duration":30},
			{"build_id":%q,"build_state":"Successful","duration":60}]}`, queuing, canceled, successful))

	for range 22 {
		r.AddBuild(r.jobID)
	}
	for query, want := range map[string]int{
		"": 20, "&page=2": 5, "&page=3": 0, "&page=2&per_page=10": 10, "&per_page=100": 25,
	} {
		got := mustCall(t, r.Server, http.MethodGet, path+query, "")
		if list, _ := got["list"].([]any); len(list) != want || fmt.Sprint(got["total"]) != "25" {
			t.Errorf("%q: %d builds of %v, want %d of 25", query, len(list), got["total"], want)
		}
	}
	for _, query := range []string{"", "?name=", "?name=other", "?name=app&page=0"} {
		got := call(t, r.Server, http.MethodGet, jobsPath+"/"+r.jobID+"/builds"+query, "")
		wantError(t, got, "400 SVCSTG.CPE.400*")
	}
}

// The log grows while the build runs, also within a phase. Read in parts, it has neither holes nor fragments.
func TestBuilds_log(t *testing.T) {
	t.Parallel()
	r := newRunning(t, emulator.Options{})
	id := r.AddBuild(r.jobID)
	log := ""
	for range 31 {
		got := r.get(t, id, "/logs?from="+strconv.Itoa(len(log)))
		part := got["buildlog"].(string)
		log += part
		if part == "" || fmt.Sprint(got["next"]) != strconv.Itoa(len(log)) {
			t.Fatalf("next is %s, after a part %q and %d bytes", got["next"], part, len(log))
		}
		r.Advance(2 * time.Second)
	}
	states := "Successful" + strings.Repeat(",Successful", 5)
	wantJSON(t, r.get(t, id, "/logs?from=0"), fmt.Sprintf(`{"buildlog":%q,"next":%d,"phases":%q,"phase_states":%q}`,
		log, len(log), strings.Join(phaseNames, ","), states))
	if rest := r.get(t, id, "/logs?from=1000000")["buildlog"]; rest != "" {
		t.Errorf("past the end: got %q", rest)
	}
	for _, query := range []string{"", "?from=-1", "?from=start"} {
		got := call(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+id+"/logs"+query, "")
		wantError(t, got, "400 SVCSTG.CPE.400*")
	}
}

// A build ends or stops at the end of the phase that was requested. Later builds fail in the phase of the option.
func TestInjectOutcomes(t *testing.T) {
	t.Parallel()
	for i, test := range []struct {
		state, want string
		ends        bool
	}{
		{"", "Failed", true},
		{"Timeout", "Timeout", true},
		{"Deleted", "Deleted", true},
		{"Building", "Building", false},
		{"Paused", "Paused", false},
		{"Failed", "Failed", true},
	} {
		r := newRunning(t, emulator.Options{FailIn: "Init"})
		r.InjectOutcomes(emulator.Outcome{Phase: phaseNames[i], State: test.state, Log: "no space left on device"})
		id := r.AddBuild(r.jobID)
		r.AddBuild(r.jobID)
		duration := time.Duration(i+1) * 10 * time.Second
		ended, log := "", fmt.Sprintf("[%s] step 8 of 8\nno space left on device\n", phaseNames[i])
		if test.ends {
			ended = r.Now().Add(duration).Format("2006-01-02 15:04:05 -0700 MST")
			log += fmt.Sprintf("[%s] ended: %s\n", phaseNames[i], test.want)
		}
		r.Advance(duration - time.Nanosecond)
		early := r.get(t, id, "/logs?from=0")["buildlog"].(string)
		if got := r.get(t, id, "")["ended_at"]; got != "" || strings.Contains(early, "no space") {
			t.Errorf("%s: the build failed before the end of the phase: %v", phaseNames[i], got)
		}
		r.Advance(time.Hour)
		want := strings.Repeat("Successful ", i) + test.want + strings.Repeat(" NotStarted", 5-i)
		if got := r.phases(t, id); got != want {
			t.Errorf("phases: got %s, want %s", got, want)
		}
		if got := r.get(t, id, ""); got["build_state"] != test.want || got["ended_at"] != ended {
			t.Errorf("got %v, ended %v, want %s, %s", got["build_state"], got["ended_at"], test.want, ended)
		}
		if got := r.get(t, id, "/logs?from=0")["buildlog"].(string); !strings.HasSuffix(got, log) {
			t.Errorf("the log is\n%s\nand does not end with\n%s", got, log)
		}
		if got := r.cancel(t, id)["build_state"]; test.ends && got != test.want || !test.ends && got != "Cancel" {
			t.Errorf("%s, after cancel: got %v", test.want, got)
		}
		if got := r.Builds()[1]; got.State != "Failed" || got.JobID != r.jobID {
			t.Errorf("the next build: got %v", got)
		}
	}
}
