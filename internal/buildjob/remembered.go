// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// remembered is the private state of a build job.
type remembered struct {
	// Silent holds the values that the service returned, after the provider's last write, for arguments that are not configured. While
	// it returns the same, such an argument stays null: the value is a service default, and no drift.
	Silent map[string]string `json:"silent,omitempty"`
	// Unconfirmed means that nothing could be read back after the write: the next read records the service defaults.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	// CreatedAt is when the build job was created, if no read has confirmed that yet; the zero time otherwise.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Region is the provider's region in which the build job was created, imported or first read; empty if the provider had none.
	// Not every CLI hands the identity, which contains it too, to every operation.
	Region string `json:"region,omitempty"`
}

// confirmTimeout is how long after a create that no read has confirmed "not found" may mean that reads lag.
const confirmTimeout = 10 * time.Minute

// mayLag reports whether "not found" may mean that the service cannot read the new build job yet.
func (r remembered) mayLag(now time.Time) bool { return now.Sub(r.CreatedAt) < confirmTimeout }

const rememberedKey = "remembered"

// privateGetter and privateSetter are the framework's private state, whose type it does not export.
type (
	privateGetter interface {
		GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	}
	privateSetter interface {
		SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
	}
)

// recall is empty where nothing was stored, as after an import.
func recall(ctx context.Context, private privateGetter) (remembered, diag.Diagnostics) {
	var r remembered
	content, diags := private.GetKey(ctx, rememberedKey)
	if len(content) == 0 || diags.HasError() {
		return r, diags
	}
	if err := json.Unmarshal(content, &r); err != nil {
		diags.AddError("Unreadable private state", fmt.Sprintf("What the provider noted about this build job cannot be read: %s.", err))
	}
	return r, diags
}

// store leaves no trace where there is nothing to remember: Terraform copies a state again and again.
func (r remembered) store(ctx context.Context, private privateSetter) diag.Diagnostics {
	if len(r.Silent) == 0 && !r.Unconfirmed && r.CreatedAt.IsZero() && r.Region == "" {
		return private.SetKey(ctx, rememberedKey, nil)
	}
	content, err := json.Marshal(r)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Unable to write private state", err.Error())}
	}
	return private.SetKey(ctx, rememberedKey, content)
}

// reading is one pass over an answer.
type reading struct {
	remembered remembered
	// note takes the answers for silent arguments as the remembered ones; else they are compared with those.
	note bool
	// planned means that prior is a plan: what it knows has to stay, and what the service did not take over is refused.
	planned bool
	// askedProject means that the plan's enterprise project is asked for, and not just what it was before.
	askedProject bool
	// repoIsDrift means that a repository is no default, although the configuration is silent on it.
	repoIsDrift bool

	refusals []refusal
}

// refusal is the path of an argument that the service ignored.
type refusal string

func (r *reading) text(argument string, answered *string, prior types.String) types.String {
	answered = notEmpty(answered)
	if r.isDefault(argument, answered, prior.IsNull()) {
		return types.StringNull()
	}
	value := types.StringPointerValue(answered)
	if answered == nil && prior.Equal(types.StringValue("")) {
		value = prior // Both mean nothing, and the configuration has it this way.
	}
	r.compare(argument, prior, value)
	return value
}

// caseless is text for an argument in which the case of letters does not count.
func (r *reading) caseless(argument string, answered *string, prior types.String) types.String {
	if answered != nil && strings.EqualFold(*answered, prior.ValueString()) {
		answered = prior.ValueStringPointer()
	}
	return r.text(argument, answered, prior)
}

func (r *reading) boolean(argument string, answered *bool, prior types.Bool) types.Bool {
	var word *string
	if answered != nil {
		word = new(strconv.FormatBool(*answered))
	}
	if r.isDefault(argument, word, prior.IsNull()) {
		return types.BoolNull()
	}
	value := types.BoolPointerValue(answered)
	if answered == nil && prior.Equal(types.BoolValue(false)) {
		value = prior // A service that leaves out what is false says the same.
	}
	r.compare(argument, prior, value)
	return value
}

// computed is for what the service decides. After a write Terraform accepts nothing but the plan where the plan knows it.
func (r *reading) computed(answered *string, prior types.String) types.String {
	if r.planned && !prior.IsUnknown() {
		return prior
	}
	return types.StringPointerValue(notEmpty(answered))
}

// enterpriseProject is computed, unless it was asked for.
func (r *reading) enterpriseProject(answered *string, prior types.String) types.String {
	if !r.askedProject {
		return r.computed(answered, prior)
	}
	value := types.StringPointerValue(notEmpty(answered))
	r.compare("enterprise_project_id", prior, value)
	return value
}

// isDefault is true of an answer for a silent argument that is no drift.
func (r *reading) isDefault(argument string, answered *string, silent bool) bool {
	if r.repoIsDrift && strings.HasPrefix(argument, "code_repo.") {
		return false
	}
	if r.note {
		if silent && answered != nil {
			if r.remembered.Silent == nil {
				r.remembered.Silent = map[string]string{}
			}
			r.remembered.Silent[argument] = *answered
		}
		return silent
	}
	before, noted := r.remembered.Silent[argument]
	return noted && answered != nil && *answered == before
}

func (r *reading) compare(argument string, asked, kept attr.Value) {
	if !r.planned || asked.IsNull() || asked.Equal(kept) {
		return
	}
	r.refusals = append(r.refusals, refusal(argument))
}
