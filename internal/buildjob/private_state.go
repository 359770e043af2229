// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
)

// privateState is stored with the state of a build job, invisible to users.
type privateState struct {
	Defaults serviceDefaults `json:"defaults,omitempty"`
	// Unread is true if the build job could not be read after the last write. The next read then records the service
	// defaults.
	Unread bool `json:"unread,omitempty"`

	// Origin contains the region of the identity, which not every CLI passes to every operation.
	providerdata.Origin
}

// Keys of the private state. Provider builds before the first release stored the service defaults under the older key.
const privateStateKey, olderStateKey = "build_job", "remembered"

// loadPrivateState returns the private state; the zero value if nothing was stored, as after an import. It is an error
// if the build job was created or imported in another region than the provider's.
func (r *jobResource) loadPrivateState(
	ctx context.Context, private providerdata.PrivateReader, identity *tfsdk.ResourceIdentity, operation string,
) (privateState, diag.Diagnostics) {
	state, diags := providerdata.LoadPrivate[privateState](ctx, private, privateStateKey)
	if reflect.ValueOf(state).IsZero() && !diags.HasError() {
		type olderState struct {
			Silent serviceDefaults `json:"silent"`
		}
		older, olderDiags := providerdata.LoadPrivate[olderState](ctx, private, olderStateKey)
		state.Defaults, diags = older.Silent, olderDiags
	}
	region := state.Region
	if region == "" && identity != nil {
		region = valuesFrom(identity.Raw).text(regionAttribute)
	}
	return state, append(diags, r.CheckRegion("build job", operation, region)...)
}

func (s privateState) store(ctx context.Context, private providerdata.PrivateWriter) diag.Diagnostics {
	return providerdata.StorePrivate(ctx, private, privateStateKey, s)
}
