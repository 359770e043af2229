// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package baseimage has the data source of the technology stacks that ServiceStage builds. It must not import net/http.
package baseimage

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
)

var _ datasource.DataSourceWithConfigure = (*imagesDataSource)(nil)

// timeout is for the read with its retries.
const timeout = 5 * time.Minute

type imagesDataSource struct{ providerdata.DataSource }

type imagesModel struct {
	Stacks types.Map `tfsdk:"stacks"`
}

// NewDataSource returns the data source servicestage_base_images.
func NewDataSource() datasource.DataSource { return &imagesDataSource{} }

func (d *imagesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_base_images"
}

func (d *imagesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The technology stacks that ServiceStage builds in the provider's region, and the versions of each. " +
			"Where the region does not publish the call of the Build API, its namesake of the API's third version is asked, which needs " +
			"the provider's project. Which region publishes which is not documented, nor what the versions can be used for: a build job takes none of them.",
		Attributes: map[string]schema.Attribute{
			"stacks": schema.MapAttribute{
				Computed:            true,
				ElementType:         types.ListType{ElemType: types.StringType},
				MarkdownDescription: "Versions by stack, such as `Java`, in the order in which the service lists them.",
			},
		},
	}
}

func (d *imagesDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	ctx, cancel := d.Begin(ctx, timeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	stacks, err := d.Client.BaseImages(ctx)
	if err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to read the base images", "reading the base images", err))
		return
	}
	value, diags := types.MapValueFrom(ctx, types.ListType{ElemType: types.StringType}, stacks)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, imagesModel{Stacks: value})...)
}
