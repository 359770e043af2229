// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package buildjob has the resource, the data sources and the list resource of build jobs. It must not import
// net/http and encoding/json.
package buildjob

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ resource.ResourceWithConfigure   = (*jobResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*jobResource)(nil)
	_ resource.ResourceWithImportState = (*jobResource)(nil)
	_ resource.ResourceWithIdentity    = (*jobResource)(nil)
)

const (
	// defaultTimeout is the timeout of an operation if the timeouts block has none.
	defaultTimeout = 5 * time.Minute
	// minTimeout is the minimum for read and delete, whose timeout comes from the state: Terraform reads the build
	// job before a new configuration takes effect, so a timeout that is too short could not be corrected.
	minTimeout = time.Second
)

type jobResource struct{ providerdata.Resource }

// NewResource returns the resource servicestage_build_job.
func NewResource() resource.Resource { return &jobResource{} }

func (r *jobResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_job"
}

func (r *jobResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema()
}

func (r *jobResource) IdentitySchema(
	_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identitySchema()
}

// PlansUnchanged reports whether the plan of a build job is its prior state if Terraform proposes that state. Only
// the enterprise project of the provider can change such a plan.
func (r *jobResource) PlansUnchanged(configured *providerdata.Data) bool {
	return configured.EnterpriseProjectID.IsNull()
}

// ModifyPlan plans the provider's enterprise project if the resource's configuration has none. It sends no request.
func (r *jobResource) ModifyPlan(
	ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse,
) {
	if req.Plan.Raw.IsNull() || r.Data == nil || valuesFrom(req.Config.Raw)[projectArgument] != nil {
		return
	}
	project := r.EnterpriseProjectID
	if project.IsNull() || project.IsUnknown() && req.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root(projectArgument), project)...)
}

func (r *jobResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan := valuesFrom(req.Plan.Raw)
	if resp.Diagnostics.Append(rejectSecret(plan, nil)...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, plan.timeout("create"))
	defer cancel()

	created, err := r.Client.CreateBuildJob(ctx, request(plan, nil))
	if err != nil {
		resp.Diagnostics.Append(createError(plan.text(nameArgument), err))
		return
	}
	// The ID is saved before anything else can fail: Terraform creates a build job again that is not in the state.
	plan[jobIDAttribute] = created.ID
	if created.CreatedAt != "" {
		plan[createdAtAttribute] = created.CreatedAt
	}
	resp.State.Raw = withUnknowns(plan, nil).raw(resourceType())
	r.identify(resp.Identity, created.ID)
	private := privateState{Unread: true, Origin: r.Origin(ctx, providerdata.Origin{})}
	private.CreatedAt = r.Client.Now()
	resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
	resp.Diagnostics.Append(createWarnings(created, plan.text(nameArgument))...)

	var result reconciled
	job, err := r.Client.GetWrittenBuildJob(ctx, created.ID, func(job *servicestage.BuildJob) bool {
		result = afterCreate(plan, valuesOf(job))
		return len(result.mismatches) == 0
	})
	if err == nil && job.IsForeign(request(plan, nil)) {
		resp.State.RemoveResource(ctx)
		resp.Diagnostics.Append(foreignJob(fmt.Sprintf("creating build job %q", plan.text(nameArgument)), created.ID))
		return
	}
	if err != nil {
		// An error would taint the build job, and Terraform would destroy it.
		resp.Diagnostics.Append(readBackWarning(plan, "created", err))
		return
	}
	state := result.state
	for _, argument := range result.mismatches {
		// A warning for the same reason. Terraform accepts only the planned value.
		detail := ignoredDetail(argument, created.ID)
		resp.Diagnostics.AddAttributeWarning(argumentPath(argument), ignoredSummary, detail)
		state = withUnknowns(plan, result.state)
	}
	resp.State.Raw = state.raw(resourceType())
	private = privateState{Defaults: result.defaults, Origin: r.Origin(ctx, private.Origin)}
	resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
}

