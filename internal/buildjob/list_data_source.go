// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var _ datasource.DataSourceWithConfigure = (*jobsDataSource)(nil)

type jobsDataSource struct{ wiring.DataSource }

// NewListDataSource returns the data source servicestage_build_jobs.
func NewListDataSource() datasource.DataSource { return &jobsDataSource{} }

func (d *jobsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_jobs"
}

func (d *jobsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = listDataSourceSchema()
}

func (d *jobsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	if !d.Ready() {
		resp.Diagnostics.Append(d.NotReady("A data source"))
		return
	}
	config, diags := valuesFrom(req.Config.Raw)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	jobs, diags := d.list(ctx, config)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	// The order of the list is not documented: a change of it would be a change of everything that depends on the data source.
	slices.SortFunc(jobs, func(a, b values) int {
		return cmp.Or(cmp.Compare(a.text(nameArgument), b.text(nameArgument)), cmp.Compare(a.text(jobIDAttribute), b.text(jobIDAttribute)))
	})
	ids, names, rows := make([]tftypes.Value, len(jobs)), make([]tftypes.Value, len(jobs)), make([]tftypes.Value, len(jobs))
	for i, job := range jobs {
		ids[i], names[i] = tftypes.NewValue(tftypes.String, job[jobIDAttribute]), tftypes.NewValue(tftypes.String, job[nameArgument])
		rows[i] = job.raw(dataSourceType())
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

// list returns the build jobs in the order of the service; an empty list if there are none. An incomplete list is an error: a
// for_each over it would destroy what depends on the missing build jobs.
func (d *jobsDataSource) list(ctx context.Context, config values) ([]values, diag.Diagnostics) {
	filter := filterFrom(config)
	all, err := d.Client.ListBuildJobs(ctx, filter.name)
	if err != nil {
		return nil, diag.Diagnostics{listDiagnostic("listing the build jobs", err)}
	}
	rows := filter.jobs(func(yield func(servicestage.BuildJobSummary, error) bool) {
		for _, job := range all {
			if !yield(job, nil) {
				return
			}
		}
	})
	var found []values
	if config["details"] != true {
		for job := range rows {
			found = append(found, listedJob{BuildJobSummary: job}.values())
		}
		return found, nil
	}
	var failed []listedJob
	for listed := range readAll(ctx, d.Client, rows, 0) {
		found = append(found, listed.values())
		if listed.err != nil {
			failed = append(failed, listed)
		}
	}
	if len(failed) > 0 {
		return found, diag.Diagnostics{unreadable(failed...)}
	}
	return found, nil
}
