// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"fmt"
	"strings"
	"time"
)

// Count says how many rows have a verdict.
func (r *Report) Count(verdict Verdict) int {
	count := 0
	for _, row := range r.Rows {
		if row.Verdict == verdict {
			count++
		}
	}
	return count
}

// Markdown is the report as a page: no key, token, project or id of the account is in it.
func (r *Report) Markdown(version string) string {
	var page strings.Builder
	fmt.Fprintf(&page, "# Contract report\n\n%s, %s, provider %s. ", r.Host, r.Time.UTC().Format(time.DateOnly), version)
	fmt.Fprintf(&page, "%d questions: the provider's assumption holds for %d, for %d it copes with another answer, for %d it is **wrong**; %d were not answered.\n\n",
		len(r.Rows), r.Count(Agrees), r.Count(Copes), r.Count(Differs), r.Count(Open))
	switch {
	case r.Left > 0:
		fmt.Fprintf(&page, "**%d of the %d build jobs that were made for this could not be deleted**; the output of the command names them.\n", r.Left, r.Made)
	default:
		fmt.Fprintf(&page, "All %d build jobs that were made for this are deleted again.\n", r.Made)
	}
	if len(r.Earlier) > 0 {
		fmt.Fprintf(&page, "\nThese jobs were there before and look like those of an earlier run that was killed: %s.\n", strings.Join(r.Earlier, ", "))
	}
	page.WriteString("\n| | question | what the service did | what the provider assumes | agree |\n| --- | --- | --- | --- | --- |\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&page, "| %s | %s | %s | %s | %s |\n", row.ID, cell(row.Question), cell(row.Seen), cell(row.Assumed), row.Verdict)
	}
	return page.String()
}

// cell keeps a text inside its cell.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", "\\|")
}
