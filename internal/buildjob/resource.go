// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package buildjob is the build job of ServiceStage as Terraform sees it: a resource, data sources for one and for many, and a
// list resource. It speaks no HTTP.
package buildjob

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var (
	_ resource.ResourceWithConfigure   = (*jobResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*jobResource)(nil)
	_ resource.ResourceWithImportState = (*jobResource)(nil)
	_ resource.ResourceWithIdentity    = (*jobResource)(nil)
)

const (
	// defaultTimeout bounds each operation where the timeouts block says nothing.
	defaultTimeout = 5 * time.Minute
	// minTimeout is the least for read and delete, whose timeout comes from the state: one that is too short could not be mended
	// by the configuration, since the state is read before that counts.
	minTimeout = time.Second
)

type jobResource struct{ wiring.Resource }

// NewResource returns servicestage_build_job.
func NewResource() resource.Resource { return &jobResource{} }

func (r *jobResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build_job"
}

func (r *jobResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema()
}

func (r *jobResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identitySchema()
}

// ModifyPlan plans the provider's enterprise project where the configuration names none.
func (r *jobResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || r.Provider == nil {
		return
	}
	argument := path.Root("enterprise_project_id")
	var configured types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, argument, &configured)...)
	if resp.Diagnostics.HasError() || !configured.IsNull() {
		return
	}
	switch project := r.EnterpriseProjectID; {
	case project.IsUnknown() && !req.Plan.Raw.Equal(req.State.Raw):
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, argument, project)...)
	case !project.IsUnknown() && !project.IsNull():
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, argument, project)...)
	}
}

