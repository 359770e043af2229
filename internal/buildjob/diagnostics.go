// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const ignoredSummary = "ServiceStage ignored an argument"

// ignoredDetail prints no value: the provider cannot know which are sensitive.
func ignoredDetail(argument, id string) string {
	return fmt.Sprintf("ServiceStage accepted the request but returned a different value for %s of build job %s.\n\n"+
		"The next plan shows the difference.", argument, printableID(id))
}

// createError explains a failed create, and what to do about the build jobs that have the name.
func createError(name string, err error) diag.Diagnostic {
	const summary = "Error creating build job"
	operation := fmt.Sprintf("creating build job %q", name)
	if outcome, ok := errors.AsType[*servicestage.UnknownOutcomeError](err); ok {
		if _, taken := errors.AsType[*servicestage.NameTakenError](err); !taken {
			return apidiag.Error(summary, operation, outcome.Err, outcomeAdvice(outcome))
		}
	}
	if existing, ok := errors.AsType[*servicestage.ExistingIDError](err); ok {
		return foreignJob(operation, existing.ID)
	}
	return nameTakenError(summary, operation, err, func(id string) string {
		return "Choose a different job_name. If the resource is replaced with create_before_destroy, its old build " +
			"job may have the name: remove create_before_destroy.\n\n" + importAdvice(id)
	})
}

func readError(operation string, err error) diag.Diagnostic {
	return apidiag.Error("Error reading build job", operation, err)
}

func updateError(operation string, err error) diag.Diagnostic {
	return nameTakenError("Error updating build job", operation, err, func(string) string {
		return "Choose a different job_name. If many build jobs are renamed at once, apply again, or raise " +
			"-parallelism to their number."
	})
}

func deleteError(operation string, err error) diag.Diagnostic {
	return apidiag.Error("Error deleting build job", operation, err)
}

func listError(operation string, err error) diag.Diagnostic {
	return apidiag.Error("Error listing build jobs", operation, err)
}

// nameTakenError names the build job that has the name, if ServiceStage rejected the request for this reason. advice
// returns what to do about a build job that this process does not manage.
func nameTakenError(summary, operation string, err error, advice func(id string) string) diag.Diagnostic {
	taken, ok := errors.AsType[*servicestage.NameTakenError](err)
	if !ok {
		return apidiag.Error(summary, operation, err)
	}
	text := fmt.Sprintf("Build job %s has the name %q. ServiceStage compares names case-insensitively.\n\n",
		printableID(taken.Job.ID), rest.Sanitize(taken.Job.Name, maxNameLength))
	if taken.Own {
		text += "Another resource of this configuration uses the name. Choose a different job_name. If the resource " +
			"is replaced with create_before_destroy, its old build job still has the name: remove " +
			"create_before_destroy."
	} else {
		text += advice(taken.Job.ID)
	}
	return apidiag.Error(summary, operation, taken.Err, text)
}

// foreignJob explains that the response to a create request contained the ID of somebody else's build job.
func foreignJob(operation, id string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Error creating build job", fmt.Sprintf(
		"Error %s: ServiceStage returned the ID of another build job, %s. It was not added to the state.\n\n"+
			"Two resources must not manage one build job. %s", operation, printableID(id), importAdvice(id)))
}

// importAdvice shows the block that imports a build job which no resource manages yet.
func importAdvice(id string) string {
	return fmt.Sprintf("Unless another resource or team already manages build job %[1]s, you can import it with this "+
		"block and the address of this resource:\n\n"+
		"import {\n  to = servicestage_build_job.ADDRESS\n  id = %[1]q\n}", printableID(id))
}

func outcomeAdvice(outcome *servicestage.UnknownOutcomeError) string {
	const lost = "ServiceStage did not confirm the create request, so the build job may exist. "
	if len(outcome.Jobs) > 0 {
		text := lost + fmt.Sprintf("These build jobs have the name %q: %s. They may belong to somebody else.",
			outcome.Name, idList(outcome.Jobs))
		if outcome.LookupErr != nil {
			text += fmt.Sprintf(" Not all of them could be read: %s.", outcome.LookupErr)
		}
		return text + "\n\nCompare them with this resource in the ServiceStage console. " +
			importAdvice(outcome.Jobs[0].ID)
	}
	cause := fmt.Sprintf("No new build job named %q was found.", outcome.Name)
	if outcome.LookupErr != nil {
		cause = fmt.Sprintf("The list of build jobs could not be read: %s.", outcome.LookupErr)
	}
	return lost + cause + fmt.Sprintf("\n\nSearch the ServiceStage console for %q before you apply again, "+
		"and import the build job if it exists: a second apply may create a duplicate.", outcome.Name)
}

// createWarnings explains a create whose first request had no response.
func createWarnings(created *servicestage.CreatedBuildJob, name string) diag.Diagnostics {
	var diags diag.Diagnostics
	if created.Adopted {
		diags.AddWarning("Build job adopted after a lost response", fmt.Sprintf(
			"The response to the request that creates build job %q was lost. Build job %s is the only new one of this "+
				"name and equals the request, so it was added to the state.", name, printableID(created.ID)))
	}
	if created.Resent {
		text := fmt.Sprintf("The first request that creates build job %q had no response. The request was sent again "+
			"and created build job %s. ", name, printableID(created.ID))
		if created.Adopted {
			const lost = "The request that creates build job %q was sent several times without a response. "
			text = fmt.Sprintf(lost, name)
		}
		switch {
		case created.DuplicatesErr != nil:
			text += fmt.Sprintf("The list of build jobs could not be read: %s.", created.DuplicatesErr)
		case len(created.Duplicates) > 0:
			text += "ServiceStage contains other new build jobs of this name: " + idList(created.Duplicates) + "."
		default:
			text += "The list of build jobs contains no other new one of this name, but the list may lag."
		}
		text += fmt.Sprintf("\n\n"+
			"Terraform manages %s. Search the ServiceStage console for %q and delete the duplicate if there is "+
			"one.", printableID(created.ID), name)
		diags.AddWarning("Possible duplicate build job", text)
	}
	return diags
}

