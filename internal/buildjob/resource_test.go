// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	address  = "servicestage_build_job.test"
	jobsPath = "/assembling/v1/jobs"
	jobPath  = "/assembling/v1/jobs/*"
)

// job is a resource block with the given arguments and blocks.
func job(body string) string {
	return "resource \"servicestage_build_job\" \"test\" {\n" + body + "\n}\n"
}

// minimal is the smallest job.
const minimal = `
  job_name = "app"
  environment_setting {}
`

// full sets every argument.
const full = `
  job_name              = "app"
  job_description       = "Builds the app"
  enterprise_project_id = "0"
  environment_setting {
    docker_version     = "18.09"
    cluster_id         = "cluster-id"
    cluster_name       = "cluster-name"
    use_public_cluster = true
    build_os { arch = "aarch64" }
  }
  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/app"
    branch    = "main"
    namespace = "acme"
  }
  timeouts {
    create = "1m"
    read   = "1m"
    update = "1m"
    delete = "1m"
  }
`

func id(t *testing.T, server *emulator.Server) string {
	t.Helper()
	jobs := server.Jobs()
	if len(jobs) != 1 {
		t.Fatalf("the service holds %d jobs, not one", len(jobs))
	}
	return jobs[0].ID
}

func at(steps ...string) tfjsonpath.Path {
	path := tfjsonpath.New(steps[0])
	for _, step := range steps[1:] {
		path = path.AtMapKey(step)
	}
	return path
}

func state(value knownvalue.Check, steps ...string) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, at(steps...), value)
}

