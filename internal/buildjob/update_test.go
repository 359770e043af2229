// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"regexp"
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

// argument is one argument of the resource, alone in its configuration.
type argument struct {
	// config is the job with %s where the argument stands.
	config string
	path   []string
	// first and second are values as they stand in the configuration; both are strings but for booleans.
	first, second string
	// cleared is what a PUT sends after the argument was removed: "" or nothing.
	cleared any
	// required arguments cannot be removed.
	required bool
}

func (a argument) with(value string) string {
	line := ""
	if value != "" {
		line = a.path[len(a.path)-1] + " = " + value
	}
	return strings.Replace(a.config, "%s", line, 1)
}

func check(literal string) knownvalue.Check {
	switch literal {
	case "":
		return knownvalue.Null()
	case "true", "false":
		return knownvalue.Bool(literal == "true")
	}
	return knownvalue.StringExact(strings.Trim(literal, `"`))
}

var arguments = map[string]argument{
	"job_name": {
		config: "%s\nenvironment_setting {}", path: []string{"job_name"},
		first: `"app"`, second: `"app-2"`, required: true,
	},
	"job_description": {
		config: "job_name = \"app\"\n%s\nenvironment_setting {}", path: []string{"job_description"},
		first: `"one"`, second: `"two"`, cleared: "",
	},
	"docker_version": {
		config: "job_name = \"app\"\nenvironment_setting {\n%s\n}", path: []string{"environment_setting", "docker_version"},
		first: `"18.09"`, second: `"20.10"`, cleared: "",
	},
	"cluster_id": {
		config: "job_name = \"app\"\nenvironment_setting {\n%s\n}", path: []string{"environment_setting", "cluster_id"},
		first: `"id-1"`, second: `"id-2"`, cleared: "",
	},
	"cluster_name": {
		config: "job_name = \"app\"\nenvironment_setting {\n%s\n}", path: []string{"environment_setting", "cluster_name"},
		first: `"name-1"`, second: `"name-2"`, cleared: "",
	},
	"use_public_cluster": {
		config: "job_name = \"app\"\nenvironment_setting {\n%s\n}", path: []string{"environment_setting", "use_public_cluster"},
		first: `true`, second: `false`,
	},
	"arch": {
		config: "job_name = \"app\"\nenvironment_setting {\nbuild_os {\n%s\n}\n}", path: []string{"environment_setting", "build_os", "arch"},
		first: `"x86_64"`, second: `"aarch64"`,
	},
}

func init() {
	const repo = "job_name = \"app\"\nenvironment_setting {}\ncode_repo {\n%s\n"
	others := map[string]string{
		"type": `type = "GitHub"`, "url": `url = "https://github.com/acme/app"`, "branch": `branch = "main"`, "namespace": `namespace = "acme"`,
	}
	for name := range others {
		lines := []string{repo}
		for other, line := range others {
			if other != name {
				lines = append(lines, line)
			}
		}
		arguments[name] = argument{
			config: strings.Join(append(lines, "}"), "\n"), path: []string{"code_repo", name},
			first: `"GitHub"`, second: `"GitLab"`, required: true,
		}
	}
}

// sent is what the last request of its kind says of an argument, and whether it says anything.
func sent(t *testing.T, server *emulator.Server, method string, path []string) (any, bool) {
	t.Helper()
	var value any
	if err := json.Unmarshal(sentBody(t, server, method), &value); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		object, _ := value.(map[string]any)
		var ok bool
		if value, ok = object[step]; !ok {
			return nil, false
		}
	}
	return value, true
}

