// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// identityModel identifies a build job across regions.
type identityModel struct {
	JobID  types.String `tfsdk:"job_id"`
	Region types.String `tfsdk:"region"`
}

func identitySchema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"job_id": identityschema.StringAttribute{
			RequiredForImport: true,
			Description:       "ID of the build job.",
		},
		"region": identityschema.StringAttribute{
			OptionalForImport: true,
			Description: "Region of the build job. Must be the provider's region. " +
				"Null if `endpoints` is set without `region`.",
		},
	}}
}

// newIdentity returns the identity of a build job in the provider's region; it is null if the provider has none or is
// not configured.
func newIdentity(provider *providerdata.Data, jobID string) tftypes.Value {
	region := types.StringNull()
	if provider != nil && !provider.Region.IsUnknown() {
		region = provider.Region
	}
	return tftypes.NewValue(identityType(), map[string]tftypes.Value{
		"job_id": tftypes.NewValue(tftypes.String, jobID),
		"region": tftypes.NewValue(tftypes.String, region.ValueStringPointer()),
	})
}

var identityType = sync.OnceValue(func() tftypes.Type {
	return identitySchema().Type().TerraformType(context.Background())
})

// identify sets the identity unless it is set. An existing identity is kept, with its region: Terraform reports a
// changed one as a bug of the provider, and a build job does not move with the provider's region.
func (r *jobResource) identify(identity *tfsdk.ResourceIdentity, jobID string) {
	if identity.Raw.IsFullyNull() {
		identity.Raw = newIdentity(r.Data, jobID)
	}
}

// ImportState stores the job_id that the import ID, the name in it, or the identity selects. Terraform then calls Read.
func (r *jobResource) ImportState(
	ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse,
) {
	var wanted identityModel
	name, byName := strings.CutPrefix(req.ID, "name/")
	switch {
	case req.ID == "" && !req.Identity.Raw.IsNull(): // It is null for terraform import ADDRESS "".
		resp.Diagnostics.Append(req.Identity.Get(ctx, &wanted)...)
	case !byName:
		wanted.JobID = types.StringValue(req.ID)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if byName && name == "" || !byName && !rest.PathElement.MatchString(wanted.JobID.ValueString()) {
		resp.Diagnostics.Append(invalidImportID(cmp.Or(req.ID, wanted.JobID.ValueString())))
		return
	}
	if !r.Ready() {
		resp.Diagnostics.Append(r.NotReady("An import"))
		return
	}
	resp.Diagnostics.Append(r.checkImportRegion(wanted.Region)...)
	if byName {
		ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
		id, failure := findByName(ctx, r.Client, name)
		if failure != nil {
			resp.Diagnostics.Append(failure)
		}
		wanted.JobID = types.StringValue(id)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("job_id"), wanted.JobID)...)
	resp.Identity.Raw = newIdentity(r.Data, wanted.JobID.ValueString())
}

// checkRegion returns an error if the build job was created or imported in another region than the provider's.
func (r *jobResource) checkRegion(
	ctx context.Context, identity *tfsdk.ResourceIdentity, private privateState, operation string,
) diag.Diagnostics {
	stored := private.Region
	if stored == "" && identity != nil && !identity.Raw.IsFullyNull() {
		var known identityModel
		if diags := identity.Get(ctx, &known); diags.HasError() {
			return diags
		}
		stored = known.Region.ValueString()
	}
	return r.CheckRegion("build job", operation, stored)
}

// checkImportRegion returns an error if the region of an identity is not the provider's.
func (r *jobResource) checkImportRegion(wanted types.String) diag.Diagnostics {
	if wanted.IsNull() || wanted.Equal(r.Region) {
		return nil
	}
	return diag.Diagnostics{importRegionError(wanted.ValueString(), r.Region.ValueString())}
}
