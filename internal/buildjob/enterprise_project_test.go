// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The resource's enterprise project overrides the provider's. Without both, the build job stays where it is.
func TestBuildJob_enterpriseProject(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	provider := func(project any) *providertest.Protocol {
		return providertest.NewProtocol(t, server, map[string]any{"enterprise_project_id": project})
	}
	unset, configured := provider(nil), provider("default")
	m := manage(t, server)
	move := func() {
		server.ChangeJob(id(t, server), func(spec map[string]any) { spec["enterprise_project_id"] = "moved" })
	}
	for i, step := range []struct {
		provider *providertest.Protocol
		project  any // The resource's.
		moved    bool
		want     string
	}{
		{unset, nil, false, "0"},
		{configured, nil, false, "default"},
		{configured, "own", false, "own"},
		{configured, nil, false, "default"},
		{unset, nil, false, "default"},
		{unset, nil, true, "moved"},
		{configured, nil, false, "default"},
		{configured, nil, true, "default"},
	} {
		if step.moved {
			move()
		}
		m.Protocol = step.provider
		m.Converge(t, bare.With("enterprise_project_id", step.project))
		got, sent := m.Value(t, "enterprise_project_id"), server.Jobs()[0].Spec["enterprise_project_id"]
		if got != step.want || i > 0 && sent != step.want {
			t.Errorf("step %d: the state has %v and the service %v, want %s", i, got, sent, step.want)
		}
	}
}

// The provider's enterprise project is not known yet: a job that is planned anyway gets it, and another waits for the
// next plan.
func TestBuildJob_enterpriseProjectUnknown(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := func(project, description string) string {
		config := providertest.Config(server, "resource \"terraform_data\" \"project\" { input = \""+project+"\" }\n"+
			job(minimal+"job_description = \""+description+"\"\n"))
		const block = "provider \"servicestage\" {"
		return strings.Replace(config, block, block+"\nenterprise_project_id = terraform_data.project.output", 1)
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
