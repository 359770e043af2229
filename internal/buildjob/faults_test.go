// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const forbidden = `{"error_code":"APIGW.0302","error_msg":"IAM user not authorized"}`

// An error of the service says what failed, as which answer, and what to do; nothing is made.
func TestBuildJob_createFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  string
	}{
		"forbidden": {
			emulator.Fault{StatusCode: http.StatusForbidden, Body: forbidden},
			`Error creating build job.*Error creating build job "app": HTTP 403: APIGW.0302: IAM user not authorized.*` +
				`Grant the IAM actions servicestage:assembling:\*.*Endpoint: 127.0.0.1:\d+, request id: [0-9a-f]{32}`,
		},
		"invalid": {
			emulator.Fault{StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4004401","error_msg":"no such cluster"}`},
			`HTTP 400: SVCSTG.CPE.4004401: no such cluster`,
		},
		"page of a proxy": {
			emulator.Fault{StatusCode: http.StatusForbidden, Body: "<html><body><h1>Blocked</h1>by policy</body></html>"},
			`HTTP 403: "Blocked by policy"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			c.fault.Method, c.fault.Path = http.MethodPost, jobsPath
			server.InjectFault(c.fault)
			providertest.Run(t, server, resource.TestStep{
				Config:      providertest.Config(server, job(minimal)),
				ExpectError: regexp.MustCompile(`(?s)` + strings.ReplaceAll(c.want, " ", `[\s│]+`)),
			})
			if jobs := server.Jobs(); len(jobs) > 0 {
				t.Errorf("the service holds %d jobs, want none", len(jobs))
			}
		})
	}
}

// A name that is taken: the error says by which job, and how to manage that one.
func TestBuildJob_nameTaken(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	taken := server.AddJob(map[string]any{"job_name": "APP", "environment_setting": map[string]any{}})
	server.AddJob(map[string]any{"job_name": "app-2", "environment_setting": map[string]any{}})
	resourceStep := resource.TestStep{
		Config:      providertest.Config(server, job(minimal)),
		ExpectError: regexp.MustCompile(`(?s)` + words("Build job "+taken+` has the name "APP".`) + `.*import \{[\s│]+to = servicestage_build_job.ADDRESS[\s│]+id = "` + taken + `"`),
	}
	providertest.Run(t, nil, resourceStep)
	if jobs := server.Jobs(); len(jobs) != 2 {
		t.Errorf("the service holds %d jobs, want the 2 of somebody else", len(jobs))
	}
}

// The new job cannot be read back: that is a warning, the id is in state, and the next plan fills the rest without a change.
func TestBuildJob_readBackFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	config := providertest.Config(server, job(minimal))
	server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, StatusCode: http.StatusForbidden, Body: forbidden})
	providertest.Run(t, server,
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PostApplyPreRefresh:  []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			},
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.NotNull(), "job_id"),
				state(knownvalue.NotNull(), "created_at"),
			},
			Check: expectRequests(t, server, map[string]int{"POST " + jobsPath: 1}),
		},
		resource.TestStep{
			Config:           config,
			ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.StringExact("emulator-user"), "creator"),
				state(knownvalue.StringExact("0"), "enterprise_project_id"),
				state(knownvalue.Null(), "environment_setting", "docker_version"),
			},
		},
	)
}

// The service does not know the job yet, in whatever words: the read after the create asks again.
func TestBuildJob_notKnownYet(t *testing.T) {
	t.Parallel()
	answers := []emulator.Fault{
		{StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401","error_msg":"not found"}`},
		{StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.1","error_msg":"who knows"}`},
		{StatusCode: http.StatusUnauthorized, Body: `{"error_code":"SVCSTG.00100401","error_message":"does not exist"}`},
		{StatusCode: http.StatusNotFound},
		{StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4041","error_msg":"gone"}`},
	}
	server := emulator.New(t, emulator.Options{})
	for _, answer := range answers {
		answer.Method, answer.Path = http.MethodGet, jobPath
		server.InjectFault(answer)
	}
	providertest.Run(t, server, resource.TestStep{
		Config:            providertest.Config(server, job(minimal)),
		ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.StringExact("emulator-user"), "creator")},
		Check:             expectRequests(t, server, map[string]int{"POST " + jobsPath: 1}),
	})
}

// doing is a plan check that checks nothing: it is called between an apply and the refresh that follows it.
type doing func()

func (d doing) CheckPlan(context.Context, plancheck.CheckPlanRequest, *plancheck.CheckPlanResponse) {
	d()
}

// The same for ever ends with the timeout, as a warning: the job is there, and state holds it.
func TestBuildJob_neverKnown(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobPath, Times: -1,
		StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401","error_msg":"not found"}`,
	})
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.Config(server, job(minimal+"timeouts { create = \"300ms\" }\n")),
		ConfigPlanChecks: resource.ConfigPlanChecks{
			PostApplyPreRefresh:  []plancheck.PlanCheck{plancheck.ExpectEmptyPlan(), doing(server.ForgetFaults)},
			PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
		},
		Check: expectRequests(t, server, map[string]int{"POST " + jobsPath: 1, "DELETE " + jobPath: 0}),
	})
}

