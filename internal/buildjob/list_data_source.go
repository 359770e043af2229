// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var _ datasource.DataSourceWithConfigure = (*jobsDataSource)(nil)

type jobsDataSource struct{ wiring.DataSource }

// NewListDataSource returns the data source servicestage_build_jobs.
func NewListDataSource() datasource.DataSource { return &jobsDataSource{} }

// jobsModel is the data source in Terraform's words.
type jobsModel struct {
	filter
	Details types.Bool     `tfsdk:"details"`
	IDs     []types.String `tfsdk:"ids"`
	Names   []types.String `tfsdk:"names"`
	Jobs    []jobModel     `tfsdk:"jobs"`
}

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
	var data jobsModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &data)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	var diags diag.Diagnostics
	data.Jobs, diags = d.list(ctx, data)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	// The order of the service's list is not documented: one that changed would be a change of all that depends on it.
	slices.SortFunc(data.Jobs, func(a, b jobModel) int {
		return cmp.Or(cmp.Compare(a.JobName.ValueString(), b.JobName.ValueString()), cmp.Compare(a.JobID.ValueString(), b.JobID.ValueString()))
	})
	data.IDs, data.Names = []types.String{}, []types.String{}
	for _, job := range data.Jobs {
		data.IDs, data.Names = append(data.IDs, job.JobID), append(data.Names, job.JobName)
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, data)...)
}

// list returns the build jobs in the order of the service; an empty list if there are none. An incomplete list is an error: a
// for_each over it would destroy what depends on the missing build jobs.
func (d *jobsDataSource) list(ctx context.Context, data jobsModel) ([]jobModel, diag.Diagnostics) {
	all, err := d.Client.ListBuildJobs(ctx, data.JobName.ValueString())
	if err != nil {
		return nil, diag.Diagnostics{listDiagnostic(err)}
	}
	all = slices.DeleteFunc(all, func(job servicestage.BuildJobSummary) bool { return !data.passes(job.Name) })
	found := make([]jobModel, 0, len(all))
	if !data.Details.ValueBool() {
		for _, job := range all {
			found = append(found, jobModel{JobID: types.StringValue(job.ID), JobName: types.StringValue(job.Name)})
		}
		return found, nil
	}
	rows := func(yield func(servicestage.BuildJobSummary, error) bool) {
		for _, job := range all {
			if !yield(job, nil) {
				return
			}
		}
	}
	var failed []listedJob
	for listed := range readAll(ctx, d.Client, rows, 0) {
		found = append(found, listed.model())
		if listed.err != nil {
			failed = append(failed, listed)
		}
	}
	if len(failed) > 0 {
		return found, diag.Diagnostics{unreadable(failed...)}
	}
	return found, nil
}
