// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command floor-attribute is a provider whose build job has one attribute: what Terraform and the framework need for any
// resource at all.
package main

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"

	"github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/floor"
)

func main() {
	floor.Serve(func() resource.Resource { return &job{} })
}

// job keeps its id in private state, so that the name is the only attribute.
type job struct{ floor.Job }

const idKey = "id"

func (j *job) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{"job_name": schema.StringAttribute{Required: true}}}
}

func (j *job) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var name string
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("job_name"), &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id, err := j.Service.Create(ctx, name)
	check(&resp.Diagnostics, err)
	encoded, err := json.Marshal(id)
	check(&resp.Diagnostics, err)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, idKey, encoded)...)
	resp.State.Raw = req.Plan.Raw
}

func (j *job) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	id, diags := j.id(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	check(&resp.Diagnostics, j.Service.Read(ctx, id))
}

func (j *job) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	id, diags := j.id(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	check(&resp.Diagnostics, j.Service.Delete(ctx, id))
}

func (j *job) id(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
},
) (id string, diags diag.Diagnostics) {
	encoded, diags := private.GetKey(ctx, idKey)
	check(&diags, json.Unmarshal(encoded, &id))
	return id, diags
}

func check(diags *diag.Diagnostics, err error) {
	if err != nil {
		diags.AddError("The request failed", err.Error())
	}
}
