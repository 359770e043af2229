// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// plans contains two servers with one configuration: the provider's, which plans unchanged instances itself, and the
// framework's.
type plans struct {
	provider, framework tfprotov6.ProviderServer
	schemas             *tfprotov6.GetProviderSchemaResponse
	identities          map[string]*tfprotov6.ResourceIdentitySchema
}

func newPlans(t testing.TB, defaultProject any) plans {
	t.Helper()
	p := plans{provider: provider.NewServer("test")(), framework: providerserver.NewProtocol6(provider.New("test")())()}
	for _, server := range []tfprotov6.ProviderServer{p.provider, p.framework} {
		var err error
		if p.schemas, err = server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{}); err != nil {
			t.Fatal(err)
		}
		req := &tfprotov6.GetResourceIdentitySchemasRequest{}
		identities, err := server.GetResourceIdentitySchemas(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		p.identities = identities.IdentitySchemas
		config := providertest.Encode(t, p.schemas.Provider.ValueType(), map[string]any{
			"region": "cn-north-4", "token": "token", "enterprise_project_id": defaultProject,
		})
		resp, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{Config: config})
		if err != nil || len(resp.Diagnostics) > 0 {
			t.Fatal(err, resp.Diagnostics)
		}
	}
	return p
}

func dynamic(t testing.TB, value tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(value.Type(), value)
	if err != nil {
		t.Fatal(err)
	}
	return &encoded
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

// The response for an unchanged instance equals the framework's for each state, identity and private state.
func FuzzUnchangedPlan(f *testing.F) {
	servers := map[string]plans{}
	for name, project := range map[string]any{"none": nil, "default": "eps", "unknown": tftypes.UnknownValue} {
		servers[name] = newPlans(f, project)
	}
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		for name, p := range servers {
			for typeName, schema := range p.schemas.ResourceSchemas {
				state := randomValue(random, schema.ValueType(), false)
				prior := dynamic(t, state)
				req := &tfprotov6.PlanResourceChangeRequest{
					TypeName: typeName, PriorState: prior, ProposedNewState: dynamic(t, state),
					Config: dynamic(t, configOf(t, schema, state)),
				}
				if random.IntN(4) > 0 {
					private, err := json.Marshal(map[string][]byte{
						"build_job": []byte(`{"region":"cn-north-4"}`),
						"other":     []byte(`[1]`),
					})
					if err != nil {
						t.Fatal(err)
					}
					req.PriorPrivate = private
				}
				if random.IntN(2) > 0 {
					identity := randomValue(random, p.identities[typeName].ValueType(), false)
					req.PriorIdentity = &tfprotov6.ResourceIdentityData{IdentityData: dynamic(t, identity)}
				}
				want, err := p.framework.PlanResourceChange(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				got, err := p.provider.PlanResourceChange(t.Context(), req)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s, project %s, seed %d: %v\n got %+v\nwant %+v", typeName, name, seed, err, got, want)
				}
				isShort := got.PlannedState == prior
				if isShort && (name != "none" || typeName != "servicestage_build_job") {
					t.Errorf("%s, project %s: the framework was not called", typeName, name)
				}
			}
		}
	})
}

// An unchanged build job is planned without the framework, on CLIs with and without identities.
func TestUnchangedPlan_frameworkIsNotCalled(t *testing.T) {
	t.Parallel()
	p := newPlans(t, nil)
	const typeName = "servicestage_build_job"
	schema := p.schemas.ResourceSchemas[typeName]
	state := randomValue(rand.New(rand.NewPCG(1, 0)), schema.ValueType(), false)
	known := randomValue(rand.New(rand.NewPCG(2, 0)), p.identities[typeName].ValueType(), false)
	for _, identity := range []*tfprotov6.ResourceIdentityData{nil, {IdentityData: dynamic(t, known)}} {
		prior := dynamic(t, state)
		req := &tfprotov6.PlanResourceChangeRequest{
			TypeName: typeName, PriorState: prior, ProposedNewState: dynamic(t, state),
			Config:       dynamic(t, configOf(t, schema, state)),
			PriorPrivate: []byte(`{"build_job":"e30="}`), PriorIdentity: identity,
		}
		var resp *tfprotov6.PlanResourceChangeResponse
		for range 2 { // The first call without an identity learns how the framework encodes a null one.
			var err error
			if resp, err = p.provider.PlanResourceChange(t.Context(), req); err != nil {
				t.Fatal(err)
			}
		}
		if resp.PlannedState != prior {
			t.Error("the framework was called")
		}
	}
}
