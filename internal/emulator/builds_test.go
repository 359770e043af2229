// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// running is a server whose builds take a minute of the test's clock, with one job named app.
type running struct {
	*emulator.Server
	*clock
	jobID string
}

func newRunning(t *testing.T) *running {
	t.Helper()
	r := &running{clock: newClock()}
	r.Server = emulator.New(t, emulator.Options{Now: r.Now, BuildDuration: time.Minute})
	r.jobID = createJob(t, r.Server, `{"job_name":"app","environment_setting":{},
		"code_repo":{"type":"Github","url":"https://example.com/app.git","branch":"main","namespace":"example"}}`)
	return r
}

func (r *running) start(t *testing.T) string {
	t.Helper()
	return stringIn(t, mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+r.jobID+"/builds", ""), "build_id")
}

func (r *running) get(t *testing.T, buildID, suffix string) object {
	t.Helper()
	return mustCall(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+buildID+suffix, "")
}

// phases returns the states of the phases, separated by spaces.
func (r *running) phases(t *testing.T, buildID string) string {
	t.Helper()
	items, ok := r.get(t, buildID, "/phases")["list"].([]any)
	if !ok {
		t.Fatal("list of phases is missing")
	}
	states := make([]string, len(items))
	for i, item := range items {
		phase, ok := item.(object)
		if !ok {
			t.Fatalf("phase is no object: %v", item)
		}
		states[i] = stringIn(t, phase, "state")
	}
	return strings.Join(states, " ")
}

func TestBuilds_startBothWays(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	older := mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+r.jobID, `{"name":"app"}`)
	olderID := stringIn(t, older, "build_id")
	wantJSON(t, older, fmt.Sprintf(`{"build_id":%q,"job_id":%q,"job_name":"app","index":1,
		"started_at":"2025-11-14 09:06:28 +0000 UTC","ended_at":""}`, olderID, r.jobID))

	r.Advance(time.Second)
	newer := mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+r.jobID+"/builds", "")
	newerID := stringIn(t, newer, "build_id")
	wantJSON(t, newer, fmt.Sprintf(`{"build_id":%q,"job_id":%q,"job_name":"app","index":2,
		"started_at":"2025-11-14 09:06:29 +0000 UTC","ended_at":"","duration":0,"state":"Queuing","progress":0,
		"commit_id":"","committer":""}`, newerID, r.jobID))

	if !idRule.MatchString(olderID) || !idRule.MatchString(newerID) || olderID == newerID {
		t.Errorf("build_id: got %q and %q", olderID, newerID)
	}
	if got := mustCall(t, r.Server, http.MethodGet, jobsPath+"/"+r.jobID, "")["last_build_id"]; got != newerID {
		t.Errorf("last_build_id: got %v, want %s", got, newerID)
	}

	otherID := createJob(t, r.Server, plainJob("other"))
	if got := mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+otherID+"/builds", "")["index"]; fmt.Sprint(got) != "1" {
		t.Errorf("index of the first build of another job: got %v", got)
	}
}

func TestBuilds_createNeedsTheName(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	for _, body := range []string{"", "{}", `{"name":""}`, `{"name":"other"}`, `{"name":1}`, "app"} {
		wantError(t, call(t, r.Server, http.MethodPost, jobsPath+"/"+r.jobID, body), http.StatusBadRequest, "SVCSTG.CPE.400*")
	}
	if got := mustCall(t, r.Server, http.MethodGet, jobsPath+"/"+r.jobID, "")["last_build_id"]; got != "" {
		t.Errorf("a refused request started the build %v", got)
	}
}

func TestBuilds_statesFollowTheClock(t *testing.T) {
	t.Parallel()
	const waiting = " NotStarted"
	done := func(count int) string { return strings.Repeat("Successful ", count) }
	for _, test := range []struct {
		after  time.Duration
		state  string
		phases string
		ended  string
	}{
		{0, "Queuing", "Building" + strings.Repeat(waiting, 5), ""},
		{9 * time.Second, "Queuing", "Building" + strings.Repeat(waiting, 5), ""},
		{10 * time.Second, "Building", done(1) + "Building" + strings.Repeat(waiting, 4), ""},
		{39 * time.Second, "Building", done(3) + "Building" + strings.Repeat(waiting, 2), ""},
		{40 * time.Second, "Pushing", done(4) + "Building" + waiting, ""},
		{59 * time.Second, "Building", done(5) + "Building", ""},
		{60 * time.Second, "Successful", strings.TrimSpace(done(6)), "2025-11-14 09:07:28 +0000 UTC"},
		{24 * time.Hour, "Successful", strings.TrimSpace(done(6)), "2025-11-14 09:07:28 +0000 UTC"},
	} {
		t.Run(test.after.String(), func(t *testing.T) {
			t.Parallel()
			r := newRunning(t)
			id := r.start(t)
			r.Advance(test.after)
			got := r.get(t, id, "")
			commit := stringIn(t, got, "commit_id")
			if known := commitRule.MatchString(commit); known != (test.after >= 20*time.Second) {
				t.Errorf("commit_id: got %v; the repository is known after 20 seconds", commit)
			}
			for _, name := range []string{"commit_id", "committer", "commit_time", "commit_comment"} {
				if (got[name] == "") != (commit == "") {
					t.Errorf("%s: got %v with the commit %v", name, got[name], commit)
				}
				delete(got, name)
			}
			wantJSON(t, got, fmt.Sprintf(`{"build_id":%q,"job_id":%q,"job_name":"app","enterprise_project_id":"0",
				"index":1,"started_at":"2025-11-14 09:06:28 +0000 UTC","ended_at":%q,"build_state":%q,"repo_type":"Github",
				"repo":"https://example.com/app.git","branch":"main","language":"","type":"user","creator":"emulator-user"}`, id, r.jobID, test.ended, test.state))
			if got := r.phases(t, id); got != test.phases {
				t.Errorf("phases\n got %s\nwant %s", got, test.phases)
			}
		})
	}
}

