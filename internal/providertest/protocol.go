// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package providertest

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Protocol calls a provider in the test process over protocol 6, also with calls that only newer CLIs make.
type Protocol struct {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer
	// Schemas is the response of GetProviderSchema.
	Schemas *tfprotov6.GetProviderSchemaResponse
	// Identities are the types of the resources' identities.
	Identities map[string]tftypes.Type
}

// NewProtocol returns a provider that is configured for the server. settings override the arguments of [Config]; nil
// removes one.
func NewProtocol(
	t testing.TB, server *emulator.Server, settings map[string]any, adjust ...func(*servicestage.Config),
) *Protocol {
	t.Helper()
	Prepare(t)
	provider, err := Factories(adjust...)["servicestage"]()
	check(t, err)
	actions, _ := provider.(tfprotov6.ActionServer)
	p := &Protocol{ProviderServer: provider, ActionServer: actions, Identities: map[string]tftypes.Type{}}
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

// Result is what a data source or an action returned.
type Result struct {
	Diagnostics
	// State has the attributes of a data source; nil after an error.
	State map[string]tftypes.Value
	// Progress has the messages of an action.
	Progress []string
}

// ReadData validates and reads a data source.
func (p *Protocol) ReadData(t *testing.T, name string, arguments Arguments) Result {
	t.Helper()
	typ := p.Schemas.DataSourceSchemas[name].ValueType()
	config := Encode(t, typ, arguments)
	valid, err := p.ValidateDataResourceConfig(t.Context(),
		&tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
	check(t, err)
	if diagnostics := Diagnostics(valid.Diagnostics); diagnostics.HasError() {
		return Result{Diagnostics: diagnostics}
	}
	read, err := p.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: config})
	check(t, err)
	return Result{Diagnostics: read.Diagnostics, State: Decode(t, typ, read.State)}
}

// Invoke validates and invokes an action.
func (p *Protocol) Invoke(ctx context.Context, t *testing.T, name string, arguments Arguments) Result {
	t.Helper()
	config := Encode(t, p.Schemas.ActionSchemas[name].Schema.ValueType(), arguments)
	valid, err := p.ValidateActionConfig(ctx,
		&tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
	check(t, err)
	if len(valid.Diagnostics) > 0 {
		return Result{Diagnostics: valid.Diagnostics}
	}
	return p.InvokeUnvalidated(ctx, t, name, arguments)
}

// InvokeUnvalidated invokes an action. Terraform does not validate arguments that were unknown during planning.
func (p *Protocol) InvokeUnvalidated(ctx context.Context, t *testing.T, name string, arguments Arguments) Result {
	t.Helper()
	config := Encode(t, p.Schemas.ActionSchemas[name].Schema.ValueType(), arguments)
	stream, err := p.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{ActionType: name, Config: config})
	check(t, err)
	var result Result
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			result.Progress = append(result.Progress, event.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			result.Diagnostics = event.Diagnostics
		}
	}
	return result
}

// Arguments are the arguments of a resource, a data source or an action by their paths, such as
// "environment_setting.cluster_id". Absent arguments are null.
type Arguments map[string]any

// Block is the value of a block.
var Block any = struct{}{}

// With returns a copy in which the value at the path is replaced; nil removes it.
func (a Arguments) With(path string, value any) Arguments {
	changed := maps.Clone(a)
	if changed[path] = value; value == nil {
		delete(changed, path)
	}
	return changed
}

// value returns an object. Attributes that are null have the values of computed, as in a state that Terraform proposes.
func (a Arguments) value(t testing.TB, typ tftypes.Type, computed map[string]tftypes.Value) tftypes.Value {
	t.Helper()
	used := 0
	var at func(path string, typ tftypes.Type) tftypes.Value
	at = func(path string, typ tftypes.Type) tftypes.Value {
		value, set := a[path]
		if set {
			used++
		}
		object, isObject := typ.(tftypes.Object)
		if !isObject || path != "" && value != Block {
			return tftypes.NewValue(typ, value)
		}
		attributes := map[string]tftypes.Value{}
		for name, attributeType := range object.AttributeTypes {
			attributes[name] = at(strings.TrimPrefix(path+"."+name, "."), attributeType)
			if known, ok := computed[name]; ok && path == "" && attributes[name].IsNull() {
				attributes[name] = known
			}
		}
		return tftypes.NewValue(typ, attributes)
	}
	value := at("", typ)
	if used != len(a) {
		t.Fatalf("%s lacks an attribute of %v", typ, a)
	}
	return value
}

// Encode returns an object with the given arguments.
func Encode(t testing.TB, typ tftypes.Type, arguments Arguments) *tfprotov6.DynamicValue {
	t.Helper()
	return EncodeValue(t, arguments.value(t, typ, nil))
}

// EncodeValue returns a value as a call of the protocol contains it.
func EncodeValue(t testing.TB, value tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(value.Type(), value)
	check(t, err)
	return &encoded
}

// DecodeValue returns a value that a call of the protocol contains.
func DecodeValue(t testing.TB, typ tftypes.Type, encoded *tfprotov6.DynamicValue) tftypes.Value {
	t.Helper()
	value, err := encoded.Unmarshal(typ)
	check(t, err)
	return value
}

// Decode returns the attributes of an object; nil if it is null or there is none.
func Decode(t testing.TB, typ tftypes.Type, encoded *tfprotov6.DynamicValue) map[string]tftypes.Value {
	t.Helper()
	if encoded == nil {
		return nil
	}
	var attributes map[string]tftypes.Value
	check(t, DecodeValue(t, typ, encoded).As(&attributes))
	return attributes
}

// Text returns a string attribute; "" if it is null or missing.
func Text(t testing.TB, attributes map[string]tftypes.Value, name string) string {
	t.Helper()
	var text string
	if value := attributes[name]; !value.IsNull() {
		check(t, value.As(&text))
	}
	return text
}

// check fails the test if a call failed without diagnostics.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
