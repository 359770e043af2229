// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package build is one run of a build job as Terraform sees it: the actions that start and cancel it, the resource that holds
// it, and the data sources that read it. It speaks no HTTP.
package build

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/action/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/duration"
	"github.com/servicestage/terraform-provider-servicestage/internal/objectid"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var (
	_ action.ActionWithConfigure = (*startAction)(nil)
	_ action.ActionWithConfigure = (*cancelAction)(nil)
)

type startAction struct{ wiring.Action }

type startModel struct {
	JobID             types.String `tfsdk:"job_id"`
	Wait              types.Bool   `tfsdk:"wait"`
	Timeout           types.String `tfsdk:"timeout"`
	CancelOnInterrupt types.Bool   `tfsdk:"cancel_on_interrupt"`
}

// NewStartAction returns the action servicestage_start_build.
func NewStartAction() action.Action { return &startAction{} }

func (a *startAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_start_build"
}

func (a *startAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = startSchema()
}

func (a *startAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	if !a.Ready() {
		resp.Diagnostics.Append(a.NotReady("An action"))
		return
	}
	var config startModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := config.timeout()
	resp.Diagnostics.Append(diags...)
	jobID := config.JobID.ValueString()
	resp.Diagnostics.Append(missing("job_id", jobID)...)
	if resp.Diagnostics.HasError() {
		return
	}
	began := a.Client.Now()
	starting, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	started, err := a.Client.StartBuild(starting, jobID)
	if err != nil {
		resp.Diagnostics.Append(startError(jobID, err))
		return
	}
	resp.Diagnostics.Append(adopted(started)...)
	tell := func(message string) { resp.SendProgress(action.InvokeProgressEvent{Message: message}) }
	tell(fmt.Sprintf("%s: started, build_id %s", label(&started.Build), started.ID))
	if !orTrue(config.Wait) {
		return
	}
	_, diags = follower{
		client:      a.Client,
		timeout:     timeout,
		began:       began,
		tell:        tell,
		interrupted: a.interrupted(orTrue(config.CancelOnInterrupt), tell),
		raise: fmt.Sprintf("Raise `timeout` to wait longer, or cancel it by an action of type servicestage_cancel_build with build_id = %q.",
			started.ID),
	}.follow(ctx, started.Build)
	resp.Diagnostics.Append(diags...)
}

// interrupted returns what is done with the build of an interrupted action. Its result is a message, too, because a CLI may show no
// error after an interrupt.
func (a *startAction) interrupted(cancels bool, tell func(string)) func(context.Context, *servicestage.Build) string {
	return func(ctx context.Context, build *servicestage.Build) string {
		result := "It keeps running in ServiceStage, because cancel_on_interrupt is false."
		if cancels {
			result = cancel(ctx, a.Client, build)
		}
		tell(fmt.Sprintf("%s: interrupted. %s", label(build), result))
		return result
	}
}

// missing returns an error for an argument that was unknown until now, so that no validator saw that it is empty.
func missing(argument, value string) diag.Diagnostics {
	if value != "" {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root(argument), "Missing required argument",
		fmt.Sprintf("The value of %s is empty. Check the expression that it is set to.", argument))}
}

func (m startModel) timeout() (time.Duration, diag.Diagnostics) {
	if m.Timeout.IsNull() {
		return defaultWait, nil
	}
	timeout, err := duration.Parse(m.Timeout.ValueString())
	if err != nil {
		return 0, diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root("timeout"), "Invalid duration", "The timeout "+err.Error()+".")}
	}
	return timeout, nil
}

func orTrue(value types.Bool) bool { return value.IsNull() || value.ValueBool() }

type cancelAction struct{ wiring.Action }

type cancelModel struct {
	BuildID types.String `tfsdk:"build_id"`
}

// NewCancelAction returns the action servicestage_cancel_build.
func NewCancelAction() action.Action { return &cancelAction{} }

func (a *cancelAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_cancel_build"
}

func (a *cancelAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Cancels a build and waits up to a minute for it to end. Canceling a build that has finished does nothing.\n\n" +
			"Needs Terraform 1.14 or newer.",
		Attributes: map[string]schema.Attribute{
			"build_id": schema.StringAttribute{
				Required: true, MarkdownDescription: "ID of the build.", Validators: objectid.Validators(),
			},
		},
	}
}

func (a *cancelAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	if !a.Ready() {
		resp.Diagnostics.Append(a.NotReady("An action"))
		return
	}
	var config cancelModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	id := config.BuildID.ValueString()
	resp.Diagnostics.Append(missing("build_id", id)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, stop := context.WithTimeout(ctx, defaultTimeout)
	defer stop()
	operation := fmt.Sprintf("cancelling build %q", id)
	build, err := a.Client.CancelBuild(ctx, id, "")
	switch {
	case servicestage.IsNotFound(err) && build == nil:
		resp.Diagnostics.AddAttributeError(path.Root("build_id"), "No such build", apidiag.Detail(operation, err,
			"There is no build with this id in the provider's region and project."))
	case err != nil && build == nil:
		resp.Diagnostics.Append(apidiag.Error("Unable to cancel the build", operation, err))
	case err != nil:
		resp.Diagnostics.AddWarning("The end of the build was not seen", apidiag.Detail(operation, err,
			"The service was asked to cancel it and has agreed."))
	case build.State == servicestage.BuildCancel:
		resp.SendProgress(action.InvokeProgressEvent{Message: label(build) + ": cancelled"})
	default:
		resp.SendProgress(action.InvokeProgressEvent{Message: fmt.Sprintf("%s: had ended already, with the state %s", label(build), build.State)})
	}
}
