// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package floor

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// NewAttribute returns a build job with one attribute: what Terraform and the framework need for any resource at all.
func NewAttribute() resource.Resource { return &attribute{} }

// attribute keeps its id in private state, so that the name is the only attribute.
type attribute struct{ job }

const idKey = "id"

func (j *attribute) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{"job_name": schema.StringAttribute{Required: true}}}
}

func (j *attribute) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var name string
	resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root("job_name"), &name)...)
	if resp.Diagnostics.HasError() {
		return
	}
	id, err := j.createJob(ctx, name)
	check(&resp.Diagnostics, err)
	encoded, err := json.Marshal(id)
	check(&resp.Diagnostics, err)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, idKey, encoded)...)
	resp.State.Raw = req.Plan.Raw
}

func (j *attribute) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	id, diags := j.id(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	check(&resp.Diagnostics, j.readJob(ctx, id))
}

func (j *attribute) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	id, diags := j.id(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	check(&resp.Diagnostics, j.deleteJob(ctx, id))
}

func (j *attribute) id(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
},
) (id string, diags diag.Diagnostics) {
	encoded, diags := private.GetKey(ctx, idKey)
	check(&diags, json.Unmarshal(encoded, &id))
	return id, diags
}
