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

// selects reports whether the filter selects a build job. ServiceStage may return more than the exact name.
func (f filter) selects(job servicestage.BuildJobSummary) bool {
	return (f.name == "" || job.Name == f.name) && strings.HasPrefix(job.Name, f.prefix)
}

// jobs yields the build jobs that the filter selects, and the error of the list.
func (f filter) jobs(jobs iter.Seq2[servicestage.BuildJobSummary, error]) iter.Seq2[servicestage.BuildJobSummary, error] {
	return func(yield func(servicestage.BuildJobSummary, error) bool) {
		for job, err := range jobs {
			if (err != nil || f.selects(job)) && !yield(job, err) {
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

// values are those of the build job, or only its ID and name if it could not be read.
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
		return "", listDiagnostic(fmt.Sprintf("searching for build job %q", name), err)
	}
	var exact, otherCase, others []servicestage.BuildJobSummary
	for _, job := range jobs {
		switch {
		case job.Name == name:
			exact = append(exact, job)
		case strings.EqualFold(job.Name, name):
			otherCase = append(otherCase, job)
		default:
			others = append(others, job)
		}
	}
	if len(exact) == 1 {
		return exact[0].ID, nil
	}
	return "", notOneOfName(name, exact, otherCase, others)
}
