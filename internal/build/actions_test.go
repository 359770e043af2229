// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// One start, a progress message for each phase, which is repeated after five seconds at the earliest, and few reads:
// the first after two seconds, then up to every fifteen.
func TestStartBuild_success(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *emulator.Options) { o.BuildDuration = 10 * time.Minute })
	got := s.startBuild(t.Context(), t, nil)
	got.Expect(t)
	s.expect(t, "Successful", 1, 0)
	if want := "checkout-service #1: started, build_id " + s.buildID(); got.Progress[0] != want {
		t.Errorf("the first message is %q, want %q", got.Progress[0], want)
	}
	rule := regexp.MustCompile(`^checkout-service #1: (\w+), (?:\d+m)?\d+s$`)
	var phases []string
	for _, message := range got.Progress[1:] {
		match := rule.FindStringSubmatch(message)
		if match == nil {
			t.Fatalf("message %q", message)
		}
		phases = append(phases, match[1])
	}
	want := append(slices.Clone(phaseNames), "Successful")
	if got := slices.Compact(phases); !slices.Equal(got, want) {
		t.Errorf("phases: got %q, want %q", got, want)
	}
	if first := s.waited[0]; first < 2*time.Second || first > 2400*time.Millisecond+1 {
		t.Errorf("the first wait is %s", first)
	}
	if longest := slices.Max(s.waited); longest < 12*time.Second || longest > 15*time.Second {
		t.Errorf("the longest wait is %s", longest)
	}
	// The second poll comes too soon for a message of the same phase.
	polls := s.CountRequests(http.MethodGet, buildPath)
	if polls > 60 || polls < len(got.Progress) {
		t.Errorf("%d polls, %d messages", polls, len(got.Progress))
	}
	if phases := s.CountRequests(http.MethodGet, buildPath+"/phases"); phases != polls-1 {
		t.Errorf("the phases were read %d times in %d polls", phases, polls)
	}
}

// The error of a failed build contains the phase and at most the last 40 lines of the log. TestDiagnostics has all of
// it.
func TestStartBuild_failure(t *testing.T) {
	t.Parallel()
	s := newService(t)
	// A phase writes ten lines, and the failed one writes one more.
	for phase, title := range map[string]string{"PreProcess": "Its log:", "Build": "The last 40 lines of its log:"} {
		s.InjectOutcomes(emulator.Outcome{Phase: phase, Log: "\x1b[31mERROR\x1b[0m no space left\ton device"})
		got := s.startBuild(t.Context(), t, nil)
		got.Expect(t, one(isError, "ended with the state Failed in the phase "+phase, title, "  ERROR no space left "))
		shown := len(regexp.MustCompile(`(?m)^  (\[|ERROR)`).FindAllString(got.String(), -1))
		if want := map[string]int{"PreProcess": 31, "Build": 40}[phase]; shown != want {
			t.Errorf("%d lines are shown, want %d:\n%s", shown, want, got)
		}
	}
	s.expect(t, "Failed Failed", 2, 0)
}

// A failed build whose phases and log cannot be read is reported without them.
func TestStartBuild_failureIsReportedWithoutLog(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.InjectOutcomes(emulator.Outcome{Phase: "Build"}, emulator.Outcome{Phase: "Init"})
	s.InjectFault(forbidden(http.MethodGet, buildPath+"/*"))
	got := s.startBuild(t.Context(), t, nil)
	got.Expect(t, one(isError, "ended with the state Failed (the phases could not be read: ",
		"Its log could not be read: ", "APIGW.0302", s.buildID()))
	// Without phases, the progress messages contain the state.
	contains(t, strings.Join(got.Progress, "\n"), "checkout-service #1: Building, ")
	s.ForgetFaults()
	s.InjectFault(respond(http.MethodGet, buildPath+"/logs", http.StatusOK, `{"buildlog":"\n \n","next":3}`))
	s.startBuild(t.Context(), t, nil).Expect(t, one(isError, "Its log is empty."))
}

