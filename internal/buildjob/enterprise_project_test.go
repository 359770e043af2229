// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

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
			server.ChangeJob(id(t, server), func(spec map[string]any) { spec["enterprise_project_id"] = "moved" })
		}
		m.Protocol = step.provider
		m.Converge(t, bare.With("enterprise_project_id", step.project))
		got, sent := m.Value(t, "enterprise_project_id"), server.Jobs()[0].Spec["enterprise_project_id"]
		if got != step.want || i > 0 && sent != step.want {
			t.Errorf("step %d: the state has %v and the service %v, want %s", i, got, sent, step.want)
		}
	}
}

// While the provider's enterprise project is unknown, an unchanged build job stays where it is, and the plan of a
// changed one has an unknown enterprise project.
func TestBuildJob_enterpriseProjectUnknown(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, bare)
	m.Protocol = providertest.NewProtocol(t, server, map[string]any{"enterprise_project_id": tftypes.UnknownValue})
	m.ExpectNoChange(t, bare)
	changed := bare.With("job_description", "x")
	for _, c := range []struct {
		arguments providertest.Arguments
		known     bool
	}{{changed, false}, {changed.With("enterprise_project_id", "own"), true}} {
		if plan, _ := m.Plan(t, c.arguments); plan.HasError() || plan.State.IsFullyKnown() != c.known {
			t.Errorf("%v: got %v, %s", c.arguments, plan, plan.State)
		}
	}
}
