// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package baseimage has the data source of the technology stacks that ServiceStage builds. It must not import net/http
// and encoding/json.
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
	Stacks map[string][]string `tfsdk:"stacks"`
}

// NewDataSource returns the data source servicestage_base_images.
func NewDataSource() datasource.DataSource {
	return &imagesDataSource{providerdata.NewDataSource("base_images", imagesSchema)}
}

func imagesSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Retrieves the technology stacks that ServiceStage builds in the provider's region, and " +
			"their versions. A build job has no argument for them. See [API notes](../guides/api-notes.md).",
		Attributes: map[string]schema.Attribute{
			"stacks": schema.MapAttribute{
				Computed:            true,
				ElementType:         types.ListType{ElemType: types.StringType},
				MarkdownDescription: "Map of versions by stack, such as `Java`, in the order of ServiceStage.",
			},
		},
	}
}

func (d *imagesDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	ctx, cancel := d.Begin(ctx, "A data source", timeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	stacks, err := d.Client.BaseImages(ctx)
	if err != nil {
		resp.Diagnostics.Append(apidiag.Error("Error reading base images", "", err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, imagesModel{stacks})...)
}