// noSuchJob explains that an ID of the configuration or of an import does not exist.
func noSuchJob(operation string, err error, advice string) diag.Diagnostic {
	return apidiag.Error("No such build job", operation, err,
		strings.TrimSpace("The provider's region and project have no build job with this ID.\n\n"+advice))
}

func deletedOutside(operation string, err error) diag.Diagnostic {
	return apidiag.Error("Build job deleted outside Terraform", operation, err,
		"The build job was deleted after the plan was created. Run terraform plan again: the new plan creates it.")
}

// readBackWarning is not an error: that would taint a good build job. It was "created" or "updated".
func readBackWarning(plan values, what string, err error) diag.Diagnostic {
	summary := "Error reading the updated build job"
	if what == "created" {
		summary = "Error reading the new build job"
	}
	return diag.NewWarningDiagnostic(summary, apidiag.Detail(plan.operation("reading"), err, fmt.Sprintf(
		"The build job was %s, and the state contains the configured values. The next plan reads the others.", what)))
}

// queryError explains why a query ended. An incomplete list is a warning: what was listed exists.
func queryError(err error) diag.Diagnostic {
	incomplete, ok := errors.AsType[*servicestage.IncompleteListError](err)
	if !ok {
		return listError("", err)
	}
	return diag.NewWarningDiagnostic("Incomplete list of build jobs", fmt.Sprintf(
		"ServiceStage reported %d build jobs and returned %d, or the list changed while it was read. Build jobs may "+
			"be missing from the result.\n\n"+
			"Run the query again.", incomplete.Total, incomplete.Listed))
}

// unreadable is the warning for build jobs of a list that could not be read. It explains the first one.
func unreadable(failed ...listedJob) diag.Diagnostic {
	rows := make([]servicestage.BuildJobSummary, len(failed))
	for i, job := range failed {
		rows[i] = job.BuildJobSummary
	}
	return diag.NewWarningDiagnostic("Error reading build jobs", fmt.Sprintf(
		"These build jobs could not be read, so only their ID and name are returned: %s.\n\n%s",
		idList(rows), apidiag.Detail("reading build job "+label(failed[0].BuildJobSummary), failed[0].err)))
}

// noUniqueMatch explains that a name does not select exactly one build job.
func noUniqueMatch(name string, exact, others []servicestage.BuildJobSummary) diag.Diagnostic {
	if len(exact) > 0 {
		return diag.NewErrorDiagnostic("Several build jobs have this name", fmt.Sprintf(
			"%d build jobs are named %q.\n\nSelect one by its job_id: %s.", len(exact), name, idList(exact)))
	}
	text := fmt.Sprintf("No build job in the provider's region and project is named %q.", name)
	if len(others) > 0 {
		text += " ServiceStage returned for this name: " + shorten(others, label) +
			". Names are compared case-sensitively."
	}
	return diag.NewErrorDiagnostic("No build job has this name", text)
}

func invalidImportID(id string) diag.Diagnostic {
	got := fmt.Sprintf("Got: %q.", id)
	if id == "" {
		got = "Got an empty ID."
	}
	return diag.NewErrorDiagnostic("Invalid import ID", "The import ID of a build job is one of:\n\n"+
		"  - its job_id, which has letters, digits, hyphens, underscores and dots, "+
		"such as swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f\n"+
		"  - name/ and its exact job_name, such as name/checkout-service\n\n"+
		"An identity has the job_id. "+got)
}

const (
	maxNameLength = 64
	// maxListedIDs is the maximum number of build jobs in a message.
	maxListedIDs = 10
)

func printableID(id string) string { return rest.Sanitize(id, 128) }

func idList(jobs []servicestage.BuildJobSummary) string {
	return shorten(jobs, func(job servicestage.BuildJobSummary) string { return printableID(job.ID) })
}

// shorten lists up to maxListedIDs build jobs, and the number of the others.
func shorten(jobs []servicestage.BuildJobSummary, show func(servicestage.BuildJobSummary) string) string {
	shown := make([]string, min(len(jobs), maxListedIDs))
	for i := range shown {
		shown[i] = show(jobs[i])
	}
	list := strings.Join(shown, ", ")
	if more := len(jobs) - len(shown); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// label shows the name and the ID of a build job.
func label(job servicestage.BuildJobSummary) string {
	return fmt.Sprintf("%q (%s)", rest.Sanitize(job.Name, maxNameLength), printableID(job.ID))
}

// operation names an operation on the build job, such as `reading build job "app" (id)`. The verb is a gerund.
func (v values) operation(verb string) string {
	id, name := v.text(jobIDAttribute), v.text(nameArgument)
	if v[nameArgument] == nil {
		return fmt.Sprintf("%s build job %s", verb, printableID(id))
	}
	return verb + " build job " + label(servicestage.BuildJobSummary{ID: id, Name: name})
}

// argumentPath returns the path of an argument for a diagnostic.
func argumentPath(argument string) path.Path {
	at := path.Empty()
	for name := range strings.SplitSeq(argument, ".") {
		at = at.AtName(name)
	}
	return at
}
