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
	rule := regexp.MustCompile(`^checkout-service #1: (\w+), ((?:\d+m)?\d+s)$`)
	phases, last := []string{""}, time.Duration(0)
	for _, message := range got.Progress[1:] {
		match := rule.FindStringSubmatch(message)
		if match == nil {
			t.Fatalf("message %q", message)
		}
		at, err := time.ParseDuration(match[2])
		// Fractions of seconds are cut off.
		if err != nil || match[1] == phases[len(phases)-1] && at-last < 4*time.Second {
			t.Errorf("%q comes %s after the message before", message, at-last)
		}
		phases, last = append(phases, match[1]), at
	}
	want := append(slices.Clone(phaseNames), "Successful")
	if got := slices.Compact(phases[1:]); !slices.Equal(got, want) {
		t.Errorf("phases: got %q, want %q", got, want)
	}
	for i, wait := range s.waited {
		least, most := 2*time.Second, 15*time.Second
		switch {
		case i == 0:
			most = 2400*time.Millisecond + 1
		case i > 8:
			least = 12 * time.Second
		}
		if wait < least || wait > most {
			t.Errorf("wait %d is %s", i, wait)
		}
	}
	// The second poll comes too soon for a message of the same phase.
	polls := s.CountRequests(http.MethodGet, buildPath)
	if polls != len(s.waited) || polls > 60 || polls < len(got.Progress) {
		t.Errorf("%d polls, %d waits, %d messages", polls, len(s.waited), len(got.Progress))
	}
	if phases := s.CountRequests(http.MethodGet, buildPath+"/phases"); phases != len(s.waited)-1 {
		t.Errorf("the phases were read %d times in %d polls", phases, len(s.waited))
	}
}

// The error of a failed build contains the phase and the last 40 lines of the log. TestDiagnostics has all of it.
func TestStartBuild_failsInEachPhase(t *testing.T) {
	t.Parallel()
	for i, state := range []string{"Failed", "Timeout", "Cancel", "Deleted", "Failed", "Failed"} {
		phase := phaseNames[i]
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			const log = "\x1b[31mERROR\x1b[0m no space left\ton device"
			s.InjectOutcomes(emulator.Outcome{Phase: phase, State: state, Log: log})
			got := s.startBuild(t.Context(), t, nil)
			got.Expect(t, one(isError, "ended with the state "+state+" in the phase "+phase, "ERROR no space left"))
			s.expect(t, state, 1, 0)
			// A phase writes ten lines, and the failed one writes one more.
			shown, total := len(regexp.MustCompile(`(?m)^  (\[|ERROR)`).FindAllString(got.String(), -1)), 10*(i+1)+1
			isTail := strings.Contains(got.String(), "The last 40 lines of its log:")
			if shown != min(total, 40) || isTail != (total > 40) || strings.ContainsAny(got.String(), "\x1b\t") {
				t.Errorf("%d of %d lines are shown:\n%s", shown, total, got)
			}
		})
	}
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

// A build that does not end in time is an error and keeps running.
func TestStartBuild_timeout(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.InjectOutcomes(emulator.Outcome{Phase: "Build", State: "Pushing"})
	start := s.Now()
	s.startBuild(t.Context(), t, nil).Expect(t, one(isError, "Timeout while waiting for the build",
		"has not finished within 30m0s", "state is Pushing. It keeps running",
		fmt.Sprintf("servicestage_cancel_build with build_id = %q", s.buildID())))
	if waited := s.Now().Sub(start); waited != 30*time.Minute {
		t.Errorf("waited %s, want 30m", waited)
	}
	s.expect(t, "Pushing", 1, 0)
}

// The start and the wait share one timeout.
func TestStartBuild_oneTimeout(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *emulator.Options) { o.BuildDuration = time.Hour })
	slow := emulator.Fault{
		Method: http.MethodPost, Path: buildsPath, StatusCode: http.StatusTooManyRequests,
		Do: func() { s.advance(9 * time.Minute) },
	}
	s.InjectFault(slow)
	start := s.Now()
	s.startBuild(t.Context(), t, map[string]any{"timeout": "10m"}).Expect(t,
		one(isError, "has not finished within 10m0s"))
	if took := s.Now().Sub(start); took > 10*time.Minute+30*time.Second {
		t.Errorf("the action took %s, with a timeout of 10m", took)
	}
	s.InjectFault(slow)
	start = s.Now()
	s.newBuild(t).Apply(t, providertest.Arguments{
		"job_id": s.jobID, "timeouts": providertest.Block, "timeouts.create": "10m",
	}).Expect(t, one(isError, "has not finished within 10m0s", "raise `create` in the timeouts block"))
	if took := s.Now().Sub(start); took > 10*time.Minute+30*time.Second {
		t.Errorf("the resource took %s, with a timeout of 10m", took)
	}
}

