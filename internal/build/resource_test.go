// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
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

// config returns a resource with the given arguments besides job_id.
func (s *service) config(arguments string) string {
	return providertest.Config(s.Server, fmt.Sprintf(
		"resource %q %q {\n  job_id = %q\n%s\n}\n", resourceType, "test", s.jobID, arguments))
}

// values returns checks of attributes: a string, a number, a bool, nil for null, or a [knownvalue.Check].
func values(address string, attributes map[string]any) []statecheck.StateCheck {
	var checks []statecheck.StateCheck
	for name, want := range attributes {
		var check knownvalue.Check
		switch want := want.(type) {
		case nil:
			check = knownvalue.Null()
		case string:
			check = knownvalue.StringExact(want)
		case int:
			check = knownvalue.Int64Exact(int64(want))
		case bool:
			check = knownvalue.Bool(want)
		case knownvalue.Check:
			check = want
		}
		checks = append(checks, statecheck.ExpectKnownValue(address, tfjsonpath.New(name), check))
	}
	return checks
}

var isCommit = knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{40}$`))

func planned(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
}

// One create starts one build. A build that has ended is not read again, other triggers start another, and destroy does
// nothing.
func TestBuild_lifecycle(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.run(t,
		resource.TestStep{
			Config:           s.config(`triggers = { commit = "a" }`),
			ConfigPlanChecks: planned(plancheck.ResourceActionCreate),
			ConfigStateChecks: values(address, map[string]any{
				"index": 1, "state": "Successful", "wait": true,
				"started_at": "2025-11-14T09:06:28Z", "ended_at": "2025-11-14T09:07:28Z", "duration": 60,
				"branch": "main", "repo": "https://xxxxx@github.com/acme/checkout",
				"commit_id": isCommit, "committer": "emulator-committer", "base_image": "emulator/base",
				"swr_repository": "swr.cn-north-4.myhuaweicloud.com/emulator/checkout-service",
				"swr_repo_page":  "https://console.huaweicloud.com/swr/emulator/checkout-service",
			}),
			Check: func(state *terraform.State) error {
				s.expect(t, "Successful", 1, 0)
				if got := state.RootModule().Resources[address].Primary.Attributes["build_id"]; got != s.buildID() {
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
			ConfigStateChecks: values(address, map[string]any{"index": 2}),
		},
	)
	s.expect(t, "Successful Successful", 1, 0)
}

// A build that does not succeed is in the state, as tainted. The next apply starts another one, and cancels the first
// if it is running.
func TestBuild_unsuccessfulBuildIsNotLost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.InjectOutcomes(
		emulator.Outcome{Phase: "Build", Log: "ERROR no space left on device"},
		emulator.Outcome{Phase: "Build", State: "Paused"},
	)
	config := s.config(`timeouts { create = "10m" }`)
	s.run(t,
		resource.TestStep{
			Config: config, ExpectError: regexp.MustCompile(
				`(?s)The build failed.*in\s+the\s+phase\s+Build.*ERROR no space left on device.*marked\s+as\s+tainted`),
		},
		resource.TestStep{
			Config: config, ExpectError: regexp.MustCompile(
				`(?s)Timeout while waiting for the build.*within\s+10m0s.*Paused,\s+which\s+is\s+not.*raise\s+.create.*tainted`),
		},
		resource.TestStep{
			Config: config, ConfigPlanChecks: planned(plancheck.ResourceActionDestroyBeforeCreate),
			ConfigStateChecks: values(address, map[string]any{"index": 3, "state": "Successful"}),
		},
	)
	s.expect(t, "Failed Cancel Successful", 3, 1)
}

// Without waiting, each read updates the state without a difference in the plan, and destroy cancels a running build.
func TestBuild_withoutWaiting(t *testing.T) {
	t.Parallel()
	s := newService(t)
	config := s.config("wait = false")
	s.run(t,
		resource.TestStep{Config: config, ConfigStateChecks: values(address, map[string]any{
			"state": "Queuing", "branch": "main", "ended_at": nil, "duration": nil, "commit_id": nil, "swr_repository": nil,
		})},
		resource.TestStep{
			PreConfig: func() { s.advance(35 * time.Second) },
			Config:    config, ConfigPlanChecks: planned(plancheck.ResourceActionNoop),
			ConfigStateChecks: values(address, map[string]any{"state": "Building", "commit_id": isCommit}),
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
	for name, c := range map[string]struct {
		before func(s *service)
		want   string // An error that leaves the state as it is; "" means that the build is removed.
	}{
		"build is gone": {(*service).removeBuild, ""},
		"job is gone":   {func(s *service) { s.RemoveJob(s.jobID) }, ""},
		"other build": {func(s *service) {
			body := fmt.Sprintf(`{"build_id":%q,"build_state":"Building"}`, s.AddBuild(s.jobID))
			s.InjectFault(respond(http.MethodGet, buildPath, http.StatusOK, body))
		}, "the response describes build"},
		"ambiguous error": {func(s *service) {
			s.InjectFault(respond(http.MethodGet, buildPath, http.StatusBadRequest, `{"error_code":"SVCSTG.CPE.5004401"}`))
			s.InjectFault(respond(http.MethodGet, buildsPath, http.StatusOK, `{"total":0,"list":[]}`))
		}, "SVCSTG.CPE.5004401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			p, created := s.started(t)
			own := s.buildID()
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
			contains(t, got.only(t, isError), "Error reading build", c.want)
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

// Until ten minutes after its start, a build that no read has confirmed is neither removed from the state nor started
// again.
func TestBuild_unconfirmedStartIsNotRepeated(t *testing.T) {
	t.Parallel()
	for wait, severity := range map[bool]tfprotov6.DiagnosticSeverity{false: isWarning, true: isError} {
		t.Run(fmt.Sprintf("wait %t", wait), func(t *testing.T) {
			t.Parallel()
			s := newService(t, func(o *emulator.Options) { o.BuildDuration = time.Hour })
			s.InjectFault(notFound)
			p := s.protocol(t, nil)
			created := p.create(t.Context(), t, map[string]any{"job_id": s.jobID, "wait": wait})
			contains(t, created.only(t, severity), "Error ", s.buildID())
			s.advance(9 * time.Minute)
			refreshed := p.refresh(t, created)
			contains(t, refreshed.only(t, isError), "Build not readable yet", "ten minutes after its start")
			destroyed := p.destroy(t, refreshed)
			contains(t, destroyed.only(t, isError), "Build not readable yet")
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
			fault := respond(http.MethodPatch, "", http.StatusNotFound, notFound.Body)
			fault.Do = s.removeBuild
			s.InjectFault(fault)
		}, cancels: 1},
		"gone after the cancellation": {before: afterwards(notFound), state: "Cancel", cancels: 1},
		"cannot be read":              {inject(noRead), isError, "Error reading build", "Queuing", 0},
		"cannot be canceled":          {inject(noCancel), isError, "Error canceling build", "Queuing", 1},
		"not confirmed":               {afterwards(noRead), isWarning, "Build cancellation not confirmed", "Cancel", 1},
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
				contains(t, got.String(), "run `terraform state rm`", "APIGW.0302")
			}
			if kept := got.state != nil; kept != (c.level == isError) {
				t.Errorf("the state contains the build: %t", kept)
			}
			s.expect(t, c.state, 1, c.cancels)
		})
	}
}

// The first triggers of an imported build start no other one.
func TestBuild_importWithTriggers(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	s.run(t, resource.TestStep{
		Config: s.config(`triggers = { commit = "a" }`) +
			fmt.Sprintf("import {\n  to = %s\n  id = %q\n}\n", address, id),
		ConfigPlanChecks:  planned(plancheck.ResourceActionUpdate),
		ConfigStateChecks: values(address, map[string]any{"build_id": id, "state": "Successful", "wait": true}),
	})
	s.expect(t, "Successful", 0, 0)
}

// A change of the triggers starts another build. No triggers and an empty map are the same.
func TestBuild_changedTriggersReplace(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	a, b, empty := map[string]string{"commit": "a"}, map[string]string{"commit": "b"}, map[string]string{}
	for _, c := range []struct {
		before, after map[string]string
		want          bool
	}{
		{nil, empty, false},
		{empty, nil, false},
		{a, a, false},
		{nil, a, true},
		{empty, a, true},
		{a, nil, true},
		{a, b, true},
	} {
		arguments := func(triggers map[string]string) map[string]any {
			all := map[string]any{"job_id": s.jobID, "wait": false}
			if triggers != nil {
				values := map[string]tftypes.Value{}
				for name, value := range triggers {
					values[name] = tftypes.NewValue(tftypes.String, value)
				}
				all["triggers"] = values
			}
			return all
		}
		created := p.create(t.Context(), t, arguments(c.before))
		if got := p.replaces(t, created, arguments(c.after)); got != c.want {
			t.Errorf("from %v to %v: another build is planned: %t", c.before, c.after, got)
		}
	}
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
				contains(t, got.only(t, isError), "Invalid import ID")
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
			Config: s.config(""), ResourceName: address,
			ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity,
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
	id := s.buildID()
	contains(t, got.only(t, isError), "Interrupted while the build was running", "It keeps running in ServiceStage.",
		"marked as tainted", id)
	if stored := providertest.Text(t, got.state, "build_id"); stored != id {
		t.Errorf("the state contains %q, want %q", stored, id)
	}
	s.expect(t, "Building", 1, 0)
}

// The region is stored by create, by import and by the first read. A running build is not missing because the
// provider's region changed: it is not removed from the state. A build that has ended is not read.
func TestBuild_otherRegionIsNotNotFound(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p, created := s.started(t)
	unknown := created
	unknown.private = nil
	results := map[string]result{
		"create": created, "import": p.importBuild(t, s.buildID(), ""), "first read": p.refresh(t, unknown),
	}
	s.ForgetRequests()
	there, nowhere := s.protocol(t, map[string]any{"region": "cn-east-3"}), s.protocol(t, map[string]any{"region": nil})
	for name, stored := range results {
		for _, got := range []result{there.refresh(t, stored), there.destroy(t, stored)} {
			contains(t, got.only(t, isError),
				"is in region cn-north-4, and the provider's region is cn-east-3", s.buildID())
			if got.state == nil {
				t.Errorf("%s: the build was removed from the state", name)
			}
		}
		contains(t, nowhere.refresh(t, stored).only(t, isError), "the provider's region is not set")
	}
	s.expectNoRequests(t)
	s.advance(time.Hour)
	ended := p.refresh(t, created)
	there.refresh(t, ended).none(t)
	there.destroy(t, ended).none(t)
	s.expect(t, "Successful", 0, 0)
}

// A timeout that no operation can meet is rejected during planning, on its argument.
func TestBuild_impossibleTimeoutIsNotPlanned(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	for argument, value := range map[string]string{"create": "0s", "read": "-5m", "delete": "30"} {
		validated := must(p.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
			TypeName: resourceType,
			Config:   p.encode(t, map[string]any{"job_id": s.jobID, "timeouts": timeouts(argument, value)}),
		}))
		got := result{diagnostics: validated.Diagnostics}
		contains(t, got.only(t, isError), "The timeout must be a positive duration", fmt.Sprintf("got %q", value))
		path := got.diagnostics[0].Attribute.String()
		if path != fmt.Sprintf("AttributeName(%q).AttributeName(%q)", "timeouts", argument) {
			t.Errorf("path: got %s", path)
		}
	}
	s.expectNoRequests(t)
}
