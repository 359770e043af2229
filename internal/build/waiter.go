// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	// defaultWait is the timeout for the start of a build and the wait for its end.
	defaultWait = 30 * time.Minute
	// defaultTimeout is the timeout for each other operation.
	defaultTimeout = 5 * time.Minute
	// reportTimeout limits the requests that follow an interrupt or an unsuccessful build. Terraform waits for them.
	reportTimeout = 30 * time.Second
	// progressInterval is the minimum time between two progress messages of the same phase.
	progressInterval = 5 * time.Second
)

// waiter waits for the end of a build that was started.
type waiter struct {
	client *servicestage.Client
	// timeout is for the start and the wait together; startedAt is when the start began, by the client's clock.
	timeout   time.Duration
	startedAt time.Time
	// progress receives progress messages; it may be nil.
	progress func(message string)
	// cancelOnInterrupt is whether an interrupt cancels the build. interruptAdvice is for a build that keeps running.
	cancelOnInterrupt bool
	interruptAdvice   string
	// timeoutAdvice is how to allow more time.
	timeoutAdvice string
	// nextApply is what the next apply does with a build that did not succeed; it may be empty.
	nextApply string
}

// wait waits until the build has ended. It returns the build as last read, nil if it was never read, and an error
// unless the build succeeded.
func (w waiter) wait(ctx context.Context, started servicestage.Build) (*servicestage.Build, diag.Diagnostics) {
	left := w.timeout - w.client.Now().Sub(w.startedAt)
	waiting, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	read, err := w.client.WaitForBuild(waiting, started.ID, string(started.JobID), left, w.progressReporter(waiting))
	build := read
	if build == nil {
		build = &started
	}
	switch {
	case err == nil && build.State == servicestage.BuildSuccessful:
		return read, nil
	case err == nil:
		return read, diag.Diagnostics{failedBuildError(ctx, w.client, build, w.nextApply)}
	case ctx.Err() != nil:
		return read, diag.Diagnostics{w.interrupted(ctx, build)}
	case errors.Is(err, servicestage.ErrWaitTimeout):
		return read, diag.Diagnostics{timeoutError(build, w.timeout, w.timeoutAdvice, w.nextApply)}
	default:
		return read, diag.Diagnostics{waitError(build, err, w.nextApply)}
	}
}

// interrupted cancels the build if it has to, and returns the error of an interrupted wait.
func (w waiter) interrupted(ctx context.Context, build *servicestage.Build) diag.Diagnostic {
	if !w.cancelOnInterrupt {
		return interruptError(build, w.interruptAdvice)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTimeout)
	defer cancel()
	return interruptError(build, cancelResult(w.client.CancelBuild(ctx, build.ID, string(build.JobID))))
}

// progressReporter returns a function that sends a progress message for each change, and otherwise at intervals; nil if
// w.progress is nil.
func (w waiter) progressReporter(ctx context.Context) func(servicestage.BuildProgress) {
	if w.progress == nil {
		return nil
	}
	var last string
	var lastAt time.Duration
	return func(progress servicestage.BuildProgress) {
		phase := progress.State.String()
		if !progress.State.Ended() {
			// Without phases the message contains the state alone; the reason is in the log.
			if phases, err := w.client.PhasesNow(ctx, progress.ID); err == nil {
				phase = cmp.Or(firstPhase(phases, isCurrent), phase)
			}
		}
		if phase == last && progress.Elapsed-lastAt < progressInterval {
			return
		}
		last, lastAt = phase, progress.Elapsed
		w.progress(progressMessage(&progress.Build, phase, progress.Elapsed))
	}
}

// isCurrent reports whether a phase in this state has begun and has not succeeded.
func isCurrent(state servicestage.BuildState) bool {
	return state != servicestage.BuildSuccessful && state != servicestage.BuildNotStarted
}

// firstPhase returns the name of the first phase in a matching state; "" if there is none.
func firstPhase(phases []servicestage.Phase, matches func(servicestage.BuildState) bool) string {
	for _, phase := range phases {
		if matches(phase.State) {
			return printable(phase.Name)
		}
	}
	return ""
}
