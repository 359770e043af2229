// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"
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
	timeout := defaultWait
	if !config.Timeout.IsNull() {
		var err error
		if timeout, err = duration.Parse(config.Timeout.ValueString()); err != nil {
			resp.Diagnostics.Append(invalidTimeout(err))
		}
	}
	jobID := config.JobID.ValueString()
	resp.Diagnostics.Append(checkNotEmpty("job_id", jobID)...)
	starting, stop := a.Begin(ctx, "An action", timeout, &resp.Diagnostics)
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
	_, diags := waiter{
		client: a.Client, timeout: timeout, startedAt: startedAt, progress: progress,
		cancelOnInterrupt: orTrue(config.CancelOnInterrupt),
		interruptAdvice:   notCanceledByConfiguration,
		timeoutAdvice:     actionTimeoutAdvice(started.ID),
	}.wait(ctx, started.Build)
	resp.Diagnostics.Append(diags...)
}

func orTrue(value types.Bool) bool { return value.IsNull() || value.ValueBool() }

type cancelAction struct{ providerdata.Action }

// NewCancelAction returns the action servicestage_cancel_build.
func NewCancelAction() action.Action { return &cancelAction{} }

func (a *cancelAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_cancel_build"
}

func (a *cancelAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = cancelSchema()
}

func (a *cancelAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	var buildID types.String
	resp.Diagnostics.Append(req.Config.GetAttribute(ctx, buildIDPath, &buildID)...)
	id := buildID.ValueString()
	resp.Diagnostics.Append(checkNotEmpty("build_id", id)...)
	ctx, stop := a.Begin(ctx, "An action", defaultTimeout, &resp.Diagnostics)
	defer stop()
	if resp.Diagnostics.HasError() {
		return
	}
	build, err := a.Client.CancelBuild(ctx, id, "")
	switch {
	case servicestage.IsNotFound(err) && build == nil:
		resp.Diagnostics.Append(diag.WithPath(buildIDPath, noSuchBuild(canceling(id), err)))
	case err != nil:
		resp.Diagnostics.Append(cancelDiagnostic(id, build, err))
	default:
		resp.SendProgress(action.InvokeProgressEvent{Message: canceledMessage(build)})
	}
}
