// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

const (
	startAction  = "servicestage_start_build"
	cancelAction = "servicestage_cancel_build"
)

var phaseNames = []string{"Init", "Download", "PreProcess", "Build", "Artifact", "PostProcess"}

func (w *world) startBuild(ctx context.Context, t *testing.T, more map[string]any) invocation {
	t.Helper()
	arguments := map[string]any{"job_id": w.jobID}
	maps.Copy(arguments, more)
	return w.invoke(ctx, t, startAction, arguments)
}

// A build that goes well, whatever type its numbers have: one start, a message for each phase, and few requests, the first after two
// seconds and none more than fifteen after another.
func TestStartBuild_success(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]emulator.Quirks{"numbers": {}, "strings": {StringNumbers: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *emulator.Options) { o.Quirks, o.BuildDuration = quirks, 10*time.Minute })
			got := w.startBuild(t.Context(), t, nil)
			if len(got.diagnostics) > 0 {
				t.Fatal(got)
			}
			w.expect(t, "Successful", 1, 0)
			id := w.Builds()[0].ID
			if want := "checkout-service #1: started, build_id " + id; got.progress[0] != want {
				t.Errorf("the first message is %q, want %q", got.progress[0], want)
			}
			if want := append(slices.Clone(phaseNames), "Successful"); !slices.Equal(phasesOf(got.progress[1:]), want) {
				t.Errorf("messages: got %q, want each of %q", got.progress, want)
			}
			rule := regexp.MustCompile(`^checkout-service #1: \w+, (\d+m)?\d+s$`)
			for _, message := range got.progress[1:] {
				if !rule.MatchString(message) {
					t.Errorf("message %q", message)
				}
			}
			for i, wait := range w.waited {
				if wait < 2*time.Second || wait > 15*time.Second || i == 0 && wait > 2400*time.Millisecond || i > 8 && wait < 12*time.Second {
					t.Errorf("wait %d is %s", i, wait)
				}
			}
			// 10 minutes at 15 seconds, and the shorter waits at first; for each one the build and its phases.
			if polls := w.CountRequests(http.MethodGet, buildPath); polls != len(w.waited) || polls > 60 {
				t.Errorf("%d polls, %d waits", polls, len(w.waited))
			}
			if phases := w.CountRequests(http.MethodGet, buildPath+"/phases"); phases != len(w.waited)-1 {
				t.Errorf("the phases were asked for %d times in %d polls", phases, len(w.waited))
			}
		})
	}
}

// No message comes sooner than five seconds after one that says the same.
func TestStartBuild_fewMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.BuildDuration = 30 * time.Minute })
	got := w.startBuild(t.Context(), t, map[string]any{"timeout": "1h"})
	var last time.Duration
	phase := ""
	for _, message := range got.progress[1:] {
		_, at, _ := strings.Cut(message, ", ")
		elapsed, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		if phaseOf(message) == phase && elapsed-last < 4*time.Second { // Seconds are cut off.
			t.Errorf("%q comes %s after the one before", message, elapsed-last)
		}
		phase, last = phaseOf(message), elapsed
	}
	if polls := w.CountRequests(http.MethodGet, buildPath); len(got.progress)-1 >= polls {
		t.Errorf("%d messages in %d polls: the second poll comes too soon for one", len(got.progress)-1, polls)
	}
}

