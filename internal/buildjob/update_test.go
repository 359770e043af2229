// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Each argument of the API, alone: set, changed in place, changed outside Terraform, and removed.
func TestBuildJob_arguments(t *testing.T) {
	t.Parallel()
	clearedWithEmpty := []string{
		"job_description", "environment_setting.docker_version", "environment_setting.cluster_id", "environment_setting.cluster_name",
	}
	for path := range servicestage.Arguments() {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			first, second, outside, base := any("first"), any("second"), any("outside"), bare
			switch path {
			case "environment_setting.use_public_cluster":
				first, second, outside = true, false, true
			case "environment_setting.build_os.arch":
				first, second, base = "x86_64", "aarch64", bare.with("environment_setting.build_os", block)
			case "code_repo.url":
				first, second = "https://github.com/acme/first", "https://github.com/acme/second"
			}
			if strings.HasPrefix(path, "code_repo.") {
				base = whole
			}
			server := emulator.New(t, emulator.Options{})
			m := manage(t, server)
			expectValue := func(want any) {
				t.Helper()
				if got := m.value(t, path); got != want {
					t.Errorf("the state has %v, want %v", got, want)
				}
			}
			m.converge(t, base.with(path, first))
			expectValue(first)
			if plan, changes := m.plan(t, base.with(path, second)); !changes || !m.decode(t, plan.PlannedState).IsFullyKnown() {
				t.Errorf("the plan of a change: %v", plan)
			}
			m.converge(t, base.with(path, second))
			expectValue(second)

			server.ChangeJob(id(t, server), func(spec map[string]any) {
				names := strings.Split(path, ".")
				for _, name := range names[:len(names)-1] {
					spec = spec[name].(map[string]any)
				}
				spec[names[len(names)-1]] = outside
			})
			expectDiagnostics(t, m.refresh(t))
			expectValue(outside)
			m.converge(t, base.with(path, second))
			expectValue(second)

			if posts := server.CountRequests(http.MethodPost, jobsPath); posts != 1 {
				t.Errorf("%d POST requests, want 1", posts)
			}
			switch {
			case path == "job_name", base["code_repo"] != nil: // Required.
				return
			case path == "enterprise_project_id":
				m.expectNoChange(t, base)
				return
			}
			m.converge(t, base)
			expectValue(nil)
			var sent any
			if err := json.Unmarshal(sentBody(t, server, http.MethodPut), &sent); err != nil {
				t.Fatal(err)
			}
			for name := range strings.SplitSeq(path, ".") {
				object, _ := sent.(map[string]any)
				sent = object[name]
			}
			if empty := slices.Contains(clearedWithEmpty, path); empty != (sent == "") || !empty && sent != nil {
				t.Errorf("the update that removes the argument sends %v", sent)
			}
		})
	}
}

func TestBuildJob_blocks(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	with := providertest.Config(server, job(full))
	without := providertest.Config(server, job(minimal))
	providertest.Run(t, server,
		resource.TestStep{Config: without},
		resource.TestStep{Config: with, ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate))},
		resource.TestStep{
			Config:           without,
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.Null(), "code_repo"),
				state(knownvalue.Null(), "environment_setting", "build_os"),
			},
		},
		// What somebody else adds to unset arguments is drift, and is removed.
		resource.TestStep{
			PreConfig: func() {
				server.ChangeJob(id(t, server), func(spec map[string]any) {
					spec["code_repo"] = map[string]any{"type": "GitHub", "url": "https://github.com/acme/app", "branch": "main", "namespace": "acme"}
					spec["job_description"] = "by hand"
				})
			},
			Config: without,
			ConfigPlanChecks: planned(
				action(plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, at("code_repo"), knownvalue.Null()),
			),
		},
	)
}

// A default of the service that changes is drift, also where the configuration is silent.
func TestBuildJob_defaultChanges(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	config := providertest.Config(server, job(minimal))
	providertest.Run(t, server,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.Null(), "environment_setting", "docker_version"),
				state(knownvalue.Null(), "environment_setting", "build_os"),
			},
		},
		resource.TestStep{
			PreConfig: func() {
				server.ChangeJob(id(t, server), func(spec map[string]any) {
					spec["environment_setting"] = map[string]any{"docker_version": "99", "build_os": map[string]any{"arch": "aarch64"}}
				})
			},
			RefreshState:       true,
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: planned(
				action(plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, at("environment_setting", "docker_version"), knownvalue.Null()),
				plancheck.ExpectKnownValue(address, at("environment_setting", "build_os"), knownvalue.Null()),
			),
		},
	)
}

