// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	// listTimeout limits a list of build jobs, including the time to read each of them.
	listTimeout = 30 * time.Minute
	// maxReads is the number of build jobs that are read at the same time.
	maxReads = 10
)

// filter selects build jobs by their exact name or by its prefix, case-sensitively. An empty string selects all.
type filter struct{ name, prefix string }

func filterFrom(config values) filter {
	return filter{config.text(nameArgument), config.text(prefixArgument)}
}

// selects reports whether the filter selects a build job. ServiceStage may return more than the exact name.
func (f filter) selects(job servicestage.BuildJobSummary) bool {
	return (f.name == "" || job.Name == f.name) && strings.HasPrefix(job.Name, f.prefix)
}

// listedJob is an item of the list with the result of reading the build job.
type listedJob struct {
	servicestage.BuildJobSummary
	// job is nil if it was not read, or could not be because of err.
	job *servicestage.BuildJob
	err error
}

// list yields those of jobs that the filter selects, in their order. A limit of 0 is no limit. With details, it reads
// them, maxReads at a time and not more than the limit requires, and omits those that were deleted meanwhile. The
// last pair may contain the error of jobs.
func (f filter) list(
	ctx context.Context, client *servicestage.Client, jobs iter.Seq2[servicestage.BuildJobSummary, error],
	details bool, limit int64,
) iter.Seq2[listedJob, error] {
	return func(yield func(listedJob, error) bool) {
		var batch []listedJob
		yielded := int64(0)
		// flush reads and yields the batch, and returns whether more is wanted.
		flush := func() bool {
			var reads sync.WaitGroup
			for i := range batch {
				job := &batch[i]
				if details {
					reads.Go(func() { job.job, job.err = client.GetBuildJob(ctx, job.ID, job.Name) })
				}
			}
			reads.Wait()
			for _, job := range batch {
				if servicestage.IsNotFound(job.err) {
					continue
				}
				if !yield(job, nil) {
					return false
				}
				yielded++
			}
			batch = batch[:0]
			return limit <= 0 || yielded < limit
		}
		for summary, err := range jobs {
			if err != nil {
				if flush() {
					yield(listedJob{}, err)
				}
				return
			}
			if !f.selects(summary) {
				continue
			}
			batch = append(batch, listedJob{BuildJobSummary: summary})
			if isFull := len(batch) == maxReads || yielded+int64(len(batch)) == limit; isFull && !flush() {
				return
			}
		}
		flush()
	}
}

// values returns the values of the build job, or only its ID and name if it was not read.
func (j listedJob) values() values {
	if j.job == nil {
		return values{jobIDAttribute: j.ID, nameArgument: j.Name}
	}
	return valuesOf(j.job)
}

// findByName returns the ID of the only build job with exactly this name, or a diagnostic that lists the candidates.
func findByName(ctx context.Context, client *servicestage.Client, name string) (string, diag.Diagnostic) {
	jobs, err := client.ListBuildJobs(ctx, name)
	if err != nil {
		return "", listError(fmt.Sprintf("searching for build job %q", name), err)
	}
	var exact, others []servicestage.BuildJobSummary
	for _, job := range jobs {
		switch {
		case job.Name == name:
			exact = append(exact, job)
		case strings.EqualFold(job.Name, name): // First, because the message may not contain all of them.
			others = slices.Insert(others, 0, job)
		default:
			others = append(others, job)
		}
	}
	if len(exact) == 1 {
		return exact[0].ID, nil
	}
	return "", noUniqueMatch(name, exact, others)
}
