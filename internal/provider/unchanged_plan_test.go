// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// frameworkServer returns the provider as the framework serves it, with the configuration.
func frameworkServer(t testing.TB, config *tfprotov6.DynamicValue) tfprotov6.ProviderServer {
	t.Helper()
	server := providerserver.NewProtocol6(provider.New("test")())()
	resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
	providertest.NoErrors(t, resp.Diagnostics, err)
	return server
}

// randomValue returns a value of the type: null, empty, or one of a few values, at each depth.
func randomValue(random *rand.Rand, typ tftypes.Type, nullable bool) tftypes.Value {
	if nullable && random.IntN(3) == 0 {
		return tftypes.NewValue(typ, nil)
	}
	switch typ := typ.(type) {
	case tftypes.Object:
		attributes := map[string]tftypes.Value{}
		for name, attribute := range typ.AttributeTypes {
			attributes[name] = randomValue(random, attribute, true)
		}
		return tftypes.NewValue(typ, attributes)
	case tftypes.Map:
		return tftypes.NewValue(typ, map[string]tftypes.Value{"a": randomValue(random, typ.ElementType, false)})
	case tftypes.List:
		return tftypes.NewValue(typ, []tftypes.Value{})
	}
	switch {
	case typ.Is(tftypes.Bool):
		return tftypes.NewValue(typ, random.IntN(2) == 0)
	case typ.Is(tftypes.Number):
		return tftypes.NewValue(typ, random.IntN(9))
	}
	texts := []string{"", "app", "5m", "GitHub", "https://xxxxx@github.com/acme/app", "1-odd-"}
	return tftypes.NewValue(typ, texts[random.IntN(len(texts))])
}

// configOf returns the configuration for the state, in which computed attributes are null.
func configOf(t testing.TB, schema *tfprotov6.Schema, state tftypes.Value) tftypes.Value {
	t.Helper()
	attributes := map[string]tftypes.Value{}
	if err := state.As(&attributes); err != nil {
		t.Fatal(err)
	}
	for _, attribute := range schema.Block.Attributes {
		if attribute.Computed {
			attributes[attribute.Name] = tftypes.NewValue(attribute.Type, nil)
		}
	}
	return tftypes.NewValue(state.Type(), attributes)
}

// The response for an unchanged instance equals the framework's for each state, identity and private state. The
// framework is not called for build jobs, unless there may be a default enterprise project.
func FuzzUnchangedPlan(f *testing.F) {
	type servers struct {
		*providertest.Protocol

		framework tfprotov6.ProviderServer
	}
	byProject := map[string]servers{}
	for name, project := range map[string]any{"none": nil, "default": "eps", "unknown": tftypes.UnknownValue} {
		settings := map[string]any{"region": "cn-north-4", "token": "token", "enterprise_project_id": project}
		p := providertest.NewProtocol(f, emulator.New(f, emulator.Options{}), settings)
		config := providertest.Encode(f, p.Schemas.Provider.ValueType(), settings)
		byProject[name] = servers{p, frameworkServer(f, config)}
	}
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		for name, s := range byProject {
			for typeName, schema := range s.Schemas.ResourceSchemas {
				state := randomValue(random, schema.ValueType(), false)
				prior := providertest.EncodeValue(t, state)
				req := &tfprotov6.PlanResourceChangeRequest{
					TypeName: typeName, PriorState: prior, ProposedNewState: providertest.EncodeValue(t, state),
					Config: providertest.EncodeValue(t, configOf(t, schema, state)),
				}
				if random.IntN(4) > 0 {
					req.PriorPrivate = []byte(`{"build_job":"eyJyZWdpb24iOiJjbi1ub3J0aC00In0=","other":"WzFd"}`)
				}
				if random.IntN(2) > 0 {
					identity := randomValue(random, s.Identities[typeName], false)
					req.PriorIdentity = &tfprotov6.ResourceIdentityData{
						IdentityData: providertest.EncodeValue(t, identity),
					}
				}
				want, err := s.framework.PlanResourceChange(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				var got *tfprotov6.PlanResourceChangeResponse
				for range 2 { // The first call without an identity learns how the framework encodes a null one.
					got, err = s.PlanResourceChange(t.Context(), req)
					if err != nil || !reflect.DeepEqual(got, want) {
						t.Fatalf("%s, project %s: %v\n got %+v\nwant %+v", typeName, name, err, got, want)
					}
				}
				isShort := got.PlannedState == prior
				if isShort != (name == "none" && typeName == jobType) {
					t.Errorf("%s, project %s: the framework was not called: %t", typeName, name, isShort)
				}
			}
		}
	})
}

// While provider arguments are unknown, Terraform defers changes if it allows that, also of an unchanged instance.
// Otherwise it shows a warning.
func TestPlan_unknownProviderArguments(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{true, false} {
		server := provider.NewServer("test")()
		schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
		providertest.NoErrors(t, nil, err)
		unknown := map[string]any{"region": tftypes.UnknownValue}
		configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
			Config:             providertest.Encode(t, schemas.Provider.ValueType(), unknown),
			ClientCapabilities: &tfprotov6.ConfigureProviderClientCapabilities{DeferralAllowed: allowed},
		})
		providertest.NoErrors(t, configured.Diagnostics, err)
		job := map[string]any{"job_name": "app", "environment_setting": providertest.Block}
		state := providertest.Encode(t, schemas.ResourceSchemas[jobType].ValueType(), job)
		planned, err := server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: jobType, PriorState: state, ProposedNewState: state, Config: state,
			ClientCapabilities: &tfprotov6.PlanResourceChangeClientCapabilities{DeferralAllowed: allowed},
		})
		providertest.NoErrors(t, planned.Diagnostics, err)
		if isDeferred, isWarned := planned.Deferred != nil, len(configured.Diagnostics) > 0; isDeferred != allowed ||
			isWarned == allowed {
			t.Errorf("deferral allowed: %t, deferred: %t, warning: %t", allowed, isDeferred, isWarned)
		}
	}
}
