// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
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
func NewDataSource() datasource.DataSource { return &buildDataSource{} }

func (d *buildDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build"
}

func (d *buildDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = dataSourceSchema()
}

func (d *buildDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !d.Ready() {
		resp.Diagnostics.Append(d.NotReady("A data source"))
		return
	}
	var config dataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()

	id := config.BuildID.ValueString()
	operation := fmt.Sprintf("reading build %q", id)
	build, err := d.Client.GetBuild(ctx, id, "")
	if servicestage.IsNotFound(err) {
		resp.Diagnostics.AddAttributeError(path.Root("build_id"), "No such build", apidiag.Detail(operation, err,
			"There is no build with this id in the provider's region and project."))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to read the build", operation, err))
		return
	}
	phases, err := d.Client.Phases(ctx, id)
	if err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to read the phases of the build", operation, err))
		return
	}
	checks, err := d.Client.Checks(ctx, id)
	if err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to read the code checks of the build", operation, err))
		return
	}
	state := config.with(build, phases, checks)
	if !config.LogLimit.IsNull() {
		log, err := d.Client.BuildLog(ctx, id, int(config.LogLimit.ValueInt64()))
		if err != nil {
			resp.Diagnostics.Append(apidiag.Error("Unable to read the log of the build", operation, err))
			return
		}
		state.Log, state.LogCut = types.StringValue(log.Text), types.BoolValue(log.Cut)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

type listDataSource struct{ providerdata.DataSource }

// NewListDataSource returns the data source servicestage_builds.
func NewListDataSource() datasource.DataSource { return &listDataSource{} }

func (d *listDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_builds"
}

func (d *listDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = listSchema()
}

func (d *listDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !d.Ready() {
		resp.Diagnostics.Append(d.NotReady("A data source"))
		return
	}
	var state listModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()

	id := state.JobID.ValueString()
	operation := fmt.Sprintf("listing the builds of job %q", id)
	list, err := d.Client.Builds(ctx, id)
	if servicestage.IsNotFound(err) {
		resp.Diagnostics.AddAttributeError(path.Root("job_id"), "No such build job", apidiag.Detail(operation, err,
			"There is no build job with this id in the provider's region and project."))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to list the builds", operation, err))
		return
	}
	if len(list.Builds) < list.Total {
		resp.Diagnostics.AddWarning("The service does not hand out all builds", fmt.Sprintf(
			"Build job %q (%s) has had %d builds, of which the service listed %d.", list.JobName, id, list.Total, len(list.Builds)))
	}
	state.JobName = types.StringValue(list.JobName)
	state.Total, state.Finished, state.Successful = types.Int64Value(int64(list.Total)), types.Int64Value(int64(list.Finished)), types.Int64Value(int64(list.Successful))
	state.Builds = make([]summaryModel, len(list.Builds))
	for i, build := range list.Builds {
		state.Builds[i] = summaryModel{BuildID: types.StringValue(build.ID), State: text(string(build.State)), Duration: seconds(build.Duration)}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}
