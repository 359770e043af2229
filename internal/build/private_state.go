// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
)

// privateState is what the provider stores about a build besides its attributes.
type privateState struct {
	// StartedAt is when the build was started, if no read has confirmed that yet; the zero time otherwise.
	StartedAt time.Time `json:"started_at,omitzero"`
	// Imported means that the build was imported and its triggers are not known.
	Imported bool `json:"imported,omitempty"`
	// Region is the provider's region in which the build was started, imported or first read; empty if the provider had
	// none.
	Region string `json:"region,omitempty"`

	providerdata.Location
}

// confirmTimeout is how long after a start that no read has confirmed "not found" may mean that reads lag.
const confirmTimeout = 10 * time.Minute

// mayLag reports whether "not found" may mean that the service cannot read the new build yet.
func (s privateState) mayLag(now time.Time) bool { return now.Sub(s.StartedAt) < confirmTimeout }

const privateStateKey = "build"

func loadPrivateState(ctx context.Context, private providerdata.PrivateReader) (privateState, diag.Diagnostics) {
	return providerdata.LoadPrivate[privateState](ctx, private, privateStateKey)
}

func (s privateState) store(ctx context.Context, private providerdata.PrivateWriter) diag.Diagnostics {
	return providerdata.StorePrivate(ctx, private, privateStateKey, s)
}
