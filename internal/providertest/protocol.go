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

// Protocol calls a provider in the test process over protocol 6, also with calls that only newer CLIs make.
type Protocol struct {
	tfprotov6.ProviderServer
	// Schemas is the response of GetProviderSchema.
	Schemas *tfprotov6.GetProviderSchemaResponse
	// Identities are the types of the resources' identities.
	Identities map[string]tftypes.Type
}

// NewProtocol returns a provider that is configured for the server. settings override the arguments of [Config]; nil removes one.
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

// NoErrors fails the test if a call failed. Warnings are not errors.
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

// Encode returns an object with the given attributes; the others are null.
func Encode(t testing.TB, typ tftypes.Type, attributes map[string]any) *tfprotov6.DynamicValue {
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

// Decode returns the attributes of an object; nil if it is null.
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

// Text returns a string attribute; "" if it is null or missing.
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
