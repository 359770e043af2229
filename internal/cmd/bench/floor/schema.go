// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package floor

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/buildjob"
)

// NewSchema returns a build job with the very schema of servicestage_build_job and the least logic: what Terraform and the
// framework need for a resource of this form. Attributes, blocks, types and identity are ours; validators and plan modifiers are
// left out, and no value is converted to anything.
func NewSchema() resource.Resource { return &schemaJob{} }

type schemaJob struct{ job }

func (j *schemaJob) Schema(ctx context.Context, req resource.SchemaRequest, resp *resource.SchemaResponse) {
	buildjob.NewResource().Schema(ctx, req, resp)
	strip(resp.Schema.Attributes, resp.Schema.Blocks)
}

func (j *schemaJob) IdentitySchema(ctx context.Context, req resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	if identified, ok := buildjob.NewResource().(resource.ResourceWithIdentity); ok {
		identified.IdentitySchema(ctx, req, resp)
	}
}

// identify gives a job its identity, which the framework demands.
func identify(identity *tfsdk.ResourceIdentity, jobID string) {
	typ := identity.Raw.Type()
	identity.Raw = tftypes.NewValue(typ, map[string]tftypes.Value{
		"job_id": tftypes.NewValue(tftypes.String, jobID), "region": tftypes.NewValue(tftypes.String, nil),
	})
}

// strip takes out what checks and changes values.
func strip(attributes map[string]schema.Attribute, blocks map[string]schema.Block) {
	for name, attribute := range attributes {
		switch attribute := attribute.(type) {
		case schema.StringAttribute:
			attribute.Validators, attribute.PlanModifiers = nil, nil
			attributes[name] = attribute
		case schema.BoolAttribute:
			attribute.Validators, attribute.PlanModifiers = nil, nil
			attributes[name] = attribute
		}
	}
	for name, block := range blocks {
		if single, ok := block.(schema.SingleNestedBlock); ok {
			single.Validators, single.PlanModifiers = nil, nil
			strip(single.Attributes, single.Blocks)
			blocks[name] = single
		}
	}
}

func (j *schemaJob) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	values, err := members(req.Plan.Raw)
	if err != nil {
		check(&resp.Diagnostics, err)
		return
	}
	name, err := text(values, "job_name")
	if err != nil {
		check(&resp.Diagnostics, err)
		return
	}
	id, err := j.createJob(ctx, name)
	check(&resp.Diagnostics, err)
	for attribute, value := range values {
		if !value.IsKnown() {
			values[attribute] = tftypes.NewValue(tftypes.String, nil)
		}
	}
	values["job_id"] = tftypes.NewValue(tftypes.String, id)
	identify(resp.Identity, id)
	resp.State.Raw = tftypes.NewValue(req.Plan.Raw.Type(), values)
}

func (j *schemaJob) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	id, err := id(req.State.Raw)
	if err == nil {
		err = j.readJob(ctx, id)
	}
	check(&resp.Diagnostics, err)
	identify(resp.Identity, id)
}

func (j *schemaJob) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	id, err := id(req.State.Raw)
	if err == nil {
		err = j.deleteJob(ctx, id)
	}
	check(&resp.Diagnostics, err)
}

func id(raw tftypes.Value) (string, error) {
	values, err := members(raw)
	if err != nil {
		return "", err
	}
	return text(values, "job_id")
}

func members(raw tftypes.Value) (map[string]tftypes.Value, error) {
	var values map[string]tftypes.Value
	err := raw.As(&values)
	return values, err
}

func text(values map[string]tftypes.Value, name string) (string, error) {
	var text string
	err := values[name].As(&text)
	return text, err
}
