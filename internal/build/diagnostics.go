// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// printable returns a name or a number of the service as text that is safe to print.
func printable[T ~string](name T) string { return rest.Sanitize(string(name), 128) }

// label returns the name of a build for people, such as "checkout-service #12".
func label(build *servicestage.Build) string {
	if build.JobName == "" || build.Index == "" {
		return "build " + build.ID
	}
	return fmt.Sprintf("%s #%s", printable(build.JobName), printable(build.Index))
}

// labelWithID returns the label and the ID, such as "build checkout-service #12 (ID)".
func labelWithID(build *servicestage.Build) string {
	if name := label(build); !strings.Contains(name, build.ID) {
		return fmt.Sprintf("build %s (%s)", name, build.ID)
	}
	return label(build)
}

func joinParagraphs(paragraphs ...string) string {
	return strings.Join(slices.DeleteFunc(paragraphs, func(paragraph string) bool { return paragraph == "" }), "\n\n")
}

// reading, canceling and listing name an operation in messages.
func reading(id string) string    { return fmt.Sprintf("reading build %q", id) }
func canceling(id string) string  { return fmt.Sprintf("cancelling build %q", id) }
func listing(jobID string) string { return fmt.Sprintf("listing the builds of job %q", jobID) }

// withAdvice returns an API error with another paragraph.
func withAdvice(summary, operation string, err error, advice ...string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(summary, joinParagraphs(append([]string{apidiag.Detail(operation, err)}, advice...)...))
}

func readError(operation string, err error, advice ...string) diag.Diagnostic {
	return withAdvice("Unable to read the build", operation, err, advice...)
}

func noSuchBuild(operation string, err error) diag.Diagnostic {
	return apidiag.Error("No such build", operation, err, "There is no build with this id in the provider's region and project.")
}

func noSuchJob(operation string, err error) diag.Diagnostic {
	return diag.WithPath(path.Root("job_id"), apidiag.Error("No such build job", operation, err,
		"There is no build job with this id in the provider's region and project."))
}

// checkNotEmpty returns an error for an argument that was unknown during planning, so that no validator has seen that it is empty.
func checkNotEmpty(argument, value string) diag.Diagnostics {
	if value != "" {
		return nil
	}
	return diag.Diagnostics{diag.NewAttributeErrorDiagnostic(path.Root(argument), "Missing required argument",
		fmt.Sprintf("The value of %s is empty. Check the expression that it is set to.", argument))}
}

func invalidTimeout(err error) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(path.Root("timeout"), "Invalid duration", "The timeout "+err.Error()+".")
}

func invalidImportID(id string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Malformed import id", fmt.Sprintf("The import id of a build is its build_id, such as "+
		"j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2. It may contain only letters, digits, \"-\", \"_\" and \".\". Got: %q.", id))
}

// startError explains why a build was not started, or may have been started.
func startError(jobID string, err error) diag.Diagnostic {
	operation := fmt.Sprintf("starting a build of job %q", jobID)
	if servicestage.IsNotFound(err) {
		return noSuchJob(operation, err)
	}
	lost, ok := errors.AsType[*servicestage.UnknownStartError](err)
	if !ok {
		return apidiag.Error("Unable to start the build", operation, err)
	}
	name, before := printable(lost.JobName), cmp.Or(printable(lost.Before), "none")
	advice := "The response to the start request was lost, and the request is not sent again: it could start a second build. "
	switch {
	case lost.LookupErr != nil:
		advice += fmt.Sprintf("The job could not be read either: %s. Look for a new build of %q in the console before you start another.",
			lost.LookupErr, name)
	case lost.After != "":
		advice += fmt.Sprintf("The last build of %q was %s before and is %s now, but that may be a build that somebody else started. "+
			"Look at the builds in the console before you start another.", name, before, printable(lost.After))
	default:
		advice += fmt.Sprintf("The last build of %q is %s, as before, so most likely none was started. Look at the builds in the console, "+
			"then start it again.", name, before)
	}
	return apidiag.Error("The build may have been started", operation, lost.Err, advice)
}