// An interrupted wait cancels the build or not, as configured. The error contains the result.
func TestStartBuild_interrupted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		keep        bool
		then        func(s *service) // What happens at the moment of the interrupt.
		want, state string
		cancels     int
	}{
		"cancels": {want: "It was canceled.", state: "Cancel", cancels: 1},
		"does not cancel": {
			keep: true, state: "Building",
			want: "It keeps running in ServiceStage, because cancel_on_interrupt is false.",
		},
		"cannot cancel": {
			then: inject(noCancel),
			want: "It could not be canceled and may still be running: PATCH", state: "Building", cancels: 1,
		},
		"is gone": {
			then: (*service).removeBuild,
			want: "It was not canceled: ServiceStage returned that it does not exist.", cancels: 1,
		},
		"end not seen": {
			then:  inject(noRead),
			want:  "ServiceStage accepted its cancellation, but the result could not be read: ",
			state: "Cancel", cancels: 1,
		},
		"has ended": {
			then:  func(s *service) { s.advance(time.Hour) },
			want:  "It was not canceled: it had already ended with the state Successful.",
			state: "Successful", cancels: 1,
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
				interrupt()
				if c.then != nil {
					c.then(s)
				}
			})
			var more map[string]any
			if c.keep {
				more = map[string]any{"cancel_on_interrupt": false}
			}
			got := s.startBuild(ctx, t, more)
			got.Expect(t, one(isError, "Interrupted while the build was running", "checkout-service #1", c.want))
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
			respond(http.MethodPost, buildsPath, http.StatusBadRequest,
				`{"error_code":"SVCSTG.CPE.4004401","error_msg":"no cluster"}`), nil,
			isError, "Error starting build|HTTP 400: SVCSTG.CPE.4004401: no cluster", 1,
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
			if name != "rejected" && name != "lost, job not readable" {
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
	const evil = `\u001b]0;owned\u0007\u009b31m\u202e\u200b\u2028`
	s := newService(t)
	s.jobID = "app"
	serve := func(method, path string, times int, body string) {
		s.InjectFault(emulator.Fault{Method: method, Path: path, Times: times, StatusCode: http.StatusOK, Body: body})
	}
	build := fmt.Sprintf(`"build_id":"b","job_name":"na%[1]sme","index":"1%[1]s"`, evil)
	serve(http.MethodGet, "/assembling/v1/jobs/*", -1,
		fmt.Sprintf(`{"job_id":"app","spec":{"job_name":"na%sme"}}`, evil))
	serve(http.MethodPost, buildsPath, -1, fmt.Sprintf(`{%s,"state":"Queuing"}`, build))
	serve(http.MethodGet, buildPath, 2, fmt.Sprintf(`{%s,"build_state":"STATE%s"}`, build, evil))
	serve(http.MethodGet, buildPath, -1, fmt.Sprintf(`{%s,"build_state":"Failed"}`, build))
	serve(http.MethodGet, buildPath+"/phases", -1, fmt.Sprintf(
		`{"list":[{"name":"Build%[1]s","state":"Build%[1]s"},{"name":"Bad%[1]s","state":"Failed"}]}`, evil))
	serve(http.MethodGet, buildPath+"/logs", -1, fmt.Sprintf(
		`{"buildlog":"10%%\r100%%\r\u001b[1;31mred\u001b[0m\tgr%[1]seen\u001b(B\n"}`, evil))
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
	running := func(s *service) {
		s.InjectFault(respond(http.MethodGet, buildPath, http.StatusOK,
			fmt.Sprintf(`{"build_id":%q,"build_state":"Building"}`, s.buildID())))
	}
	for name, c := range map[string]struct {
		before func(s *service)
		level  tfprotov6.DiagnosticSeverity // 0 if the text is in a progress message.
		want   string                       // Separated by bars.
		state  string
	}{
		"running": {func(s *service) { s.advance(30 * time.Second) }, 0, "#1: canceled", "Cancel"},
		"ended": {
			func(s *service) { s.advance(time.Hour) }, 0, "#1: had already ended with the state", "Successful",
		},
		"rejected":      {inject(noCancel), isError, "Error canceling build|APIGW.0302", "Queuing"},
		"not confirmed": {running, isWarning, "Build cancellation not confirmed|the build has not ended yet", "Cancel"},
		"no such build": {
			(*service).removeBuild, isError, `AttributeName("build_id")|No such build|canceling build`, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			id := s.AddBuild(s.jobID)
			c.before(s)
			got := s.protocol(t, nil).Invoke(t.Context(), t, cancelAction, map[string]any{"build_id": id})
			if c.level == 0 {
				got.Expect(t)
				contains(t, strings.Join(got.Progress, "\n"), c.want)
			} else {
				got.Expect(t, one(c.level, strings.Split(c.want, "|")...))
			}
			s.expect(t, c.state, 0, 1)
		})
	}
}