// A build that fails, in each phase: the error has the phase, the last 40 lines, the id, and how to read the rest.
func TestStartBuild_failsInEachPhase(t *testing.T) {
	t.Parallel()
	for i, phase := range phaseNames {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.OrderBuilds(emulator.Outcome{Phase: phase, Log: "\x1b[31mERROR\x1b[0m no space left\ton device"})
			got := w.startBuild(t.Context(), t, nil).only(t, tfprotov6.DiagnosticSeverityError)
			w.expect(t, "Failed", 1, 0)
			id := w.Builds()[0].ID
			contains(t, got, "The build failed\n",
				fmt.Sprintf("The build checkout-service #1 (%s) ended with the state Failed in the phase %s, after %s.", id, phase, time.Duration(i+1)*10*time.Second),
				"ERROR no space left on device ["+phase+"] ended: Failed",
				"build_id  = \""+id+"\"", "log_limit = 1048576", "data.servicestage_build.log.log")
			lacks(t, got, "\x1b", "\t")
			// A phase that ended has ten lines, and the one that failed one more.
			shown := regexp.MustCompile(`(?m)^  (\[|ERROR)`).FindAllString(got, -1)
			total := 10*(i+1) + 1
			if len(shown) != min(total, 40) {
				t.Errorf("%d of %d lines are shown:\n%s", len(shown), total, got)
			}
			if heading := "The last 40 lines of its log:"; strings.Contains(got, heading) != (total > 40) {
				t.Errorf("%q with %d lines:\n%s", heading, total, got)
			}
		})
	}
}

func TestStartBuild_otherBadEnds(t *testing.T) {
	t.Parallel()
	for state, summary := range map[string]string{
		"Timeout": "The build timed out", "Cancel": "The build was cancelled", "Deleted": "The build was deleted",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.OrderBuilds(emulator.Outcome{Phase: "Build", State: state})
			got := w.startBuild(t.Context(), t, nil).only(t, tfprotov6.DiagnosticSeverityError)
			contains(t, got, summary, "ended with the state "+state+" in the phase Build", "[Build] ended: "+state, w.Builds()[0].ID)
			w.expect(t, state, 1, 0)
		})
	}
}

// The report of a failure survives that its parts cannot be read.
func TestStartBuild_noReport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OrderBuilds(emulator.Outcome{Phase: "Build"})
	for _, part := range []string{"/phases", "/logs"} {
		w.Order(emulator.Fault{
			Method: http.MethodGet, Path: buildPath + part, Times: -1,
			StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"not authorized"}`,
		})
	}
	got := w.startBuild(t.Context(), t, nil)
	text := got.only(t, tfprotov6.DiagnosticSeverityError)
	contains(t, text, "ended with the state Failed (in which phase could not be read: ", "Its log could not be read: ", "APIGW.0302", w.Builds()[0].ID)
	// Without phases, the messages tell the state.
	if phases := phasesOf(got.progress[1:]); !slices.Contains(phases, "Building") {
		t.Errorf("messages: %q", got.progress)
	}
}

func TestStartBuild_emptyLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OrderBuilds(emulator.Outcome{Phase: "Init"})
	w.Order(emulator.Fault{Path: buildPath + "/logs", StatusCode: http.StatusOK, Body: `{"buildlog":"\n \n","next":3}`, Times: -1})
	contains(t, w.startBuild(t.Context(), t, nil).only(t, tfprotov6.DiagnosticSeverityError), "Its log is empty.")
}

// A build that does not end, in a state that is documented or not: an error after the timeout, and the build goes on.
func TestStartBuild_timeout(t *testing.T) {
	t.Parallel()
	for state, word := range map[string]string{
		"Pushing": "state Pushing. It keeps running", "Paused": "state Paused, which is not documented and is taken for one of a build that goes on.",
	} {
		for timeout, want := range map[string]time.Duration{"": 30 * time.Minute, "90m": 90 * time.Minute} {
			t.Run(state+timeout, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.OrderBuilds(emulator.Outcome{Phase: "Build", State: state})
				var more map[string]any
				if timeout != "" {
					more = map[string]any{"timeout": timeout}
				}
				start := w.Now()
				got := w.startBuild(t.Context(), t, more).only(t, tfprotov6.DiagnosticSeverityError)
				contains(t, got, "The build takes too long", "has not ended within "+want.String(), word, "It keeps running in ServiceStage",
					fmt.Sprintf("servicestage_cancel_build with build_id = %q", w.Builds()[0].ID))
				if waited := w.Now().Sub(start); waited != want {
					t.Errorf("waited %s, want %s", waited, want)
				}
				w.expect(t, state, 1, 0)
			})
		}
	}
}

// Interrupted while it waits: the build is cancelled or goes on, and the error says so.
func TestStartBuild_interrupted(t *testing.T) {
	t.Parallel()
	refusal := emulator.Fault{
		Method: http.MethodPatch, Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"not authorized"}`,
	}
	for name, c := range map[string]struct {
		more    map[string]any
		fault   *emulator.Fault
		want    string
		state   string
		cancels int
	}{
		"cancels by default": {nil, nil, "It was cancelled.", "Cancel", 1},
		"cancels":            {map[string]any{"cancel_on_interrupt": true}, nil, "It was cancelled.", "Cancel", 1},
		"does not cancel": {
			map[string]any{"cancel_on_interrupt": false}, nil, "It keeps running in ServiceStage, because cancel_on_interrupt is false.", "Building", 0,
		},
		"cannot cancel": {nil, &refusal, "It could not be cancelled, and may still be running: PATCH", "Building", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.fault != nil {
				w.Order(*c.fault)
			}
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			w.during("PreProcess", interrupt)
			got := w.startBuild(ctx, t, c.more).only(t, tfprotov6.DiagnosticSeverityError)
			contains(t, got, "Interrupted while the build was running", "checkout-service #1", w.Builds()[0].ID, c.want)
			w.expect(t, c.state, 1, c.cancels)
		})
	}
}