// The start and the wait share one timeout. A build that does not end in time is an error and keeps running.
func TestBuild_oneTimeout(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *emulator.Options) { o.BuildDuration = time.Hour })
	for name, start := range map[string]func() providertest.Diagnostics{
		"action": func() providertest.Diagnostics {
			return s.startBuild(t.Context(), t, map[string]any{"timeout": "10m"}).Diagnostics
		},
		"resource": func() providertest.Diagnostics {
			return s.newBuild(t).Apply(t, providertest.Arguments{
				"job_id": s.jobID, "timeouts": providertest.Block, "timeouts.create": "10m",
			})
		},
	} {
		s.InjectFault(emulator.Fault{
			Method: http.MethodPost, Path: buildsPath, StatusCode: http.StatusTooManyRequests,
			Do: func() { s.advance(9 * time.Minute) },
		})
		before := s.Now()
		start().Expect(t, one(isError, "has not finished within 10m0s", "It keeps running"))
		if took := s.Now().Sub(before); took < 10*time.Minute || took > 10*time.Minute+30*time.Second {
			t.Errorf("the %s took %s, with a timeout of 10m", name, took)
		}
	}
	s.expect(t, "Building Queuing", 4, 0)
}

// An interrupted wait cancels the build or not, as configured. The error contains the result.
func TestStartBuild_interrupted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments   map[string]any
		before      func(s *service) // What happens just before the interrupt.
		want, state string
		cancels     int
	}{
		"cancels": {want: "It was canceled.", state: "Cancel", cancels: 1},
		"does not cancel": {
			arguments: map[string]any{"cancel_on_interrupt": false}, state: "Building",
			want: "It keeps running in ServiceStage, because cancel_on_interrupt is false.",
		},
		"cannot cancel": {
			before: inject(noCancel),
			want:   "It could not be canceled and may still be running: PATCH", state: "Building", cancels: 1,
		},
		"is gone": {
			before: (*service).removeBuild,
			want:   "It was not canceled: ServiceStage returned that it does not exist.", cancels: 1,
		},
		"end not seen": {
			before: inject(noRead),
			want:   "ServiceStage accepted its cancellation, but the result could not be read: ",
			state:  "Cancel", cancels: 1,
		},
		"has ended": {
			before: func(s *service) { s.advance(time.Hour) },
			want:   "It was not canceled: it had already ended with the state Successful.",
			state:  "Successful", cancels: 1,
		},
		// The provider waits for the response to the start.
		"during the start": {want: "It was canceled.", state: "Cancel", cancels: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			if name == "during the start" {
				s.InjectFault(emulator.Fault{Method: http.MethodPost, Path: buildsPath, Do: interrupt})
			}
			s.during("PreProcess", func() {
				if c.before != nil {
					c.before(s)
				}
				interrupt()
			})
			s.startBuild(ctx, t, c.arguments).Expect(t,
				one(isError, "Interrupted while the build was running", "checkout-service #1", c.want))
			s.expect(t, c.state, 1, c.cancels)
		})
	}
}

// A start whose outcome is unknown is not sent again. A build that certainly belongs to it is adopted, with a warning;
// otherwise it is an error, as is a build that cannot be read.
func TestStartBuild_faultsStartNoSecondBuild(t *testing.T) {
	t.Parallel()
	lost := emulator.Fault{Method: http.MethodPost, Path: buildsPath, Drop: true, After: true}
	notStarted := lost
	notStarted.After = false
	for name, c := range map[string]struct {
		fault  emulator.Fault
		do     func(s *service)
		level  tfprotov6.DiagnosticSeverity
		want   string // Separated by bars.
		builds int
	}{
		"lost":        {lost, nil, isWarning, "Build adopted after a lost response", 2},
		"not started": {notStarted, nil, isError, "Build may have been started|does not send the request again", 1},
		"lost, job not readable": {
			lost, func(s *service) { s.InjectFault(forbidden(http.MethodGet, "")) },
			isError, "Build may have been started|could not be read: |APIGW.0302", 2,
		},
		"lost among others": {
			lost, func(s *service) { s.AddBuild(s.jobID) },
			isError, "Build may have been started|somebody else", 3,
		},
		"rejected": {
			respond(http.MethodPost, buildsPath, http.StatusBadRequest, `{"error_code":"SVCSTG.CPE.4004401"}`), nil,
			isError, "Error starting build|HTTP 400: SVCSTG.CPE.4004401", 1,
		},
		"not readable": {
			respond(http.MethodGet, buildPath, http.StatusServiceUnavailable, ""), nil,
			isError, "Error waiting for the build|HTTP 503|The build was started and may be running. Its ID is ", 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.AddBuild(s.jobID)
			if c.do != nil {
				c.fault.Do = func() { c.do(s) }
			}
			s.InjectFault(c.fault)
			got := s.startBuild(t.Context(), t, nil)
			got.Expect(t, one(c.level, strings.Split(c.want, "|")...))
			builds := s.Builds()
			if starts := s.CountRequests(http.MethodPost, buildsPath); starts != 1 || len(builds) != c.builds {
				t.Errorf("%d starts reached the service, which has %d builds; want 1 and %d", starts, len(builds),
					c.builds)
			}
			if name != "lost, job not readable" && name != "rejected" {
				contains(t, got.String(), builds[len(builds)-1].ID)
			}
		})
	}
}

