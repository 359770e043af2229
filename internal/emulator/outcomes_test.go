// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

var phaseNames = []string{"Init", "Download", "PreProcess", "Build", "Artifact", "PostProcess"}

// A build goes wrong at the end of the phase that was ordered, in each of them, and the one after it goes well.
func TestOrderBuilds_inEachPhase(t *testing.T) {
	t.Parallel()
	for i, phase := range phaseNames {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			r := newRunning(t)
			r.OrderBuilds(emulator.Outcome{Phase: phase, Log: "no space left on device"})
			bad, good := r.start(t), r.start(t)
			r.Advance(time.Duration(i+1)*10*time.Second - time.Nanosecond)
			if got := r.get(t, bad, "")["ended_at"]; got != "" {
				t.Errorf("a moment before the end of the phase: ended_at is %v", got)
			}
			if log := r.get(t, bad, "/logs?from=0")["buildlog"]; strings.Contains(fmt.Sprint(log), "no space") {
				t.Error("a moment before the end of the phase the log has its last line")
			}
			r.Advance(time.Hour)
			want := strings.Repeat("Successful ", i) + "Failed" + strings.Repeat(" NotStarted", 5-i)
			if got := r.phases(t, bad); got != want {
				t.Errorf("phases: got %s, want %s", got, want)
			}
			got := r.get(t, bad, "")
			ended := time.Date(2025, 11, 14, 9, 6, 28, 0, time.UTC).Add(time.Duration(i+1) * 10 * time.Second)
			if got["build_state"] != "Failed" || got["ended_at"] != ended.Format("2006-01-02 15:04:05 -0700 MST") {
				t.Errorf("got %v, ended %v, want Failed, %s", got["build_state"], got["ended_at"], ended)
			}
			log := stringIn(t, r.get(t, bad, "/logs?from=0"), "buildlog")
			if want := fmt.Sprintf("[%s] step 8 of 8\nno space left on device\n[%s] ended: Failed\n", phase, phase); !strings.HasSuffix(log, want) {
				t.Errorf("the log ends\n%s\nwant\n%s", log[max(0, len(log)-200):], want)
			}
			if got := r.get(t, good, "")["build_state"]; got != "Successful" {
				t.Errorf("the next build: got %v", got)
			}
		})
	}
}

func TestOrderBuilds_otherStates(t *testing.T) {
	t.Parallel()
	for state, ends := range map[string]bool{"Timeout": true, "Deleted": true, "Building": false, "Paused": false} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			r := newRunning(t)
			r.OrderBuilds(emulator.Outcome{Phase: "Build", State: state})
			id := r.start(t)
			r.Advance(time.Hour)
			if got := r.get(t, id, ""); got["build_state"] != state || (got["ended_at"] != "") != ends {
				t.Errorf("got %v, ended at %q", got["build_state"], got["ended_at"])
			}
			if got := r.phases(t, id); got != "Successful Successful Successful "+state+" NotStarted NotStarted" {
				t.Errorf("phases: got %s", got)
			}
			want := state
			if !ends {
				want = "Cancel"
			}
			if got := mustCall(t, r.Server, http.MethodPatch, "/assembling/v1/builds/"+id, "")["build_state"]; got != want {
				t.Errorf("after cancel: got %v, want %s", got, want)
			}
		})
	}
}

// The log of a phase grows while the phase runs.
func TestBuilds_logGrowsWithinAPhase(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	id := r.start(t)
	lines := -1
	for range 5 {
		log := stringIn(t, r.get(t, id, "/logs?from=0"), "buildlog")
		if count := strings.Count(log, "\n"); count <= lines {
			t.Errorf("the log has %d lines, after %d", count, lines)
		} else {
			lines = count
		}
		r.Advance(2 * time.Second)
	}
}

func TestOptions_failIn(t *testing.T) {
	t.Parallel()
	now := newClock()
	server := emulator.New(t, emulator.Options{Now: now.Now, FailIn: "Artifact"})
	id := createJob(t, server, plainJob("app"))
	server.OrderBuilds(emulator.Outcome{Phase: "Init", State: "Timeout"})
	for range 3 {
		mustCall(t, server, http.MethodPost, jobsPath+"/"+id+"/builds", "")
	}
	now.Advance(time.Minute)
	var states []string
	for _, build := range server.Builds() {
		states = append(states, build.State)
		if build.JobID != id {
			t.Errorf("job: got %s, want %s", build.JobID, id)
		}
	}
	if got := strings.Join(states, " "); got != "Timeout Failed Failed" {
		t.Errorf("states: got %s", got)
	}
	if _, err := emulator.NewService(emulator.Options{FailIn: "Compile"}); err == nil || !strings.Contains(err.Error(), "Init, Download") {
		t.Errorf("an unknown phase: got %v", err)
	}
}

func TestBuilds_quirks(t *testing.T) {
	t.Parallel()
	now := newClock()
	server := emulator.New(t, emulator.Options{Now: now.Now, Quirks: emulator.Quirks{StringNumbers: true, RefuseLateCancel: true}})
	jobID := createJob(t, server, plainJob("app"))
	id := server.AddBuild(jobID)
	if got := mustCall(t, server, http.MethodGet, "/assembling/v1/builds/"+id, "")["index"]; got != "1" {
		t.Errorf("index: got %#v", got)
	}
	now.Advance(time.Minute)
	wantError(t, call(t, server, http.MethodPatch, "/assembling/v1/builds/"+id, ""), http.StatusBadRequest, "SVCSTG.CPE.400*")
	if !server.RemoveBuild(id) || server.RemoveBuild(id) || server.AddBuild("none") != "" {
		t.Error("a build was not removed once, or one of no job was added")
	}
	wantError(t, call(t, server, http.MethodGet, "/assembling/v1/builds/"+id, ""), http.StatusNotFound, "SVCSTG.CPE.404*")
}

func TestBuilds_pages(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	for range 25 {
		r.start(t)
	}
	for query, want := range map[string]int{"": 20, "&page=2": 5, "&page=3": 0, "&page=2&per_page=10": 10, "&per_page=100": 25} {
		got := mustCall(t, r.Server, http.MethodGet, jobsPath+"/"+r.jobID+"/builds?name=app"+query, "")
		if list, _ := got["list"].([]any); len(list) != want || fmt.Sprint(got["total"]) != "25" {
			t.Errorf("%q: %d builds of %v, want %d of 25", query, len(list), got["total"], want)
		}
	}
	wantError(t, call(t, r.Server, http.MethodGet, jobsPath+"/"+r.jobID+"/builds?name=app&page=0", ""), http.StatusBadRequest, "SVCSTG.CPE.400*")
}
