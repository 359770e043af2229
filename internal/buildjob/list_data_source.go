// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var _ datasource.DataSourceWithConfigure = (*jobsDataSource)(nil)

type jobsDataSource struct{ providerdata.DataSource }

// NewListDataSource returns the data source servicestage_build_jobs.
func NewListDataSource() datasource.DataSource { return &jobsDataSource{} }

func (d *jobsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_jobs"
}

func (d *jobsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = listDataSourceSchema()
}

func (d *jobsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	config, diags := valuesFrom(req.Config.Raw)
	resp.Diagnostics.Append(diags...)
	ctx, cancel := d.Begin(ctx, listTimeout, &resp.Diagnostics)
	defer cancel()
	if resp.Diagnostics.HasError() {
		return
	}
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
	all = slices.DeleteFunc(all, func(job servicestage.BuildJobSummary) bool { return !filter.selects(job) })
	found := make([]values, 0, len(all))
	if config["details"] != true {
		for _, job := range all {
			found = append(found, listedJob{BuildJobSummary: job}.values())
		}
		return found, nil
	}
	var failed []listedJob
	for listed, err := range readAll(ctx, d.Client, withoutError(all), 0) {
		if err != nil {
			return nil, diag.Diagnostics{listDiagnostic("listing the build jobs", err)}
		}
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

// withoutError yields the build jobs of a complete list.
func withoutError(jobs []servicestage.BuildJobSummary) iter.Seq2[servicestage.BuildJobSummary, error] {
	return func(yield func(servicestage.BuildJobSummary, error) bool) {
		for _, job := range jobs {
			if !yield(job, nil) {
				return
			}
		}
	}
}
