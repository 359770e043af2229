// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package objectid_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// An ID that leads to another path is an error of its argument during planning.
func TestValidators_invalidIDIsRejected(t *testing.T) {
	t.Parallel()
	provider := providertest.NewProtocol(t, emulator.New(t, emulator.Options{}), nil)
	for _, id := range []string{"", "..", "../../v3/projects", "a/b", "a%2Fb"} {
		for name, argument := range map[string]string{
			"servicestage_build_job": "job_id", "servicestage_builds": "job_id", "servicestage_build": "build_id",
		} {
			config := providertest.Encode(t, provider.Schemas.DataSourceSchemas[name].ValueType(), map[string]any{argument: id})
			response, err := provider.ValidateDataResourceConfig(t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: config})
			if err != nil {
				t.Fatal(err)
			}
			expectRejected(t, "data "+name, argument, id, response.Diagnostics)
		}
		const name = "servicestage_build"
		config := providertest.Encode(t, provider.Schemas.ResourceSchemas[name].ValueType(), map[string]any{"job_id": id})
		response, err := provider.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: name, Config: config})
		if err != nil {
			t.Fatal(err)
		}
		expectRejected(t, "resource "+name, "job_id", id, response.Diagnostics)
	}
}

func expectRejected(t *testing.T, object, argument, id string, diagnostics []*tfprotov6.Diagnostic) {
	t.Helper()
	const want = "must be an ID, which contains only letters, digits, hyphens, underscores and dots"
	if len(diagnostics) != 1 || diagnostics[0].Attribute.String() != `AttributeName("`+argument+`")` || !strings.Contains(diagnostics[0].Detail, want) {
		t.Errorf("%s with %s %q: got %v", object, argument, id, diagnostics)
	}
}
