// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ datasource.DataSourceWithConfigure        = (*jobDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*jobDataSource)(nil)
)

type jobDataSource struct{ providerdata.DataSource }

// NewDataSource returns the data source servicestage_build_job.
func NewDataSource() datasource.DataSource { return &jobDataSource{} }

func (d *jobDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_job"
}

func (d *jobDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = dataSourceSchema()
}

func (d *jobDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{
		datasourcevalidator.ExactlyOneOf(path.MatchRoot("job_id"), path.MatchRoot("job_name")),
	}
}

func (d *jobDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	config, diags := valuesFrom(req.Config.Raw)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := d.Begin(ctx, defaultTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}

	id, name := config.text(jobIDAttribute), config.text(nameArgument)
	if id == "" {
		found, failure := findByName(ctx, d.Client, name)
		if failure != nil {
			resp.Diagnostics.Append(diag.WithPath(path.Root(nameArgument), failure))
			return
		}
		id = found
	}
	job, err := d.Client.GetBuildJob(ctx, id, name)
	operation := fmt.Sprintf("reading build job %q", id)
	switch {
	case servicestage.IsNotFound(err):
		resp.Diagnostics.Append(diag.WithPath(path.Root(jobIDAttribute), noSuchJob(operation, err, "")))
		return
	case err != nil:
		resp.Diagnostics.Append(readError(operation, err))
		return
	}
	resp.State.Raw = valuesOf(job).raw(dataSourceType())
}