var commitRule = regexp.MustCompile(`^[0-9a-f]{40}$`)

func TestBuilds_phases(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	id := r.start(t)
	got := r.get(t, id, "/phases")
	if fmt.Sprint(got["total"]) != "6" {
		t.Errorf("total: got %v", got["total"])
	}
	items, _ := got["list"].([]any)
	var names []string
	ids := map[string]bool{}
	for _, item := range items {
		phase, _ := item.(object)
		names = append(names, stringIn(t, phase, "name"))
		ids[fmt.Sprint(phase["id"])] = true
	}
	if got := strings.Join(names, " "); got != "Init Download PreProcess Build Artifact PostProcess" {
		t.Errorf("names: got %s", got)
	}
	if len(ids) != 6 {
		t.Errorf("ids are not different from one another: %v", ids)
	}
}

func TestBuilds_cancel(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	id := r.start(t)
	r.Advance(25 * time.Second)
	cancel := func() {
		t.Helper()
		got := mustCall(t, r.Server, http.MethodPatch, "/assembling/v1/builds/"+id, "")
		if got["build_id"] != id || got["build_state"] != "Cancel" || got["ended_at"] != "2025-11-14 09:06:53 +0000 UTC" {
			t.Errorf("got %v", got)
		}
	}
	cancel()
	r.Advance(time.Hour)
	cancel()
	if got := r.get(t, id, ""); got["build_state"] != "Cancel" || got["ended_at"] != "2025-11-14 09:06:53 +0000 UTC" {
		t.Errorf("an hour later: got %v", got)
	}
	if got := r.phases(t, id); got != "Successful Successful Cancel NotStarted NotStarted NotStarted" {
		t.Errorf("phases: got %s", got)
	}
}

func TestBuilds_cancelAfterTheEnd(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	id := r.start(t)
	r.Advance(time.Minute)
	got := mustCall(t, r.Server, http.MethodPatch, "/assembling/v1/builds/"+id, "")
	if got["build_state"] != "Successful" || got["ended_at"] != "2025-11-14 09:07:28 +0000 UTC" {
		t.Errorf("got %v", got)
	}
}

func TestBuilds_list(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	path := jobsPath + "/" + r.jobID + "/builds?name=app"
	wantJSON(t, mustCall(t, r.Server, http.MethodGet, path, ""),
		`{"total":0,"per_page":20,"page":1,"finished":0,"successful":0,"list":[]}`)

	successful := r.start(t)
	r.Advance(time.Minute)
	cancelled := r.start(t)
	r.Advance(30 * time.Second)
	mustCall(t, r.Server, http.MethodPatch, "/assembling/v1/builds/"+cancelled, "")
	queuing := r.start(t)
	other := createJob(t, r.Server, plainJob("other"))
	mustCall(t, r.Server, http.MethodPost, jobsPath+"/"+other+"/builds", "")

	wantJSON(t, mustCall(t, r.Server, http.MethodGet, path, ""), fmt.Sprintf(
		`{"total":3,"per_page":20,"page":1,"finished":2,"successful":1,"list":[
			{"build_id":%q,"build_state":"Queuing","duration":0},
			{"build_id":%q,"build_state":"Cancel","duration":30},
			{"build_id":%q,"build_state":"Successful","duration":60}]}`, queuing, cancelled, successful))
	for _, query := range []string{"", "?name=", "?name=other"} {
		got := call(t, r.Server, http.MethodGet, jobsPath+"/"+r.jobID+"/builds"+query, "")
		wantError(t, got, http.StatusBadRequest, "SVCSTG.CPE.400*")
	}
}