// The build ends in the moment of the interrupt: it is said how.
func TestStartBuild_interruptedAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]emulator.Quirks{"accepted": {}, "refused": {RefuseLateCancel: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *emulator.Options) { o.Quirks = quirks })
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			w.during("Build", func() {
				interrupt()
				w.advance(time.Hour)
			})
			got := w.startBuild(ctx, t, nil).only(t, tfprotov6.DiagnosticSeverityError)
			contains(t, got, "It was to be cancelled, but had ended by then, with the state Successful.")
			w.expect(t, "Successful", 1, 1)
		})
	}
}

// Interrupted while the start is on its way: the answer is waited for, and the build that it names is cancelled.
func TestStartBuild_interruptedInFlight(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{"answered": {}, "lost": {Drop: true, After: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			fault.Method, fault.Path, fault.Do = http.MethodPost, buildsPath, interrupt
			w.Order(fault)
			got := w.startBuild(ctx, t, nil)
			contains(t, got.String(), "Interrupted while the build was running", "It was cancelled.", w.Builds()[0].ID)
			w.expect(t, "Cancel", 1, 1)
		})
	}
}

// The answer to the start is lost: the build that has started is found by the job's last build, and nothing is sent again.
func TestStartBuild_lostAnswer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"connection broken": {Drop: true, After: true},
		"502":               {StatusCode: http.StatusBadGateway, Body: "<html>Bad Gateway</html>", After: true},
		"408":               {StatusCode: http.StatusRequestTimeout, After: true},
		"no build_id":       {StatusCode: http.StatusOK, Body: "{}", After: true},
	} {
		for before := range 2 {
			t.Run(fmt.Sprintf("%s, %d builds before", name, before), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				for range before {
					w.AddBuild(w.jobID)
				}
				lost := fault
				lost.Method, lost.Path = http.MethodPost, buildsPath
				w.Order(lost)
				got := w.startBuild(t.Context(), t, nil)
				contains(t, got.only(t, tfprotov6.DiagnosticSeverityWarning), "The build was adopted", w.Builds()[before].ID)
				w.expect(t, strings.Repeat("Successful ", before)+"Successful", 1, 0)
			})
		}
	}
}

// The same, and nothing has started: an error that says so, and nothing is sent again.
func TestStartBuild_lostRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	last := w.AddBuild(w.jobID)
	w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, Drop: true})
	got := w.startBuild(t.Context(), t, nil).only(t, tfprotov6.DiagnosticSeverityError)
	contains(t, got, "The build may have been started", "is not sent again", "is "+last+", as before")
	if got := len(w.Builds()); got != 1 || w.CountRequests(http.MethodPost, buildsPath) != 1 {
		t.Errorf("%d builds, %d starts", got, w.CountRequests(http.MethodPost, buildsPath))
	}
}

