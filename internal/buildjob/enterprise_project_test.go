// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

func TestBuildJob_enterpriseProject(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := func(provider, resource string) string {
		config := providertest.Config(server, job(minimal+resource))
		return strings.Replace(config, "provider \"servicestage\" {", "provider \"servicestage\" {\n"+provider, 1)
	}
	project := func(id string) statecheck.StateCheck {
		return state(knownvalue.StringExact(id), "enterprise_project_id")
	}
	providertest.Run(t, server,
		// What the service chose, the provider's default, the resource's own, and back.
		resource.TestStep{Config: config("", ""), ConfigStateChecks: []statecheck.StateCheck{project("0")}},
		resource.TestStep{
			Config: config(`enterprise_project_id = "default"`, ""),
			ConfigPlanChecks: planned(
				action(plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, at("enterprise_project_id"), knownvalue.StringExact("default")),
			),
			ConfigStateChecks: []statecheck.StateCheck{project("default")},
		},
		resource.TestStep{
			Config:            config(`enterprise_project_id = "default"`, "enterprise_project_id = \"own\"\n"),
			ConfigStateChecks: []statecheck.StateCheck{project("own")},
		},
		resource.TestStep{
			Config:            config(`enterprise_project_id = "default"`, ""),
			ConfigStateChecks: []statecheck.StateCheck{project("default")},
		},
		// Without any default the job stays where it is.
		resource.TestStep{Config: config("", ""), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
		resource.TestStep{
			PreConfig: func() {
				server.ChangeJob(id(t, server), func(spec map[string]any) { spec["enterprise_project_id"] = "moved" })
			},
			Config:            config("", ""),
			ConfigPlanChecks:  planned(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{},
		},
		// With a default, a move by somebody else is drift.
		resource.TestStep{
			Config:            config(`enterprise_project_id = "default"`, ""),
			ConfigPlanChecks:  planned(action(plancheck.ResourceActionUpdate)),
			ConfigStateChecks: []statecheck.StateCheck{project("default")},
		},
	)
}

// The provider's enterprise project is not known yet: a job that is planned anyway gets it, and another waits for the next plan.
func TestBuildJob_enterpriseProjectUnknown(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := func(project, description string) string {
		config := providertest.Config(server, "resource \"terraform_data\" \"project\" { input = \""+project+"\" }\n"+
			job(minimal+"job_description = \""+description+"\"\n"))
		return strings.Replace(config, "provider \"servicestage\" {", "provider \"servicestage\" {\nenterprise_project_id = terraform_data.project.output", 1)
	}
	project := func(id string) statecheck.StateCheck {
		return state(knownvalue.StringExact(id), "enterprise_project_id")
	}
	providertest.Run(t, server,
		resource.TestStep{Config: config("one", "a"), ConfigStateChecks: []statecheck.StateCheck{project("one")}},
		resource.TestStep{Config: config("two", "b"), ConfigStateChecks: []statecheck.StateCheck{project("two")}},
		resource.TestStep{
			Config: config("three", "b"), ExpectNonEmptyPlan: true,
			ConfigStateChecks: []statecheck.StateCheck{project("two")},
		},
		resource.TestStep{Config: config("three", "b"), ConfigStateChecks: []statecheck.StateCheck{project("three")}},
	)
}
