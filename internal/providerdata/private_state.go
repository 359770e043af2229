// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package providerdata

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/diag"
)

type (
	// PrivateReader is the private state of a request, whose type the framework does not export.
	PrivateReader interface {
		GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	}
	// PrivateWriter is the private state of a response, whose type the framework does not export.
	PrivateWriter interface {
		SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
	}
)

// LoadPrivate returns the value that [StorePrivate] stored; the zero value if there is none, as after an import.
func LoadPrivate[T any](ctx context.Context, private PrivateReader, key string) (T, diag.Diagnostics) {
	var value T
	content, diags := private.GetKey(ctx, key)
	if len(content) == 0 || diags.HasError() {
		return value, diags
	}
	if err := json.Unmarshal(content, &value); err != nil {
		diags.AddError("Unreadable private state", fmt.Sprintf("The private state %q is not valid: %s.", key, err))
	}
	return value, diags
}

// StorePrivate stores a value as JSON. It stores nothing for the zero value, because Terraform copies the state at
// each change.
func StorePrivate[T any](ctx context.Context, private PrivateWriter, key string, value T) diag.Diagnostics {
	if reflect.ValueOf(value).IsZero() {
		return private.SetKey(ctx, key, nil)
	}
	content, err := json.Marshal(value)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Error writing private state", err.Error())}
	}
	return private.SetKey(ctx, key, content)
}
