// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"cmp"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

var _ list.ListResourceWithConfigure = (*jobList)(nil)

type jobList struct{ providerdata.ListResource }

// NewListResource returns the list resource servicestage_build_job.
func NewListResource() list.ListResource { return &jobList{} }

func (l *jobList) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_job"
}

func (l *jobList) ListResourceConfigSchema(
	_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse,
) {
	resp.Schema = listResourceSchema()
}

func (l *jobList) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	if !l.Ready() {
		stream.Results = list.ListResultsStreamDiagnostics(diag.Diagnostics{l.NotReady("A query")})
		return
	}
	filter := filterFrom(valuesFrom(req.Config.Raw))
	stream.Results = func(push func(list.ListResult) bool) {
		ctx, cancel := context.WithTimeout(ctx, listTimeout)
		defer cancel()
		jobs := l.Client.BuildJobs(ctx, filter.name)
		for listed, err := range filter.list(ctx, l.Client, jobs, req.IncludeResource, req.Limit) {
			if err != nil {
				push(list.ListResult{Diagnostics: diag.Diagnostics{queryError(err)}})
				return
			}
			if !push(l.result(ctx, req, listed)) {
				return
			}
		}
	}
}

func (l *jobList) result(ctx context.Context, req list.ListRequest, listed listedJob) list.ListResult {
	result := req.NewListResult(ctx)
	result.DisplayName = cmp.Or(rest.Sanitize(listed.Name, maxNameLength), printableID(listed.ID))
	result.Identity.Raw = newIdentity(l.Data, listed.ID)
	if req.IncludeResource {
		result.Resource.Raw = listed.values().raw(resourceType())
	}
	if listed.err != nil {
		result.Diagnostics.Append(unreadable(listed))
	}
	return result
}
