// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package buildjob is the build job of ServiceStage as Terraform sees it: a resource, data sources for one and for many, and a
// list resource. It speaks no HTTP.
package buildjob

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
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

	operation := fmt.Sprintf("creating build job %s", plan.JobName)
	created, err := r.Client.CreateBuildJob(ctx, plan.request(nil))
	if err != nil {
		resp.Diagnostics.Append(r.createError(ctx, operation, plan.JobName.ValueString(), err))
	}
	if created == nil {
		return
	}
	// The id goes to state before anything else can fail: a job that Terraform does not know of would be made again.
	plan.JobID = types.StringValue(created.ID)
	if created.CreatedAt != "" {
		plan.CreatedAt = types.StringValue(created.CreatedAt)
	}
	asPlanned := plan
	asPlanned.jobModel = plan.withUnknownsFrom(jobModel{})
	resp.Diagnostics.Append(asPlanned.set(ctx, &resp.State.Raw)...)
	r.identify(resp.Identity, plan.JobID)
	resp.Diagnostics.Append(remembered{Unconfirmed: true}.store(ctx, resp.Private)...)
	resp.Diagnostics.Append(recovered(created, plan.JobName.ValueString())...)
	if resp.Diagnostics.HasError() {
		return
	}

	job, err := r.Client.GetWrittenBuildJob(ctx, created.ID)
	if err != nil {
		// An error would taint a job that exists as it was sent, and Terraform would destroy it.
		resp.Diagnostics.AddWarning("Unable to read the new build job back", readBackWarning(plan.JobName, created.ID, "was created", err))
		return
	}
	reading := &reading{note: true, planned: true, askedProject: !plan.EnterpriseProjectID.IsUnknown()}
	state := asPlanned
	state.jobModel = stateFrom(job, plan.jobModel, reading)
	for _, refusal := range reading.refusals {
		// Not an error, for the same reason; and Terraform takes no other value for what was planned.
		resp.Diagnostics.AddAttributeWarning(refusal.path(), "The service did not take over an argument",
			refusal.detail(created.ID)+" The next plan shows the difference.")
	}
	if len(reading.refusals) > 0 {
		state.jobModel = plan.withUnknownsFrom(state.jobModel)
	}
	resp.Diagnostics.Append(state.set(ctx, &resp.State.Raw)...)
	resp.Diagnostics.Append(reading.remembered.store(ctx, resp.Private)...)
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
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	// Every state has an environment, but the one that an import has just made.
	id, imported := state.JobID.ValueString(), state.EnvironmentSetting == nil
	job, err := r.Client.GetBuildJob(ctx, id, state.JobName.ValueString())
	switch {
	case servicestage.IsNotFound(err) && imported:
		resp.Diagnostics.AddError("No such build job", apidiag.Detail(fmt.Sprintf("importing build job %q", id), err, importNotFound(id)))
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
	if memory.Unconfirmed {
		reading.remembered.Unconfirmed = false
		resp.Diagnostics.Append(reading.remembered.store(ctx, resp.Private)...)
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
		err = r.Client.UpdateBuildJob(ctx, current, leaveAlone(plan.request(&state.jobModel), current.Spec, askedProject))
	}
	switch {
	case servicestage.IsNotFound(err):
		resp.Diagnostics.AddError("The build job is gone", apidiag.Detail(operation, err,
			"It was deleted since the plan was made. Plan again: the new plan creates it."))
		return
	case err != nil:
		resp.Diagnostics.Append(apidiag.Error("Unable to update the build job", operation, err))
		return
	}
	asPlanned := plan
	asPlanned.jobModel = plan.withUnknownsFrom(jobModel{})
	job, err := r.Client.GetWrittenBuildJob(ctx, id)
	if err != nil {
		resp.Diagnostics.AddWarning("Unable to read the updated build job back", readBackWarning(plan.JobName, id, "was updated", err))
		resp.Diagnostics.Append(asPlanned.set(ctx, &resp.State.Raw)...)
		resp.Diagnostics.Append(remembered{Unconfirmed: true}.store(ctx, resp.Private)...)
		return
	}
	reading := &reading{
		note: true, planned: true,
		askedProject: askedProject,
		repoIsDrift:  plan.CodeRepo == nil && state.CodeRepo != nil,
	}
	plan.jobModel = stateFrom(job, plan.jobModel, reading)
	for _, refusal := range reading.refusals {
		resp.Diagnostics.AddAttributeError(refusal.path(), "The service did not take over an argument", refusal.detail(id))
	}
	resp.Diagnostics.Append(plan.set(ctx, &resp.State.Raw)...)
	resp.Diagnostics.Append(reading.remembered.store(ctx, resp.Private)...)
}

