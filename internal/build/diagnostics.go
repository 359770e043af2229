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

// label returns the name of a build in messages, such as "checkout-service #12".
func label(build *servicestage.Build) string {
	if build.JobName == "" || build.Index == "" {
		return "build " + build.ID
	}
	return fmt.Sprintf("%s #%s", printable(build.JobName), printable(build.Index))
}

// labelWithID returns the label and the ID, such as "build checkout-service #12 (ID)".
func labelWithID(build *servicestage.Build) string {
	if name := label(build); name != "build "+build.ID {
		return fmt.Sprintf("build %s (%s)", name, build.ID)
	}
	return label(build)
}

func joinParagraphs(paragraphs ...string) string {
	return strings.Join(slices.DeleteFunc(paragraphs, func(text string) bool { return text == "" }), "\n\n")
}

// reading, canceling and listing name an operation in messages.
func reading(id string) string    { return fmt.Sprintf("reading build %q", id) }
func canceling(id string) string  { return fmt.Sprintf("canceling build %q", id) }
func listing(jobID string) string { return fmt.Sprintf("listing the builds of job %q", jobID) }

// withAdvice returns an API error with another paragraph.
func withAdvice(summary, operation string, err error, advice ...string) diag.Diagnostic {
	paragraphs := append([]string{apidiag.Detail(operation, err)}, advice...)
	return diag.NewErrorDiagnostic(summary, joinParagraphs(paragraphs...))
}

func readError(operation string, err error, advice ...string) diag.Diagnostic {
	return withAdvice("Error reading build", operation, err, advice...)
}

func noSuchBuild(operation string, err error) diag.Diagnostic {
	return apidiag.Error("No such build", operation, err,
		"The provider's region and project have no build with this ID.")
}

func noSuchJob(operation string, err error) diag.Diagnostic {
	return diag.WithPath(path.Root("job_id"), apidiag.Error("No such build job", operation, err,
		"The provider's region and project have no build job with this ID."))
}

// checkNotEmpty returns an error for an empty argument that was unknown during planning, when validators run.
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
	return diag.NewErrorDiagnostic("Invalid import ID", fmt.Sprintf("The import ID of a build is its build_id, such "+
		"as j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2. It may contain only letters, digits, hyphens, underscores and "+
		"dots. Got: %q.", id))
}

// startError explains a build that was not started, or that may have been started.
func startError(jobID string, err error) diag.Diagnostic {
	operation := fmt.Sprintf("starting a build of job %q", jobID)
	if servicestage.IsNotFound(err) {
		return noSuchJob(operation, err)
	}
	unknown, ok := errors.AsType[*servicestage.UnknownStartError](err)
	if !ok {
		return apidiag.Error("Error starting build", operation, err)
	}
	name, before := printable(unknown.JobName), cmp.Or(printable(unknown.Before), "none")
	advice := "The response to the start request was lost. The provider does not send the request again, because " +
		"it could start a second build. "
	const check = "\n\nCheck the builds in the ServiceStage console before you start another one."
	switch {
	case unknown.LookupErr != nil:
		advice += fmt.Sprintf("The build job %q could not be read: %s.", name, unknown.LookupErr)
	case unknown.After != "":
		advice += fmt.Sprintf("The last build of %q was %s and is now %s, which somebody else may have started.",
			name, before, printable(unknown.After))
	case unknown.Before == "":
		advice += fmt.Sprintf("Build job %q is still without a build: the build was probably not started.", name)
	default:
		advice += fmt.Sprintf("The last build of %q is still %s: the build was probably not started.", name, before)
	}
	return apidiag.Error("Build may have been started", operation, unknown.Err, advice+check)
}

// adoptedWarning explains a build whose start had no usable response.
func adoptedWarning(started *servicestage.StartedBuild) diag.Diagnostics {
	if !started.Adopted {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Build adopted after a lost response", fmt.Sprintf(
		"The response to the request that starts a build of job %q was lost. Build %s is the only new one of the job, "+
			"so the provider uses it as the started build.", printable(started.JobName), started.ID))}
}

func unreadBuildWarning(build *servicestage.Build, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Error reading the new build", apidiag.Detail(
		"reading the "+labelWithID(build), err,
		"The build was started, and the state contains what ServiceStage returned. The next plan reads the rest."))
}

func startedMessage(build *servicestage.Build) string {
	return fmt.Sprintf("%s: started, build_id %s", label(build), build.ID)
}

func progressMessage(build *servicestage.Build, phase string, elapsed time.Duration) string {
	return fmt.Sprintf("%s: %s, %s", label(build), phase, elapsed.Truncate(time.Second))
}

// What happens to a build that did not succeed, and how to allow more time.
const (
	notCanceledByConfiguration = "It keeps running in ServiceStage, because cancel_on_interrupt is false."
	taintedAdvice              = "The build is in the state and marked as tainted: the next apply starts another " +
		"one, and cancels this one if it is still running. To keep it, run `terraform untaint`."
	keptAdvice            = "It keeps running in ServiceStage. " + taintedAdvice
	resourceTimeoutAdvice = "To wait longer, raise `create` in the timeouts block."
)

