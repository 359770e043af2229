// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ datasource.DataSourceWithConfigure        = (*jobDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*jobDataSource)(nil)
	_ datasource.DataSourceWithConfigure        = (*jobsDataSource)(nil)
)

type jobDataSource struct{ providerdata.DataSource }

// NewDataSource returns the data source servicestage_build_job.
func NewDataSource() datasource.DataSource {
	return &jobDataSource{providerdata.NewDataSource("build_job", dataSourceSchema)}
}

func (d *jobDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{
		datasourcevalidator.ExactlyOneOf(path.MatchRoot(jobIDAttribute), path.MatchRoot(nameArgument)),
	}
}

func (d *jobDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	config := valuesFrom(req.Config.Raw)
	ctx, cancel := d.Begin(ctx, "A data source", defaultTimeout, &resp.Diagnostics)
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
	case err != nil:
		resp.Diagnostics.Append(readError(operation, err))
	default:
		resp.State.Raw = valuesOf(job).raw(dataSourceType())
	}
}

type jobsDataSource struct{ providerdata.DataSource }

// NewListDataSource returns the data source servicestage_build_jobs.
func NewListDataSource() datasource.DataSource {
	return &jobsDataSource{providerdata.NewDataSource("build_jobs", listDataSourceSchema)}
}

func (d *jobsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	config := valuesFrom(req.Config.Raw)
	ctx, cancel := d.Begin(ctx, "A data source", listTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	filter := filterFrom(config)
	complete := func(yield func(servicestage.BuildJobSummary, error) bool) {
		all, err := d.Client.ListBuildJobs(ctx, filter.name)
		if err != nil {
			yield(servicestage.BuildJobSummary{}, err)
			return
		}
		for _, job := range all {
			if !yield(job, nil) {
				return
			}
		}
	}
	var jobs []values
	var failed []listedJob
	for listed, err := range filter.list(ctx, d.Client, complete, config["details"] == true, 0) {
		if err != nil {
			resp.Diagnostics.Append(listError("", err))
			return
		}
		jobs = append(jobs, listed.values())
		if listed.err != nil {
			failed = append(failed, listed)
		}
	}
	if len(failed) > 0 {
		resp.Diagnostics.Append(unreadable(failed...))
	}
	// The order of the list is not documented, and a changed order would change everything that depends on the data
	// source.
	slices.SortFunc(jobs, func(a, b values) int {
		return cmp.Or(strings.Compare(a.text(nameArgument), b.text(nameArgument)),
			strings.Compare(a.text(jobIDAttribute), b.text(jobIDAttribute)))
	})
	ids, names, rows := []tftypes.Value{}, []tftypes.Value{}, []tftypes.Value{}
	for _, job := range jobs {
		ids = append(ids, tftypes.NewValue(tftypes.String, job[jobIDAttribute]))
		names = append(names, tftypes.NewValue(tftypes.String, job[nameArgument]))
		rows = append(rows, job.raw(dataSourceType()))
	}
	config["ids"], config["names"], config["jobs"] = ids, names, rows
	resp.State.Raw = config.raw(req.Config.Raw.Type())
}
