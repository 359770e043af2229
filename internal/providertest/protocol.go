// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package providertest

import (
	"maps"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Protocol speaks protocol 6 with a provider in the test process, as CLIs do that are newer than the one at hand.
type Protocol struct {
	tfprotov6.ProviderServer
	// Schemas are what the provider answers for GetProviderSchema.
	Schemas *tfprotov6.GetProviderSchemaResponse
	// Identities are the types of the resources' identities.
	Identities map[string]tftypes.Type
}

// NewProtocol returns a provider whose settings lead to the server. settings are added to those of [Config], and replace them; nil
// takes one away.
func NewProtocol(t *testing.T, server *emulator.Server, settings map[string]any, adjust ...func(*servicestage.Config)) *Protocol {
	t.Helper()
	Prepare(t)
	provider, err := Factories(adjust...)["servicestage"]()
	if err != nil {
		t.Fatal(err)
	}
	p := &Protocol{ProviderServer: provider, Identities: map[string]tftypes.Type{}}
	p.Schemas, err = provider.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	NoErrors(t, p.Schemas.Diagnostics, err)
	identities, err := provider.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	NoErrors(t, identities.Diagnostics, err)
	for name, schema := range identities.IdentitySchemas {
		p.Identities[name] = schema.ValueType()
	}
	all := map[string]any{
		"region": "cn-north-4", "project_id": "test-project",
		"access_key": emulator.DefaultAccessKey, "secret_key": emulator.DefaultSecretKey,
		"endpoints": map[string]tftypes.Value{"servicestage": tftypes.NewValue(tftypes.String, server.URL)},
	}
	maps.Copy(all, settings)
	configured, err := provider.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		TerraformVersion: "1.99.0", Config: Encode(t, p.Schemas.Provider.ValueType(), all),
	})
	NoErrors(t, configured.Diagnostics, err)
	return p
}

// NoErrors fails the test where a call failed. Warnings are no errors.
func NoErrors(t *testing.T, diagnostics []*tfprotov6.Diagnostic, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, diagnostic := range diagnostics {
		if diagnostic.Severity != tfprotov6.DiagnosticSeverityError {
			continue
		}
		t.Fatalf("%s: %s", diagnostic.Summary, diagnostic.Detail)
	}
}

// Encode is an object with the given attributes, and null for the others.
func Encode(t *testing.T, typ tftypes.Type, attributes map[string]any) *tfprotov6.DynamicValue {
	t.Helper()
	object, ok := typ.(tftypes.Object)
	if !ok {
		t.Fatalf("%s is no object", typ)
	}
	values := map[string]tftypes.Value{}
	for name, attributeType := range object.AttributeTypes {
		values[name] = tftypes.NewValue(attributeType, attributes[name])
	}
	for name := range attributes {
		if _, ok := values[name]; !ok {
			t.Fatalf("there is no attribute %s", name)
		}
	}
	encoded, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, values))
	if err != nil {
		t.Fatal(err)
	}
	return &encoded
}

// Decode is the attributes of an object; nil where that is null.
func Decode(t *testing.T, typ tftypes.Type, value *tfprotov6.DynamicValue) map[string]tftypes.Value {
	t.Helper()
	if value == nil {
		return nil
	}
	decoded, err := value.Unmarshal(typ)
	if err != nil {
		t.Fatal(err)
	}
	if decoded.IsNull() {
		return nil
	}
	var attributes map[string]tftypes.Value
	if err := decoded.As(&attributes); err != nil {
		t.Fatal(err)
	}
	return attributes
}

// Text is a string attribute; "" where it is null or missing.
func Text(t *testing.T, attributes map[string]tftypes.Value, name string) string {
	t.Helper()
	var text *string
	if value, ok := attributes[name]; ok && value.Type() != nil {
		if err := value.As(&text); err != nil {
			t.Fatal(err)
		}
	}
	if text == nil {
		return ""
	}
	return *text
}
