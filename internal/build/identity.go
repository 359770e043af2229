// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

var buildIDPath = path.Root("build_id")

func (r *buildResource) IdentitySchema(
	_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"build_id": identityschema.StringAttribute{RequiredForImport: true, Description: buildIDDescription},
	}}
}

// ImportState stores the build_id of the import ID or of the identity. Terraform then calls Read.
func (r *buildResource) ImportState(
	ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse,
) {
	resource.ImportStatePassthroughWithIdentity(ctx, buildIDPath, buildIDPath, req, resp)
	var id types.String
	resp.Diagnostics.Append(resp.State.GetAttribute(ctx, buildIDPath, &id)...)
	switch {
	case resp.Diagnostics.HasError():
	case !rest.PathElement.MatchString(id.ValueString()):
		resp.Diagnostics.Append(invalidImportID(id.ValueString()))
	case !r.Ready():
		resp.Diagnostics.Append(r.NotReady("An import"))
	default:
		private := privateState{Imported: true, Region: r.Region.ValueString()}
		resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
	}
}
