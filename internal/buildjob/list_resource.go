// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var _ list.ListResourceWithConfigure = (*jobList)(nil)

type jobList struct{ providerdata.ListResource }

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
	config, diags := valuesFrom(req.Config.Raw)
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
			l.resources(ctx, req, filterFrom(config), push)
		} else {
			l.identities(ctx, req, filterFrom(config), push)
		}
	}
}

// identities lists build jobs without reading them.
func (l *jobList) identities(ctx context.Context, req list.ListRequest, filter filter, push func(list.ListResult) bool) {
	pushed := int64(0)
	for job, err := range filter.jobs(l.Client.BuildJobs(ctx, filter.name)) {
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
func (l *jobList) resources(ctx context.Context, req list.ListRequest, filter filter, push func(list.ListResult) bool) {
	for listed, err := range readAll(ctx, l.Client, filter.jobs(l.Client.BuildJobs(ctx, filter.name)), req.Limit) {
		if err != nil {
			push(listError(err))
			return
		}
		result := l.result(ctx, req, listed.BuildJobSummary)
		if listed.err != nil {
			result.Diagnostics.Append(unreadable(listed))
		}
		result.Resource.Raw = listed.values().raw(resourceType())
		if !push(result) {
			return
		}
	}
}

func (l *jobList) result(ctx context.Context, req list.ListRequest, job servicestage.BuildJobSummary) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = cmp.Or(rest.Sanitize(job.Name, maxNameLength), printableID(job.ID))
	result.Identity.Raw = newIdentity(l.Data, job.ID)
	return result
}

// listError is the last result of a query. An incomplete list is a warning: what was listed exists.
func listError(err error) list.ListResult {
	diagnostic := listDiagnostic("listing the build jobs", err)
	if incomplete, ok := errors.AsType[*servicestage.IncompleteListError](err); ok {
		diagnostic = incompleteList(incomplete)
	}
	return list.ListResult{Diagnostics: diag.Diagnostics{diagnostic}}
}
