// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/duration"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ action.ActionWithConfigure = (*startAction)(nil)
	_ action.ActionWithConfigure = (*cancelAction)(nil)
)

type startAction struct{ providerdata.Action }

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
	var config startModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	timeout, diags := config.timeout()
	resp.Diagnostics.Append(diags...)
	jobID := config.JobID.ValueString()
	resp.Diagnostics.Append(checkNotEmpty("job_id", jobID)...)
	starting, stop := a.Begin(ctx, timeout, &resp.Diagnostics)
	defer stop()
	if resp.Diagnostics.HasError() {
		return
	}
	startedAt := a.Client.Now()
	started, err := a.Client.StartBuild(starting, jobID)
	if err != nil {
		resp.Diagnostics.Append(startError(jobID, err))
		return
	}
	resp.Diagnostics.Append(adoptedWarning(started)...)
	progress := func(message string) { resp.SendProgress(action.InvokeProgressEvent{Message: message}) }
	progress(startedMessage(&started.Build))
	if !orTrue(config.Wait) {
		return
	}
	_, diags = waiter{
		client: a.Client, timeout: timeout, startedAt: startedAt, progress: progress,
		onInterrupt:   a.interruptHandler(orTrue(config.CancelOnInterrupt)),
		timeoutAdvice: actionTimeoutAdvice(started.ID),
	}.wait(ctx, started.Build)
	resp.Diagnostics.Append(diags...)
}

// interruptHandler returns the function that handles an interrupt. It returns what happens to the build.
func (a *startAction) interruptHandler(cancels bool) func(context.Context, *servicestage.Build) string {
	return func(ctx context.Context, build *servicestage.Build) string {
		if !cancels {
			return notCanceledByConfiguration
		}
		return cancelResult(a.Client.CancelBuild(ctx, build.ID, string(build.JobID)))
	}
}

func (m startModel) timeout() (time.Duration, diag.Diagnostics) {
	if m.Timeout.IsNull() {
		return defaultWait, nil
	}
	timeout, err := duration.Parse(m.Timeout.ValueString())
	if err != nil {
		return 0, diag.Diagnostics{invalidTimeout(err)}
	}
	return timeout, nil
}

func orTrue(value types.Bool) bool { return value.IsNull() || value.ValueBool() }

type cancelAction struct{ providerdata.Action }

type cancelModel struct {
	BuildID types.String `tfsdk:"build_id"`
}

// NewCancelAction returns the action servicestage_cancel_build.
func NewCancelAction() action.Action { return &cancelAction{} }

func (a *cancelAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_cancel_build"
}

func (a *cancelAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = cancelSchema()
}

func (a *cancelAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var config cancelModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	id := config.BuildID.ValueString()
	resp.Diagnostics.Append(checkNotEmpty("build_id", id)...)
	ctx, stop := a.Begin(ctx, defaultTimeout, &resp.Diagnostics)
	defer stop()
	if resp.Diagnostics.HasError() {
		return
	}
	build, err := a.Client.CancelBuild(ctx, id, "")
	switch {
	case servicestage.IsNotFound(err) && build == nil:
		resp.Diagnostics.Append(diag.WithPath(path.Root("build_id"), noSuchBuild(canceling(id), err)))
	case err != nil:
		resp.Diagnostics.Append(cancelDiagnostic(id, build, err))
	default:
		resp.SendProgress(action.InvokeProgressEvent{Message: canceledMessage(build)})
	}
}
