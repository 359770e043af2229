// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var (
	_ resource.ResourceWithConfigure   = (*buildResource)(nil)
	_ resource.ResourceWithIdentity    = (*buildResource)(nil)
	_ resource.ResourceWithImportState = (*buildResource)(nil)
)

// minTimeout is the least for read and delete, whose timeout comes from the state: one that is too short could not be mended by
// the configuration.
const minTimeout = time.Second

type buildResource struct{ wiring.Resource }

// NewResource returns servicestage_build.
func NewResource() resource.Resource { return &buildResource{} }

func (r *buildResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build"
}

func (r *buildResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema()
}

func (r *buildResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identitySchema()
}

func (r *buildResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan resourceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	timeout, diags := plan.Timeouts.Create(ctx, defaultWait)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	began := r.Client.Now()
	starting, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	jobID := plan.JobID.ValueString()
	started, err := r.Client.StartBuild(starting, jobID)
	if err != nil {
		resp.Diagnostics.Append(startError(jobID, err))
		return
	}
	// The ID is saved before anything else can fail: whatever becomes of the build, Terraform knows of it.
	save := func(build *servicestage.Build) {
		plan.buildModel = modelFrom(build, plan.JobID)
		plan.JobID = types.StringValue(jobID)
		resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	}
	save(&started.Build)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, identityModel{BuildID: plan.BuildID})...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, startedKey, startTime(r.Client.Now()))...)
	resp.Diagnostics.Append(adopted(started)...)
	confirm := func(build *servicestage.Build) {
		save(build)
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, startedKey, nil)...)
	}
	if !plan.Wait.ValueBool() {
		// The response to the start does not contain the repository.
		build, err := r.Client.GetBuild(starting, started.ID, jobID)
		if err != nil {
			resp.Diagnostics.AddWarning("Unable to read the new build", apidiag.Detail("reading the "+named(&started.Build), err,
				"The build was started, and the state contains what ServiceStage returned then. The next plan reads what is missing."))
			return
		}
		confirm(build)
		return
	}
	const afterwards = "The state has the build, marked as tainted: the next apply starts another, and cancels this one before if it is still running. " +
		"`terraform untaint` keeps it instead."
	build, diags := follower{
		client: r.Client, timeout: timeout, began: began,
		interrupted: func(context.Context, *servicestage.Build) string {
			return "It keeps running in ServiceStage. " + afterwards
		},
		raise:      "Raise `create` in the timeouts block to wait longer.",
		afterwards: afterwards,
	}.follow(ctx, started.Build)
	if build != nil {
		confirm(build)
	}
	resp.Diagnostics.Append(diags...)
}

// startedKey is kept in private state until a new build was read for the first time. Its value is the time of the start.
const startedKey = "started"

// maxLag is how long a build that was started may not be found without being gone.
const maxLag = 10 * time.Minute

// privateTime is the format of times in private state, which holds JSON.
const privateTime = `"` + time.RFC3339 + `"`

func startTime(now time.Time) []byte { return []byte(now.UTC().Format(privateTime)) }

// mayLag returns an error for a build that is not found although it was started in the last ten minutes and never read since.
func (r *buildResource) mayLag(ctx context.Context, private privateState, operation string, notFound error) diag.Diagnostics {
	value, diags := private.GetKey(ctx, startedKey)
	started, err := time.Parse(privateTime, string(value))
	if err != nil || r.Client.Now().Sub(started).Abs() >= maxLag {
		return diags
	}
	diags.AddError("The new build is not found yet", apidiag.Detail(operation, notFound, fmt.Sprintf(
		"The build was started at %s and has not been read successfully since. ServiceStage may not show it yet, so it is not "+
			"taken for gone until ten minutes after the start. Try again later.", started.Format(time.RFC3339))))
	return diags
}

// privateState is the private state of a request.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