// adoptedWarning is for a build whose start had no usable response.
func adoptedWarning(started *servicestage.StartedBuild) diag.Diagnostics {
	if !started.Adopted {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("The build was adopted", fmt.Sprintf("The response to the request that starts a build of job %q "+
		"was lost. The job has had a new last build since, %s, which the provider takes for the started one.", printable(started.JobName), started.ID))}
}

func unreadBuildWarning(build *servicestage.Build, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Unable to read the new build", apidiag.Detail("reading the "+labelWithID(build), err,
		"The build was started, and the state contains what ServiceStage returned then. The next plan reads what is missing."))
}

func startedMessage(build *servicestage.Build) string {
	return fmt.Sprintf("%s: started, build_id %s", label(build), build.ID)
}

func progressMessage(build *servicestage.Build, phase string, elapsed time.Duration) string {
	return fmt.Sprintf("%s: %s, %s", label(build), phase, elapsed.Truncate(time.Second))
}

func interruptedMessage(build *servicestage.Build, result string) string {
	return fmt.Sprintf("%s: interrupted. %s", label(build), result)
}

// What happens to a build that did not succeed, and how to allow more time.
const (
	keepsRunning               = "It keeps running in ServiceStage."
	notCanceledByConfiguration = "It keeps running in ServiceStage, because cancel_on_interrupt is false."
	taintedAdvice              = "The state has the build, marked as tainted: the next apply starts another, and cancels this one before if it is still " +
		"running. `terraform untaint` keeps it instead."
	resourceTimeoutAdvice = "Raise `create` in the timeouts block to wait longer."
)

func actionTimeoutAdvice(id string) string {
	return fmt.Sprintf("Raise `timeout` to wait longer, or cancel it by an action of type servicestage_cancel_build with build_id = %q.", id)
}

// interruptError is for an interrupted wait; result is what happens to the build.
func interruptError(build *servicestage.Build, result string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Interrupted while the build was running", fmt.Sprintf(
		"The wait for the %s was interrupted; it was last seen in the state %s. %s", labelWithID(build), build.State, result))
}

// timeoutError is for a build that has not ended in time.
func timeoutError(build *servicestage.Build, timeout time.Duration, advice, nextApply string) diag.Diagnostic {
	state := build.State.String()
	if !slices.Contains([]servicestage.BuildState{
		servicestage.BuildNotStarted, servicestage.BuildQueuing, servicestage.BuildBuilding, servicestage.BuildPushing,
	}, build.State) {
		state += ", which is not documented and is taken for one of a build that goes on"
	}
	return diag.NewErrorDiagnostic("The build takes too long", joinParagraphs(fmt.Sprintf(
		"The %s has not ended within %s; it was last seen in the state %s. It keeps running in ServiceStage: only the wait has ended. %s",
		labelWithID(build), timeout, state, advice), nextApply))
}

// waitError is for a build that could not be read for a while.
func waitError(build *servicestage.Build, err error, nextApply string) diag.Diagnostic {
	return withAdvice("Unable to follow the build", "following the "+labelWithID(build), err,
		fmt.Sprintf("The build was started and may be running. Its id is %s.", build.ID), nextApply)
}

// reportTimeout limits what is read about a failed build.
const reportTimeout = 30 * time.Second

// failedBuildError is for a build that ended without success: the phase, the end of the log, and how to read the rest.
func failedBuildError(ctx context.Context, client *servicestage.Client, build *servicestage.Build, nextApply string) diag.Diagnostic {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	summary := map[servicestage.BuildState]string{
		servicestage.BuildFailed:  "The build failed",
		servicestage.BuildTimeout: "The build timed out",
		servicestage.BuildCancel:  "The build was cancelled",
		servicestage.BuildDeleted: "The build was deleted",
	}[build.State]
	end := fmt.Sprintf("The %s ended with the state %s", labelWithID(build), build.State)
	if phases, err := client.Phases(ctx, build.ID); err != nil {
		end += fmt.Sprintf(" (in which phase could not be read: %s)", err)
	} else if phase := failedPhase(phases); phase != "" {
		end += " in the phase " + phase
	}
	if build.Duration != nil {
		end += fmt.Sprintf(", after %s", *build.Duration)
	}
	return diag.NewErrorDiagnostic(summary, joinParagraphs(end+".", logTail(ctx, client, build.ID), readLogAdvice(build.ID), nextApply))
}