// Invalid arguments are errors on their paths, during validation and, if they were unknown until then, when the action
// is invoked.
func TestActions_invalidArgumentsAreNotSent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	for _, c := range []struct{ action, argument, value, validation, invocation string }{
		{startAction, "timeout", "soon", `got "soon"`, `got "soon"`},
		{startAction, "job_id", "", "must be an ID", "The value of job_id is empty"},
		{cancelAction, "build_id", "", "must be an ID", "The value of build_id is empty"},
	} {
		arguments := map[string]any{c.argument: c.value}
		if c.argument == "timeout" {
			arguments["job_id"] = s.jobID
		}
		for want, got := range map[string]providertest.Result{
			c.validation: p.Invoke(t.Context(), t, c.action, arguments),
			c.invocation: p.InvokeUnvalidated(t.Context(), t, c.action, arguments),
		} {
			got.Expect(t, one(isError, fmt.Sprintf("AttributeName(%q)", c.argument), want))
		}
	}
	s.expectNoRequests(t)
}

// While a provider argument is unknown, an operation that needs the service is an error that names the argument.
func TestActions_unconfiguredProviderSendsNothing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, map[string]any{"project_id": tftypes.UnknownValue})
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

// requires116 skips a test with a CLI older than Terraform 1.16, which has no `caller`, `on_failure` and destroy
// events.
type requires116 struct{}

func (requires116) CheckTerraformVersion(
	_ context.Context, req tfversion.CheckTerraformVersionRequest, resp *tfversion.CheckTerraformVersionResponse,
) {
	if v := req.TerraformVersion.Segments(); v[0] == 1 && v[1] < 16 {
		resp.Skip = fmt.Sprintf("needs Terraform 1.16 or newer, and this is %s", req.TerraformVersion)
	}
}

// triggered returns a build job and an action that it triggers. jobID is the expression of the action's job_id.
func triggered(description, trigger, jobID string) string {
	return fmt.Sprintf(`
resource "servicestage_build_job" "test" {
  job_name        = "triggered"
  job_description = %q
  environment_setting {}

  lifecycle {
    action_trigger {
      %s
      actions = [action.servicestage_start_build.test]
    }
  }
}

action "servicestage_start_build" "test" {
  config {
    job_id = %s
  }
}
`, description, trigger, jobID)
}

const (
	byCaller  = "caller.job_id"                      // Terraform 1.16 and newer.
	byAddress = "servicestage_build_job.test.job_id" // Terraform 1.14 and 1.15.
	onWrite   = "events = [after_create, after_update]"
	triggers  = "servicestage_build_job.test"
)

// unitTest runs the steps with a CLI that passes the check.
func (s *service) unitTest(t *testing.T, check tfversion.TerraformVersionCheck, steps ...resource.TestStep) {
	t.Helper()
	providertest.Prepare(t)
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{check},
		ProtoV6ProviderFactories: providertest.Factories(s.adjust),
		Steps:                    steps,
	})
}

