// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	// defaultWait bounds a build where nothing else is said, from its start to its end.
	defaultWait = 30 * time.Minute
	// defaultTimeout bounds each other operation.
	defaultTimeout = 5 * time.Minute
	// interruptTime bounds what is still done once an operation was interrupted. Terraform waits for it.
	interruptTime = 30 * time.Second
	// quiet is the least time between two messages that say the same but for the time.
	quiet = 5 * time.Second
)

// follower follows a build to its end.
type follower struct {
	client *servicestage.Client
	// timeout is the time for the start and the wait together, and began is when the start began, by the client's clock.
	timeout time.Duration
	began   time.Time
	// tell receives messages on the build's way; nil where nobody listens.
	tell func(message string)
	// interrupted is called when the wait was interrupted, and says what becomes of the build. Its context is a new one.
	interrupted func(ctx context.Context, build *servicestage.Build) string
	// raise says how to allow more time.
	raise string
	// afterwards says what becomes of a build that ended badly, or that was left; it may be empty.
	afterwards string
}

// follow waits until the build has ended. It returns the build as last seen, nil if it was never seen, and an error unless the build
// succeeded.
func (f follower) follow(ctx context.Context, started servicestage.Build) (*servicestage.Build, diag.Diagnostics) {
	var diags diag.Diagnostics
	left := f.timeout - f.client.Now().Sub(f.began)
	waiting, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	seen, err := f.client.WaitForBuild(waiting, started.ID, started.JobID, left, f.teller(waiting))
	build := seen
	if build == nil {
		build = &started
	}
	switch {
	case err == nil && build.State == servicestage.BuildSuccessful:
	case err == nil:
		diags.Append(badEnd(ctx, f.client, build, f.afterwards))
	case ctx.Err() != nil:
		after, cancel := context.WithTimeout(context.WithoutCancel(ctx), interruptTime)
		defer cancel()
		diags.AddError("Interrupted while the build was running", fmt.Sprintf(
			"The wait for the %s was interrupted; it was last seen in the state %s. %s", named(build), build.State, f.interrupted(after, build)))
	case errors.Is(err, servicestage.ErrWaitTimeout):
		diags.AddError("The build takes too long", joined(fmt.Sprintf(
			"The %s has not ended within %s; it was last seen in the state %s%s. It keeps running in ServiceStage: only the wait has ended. %s",
			named(build), f.timeout, build.State, unknownWord(build.State), f.raise), f.afterwards))
	default:
		diags.AddError("Unable to follow the build", joined(
			apidiag.Detail("following the "+named(build), err),
			fmt.Sprintf("The build was started and may be running. Its id is %s.", build.ID), f.afterwards))
	}
	return seen, diags
}

// teller returns a function that tells how far the build is: at each change, and else once in a while.
func (f follower) teller(ctx context.Context) func(servicestage.BuildProgress) {
	if f.tell == nil {
		return nil
	}
	var said string
	var saidAt time.Duration
	return func(progress servicestage.BuildProgress) {
		where := progress.State.String()
		if !progress.State.Ended() {
			// Without phases the message names the state alone; the reason is in the log.
			if phases, err := f.client.PhasesNow(ctx, progress.ID); err == nil {
				where = currentPhase(phases, where)
			}
		}
		if where == said && progress.Elapsed-saidAt < quiet {
			return
		}
		said, saidAt = where, progress.Elapsed
		f.tell(fmt.Sprintf("%s: %s, %s", label(&progress.Build), where, progress.Elapsed.Truncate(time.Second)))
	}
}

// currentPhase is the phase that runs; otherwise as long as none has begun.
func currentPhase(phases []servicestage.Phase, otherwise string) string {
	i := slices.IndexFunc(phases, func(p servicestage.Phase) bool {
		return p.State != servicestage.BuildSuccessful && p.State != servicestage.BuildNotStarted
	})
	if i < 0 {
		return otherwise
	}
	return phaseName(phases[i])
}

// unknownWord explains a state that is not documented, for which a build is waited for in vain.
func unknownWord(state servicestage.BuildState) string {
	known := []servicestage.BuildState{
		servicestage.BuildNotStarted, servicestage.BuildQueuing, servicestage.BuildBuilding, servicestage.BuildPushing,
	}
	if slices.Contains(known, state) || state.Ended() {
		return ""
	}
	return ", which is not documented and is taken for one of a build that goes on"
}

// cancel cancels a build, and says what became of it.
func cancel(ctx context.Context, client *servicestage.Client, build *servicestage.Build) string {
	cancelled, err := client.CancelBuild(ctx, build.ID, build.JobID)
	switch {
	case err == nil && cancelled.State == servicestage.BuildCancel:
		return "It was cancelled."
	case servicestage.IsNotFound(err):
		return "It was to be cancelled, but ServiceStage returned that it does not exist."
	case err == nil:
		return fmt.Sprintf("It was to be cancelled, but had ended by then, with the state %s.", cancelled.State)
	case cancelled != nil:
		return fmt.Sprintf("The service was asked to cancel it and has agreed, but its end was not seen: %s.", err)
	default:
		return fmt.Sprintf("It could not be cancelled, and may still be running: %s.", err)
	}
}

// joined joins the paragraphs that are not empty.
func joined(paragraphs ...string) string {
	text := ""
	for _, paragraph := range paragraphs {
		switch {
		case paragraph == "":
		case text == "":
			text = paragraph
		default:
			text += "\n\n" + paragraph
		}
	}
	return text
}
