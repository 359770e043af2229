// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var _ list.ListResourceWithConfigure = (*jobList)(nil)

type jobList struct{ wiring.ListResource }

// NewListResource returns the list resource servicestage_build_job, which `terraform query` asks.
func NewListResource() list.ListResource { return &jobList{} }

func (l *jobList) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_job"
}

func (l *jobList) ListResourceConfigSchema(_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse) {
	resp.Schema = listResourceSchema()
}

// List streams the jobs: the next page is asked for when the jobs of the one before have been taken.
func (l *jobList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	var config filter
	diags := req.Config.Get(ctx, &config)
	if !l.Ready() {
		diags.Append(l.NotReady("A query"))
	}
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	stream.Results = func(push func(list.ListResult) bool) {
		ctx, cancel := context.WithTimeout(ctx, listTimeout)
		defer cancel()
		if req.IncludeResource {
			l.resources(ctx, req, config, push)
		} else {
			l.identities(ctx, req, config, push)
		}
	}
}

// identities lists build jobs without reading them.
func (l *jobList) identities(ctx context.Context, req list.ListRequest, config filter, push func(list.ListResult) bool) {
	pushed := int64(0)
	for job, err := range config.jobs(l.Client.BuildJobs(ctx, config.JobName.ValueString())) {
		if err != nil {
			push(listError(err))
			return
		}
		pushed++
		if !push(l.result(ctx, req, job)) || pushed == req.Limit {
			return
		}
	}
}

// resources lists build jobs with all that an import would read.
func (l *jobList) resources(ctx context.Context, req list.ListRequest, config filter, push func(list.ListResult) bool) {
	noTimeouts, diags := nullTimeouts()
	if diags.HasError() {
		push(list.ListResult{Diagnostics: diags})
		return
	}
	for listed, err := range readAll(ctx, l.Client, config.jobs(l.Client.BuildJobs(ctx, config.JobName.ValueString())), req.Limit) {
		if err != nil {
			push(listError(err))
			return
		}
		result := l.result(ctx, req, listed.BuildJobSummary)
		if listed.err != nil {
			result.Diagnostics.Append(unreadable(listed))
		}
		result.Diagnostics.Append(result.Resource.Set(ctx, resourceModel{jobModel: listed.model(), Timeouts: noTimeouts})...)
		if !push(result) {
			return
		}
	}
}

func (l *jobList) result(ctx context.Context, req list.ListRequest, job servicestage.BuildJobSummary) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = cmp.Or(rest.Sanitize(job.Name, maxNameLength), printableID(job.ID))
	result.Diagnostics.Append(result.Identity.Set(ctx, identityOf(l.Provider, types.StringValue(job.ID)))...)
	return result
}

// listError is the last result of a query. An incomplete list is a warning: what was listed exists.
func listError(err error) list.ListResult {
	if incomplete, ok := errors.AsType[*servicestage.IncompleteListError](err); ok {
		return list.ListResult{Diagnostics: diag.Diagnostics{diag.NewWarningDiagnostic("Incomplete list of build jobs", fmt.Sprintf(
			"ServiceStage reported %d build jobs and returned %d, or the list changed while it was read. Build jobs may be missing from the result.\n\n"+
				"Run the query again.", incomplete.Total, incomplete.Listed))}}
	}
	return list.ListResult{Diagnostics: diag.Diagnostics{listDiagnostic(err)}}
}

// nullTimeouts is the timeouts block of a resource that has none. The type of its zero value would not fit the schema.
func nullTimeouts() (timeouts.Value, diag.Diagnostics) {
	typed, ok := timeoutsBlock().Type().(attr.TypeWithAttributeTypes)
	if !ok {
		return timeouts.Value{}, diag.Diagnostics{diag.NewErrorDiagnostic("Unexpected type of timeouts", "This is a bug in the provider.")}
	}
	return timeouts.Value{Object: types.ObjectNull(typed.AttributeTypes())}, nil
}
