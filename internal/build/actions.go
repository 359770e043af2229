// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/action"
	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/attributes"
	"github.com/servicestage/terraform-provider-servicestage/internal/duration"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	_ action.ActionWithConfigure = (*startAction)(nil)
	_ action.ActionWithConfigure = (*cancelAction)(nil)
)

type startAction struct{ providerdata.Action }

// NewStartAction returns the action servicestage_start_build.
func NewStartAction() action.Action { return &startAction{} }

func (a *startAction) Metadata(_ context.Context, req action.MetadataRequest, resp *action.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_start_build"
}

func (a *startAction) Schema(_ context.Context, _ action.SchemaRequest, resp *action.SchemaResponse) {
	resp.Schema = startSchema()
}

func (a *startAction) Invoke(ctx context.Context, req action.InvokeRequest, resp *action.InvokeResponse) {
	config := attributes.From(req.Config.Raw)
	timeout := defaultWait
	if text, ok := config["timeout"].(string); ok {
		var err error
		if timeout, err = duration.Parse(text); err != nil {
			resp.Diagnostics.Append(invalidTimeout(err))
		}
	}
	jobID := config.Text("job_id")
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
	if config["wait"] == false {
		return
	}
	_, diags := waiter{
		client: a.Client, timeout: timeout, startedAt: startedAt, progress: progress,
		cancelOnInterrupt: config["cancel_on_interrupt"] != false,
		interruptAdvice:   notCanceledByConfiguration,
		timeoutAdvice:     actionTimeoutAdvice(started.ID),
	}.wait(ctx, started.Build)
	resp.Diagnostics.Append(diags...)
}

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
	id := attributes.From(req.Config.Raw).Text("build_id")
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
