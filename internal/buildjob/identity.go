// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

func identitySchema() identityschema.Schema {
	return identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		jobIDAttribute: identityschema.StringAttribute{
			RequiredForImport: true,
			Description:       "ID of the build job.",
		},
		regionAttribute: identityschema.StringAttribute{
			OptionalForImport: true,
			Description: "Region of the build job. Must be the provider's region. " +
				"Null if `endpoints` is set without `region`.",
		},
	}}
}

// newIdentity returns the identity of a build job in the provider's region; it is null if the provider has none or is
// not configured.
func newIdentity(provider *providerdata.Data, jobID string) tftypes.Value {
	identity := values{jobIDAttribute: jobID}
	if provider != nil && provider.Region.ValueString() != "" {
		identity[regionAttribute] = provider.Region.ValueString()
	}
	return identity.raw(identityType())
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
	id, region := req.ID, ""
	if id == "" {
		identity := valuesFrom(req.Identity.Raw) // Empty for terraform import ADDRESS "".
		id, region = identity.text(jobIDAttribute), identity.text(regionAttribute)
	}
	name, byName := strings.CutPrefix(req.ID, "name/")
	if byName && name == "" || !byName && !rest.PathElement.MatchString(id) {
		resp.Diagnostics.Append(invalidImportID(id))
		return
	}
	if !r.Ready() {
		resp.Diagnostics.Append(r.NotReady("An import"))
		return
	}
	operation := fmt.Sprintf("importing build job %q with the region in its identity", id)
	if resp.Diagnostics.Append(r.CheckRegion("build job", operation, region)...); resp.Diagnostics.HasError() {
		return
	}
	if byName {
		ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
		defer cancel()
		found, failure := findByName(ctx, r.Client, name)
		if failure != nil {
			resp.Diagnostics.Append(failure)
			return
		}
		id = found
	}
	resp.State.Raw = values{jobIDAttribute: id}.raw(resourceType())
	resp.Identity.Raw = newIdentity(r.Data, id)
}