// Read reads the build until it has ended: after that, nothing about it changes.
func (r *buildResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state resourceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Read(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, identityModel{BuildID: state.BuildID})...)
	if resp.Diagnostics.HasError() || state.ended() || !r.Ready() {
		return // Without a client a provider setting is unknown while Terraform plans; the state stays as it is.
	}
	ctx, cancel := context.WithTimeout(ctx, max(timeout, minTimeout))
	defer cancel()

	id, imported := state.BuildID.ValueString(), state.JobID.IsNull()
	operation := "reading build " + id
	build, err := r.Client.GetBuild(ctx, id, state.JobID.ValueString())
	switch {
	case servicestage.IsNotFound(err) && imported:
		resp.Diagnostics.AddError("No such build", apidiag.Detail(operation, err,
			"There is no build with this id in the provider's region and project."))
		return
	case servicestage.IsNotFound(err):
		resp.Diagnostics.Append(r.mayLag(ctx, req.Private, operation, err)...)
		if !resp.Diagnostics.HasError() {
			resp.State.RemoveResource(ctx)
		}
		return
	case err != nil:
		resp.Diagnostics.Append(apidiag.Error("Unable to read the build", operation, err))
		return
	}
	if imported {
		state.Wait = types.BoolValue(true)
	}
	state.buildModel = modelFrom(build, state.JobID)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, startedKey, nil)...)
}

// Update stores what is no part of the build: wait, timeouts, and the triggers of an imported one.
func (r *buildResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan resourceModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, identityModel{BuildID: plan.BuildID})...)
	if !plan.Triggers.IsNull() {
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, []byte("false"))...)
	}
}

// Delete cancels a build that is still running. There is no call that deletes one.
func (r *buildResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state resourceModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	timeout, diags := state.Timeouts.Delete(ctx, defaultTimeout)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() || state.ended() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(timeout, minTimeout))
	defer cancel()

	id, jobID := state.BuildID.ValueString(), state.JobID.ValueString()
	const advice = "`terraform state rm` forgets the build without cancelling it."
	operation := "cancelling build " + id
	build, err := r.Client.GetBuild(ctx, id, jobID)
	switch {
	case servicestage.IsNotFound(err):
		resp.Diagnostics.Append(r.mayLag(ctx, req.Private, operation, err)...)
		return
	case err != nil:
		resp.Diagnostics.AddError("Unable to read the build", joined(apidiag.Detail(operation, err), advice))
		return
	case build.State.Ended():
		return
	}
	cancelled, err := r.Client.CancelBuild(ctx, id, jobID)
	switch {
	case servicestage.IsNotFound(err): // It is gone since it was read.
	case err != nil && cancelled != nil:
		resp.Diagnostics.AddWarning("The end of the build was not seen", apidiag.Detail(operation, err,
			"The service was asked to cancel it and has agreed. Terraform forgets it now; look at it in the console."))
	case err != nil:
		resp.Diagnostics.AddError("Unable to cancel the build", joined(apidiag.Detail(operation, err), advice))
	}
}

// importedKey is kept in private state while an imported build has never had triggers.
const importedKey = "imported"

var importID = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// ImportState takes the ID of the build, from the import ID or the identity; everything else is read.
func (r *buildResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := req.ID
	if id == "" && req.Identity != nil && !req.Identity.Raw.IsNull() {
		var identity identityModel
		resp.Diagnostics.Append(req.Identity.Get(ctx, &identity)...)
		id = identity.BuildID.ValueString()
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if !importID.MatchString(id) || id == "." || id == ".." {
		resp.Diagnostics.AddError("Malformed import id", fmt.Sprintf("The import id of a build is its build_id, such as "+
			"j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2. It may contain only letters, digits, \"-\", \"_\" and \".\". Got: %q.", id))
		return
	}
	if !r.Ready() {
		resp.Diagnostics.Append(r.NotReady("An import"))
		return
	}
	resource.ImportStatePassthroughWithIdentity(ctx, path.Root("build_id"), path.Root("build_id"), req, resp)
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, importedKey, []byte("true"))...)
}

// replaces decides whether changed triggers start another build. No triggers and an empty map are the same. The triggers of an imported
// build are not known, so those that are set first are taken for them.
func replaces(ctx context.Context, req planmodifier.MapRequest, resp *mapplanmodifier.RequiresReplaceIfFuncResponse) {
	if !req.PlanValue.IsUnknown() && len(req.PlanValue.Elements()) == 0 && len(req.StateValue.Elements()) == 0 {
		return
	}
	imported, diags := req.Private.GetKey(ctx, importedKey)
	resp.Diagnostics.Append(diags...)
	resp.RequiresReplace = !req.StateValue.IsNull() || string(imported) != "true"
}

// ended reports whether the build had ended when it was read last.
func (m resourceModel) ended() bool { return servicestage.BuildState(m.State.ValueString()).Ended() }
