// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

var notFound = emulator.Fault{
	Method: http.MethodGet, Path: buildPath, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044402","error_msg":"no such build"}`,
}

// A build that no read has confirmed is not taken for gone, and not started again, until ten minutes after its start.
func TestBuild_unconfirmedStartIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]func(config string) resource.TestStep{
		// The error is that of the plan after the apply.
		"wait = false": func(config string) resource.TestStep {
			return resource.TestStep{Config: config, ExpectError: regexp.MustCompile("The new build is not found yet")}
		},
		"wait = true, and every read failed": func(config string) resource.TestStep {
			return resource.TestStep{Config: config, ExpectError: regexp.MustCompile("Unable to follow the build")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Order(notFound)
			wait := strings.HasSuffix(name, "failed")
			config := w.config(fmt.Sprintf("wait = %t", wait))
			after, states := plancheck.ResourceActionCreate, "Successful Cancel"
			if wait {
				states = "Successful Successful"
			}
			w.run(t,
				create(config),
				resource.TestStep{
					PreConfig:   func() { w.advance(9 * time.Minute) },
					Config:      config,
					ExpectError: regexp.MustCompile(`(?s)The new build is not found yet.*ten\s+minutes\s+after\s+the\s+start`),
				},
				resource.TestStep{
					PreConfig: func() {
						if got := w.CountRequests(http.MethodPost, buildsPath); got != 1 {
							t.Errorf("%d starts within ten minutes, want 1", got)
						}
						w.advance(time.Minute)
						w.ForgetFaults()
						once := notFound
						once.Times = 1
						w.Order(once)
					},
					Config: config, ConfigPlanChecks: planned(after),
				},
			)
			w.expect(t, states, 2, map[bool]int{true: 0, false: 1}[wait])
		})
	}
}

// After the first successful read, "not found" means that the build is gone.
func TestBuild_confirmedBuildThatIsGoneIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	once := notFound
	once.Times = 1
	w.Order(once)
	config := w.config("wait = false")
	w.run(t,
		resource.TestStep{Config: config},
		resource.TestStep{RefreshState: true},
		resource.TestStep{
			PreConfig: func() { w.RemoveBuild(w.Builds()[0].ID) },
			Config:    config, ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
		},
	)
}

