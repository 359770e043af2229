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

type identityModel struct {
	BuildID types.String `tfsdk:"build_id"`
}

func identitySchema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"build_id": identityschema.StringAttribute{RequiredForImport: true, Description: buildIDDescription},
	}}
}

// ImportState stores the build_id of the import ID or of the identity. Terraform then calls Read.
func (r *buildResource) ImportState(
	ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse,
) {
	id := req.ID
	if id == "" && req.Identity != nil && !req.Identity.Raw.IsNull() {
		var identity identityModel
		resp.Diagnostics.Append(req.Identity.Get(ctx, &identity)...)
		id = identity.BuildID.ValueString()
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if !rest.PathElement.MatchString(id) {
		resp.Diagnostics.Append(invalidImportID(id))
		return
	}
	if !r.Ready() {
		resp.Diagnostics.Append(r.NotReady("An import"))
		return
	}
	resource.ImportStatePassthroughWithIdentity(ctx, path.Root("build_id"), path.Root("build_id"), req, resp)
	resp.Diagnostics.Append(privateState{Imported: true, Region: r.Region.ValueString()}.store(ctx, resp.Private)...)
}
