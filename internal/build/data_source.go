// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ datasource.DataSourceWithConfigure = (*buildDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*listDataSource)(nil)
)

type buildDataSource struct{ providerdata.DataSource }

// NewDataSource returns the data source servicestage_build.
func NewDataSource() datasource.DataSource {
	return &buildDataSource{providerdata.NewDataSource("build", dataSourceSchema)}
}

func (d *buildDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config dataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	ctx, cancel := d.Begin(ctx, "A data source", defaultTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	state, failure := d.read(ctx, config)
	if failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// read returns the state, or the error of the first request that failed.
func (d *buildDataSource) read(ctx context.Context, config dataSourceModel) (dataSourceModel, diag.Diagnostic) {
	id := config.BuildID.ValueString()
	build, err := d.Client.GetBuild(ctx, id, "")
	switch {
	case servicestage.IsNotFound(err):
		return config, diag.WithPath(buildIDPath, noSuchBuild(reading(id), err))
	case err != nil:
		return config, readError(reading(id), err)
	}
	phases, err := d.Client.Phases(ctx, id)
	if err != nil {
		return config, apidiag.Error("Error reading the phases of the build", reading(id), err)
	}
	checks, err := d.Client.Checks(ctx, id)
	if err != nil {
		return config, apidiag.Error("Error reading the code checks of the build", reading(id), err)
	}
	state := config.with(build, phases, checks)
	if !config.LogLimit.IsNull() {
		log, err := d.Client.BuildLog(ctx, id, int(config.LogLimit.ValueInt64()))
		if err != nil {
			return config, apidiag.Error("Error reading the log of the build", reading(id), err)
		}
		state.Log, state.LogCut = types.StringValue(log.Text), types.BoolValue(log.Cut)
	}
	return state, nil
}

type listDataSource struct{ providerdata.DataSource }

// NewListDataSource returns the data source servicestage_builds.
func NewListDataSource() datasource.DataSource {
	return &listDataSource{providerdata.NewDataSource("builds", listSchema)}
}

func (d *listDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var config listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	ctx, cancel := d.Begin(ctx, "A data source", defaultTimeout, &resp.Diagnostics)
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