func (r *jobResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state resourceModel
	resp.Diagnostics.Append(state.get(ctx, req.State.Raw)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeout)
	timeout = max(timeout, minTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := r.Client.DeleteBuildJob(ctx, state.JobID.ValueString(), state.JobName.ValueString()); err != nil {
		resp.Diagnostics.Append(apidiag.Error("Unable to delete the build job", state.operation("deleting"), err))
	}
}

// createError adds what can be done: to a refused create which job has the name, if one has; to one that was not answered
// which jobs may be the one that was sent.
func (r *jobResource) createError(ctx context.Context, operation, name string, err error) diag.Diagnostic {
	if lost, ok := errors.AsType[*servicestage.LostError](err); ok {
		return lostError(operation, lost)
	}
	const summary = "Unable to create the build job"
	if !servicestage.IsRefused(err) {
		return apidiag.Error(summary, operation, err)
	}
	for job, listErr := range r.Client.BuildJobs(ctx, name) {
		if listErr != nil {
			break
		}
		if strings.EqualFold(job.Name, name) {
			return apidiag.Error(summary, operation, err, fmt.Sprintf(
				"There is a build job %q with id %s; the service tells names apart without regard to case. Choose another name, or "+
					"manage that job by adding this block, with the address of this resource:\n\n%s", job.Name, job.ID, importBlock(job.ID)))
		}
	}
	return apidiag.Error(summary, operation, err)
}

func lostError(operation string, lost *servicestage.LostError) diag.Diagnostic {
	const summary = "The build job may have been created"
	ids := make([]string, len(lost.Jobs))
	for i, job := range lost.Jobs {
		ids[i] = job.ID
	}
	switch {
	case lost.Created != "":
		return diag.NewErrorDiagnostic("Two build jobs may have been created", fmt.Sprintf(
			"Error %s: the first request was not answered, the second made the job %s, and the service holds another of this name: %s. "+
				"The state holds the second. Look at both in the console and delete the one that is too many.",
			operation, lost.Created, strings.Join(ids, ", ")))
	case len(ids) > 0:
		return apidiag.Error(summary, operation, lost.Err, fmt.Sprintf(
			"Nobody knows whether the request was carried out. The service holds build jobs of this name, none of which is surely the one "+
				"that was sent: %s. If one of them is it, manage it by adding this block, with its id and the address of this resource:\n\n%s",
			strings.Join(ids, ", "), importBlock(ids[0])))
	case lost.Lookup != nil:
		return apidiag.Error(summary, operation, lost.Err, fmt.Sprintf(
			"Nobody knows whether the request was carried out, and the service could not be asked for a build job named %q: %s. Look for it in the "+
				"console, or apply again: should the service hold the job by then, it says so, and the job can be imported.", lost.Name, lost.Lookup))
	default:
		return apidiag.Error(summary, operation, lost.Err, fmt.Sprintf(
			"Nobody knows whether the request was carried out, and no build job named %q could be found. Apply again: should the "+
				"service hold the job by then, it says so, and the job can be imported.", lost.Name))
	}
}

func importBlock(id string) string {
	return fmt.Sprintf("import {\n  to = servicestage_build_job.ADDRESS\n  id = %q\n}", id)
}

// recovered says how a job came into the state whose creation was not answered at first.
func recovered(created *servicestage.CreatedBuildJob, name string) diag.Diagnostics {
	var diags diag.Diagnostics
	if created.Adopted {
		diags.AddWarning("The build job was adopted", fmt.Sprintf("The service did not answer the request that creates build job %q. It holds exactly "+
			"one job of this name that equals what was sent, with id %s, and that is taken for the one.", name, created.ID))
	}
	if created.Unchecked != nil {
		diags.AddWarning("The build job may have been created twice", apidiag.Detail(fmt.Sprintf("looking for a twin of build job %q", name), created.Unchecked,
			"The first request was not answered, the second made the job that is in the state. Look for another of this name in the console."))
	}
	return diags
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

func readBackWarning(name types.String, id, what string, err error) string {
	return apidiag.Detail(fmt.Sprintf("reading back build job %s (%s)", name, id), err, fmt.Sprintf(
		"The job %s, and the state holds it as it was sent. The next plan reads what is missing.", what))
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

func (r refusal) path() path.Path {
	elements := strings.Split(r.argument, ".")
	p := path.Root(elements[0])
	for _, element := range elements[1:] {
		p = p.AtName(element)
	}
	return p
}

func (r refusal) detail(id string) string {
	return fmt.Sprintf("The service answered the request with success, but did not take over %s of build job %s: it was asked for %s and kept %s.",
		r.argument, id, r.asked, r.kept)
}