func actionTimeoutAdvice(id string) string {
	return fmt.Sprintf("To wait longer, raise `timeout`. To cancel the build, invoke an action of type "+
		"servicestage_cancel_build with build_id = %q.", id)
}

// interruptError explains an interrupted wait; result is what happens to the build.
func interruptError(build *servicestage.Build, result string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Interrupted while the build was running", fmt.Sprintf(
		"The wait for the %s was interrupted in the state %s. %s", labelWithID(build), build.State, result))
}

// timeoutError explains a build that has not finished in time.
func timeoutError(build *servicestage.Build, timeout time.Duration, advice, nextApply string) diag.Diagnostic {
	state := build.State.String()
	if !slices.Contains([]servicestage.BuildState{
		servicestage.BuildNotStarted, servicestage.BuildQueuing, servicestage.BuildBuilding, servicestage.BuildPushing,
	}, build.State) {
		state += ", which is not documented and counts as running"
	}
	return diag.NewErrorDiagnostic("Timeout while waiting for the build", joinParagraphs(fmt.Sprintf(
		"The %s has not finished within %s. Its state is %s. It keeps running in ServiceStage.",
		labelWithID(build), timeout, state), advice, nextApply))
}

// waitError explains a build that could not be read for a while.
func waitError(build *servicestage.Build, err error, nextApply string) diag.Diagnostic {
	return withAdvice("Error waiting for the build", "reading the "+labelWithID(build), err,
		fmt.Sprintf("The build was started and may be running. Its ID is %s.", build.ID), nextApply)
}

// failedBuildError explains an unsuccessful build with the failed phase, the end of the log, and how to read the rest.
func failedBuildError(
	ctx context.Context, client *servicestage.Client, build *servicestage.Build, nextApply string,
) diag.Diagnostic {
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	summary := map[servicestage.BuildState]string{
		servicestage.BuildFailed:  "The build failed",
		servicestage.BuildTimeout: "The build timed out",
		servicestage.BuildCancel:  "The build was canceled",
		servicestage.BuildDeleted: "The build was deleted",
	}[build.State]
	end := fmt.Sprintf("The %s ended with the state %s", labelWithID(build), build.State)
	if phases, err := client.Phases(ctx, build.ID); err != nil {
		end += fmt.Sprintf(" (the phases could not be read: %s)", err)
	} else if phase := firstPhase(phases, servicestage.BuildState.Failed); phase != "" {
		end += " in the phase " + phase
	}
	if build.Duration != nil {
		end += fmt.Sprintf(", after %s", *build.Duration)
	}
	return diag.NewErrorDiagnostic(summary, joinParagraphs(end+".", logTail(ctx, client, build.ID), fmt.Sprintf(
		"To read more of the log, use this data source and output. They store the log in the state.\n\n"+
			"  data \"servicestage_build\" \"log\" {\n    build_id  = %q\n    log_limit = %d\n  }\n"+
			"  output \"log\" {\n    value = data.servicestage_build.log.log\n  }", build.ID, maxLog), nextApply))
}

// cancelResult returns what the cancellation of a build led to.
func cancelResult(canceled *servicestage.Build, err error) string {
	switch {
	case err == nil && canceled.State == servicestage.BuildCancel:
		return "It was canceled."
	case servicestage.IsNotFound(err):
		return "It was not canceled: ServiceStage returned that it does not exist."
	case err == nil:
		return fmt.Sprintf("It was not canceled: it had already ended with the state %s.", canceled.State)
	case canceled != nil:
		return fmt.Sprintf("ServiceStage accepted its cancellation, but the result could not be read: %s.", err)
	default:
		return fmt.Sprintf("It could not be canceled and may still be running: %s.", err)
	}
}

func canceledMessage(build *servicestage.Build) string {
	if build.State == servicestage.BuildCancel {
		return label(build) + ": canceled"
	}
	return fmt.Sprintf("%s: had already ended with the state %s", label(build), build.State)
}

// removeAdvice is for a running build that cannot be destroyed.
const removeAdvice = "To remove the build from the state without canceling it, run `terraform state rm`."

// cancelDiagnostic explains a failed cancellation. It returns a warning if ServiceStage accepted the cancellation, an
// error with advice otherwise. canceled is the build as last read after an accepted cancellation; nil otherwise.
func cancelDiagnostic(id string, canceled *servicestage.Build, err error, advice ...string) diag.Diagnostic {
	if canceled == nil {
		return withAdvice("Error canceling build", canceling(id), err, advice...)
	}
	return diag.NewWarningDiagnostic("Build cancellation not confirmed", apidiag.Detail(canceling(id), err,
		"ServiceStage accepted the cancellation. Check the build in the ServiceStage console."))
}

func incompleteListWarning(list *servicestage.BuildList, jobID string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Incomplete list of builds", fmt.Sprintf(
		"Build job %q (%s) has %d builds. ServiceStage returned %d.",
		list.JobName, jobID, list.Total, len(list.Builds)))
}
