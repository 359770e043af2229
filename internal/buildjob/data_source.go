// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var (
	_ datasource.DataSourceWithConfigure        = (*jobDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*jobDataSource)(nil)
)

type jobDataSource struct{ wiring.DataSource }

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
	if !d.Ready() {
		resp.Diagnostics.Append(d.NotReady("A data source"))
		return
	}
	var config jobModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()

	id, name := config.JobID.ValueString(), config.JobName.ValueString()
	if config.JobID.IsNull() {
		var diags diag.Diagnostics
		if id, diags = d.find(ctx, name); diags.HasError() {
			resp.Diagnostics.Append(diags...)
			return
		}
	}
	job, err := d.Client.GetBuildJob(ctx, id, name)
	if servicestage.IsNotFound(err) {
		resp.Diagnostics.AddAttributeError(path.Root("job_id"), "No such build job", apidiag.Detail(
			fmt.Sprintf("reading build job %q", id), err, "There is no build job with this id in the provider's region and project."))
		return
	}
	if err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to read the build job", fmt.Sprintf("reading build job %q", id), err))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, stateFrom(job, jobModel{}, &reading{}))...)
}

// find returns the id of the one job with exactly this name.
func (d *jobDataSource) find(ctx context.Context, name string) (string, diag.Diagnostics) {
	var diags diag.Diagnostics
	var ids, similar []string
	for job, err := range d.Client.BuildJobs(ctx, name) {
		switch {
		case err != nil:
			diags.Append(apidiag.Error("Unable to list the build jobs", fmt.Sprintf("looking for build job %q", name), err))
			return "", diags
		case job.Name == name:
			ids = append(ids, job.ID)
		case strings.EqualFold(job.Name, name):
			similar = append(similar, fmt.Sprintf("%q (%s)", job.Name, job.ID))
		}
	}
	argument := path.Root("job_name")
	switch {
	case len(ids) == 1:
		return ids[0], nil
	case len(ids) > 1:
		diags.AddAttributeError(argument, "Several build jobs have this name",
			fmt.Sprintf("%d build jobs are named %q. Choose one by its job_id: %s.", len(ids), name, strings.Join(ids, ", ")))
	case len(similar) > 0:
		diags.AddAttributeError(argument, "No build job has this name",
			fmt.Sprintf("No build job is named exactly %q, but this differs by case alone: %s.", name, strings.Join(similar, ", ")))
	default:
		diags.AddAttributeError(argument, "No build job has this name",
			fmt.Sprintf("No build job in the provider's region and project is named %q.", name))
	}
	return "", diags
}
