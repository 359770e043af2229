// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

var (
	phaseNames = []string{"Init", "Download", "PreProcess", "Build", "Artifact", "PostProcess"}
	commitRule = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// running is a server whose builds take a minute of the test's clock, with one job named app.
type running struct {
	*emulator.Server
	*clock
	jobID string
}

func newRunning(t *testing.T, adjust ...func(*emulator.Options)) *running {
	t.Helper()
	r := &running{clock: new(clock)}
	options := emulator.Options{Now: r.Now, BuildDuration: time.Minute}
	for _, f := range adjust {
		f(&options)
	}
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

// phases returns the states of the phases, and checks their names and IDs.
func (r *running) phases(t *testing.T, buildID string) string {
	t.Helper()
	got := r.get(t, buildID, "/phases")
	items, _ := got["list"].([]any)
	if len(items) != len(phaseNames) || fmt.Sprint(got["total"]) != "6" {
		t.Fatalf("phases: got %v", got)
	}
	states, ids := make([]string, len(items)), map[string]bool{}
	for i, item := range items {
		phase, _ := item.(object)
		if phase["name"] != phaseNames[i] || ids[fmt.Sprint(phase["id"])] {
			t.Errorf("phase %d: got %v", i, phase)
		}
		states[i], ids[fmt.Sprint(phase["id"])] = phase["state"].(string), true
	}
	return strings.Join(states, " ")
}

func TestBuilds_start(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
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
		r := newRunning(t)
		id := r.AddBuild(r.jobID)
		r.Advance(test.after)
		got := r.get(t, id, "")
		known := test.after >= 20*time.Second // The repository is downloaded.
		if commitRule.MatchString(got["commit_id"].(string)) != known {
			t.Errorf("%s: commit_id: got %v", test.after, got["commit_id"])
		}
		for _, name := range []string{"commit_id", "committer", "commit_time", "commit_comment"} {
			if (got[name] != "") != known {
				t.Errorf("%s: %s: got %v", test.after, name, got[name])
			}
			delete(got, name)
		}
		for _, name := range []string{"swr_repository", "swr_repo_page", "base_image"} {
			if _, ok := got[name]; ok != (test.state == "Successful") {
				t.Errorf("%s: %s: got %v", test.after, name, got[name])
			}
			delete(got, name)
		}
		wantJSON(t, got, fmt.Sprintf(`{"build_id":%q,"job_id":%q,"job_name":"app","enterprise_project_id":"0",
			"index":1,"started_at":"2025-11-14 09:06:28 +0000 UTC","ended_at":%q,"build_state":%q,
			"repo_type":"Github","repo":"https://example.com/app.git","branch":"main","language":"","type":"user",
			"creator":"emulator-user"}`, id, r.jobID, test.ended, test.state))
		if got := r.phases(t, id); got != test.phases {
			t.Errorf("%s: phases\n got %s\nwant %s", test.after, got, test.phases)
		}
	}
}

// The default is ten seconds, and the shortest build takes a nanosecond.
func TestOptions_buildDuration(t *testing.T) {
	t.Parallel()
	for configured, duration := range map[time.Duration]time.Duration{0: 10 * time.Second, 1: 1} {
		r := newRunning(t, func(o *emulator.Options) { o.BuildDuration = configured })
		r.AddBuild(r.jobID)
		r.Advance(duration / 2)
		before := r.Builds()[0].State
		r.Advance(duration)
		if after := r.Builds()[0].State; after != "Successful" || before == "Successful" {
			t.Errorf("%s: got %s, then %s", configured, before, after)
		}
	}
}

// Canceling does not change a build that is canceled or has ended. With a quirk, the request is rejected.
func TestBuilds_cancel(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
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

	strict := newRunning(t, func(o *emulator.Options) { o.Quirks = quirks(t, "refuse-late-cancel") })
	id = strict.AddBuild(strict.jobID)
	strict.Advance(time.Minute)
	wantError(t, call(t, strict.Server, http.MethodPatch, "/assembling/v1/builds/"+id, ""), "400 SVCSTG.CPE.400*")
}

func TestBuilds_list(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
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
	r := newRunning(t)
	id := r.AddBuild(r.jobID)
	var parts strings.Builder
	next := "0"
	for range 31 {
		got := r.get(t, id, "/logs?from="+next)
		part := got["buildlog"].(string)
		parts.WriteString(part)
		if next = fmt.Sprint(got["next"]); part == "" || next != strconv.Itoa(parts.Len()) {
			t.Fatalf("next is %s, after a part %q and %d bytes", next, part, parts.Len())
		}
		r.Advance(2 * time.Second)
	}
	got := r.get(t, id, "/logs?from=0")
	if log := got["buildlog"].(string); log != parts.String() {
		t.Errorf("\nin parts %q\nat once  %q", parts.String(), log)
	}
	states := "Successful" + strings.Repeat(",Successful", 5)
	if got["phases"] != strings.Join(phaseNames, ",") || got["phase_states"] != states {
		t.Errorf("got phases %v and phase_states %v", got["phases"], got["phase_states"])
	}
	if rest := r.get(t, id, "/logs?from=1000000")["buildlog"]; rest != "" {
		t.Errorf("past the end: got %q", rest)
	}
	for _, query := range []string{"", "?from=-1", "?from=start"} {
		got := call(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+id+"/logs"+query, "")
		wantError(t, got, "400 SVCSTG.CPE.400*")
	}
}

func TestBuilds_codeChecks(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	r.AddBuild(r.jobID)
	id := r.AddBuild(r.jobID)
	wantJSON(t, r.get(t, id, "/results"), fmt.Sprintf(
		`{"checkstyle":{"static":{"count_info":[{"build_id":%q,"build_order":2,"total_count":0}]}}}`, id))
	got := call(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+id+"?taskname=lint", "")
	wantError(t, got, "400 SVCSTG.CPE.400*")
}

// A build fails at the end of the phase that was requested, and the next one succeeds.
func TestInjectOutcomes_inEachPhase(t *testing.T) {
	t.Parallel()
	for i, phase := range phaseNames {
		r := newRunning(t)
		r.InjectOutcomes(emulator.Outcome{Phase: phase, Log: "no space left on device"})
		bad := r.AddBuild(r.jobID)
		r.AddBuild(r.jobID)
		duration := time.Duration(i+1) * 10 * time.Second
		ended := r.Now().Add(duration).Format("2006-01-02 15:04:05 -0700 MST")
		r.Advance(duration - time.Nanosecond)
		early := r.get(t, bad, "/logs?from=0")["buildlog"].(string)
		if got := r.get(t, bad, "")["ended_at"]; got != "" || strings.Contains(early, "no space") {
			t.Errorf("%s: the build failed before the end of the phase: %v", phase, got)
		}
		r.Advance(time.Hour)
		want := strings.Repeat("Successful ", i) + "Failed" + strings.Repeat(" NotStarted", 5-i)
		if got := r.phases(t, bad); got != want {
			t.Errorf("phases: got %s, want %s", got, want)
		}
		if got := r.get(t, bad, ""); got["build_state"] != "Failed" || got["ended_at"] != ended {
			t.Errorf("%s: got %v, ended %v, want Failed, %s", phase, got["build_state"], got["ended_at"], ended)
		}
		log := r.get(t, bad, "/logs?from=0")["buildlog"].(string)
		want = fmt.Sprintf("[%s] step 8 of 8\nno space left on device\n[%[1]s] ended: Failed\n", phase)
		if !strings.HasSuffix(log, want) {
			t.Errorf("the log is\n%s\nand does not end with\n%s", log, want)
		}
		if got := r.Builds()[1].State; got != "Successful" {
			t.Errorf("the next build: got %s", got)
		}
	}
}

func TestInjectOutcomes_otherStates(t *testing.T) {
	t.Parallel()
	for state, ends := range map[string]bool{"Timeout": true, "Deleted": true, "Building": false, "Paused": false} {
		r := newRunning(t, func(o *emulator.Options) { o.FailIn = "Init" }) // For later builds.
		r.InjectOutcomes(emulator.Outcome{Phase: "Build", State: state})
		id := r.AddBuild(r.jobID)
		r.AddBuild(r.jobID)
		r.Advance(time.Hour)
		if got := r.get(t, id, ""); got["build_state"] != state || (got["ended_at"] != "") != ends {
			t.Errorf("%s: got %v, ended at %q", state, got["build_state"], got["ended_at"])
		}
		if got := r.phases(t, id); got != "Successful Successful Successful "+state+" NotStarted NotStarted" {
			t.Errorf("%s: phases: got %s", state, got)
		}
		if got := r.cancel(t, id)["build_state"]; ends && got != state || !ends && got != "Cancel" {
			t.Errorf("%s, after cancel: got %v", state, got)
		}
		if got := r.Builds()[1]; got.State != "Failed" || got.JobID != r.jobID {
			t.Errorf("the next build: got %v", got)
		}
	}
}