func TestStartBuild_withoutWaiting(t *testing.T) {
	t.Parallel()
	s := newService(t)
	got := s.startBuild(t.Context(), t, map[string]any{"wait": false})
	got.Expect(t)
	s.expect(t, "Queuing", 1, 0)
	if polls := s.CountRequests(http.MethodGet, buildPath); polls != 0 || len(got.Progress) != 1 {
		t.Errorf("%d polls, messages %q", polls, got.Progress)
	}
}

// Names, states, phases and the log of a build do not reach a terminal as commands.
func TestStartBuild_noTerminalInjection(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.jobID = "app"
	serve := func(method, path string, times int, body string) {
		body = strings.ReplaceAll(body, "EVIL", `\u001b]0;owned\u0007\u009b31m\u202e\u200b\u2028`)
		s.InjectFault(emulator.Fault{Method: method, Path: path, Times: times, StatusCode: http.StatusOK, Body: body})
	}
	const build = `{"build_id":"b","job_name":"naEVILme","index":"1EVIL",`
	serve(http.MethodGet, "/assembling/v1/jobs/*", -1, `{"job_id":"app","spec":{"job_name":"naEVILme"}}`)
	serve(http.MethodPost, buildsPath, -1, build+`"state":"Queuing"}`)
	serve(http.MethodGet, buildPath, 2, build+`"build_state":"STATEEVIL"}`)
	serve(http.MethodGet, buildPath, -1, build+`"build_state":"Failed"}`)
	serve(http.MethodGet, buildPath+"/phases", -1,
		`{"list":[{"name":"BuildEVIL","state":"BuildEVIL"},{"name":"BadEVIL","state":"Failed"}]}`)
	serve(http.MethodGet, buildPath+"/logs", -1,
		`{"buildlog":"10%\r100%\r\u001b[1;31mred\u001b[0m\tgrEVILeen\u001b(B\n"}`)
	got := s.startBuild(t.Context(), t, nil)
	text := strings.Join(got.Progress, "|") + "|" + strings.ReplaceAll(got.String(), "\n", "|")
	for _, r := range text {
		if r < ' ' || strings.ContainsRune("\u009b\u202e\u200b\u2028", r) {
			t.Fatalf("%q is in %q", r, text)
		}
	}
	contains(t, strings.Join(got.Progress, "\n"), ": Build")
	contains(t, got.String(), "in the phase Bad", "  red    gr")
	if found := regexp.MustCompile(`10%|\[1;31m|\(B`).FindString(got.String()); found != "" {
		t.Errorf("%q is in %s", found, got)
	}
}

func TestCancelBuild(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	cancel := func(id string) providertest.Result {
		return p.Invoke(t.Context(), t, cancelAction, map[string]any{"build_id": id})
	}
	ended := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	running, unconfirmed := s.AddBuild(s.jobID), s.AddBuild(s.jobID)
	for id, want := range map[string]string{
		ended: "#1: had already ended with the state Successful", running: "#2: canceled",
	} {
		got := cancel(id)
		got.Expect(t)
		contains(t, strings.Join(got.Progress, "\n"), want)
	}
	cancel("missing").Expect(t, one(isError, `AttributeName("build_id")`, "No such build", "canceling build"))
	s.InjectFault(respond(http.MethodGet, buildPath, http.StatusOK,
		fmt.Sprintf(`{"build_id":%q,"build_state":"Building"}`, unconfirmed)))
	cancel(unconfirmed).Expect(t,
		one(isWarning, "Build cancellation not confirmed", "the build has not ended yet"))
	s.expect(t, "Successful Cancel Cancel", 0, 4)
}

