// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/attributes"
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
	config := attributes.From(req.Config.Raw)
	ctx, cancel := d.Begin(ctx, "A data source", defaultTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	if failure := d.read(ctx, config); failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	resp.State.Raw = config.Raw(req.Config.Raw.Type())
}

// read adds what the service returns to the configuration, or returns the error of the first request that failed.
func (d *buildDataSource) read(ctx context.Context, values attributes.Values) diag.Diagnostic {
	id := values.Text("build_id")
	build, err := d.Client.GetBuild(ctx, id, "")
	switch {
	case servicestage.IsNotFound(err):
		return diag.WithPath(buildIDPath, noSuchBuild(reading(id), err))
	case err != nil:
		return readError(reading(id), err)
	}
	phases, err := d.Client.Phases(ctx, id)
	if err != nil {
		return apidiag.Error("Error reading the phases of the build", reading(id), err)
	}
	checks, err := d.Client.Checks(ctx, id)
	if err != nil {
		return apidiag.Error("Error reading the code checks of the build", reading(id), err)
	}
	maps.Copy(values, valuesOf(build))
	values["phases"], values["checks"] = phaseValues(phases), checkValues(checks)
	if limit, ok := values["log_limit"].(int64); ok {
		log, err := d.Client.BuildLog(ctx, id, int(limit))
		if err != nil {
			return apidiag.Error("Error reading the log of the build", reading(id), err)
		}
		values["log"], values["log_cut"] = log.Text, log.Cut
	}
	return nil
}

type listDataSource struct{ providerdata.DataSource }

// NewListDataSource returns the data source servicestage_builds.
func NewListDataSource() datasource.DataSource {
	return &listDataSource{providerdata.NewDataSource("builds", listSchema)}
}

func (d *listDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	config := attributes.From(req.Config.Raw)
	ctx, cancel := d.Begin(ctx, "A data source", defaultTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	id := config.Text("job_id")
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
	maps.Copy(config, listValues(list))
	resp.State.Raw = config.Raw(req.Config.Raw.Type())
}
