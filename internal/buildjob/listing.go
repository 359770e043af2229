// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	// listTimeout bounds the listing of many jobs, with the reading of each.
	listTimeout = 30 * time.Minute
	// maxReads is how many jobs of a list are read at the same time. The client holds all of them back when the service throttles.
	maxReads = 10
)

// filter selects build jobs by their exact name or by its prefix, case-sensitively. An empty string selects all.
type filter struct{ name, prefix string }

func filterFrom(config values) filter {
	return filter{config.text(nameArgument), config.text("job_name_prefix")}
}

// jobs yields the build jobs that the filter selects. ServiceStage may return more than the exact name.
func (f filter) jobs(jobs iter.Seq2[servicestage.BuildJobSummary, error]) iter.Seq2[servicestage.BuildJobSummary, error] {
	return func(yield func(servicestage.BuildJobSummary, error) bool) {
		for job, err := range jobs {
			selected := (f.name == "" || job.Name == f.name) && strings.HasPrefix(job.Name, f.prefix)
			if (err != nil || selected) && !yield(job, err) {
				return
			}
		}
	}
}

// listedJob is a row of the list with the result of reading the build job.
type listedJob struct {
	servicestage.BuildJobSummary
	// job is nil if it was not read, and err says why if it could not be.
	job *servicestage.BuildJob
	err error
}

// readAll reads the build jobs of a list, several at a time, and yields them in the order of the list. A build job that was deleted
// meanwhile is left out. It reads no more than limit can still take; 0 is no limit. The error of the list, if any, is the last that
// comes; an error of one build job comes with its row.
func readAll(
	ctx context.Context, client *servicestage.Client, jobs iter.Seq2[servicestage.BuildJobSummary, error], limit int64,
) iter.Seq2[listedJob, error] {
	return func(yield func(listedJob, error) bool) {
		var reads sync.WaitGroup
		defer reads.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		next, stop := iter.Pull2(jobs)
		defer stop()

		var ahead []<-chan listedJob
		var listErr error
		for yielded, more := int64(0), true; limit <= 0 || yielded < limit; {
			for more && len(ahead) < maxReads && (limit <= 0 || yielded+int64(len(ahead)) < limit) {
				summary, err, ok := next()
				if more = ok && err == nil; more {
					ahead = append(ahead, beginRead(ctx, client, summary, &reads))
				}
				listErr = err
			}
			if len(ahead) == 0 {
				break
			}
			first := <-ahead[0]
			ahead = ahead[1:]
			if servicestage.IsNotFound(first.err) {
				continue
			}
			if !yield(first, nil) {
				return
			}
			yielded++
		}
		if listErr != nil && len(ahead) == 0 {
			yield(listedJob{}, listErr)
		}
	}
}

// beginRead reads one build job while others are read.
func beginRead(ctx context.Context, client *servicestage.Client, summary servicestage.BuildJobSummary, reads *sync.WaitGroup) <-chan listedJob {
	result := make(chan listedJob, 1)
	reads.Go(func() {
		job, err := client.GetBuildJob(ctx, summary.ID, summary.Name)
		result <- listedJob{summary, job, err}
	})
	return result
}

// listDiagnostic is the diagnostic for an error of a list.
func listDiagnostic(err error) diag.Diagnostic {
	return apidiag.Error("Error listing build jobs", "listing the build jobs", err)
}

// values are those of the build job, or only its ID and name if it could not be read.
func (j listedJob) values() values {
	if j.job == nil {
		return values{jobIDAttribute: j.ID, nameArgument: j.Name}
	}
	return valuesOf(j.job)
}

// unreadable is the warning for build jobs of a list that could not be read. It explains the first one.
func unreadable(failed ...listedJob) diag.Diagnostic {
	rows := make([]servicestage.BuildJobSummary, len(failed))
	for i, job := range failed {
		rows[i] = job.BuildJobSummary
	}
	operation := fmt.Sprintf("reading build job %q (%s)", rest.Sanitize(failed[0].Name, maxNameLength), printableID(failed[0].ID))
	return diag.NewWarningDiagnostic("Error reading build jobs", fmt.Sprintf(
		"These build jobs could not be read, so only their ID and name are returned: %s.\n\n%s", idList(rows), apidiag.Detail(operation, failed[0].err)))
}

// find returns the id of the one job with exactly this name, or else a diagnostic that names the candidates.
func find(ctx context.Context, client *servicestage.Client, name string) (id string, miss diag.Diagnostic, err error) {
	var ids, similar, others []string
	jobs, err := client.ListBuildJobs(ctx, name)
	if err != nil {
		return "", nil, err
	}
	for _, job := range jobs {
		candidate := fmt.Sprintf("%q (%s)", rest.Sanitize(job.Name, maxNameLength), printableID(job.ID))
		switch {
		case job.Name == name:
			ids = append(ids, job.ID)
		case strings.EqualFold(job.Name, name):
			similar = append(similar, candidate)
		default:
			others = append(others, candidate)
		}
	}
	const none = "No build job has this name"
	switch {
	case len(ids) == 1:
		return ids[0], nil, nil
	case len(ids) > 1:
		return "", diag.NewErrorDiagnostic("Several build jobs have this name",
			fmt.Sprintf("%d build jobs are named %q. Choose one by its job_id: %s.", len(ids), name, candidates(ids))), nil
	case len(similar) > 0:
		return "", diag.NewErrorDiagnostic(none,
			fmt.Sprintf("No build job is named exactly %q, but this differs by case alone: %s.", name, candidates(similar))), nil
	case len(others) > 0:
		return "", diag.NewErrorDiagnostic(none, fmt.Sprintf("No build job in the provider's region and project is named %q. "+
			"Asked for that name, the service answers: %s.", name, candidates(others))), nil
	}
	return "", diag.NewErrorDiagnostic(none, fmt.Sprintf("No build job in the provider's region and project is named %q.", name)), nil
}

func candidates(list []string) string {
	if more := len(list) - maxListedIDs; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxListedIDs], ", "), more)
	}
	return strings.Join(list, ", ")
}
