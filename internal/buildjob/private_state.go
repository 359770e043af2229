// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
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

const privateStateKey = "build_job"

// privateGetter and privateSetter are the framework's private state, whose type it does not export.
type (
	privateGetter interface {
		GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	}
	privateSetter interface {
		SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
	}
)

// loadPrivateState returns the zero value if nothing was stored, as after an import.
func loadPrivateState(ctx context.Context, private privateGetter) (privateState, diag.Diagnostics) {
	var s privateState
	content, diags := private.GetKey(ctx, privateStateKey)
	if len(content) == 0 || diags.HasError() {
		return s, diags
	}
	if err := json.Unmarshal(content, &s); err != nil {
		diags.AddError("Unreadable private state", fmt.Sprintf("The private state of the build job is not valid JSON: %s.", err))
	}
	return s, diags
}

// store writes nothing for the zero value: Terraform copies the state at each change.
func (s privateState) store(ctx context.Context, private privateSetter) diag.Diagnostics {
	if len(s.Defaults) == 0 {
		s.Defaults = nil
	}
	if reflect.ValueOf(s).IsZero() {
		return private.SetKey(ctx, privateStateKey, nil)
	}
	content, err := json.Marshal(s)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Error writing private state", err.Error())}
	}
	return private.SetKey(ctx, privateStateKey, content)
}
