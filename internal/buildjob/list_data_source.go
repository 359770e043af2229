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
	var failure diag.Diagnostic
	if data.Jobs, failure = d.list(ctx, data); failure != nil {
		resp.Diagnostics.Append(failure)
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

// list returns the jobs in the order of the service; none is an empty list.
func (d *jobsDataSource) list(ctx context.Context, data jobsModel) ([]jobModel, diag.Diagnostic) {
	found, jobs := []jobModel{}, data.jobs(ctx, d.Client)
	if data.Details.ValueBool() {
		for job, err := range whole(ctx, d.Client, jobs, 0) {
			if err != nil {
				return nil, listDiagnostic(err)
			}
			found = append(found, stateFrom(job, jobModel{}, &reading{}))
		}
		return found, nil
	}
	for job, err := range jobs {
		if err != nil {
			return nil, listDiagnostic(err)
		}
		found = append(found, jobModel{JobID: types.StringValue(job.ID), JobName: types.StringValue(job.Name)})
	}
	return found, nil
}