// The read after an update fails: a warning too, the state holds what was sent, and the next plan is empty.
func TestBuildJob_updateReadBackFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	changed := strings.Replace(minimal, `"app"`, `"app-2"`, 1)
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(minimal))},
		resource.TestStep{
			PreConfig: func() {
				server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() {
					server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, StatusCode: http.StatusForbidden, Body: forbidden})
				}})
			},
			Config: providertest.Config(server, job(changed)),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PostApplyPreRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			},
			ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.StringExact("app-2"), "job_name")},
		},
		resource.TestStep{Config: providertest.Config(server, job(changed)), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
	)
}

// An answer that does not say that the job is gone is an error, and the state keeps the job.
func TestBuildJob_readFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  string
	}{
		"wrong credentials": {
			emulator.Fault{StatusCode: http.StatusUnauthorized, Body: `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`},
			`Error reading build job.*The credentials are wrong`,
		},
		"clock": {
			emulator.Fault{
				StatusCode: http.StatusUnauthorized, Body: `{"error_code":"APIGW.0301","error_msg":"signature expired"}`,
				Header: http.Header{"Date": {"Tue, 15 Nov 1994 08:12:31 GMT"}},
			},
			`the clocks differ: the server's says 1994-11-15T08:12:31Z, the one here 20`,
		},
		"not published": {
			emulator.Fault{StatusCode: http.StatusNotFound, Body: `{"error_code":"APIGW.0101","error_msg":"The API does not exist"}`},
			`The Build API is not published at this endpoint`,
		},
		"listed all the same": {
			emulator.Fault{StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.1","error_msg":"who knows"}`},
			`reading build job "app" \([a-z0-9]{40}\): HTTP 400: SVCSTG.CPE.1: who knows`,
		},
		"error with a good status": {
			emulator.Fault{StatusCode: http.StatusOK, Body: `{"error_code":"SVCSTG.CPE.5004401","error_msg":"oh no"}`},
			`HTTP 200: SVCSTG.CPE.5004401: oh no`,
		},
		"no job": {
			emulator.Fault{StatusCode: http.StatusOK, Body: `{}`},
			`the response is not the documented JSON: job_id or spec is missing`,
		},
		"permission": {
			emulator.Fault{StatusCode: http.StatusForbidden, Body: forbidden},
			`Grant the IAM actions servicestage:assembling:\*`,
		},
		"empty answer":    {emulator.Fault{StatusCode: http.StatusOK}, `the response is not the documented JSON`},
		"empty 404":       {emulator.Fault{StatusCode: http.StatusNotFound}, `HTTP 404: the answer says no more`},
		"truncated JSON":  {emulator.Fault{StatusCode: http.StatusOK, Body: `{"job_id":"x","spec":{"job_na`}, `the response is not the documented JSON`},
		"10 MiB":          {emulator.Fault{StatusCode: http.StatusOK, Body: strings.Repeat(" ", 10<<20)}, `the response \(HTTP 200\) is longer than 4 MiB`},
		"a 404 of 10 MiB": {emulator.Fault{StatusCode: http.StatusNotFound, Body: strings.Repeat(" ", 10<<20)}, `the response \(HTTP 404\) is longer than 4 MiB`},
		"page of a gateway": {
			emulator.Fault{StatusCode: http.StatusBadGateway, Body: `<html>Bad Gateway</html>`},
			`HTTP 502: "Bad Gateway".*tries: 6`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			config := providertest.Config(server, job(minimal))
			c.fault.Method, c.fault.Path, c.fault.Times = http.MethodGet, jobPath, 6
			providertest.Run(t, server,
				resource.TestStep{Config: config},
				resource.TestStep{
					PreConfig:   func() { server.InjectFault(c.fault) },
					Config:      config,
					PlanOnly:    true,
					ExpectError: regexp.MustCompile(`(?s)` + strings.ReplaceAll(c.want, " ", `[\s│]+`)),
				},
				resource.TestStep{
					PreConfig:        func() { server.ForgetFaults() },
					Config:           config,
					ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan()),
				},
			)
		})
	}
}