func planned(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

func action(action plancheck.ResourceActionType) plancheck.PlanCheck {
	return plancheck.ExpectResourceAction(address, action)
}

// expectRequests fails unless exactly these numbers of requests have reached the service since the record was emptied.
func expectRequests(t *testing.T, server *emulator.Server, want map[string]int) resource.TestCheckFunc {
	t.Helper()
	return func(*terraform.State) error {
		for call, count := range want {
			method, path, _ := strings.Cut(call, " ")
			if got := server.CountRequests(method, path); got != count {
				t.Errorf("%s: %d requests, want %d", call, got, count)
			}
		}
		return nil
	}
}

func TestBuildJob_basic(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	providertest.Run(t, server,
		resource.TestStep{
			Config: providertest.Config(server, job(minimal)),
			ConfigPlanChecks: planned(
				action(plancheck.ResourceActionCreate),
				plancheck.ExpectUnknownValue(address, at("job_id")),
				plancheck.ExpectUnknownValue(address, at("creator")),
				plancheck.ExpectUnknownValue(address, at("created_at")),
				plancheck.ExpectUnknownValue(address, at("last_build_id")),
				plancheck.ExpectUnknownValue(address, at("enterprise_project_id")),
				plancheck.ExpectKnownValue(address, at("environment_setting", "docker_version"), knownvalue.Null()),
				plancheck.ExpectKnownValue(address, at("code_repo"), knownvalue.Null()),
			),
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.StringRegexp(regexp.MustCompile(`^[a-z0-9]{40}$`)), "job_id"),
				state(knownvalue.StringExact("app"), "job_name"),
				state(knownvalue.StringExact("emulator-user"), "creator"),
				state(knownvalue.StringRegexp(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`)), "created_at"),
				state(knownvalue.StringExact("0"), "enterprise_project_id"),
				state(knownvalue.Null(), "last_build_id"),
				state(knownvalue.Null(), "job_description"),
				state(knownvalue.Null(), "code_repo"),
				state(knownvalue.Null(), "environment_setting", "build_os"),
				state(knownvalue.Null(), "environment_setting", "use_public_cluster"),
			},
			Check: expectRequests(t, server, map[string]int{"POST " + jobsPath: 1, "PUT " + jobPath: 0}),
		},
		resource.TestStep{
			Config:       providertest.Config(server, job(minimal)),
			ResourceName: address,
			ImportState:  true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "job_id",
			ImportStateIdFunc:       func(*terraform.State) (string, error) { return id(t, server), nil },
			ImportStateVerifyIgnore: []string{"created_at"}, // The service says it only when it creates the job.
		},
	)
	if sent := server.CountRequests(http.MethodDelete, jobPath); sent != 1 {
		t.Errorf("%d DELETE requests, want 1", sent)
	}
}

func TestBuildJob_full(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := providertest.Config(server, job(full))
	providertest.Run(t, server,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.StringExact("Builds the app"), "job_description"),
				state(knownvalue.ObjectExact(map[string]knownvalue.Check{
					"docker_version":     knownvalue.StringExact("18.09"),
					"cluster_id":         knownvalue.StringExact("cluster-id"),
					"cluster_name":       knownvalue.StringExact("cluster-name"),
					"use_public_cluster": knownvalue.Bool(true),
					"build_os":           knownvalue.ObjectExact(map[string]knownvalue.Check{"arch": knownvalue.StringExact("aarch64")}),
				}), "environment_setting"),
				state(knownvalue.ObjectExact(map[string]knownvalue.Check{
					"type":      knownvalue.StringExact("GitHub"),
					"url":       knownvalue.StringExact("https://github.com/acme/app"),
					"branch":    knownvalue.StringExact("main"),
					"namespace": knownvalue.StringExact("acme"),
				}), "code_repo"),
			},
		},
		resource.TestStep{
			Config:       config,
			ResourceName: address,
			ImportState:  true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "job_id",
			ImportStateIdFunc: func(*terraform.State) (string, error) { return id(t, server), nil },
			// The service says created_at only when it creates the job, and has no timeouts.
			ImportStateVerifyIgnore: []string{"created_at", "timeouts"},
		},
	)
	body := string(sentBody(t, server, http.MethodPost))
	const want = `{"job_name":"app","job_description":"Builds the app",` +
		`"environment_setting":{"docker_version":"18.09","cluster_id":"cluster-id","cluster_name":"cluster-name",` +
		`"use_public_cluster":true,"build_os":{"arch":"aarch64"}},` +
		`"code_repo":{"type":"GitHub","url":"https://github.com/acme/app","branch":"main","namespace":"acme"},` +
		`"enterprise_project_id":"0"}`
	if body != want {
		t.Errorf("the body of create\n got %s\nwant %s", body, want)
	}
}

// sentBody is the body of the last request of its kind.
func sentBody(t *testing.T, server *emulator.Server, method string) []byte {
	t.Helper()
	var body []byte
	for _, request := range server.Requests() {
		if request.Method == method && strings.HasPrefix(request.Path, jobsPath) {
			body = request.Body
		}
	}
	if body == nil {
		t.Fatalf("no %s request has reached the jobs", method)
	}
	return body
}

func TestBuildJob_disappears(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := providertest.Config(server, job(minimal))
	providertest.Run(t, server,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() { server.RemoveJob(id(t, server)) },
			Config:    config,
			ConfigPlanChecks: planned(
				action(plancheck.ResourceActionCreate),
			),
		},
	)
}

// Somebody else deletes the job after the refresh: destroying it is a success all the same.
func TestBuildJob_deleteAlreadyGone(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := providertest.Config(server, job(minimal))
	providertest.Run(t, server,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				gone := id(t, server)
				server.InjectFault(emulator.Fault{Method: http.MethodDelete, Path: jobPath, Do: func() { server.RemoveJob(gone) }})
			},
			Config:  config,
			Destroy: true,
		},
	)
}

func TestBuildJob_importByBlock(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{"GitHub", "Github", "github"} {
		t.Run(spelling, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{NormaliseRepoType: true, FillDefaults: true}})
			config := strings.ReplaceAll(full, `"GitHub"`, `"`+spelling+`"`)
			config, _, _ = strings.Cut(config, "  timeouts {")
			importID := server.AddJob(map[string]any{
				"job_name": "app", "job_description": "Builds the app", "enterprise_project_id": "0",
				"environment_setting": map[string]any{
					"docker_version": "18.09", "cluster_id": "cluster-id", "cluster_name": "cluster-name",
					"use_public_cluster": true, "build_os": map[string]any{"arch": "aarch64"},
				},
				"code_repo": map[string]any{
					"type": "GitHub", "url": "https://github.com/acme/app", "branch": "main", "namespace": "acme",
				},
			})
			block := "import {\n  to = " + address + "\n  id = \"" + importID + "\"\n}\n"
			providertest.Run(t, server,
				resource.TestStep{
					Config:           providertest.Config(server, job(config)+block),
					ConfigPlanChecks: planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop)),
					Check:            expectRequests(t, server, map[string]int{"POST " + jobsPath: 0, "PUT " + jobPath: 0}),
				},
				resource.TestStep{
					Config:           providertest.Config(server, job(config)),
					ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan()),
				},
			)
		})
	}
}

// The console gives names that the API's rule refuses: they plan without a word until they are renamed.
func TestBuildJob_importOddName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	importID := server.AddJob(map[string]any{"job_name": "1", "environment_setting": map[string]any{}})
	block := "import {\n  to = " + address + "\n  id = \"" + importID + "\"\n}\n"
	odd := strings.Replace(minimal, `"app"`, `"1"`, 1)
	providertest.Run(t, server,
		resource.TestStep{
			Config:           providertest.Config(server, job(odd)+block),
			ConfigPlanChecks: planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop)),
		},
		resource.TestStep{
			Config:           providertest.Config(server, job(odd+`job_description = "still odd"`)),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
		},
		resource.TestStep{
			Config:      providertest.Config(server, job(strings.Replace(minimal, `"app"`, `"2"`, 1))),
			ExpectError: regexp.MustCompile(`Invalid job name`),
		},
	)
}

func TestBuildJob_importUnknownID(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for name, c := range map[string]struct{ id, want string }{
		"gone":      {"nosuchjob", `No such build job`},
		"malformed": {"a/b", `Invalid import ID`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, server, resource.TestStep{
				Config:      providertest.Config(server, job(minimal)+"import {\n  to = "+address+"\n  id = \""+c.id+"\"\n}\n"),
				ExpectError: regexp.MustCompile(c.want),
			})
		})
	}
}

// After an import, an argument on which the configuration is silent plans one clearing update, and then nothing.
func TestBuildJob_importThenClear(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	importID := server.AddJob(map[string]any{
		"job_name": "app", "job_description": "by hand", "environment_setting": map[string]any{"cluster_name": "c"},
	})
	block := "import {\n  to = " + address + "\n  id = \"" + importID + "\"\n}\n"
	providertest.Run(t, server,
		resource.TestStep{
			Config:           providertest.Config(server, job(minimal)+block),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.Null(), "job_description"),
				state(knownvalue.Null(), "environment_setting", "cluster_name"),
				state(knownvalue.Null(), "environment_setting", "use_public_cluster"),
				state(knownvalue.Null(), "created_at"),
			},
		},
		resource.TestStep{
			Config:           providertest.Config(server, job(minimal)),
			ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan()),
		},
	)
	const want = `{"enterprise_project_id":"0","environment_setting":{"cluster_name":"","docker_version":""},"job_description":"","job_name":"app"}`
	if got := string(sentBody(t, server, http.MethodPut)); got != want {
		t.Errorf("the body of the clearing update\n got %s\nwant %s", got, want)
	}
}

// A second plan is empty in whatever way the service answers what was never said, and so is a plan after an update.
func TestBuildJob_noChange(t *testing.T) {
	t.Parallel()
	modes := map[string]emulator.Quirks{"none": {}, "all answers": {
		FillDefaults: true, EmptyStrings: true, NormaliseRepoType: true, CreatorString: true, KeepOmitted: true,
	}}
	for _, name := range emulator.QuirkNames() {
		quirks, err := emulator.ParseQuirks(name)
		if err != nil {
			t.Fatal(err)
		}
		modes[name] = quirks
	}
	odd := strings.ReplaceAll(full, `"GitHub"`, `"gitHUB"`)
	for name, quirks := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for shape, body := range map[string]string{"minimal": minimal, "full": odd} {
				t.Run(shape, func(t *testing.T) {
					t.Parallel()
					server := emulator.New(t, emulator.Options{Quirks: quirks})
					config := providertest.Config(server, job(body))
					changed := providertest.Config(server, job(strings.Replace(body, "environment_setting {", "environment_setting {\ndocker_version = \"20\"\n", 1)))
					if shape == "full" {
						changed = strings.Replace(config, `"18.09"`, `"20"`, 1)
					}
					providertest.Run(t, server,
						resource.TestStep{Config: config},
						resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
						resource.TestStep{Config: changed, ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate))},
						resource.TestStep{Config: changed, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
					)
				})
			}
		})
	}
}

// What the configuration writes as empty stays as it is written.
func TestBuildJob_writtenEmpty(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]emulator.Quirks{"absent": {}, "empty strings": {EmptyStrings: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			config := providertest.Config(server, job(`
  job_name        = "app"
  job_description = ""
  environment_setting {
    cluster_id = ""
    build_os {}
  }
`))
			providertest.Run(t, server,
				resource.TestStep{
					Config: config,
					ConfigStateChecks: []statecheck.StateCheck{
						state(knownvalue.StringExact(""), "job_description"),
						state(knownvalue.StringExact(""), "environment_setting", "cluster_id"),
						state(knownvalue.ObjectExact(map[string]knownvalue.Check{"arch": knownvalue.Null()}), "environment_setting", "build_os"),
					},
				},
				resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
			)
		})
	}
}

// Values that are known only after apply pass all validators, and the job is made with them.
func TestBuildJob_unknown(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.Config(server, `
resource "terraform_data" "later" {
  input = { name = "app", arch = "x86_64", url = "https://github.com/acme/app", branches = ["main"] }
}
`+job(`
  job_name        = terraform_data.later.output.name
  job_description = terraform_data.later.output.name
  environment_setting {
    build_os { arch = terraform_data.later.output.arch }
  }
  dynamic "code_repo" {
    for_each = terraform_data.later.output.branches
    content {
      type      = "GitHub"
      url       = terraform_data.later.output.url
      branch    = code_repo.value
      namespace = "acme"
    }
  }
`)),
		ConfigStateChecks: []statecheck.StateCheck{
			state(knownvalue.StringExact("app"), "job_name"),
			state(knownvalue.StringExact("main"), "code_repo", "branch"),
		},
	})
}

// An unknown name or URL is checked as soon as it is known, before any request.
func TestBuildJob_unknownThenInvalid(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.Config(server, `
resource "terraform_data" "later" { input = "https://user:canary-secret@github.com/acme/app" }
`+job(minimal+`
  code_repo {
    type      = "GitHub"
    url       = terraform_data.later.output
    branch    = "main"
    namespace = "acme"
  }
`)),
		ExpectError: regexp.MustCompile(`Secret in repository URL`),
	})
	if sent := server.CountRequests(http.MethodPost, jobsPath); sent != 0 {
		t.Errorf("%d POST requests, want none", sent)
	}
}
