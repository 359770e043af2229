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
	expectRejected := func(object, argument string, diagnostics []*tfprotov6.Diagnostic, err error) {
		const want = "must be an ID, which contains only letters, digits, hyphens, underscores and dots"
		if err != nil || len(diagnostics) != 1 || !strings.Contains(diagnostics[0].Detail, want) ||
			diagnostics[0].Attribute.String() != `AttributeName("`+argument+`")` {
			t.Errorf("%s: got %v, %v", object, diagnostics, err)
		}
	}
	for _, id := range []string{"", "..", "../../v3/projects", "a/b", "a%2Fb"} {
		for name, argument := range map[string]string{
			"servicestage_build_job": "job_id", "servicestage_builds": "job_id", "servicestage_build": "build_id",
		} {
			typ := provider.Schemas.DataSourceSchemas[name].ValueType()
			request := tfprotov6.ValidateDataResourceConfigRequest{
				TypeName: name, Config: providertest.Encode(t, typ, map[string]any{argument: id}),
			}
			response, err := provider.ValidateDataResourceConfig(t.Context(), &request)
			expectRejected("data "+name+" "+id, argument, response.Diagnostics, err)
		}
		const name = "servicestage_build"
		typ := provider.Schemas.ResourceSchemas[name].ValueType()
		request := tfprotov6.ValidateResourceConfigRequest{
			TypeName: name, Config: providertest.Encode(t, typ, map[string]any{"job_id": id}),
		}
		response, err := provider.ValidateResourceConfig(t.Context(), &request)
		expectRejected("resource "+name+" "+id, "job_id", response.Diagnostics, err)
	}
}
