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
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const address = "servicestage_build.test"

// config is a resource with the given arguments, besides job_id.
func (w *world) config(arguments string) string {
	return providertest.Config(w.Server, fmt.Sprintf("resource %q %q {\n  job_id = %q\n%s\n}\n", "servicestage_build", "test", w.jobID, arguments))
}

func value(name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(name), check)
}

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// From start to destroy: one build for one create, all values in the state, no request about a build that has ended, another build
// for other triggers, and nothing to do for destroy.
func TestBuild_lifecycle(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]emulator.Quirks{"numbers": {}, "strings": {StringNumbers: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *emulator.Options) { o.Quirks = quirks })
			w.run(t,
				resource.TestStep{
					Config:           w.config(`triggers = { commit = "a" }`),
					ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
					ConfigStateChecks: []statecheck.StateCheck{
						value("index", knownvalue.Int64Exact(1)),
						value("state", knownvalue.StringExact("Successful")),
						value("wait", knownvalue.Bool(true)),
						value("started_at", knownvalue.StringExact("2025-11-14T09:06:28Z")),
						value("ended_at", knownvalue.StringExact("2025-11-14T09:07:28Z")),
						value("duration", knownvalue.Int64Exact(60)),
						value("commit_id", knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{40}$`))),
						value("committer", knownvalue.StringExact("emulator-committer")),
						value("branch", knownvalue.StringExact("main")),
						value("repo", knownvalue.StringExact("https://xxxxx@github.com/acme/checkout")),
					},
					Check: func(s *terraform.State) error {
						w.expect(t, "Successful", 1, 0)
						if got := s.RootModule().Resources[address].Primary.Attributes["build_id"]; got != w.Builds()[0].ID {
							t.Errorf("build_id: got %s", got)
						}
						return nil
					},
				},
				resource.TestStep{
					PreConfig:        w.ForgetRequests,
					Config:           w.config("triggers = { commit = \"a\" }\nwait = false\ntimeouts { create = \"1h\" }"),
					ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
					Check: func(*terraform.State) error {
						if requests := w.Requests(); len(requests) > 0 {
							t.Errorf("%d requests, want none: the build has ended, and wait is no part of it", len(requests))
						}
						return nil
					},
				},
				resource.TestStep{
					Config:            w.config(`triggers = { commit = "b" }`),
					ConfigPlanChecks:  planned(plancheck.ResourceActionReplace),
					ConfigStateChecks: []statecheck.StateCheck{value("index", knownvalue.Int64Exact(2))},
				},
			)
			w.expect(t, "Successful Successful", 1, 0)
		})
	}
}

// A build that fails, in each phase: the error shows it, the state has it as tainted, and the next apply starts another.
func TestBuild_failsInEachPhase(t *testing.T) {
	t.Parallel()
	for _, phase := range phaseNames {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.OrderBuilds(emulator.Outcome{Phase: phase, Log: "ERROR no space left on device"})
			w.run(t,
				resource.TestStep{
					Config:      w.config(""),
					ExpectError: regexp.MustCompile(`(?s)The build failed.*in\s+the\s+phase\s+` + phase + `.*ERROR no space left on device.*marked\s+as\s+tainted`),
				},
				resource.TestStep{
					Config:           w.config(""),
					ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
					ConfigStateChecks: []statecheck.StateCheck{
						value("index", knownvalue.Int64Exact(2)), value("state", knownvalue.StringExact("Successful")),
					},
				},
			)
			w.expect(t, "Failed Successful", 2, 0)
		})
	}
}

// The state of a failed build has all that the service says of it.
func TestBuild_failedState(t *testing.T) {
	t.Parallel()
	for state, summary := range map[string]string{
		"Failed": "The build failed", "Timeout": "The build timed out", "Cancel": "The build was cancelled", "Deleted": "The build was deleted",
	} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.OrderBuilds(emulator.Outcome{Phase: "Build", State: state})
			w.run(t,
				resource.TestStep{Config: w.config(""), ExpectError: regexp.MustCompile(summary)},
				resource.TestStep{
					RefreshState: true, ExpectNonEmptyPlan: true,
					Check: func(s *terraform.State) error {
						instance := s.RootModule().Resources[address].Primary
						if !instance.Tainted || instance.Attributes["build_id"] != w.Builds()[0].ID || instance.Attributes["state"] != state ||
							instance.Attributes["duration"] != "40" {
							t.Errorf("got %v, tainted %t", instance.Attributes, instance.Tainted)
						}
						return nil
					},
				},
			)
			w.expect(t, state, 1, 0)
		})
	}
}

// The wait ends before the build does: the state has it, and destroy cancels it.
func TestBuild_timeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OrderBuilds(emulator.Outcome{Phase: "Build", State: "Paused"})
	w.run(t,
		resource.TestStep{
			Config:      w.config("timeouts { create = \"10m\" }"),
			ExpectError: regexp.MustCompile(`(?s)The build takes too long.*within\s+10m0s.*Paused,\s+which\s+is\s+not\s+documented.*Raise\s+.create.*tainted`),
		},
		resource.TestStep{
			Config:           w.config(""),
			ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
		},
	)
	w.expect(t, "Cancel Successful", 2, 1)
}

// Without waiting the state follows the build as it is read, without a difference, and destroy cancels what still runs.
func TestBuild_withoutWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := w.config("wait = false")
	w.run(t,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				value("state", knownvalue.StringExact("Queuing")), value("branch", knownvalue.StringExact("main")),
				value("ended_at", knownvalue.Null()), value("duration", knownvalue.Null()), value("commit_id", knownvalue.Null()),
			},
		},
		resource.TestStep{
			PreConfig:        func() { w.advance(35 * time.Second) },
			Config:           config,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			ConfigStateChecks: []statecheck.StateCheck{
				value("state", knownvalue.StringExact("Building")), value("commit_id", knownvalue.NotNull()),
			},
		},
	)
	w.expect(t, "Cancel", 1, 1)
}

// The new build cannot be read: a warning, and the next plan reads it.
func TestBuild_withoutWaitingNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{Method: http.MethodGet, Path: buildPath, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302"}`})
	w.run(t, resource.TestStep{
		Config:            w.config("wait = false"),
		ConfigStateChecks: []statecheck.StateCheck{value("state", knownvalue.StringExact("Queuing"))},
	})
	w.expect(t, "Cancel", 1, 1)
}

// A running build that is gone is started anew; one that has ended stays as it was.
func TestBuild_gone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wait bool
		want plancheck.ResourceActionType
	}{"running": {false, plancheck.ResourceActionCreate}, "ended": {true, plancheck.ResourceActionNoop}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := w.config(fmt.Sprintf("wait = %t", c.wait))
			w.run(t,
				resource.TestStep{Config: config},
				resource.TestStep{
					PreConfig:        func() { w.RemoveBuild(w.Builds()[0].ID) },
					Config:           config,
					ConfigPlanChecks: planned(c.want),
				},
			)
		})
	}
}