// The same, and the job cannot be read.
func TestStartBuild_lostAndNoLookup(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, Drop: true, After: true, Do: func() {
		w.Order(emulator.Fault{
			Method: http.MethodGet, Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"not authorized"}`,
		})
	}})
	got := w.startBuild(t.Context(), t, nil).only(t, tfprotov6.DiagnosticSeverityError)
	contains(t, got, "The build may have been started", "The job could not be read either", "APIGW.0302")
	w.expect(t, "Queuing", 1, 0)
}

// The same, and somebody else has started a build, too: it cannot be told which is which.
func TestStartBuild_lostAmongOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.AddBuild(w.jobID)
	w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, Drop: true, After: true, Do: func() { w.AddBuild(w.jobID) }})
	got := w.startBuild(t.Context(), t, nil).only(t, tfprotov6.DiagnosticSeverityError)
	contains(t, got, "The build may have been started", before, w.Builds()[2].ID, "somebody else")
	w.expect(t, "Queuing Queuing Queuing", 1, 0)
}

// What surely did not reach the service, or was refused for the rate, is sent again.
func TestStartBuild_throttled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, StatusCode: http.StatusTooManyRequests, Times: 2})
	if got := w.startBuild(t.Context(), t, nil); len(got.diagnostics) > 0 {
		t.Error(got)
	}
	w.expect(t, "Successful", 3, 0)
}

func TestStartBuild_refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{
		Method: http.MethodPost, Path: buildsPath, StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4004401","error_msg":"no cluster"}`,
	})
	got := w.startBuild(t.Context(), t, nil).only(t, tfprotov6.DiagnosticSeverityError)
	contains(t, got, "Unable to start the build", "HTTP 400: SVCSTG.CPE.4004401: no cluster")
	w.expect(t, "", 1, 0)
}

func TestStartBuild_noSuchJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.invoke(t.Context(), t, startAction, map[string]any{"job_id": "none"})
	contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), "No such build job", `starting a build of job "none"`)
	if path := got.diagnostics[0].Attribute.String(); path != `AttributeName("job_id")` {
		t.Errorf("path: got %s", path)
	}
	w.expect(t, "", 0, 0)
}

// An outage in the middle of a build passes; one that does not is an error which says that the build may be running.
func TestStartBuild_outage(t *testing.T) {
	t.Parallel()
	for times, want := range map[int]string{20: "", -1: "Unable to follow the build"} {
		t.Run(strconv.Itoa(times), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Order(emulator.Fault{Method: http.MethodGet, Path: buildPath, StatusCode: http.StatusServiceUnavailable, Times: times})
			got := w.startBuild(t.Context(), t, nil)
			if want == "" && len(got.diagnostics) > 0 {
				t.Error(got)
			}
			if want != "" {
				contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), want, "HTTP 503", "The build was started and may be running. Its id is "+w.Builds()[0].ID)
			}
			w.expect(t, "Successful", 1, 0)
		})
	}
}

// The service does not know a build that it has just started.
func TestStartBuild_notKnownAtFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{
		Method: http.MethodGet, Path: buildPath, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044402"}`, Times: 3,
	})
	if got := w.startBuild(t.Context(), t, nil); len(got.diagnostics) > 0 {
		t.Error(got)
	}
	w.expect(t, "Successful", 1, 0)
}

func TestStartBuild_withoutWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.startBuild(t.Context(), t, map[string]any{"wait": false})
	if len(got.diagnostics) > 0 || len(got.progress) != 1 {
		t.Errorf("%s %q", got, got.progress)
	}
	w.expect(t, "Queuing", 1, 0)
	if polls := w.CountRequests(http.MethodGet, buildPath); polls != 0 {
		t.Errorf("%d polls", polls)
	}
}