// A create and each update of the build job start one build, with both forms of job_id. Terraform 1.14.0 invoked
// after_create too early.
func TestCLI_startAfterCreateAndUpdate(t *testing.T) {
	t.Parallel()
	for jobID, check := range map[string]tfversion.TerraformVersionCheck{
		byAddress: tfversion.SkipBelow(tfversion.Version1_14_0), byCaller: requires116{},
	} {
		t.Run(jobID, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			config := func(description string) string {
				return providertest.Config(s.Server, triggered(description, onWrite, jobID))
			}
			invalid := strings.Replace(config("one"), "config {", "config {\n    timeout = \"soon\"", 1)
			s.unitTest(t, check,
				resource.TestStep{Config: invalid, PlanOnly: true, ExpectError: regexp.MustCompile("Invalid duration")},
				resource.TestStep{Config: config("one"), PostApplyFunc: func() { s.expect(t, "Successful", 1, 0) }},
				resource.TestStep{
					PreConfig: func() {
						s.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "ERROR no space left on device"})
					},
					Config:      config("two"),
					ExpectError: regexp.MustCompile(`(?s)The build failed.*ERROR no space left on device`),
				},
				resource.TestStep{
					Config:        config("three"),
					PostApplyFunc: func() { s.expect(t, "Successful Failed Successful", 3, 0) },
				},
				resource.TestStep{Config: config("three"), PlanOnly: true},
			)
		})
	}
}

// With `caller`, Terraform shows no warning about the triggering resource, and the action can also be invoked on its
// own.
func TestCLI_callerIsInvoked(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{BuildDuration: time.Nanosecond})
	cli := providertest.NewCLI(t, server)
	cli.RequireVersion(t, 16, 0)
	cli.Write(t, "main.tf", providertest.Requirement+triggered("one", onWrite, byCaller))
	const invoke = "-invoke=action.servicestage_start_build.test"
	for i, arguments := range [][]string{{"apply", "-auto-approve"}, {"apply", "-auto-approve", invoke}, {"plan"}} {
		stdout, stderr, err := cli.Run(t, append(arguments, "-no-color", "-input=false")...)
		if err != nil || strings.Contains(stdout+stderr, "triggering resource") {
			t.Fatalf("%v: %v\n%s%s", arguments, err, stdout, stderr)
		}
		if builds := len(server.Builds()); builds != min(i+1, 2) {
			t.Errorf("the service has %d builds after %v", builds, arguments)
		}
	}
}

// on_failure decides what an unsuccessful build does to the apply and to the new build job. None starts the build again
// by itself.
func TestCLI_onFailure(t *testing.T) {
	t.Parallel()
	failed := regexp.MustCompile("The build failed")
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
			s.InjectOutcomes(emulator.Outcome{Phase: "Build"})
			config := providertest.Config(s.Server, triggered("one", onWrite+"\n      on_failure = "+mode, byCaller))
			s.unitTest(t, requires116{},
				resource.TestStep{Config: config, ExpectError: c.err},
				resource.TestStep{Config: config, ConfigPlanChecks: resource.ConfigPlanChecks{
					PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(triggers, c.next)},
				}},
			)
			if starts := s.CountRequests(http.MethodPost, buildsPath); starts != c.starts {
				t.Errorf("%d starts reached the service, want %d", starts, c.starts)
			}
		})
	}
}

// before_destroy builds the job a last time. after_destroy can build another job than the destroyed resource's.
func TestCLI_destroyEvents(t *testing.T) {
	t.Parallel()
	t.Run("before_destroy", func(t *testing.T) {
		t.Parallel()
		s := newService(t)
		config := providertest.Config(s.Server, triggered("one", "events = [before_destroy]", byCaller))
		s.unitTest(t, requires116{},
			resource.TestStep{Config: config, PostApplyFunc: func() { s.expect(t, "", 0, 0) }},
			resource.TestStep{Config: config, Destroy: true},
		)
		var writes []string
		for _, request := range s.Requests() {
			if request.Method != http.MethodGet {
				writes = append(writes, request.Method)
			}
		}
		if want := []string{http.MethodPost, http.MethodPost, http.MethodDelete}; !slices.Equal(writes, want) {
			t.Errorf("requests: got %q, want %q", writes, want)
		}
	})
	t.Run("after_destroy", func(t *testing.T) {
		t.Parallel()
		s := newService(t)
		config := func(version string) string {
			return providertest.Config(s.Server, fmt.Sprintf(`
resource "terraform_data" "environment" {
  triggers_replace = [%q]

  lifecycle {
    action_trigger {
      events  = [after_destroy]
      actions = [action.servicestage_start_build.cleanup]
    }
  }
}

action "servicestage_start_build" "cleanup" {
  config {
    job_id = %q
  }
}
`, version, s.jobID))
		}
		s.unitTest(t, requires116{},
			resource.TestStep{Config: config("one"), PostApplyFunc: func() { s.expect(t, "", 0, 0) }},
			resource.TestStep{Config: config("two"), PostApplyFunc: func() { s.expect(t, "Successful", 1, 0) }},
		)
	})
}
