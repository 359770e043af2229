// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package duration provides the timeouts block and the validator of durations. It must not import the packages of
// resources.
package duration

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// Operation is an argument of a timeouts block.
type Operation struct {
	// Name is create, read, update or delete.
	Name string
	// Description is a phrase without a full stop, such as "Maximum time to read the build".
	Description string
	// Default is the timeout if the argument is not set.
	Default string
}

// TimeoutsBlock returns a timeouts block whose values must be positive durations.
func TimeoutsBlock(operations ...Operation) schema.Block {
	attributes := map[string]schema.Attribute{}
	for _, operation := range operations {
		attributes[operation.Name] = schema.StringAttribute{
			Optional: true,
			MarkdownDescription: fmt.Sprintf("%s, such as `30s` or `10m`. Must be positive. Defaults to `%s`.",
				operation.Description, operation.Default),
			Validators: []validator.String{Positive()},
		}
	}
	return schema.SingleNestedBlock{
		MarkdownDescription: "Maximum time for each operation, including waits and retries.",
		Attributes:          attributes,
	}
}

// Positive returns a validator that rejects a string which [Parse] rejects. Null and unknown are valid.
func Positive() validator.String { return positive{} }

type positive struct{}

func (positive) Description(context.Context) string {
	return "Must be a positive duration, such as 90s or 30m."
}

func (p positive) MarkdownDescription(ctx context.Context) string { return p.Description(ctx) }

func (positive) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := Parse(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid duration", "The timeout "+err.Error()+".")
	}
}

// Parse parses a duration as [time.ParseDuration] does. One that is not positive is an error.
func Parse(text string) (time.Duration, error) {
	duration, err := time.ParseDuration(text)
	if err != nil || duration <= 0 {
		return 0, fmt.Errorf("must be a positive duration with a unit (s, m or h), such as 90s or 30m; got %q", text)
	}
	return duration, nil
}