// logTail returns the end of the log, or why it cannot be read.
func logTail(ctx context.Context, client *servicestage.Client, id string) string {
	log, err := client.BuildLog(ctx, id, tailBytes)
	if err != nil {
		return fmt.Sprintf("Its log could not be read: %s.", err)
	}
	lines, all := lastLines(log.Text)
	switch {
	case len(lines) == 0:
		return "Its log is empty."
	case all && !log.Cut:
		return "Its log:\n\n" + strings.Join(lines, "\n")
	default:
		return fmt.Sprintf("The last %d lines of its log:\n\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

func readLogAdvice(id string) string {
	return fmt.Sprintf("Read more of it with this data source and output; a log gets into the state that way:\n\n"+
		"  data \"servicestage_build\" \"log\" {\n    build_id  = %q\n    log_limit = %d\n  }\n"+
		"  output \"log\" {\n    value = data.servicestage_build.log.log\n  }", id, maxLog)
}

// cancelResult returns what the cancellation of a build led to.
func cancelResult(canceled *servicestage.Build, err error) string {
	switch {
	case err == nil && canceled.State == servicestage.BuildCancel:
		return "It was cancelled."
	case servicestage.IsNotFound(err):
		return "It was to be cancelled, but ServiceStage returned that it does not exist."
	case err == nil:
		return fmt.Sprintf("It was to be cancelled, but had ended by then, with the state %s.", canceled.State)
	case canceled != nil:
		return fmt.Sprintf("The service was asked to cancel it and has agreed, but its end was not seen: %s.", err)
	default:
		return fmt.Sprintf("It could not be cancelled, and may still be running: %s.", err)
	}
}

func canceledMessage(build *servicestage.Build) string {
	if build.State == servicestage.BuildCancel {
		return label(build) + ": cancelled"
	}
	return fmt.Sprintf("%s: had ended already, with the state %s", label(build), build.State)
}

// forgetAdvice is for a running build that cannot be destroyed.
const forgetAdvice = "`terraform state rm` forgets the build without cancelling it."

// cancelDiagnostic is for a cancellation that failed: a warning if ServiceStage accepted it, an error with the given advice otherwise.
// canceled is the build as last read after an accepted cancellation, and nil otherwise.
func cancelDiagnostic(id string, canceled *servicestage.Build, err error, advice ...string) diag.Diagnostic {
	if canceled == nil {
		return withAdvice("Unable to cancel the build", canceling(id), err, advice...)
	}
	return diag.NewWarningDiagnostic("The end of the build was not seen", apidiag.Detail(canceling(id), err,
		"The service was asked to cancel it and has agreed. Look at it in the console."))
}

// notReadableYet explains "not found" shortly after a start that no read has confirmed.
func notReadableYet(operation string, startedAt time.Time, notFound error) diag.Diagnostic {
	return apidiag.Error("The new build is not found yet", operation, notFound, fmt.Sprintf(
		"The build was started at %s and has not been read successfully since. ServiceStage may not show it yet, so it is not "+
			"taken for gone until ten minutes after the start. Try again later.", startedAt.Format(time.RFC3339)))
}

func incompleteListWarning(list *servicestage.BuildList, jobID string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("The service does not hand out all builds", fmt.Sprintf(
		"Build job %q (%s) has had %d builds, of which the service listed %d.", list.JobName, jobID, list.Total, len(list.Builds)))
}