// Mistakes are found before anything is sent, with the argument's path.
func TestStartBuild_invalid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ argument, value, want string }{
		"no unit":   {"timeout", "30", `got "30"`},
		"zero":      {"timeout", "0s", "a positive duration"},
		"negative":  {"timeout", "-1m", "a positive duration"},
		"no number": {"timeout", "soon", `got "soon"`},
		"no job":    {"job_id", "", "must be an ID"},
		"path":      {"job_id", "../../v3/projects", "must be an ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			got := w.startBuild(t.Context(), t, map[string]any{c.argument: c.value})
			contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), c.want)
			if path := got.diagnostics[0].Attribute.String(); path != fmt.Sprintf("AttributeName(%q)", c.argument) {
				t.Errorf("path: got %s", path)
			}
			if requests := w.Requests(); len(requests) > 0 {
				t.Errorf("%d requests were sent", len(requests))
			}
		})
	}
}

// An ID that leads to another path is not sent, and the error is that of the argument.
func TestCancelBuild_invalidIDIsNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, id := range []string{"", "..", "../jobs", "a/b", "a%2Fb", "a?b", "é"} {
		got := w.invoke(t.Context(), t, cancelAction, map[string]any{"build_id": id})
		contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), "must be an ID")
		if path := got.diagnostics[0].Attribute.String(); path != `AttributeName("build_id")` {
			t.Errorf("path: got %s", path)
		}
	}
	if requests := w.Requests(); len(requests) > 0 {
		t.Errorf("%d requests were sent", len(requests))
	}
}

func TestCancelBuild(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after       time.Duration
		quirks      emulator.Quirks
		want, state string
	}{
		"running":           {30 * time.Second, emulator.Quirks{}, "checkout-service #1: cancelled", "Cancel"},
		"ended":             {time.Hour, emulator.Quirks{}, "checkout-service #1: had ended already, with the state Successful", "Successful"},
		"ended and refused": {time.Hour, emulator.Quirks{RefuseLateCancel: true}, "checkout-service #1: had ended already, with the state Successful", "Successful"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *emulator.Options) { o.Quirks = c.quirks })
			id := w.AddBuild(w.jobID)
			w.advance(c.after)
			got := w.invoke(t.Context(), t, cancelAction, map[string]any{"build_id": id})
			if len(got.diagnostics) > 0 || !slices.Equal(got.progress, []string{c.want}) {
				t.Errorf("%s %q", got, got.progress)
			}
			w.expect(t, c.state, 0, 1)
		})
	}
}

// The service takes its time: the action waits, and in the end says that it has not seen the end.
func TestCancelBuild_slowly(t *testing.T) {
	t.Parallel()
	for polls, want := range map[int]string{3: "", -1: "The end of the build was not seen"} {
		t.Run(strconv.Itoa(polls), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id := w.AddBuild(w.jobID)
			w.Order(emulator.Fault{
				Method: http.MethodGet, Path: buildPath, Times: polls, StatusCode: http.StatusOK, Body: fmt.Sprintf(`{"build_id":%q,"build_state":"Building"}`, id),
			})
			got := w.invoke(t.Context(), t, cancelAction, map[string]any{"build_id": id})
			if want == "" && len(got.diagnostics) > 0 {
				t.Error(got)
			}
			if want != "" {
				contains(t, got.only(t, tfprotov6.DiagnosticSeverityWarning), want, "the build has not ended yet")
			}
			w.expect(t, "Cancel", 0, 1)
		})
	}
}

func TestCancelBuild_errors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.invoke(t.Context(), t, cancelAction, map[string]any{"build_id": "none"})
	contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), "No such build", `cancelling build "none"`)
	id := w.AddBuild(w.jobID)
	w.Order(emulator.Fault{Method: http.MethodPatch, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"not authorized"}`})
	got = w.invoke(t.Context(), t, cancelAction, map[string]any{"build_id": id})
	contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), "Unable to cancel the build", "APIGW.0302")
	w.expect(t, "Queuing", 0, 2)
}
