// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package providertest

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Instance is an instance of a resource that a test manages over the protocol as Terraform does, in a hundredth of the
// time of a CLI. A copy does not share its state with the original.
type Instance struct {
	*Protocol
	// Type is the type of the state.
	Type tftypes.Type
	// State is null if the instance does not exist.
	State    tftypes.Value
	Private  []byte
	Identity *tfprotov6.ResourceIdentityData

	name string
}

// NewInstance returns an instance of the resource that does not exist yet.
func (p *Protocol) NewInstance(name string) *Instance {
	typ := p.Schemas.ResourceSchemas[name].ValueType()
	return &Instance{Protocol: p, name: name, Type: typ, State: tftypes.NewValue(typ, nil)}
}

// NewIdentity returns an identity of the resource.
func (i *Instance) NewIdentity(t *testing.T, attributes Arguments) *tfprotov6.ResourceIdentityData {
	t.Helper()
	return &tfprotov6.ResourceIdentityData{IdentityData: Encode(t, i.Identities[i.name], attributes)}
}

// Import imports by the ID, or by an identity, and does not read.
func (i *Instance) Import(t *testing.T, id string, identity *tfprotov6.ResourceIdentityData) Diagnostics {
	t.Helper()
	response, err := i.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
		TypeName: i.name, ID: id, Identity: identity,
	})
	check(t, err)
	for _, imported := range response.ImportedResources {
		i.State, i.Private, i.Identity = DecodeValue(t, i.Type, imported.State), imported.Private, imported.Identity
	}
	return response.Diagnostics
}

// Refresh reads the instance. An error leaves the state as it is.
func (i *Instance) Refresh(t *testing.T) Diagnostics {
	t.Helper()
	if i.State.IsNull() {
		return nil
	}
	response, err := i.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: i.name, CurrentState: EncodeValue(t, i.State), Private: i.Private, CurrentIdentity: i.Identity,
	})
	check(t, err)
	diagnostics := Diagnostics(response.Diagnostics)
	if !diagnostics.HasError() {
		i.State = DecodeValue(t, i.Type, response.NewState)
		i.Private, i.Identity = response.Private, response.NewIdentity
	}
	return diagnostics
}

// Plan is a plan of an [Instance].
type Plan struct {
	Diagnostics
	// State is the planned state.
	State tftypes.Value
	// Replaces is true if the instance is planned to be replaced.
	Replaces bool

	config   tftypes.Value
	response *tfprotov6.PlanResourceChangeResponse
}

// Plan validates the arguments and plans without a refresh; nil plans a destroy. It reports whether the plan failed or
// differs from the state.
func (i *Instance) Plan(t *testing.T, arguments Arguments) (plan Plan, changes bool) {
	t.Helper()
	null := tftypes.NewValue(i.Type, nil)
	if arguments == nil {
		return i.PlanValues(t, null, null)
	}
	var attributes map[string]tftypes.Value
	check(t, i.State.As(&attributes))
	computed := map[string]tftypes.Value{}
	for _, attribute := range i.Schemas.ResourceSchemas[i.name].Block.Attributes {
		if known, ok := attributes[attribute.Name]; ok && attribute.Computed {
			computed[attribute.Name] = known
		}
	}
	return i.PlanValues(t, arguments.value(t, i.Type, nil), arguments.value(t, i.Type, computed))
}

// PlanValues is [Instance.Plan] with the configuration and the proposed state.
func (i *Instance) PlanValues(t *testing.T, config, proposed tftypes.Value) (plan Plan, changes bool) {
	t.Helper()
	encoded := EncodeValue(t, config)
	if !config.IsNull() {
		valid, err := i.ValidateResourceConfig(t.Context(),
			&tfprotov6.ValidateResourceConfigRequest{TypeName: i.name, Config: encoded})
		check(t, err)
		if diagnostics := Diagnostics(valid.Diagnostics); diagnostics.HasError() {
			return Plan{Diagnostics: diagnostics, State: i.State}, true
		}
	}
	response, err := i.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: i.name, Config: encoded, PriorState: EncodeValue(t, i.State), PriorPrivate: i.Private,
		PriorIdentity: i.Identity, ProposedNewState: EncodeValue(t, proposed),
	})
	check(t, err)
	plan = Plan{
		Diagnostics: response.Diagnostics, State: DecodeValue(t, i.Type, response.PlannedState),
		Replaces: len(response.RequiresReplace) > 0, config: config, response: response,
	}
	return plan, plan.HasError() || !plan.State.Equal(i.State)
}

// Apply plans without a refresh, and applies the plan; nil destroys. As Terraform does, it rejects a result that
// differs from the plan.
func (i *Instance) Apply(t *testing.T, arguments Arguments) Diagnostics {
	t.Helper()
	return i.ApplyContext(t.Context(), t, arguments)
}

// ApplyContext is [Instance.Apply] with a context, which ends the apply.
func (i *Instance) ApplyContext(ctx context.Context, t *testing.T, arguments Arguments) Diagnostics {
	t.Helper()
	plan, changes := i.Plan(t, arguments) //nolint:contextcheck // Only the apply is interrupted.
	if plan.HasError() || !changes {
		return plan.Diagnostics
	}
	response, err := i.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: i.name, Config: EncodeValue(t, plan.config), PriorState: EncodeValue(t, i.State),
		PlannedState: plan.response.PlannedState, PlannedPrivate: plan.response.PlannedPrivate,
		PlannedIdentity: plan.response.PlannedIdentity,
	})
	check(t, err)
	i.State, i.Private, i.Identity = DecodeValue(t, i.Type, response.NewState), response.Private, response.NewIdentity
	diagnostics := Diagnostics(response.Diagnostics)
	differences, err := plan.State.Diff(i.State)
	check(t, err)
	for _, difference := range differences {
		planned := difference.Value1
		if !diagnostics.HasError() && planned != nil && planned.IsFullyKnown() {
			t.Errorf("inconsistent result after apply: %s", difference)
		}
	}
	return diagnostics
}

// Converge refreshes and applies without an error, and requires that the next plan is empty. Warnings are allowed.
func (i *Instance) Converge(t *testing.T, arguments Arguments) {
	t.Helper()
	i.Refresh(t).Expect(t)
	NoErrors(t, i.Apply(t, arguments), nil)
	i.ExpectNoChange(t, arguments)
}

// ExpectNoChange fails the test if a plan before or after a refresh has a change.
func (i *Instance) ExpectNoChange(t *testing.T, arguments Arguments) {
	t.Helper()
	for _, when := range []string{"before", "after"} {
		if plan, changes := i.Plan(t, arguments); changes {
			t.Errorf("plan %s a refresh: %v\n got %s\nfrom %s", when, plan.Diagnostics, plan.State, i.State)
		}
		i.Refresh(t).Expect(t)
	}
}

// Value returns an attribute or a block of the state by its path: a string, a bool or [Block]; nil if it is null.
func (i *Instance) Value(t *testing.T, path string) any {
	t.Helper()
	at := tftypes.NewAttributePath()
	for name := range strings.SplitSeq(path, ".") {
		at = at.WithAttributeName(name)
	}
	found, _, err := tftypes.WalkAttributePath(i.State, at)
	value, _ := found.(tftypes.Value)
	var text string
	var flag bool
	switch {
	case err != nil || value.IsNull():
		return nil
	case value.As(&text) == nil:
		return text
	case value.As(&flag) == nil:
		return flag
	}
	return Block
}
