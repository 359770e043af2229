// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	// tailLines is how many lines of its log an error shows of a build that ended badly.
	tailLines = 40
	// maxLine bounds each of them, in characters.
	maxLine = 300
	// tailBytes is enough for them.
	tailBytes = 64 << 10
	// reportTime bounds what is read of a build that ended badly.
	reportTime = 30 * time.Second
	// maxLog is the most of a log that a data source reads, in bytes.
	maxLog = 1 << 20
)

// maxName is how much of a name or a number of the service is printed, in characters.
const maxName = 128

// label names a build as people do: checkout-service #12.
func label(build *servicestage.Build) string {
	if build.JobName == "" || build.Index == "" {
		return "build " + build.ID
	}
	return fmt.Sprintf("%s #%s", rest.Sanitize(build.JobName, maxName), rest.Sanitize(build.Index, maxName))
}

func phaseName(phase servicestage.Phase) string { return rest.Sanitize(phase.Name, maxName) }

// named is the label with the build's id.
func named(build *servicestage.Build) string {
	if text := label(build); !strings.Contains(text, build.ID) {
		return fmt.Sprintf("build %s (%s)", text, build.ID)
	}
	return label(build)
}

// badEnd is the error of a build that has ended without success: in which phase, the end of its log, and how to read the rest.
// next says what becomes of it.
func badEnd(ctx context.Context, client *servicestage.Client, build *servicestage.Build, next string) diag.Diagnostic {
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	summary := map[servicestage.BuildState]string{
		servicestage.BuildFailed:  "The build failed",
		servicestage.BuildTimeout: "The build timed out",
		servicestage.BuildCancel:  "The build was cancelled",
		servicestage.BuildDeleted: "The build was deleted",
	}[build.State]
	text := fmt.Sprintf("The %s ended with the state %s", named(build), build.State)
	switch phases, err := client.Phases(ctx, build.ID); {
	case err != nil:
		text += fmt.Sprintf(" (in which phase could not be read: %s)", err)
	default:
		if phase, ok := badPhase(phases); ok {
			text += " in the phase " + phase
		}
	}
	if build.Duration != nil {
		text += fmt.Sprintf(", after %s", *build.Duration)
	}
	paragraphs := []string{text + ".", tail(ctx, client, build.ID), howToRead(build.ID)}
	if next != "" {
		paragraphs = append(paragraphs, next)
	}
	return diag.NewErrorDiagnostic(cmp.Or(summary, "The build ended badly"), strings.Join(paragraphs, "\n\n"))
}

// badPhase is the phase that ended badly.
func badPhase(phases []servicestage.Phase) (string, bool) {
	i := slices.IndexFunc(phases, func(p servicestage.Phase) bool { return p.State.Failed() })
	if i < 0 {
		return "", false
	}
	return phaseName(phases[i]), true
}

// tail shows the end of the log. Lines that begin with a space are not wrapped by Terraform.
func tail(ctx context.Context, client *servicestage.Client, id string) string {
	log, err := client.BuildLog(ctx, id, tailBytes)
	if err != nil {
		return fmt.Sprintf("Its log could not be read: %s.", err)
	}
	lines, all := lastLines(log.Text)
	all = all && !log.Cut
	switch {
	case len(lines) == 0:
		return "Its log is empty."
	case all:
		return "Its log:\n\n" + strings.Join(lines, "\n")
	default:
		return fmt.Sprintf("The last %d lines of its log:\n\n%s", len(lines), strings.Join(lines, "\n"))
	}
}

// lastLines returns the last lines of a log, indented, without colours and other control characters, and whether these are all.
func lastLines(text string) (lines []string, all bool) {
	text = strings.Trim(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	if strings.TrimSpace(text) == "" {
		return nil, true
	}
	lines = strings.Split(text, "\n")
	from := max(0, len(lines)-tailLines)
	lines = lines[from:]
	for i, line := range lines {
		lines[i] = "  " + printable(line)
	}
	return lines, from == 0
}

// escapeSequence matches what a terminal takes for a command (ECMA-48): a control sequence, a control string with its terminator, or
// any other escape sequence.
var escapeSequence = regexp.MustCompile("(?:\x1b\\[|\u009b)[0-?]*[ -/]*[@-~]" +
	"|(?:\x1b[\\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\x07\x1b\u009c]*(?:\x07|\x1b\\\\|\u009c)" +
	"|\x1b[ -/]*[0-~]")

// printable returns a line of a log as text that is safe to print.
func printable(line string) string {
	if i := strings.LastIndexByte(strings.TrimRight(line, "\r"), '\r'); i >= 0 {
		line = line[i+1:] // What a terminal would show of a progress bar.
	}
	line = escapeSequence.ReplaceAllLiteralString(line, "")
	return rest.Sanitize(strings.ReplaceAll(line, "\t", "    "), maxLine)
}

func howToRead(id string) string {
	return fmt.Sprintf("Read more of it with this data source and output; a log gets into the state that way:\n\n"+
		"  data \"servicestage_build\" \"log\" {\n    build_id  = %q\n    log_limit = %d\n  }\n"+
		"  output \"log\" {\n    value = data.servicestage_build.log.log\n  }", id, maxLog)
}

// startError says why a build was not started, or that nobody knows.
func startError(jobID string, err error) diag.Diagnostic {
	operation := fmt.Sprintf("starting a build of job %q", jobID)
	if servicestage.IsNotFound(err) {
		return diag.NewAttributeErrorDiagnostic(path.Root("job_id"), "No such build job", apidiag.Detail(operation, err,
			"There is no build job with this id in the provider's region and project."))
	}
	lost, ok := errors.AsType[*servicestage.UnknownStartError](err)
	if !ok {
		return apidiag.Error("Unable to start the build", operation, err)
	}
	name, before := rest.Sanitize(lost.JobName, maxName), cmp.Or(rest.Sanitize(lost.Before, maxName), "none")
	advice := "The response to the start request was lost, and the request is not sent again: it could start a second build. "
	switch {
	case lost.LookupErr != nil:
		advice += fmt.Sprintf("The job could not be read either: %s. Look for a new build of %q in the console before you start another.",
			lost.LookupErr, name)
	case lost.After != "":
		advice += fmt.Sprintf("The last build of %q was %s before and is %s now, but that may be a build that somebody else started. "+
			"Look at the builds in the console before you start another.", name, before, rest.Sanitize(lost.After, maxName))
	default:
		advice += fmt.Sprintf("The last build of %q is %s, as before, so most likely none was started. Look at the builds in the console, "+
			"then start it again.", name, before)
	}
	return apidiag.Error("The build may have been started", operation, lost.Err, advice)
}

// adopted warns of a build whose start had no usable response.
func adopted(started *servicestage.StartedBuild) diag.Diagnostics {
	var diags diag.Diagnostics
	if started.Adopted {
		diags.AddWarning("The build was adopted", fmt.Sprintf("The response to the request that starts a build of job %q was lost. The job has "+
			"had a new last build since, %s, which the provider takes for the started one.", rest.Sanitize(started.JobName, maxName), started.ID))
	}
	return diags
}