func (r *jobResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan resourceModel
	resp.Diagnostics.Append(plan.get(ctx, req.Plan.Raw)...)
	resp.Diagnostics.Append(refusePassword(plan.CodeRepo, nil)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	created, err := r.Client.CreateBuildJob(ctx, plan.request(nil))
	if err != nil {
		resp.Diagnostics.Append(createError(plan.JobName.ValueString(), err))
		return
	}
	// The ID is saved before anything else can fail: Terraform would create a build job again that is not in its state.
	plan.JobID = types.StringValue(created.ID)
	if created.CreatedAt != "" {
		plan.CreatedAt = types.StringValue(created.CreatedAt)
	}
	asPlanned := plan
	asPlanned.jobModel = plan.withUnknownsFrom(jobModel{})
	resp.Diagnostics.Append(asPlanned.set(ctx, &resp.State.Raw)...)
	r.identify(resp.Identity, plan.JobID)
	memory := remembered{Unconfirmed: true, CreatedAt: r.Client.Now(), Region: r.Region.ValueString()}
	resp.Diagnostics.Append(memory.store(ctx, resp.Private)...)
	resp.Diagnostics.Append(createWarnings(created, plan.JobName.ValueString())...)
	if resp.Diagnostics.HasError() {
		return
	}

	reading := &reading{note: true, planned: true, askedProject: !plan.EnterpriseProjectID.IsUnknown()}
	state := asPlanned
	err = r.readWritten(ctx, created.ID, plan.jobModel, reading, &state.jobModel)
	if err != nil {
		// An error would taint the build job, and Terraform would destroy it.
		resp.Diagnostics.AddWarning("Error reading the new build job", readBackWarning(plan.JobName, created.ID, "was created", err))
		return
	}
	for _, refusal := range reading.refusals {
		// A warning for the same reason. Terraform accepts no other value than the planned one.
		resp.Diagnostics.AddAttributeWarning(refusal.path(), ignoredSummary, refusal.detail(created.ID)+" The next plan shows the difference.")
	}
	if len(reading.refusals) > 0 {
		state.jobModel = plan.withUnknownsFrom(state.jobModel)
	}
	resp.Diagnostics.Append(state.set(ctx, &resp.State.Raw)...)
	reading.remembered.Region = memory.Region
	resp.Diagnostics.Append(reading.remembered.store(ctx, resp.Private)...)
}

// readWritten reads a build job after a write into state, until the response contains what was written, or the last of a few times.
func (r *jobResource) readWritten(ctx context.Context, id string, plan jobModel, result *reading, state *jobModel) error {
	modes := *result
	_, err := r.Client.GetWrittenBuildJob(ctx, id, func(job *servicestage.BuildJob) bool {
		*result = modes
		*state = stateFrom(job, plan, result)
		return len(result.refusals) == 0
	})
	return err
}

func (r *jobResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state resourceModel
	resp.Diagnostics.Append(state.get(ctx, req.State.Raw)...)
	// A state of an older CLI has no identity, and the framework wants one also of a job that is gone.
	r.identify(resp.Identity, state.JobID)
	if !r.Ready() {
		return // A provider setting is unknown while Terraform plans; the state stays as it is.
	}
	timeout, diags := state.Timeouts.Read(ctx, defaultTimeout)
	timeout = max(timeout, minTimeout)
	resp.Diagnostics.Append(diags...)
	memory, diags := recall(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if resp.Diagnostics.Append(r.checkRegion(ctx, req.Identity, memory, state.jobModel, "reading")...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	// Every state has an environment, except the one that an import has just created.
	id, imported := state.JobID.ValueString(), state.EnvironmentSetting == nil
	job, err := r.Client.GetBuildJob(ctx, id, state.JobName.ValueString())
	switch {
	case servicestage.IsNotFound(err) && imported:
		resp.Diagnostics.AddError("No such build job", apidiag.Detail(fmt.Sprintf("importing build job %q", id), err, importNotFound(id)))
		return
	case servicestage.IsNotFound(err) && memory.mayLag(r.Client.Now()):
		resp.Diagnostics.AddError("Build job not readable yet", notReadableYet(state.operation("reading"), memory.CreatedAt, err))
		return
	case servicestage.IsNotFound(err):
		resp.State.RemoveResource(ctx)
		return
	case err != nil:
		resp.Diagnostics.Append(apidiag.Error("Unable to read the build job", state.operation("reading"), err))
		return
	}
	reading := &reading{remembered: memory, note: memory.Unconfirmed, repoIsDrift: memory.Unconfirmed}
	before := state.jobModel
	state.jobModel = stateFrom(job, before, reading)
	if !reflect.DeepEqual(state.jobModel, before) {
		resp.Diagnostics.Append(state.set(ctx, &resp.State.Raw)...)
	}
	next := reading.remembered
	next.Unconfirmed, next.CreatedAt = false, time.Time{}
	next.Region = cmp.Or(memory.Region, r.Region.ValueString())
	if !reflect.DeepEqual(next, memory) {
		resp.Diagnostics.Append(next.store(ctx, resp.Private)...)
	}
}

func (r *jobResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state resourceModel
	var configuredProject types.String
	resp.Diagnostics.Append(plan.get(ctx, req.Plan.Raw)...)
	resp.Diagnostics.Append(state.get(ctx, req.State.Raw)...)
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, path.Root("enterprise_project_id"), &configuredProject)...)
	r.identify(resp.Identity, state.JobID)
	timeout, diags := plan.Timeouts.Update(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	memory, diags := recall(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(r.checkRegion(ctx, req.Identity, memory, state.jobModel, "updating")...)
	if resp.Diagnostics.HasError() {
		return
	}
	if reflect.DeepEqual(plan.jobModel, state.jobModel) {
		resp.Diagnostics.Append(plan.set(ctx, &resp.State.Raw)...) // Nothing but timeouts differs, and the service has none.
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	id, operation := state.JobID.ValueString(), state.operation("updating")
	askedProject := !configuredProject.IsNull() || !r.EnterpriseProjectID.IsNull()
	current, err := r.Client.GetBuildJob(ctx, id, state.JobName.ValueString())
	if err == nil {
		if resp.Diagnostics.Append(refusePassword(plan.CodeRepo, current.Spec.CodeRepo)...); resp.Diagnostics.HasError() {
			return
		}
		err = r.Client.UpdateBuildJob(ctx, current, leaveAlone(plan.request(&state.jobModel), current, askedProject))
	}
	switch {
	case servicestage.IsNotFound(err):
		resp.Diagnostics.AddError("The build job is gone", apidiag.Detail(operation, err,
			"It was deleted since the plan was made. Plan again: the new plan creates it."))
		return
	case err != nil:
		resp.Diagnostics.Append(updateError(operation, err))
		return
	}
	asPlanned := plan
	asPlanned.jobModel = plan.withUnknownsFrom(jobModel{})
	reading := &reading{
		note: true, planned: true,
		askedProject: askedProject,
		repoIsDrift:  plan.CodeRepo == nil && state.CodeRepo != nil,
	}
	region := cmp.Or(memory.Region, r.Region.ValueString())
	planned := plan.jobModel
	if err := r.readWritten(ctx, id, planned, reading, &plan.jobModel); err != nil {
		resp.Diagnostics.AddWarning("Error reading the updated build job", readBackWarning(planned.JobName, id, "was updated", err))
		resp.Diagnostics.Append(asPlanned.set(ctx, &resp.State.Raw)...)
		resp.Diagnostics.Append(remembered{Unconfirmed: true, Region: region}.store(ctx, resp.Private)...)
		return
	}
	for _, refusal := range reading.refusals {
		resp.Diagnostics.AddAttributeError(refusal.path(), ignoredSummary, refusal.detail(id))
	}
	resp.Diagnostics.Append(plan.set(ctx, &resp.State.Raw)...)
	reading.remembered.Region = region
	resp.Diagnostics.Append(reading.remembered.store(ctx, resp.Private)...)
}

func (r *jobResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state resourceModel
	resp.Diagnostics.Append(state.get(ctx, req.State.Raw)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeout)
	timeout = max(timeout, minTimeout)
	resp.Diagnostics.Append(diags...)
	memory, diags := recall(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(r.checkRegion(ctx, req.Identity, memory, state.jobModel, "deleting")...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := r.Client.DeleteBuildJob(ctx, state.JobID.ValueString(), state.JobName.ValueString()); err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to delete the build job", state.operation("deleting"), err))
	}
}

// operation says what is done to which job.
func (m jobModel) operation(verb string) string {
	if m.JobName.IsNull() {
		return fmt.Sprintf("%s build job %s", verb, m.JobID.ValueString())
	}
	return fmt.Sprintf("%s build job %q (%s)", verb, m.JobName.ValueString(), m.JobID.ValueString())
}

// withUnknownsFrom is a plan whose unknown values come from elsewhere: the answer, or nothing as long as there is none.
func (m jobModel) withUnknownsFrom(other jobModel) jobModel {
	for _, value := range []struct {
		planned *types.String
		actual  types.String
	}{
		{&m.EnterpriseProjectID, other.EnterpriseProjectID},
		{&m.Creator, other.Creator},
		{&m.CreatedAt, other.CreatedAt},
		{&m.LastBuildID, other.LastBuildID},
	} {
		if value.planned.IsUnknown() {
			*value.planned = value.actual
		}
	}
	return m
}

// refusePassword repeats the check of the plan for a URL that was unknown then, and for a placeholder whose password the service
// no longer holds.
func refusePassword(repo *codeRepoModel, held *servicestage.CodeRepo) diag.Diagnostics {
	var diags diag.Diagnostics
	if repo == nil {
		return nil
	}
	address := repo.URL.ValueString()
	if held != nil && held.URL != nil && *stripped(held.URL) == address {
		return nil
	}
	if _, has := withoutPassword(address); has {
		diags.AddAttributeError(path.Root("code_repo").AtName("url"), passwordSummary, passwordDetail)
	}
	return diags
}