// An ambiguous error never means that a running build is gone, whether the list of builds contains it or, as one of finished builds
// only, does not.
func TestBuild_ambiguousErrorStartsNoSecondBuild(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{"listed": "", "finished builds only": `{"total":0,"list":[]}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			config := w.config("wait = false")
			w.run(t,
				resource.TestStep{Config: config},
				resource.TestStep{
					PreConfig: func() {
						w.Order(emulator.Fault{
							Method: http.MethodGet, Path: buildPath,
							StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.5004401","error_msg":"x"}`,
						})
						if list != "" {
							w.Order(emulator.Fault{Method: http.MethodGet, Path: buildsPath, Times: -1, StatusCode: http.StatusOK, Body: list})
						}
					},
					Config: config, ExpectError: regexp.MustCompile("Unable to read the build"),
				},
				resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ResourceActionNoop)},
			)
			w.expect(t, "Cancel", 1, 1)
		})
	}
}

// The job goes with its running build: both are gone, and destroy has nothing to do.
func TestBuild_jobGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(t,
		resource.TestStep{Config: w.config("wait = false")},
		resource.TestStep{PreConfig: func() { w.RemoveJob(w.jobID) }, RefreshState: true, ExpectNonEmptyPlan: true},
	)
	if cancels := w.CountRequests(http.MethodPatch, buildPath); cancels != 0 {
		t.Errorf("%d cancels", cancels)
	}
}

func TestBuild_destroyFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(t,
		resource.TestStep{Config: w.config("wait = false")},
		resource.TestStep{
			PreConfig: func() {
				w.Order(emulator.Fault{Method: http.MethodPatch, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302"}`})
			},
			Config: w.config("wait = false"), Destroy: true,
			ExpectError: regexp.MustCompile(`(?s)Unable to cancel the build.*terraform\s+state\s+rm`),
		},
	)
	w.expect(t, "Cancel", 1, 2)
}

// A lost answer to the start makes one build, which is adopted.
func TestBuild_lostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.AddBuild(w.jobID)
	w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, Drop: true, After: true})
	w.run(t, resource.TestStep{
		Config:            w.config(""),
		ConfigStateChecks: []statecheck.StateCheck{value("index", knownvalue.Int64Exact(2)), value("state", knownvalue.StringExact("Successful"))},
	})
	w.expect(t, "Successful Successful", 1, 0)
}

