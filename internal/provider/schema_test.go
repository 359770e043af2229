// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"os"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const snapshot = "testdata/schema.json"

// The snapshot shows a change of the schema in review, and the documentation is generated from it.
func TestSchema_snapshot(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(providerSchemas(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	provider.Golden(t, snapshot, string(got)+"\n")
}

// The snapshot equals the schema that the CLI reports, as far as the CLI supports it.
func TestSchema_providersSchema(t *testing.T) {
	t.Parallel()
	cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
	cli.Write(t, "main.tf", providertest.Requirement)
	reported := decodeSchemas(t, []byte(succeed(t, cli, "providers", "schema", "-json")))
	written := readSnapshot(t)
	for kind, content := range reported {
		if !reflect.DeepEqual(content, written[kind]) {
			t.Errorf("%s: the CLI reports\n%v\nthe snapshot contains\n%v", kind, content, written[kind])
		}
	}
}

func readSnapshot(t *testing.T) map[string]any {
	t.Helper()
	content, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	return decodeSchemas(t, content)
}

// decodeSchemas returns the schemas of the only provider in the output of `providers schema -json`.
func decodeSchemas(t *testing.T, content []byte) map[string]any {
	t.Helper()
	var decoded struct {
		Schemas map[string]map[string]any `json:"provider_schemas"`
	}
	if err := json.Unmarshal(content, &decoded); err != nil || len(decoded.Schemas) != 1 {
		t.Fatalf("%v: %d providers, want 1", err, len(decoded.Schemas))
	}
	for _, schemas := range decoded.Schemas {
		return schemas
	}
	return nil
}

// Descriptions begin with a capital letter, a digit or code, and end with a full stop.
var sentence = regexp.MustCompile("(?s)^[A-Z0-9`].*\\.$")

// notFormulas matches other words than the usual ones for defaults, conflicts, environment variables and constraints.
var notFormulas = []*regexp.Regexp{
	regexp.MustCompile(`Defaults? (is|are|of)\b|Default:|(?i)\bby default\b`),
	regexp.MustCompile("Defaults to [^`t]"),
	regexp.MustCompile("(?i)conflicts with [^`]"),
	regexp.MustCompile(`(?i)environment variables?: |can also be given`),
	regexp.MustCompile(`\b(is|has) to be\b|(?i)must have at (least|most)`),
}

// Each argument, attribute, block, resource, data source, list resource and action has a description that follows the
// formulas.
func TestSchema_descriptions(t *testing.T) {
	t.Parallel()
	count := 0
	var walk func(name string, value any)
	walk = func(name string, value any) {
		object, _ := value.(map[string]any)
		for key, child := range object {
			walk(name+"."+key, child)
		}
		parent := path.Ext(strings.TrimSuffix(name, path.Ext(name)))
		_, isBlock := object["description_kind"]
		if !isBlock && parent != ".attributes" {
			return
		}
		count++
		description, _ := object["description"].(string)
		if !sentence.MatchString(description) {
			t.Errorf("%s: %q is not a sentence", name, description)
		}
		for _, wrong := range notFormulas {
			if match := wrong.FindString(description); match != "" {
				t.Errorf("%s: %q contains %q", name, description, match)
			}
		}
		if object["type"] == "bool" && object["optional"] == true && !strings.HasPrefix(description, "Whether ") {
			t.Errorf("%s: %q does not begin with Whether", name, description)
		}
	}
	walk("", readSnapshot(t))
	if count < 150 {
		t.Errorf("only %d descriptions were found", count)
	}
}

// providerSchemas returns the schemas in the format of `providers schema -json`, with the provider name that the
// documentation generator requires.
func providerSchemas(t *testing.T) *tfjson.ProviderSchemas {
	t.Helper()
	server := providerserver.NewProtocol6(provider.New("test")())()
	response, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, diagnostic := range response.Diagnostics {
		t.Errorf("%s: %s", diagnostic.Summary, diagnostic.Detail)
	}
	schema := &tfjson.ProviderSchema{
		ConfigSchema:      schemaJSON(t, response.Provider),
		ResourceSchemas:   map[string]*tfjson.Schema{},
		DataSourceSchemas: map[string]*tfjson.Schema{},

		ListResourceSchemas:     map[string]*tfjson.Schema{},
		ActionSchemas:           map[string]*tfjson.ActionSchema{},
		ResourceIdentitySchemas: identitiesJSON(t, server),
	}
	for name, resource := range response.ResourceSchemas {
		schema.ResourceSchemas[name] = schemaJSON(t, resource)
	}
	for name, dataSource := range response.DataSourceSchemas {
		schema.DataSourceSchemas[name] = schemaJSON(t, dataSource)
	}
	for name, list := range response.ListResourceSchemas {
		schema.ListResourceSchemas[name] = schemaJSON(t, list)
	}
	for name, action := range response.ActionSchemas {
		schema.ActionSchemas[name] = &tfjson.ActionSchema{Block: blockJSON(t, action.Schema.Block)}
	}
	return &tfjson.ProviderSchemas{
		FormatVersion: "1.0",
		Schemas:       map[string]*tfjson.ProviderSchema{"servicestage": schema},
	}
}

func identitiesJSON(t *testing.T, server tfprotov6.ProviderServer) map[string]*tfjson.IdentitySchema {
	t.Helper()
	response, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	providertest.NoErrors(t, response.Diagnostics, err)
	identities := map[string]*tfjson.IdentitySchema{}
	for name, schema := range response.IdentitySchemas {
		identity := &tfjson.IdentitySchema{
			Version: uint64(schema.Version), Attributes: map[string]*tfjson.IdentityAttribute{},
		}
		for _, attribute := range schema.IdentityAttributes {
			encoded := &tfjson.IdentityAttribute{
				Description: attribute.Description, RequiredForImport: attribute.RequiredForImport,
				OptionalForImport: attribute.OptionalForImport,
			}
			setType(t, &encoded.IdentityType, attribute.Type)
			identity.Attributes[attribute.Name] = encoded
		}
		identities[name] = identity
	}
	return identities
}

// setType sets the type of an attribute in the format of `providers schema -json`.
func setType(t *testing.T, target json.Unmarshaler, typ tftypes.Type) {
	t.Helper()
	encoded, err := json.Marshal(typ)
	if err == nil {
		err = target.UnmarshalJSON(encoded)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func schemaJSON(t *testing.T, schema *tfprotov6.Schema) *tfjson.Schema {
	t.Helper()
	return &tfjson.Schema{Version: uint64(schema.Version), Block: blockJSON(t, schema.Block)}
}

func blockJSON(t *testing.T, block *tfprotov6.SchemaBlock) *tfjson.SchemaBlock {
	t.Helper()
	result := &tfjson.SchemaBlock{
		Attributes:      attributesJSON(t, block.Attributes),
		NestedBlocks:    map[string]*tfjson.SchemaBlockType{},
		Description:     block.Description,
		DescriptionKind: tfjson.SchemaDescriptionKind(strings.ToLower(block.DescriptionKind.String())),
		Deprecated:      block.Deprecated,
	}
	for _, nested := range block.BlockTypes {
		result.NestedBlocks[nested.TypeName] = &tfjson.SchemaBlockType{
			NestingMode: tfjson.SchemaNestingMode(strings.ToLower(nested.Nesting.String())),
			Block:       blockJSON(t, nested.Block),
			MinItems:    uint64(nested.MinItems),
			MaxItems:    uint64(nested.MaxItems),
		}
	}
	return result
}

func attributesJSON(t *testing.T, attributes []*tfprotov6.SchemaAttribute) map[string]*tfjson.SchemaAttribute {
	t.Helper()
	result := map[string]*tfjson.SchemaAttribute{}
	for _, attribute := range attributes {
		encoded := &tfjson.SchemaAttribute{
			Description:     attribute.Description,
			DescriptionKind: tfjson.SchemaDescriptionKind(strings.ToLower(attribute.DescriptionKind.String())),
			Deprecated:      attribute.Deprecated,
			Required:        attribute.Required,
			Optional:        attribute.Optional,
			Computed:        attribute.Computed,
			Sensitive:       attribute.Sensitive,
			WriteOnly:       attribute.WriteOnly,
		}
		if nested := attribute.NestedType; nested != nil {
			encoded.AttributeNestedType = &tfjson.SchemaNestedAttributeType{
				Attributes:  attributesJSON(t, nested.Attributes),
				NestingMode: tfjson.SchemaNestingMode(strings.ToLower(nested.Nesting.String())),
			}
		} else {
			setType(t, &encoded.AttributeType, attribute.Type)
		}
		result[attribute.Name] = encoded
	}
	return result
}
