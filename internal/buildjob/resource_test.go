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

const repository = `
  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/app"
    branch    = "main"
    namespace = "acme"
  }
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
  timeouts {
    create = "1m"
    read   = "1m"
    update = "1m"
    delete = "1m"
  }
` + repository

func id(t *testing.T, server *emulator.Server) string {
	t.Helper()
	jobs := server.Jobs()
	if len(jobs) != 1 {
		t.Fatalf("the service contains %d build jobs, want 1", len(jobs))
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

// The smallest build job through the CLI: created, imported, updated with every argument and back, created again after
// it was deleted outside Terraform, and destroyed.
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
				state(knownvalue.Null(), "code_repo"),
				state(knownvalue.Null(), "environment_setting", "use_public_cluster"),
			},
		},
		resource.TestStep{
			Config:       providertest.Config(server, job(minimal)),
			ResourceName: address,
			ImportState:  true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "job_id",
			ImportStateIdFunc:       func(*terraform.State) (string, error) { return id(t, server), nil },
			ImportStateVerifyIgnore: []string{"created_at"}, // The API returns it only on creation.
		},
		resource.TestStep{Config: providertest.Config(server, job(full))},
		resource.TestStep{
			Config:           providertest.Config(server, job(minimal)),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{
				state(knownvalue.Null(), "code_repo"),
				state(knownvalue.Null(), "environment_setting", "build_os"),
			},
		},
		resource.TestStep{
			PreConfig:        func() { server.RemoveJob(id(t, server)) },
			Config:           providertest.Config(server, job(minimal)),
			ConfigPlanChecks: planned(action(plancheck.ResourceActionCreate)),
		},
	)
	for method, want := range map[string]int{http.MethodPost: 2, http.MethodPut: 2, http.MethodDelete: 1} {
		if got := sent(server, method); got != want {
			t.Errorf("%d %s requests, want %d", got, method, want)
		}
	}
}

// sentBody returns the body of the last update.
func sentBody(t *testing.T, server *emulator.Server) []byte {
	t.Helper()
	var body []byte
	for _, request := range server.Requests() {
		if request.Method == http.MethodPut && strings.HasPrefix(request.Path, jobsPath) {
			body = request.Body
		}
	}
	if body == nil {
		t.Fatal("no update was sent")
	}
	return body
}

// After an import, an argument that is not configured plans one update that clears it, and then nothing.
func TestBuildJob_importThenClear(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	importID := server.AddJob(map[string]any{
		"job_name": "app", "job_description": "outside Terraform",
		"environment_setting": map[string]any{"cluster_name": "c"},
	})
	m := manage(t, server)
	m.Import(t, importID, nil).Expect(t)
	m.Converge(t, bare)
	for _, path := range []string{
		"job_description", "environment_setting.cluster_name", "environment_setting.use_public_cluster", "created_at",
	} {
		if got := m.Value(t, path); got != nil {
			t.Errorf("%s is %v", path, got)
		}
	}
	const want = `{"enterprise_project_id":"0","environment_setting":{"cluster_name":"","docker_version":""},` +
		`"job_description":"","job_name":"app"}`
	if got := string(sentBody(t, server)); got != want {
		t.Errorf("the body of the clearing update\n got %s\nwant %s", got, want)
	}
}

// Values that are unknown during planning pass all validators, and the build job is created with them.
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