// A read that describes another build, or the build of another job, changes nothing: destroy cancels the own build only.
func TestBuild_foreignResponseIsNotStored(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another build": `{"build_id":%[2]q,"job_id":%[3]q,"build_state":"Building"}`,
		"another case":  `{"build_id":%[4]q,"job_id":%[3]q,"build_state":"Successful"}`,
		"another job":   `{"build_id":%[1]q,"job_id":"other","build_state":"Successful"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			foreign := w.AddBuild(w.jobID)
			config := w.config("wait = false")
			w.run(t,
				resource.TestStep{Config: config},
				resource.TestStep{
					PreConfig: func() {
						own := w.Builds()[1].ID
						w.Order(emulator.Fault{
							Method: http.MethodGet, Path: buildPath, StatusCode: http.StatusOK,
							Body: fmt.Sprintf(body+"%.0[5]s", own, foreign, w.jobID, strings.ToUpper(own), ""),
						})
					},
					Config: config, ExpectError: regexp.MustCompile(`(?s)Unable to read the build.*the\s+response\s+describes\s+build`),
				},
				resource.TestStep{Config: config, Check: func(s *terraform.State) error {
					if got := s.RootModule().Resources[address].Primary.Attributes["build_id"]; got != w.Builds()[1].ID {
						t.Errorf("build_id is %s", got)
					}
					return nil
				}},
			)
			if got := w.Builds()[0].State; got == "Cancel" {
				t.Error("the foreign build was canceled")
			}
			if got := w.Builds()[1].State; got != "Cancel" {
				t.Errorf("the own build is in the state %s", got)
			}
		})
	}
}

// A success of another build is not reported as the success of the one that was started.
func TestStartBuild_foreignSuccessIsNotReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{Method: http.MethodGet, Path: buildPath, StatusCode: http.StatusOK, Body: `{"build_id":"foreign","build_state":"Successful"}`})
	got := w.startBuild(t.Context(), t, nil)
	contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), "Unable to follow the build", w.Builds()[0].ID)
	lacks(t, strings.Join(got.progress, "\n"), "Successful")
}

// Phases that cannot be read take no time of the wait.
func TestStartBuild_phasesDoNotConsumeTheTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.BuildDuration = 9 * time.Second })
	w.Order(emulator.Fault{Method: http.MethodGet, Path: buildPath + "/phases", Times: -1, StatusCode: http.StatusServiceUnavailable})
	if got := w.startBuild(t.Context(), t, map[string]any{"timeout": "10s"}); len(got.diagnostics) > 0 {
		t.Error(got)
	}
	polls, phases := w.CountRequests(http.MethodGet, buildPath), w.CountRequests(http.MethodGet, buildPath+"/phases")
	if phases != polls-1 {
		t.Errorf("the phases were read %d times in %d polls", phases, polls)
	}
}

// The start and the wait share one timeout.
func TestBuild_startAndWaitDoNotTakeTwiceTheTimeout(t *testing.T) {
	t.Parallel()
	slow := func(w *world) {
		w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, After: false, StatusCode: http.StatusTooManyRequests, Do: func() { w.advance(9 * time.Minute) }})
	}
	check := func(t *testing.T, w *world, start time.Time) {
		t.Helper()
		if took := w.Now().Sub(start); took > 10*time.Minute+30*time.Second {
			t.Errorf("it took %s, with a timeout of 10m", took)
		}
	}
	t.Run("action", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(o *emulator.Options) { o.BuildDuration = time.Hour })
		slow(w)
		start := w.Now()
		got := w.startBuild(t.Context(), t, map[string]any{"timeout": "10m"})
		contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), "has not ended within 10m0s")
		check(t, w, start)
	})
	t.Run("resource", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, func(o *emulator.Options) { o.BuildDuration = time.Hour })
		slow(w)
		start := w.Now()
		w.run(t, resource.TestStep{
			Config: w.config(`timeouts { create = "10m" }`), ExpectError: regexp.MustCompile(`has\s+not\s+ended\s+within\s+10m0s`),
		})
		check(t, w, start.Add(2*time.Minute)) // Destroying the tainted build takes a wait, too.
	})
}

// A build that disappears while it is canceled is gone, which is what destroy wants.
func TestBuild_disappearingWhileCanceledIsNoFailure(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before the request": false, "after the request": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.run(t, resource.TestStep{Config: w.config("wait = false"), Check: func(*terraform.State) error {
				fault := emulator.Fault{Method: http.MethodPatch, Path: buildPath, Do: func() { w.Order(notFound) }}
				if !after {
					fault.StatusCode, fault.Body = http.StatusNotFound, notFound.Body
				}
				w.Order(fault)
				return nil
			}})
			if got := w.CountRequests(http.MethodPatch, buildPath); got != 1 {
				t.Errorf("%d cancels", got)
			}
		})
	}
}

// An empty map of triggers is the same as none.
func TestBuild_emptyTriggersStartNoBuild(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(t,
		resource.TestStep{Config: w.config("")},
		resource.TestStep{Config: w.config("triggers = {}"), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: w.config(""), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: w.config(`triggers = { commit = "a" }`), ConfigPlanChecks: planned(plancheck.ResourceActionReplace)},
	)
	w.expect(t, "Successful Successful", 2, 0)
}

// An ID with a dot is imported, by ID and by identity; what cannot be part of a path is refused before a request.
func TestBuild_importIDIsChecked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ id, identity, want string }{
		"id with a dot":       {"a.b", "", ""},
		"identity with a dot": {"", "a.b", ""},
		"no id":               {"", "", "Malformed import id"},
		"id of a path":        {"../../v3/projects", "", "Malformed import id"},
		"identity of a path":  {"", "../../v3/projects", "Malformed import id"},
		"id of dots":          {"..", "", "Malformed import id"},
		"identity of dots":    {"", "..", "Malformed import id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server, _ := w.configured(t.Context(), t)
			request := &tfprotov6.ImportResourceStateRequest{TypeName: "servicestage_build", ID: c.id}
			if c.identity != "" {
				kind := tftypes.Object{AttributeTypes: map[string]tftypes.Type{"build_id": tftypes.String}}
				request.Identity = &tfprotov6.ResourceIdentityData{IdentityData: dynamic(t, kind, map[string]any{"build_id": c.identity})}
			}
			response, err := server.ImportResourceState(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if len(response.Diagnostics) > 0 || len(response.ImportedResources) != 1 {
					t.Error(invocation{diagnostics: response.Diagnostics})
				}
				return
			}
			contains(t, invocation{diagnostics: response.Diagnostics}.only(t, tfprotov6.DiagnosticSeverityError), c.want)
			if requests := w.Requests(); len(requests) > 0 {
				t.Errorf("%d requests were sent", len(requests))
			}
		})
	}
}

// An ID that was unknown while planning and turns out empty is an error that names the argument.
func TestActions_emptyIDNamesTheArgument(t *testing.T) {
	t.Parallel()
	for action, argument := range map[string]string{startAction: "job_id", cancelAction: "build_id"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server, schema := w.configured(t.Context(), t)
			stream, err := server.InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{
				ActionType: action, Config: dynamic(t, schema.ActionSchemas[action].Schema.ValueType(), map[string]any{argument: ""}),
			})
			if err != nil {
				t.Fatal(err)
			}
			var got invocation
			for event := range stream.Events {
				if event, ok := event.Type.(tfprotov6.CompletedInvokeActionEventType); ok {
					got.diagnostics = event.Diagnostics
				}
			}
			contains(t, got.only(t, tfprotov6.DiagnosticSeverityError), argument)
			if path := got.diagnostics[0].Attribute.String(); path != fmt.Sprintf("AttributeName(%q)", argument) {
				t.Errorf("path: got %s", path)
			}
			if requests := w.Requests(); len(requests) > 0 {
				t.Errorf("%d requests were sent", len(requests))
			}
		})
	}
}

// Nothing that the service returns of a build reaches a terminal as a command: names, states, phases, and the log.
func TestStartBuild_noTerminalInjection(t *testing.T) {
	t.Parallel()
	const evil = `\u001b]0;owned\u0007\u009b31m\u202e\u200b\u2028`
	w := newWorld(t)
	w.jobID = "app"
	serve := func(method, path, body string) {
		w.Order(emulator.Fault{Method: method, Path: path, Times: -1, StatusCode: http.StatusOK, Body: body})
	}
	build := fmt.Sprintf(`"build_id":"b","job_name":"na%[1]sme","index":"1%[1]s"`, evil)
	serve(http.MethodGet, "/assembling/v1/jobs/*", fmt.Sprintf(`{"job_id":"app","spec":{"job_name":"na%sme"}}`, evil))
	serve(http.MethodPost, buildsPath, fmt.Sprintf(`{%s,"state":"Queuing"}`, build))
	state := "Build" + evil
	polls := 0
	w.Order(emulator.Fault{
		Method: http.MethodGet, Path: buildPath, Times: 2, StatusCode: http.StatusOK, Body: fmt.Sprintf(`{%s,"build_state":%q}`, build, "STATE"),
		When: func(emulator.Request) bool { polls++; return true },
	})
	serve(http.MethodGet, buildPath, fmt.Sprintf(`{%s,"build_state":"Failed"}`, build))
	serve(http.MethodGet, buildPath+"/phases", fmt.Sprintf(`{"list":[{"name":"%[1]s","state":"%[1]s"},{"name":"Bad%[2]s","state":"Failed"}]}`, state, evil))
	serve(http.MethodGet, buildPath+"/logs", fmt.Sprintf(`{"buildlog":"10%%\r100%%\r\u001b[1;31mred\u001b[0m\tgr%[1]seen\u001b(B\n"}`, evil))
	got := w.startBuild(t.Context(), t, nil)
	text := strings.Join(got.progress, "|") + "|" + strings.ReplaceAll(got.String(), "\n", "|")
	for _, r := range text {
		if r < ' ' || r == '\u009b' || r == '\u202e' || r == '\u200b' || r == '\u2028' {
			t.Fatalf("%q is in %q", r, text)
		}
	}
	if polls == 0 {
		t.Error("the build was not read")
	}
	contains(t, got.String(), "in the phase Bad", "  red    gr")
	lacks(t, got.String(), "10%", "[1;31m", "(B")
}

// After an interrupt the last message says what became of the build, because Terraform may show no error.
func TestStartBuild_interruptIsNotSilent(t *testing.T) {
	t.Parallel()
	for cancels, want := range map[bool]string{true: "It was cancelled.", false: "It keeps running in ServiceStage, because cancel_on_interrupt is false."} {
		w := newWorld(t)
		ctx, interrupt := context.WithCancel(t.Context())
		w.during("PreProcess", interrupt)
		got := w.startBuild(ctx, t, map[string]any{"cancel_on_interrupt": cancels})
		interrupt()
		if last := got.progress[len(got.progress)-1]; last != "checkout-service #1: interrupted. "+want {
			t.Errorf("the last message is %q", last)
		}
	}
}