func (r *jobResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	prior := valuesFrom(req.State.Raw)
	id := prior.text(jobIDAttribute)
	// The state of an older CLI has no identity, and the framework requires one even if the build job does not exist.
	r.identify(resp.Identity, id)
	if !r.Ready() {
		return // A provider argument is unknown during planning. The state is kept.
	}
	operation := prior.operation("reading")
	private, diags := r.loadPrivateState(ctx, req.Private, req.Identity, operation)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(prior.timeout("read"), minTimeout))
	defer cancel()

	imported := prior[environmentSetting] == nil // Every other state has the block.
	job, err := r.Client.GetBuildJob(ctx, id, prior.text(nameArgument))
	switch {
	case servicestage.IsNotFound(err) && imported:
		advice := fmt.Sprintf("To import a build job by its name, use name/%s.", id)
		resp.Diagnostics.Append(noSuchJob(fmt.Sprintf("importing build job %q", id), err, advice))
		return
	case servicestage.IsNotFound(err) && r.MayExist(ctx, private.Origin):
		resp.Diagnostics.Append(r.NotFound(ctx, "build job", operation, private.Origin, err))
		return
	case servicestage.IsNotFound(err):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(readError(operation, err))
		return
	}
	result := refresh(prior, valuesOf(job), private.Defaults)
	if private.Unread {
		result = firstRefresh(prior, valuesOf(job))
	}
	if !maps.Equal(result.state, prior) {
		resp.State.Raw = result.state.raw(resourceType())
	}
	next := privateState{Defaults: result.defaults, Origin: r.Origin(ctx, private.Origin)}
	if !reflect.DeepEqual(next, private) {
		resp.Diagnostics.Append(next.store(ctx, resp.Private)...)
	}
}

func (r *jobResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan, prior, config := valuesFrom(req.Plan.Raw), valuesFrom(req.State.Raw), valuesFrom(req.Config.Raw)
	id, operation := prior.text(jobIDAttribute), prior.operation("updating")
	r.identify(resp.Identity, id)
	private, diags := r.loadPrivateState(ctx, req.Private, req.Identity, operation)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	if maps.Equal(plan.withoutTimeouts(), prior.withoutTimeouts()) {
		resp.State.Raw = req.Plan.Raw // Timeouts are stored in the state only.
		return
	}
	ctx, cancel := context.WithTimeout(ctx, plan.timeout("update"))
	defer cancel()

	projectConfigured := config[projectArgument] != nil || !r.EnterpriseProjectID.IsNull()
	current, err := r.Client.GetBuildJob(ctx, id, prior.text(nameArgument))
	if err == nil {
		if resp.Diagnostics.Append(rejectSecret(plan, current)...); resp.Diagnostics.HasError() {
			return
		}
		err = r.Client.UpdateBuildJob(ctx, current, requestUpdate(plan, prior, current, projectConfigured))
	}
	switch {
	case servicestage.IsNotFound(err) && r.MayExist(ctx, private.Origin):
		resp.Diagnostics.Append(r.NotFound(ctx, "build job", operation, private.Origin, err))
		return
	case servicestage.IsNotFound(err):
		resp.Diagnostics.Append(deletedOutside(operation, err))
		return
	case err != nil:
		resp.Diagnostics.Append(updateError(operation, err))
		return
	}
	private = privateState{Origin: r.Origin(ctx, private.Origin)}
	var result reconciled
	_, err = r.Client.GetWrittenBuildJob(ctx, id, func(job *servicestage.BuildJob) bool {
		result = afterUpdate(plan, prior, valuesOf(job), projectConfigured)
		return len(result.mismatches) == 0
	})
	if err != nil {
		resp.Diagnostics.Append(readBackWarning(plan, "updated", err))
		result, private.Unread = reconciled{state: withUnknowns(plan, nil)}, true
	}
	for _, argument := range result.mismatches {
		resp.Diagnostics.AddAttributeError(argumentPath(argument), ignoredSummary, ignoredDetail(argument, id))
	}
	resp.State.Raw = result.state.raw(resourceType())
	private.Defaults = result.defaults
	resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
}

func (r *jobResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	prior := valuesFrom(req.State.Raw)
	id, name, operation := prior.text(jobIDAttribute), prior.text(nameArgument), prior.operation("deleting")
	private, diags := r.loadPrivateState(ctx, req.Private, req.Identity, operation)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(prior.timeout("delete"), minTimeout))
	defer cancel()
	if r.MayExist(ctx, private.Origin) {
		// A delete of a build job that does not exist succeeds, but this build job may exist.
		if _, err := r.Client.GetBuildJob(ctx, id, name); servicestage.IsNotFound(err) {
			resp.Diagnostics.Append(r.NotFound(ctx, "build job", operation, private.Origin, err))
			return
		}
	}
	if err := r.Client.DeleteBuildJob(ctx, id, name); err != nil {
		resp.Diagnostics.Append(deleteError(operation, err))
	}
}

// rejectSecret returns an error for a URL with a secret that was unknown during planning, and for a placeholder whose
// secret ServiceStage no longer returns. current is nil for a create.
func rejectSecret(plan values, current *servicestage.BuildJob) diag.Diagnostics {
	url := plan.text(repoURLArgument)
	if _, has := withoutSecret(url); !has || current != nil && valuesOf(current)[repoURLArgument] == url {
		return nil
	}
	return diag.Diagnostics{
		diag.NewAttributeErrorDiagnostic(argumentPath(repoURLArgument), secretSummary, redactedDetail),
	}
}
