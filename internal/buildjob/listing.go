// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	// listTimeout bounds the listing of many jobs, with the reading of each.
	listTimeout = 30 * time.Minute
	// maxReads is how many jobs of a list are read at the same time. The client holds all of them back when the service throttles.
	maxReads = 10
	// maxCandidates is how many jobs an error names.
	maxCandidates = 10
)

// filter chooses jobs of the list by their names, in which case counts. At most one of the two is set.
type filter struct {
	JobName       types.String `tfsdk:"job_name"`
	JobNamePrefix types.String `tfsdk:"job_name_prefix"`
}

// jobs lists what passes the filter. The service is told an exact name, for which it may answer more, but never a prefix: what
// it makes of a part of a name is not documented.
func (f filter) jobs(ctx context.Context, client *servicestage.Client) iter.Seq2[servicestage.BuildJobSummary, error] {
	return func(yield func(servicestage.BuildJobSummary, error) bool) {
		for job, err := range client.BuildJobs(ctx, f.JobName.ValueString()) {
			if err == nil && !f.passes(job.Name) {
				continue
			}
			if !yield(job, err) {
				return
			}
		}
	}
}

func (f filter) passes(name string) bool {
	return (f.JobName.IsNull() || name == f.JobName.ValueString()) && strings.HasPrefix(name, f.JobNamePrefix.ValueString())
}

// readResult is a job of a list as it was read.
type readResult struct {
	job *servicestage.BuildJob
	err error
}

// whole reads the jobs of a list, several at a time, and yields them in the order of the list. A job that is gone by then is
// left out. No more are read ahead than limit may still want; 0 is no limit. The error, if any, is the last that comes.
func whole(ctx context.Context, client *servicestage.Client, jobs iter.Seq2[servicestage.BuildJobSummary, error], limit int64) iter.Seq2[*servicestage.BuildJob, error] {
	return func(yield func(*servicestage.BuildJob, error) bool) {
		var reads sync.WaitGroup
		defer reads.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		next, stop := iter.Pull2(jobs)
		defer stop()

		var ahead []<-chan readResult
		for yielded, more := int64(0), true; limit <= 0 || yielded < limit; {
			for more && len(ahead) < maxReads && (limit <= 0 || yielded+int64(len(ahead)) < limit) {
				job, err, ok := next()
				if ok {
					ahead = append(ahead, beginRead(ctx, client, job, err, &reads))
				}
				more = ok && err == nil
			}
			if len(ahead) == 0 {
				return
			}
			first := <-ahead[0]
			ahead = ahead[1:]
			if servicestage.IsNotFound(first.err) {
				continue
			}
			if !yield(first.job, first.err) || first.err != nil {
				return
			}
			yielded++
		}
	}
}

// beginRead reads one job while others are read. An error of the list itself is passed on in its place.
func beginRead(ctx context.Context, client *servicestage.Client, job servicestage.BuildJobSummary, listErr error, reads *sync.WaitGroup) <-chan readResult {
	result := make(chan readResult, 1)
	if listErr != nil {
		result <- readResult{err: listErr}
		return result
	}
	reads.Go(func() {
		read, err := client.GetBuildJob(ctx, job.ID, job.Name)
		if err != nil {
			err = readError{job: job, error: err}
		}
		result <- readResult{job: read, err: err}
	})
	return result
}

// readError is the failure to read one job of a list.
type readError struct {
	error
	job servicestage.BuildJobSummary
}

func (e readError) Unwrap() error { return e.error }

// listDiagnostic renders an error of a list, or of the reading of one of its jobs.
func listDiagnostic(err error) diag.Diagnostic {
	if read, ok := errors.AsType[readError](err); ok {
		return apidiag.Error("Unable to read a build job", fmt.Sprintf("reading build job %q (%s)", read.job.Name, read.job.ID), read.error)
	}
	return apidiag.Error("Unable to list the build jobs", "listing the build jobs", err)
}

// find returns the id of the one job with exactly this name, or else a diagnostic that names the candidates.
func find(ctx context.Context, client *servicestage.Client, name string) (id string, miss diag.Diagnostic, err error) {
	var ids, similar, others []string
	for job, err := range client.BuildJobs(ctx, name) {
		candidate := fmt.Sprintf("%q (%s)", job.Name, job.ID)
		switch {
		case err != nil:
			return "", nil, err
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
	if more := len(list) - maxCandidates; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:maxCandidates], ", "), more)
	}
	return strings.Join(list, ", ")
}
