// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package build has the resource, the actions and the data sources of builds, which are runs of a build job. It must
// not import net/http and encoding/json.
package build

import (
	"context"
	"maps"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/attributes"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ resource.ResourceWithConfigure   = (*buildResource)(nil)
	_ resource.ResourceWithIdentity    = (*buildResource)(nil)
	_ resource.ResourceWithImportState = (*buildResource)(nil)
)

// minTimeout is the minimum for read and delete. Their timeouts come from the state, so a change of the configuration
// would not correct one that is too short.
const minTimeout = time.Second

var buildIDPath = path.Root("build_id")

type buildResource struct{ providerdata.Resource }

// NewResource returns the resource servicestage_build.
func NewResource() resource.Resource { return &buildResource{} }

func (r *buildResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_build"
}

func (r *buildResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = resourceSchema()
}

func (r *buildResource) IdentitySchema(
	_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"build_id": identityschema.StringAttribute{RequiredForImport: true, Description: buildIDDescription},
	}}
}

func (r *buildResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	plan := attributes.From(req.Plan.Raw)
	timeout := plan.Timeout("create", defaultWait)
	startedAt := r.Client.Now()
	starting, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	jobID := plan.Text("job_id")
	started, err := r.Client.StartBuild(starting, jobID)
	if err != nil {
		resp.Diagnostics.Append(startError(jobID, err))
		return
	}
	private := privateState{Origin: r.Origin(ctx, providerdata.Origin{})}
	private.CreatedAt = r.Client.Now()
	save := func(build *servicestage.Build) {
		maps.Copy(plan, valuesOf(build))
		resp.State.Raw = plan.Raw(req.Plan.Raw.Type())
		resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
	}
	// The ID is saved before anything else can fail, so that no build is lost.
	save(&started.Build)
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, buildIDPath, started.ID)...)
	resp.Diagnostics.Append(adoptedWarning(started)...)

	var build *servicestage.Build
	if plan["wait"] == true {
		var diags diag.Diagnostics
		build, diags = waiter{
			client: r.Client, timeout: timeout, startedAt: startedAt,
			interruptAdvice: keptAdvice,
			timeoutAdvice:   resourceTimeoutAdvice,
			nextApply:       taintedAdvice,
		}.wait(ctx, started.Build)
		resp.Diagnostics.Append(diags...)
	} else if build, err = r.Client.GetBuild(starting, started.ID, jobID); err != nil {
		// The response to the start does not contain the repository, but the build is there.
		resp.Diagnostics.Append(unreadBuildWarning(&started.Build, err))
	}
	if build != nil {
		private.CreatedAt = time.Time{}
		save(build)
	}
}

// Read reads the build until it has ended: after that, nothing about it changes.
func (r *buildResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	state := attributes.From(req.State.Raw)
	id, jobID := state.Text("build_id"), state.Text("job_id")
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, buildIDPath, id)...)
	if resp.Diagnostics.HasError() || ended(state) || !r.Ready() {
		return // Without a client, a provider argument is unknown during planning; the state stays as it is.
	}
	private, diags := loadPrivateState(ctx, req.Private)
	diags.Append(r.CheckRegion("build", reading(id), private.Region)...)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(state.Timeout("read", defaultTimeout), minTimeout))
	defer cancel()
	imported := jobID == ""
	build, err := r.Client.GetBuild(ctx, id, jobID)
	switch {
	case servicestage.IsNotFound(err) && imported:
		resp.Diagnostics.Append(noSuchBuild(reading(id), err))
	case servicestage.IsNotFound(err) && r.MayExist(ctx, private.Origin):
		resp.Diagnostics.Append(r.NotFound(ctx, "build", reading(id), private.Origin, err))
	case servicestage.IsNotFound(err):
		resp.State.RemoveResource(ctx)
	case err != nil:
		resp.Diagnostics.Append(readError(reading(id), err))
	default:
		if imported {
			state["wait"] = true
		}
		maps.Copy(state, valuesOf(build))
		resp.State.Raw = state.Raw(req.State.Raw.Type())
		private.Origin = r.Origin(ctx, private.Origin)
		resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
	}
}

// Update stores what is not part of the build: wait, timeouts, and the triggers of an imported build.
func (r *buildResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	plan := attributes.From(req.Plan.Raw)
	private, diags := loadPrivateState(ctx, req.Private)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	resp.State.Raw = req.Plan.Raw
	resp.Diagnostics.Append(resp.Identity.SetAttribute(ctx, buildIDPath, plan.Text("build_id"))...)
	private.Imported = private.Imported && plan["triggers"] == nil
	resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
}

// Delete cancels a build that is still running. The API cannot delete builds.
func (r *buildResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	state := attributes.From(req.State.Raw)
	if ended(state) {
		return
	}
	id, jobID := state.Text("build_id"), state.Text("job_id")
	private, diags := loadPrivateState(ctx, req.Private)
	diags.Append(r.CheckRegion("build", canceling(id), private.Region)...)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(state.Timeout("delete", defaultTimeout), minTimeout))
	defer cancel()
	build, err := r.Client.GetBuild(ctx, id, jobID)
	switch {
	case servicestage.IsNotFound(err) && r.MayExist(ctx, private.Origin):
		resp.Diagnostics.Append(r.NotFound(ctx, "build", canceling(id), private.Origin, err))
	case err != nil && !servicestage.IsNotFound(err):
		resp.Diagnostics.Append(readError(canceling(id), err, removeAdvice))
	case err == nil && !build.State.Ended():
		canceled, err := r.Client.CancelBuild(ctx, id, jobID)
		if err != nil && !servicestage.IsNotFound(err) { // "Not found": it was deleted after the read.
			resp.Diagnostics.Append(cancelDiagnostic(id, canceled, err, removeAdvice))
		}
	}
}

// ImportState stores the build_id of the import ID or of the identity. Terraform then calls Read.
func (r *buildResource) ImportState(
	ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse,
) {
	resource.ImportStatePassthroughWithIdentity(ctx, buildIDPath, buildIDPath, req, resp)
	var id types.String
	resp.Diagnostics.Append(resp.State.GetAttribute(ctx, buildIDPath, &id)...)
	switch {
	case resp.Diagnostics.HasError():
	case !rest.PathElement.MatchString(id.ValueString()):
		resp.Diagnostics.Append(invalidImportID(id.ValueString()))
	case !r.Ready():
		resp.Diagnostics.Append(r.NotReady("An import"))
	default:
		private := privateState{Imported: true}
		resp.Diagnostics.Append(private.store(ctx, resp.Private)...)
	}
}

// ended reports whether the build had ended when it was last read.
func ended(state attributes.Values) bool { return servicestage.BuildState(state.Text("state")).Ended() }