// Each argument, alone: set, changed in place, changed by somebody else, and removed again.
func TestBuildJob_arguments(t *testing.T) {
	t.Parallel()
	for name, a := range arguments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			config := func(value string) string { return providertest.Config(server, job(a.with(value))) }
			steps := []resource.TestStep{
				{
					Config:            config(a.first),
					ConfigStateChecks: []statecheck.StateCheck{state(check(a.first), a.path...)},
				},
				{
					Config: config(a.second),
					ConfigPlanChecks: planned(
						action(plancheck.ResourceActionUpdate),
						plancheck.ExpectKnownValue(address, at(a.path...), check(a.second)),
						// Nothing else becomes unknown.
						plancheck.ExpectKnownValue(address, at("job_id"), knownvalue.NotNull()),
						plancheck.ExpectKnownValue(address, at("creator"), knownvalue.NotNull()),
						plancheck.ExpectKnownValue(address, at("last_build_id"), knownvalue.Null()),
					),
					ConfigStateChecks: []statecheck.StateCheck{state(check(a.second), a.path...)},
				},
				{
					PreConfig: func() {
						server.ChangeJob(id(t, server), func(spec map[string]any) {
							object := spec
							for _, step := range a.path[:len(a.path)-1] {
								object = object[step].(map[string]any)
							}
							if name == "use_public_cluster" {
								object[name] = true
							} else {
								object[a.path[len(a.path)-1]] = "by-hand"
							}
						})
					},
					Config:            config(a.second),
					ConfigPlanChecks:  planned(action(plancheck.ResourceActionUpdate)),
					ConfigStateChecks: []statecheck.StateCheck{state(check(a.second), a.path...)},
				},
			}
			if !a.required {
				steps = append(steps,
					resource.TestStep{
						Config: config(""),
						ConfigPlanChecks: planned(
							action(plancheck.ResourceActionUpdate),
							plancheck.ExpectKnownValue(address, at(a.path...), knownvalue.Null()),
						),
						ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.Null(), a.path...)},
					},
					resource.TestStep{Config: config(""), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
				)
			}
			providertest.Run(t, server, steps...)

			if created := server.CountRequests(http.MethodPost, jobsPath); created != 1 {
				t.Errorf("%d POST requests, want 1: every update is in place", created)
			}
			if a.required {
				return
			}
			value, ok := sent(t, server, http.MethodPut, a.path)
			if ok != (a.cleared != nil) || !reflect.DeepEqual(value, a.cleared) {
				t.Errorf("the clearing update sends %v (%t), want %v", value, ok, a.cleared)
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
		resource.TestStep{Config: without, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
		// Somebody else adds what the configuration is silent on: that is drift, and goes away again.
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
		resource.TestStep{Config: without, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
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
		resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
	)
}

// Spelling the type of a repository otherwise is no change, and a real change is one.
func TestBuildJob_repositoryType(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{NormaliseRepoType: true}})
	config := func(spelling string) string {
		return providertest.Config(server, job(strings.Replace(full, `"GitHub"`, `"`+spelling+`"`, 1)))
	}
	providertest.Run(t, server,
		resource.TestStep{
			Config:            config("Github"),
			ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.StringExact("Github"), "code_repo", "type")},
		},
		resource.TestStep{Config: config("GITHUB"), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
		resource.TestStep{Config: config("GitLab"), ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate))},
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
		resource.TestStep{Config: providertest.Config(server, job(changed)), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
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

// Every argument of the API is tested above.
func TestBuildJob_argumentsAreComplete(t *testing.T) {
	t.Parallel()
	for path := range servicestage.Arguments() {
		names := strings.Split(path, ".")
		if _, ok := arguments[names[len(names)-1]]; !ok && path != "enterprise_project_id" { // It has tests of its own.
			t.Errorf("%s is not tested", path)
		}
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

// A service that takes an argument with success and keeps another value: the update says so, with the argument's line, and
// the next plan still shows the difference.
func TestBuildJob_updateNotTakenOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		quirks          emulator.Quirks
		before, changed string
		want            string
	}{
		"job_name": {
			emulator.Quirks{IgnoreRename: true},
			minimal, strings.Replace(minimal, `"app"`, `"renamed"`, 1),
			`(?s)ServiceStage ignored an argument.*job_name *= "renamed"`,
		},
		"enterprise_project_id": {
			emulator.Quirks{IgnoreEnterpriseProject: true},
			minimal, minimal + "enterprise_project_id = \"other\"\n",
			`(?s)ServiceStage ignored an argument.*enterprise_project_id *= "other"`,
		},
		"code_repo": {
			emulator.Quirks{KeepOmitted: true},
			minimal + repository, minimal,
			`(?s)ServiceStage ignored an argument.*code_repo`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: c.quirks})
			providertest.Run(t, server,
				resource.TestStep{Config: providertest.Config(server, job(c.before))},
				resource.TestStep{Config: providertest.Config(server, job(c.changed)), ExpectError: regexp.MustCompile(c.want)},
				resource.TestStep{
					Config:             providertest.Config(server, job(c.changed)),
					PlanOnly:           true,
					ExpectNonEmptyPlan: true,
				},
				resource.TestStep{Config: providertest.Config(server, job(c.before)), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
			)
		})
	}
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

// A service that leaves out what is false says the same.
func TestBuildJob_falseIsAbsent(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{OmitFalse: true}})
	config := func(value string) string {
		return providertest.Config(server, job(strings.Replace(minimal, "{}", "{\nuse_public_cluster = "+value+"\n}", 1)))
	}
	providertest.Run(t, server,
		resource.TestStep{Config: config("false")},
		resource.TestStep{Config: config("false"), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
		resource.TestStep{Config: config("true"), ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate))},
		resource.TestStep{Config: config("false"), ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate))},
		resource.TestStep{Config: config("false"), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
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
