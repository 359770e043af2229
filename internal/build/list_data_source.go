// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var _ datasource.DataSourceWithConfigure = (*listDataSource)(nil)

type listDataSource struct{ providerdata.DataSource }

// NewListDataSource returns the data source servicestage_builds.
func NewListDataSource() datasource.DataSource {
	return &listDataSource{providerdata.NewDataSource("builds", listSchema)}
}

func (d *listDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	ctx, cancel := d.Begin(ctx, defaultTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	id := config.JobID.ValueString()
	list, err := d.Client.Builds(ctx, id)
	switch {
	case servicestage.IsNotFound(err):
		resp.Diagnostics.Append(noSuchJob(listing(id), err))
		return
	case err != nil:
		resp.Diagnostics.Append(apidiag.Error("Error listing builds", listing(id), err))
		return
	case len(list.Builds) < list.Total:
		resp.Diagnostics.Append(incompleteListWarning(list, id))
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, config.with(list))...)
}
