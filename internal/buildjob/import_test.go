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

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

func importing(id string) string {
	return "import {\n  to = " + address + "\n  id = \"" + id + "\"\n}\n"
}

// The name is exact, whatever the service's filter makes of it and wherever in the list the job is.
func TestBuildJob_importByName(t *testing.T) {
	t.Parallel()
	for mode, quirks := range listingModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			others := fill(server, 120)
			wanted := server.AddJob(map[string]any{"job_name": "job-1", "environment_setting": map[string]any{}})
			config := providertest.Config(server, job("job_name = \"job-1\"\nenvironment_setting {}")+importing("name/job-1"))
			providertest.Run(t, nil, resource.TestStep{
				Config:            config,
				ConfigPlanChecks:  planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop)),
				ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.StringExact(wanted), "job_id")},
			})
			if left := len(server.Jobs()); left != len(others) {
				t.Errorf("%d jobs are left, want all but the one that was imported and destroyed", left)
			}
		})
	}
}

func TestBuildJob_importInvalid(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	add := func(name string) string {
		return server.AddJob(map[string]any{"job_name": name, "environment_setting": map[string]any{}})
	}
	first, second := add("twice"), add("twice")
	similar, longer := add("App"), add("longer-name")
	const forms = `The import ID of a build job is one of: - its job_id, which has letters, digits, hyphens, underscores and dots, such as ` +
		`swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f - name/ and its exact job_name, such as name/checkout-service An identity has the job_id. `
	for name, c := range map[string]struct{ id, want string }{
		"several":          {"name/twice", `2 build jobs are named "twice". Select one by its job_id: ` + first + `, ` + second + `.`},
		"other case":       {"name/app", `Names are compared case-sensitively. Build jobs whose names differ in case: "App" (` + similar + `).`},
		"part of a name":   {"name/longer", `is named "longer". ServiceStage returned for this name: "longer-name" (` + longer + `).`},
		"none":             {"name/nobody", `No build job in the provider's region and project is named "nobody".`},
		"no name":          {"name/", forms + `Got: "name/".`},
		"an address":       {"https://example.com/x", forms + `Got: "https://example.com/x".`},
		"no job of the id": {"nosuchjob", `The provider's region and project have no build job with this ID. To import a build job by its name, use name/nosuchjob.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, nil, resource.TestStep{
				Config:      providertest.Config(server, job(minimal)+importing(c.id)),
				ExpectError: regexp.MustCompile(words(c.want)),
			})
		})
	}
}

// An empty ID is explained, and is no bug of the provider.
func TestBuildJob_emptyImportIDIsNoProviderBug(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", providertest.Requirement+job(minimal))
	_, stderr, err := cli.Run(t, "import", "-no-color", address, "")
	if err == nil || strings.Contains(stderr, "always an error in the provider") || !regexp.MustCompile(words("An identity has the job_id. Got an empty ID.")).MatchString(stderr) {
		t.Errorf("%v\n%s", err, stderr)
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("%d requests have reached the service, want none", len(requests))
	}
}

// A list that cannot be had is no list without the job.
func TestBuildJob_importByNameWithoutList(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
	server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobsPath, Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"no"}`})
	providertest.Run(t, nil, resource.TestStep{
		Config:      providertest.Config(server, job(minimal)+importing("name/app")),
		ExpectError: regexp.MustCompile(words(`Error searching for build job "app": HTTP 403: APIGW.0302`)),
	})
}
