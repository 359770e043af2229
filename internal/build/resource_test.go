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

func planned(address string, action plancheck.ResourceActionType) resource.ConfigPlanChecks {
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
			ConfigPlanChecks: planned(address, plancheck.ResourceActionCreate),
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
			ConfigPlanChecks: planned(address, plancheck.ResourceActionUpdate),
			Check: func(*terraform.State) error {
				s.expectNoRequests(t)
				return nil
			},
		},
		resource.TestStep{
			Config:            s.config(`triggers = { commit = "b" }`),
			ConfigPlanChecks:  planned(address, plancheck.ResourceActionReplace),
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
				`(?s)Timeout while waiting for the build.*within\s+10m0s.*Paused,.*raise\s+.create.*tainted`),
		},
		resource.TestStep{
			Config: config, ConfigPlanChecks: planned(address, plancheck.ResourceActionDestroyBeforeCreate),
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
			"state": "Queuing", "branch": "main", "ended_at": nil, "duration": nil, "commit_id": nil,
			"swr_repository": nil,
		})},
		resource.TestStep{
			PreConfig: func() { s.advance(35 * time.Second) },
			Config:    config, ConfigPlanChecks: planned(address, plancheck.ResourceActionNoop),
			ConfigStateChecks: values(address, map[string]any{"state": "Building", "commit_id": isCommit}),
		},
	)
	s.expect(t, "Cancel", 1, 1)
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
			s.InjectFault(respond(http.MethodGet, buildPath, http.StatusBadRequest,
				`{"error_code":"SVCSTG.CPE.5004401"}`))
			s.InjectFault(respond(http.MethodGet, buildsPath, http.StatusOK, `{"total":0,"list":[]}`))
		}, "SVCSTG.CPE.5004401"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			build := s.started(t)
			created := *build
			c.before(s)
			diagnostics := build.Refresh(t)
			if c.want == "" {
				diagnostics.Expect(t)
				if !build.State.IsNull() {
					t.Errorf("the state contains %s", build.State)
				}
				created.Apply(t, nil).Expect(t)
				s.expect(t, "", 1, 0)
				return
			}
			diagnostics.Expect(t, one(isError, "Error reading build", c.want))
			s.ForgetFaults()
			build.Apply(t, nil).Expect(t)
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
			build := s.newBuild(t)
			build.Apply(t, providertest.Arguments{"job_id": s.jobID, "wait": wait}).Expect(t,
				one(severity, "Error ", s.buildID()))
			confirmed := *build
			s.ForgetFaults()
			confirmed.Refresh(t).Expect(t)
			s.InjectFault(notFound)
			if confirmed.Refresh(t).Expect(t); !confirmed.State.IsNull() {
				t.Errorf("after a read, the state contains %s", confirmed.State)
			}
			for _, later := range []time.Duration{-time.Hour, time.Hour + 9*time.Minute} { // A clock may be set back.
				s.advance(later)
				build.Refresh(t).Expect(t, one(isError, "Build not readable yet", "10 minutes after its creation"))
			}
			build.Apply(t, nil).Expect(t, one(isError, "Build not readable yet"))
			s.advance(time.Minute)
			unread := *build
			build.Refresh(t).Expect(t)
			if !build.State.IsNull() {
				t.Errorf("after ten minutes, the state contains %s", build.State)
			}
			unread.Apply(t, nil).Expect(t)
			s.expect(t, "Building", 1, 0)
		})
	}
}

// A running build is not missing because the provider's endpoint changed: it is not started again.
func TestBuild_otherEndpointIsNotNotFound(t *testing.T) {
	t.Parallel()
	build := newService(t).started(t)
	build.Protocol = newService(t).protocol(t, nil)
	differs := one(isError, "Build of another endpoint", "stays in the state", "HW_SERVICESTAGE_ENDPOINT")
	build.Refresh(t).Expect(t, differs)
	if build.Apply(t, nil).Expect(t, differs); build.State.IsNull() {
		t.Error("the build was removed from the state")
	}
}

// Destroy removes a build from the state only if it is canceled, has ended or does not exist.
func TestBuild_destroyOfARunningBuild(t *testing.T) {
	t.Parallel()
	afterwards := func(fault emulator.Fault) func(s *service) {
		return func(s *service) {
			s.InjectFault(emulator.Fault{
				Method: http.MethodPatch, Path: buildPath, Do: func() { s.InjectFault(fault) },
			})
		}
	}
	const advice = "run `terraform state rm`"
	for name, c := range map[string]struct {
		before  func(s *service)
		want    []string
		state   string
		cancels int
	}{
		"canceled":  {func(*service) {}, nil, "Cancel", 1},
		"has ended": {func(s *service) { s.advance(time.Hour) }, nil, "Successful", 0},
		"gone before the cancellation": {func(s *service) {
			fault := respond(http.MethodPatch, "", http.StatusNotFound, notFound.Body)
			fault.Do = s.removeBuild
			s.InjectFault(fault)
		}, nil, "", 1},
		"gone after the cancellation": {afterwards(notFound), nil, "Cancel", 1},
		"cannot be read": {
			inject(noRead), []string{one(isError, "Error reading build", advice)}, "Queuing", 0,
		},
		"cannot be canceled": {
			inject(noCancel), []string{one(isError, "Error canceling build", advice)}, "Queuing", 1,
		},
		"not confirmed": {
			afterwards(noRead), []string{one(isWarning, "Build cancellation not confirmed")}, "Cancel", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			build := s.started(t)
			c.before(s)
			diagnostics := build.Apply(t, nil)
			diagnostics.Expect(t, c.want...)
			if kept := !build.State.IsNull(); kept != diagnostics.HasError() {
				t.Errorf("the state contains the build: %t", kept)
			}
			s.expect(t, c.state, 1, c.cancels)
		})
	}
}

