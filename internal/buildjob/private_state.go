// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
)

// privateState is what the provider stores about a build job besides its attributes.
type privateState struct {
	Defaults serviceDefaults `json:"defaults,omitempty"`
	// Unread means that nothing could be read after the last write: the next read records the service defaults.
	Unread bool `json:"unread,omitempty"`
	// CreatedAt is when the build job was created, if no read has confirmed that yet; the zero time otherwise.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Region is the provider's region in which the build job was created, imported or first read; empty if the provider had none.
	// Not every CLI hands the identity, which contains it too, to every operation.
	Region string `json:"region,omitempty"`
}

// confirmTimeout is how long after a create that no read has confirmed "not found" may mean that reads lag.
const confirmTimeout = 10 * time.Minute

// mayLag reports whether "not found" may mean that the service cannot read the new build job yet.
func (s privateState) mayLag(now time.Time) bool { return now.Sub(s.CreatedAt) < confirmTimeout }

// Keys of the private state. Provider builds before the first release stored the service defaults under the older key.
const privateStateKey, olderStateKey = "build_job", "remembered"

// loadPrivateState returns the zero value if nothing was stored, as after an import.
func loadPrivateState(ctx context.Context, private providerdata.PrivateReader) (privateState, diag.Diagnostics) {
	state, diags := providerdata.LoadPrivate[privateState](ctx, private, privateStateKey)
	if reflect.ValueOf(state).IsZero() && !diags.HasError() {
		type olderState struct {
			Silent serviceDefaults `json:"silent"`
		}
		older, olderDiags := providerdata.LoadPrivate[olderState](ctx, private, olderStateKey)
		state.Defaults, diags = older.Silent, olderDiags
	}
	return state, diags
}

func (s privateState) store(ctx context.Context, private providerdata.PrivateWriter) diag.Diagnostics {
	if len(s.Defaults) == 0 {
		s.Defaults = nil
	}
	diags := private.SetKey(ctx, olderStateKey, nil)
	return append(diags, providerdata.StorePrivate(ctx, private, privateStateKey, s)...)
}