// Invalid arguments are errors on their paths, during validation and, if they were unknown until then, when the action
// is invoked.
func TestActions_invalidArgumentsAreNotSent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	for _, c := range []struct {
		action, argument       string
		value                  any
		validation, invocation string
	}{
		{startAction, "timeout", "soon", `got "soon"`, `got "soon"`},
		{startAction, "job_id", "", "must be an ID", "The value of job_id is empty"},
		{cancelAction, "build_id", "", "must be an ID", "The value of build_id is empty"},
		{cancelAction, "build_id", nil, "Missing Configuration", "The value of build_id is empty"},
	} {
		arguments := map[string]any{c.argument: c.value}
		if c.argument == "timeout" {
			arguments["job_id"] = s.jobID
		}
		path := fmt.Sprintf("AttributeName(%q)", c.argument)
		p.Invoke(t.Context(), t, c.action, arguments).Expect(t, one(isError, path, c.validation))
		p.InvokeUnvalidated(t.Context(), t, c.action, arguments).Expect(t, one(isError, path, c.invocation))
	}
	s.expectNoRequests(t)
}

// While a provider argument is unknown, an operation that needs the service is an error that names the argument. A
// refresh keeps the state.
func TestActions_unconfiguredProviderSendsNothing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	build := s.started(t)
	s.ForgetRequests()
	p := s.protocol(t, map[string]any{"project_id": tftypes.UnknownValue})
	build.Protocol = p
	build.Refresh(t).Expect(t)
	for action, argument := range map[string]string{startAction: "job_id", cancelAction: "build_id"} {
		p.Invoke(t.Context(), t, action, map[string]any{argument: "x"}).
			Expect(t, one(isError, "An action needs the service", "project_id"))
	}
	for data, argument := range map[string]string{buildData: "build_id", buildsData: "job_id"} {
		p.ReadData(t, data, map[string]any{argument: "x"}).Expect(t, one(isError, "A data source needs the service"))
	}
	p.NewInstance(resourceType).Import(t, "x", nil).Expect(t, one(isError, "An import needs the service"))
	s.expectNoRequests(t)
}

// requires116 skips a test with a CLI older than Terraform 1.16, which has no `caller` and `on_failure`.
type requires116 struct{}

func (requires116) CheckTerraformVersion(
	_ context.Context, req tfversion.CheckTerraformVersionRequest, resp *tfversion.CheckTerraformVersionResponse,
) {
	if v := req.TerraformVersion.Segments(); v[0] == 1 && v[1] < 16 {
		resp.Skip = fmt.Sprintf("needs Terraform 1.16 or newer, and this is %s", req.TerraformVersion)
	}
}

// on_failure decides what an unsuccessful build does to the apply and to the new build job. None starts the build again
// by itself.
func TestCLI_onFailure(t *testing.T) {
	t.Parallel()
	failed := regexp.MustCompile("(?s)The build failed.*ERROR no space left on device")
	for mode, c := range map[string]struct {
		err    *regexp.Regexp
		next   plancheck.ResourceActionType
		starts int
	}{
		"halt":     {failed, plancheck.ResourceActionNoop, 1},
		"taint":    {failed, plancheck.ResourceActionDestroyBeforeCreate, 2},
		"continue": {nil, plancheck.ResourceActionNoop, 1},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "ERROR no space left on device"})
			config := providertest.Config(s.Server, fmt.Sprintf(`
resource "servicestage_build_job" "test" {
  job_name = "triggered"
  environment_setting {}

  lifecycle {
    action_trigger {
      events     = [after_create, after_update]
      actions    = [action.servicestage_start_build.test]
      on_failure = %s
    }
  }
}

action "servicestage_start_build" "test" {
  config {
    job_id = caller.job_id
  }
}
`, mode))
			providertest.Prepare(t)
			resource.UnitTest(t, resource.TestCase{
				TerraformVersionChecks:   []tfversion.TerraformVersionCheck{requires116{}},
				ProtoV6ProviderFactories: providertest.Factories(s.adjust),
				Steps: []resource.TestStep{
					{Config: config, ExpectError: c.err},
					{Config: config, ConfigPlanChecks: planned("servicestage_build_job.test", c.next)},
				},
			})
			if starts := s.CountRequests(http.MethodPost, buildsPath); starts != c.starts {
				t.Errorf("%d starts reached the service, want %d", starts, c.starts)
			}
		})
	}
}