// A change of the triggers starts another build. No triggers and an empty map are the same. The first triggers of an
// imported build start no other one.
func TestBuild_changedTriggersReplace(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	arguments := func(commit string) providertest.Arguments {
		triggers := map[string]tftypes.Value{}
		if commit != "" {
			triggers["commit"] = tftypes.NewValue(tftypes.String, commit)
		}
		return providertest.Arguments{"job_id": s.jobID, "wait": false, "triggers": triggers}
	}
	none := arguments("").With("triggers", nil)
	for _, c := range []struct {
		before, after providertest.Arguments
		want          bool
	}{
		{none, arguments(""), false},
		{arguments(""), none, false},
		{arguments("a"), arguments("a"), false},
		{none, arguments("a"), true},
		{arguments("a"), none, true},
		{arguments("a"), arguments("b"), true},
	} {
		build := p.NewInstance(resourceType)
		build.Apply(t, c.before).Expect(t)
		plan, _ := build.Plan(t, c.after)
		if plan.Expect(t); plan.Replaces != c.want {
			t.Errorf("from %v to %v: another build is planned: %t", c.before, c.after, plan.Replaces)
		}
	}
	imported := p.NewInstance(resourceType)
	imported.Import(t, s.buildID(), nil).Expect(t)
	imported.Refresh(t).Expect(t)
	first, _ := imported.Plan(t, arguments("a"))
	imported.Apply(t, arguments("a")).Expect(t)
	second, _ := imported.Plan(t, arguments("b"))
	if first.Replaces || !second.Replaces {
		t.Errorf("imported: another build is planned: %t, then %t", first.Replaces, second.Replaces)
	}
}

// An import by ID or by the identity of the state. What cannot be part of a path is rejected before a request.
func TestBuild_import(t *testing.T) {
	t.Parallel()
	s := newService(t)
	created := s.started(t)
	byID, byIdentity := s.newBuild(t), s.newBuild(t)
	byID.Import(t, s.buildID(), nil).Expect(t)
	byIdentity.Import(t, "", created.Identity).Expect(t)
	for _, build := range []*providertest.Instance{byID, byIdentity} {
		if build.Refresh(t).Expect(t); build.Value(t, "job_id") != s.jobID || build.Value(t, "wait") != true {
			t.Errorf("the state contains %s", build.State)
		}
	}
	s.ForgetRequests()
	for _, id := range []string{"", "../../v3/projects", ".."} {
		build := s.newBuild(t)
		build.Import(t, id, nil).Expect(t, one(isError, "Invalid import ID"))
		identity := build.NewIdentity(t, providertest.Arguments{"build_id": id})
		build.Import(t, "", identity).Expect(t, one(isError, "Invalid import ID"))
	}
	s.expectNoRequests(t)
	build := s.newBuild(t)
	build.Import(t, "a.b", nil).Expect(t)
	build.Refresh(t).Expect(t, one(isError, "No such build", `"a.b"`))
}

// The state of an interrupted create contains the build.
func TestBuild_interruptedBuildIsNotLost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	s.during("PreProcess", interrupt)
	build := s.newBuild(t)
	build.ApplyContext(ctx, t, providertest.Arguments{"job_id": s.jobID}).Expect(t, one(isError,
		"Interrupted while the build was running", s.buildID(), "It keeps running in ServiceStage.",
		"marked as tainted"))
	if stored := build.Value(t, "build_id"); stored != s.buildID() {
		t.Errorf("the state contains %v, want %s", stored, s.buildID())
	}
	s.expect(t, "Building", 1, 0)
}

// The region is stored by create and by the first read, as after an import. A running build is not missing because the
// provider's region changed: it is not removed from the state. A build that has ended is not read.
func TestBuild_otherRegionIsNotNotFound(t *testing.T) {
	t.Parallel()
	s := newService(t)
	created := s.started(t)
	imported := created.NewInstance(resourceType)
	imported.Import(t, s.buildID(), nil).Expect(t)
	imported.Refresh(t).Expect(t)
	s.ForgetRequests()
	there, nowhere := s.protocol(t, map[string]any{"region": "cn-east-3"}), s.protocol(t, map[string]any{"region": nil})
	for name, build := range map[string]providertest.Instance{"create": *created, "import": *imported} {
		build.Protocol = nowhere
		build.Refresh(t).Expect(t, one(isError, "the provider's region is not set"))
		build.Protocol = there
		differs := one(isError, s.buildID(), "is in region cn-north-4, and the provider's region is cn-east-3")
		build.Refresh(t).Expect(t, differs)
		if build.Apply(t, nil).Expect(t, differs); build.State.IsNull() {
			t.Errorf("%s: the build was removed from the state", name)
		}
	}
	s.expectNoRequests(t)
	s.advance(time.Hour)
	created.Refresh(t).Expect(t)
	created.Protocol = there
	created.Refresh(t).Expect(t)
	created.Apply(t, nil).Expect(t)
	s.expect(t, "Successful", 0, 0)
}
