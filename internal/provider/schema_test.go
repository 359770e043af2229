// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"maps"
	"os"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

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

// object is a JSON object without zero values, apart from versions, as the CLI writes it.
type object map[string]any

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	maps.DeleteFunc(o, func(name string, value any) bool {
		child, isObject := value.(object)
		return isObject && len(child) == 0 || name != "version" && (value == nil || reflect.ValueOf(value).IsZero())
	})
	return json.Marshal(map[string]any(o))
}

// objects encodes each of the schemas.
func objects[S any](schemas map[string]S, encode func(S) object) object {
	result := object{}
	for name, schema := range schemas {
		result[name] = encode(schema)
	}
	return result
}

// providerSchemas returns the schemas in the format of `providers schema -json`, with the provider name that the
// documentation generator requires.
func providerSchemas(t *testing.T) object {
	t.Helper()
	server := providerserver.NewProtocol6(provider.New("test")())()
	response, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	providertest.NoErrors(t, response.Diagnostics, err)
	identities, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	providertest.NoErrors(t, identities.Diagnostics, err)
	return object{"format_version": "1.0", "provider_schemas": object{"servicestage": object{
		"provider":                  schemaJSON(response.Provider),
		"resource_schemas":          objects(response.ResourceSchemas, schemaJSON),
		"data_source_schemas":       objects(response.DataSourceSchemas, schemaJSON),
		"list_resource_schemas":     objects(response.ListResourceSchemas, schemaJSON),
		"resource_identity_schemas": objects(identities.IdentitySchemas, identityJSON),
		"action_schemas": objects(response.ActionSchemas, func(action *tfprotov6.ActionSchema) object {
			return object{"block": blockJSON(action.Schema.Block)}
		}),
	}}}
}

func schemaJSON(schema *tfprotov6.Schema) object {
	return object{"version": schema.Version, "block": blockJSON(schema.Block)}
}

func identityJSON(schema *tfprotov6.ResourceIdentitySchema) object {
	attributes := object{}
	for _, attribute := range schema.IdentityAttributes {
		attributes[attribute.Name] = object{
			"type": attribute.Type, "description": attribute.Description,
			"required_for_import": attribute.RequiredForImport, "optional_for_import": attribute.OptionalForImport,
		}
	}
	return object{"version": schema.Version, "attributes": attributes}
}

func blockJSON(block *tfprotov6.SchemaBlock) object {
	nested := object{}
	for _, child := range block.BlockTypes {
		nested[child.TypeName] = object{
			"nesting_mode": strings.ToLower(child.Nesting.String()), "block": blockJSON(child.Block),
			"min_items": child.MinItems, "max_items": child.MaxItems,
		}
	}
	return object{
		"attributes": attributesJSON(block.Attributes), "block_types": nested, "deprecated": block.Deprecated,
		"description": block.Description, "description_kind": strings.ToLower(block.DescriptionKind.String()),
	}
}

func attributesJSON(attributes []*tfprotov6.SchemaAttribute) object {
	result := object{}
	for _, attribute := range attributes {
		encoded := object{
			"type": attribute.Type, "description": attribute.Description,
			"description_kind": strings.ToLower(attribute.DescriptionKind.String()),
			"required":         attribute.Required, "optional": attribute.Optional, "computed": attribute.Computed,
			"deprecated": attribute.Deprecated, "sensitive": attribute.Sensitive, "write_only": attribute.WriteOnly,
		}
		if nested := attribute.NestedType; nested != nil {
			encoded["nested_type"] = object{
				"attributes":   attributesJSON(nested.Attributes),
				"nesting_mode": strings.ToLower(nested.Nesting.String()),
			}
		}
		result[attribute.Name] = encoded
	}
	return result
}
