// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
)

// privateState is what the provider stores about a build besides its attributes.
type privateState struct {
	// Imported means that the build was imported and its triggers are not known.
	Imported bool `json:"imported,omitempty"`

	providerdata.Origin
}

const privateStateKey = "build"

func loadPrivateState(ctx context.Context, private providerdata.PrivateReader) (privateState, diag.Diagnostics) {
	return providerdata.LoadPrivate[privateState](ctx, private, privateStateKey)
}

func (s privateState) store(ctx context.Context, private providerdata.PrivateWriter) diag.Diagnostics {
	return providerdata.StorePrivate(ctx, private, privateStateKey, s)
}