// What the service knows of a job and the API does not document survives an update, at every depth.
func TestBuildJob_undocumentedMembers(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	changed := strings.Replace(full, `"Builds the app"`, `"Builds it better"`, 1)
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(full))},
		resource.TestStep{
			PreConfig: func() {
				server.ChangeJob(id(t, server), func(spec map[string]any) {
					spec["build_cmd"] = "mvn package"
					environment := spec["environment_setting"].(map[string]any)
					environment["node_label"] = map[string]any{"size": json.Number("12345678901234567890")}
					environment["build_os"].(map[string]any)["kernel"] = "5.10"
					spec["code_repo"].(map[string]any)["hook"] = true
				})
			},
			Config:           providertest.Config(server, job(changed)),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
		},
	)
	var body struct {
		BuildCmd    string `json:"build_cmd"`
		Description string `json:"job_description"`
		Environment struct {
			NodeLabel json.RawMessage `json:"node_label"`
			BuildOS   struct {
				Kernel string `json:"kernel"`
			} `json:"build_os"`
		} `json:"environment_setting"`
		CodeRepo struct {
			Hook bool `json:"hook"`
		} `json:"code_repo"`
	}
	if err := json.Unmarshal(sentBody(t, server, http.MethodPut), &body); err != nil {
		t.Fatal(err)
	}
	if body.BuildCmd != "mvn package" || string(body.Environment.NodeLabel) != `{"size":12345678901234567890}` ||
		body.Environment.BuildOS.Kernel != "5.10" || !body.CodeRepo.Hook || body.Description != "Builds it better" {
		t.Errorf("the update sends %+v", body)
	}
}

// An update in which only the timeouts differ sends nothing.
func TestBuildJob_onlyTimeouts(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(full))},
		resource.TestStep{
			Config:           providertest.Config(server, job(strings.Replace(full, `update = "1m"`, `update = "2m"`, 1))),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
			Check:            expectRequests(t, server, map[string]int{"PUT " + jobPath: 0}),
		},
	)
}

const repository = `
  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/app"
    branch    = "main"
    namespace = "acme"
  }
`

// The same on create is a warning: an error would taint the new job, and Terraform would destroy it. The next plan shows it.
func TestBuildJob_createNotTakenOver(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{IgnoreEnterpriseProject: true}})
	providertest.Run(t, server,
		resource.TestStep{
			Config:             providertest.Config(server, job(minimal+"enterprise_project_id = \"other\"\n")),
			ExpectNonEmptyPlan: true,
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PostApplyPostRefresh: []plancheck.PlanCheck{action(plancheck.ResourceActionUpdate)},
			},
			ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.StringExact("emulator-user"), "creator")},
		},
	)
}

// A timeout that is too short for anything can be mended by the configuration.
func TestBuildJob_tinyTimeouts(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(minimal+"timeouts {\nread = \"1ns\"\ndelete = \"1ns\"\n}\n"))},
		resource.TestStep{Config: providertest.Config(server, job(minimal))},
	)
}

// A build that runs between plan and apply changes last_build_id; the next read shows it, and no plan is disturbed.
func TestBuildJob_builtMeanwhile(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	changed := strings.Replace(minimal, `"app"`, `"app-2"`, 1)
	start := func() {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+jobsPath+"/"+id(t, server)+"/builds", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = maps.Clone(http.Header{"X-Auth-Token": {emulator.DefaultToken}})
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			t.Errorf("starting a build: HTTP %d", response.StatusCode)
		}
	}
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(minimal))},
		resource.TestStep{
			PreConfig: func() { server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: start}) },
			Config:    providertest.Config(server, job(changed)),
		},
		resource.TestStep{
			Config:            providertest.Config(server, job(changed)),
			ConfigPlanChecks:  planned(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.NotNull(), "last_build_id")},
		},
	)
}