func TestBuilds_log(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	id := r.start(t)
	read := func(from int) (string, int) {
		t.Helper()
		got := r.get(t, id, fmt.Sprintf("/logs?from=%d", from))
		var next int
		if _, err := fmt.Sscan(fmt.Sprint(got["next"]), &next); err != nil {
			t.Fatalf("next is no number: %v", got["next"])
		}
		return stringIn(t, got, "buildlog"), next
	}
	last := 0
	for range 6 {
		whole, next := read(0)
		if next != len(whole) || next <= last {
			t.Fatalf("next is %d, before it was %d, and the log has %d bytes", next, last, len(whole))
		}
		if rest, again := read(5); rest != whole[5:] || again != next {
			t.Errorf("from 5: got %q and next %d", rest, again)
		}
		if rest, again := read(next); rest != "" || again != next {
			t.Errorf("from the end: got %q and next %d, want nothing and %d", rest, again, next)
		}
		last = next
		r.Advance(10 * time.Second)
	}
	if rest, _ := read(last + 1000); rest != "" {
		t.Errorf("from past the end: got %q", rest)
	}
	got := r.get(t, id, "/logs?from=0")
	if got["phases"] != "Init,Download,PreProcess,Build,Artifact,PostProcess" ||
		got["phase_states"] != "Successful"+strings.Repeat(",Successful", 5) {
		t.Errorf("got phases %v and phase_states %v", got["phases"], got["phase_states"])
	}
	for _, query := range []string{"", "?from=", "?from=-1", "?from=start"} {
		got := call(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+id+"/logs"+query, "")
		wantError(t, got, http.StatusBadRequest, "SVCSTG.CPE.400*")
	}
}

func TestBuilds_codeChecks(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	r.start(t)
	id := r.start(t)
	wantJSON(t, r.get(t, id, "/results"), fmt.Sprintf(
		`{"checkstyle":{"static":{"count_info":[{"build_id":%q,"build_order":2,"total_count":0}]}}}`, id))
	for _, check := range []string{"checkstyle", "pmd", "findbugs"} {
		objectIn(t, r.get(t, id, "?taskname="+check), check)
	}
	got := call(t, r.Server, http.MethodGet, "/assembling/v1/builds/"+id+"?taskname=lint", "")
	wantError(t, got, http.StatusBadRequest, "SVCSTG.CPE.400*")
}

func TestBuilds_takeTenSecondsByDefault(t *testing.T) {
	t.Parallel()
	now := newClock()
	server := emulator.New(t, emulator.Options{Now: now.Now})
	id := createJob(t, server, plainJob("app"))
	buildID := stringIn(t, mustCall(t, server, http.MethodPost, jobsPath+"/"+id+"/builds", ""), "build_id")
	now.Advance(10 * time.Second)
	if got := mustCall(t, server, http.MethodGet, "/assembling/v1/builds/"+buildID, "")["build_state"]; got != "Successful" {
		t.Errorf("after ten seconds: got %v", got)
	}
}

// Not append-only, a log that is read in parts would have holes and fragments.
func TestBuilds_logIsAppended(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	id := r.start(t)
	var joined strings.Builder
	next := "0"
	for range 7 {
		got := r.get(t, id, "/logs?from="+next)
		joined.WriteString(stringIn(t, got, "buildlog"))
		next = fmt.Sprint(got["next"])
		r.Advance(10 * time.Second)
	}
	if whole := stringIn(t, r.get(t, id, "/logs?from=0"), "buildlog"); whole != joined.String() {
		t.Errorf("\nin parts %q\nat once  %q", joined.String(), whole)
	}
}

func TestBuilds_takeNoTime(t *testing.T) {
	t.Parallel()
	now := newClock()
	server := emulator.New(t, emulator.Options{BuildDuration: time.Nanosecond, Now: now.Now})
	id := createJob(t, server, plainJob("app"))
	buildID := stringIn(t, mustCall(t, server, http.MethodPost, jobsPath+"/"+id+"/builds", ""), "build_id")
	now.Advance(time.Nanosecond)
	if got := mustCall(t, server, http.MethodGet, "/assembling/v1/builds/"+buildID, "")["build_state"]; got != "Successful" {
		t.Errorf("build_state: got %v", got)
	}
}

// After a restart the wall clock may be behind the one that started the build.
func TestBuilds_clockGoesBack(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	id := r.start(t)
	r.Advance(-time.Hour)
	if got := r.get(t, id, "")["build_state"]; got != "Queuing" {
		t.Errorf("build_state: got %v", got)
	}
}

func TestBuilds_enterpriseProject(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, fullJob)
	buildID := stringIn(t, mustCall(t, server, http.MethodPost, jobsPath+"/"+id+"/builds", ""), "build_id")
	if got := mustCall(t, server, http.MethodGet, "/assembling/v1/builds/"+buildID, "")["enterprise_project_id"]; got != "project-1" {
		t.Errorf("enterprise_project_id: got %v, want the job's", got)
	}
}

func TestBuilds_cancelFields(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	got := mustCall(t, r.Server, http.MethodPatch, "/assembling/v1/builds/"+r.start(t), "")
	for name := range strings.FieldsSeq("repo_endpoint repo_web_url swr_repository swr_repo_page archive_result base_image " +
		"seccomp_path code_repo_anatomy os") {
		if _, ok := got[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
}
