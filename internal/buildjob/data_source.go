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
	config, diags := valuesFrom(req.Config.Raw)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := d.Begin(ctx, defaultTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	job, failure := d.find(ctx, config.text(jobIDAttribute), config.text(nameArgument))
	if failure != nil {
		resp.Diagnostics.Append(failure)
		return
	}
	resp.State.Raw = valuesOf(job).raw(dataSourceType())
}

// find returns the build job with the ID, or with exactly the name if the ID is empty.
func (d *jobDataSource) find(ctx context.Context, id, name string) (*servicestage.BuildJob, diag.Diagnostic) {
	if id == "" {
		found, failure := findByName(ctx, d.Client, name)
		if failure != nil {
			return nil, diag.WithPath(path.Root(nameArgument), failure)
		}
		id = found
	}
	job, err := d.Client.GetBuildJob(ctx, id, name)
	operation := fmt.Sprintf("reading build job %q", id)
	switch {
	case servicestage.IsNotFound(err):
		return nil, diag.WithPath(path.Root(jobIDAttribute), noSuchJob(operation, err, ""))
	case err != nil:
		return nil, readError(operation, err)
	}
	return job, nil
}

type jobsDataSource struct{ providerdata.DataSource }

// NewListDataSource returns the data source servicestage_build_jobs.
func NewListDataSource() datasource.DataSource {
	return &jobsDataSource{providerdata.NewDataSource("build_jobs", listDataSourceSchema)}
}

func (d *jobsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	config, diags := valuesFrom(req.Config.Raw)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := d.Begin(ctx, listTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
	jobs, failure := d.list(ctx, config)
	if failure != nil {
		if resp.Diagnostics.Append(failure); resp.Diagnostics.HasError() {
			return
		}
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
	var state map[string]tftypes.Value
	if err := req.Config.Raw.As(&state); err != nil {
		resp.Diagnostics.AddError("Error reading the configuration", err.Error())
		return
	}
	texts := tftypes.List{ElementType: tftypes.String}
	state["ids"], state["names"] = tftypes.NewValue(texts, ids), tftypes.NewValue(texts, names)
	state["jobs"] = tftypes.NewValue(tftypes.List{ElementType: dataSourceType()}, rows)
	resp.State.Raw = tftypes.NewValue(req.Config.Raw.Type(), state)
}

// list returns the build jobs that the filters select. The diagnostic is a warning if some of them could not be read.
func (d *jobsDataSource) list(ctx context.Context, config values) ([]values, diag.Diagnostic) {
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
	var found []values
	var failed []listedJob
	for listed, err := range filter.list(ctx, d.Client, complete, config["details"] == true, 0) {
		if err != nil {
			return nil, listDiagnostic("", err)
		}
		found = append(found, listed.values())
		if listed.err != nil {
			failed = append(failed, listed)
		}
	}
	if len(failed) > 0 {
		return found, unreadable(failed...)
	}
	return found, nil
}