// A start of which nobody knows leaves nothing in the state, and says so.
func TestBuild_lostRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, Drop: true})
	w.run(t, resource.TestStep{Config: w.config(""), ExpectError: regexp.MustCompile("The build may have been started")})
	w.expect(t, "", 1, 0)
}

func TestBuild_noSuchJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	config := providertest.Config(w.Server, `resource "servicestage_build" "test" { job_id = "none" }`)
	w.run(t, resource.TestStep{Config: config, ExpectError: regexp.MustCompile(`(?s)No such build job.*job_id`)})
}

// Many builds of one job at once: each resource has its own, whatever becomes of the answers.
func TestBuild_manyOfOneJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Order(emulator.Fault{Method: http.MethodPost, Path: buildsPath, Drop: true, After: true, Times: 4})
	config := providertest.Config(w.Server, fmt.Sprintf("resource %q %q {\n  count = 8\n  job_id = %q\n  wait = false\n}\n", "servicestage_build", "test", w.jobID))
	w.run(t, resource.TestStep{Config: config, Check: func(s *terraform.State) error {
		ids := map[string]bool{}
		for _, module := range s.RootModule().Resources {
			ids[module.Primary.Attributes["build_id"]] = true
		}
		if len(ids) != 8 || len(w.Builds()) != 8 {
			t.Errorf("%d ids in the state, %d builds in the service; want 8 of each", len(ids), len(w.Builds()))
		}
		return nil
	}})
}

// Import by id, also of a build that runs. Triggers that are written then are taken over without another build; later ones are not.
func TestBuild_import(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.AddBuild(w.jobID)
	w.advance(time.Hour)
	block := fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", address, id)
	w.run(t,
		resource.TestStep{
			Config:            w.config("") + block,
			ConfigStateChecks: []statecheck.StateCheck{value("build_id", knownvalue.StringExact(id)), value("state", knownvalue.StringExact("Successful"))},
		},
		resource.TestStep{
			Config: w.config(""), ResourceName: address, ImportState: true, ImportStateId: id,
			ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "build_id",
		},
		resource.TestStep{Config: w.config(`triggers = { commit = "a" }`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: w.config(""), ConfigPlanChecks: planned(plancheck.ResourceActionReplace)},
		resource.TestStep{Config: w.config(`triggers = { commit = "a" }`), ConfigPlanChecks: planned(plancheck.ResourceActionReplace)},
	)
	w.expect(t, "Successful Successful Successful", 2, 0)
}

func TestBuild_importErrors(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{"none": "No such build", "a.b": "No such build", "..": "Malformed import id", "../jobs": "Malformed import id", "a b": "Malformed import id"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.run(t, resource.TestStep{
				Config: w.config(""), ResourceName: address, ImportState: true, ImportStateId: id, ExpectError: regexp.MustCompile(want),
			})
		})
	}
}

// The identity is the build_id: in the state after create, update and read, and enough for an import.
func TestBuild_identity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	identity := statecheck.ExpectIdentityValueMatchesState(address, tfjsonpath.New("build_id"))
	providertest.Prepare(t)
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: providertest.Factories(w.adjust),
		Steps: []resource.TestStep{
			{Config: w.config(""), ConfigStateChecks: []statecheck.StateCheck{identity}},
			{Config: w.config("wait = false"), ConfigStateChecks: []statecheck.StateCheck{identity}},
			{Config: w.config(""), ConfigStateChecks: []statecheck.StateCheck{identity}},
			{Config: w.config(""), ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
		},
	})
}

// Interrupted while it waits, over protocol 6: the state that comes with the error has the build.
func TestBuild_interrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	server, schemas := w.configured(ctx, t)
	kind := schemas.ResourceSchemas["servicestage_build"].ValueType().(tftypes.Object)
	arguments := map[string]any{"job_id": w.jobID, "wait": true}
	config := dynamic(t, kind, arguments)
	for name := range kind.AttributeTypes {
		if _, set := arguments[name]; !set && name != "triggers" && name != "timeouts" {
			arguments[name] = tftypes.UnknownValue
		}
	}
	w.during("PreProcess", interrupt)
	null, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, nil))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: "servicestage_build", PriorState: &null, PlannedState: dynamic(t, kind, arguments), Config: config,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := invocation{diagnostics: answer.Diagnostics}.only(t, tfprotov6.DiagnosticSeverityError)
	contains(t, got, "Interrupted while the build was running", "It keeps running in ServiceStage.", "marked as tainted", w.Builds()[0].ID)
	state, err := answer.NewState.Unmarshal(kind)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(state.String(), w.Builds()[0].ID) {
		t.Errorf("the state does not have the build: %s", state)
	}
	w.expect(t, "Building", 1, 0)
}