// Answers that mean that the job is gone, and those that the list of jobs makes mean it: the plan creates it again.
func TestBuildJob_gone(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"unknown code": {StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.1","error_msg":"who knows"}`},
		"bare 404":     {StatusCode: http.StatusNotFound},
		"401":          {StatusCode: http.StatusUnauthorized, Body: `{"error_code":"SVCSTG.00100401","error_message":"does not exist"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			config := providertest.Config(server, job(minimal))
			providertest.Run(t, server,
				resource.TestStep{Config: config},
				resource.TestStep{
					PreConfig: func() {
						server.RemoveJob(id(t, server))
						fault.Method, fault.Path = http.MethodGet, jobPath
						server.InjectFault(fault)
					},
					Config:           config,
					ConfigPlanChecks: planned(action(plancheck.ResourceActionCreate)),
				},
			)
		})
	}
}

func TestBuildJob_updateFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := providertest.Config(server, job(minimal))
	changed := providertest.Config(server, job(minimal+`job_description = "x"`))
	providertest.Run(t, server,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, StatusCode: http.StatusForbidden, Body: forbidden})
			},
			Config:      changed,
			ExpectError: regexp.MustCompile(`Error updating build job`),
		},
		// The job disappears between plan and apply.
		resource.TestStep{
			PreConfig: func() {
				gone := id(t, server)
				server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() { server.RemoveJob(gone) }})
			},
			Config:      changed,
			ExpectError: regexp.MustCompile(`Build job deleted outside Terraform`),
		},
		resource.TestStep{Config: changed, ConfigPlanChecks: planned(action(plancheck.ResourceActionCreate))},
	)
}

func TestBuildJob_deleteFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := providertest.Config(server, job(minimal))
	providertest.Run(t, server,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				server.InjectFault(emulator.Fault{Method: http.MethodDelete, Path: jobPath, StatusCode: http.StatusForbidden, Body: forbidden})
			},
			Config:      config,
			Destroy:     true,
			ExpectError: regexp.MustCompile(`Error deleting build job`),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
	)
}

// An imported job without a name, as odd as it is, disappears like any other.
func TestBuildJob_namelessDisappears(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	nameless := server.AddJob(map[string]any{"environment_setting": map[string]any{}})
	config := providertest.Config(server, job(minimal))
	providertest.Run(t, server,
		resource.TestStep{
			Config: config, ResourceName: address, ImportState: true, ImportStateId: nameless, ImportStatePersist: true,
		},
		resource.TestStep{
			PreConfig:        func() { server.RemoveJob(nameless) },
			Config:           config,
			ConfigPlanChecks: planned(action(plancheck.ResourceActionCreate)),
		},
	)
}
