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

// config returns a resource with the given arguments besides job_id.
func (s *service) config(arguments string) string {
	return providertest.Config(s.Server, fmt.Sprintf("resource %q %q {\n  job_id = %q\n%s\n}\n", resourceType, "test", s.jobID, arguments))
}

func value(name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(name), check)
}

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// One create starts one build. A build that has ended is not read again, other triggers start another, and destroy does nothing.
func TestBuild_lifecycle(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.run(t,
		resource.TestStep{
			Config:           s.config(`triggers = { commit = "a" }`),
			ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				value("index", knownvalue.Int64Exact(1)), value("state", knownvalue.StringExact("Successful")), value("wait", knownvalue.Bool(true)),
				value("started_at", knownvalue.StringExact("2025-11-14T09:06:28Z")), value("ended_at", knownvalue.StringExact("2025-11-14T09:07:28Z")),
				value("duration", knownvalue.Int64Exact(60)), value("branch", knownvalue.StringExact("main")),
				value("commit_id", knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{40}$`))),
				value("committer", knownvalue.StringExact("emulator-committer")),
				value("repo", knownvalue.StringExact("https://xxxxx@github.com/acme/checkout")),
				value("swr_repository", knownvalue.StringExact("swr.cn-north-4.myhuaweicloud.com/emulator/checkout-service")),
				value("swr_repo_page", knownvalue.StringExact("https://console.huaweicloud.com/swr/emulator/checkout-service")),
				value("base_image", knownvalue.StringExact("emulator/base")),
			},
			Check: func(state *terraform.State) error {
				s.expect(t, "Successful", 1, 0)
				if got := state.RootModule().Resources[address].Primary.Attributes["build_id"]; got != s.Builds()[0].ID {
					t.Errorf("build_id: got %s", got)
				}
				return nil
			},
		},
		resource.TestStep{
			PreConfig:        s.ForgetRequests,
			Config:           s.config("triggers = { commit = \"a\" }\nwait = false\ntimeouts { create = \"1h\" }"),
			ConfigPlanChecks: planned(plancheck.ResourceActionUpdate),
			Check: func(*terraform.State) error {
				s.expectNoRequests(t)
				return nil
			},
		},
		resource.TestStep{
			Config:            s.config(`triggers = { commit = "b" }`),
			ConfigPlanChecks:  planned(plancheck.ResourceActionReplace),
			ConfigStateChecks: []statecheck.StateCheck{value("index", knownvalue.Int64Exact(2))},
		},
	)
	s.expect(t, "Successful Successful", 1, 0)
}

// A build that does not succeed is in the state, as tainted. The next apply starts another one, and cancels the first if it is running.
func TestBuild_unsuccessfulBuildIsNotLost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "ERROR no space left on device"}, emulator.Outcome{Phase: "Build", State: "Paused"})
	config := s.config(`timeouts { create = "10m" }`)
	s.run(t,
		resource.TestStep{
			Config:      config,
			ExpectError: regexp.MustCompile(`(?s)The build failed.*in\s+the\s+phase\s+Build.*ERROR no space left on device.*marked\s+as\s+tainted`),
		},
		resource.TestStep{
			Config:      config,
			ExpectError: regexp.MustCompile(`(?s)The build takes too long.*within\s+10m0s.*Paused,\s+which\s+is\s+not\s+documented.*Raise\s+.create.*tainted`),
		},
		resource.TestStep{
			Config: config, ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: []statecheck.StateCheck{value("index", knownvalue.Int64Exact(3)), value("state", knownvalue.StringExact("Successful"))},
		},
	)
	s.expect(t, "Failed Cancel Successful", 3, 1)
}

// Without waiting, each read updates the state without a difference in the plan, and destroy cancels a build that is running. A new
// build that is not found yet is not started again.
func TestBuild_withoutWaiting(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.InjectFault(notFound)
	config := s.config("wait = false")
	s.run(t,
		resource.TestStep{Config: config, ExpectError: regexp.MustCompile("The new build is not found yet")},
		resource.TestStep{
			PreConfig: s.ForgetFaults, Config: config, ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
			ConfigStateChecks: []statecheck.StateCheck{
				value("state", knownvalue.StringExact("Queuing")), value("branch", knownvalue.StringExact("main")),
				value("ended_at", knownvalue.Null()), value("duration", knownvalue.Null()), value("commit_id", knownvalue.Null()),
			},
		},
		resource.TestStep{
			PreConfig: func() { s.advance(35 * time.Second) }, Config: config, ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
			ConfigStateChecks: []statecheck.StateCheck{value("state", knownvalue.StringExact("Building")), value("commit_id", knownvalue.NotNull())},
		},
	)
	s.expect(t, "Cancel", 1, 1)
}

// started creates a resource that does not wait.
func (s *service) started(t *testing.T) (*protocol, result) {
	t.Helper()
	p := s.protocol(t, nil)
	created := p.create(t.Context(), t, map[string]any{"job_id": s.jobID, "wait": false})
	created.none(t)
	return p, created
}

// A refresh removes a build from the state only if it certainly does not exist.
func TestBuild_refreshOfARunningBuild(t *testing.T) {
	t.Parallel()
	serve := func(path string, status int, body string) emulator.Fault {
		return emulator.Fault{Method: http.MethodGet, Path: path, StatusCode: status, Body: body, Times: -1}
	}
	for name, c := range map[string]struct {
		before func(s *service)
		want   string // An error that leaves the state as it is; "" means that the build is removed.
	}{
		"build is gone": {func(s *service) { s.RemoveBuild(s.Builds()[0].ID) }, ""},
		"job is gone":   {func(s *service) { s.RemoveJob(s.jobID) }, ""},
		"other build": {func(s *service) {
			s.InjectFault(serve(buildPath, http.StatusOK, fmt.Sprintf(`{"build_id":%q,"build_state":"Building"}`, s.AddBuild(s.jobID))))
		}, "the response describes build"},
		"ambiguous error": {func(s *service) {
			s.InjectFault(serve(buildPath, http.StatusBadRequest, `{"error_code":"SVCSTG.CPE.5004401","error_msg":"x"}`))
			s.InjectFault(serve(buildsPath, http.StatusOK, `{"total":0,"list":[]}`))
		}, "SVCSTG.CPE.5004401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			p, created := s.started(t)
			own := s.Builds()[0].ID
			c.before(s)
			got := p.refresh(t, created)
			if c.want == "" {
				if got.none(t); got.state != nil {
					t.Errorf("the state contains %v", got.state)
				}
				p.destroy(t, created).none(t)
				s.expect(t, "", 1, 0)
				return
			}
			contains(t, got.only(t, isError), "Unable to read the build", c.want)
			if id := providertest.Text(t, got.state, "build_id"); id != own {
				t.Errorf("build_id: got %q, want %q", id, own)
			}
			s.ForgetFaults()
			p.destroy(t, got).none(t)
			if state := s.Builds()[0].State; state != "Cancel" {
				t.Errorf("the build is in the state %s", state)
			}
		})
	}
}

// Until ten minutes after its start, a build that no read has confirmed is neither removed from the state nor started again.
func TestBuild_unconfirmedStartIsNotRepeated(t *testing.T) {
	t.Parallel()
	for wait, severity := range map[bool]tfprotov6.DiagnosticSeverity{false: isWarning, true: isError} {
		t.Run(fmt.Sprintf("wait %t", wait), func(t *testing.T) {
			t.Parallel()
			s := newService(t, func(o *emulator.Options) { o.BuildDuration = time.Hour })
			s.InjectFault(notFound)
			p := s.protocol(t, nil)
			created := p.create(t.Context(), t, map[string]any{"job_id": s.jobID, "wait": wait})
			contains(t, created.only(t, severity), "Unable to", s.Builds()[0].ID)
			s.advance(9 * time.Minute)
			refreshed := p.refresh(t, created)
			contains(t, refreshed.only(t, isError), "The new build is not found yet", "ten minutes after the start")
			destroyed := p.destroy(t, refreshed)
			contains(t, destroyed.only(t, isError), "The new build is not found yet")
			if refreshed.state == nil || destroyed.state == nil {
				t.Fatal("the build was removed from the state")
			}
			s.advance(time.Minute)
			if got := p.refresh(t, destroyed); got.state != nil || len(got.diagnostics) > 0 {
				t.Errorf("after ten minutes: %v %s", got.state, got)
			}
			p.destroy(t, destroyed).none(t)
			s.expect(t, "Building", 1, 0)
		})
	}
}

// Destroy removes a build from the state only if it is canceled, has ended or does not exist.
func TestBuild_destroyOfARunningBuild(t *testing.T) {
	t.Parallel()
	afterwards := func(fault emulator.Fault) func(s *service) {
		return func(s *service) {
			s.InjectFault(emulator.Fault{Method: http.MethodPatch, Path: buildPath, Do: func() { s.InjectFault(fault) }})
		}
	}
	for name, c := range map[string]struct {
		before  func(s *service)
		level   tfprotov6.DiagnosticSeverity
		want    string
		state   string
		cancels int
	}{
		"canceled":  {before: func(*service) {}, state: "Cancel", cancels: 1},
		"has ended": {before: func(s *service) { s.advance(time.Hour) }, state: "Successful"},
		"gone before the cancellation": {before: func(s *service) {
			s.InjectFault(emulator.Fault{Method: http.MethodPatch, StatusCode: http.StatusNotFound, Body: notFound.Body, Do: func() { s.RemoveBuild(s.Builds()[0].ID) }})
		}, cancels: 1},
		"gone after the cancellation":      {before: afterwards(notFound), state: "Cancel", cancels: 1},
		"cannot be read":                   {func(s *service) { s.InjectFault(forbidden(http.MethodGet, buildPath)) }, isError, "Unable to read the build", "Queuing", 0},
		"cannot be canceled":               {func(s *service) { s.InjectFault(forbidden(http.MethodPatch, buildPath)) }, isError, "Unable to cancel the build", "Queuing", 1},
		"end of the cancellation not seen": {afterwards(forbidden(http.MethodGet, buildPath)), isWarning, "The end of the build was not seen", "Cancel", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			p, created := s.started(t)
			c.before(s)
			got := p.destroy(t, created)
			if c.want == "" {
				got.none(t)
			} else {
				contains(t, got.only(t, c.level), c.want)
			}
			if c.level == isError {
				contains(t, got.String(), "`terraform state rm` forgets the build", "APIGW.0302")
			}
			if kept := got.state != nil; kept != (c.level == isError) {
				t.Errorf("the state contains the build: %t", kept)
			}
			s.expect(t, c.state, 1, c.cancels)
		})
	}
}

// The first triggers of an imported build start no other one; later ones do. An empty map is the same as no triggers.
func TestBuild_importAndTriggers(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	block := fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", address, id)
	s.run(t,
		resource.TestStep{
			Config: s.config("") + block,
			ConfigStateChecks: []statecheck.StateCheck{
				value("build_id", knownvalue.StringExact(id)), value("state", knownvalue.StringExact("Successful")), value("wait", knownvalue.Bool(true)),
			},
		},
		resource.TestStep{Config: s.config(`triggers = { commit = "a" }`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: s.config(""), ConfigPlanChecks: planned(plancheck.ResourceActionReplace)},
		resource.TestStep{Config: s.config(`triggers = {}`), ConfigPlanChecks: planned(plancheck.ResourceActionUpdate)},
		resource.TestStep{Config: s.config(`triggers = { commit = "a" }`), ConfigPlanChecks: planned(plancheck.ResourceActionReplace)},
	)
	s.expect(t, "Successful Successful Successful", 2, 0)
}

// An import by ID or identity accepts an ID with a dot. What cannot be part of a path is rejected before a request.
func TestBuild_importIDIsChecked(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a.b", "", "../../v3/projects", ".."} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			p := s.protocol(t, nil)
			for _, got := range []result{p.importBuild(t, id, ""), p.importBuild(t, "", id)} {
				if id == "a.b" {
					got.none(t)
					contains(t, p.refresh(t, got).only(t, isError), "No such build", `"a.b"`)
					continue
				}
				contains(t, got.only(t, isError), "Malformed import id")
				s.expectNoRequests(t)
			}
		})
	}
}

// The identity is the build_id: in the state after create, update and read, and sufficient for an import.
func TestBuild_identity(t *testing.T) {
	t.Parallel()
	s := newService(t)
	identity := []statecheck.StateCheck{statecheck.ExpectIdentityValueMatchesState(address, tfjsonpath.New("build_id"))}
	s.unitTest(t, tfversion.SkipBelow(tfversion.Version1_12_0),
		resource.TestStep{Config: s.config("wait = false"), ConfigStateChecks: identity},
		resource.TestStep{Config: s.config(""), ConfigStateChecks: identity},
		resource.TestStep{
			Config: s.config(""), ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity,
		},
	)
}

// The state of an interrupted create contains the build.
func TestBuild_interruptedBuildIsNotLost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	s.during("PreProcess", interrupt)
	got := s.protocol(t, nil).create(ctx, t, map[string]any{"job_id": s.jobID, "wait": true})
	id := s.Builds()[0].ID
	contains(t, got.only(t, isError), "Interrupted while the build was running", "It keeps running in ServiceStage.", "marked as tainted", id)
	if stored := providertest.Text(t, got.state, "build_id"); stored != id {
		t.Errorf("the state contains %q, want %q", stored, id)
	}
	s.expect(t, "Building", 1, 0)
}

// A running build is not missing because the provider's region changed: it is neither started again nor removed from the state.
func TestBuild_otherRegionIsNotNotFound(t *testing.T) {
	t.Parallel()
	s, other := newService(t), newService(t)
	here := s.config("wait = false")
	there := strings.NewReplacer(`"cn-north-4"`, `"cn-east-3"`, s.URL, other.URL).Replace(here)
	differs := regexp.MustCompile(`(?s)Build in another region.*is\s+in\s+region\s+cn-north-4,\s+and\s+the\s+provider's\s+region\s+is\s+cn-east-3`)
	s.run(t,
		resource.TestStep{Config: here},
		resource.TestStep{Config: there, ExpectError: differs},
		resource.TestStep{Config: there, Destroy: true, ExpectError: differs},
		resource.TestStep{PreConfig: func() { s.advance(time.Hour) }, Config: here},
		resource.TestStep{Config: there, ConfigPlanChecks: planned(plancheck.ResourceActionNoop)}, // Ended: it is not read.
	)
	other.expectNoRequests(t)
	s.expect(t, "Successful", 1, 0)
}

// The region is stored by create, by import and by the first read, and checked by read and delete.
func TestBuild_regionIsStored(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p, created := s.started(t)
	unknown := created
	unknown.private = nil
	results := map[string]result{"create": created, "import": p.importBuild(t, s.Builds()[0].ID, ""), "first read": p.refresh(t, unknown)}
	s.ForgetRequests()
	there, nowhere := s.protocol(t, map[string]any{"region": "cn-east-3"}), s.protocol(t, map[string]any{"region": nil})
	for name, stored := range results {
		for _, got := range []result{there.refresh(t, stored), there.destroy(t, stored)} {
			contains(t, got.only(t, isError), "is in region cn-north-4, and the provider's region is cn-east-3", s.Builds()[0].ID)
			if got.state == nil {
				t.Errorf("%s: the build was removed from the state", name)
			}
		}
		contains(t, nowhere.refresh(t, stored).only(t, isError), "the provider's region is not set")
	}
	s.expectNoRequests(t)
	p.destroy(t, created).none(t)
	s.expect(t, "Cancel", 0, 1)
}

// A timeout that no operation can meet is rejected during planning, on its argument.
func TestBuild_impossibleTimeoutIsNotPlanned(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	for argument, value := range map[string]string{"create": "0s", "read": "-5m", "delete": "30"} {
		config := providertest.Encode(t, p.kind(), map[string]any{"job_id": s.jobID, "timeouts": timeouts(argument, value)})
		got := result{
			diagnostics: must(p.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: resourceType, Config: config})).Diagnostics,
		}
		contains(t, got.only(t, isError), "The timeout must be a positive duration", fmt.Sprintf("got %q", value))
		if path := got.diagnostics[0].Attribute.String(); path != fmt.Sprintf("AttributeName(%q).AttributeName(%q)", "timeouts", argument) {
			t.Errorf("path: got %s", path)
		}
	}
	s.expectNoRequests(t)
}
