// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// StartedBuild is a build that was started.
type StartedBuild struct {
	Build
	// Adopted means that the service's answer was lost, and that the build is the one that the job has had since.
	Adopted bool
}

// LostBuildError says that the start of a build went out and that nobody knows for certain what became of it. It is not sent
// again: a build may be running.
type LostBuildError struct {
	// JobID and JobName are the job whose build was to start.
	JobID, JobName string
	// Before is the last build of the job before the start; empty where there was none.
	Before string
	// After is the last build of the job afterwards, where that is another one, and not surely the one that was to start; empty
	// otherwise.
	After string
	// Err is the failure of the start.
	Err error
	// Lookup is why the job could not be read afterwards; nil where it could.
	Lookup error
}

// Error names the builds in question.
func (e *LostBuildError) Error() string {
	parts := []string{e.Err.Error()}
	if e.Lookup != nil {
		parts = append(parts, e.Lookup.Error())
	}
	if e.After != "" {
		parts = append(parts, fmt.Sprintf("the last build of %q was %q and is %q", e.JobName, e.Before, e.After))
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the failures.
func (e *LostBuildError) Unwrap() []error {
	if e.Lookup == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Lookup}
}

// StartBuild starts one build of a job, whatever becomes of the answer. A request that has gone out is not cut off by ctx, but
// ends within 30 seconds, and is never sent again. Where its answer is lost, the job tells: if it has another last build than
// before, and no third one in between, then that is adopted; anything else is a [LostBuildError]. Of one client, the starts of
// one job come one after the other.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
func (c *Client) StartBuild(ctx context.Context, jobID string) (*StartedBuild, error) {
	// Of two starts of one job, each would take the other's build for its own.
	unlock, err := c.starting.lock(ctx, jobID)
	if err != nil {
		return nil, &Error{Method: http.MethodPost, Host: c.rest.Host(), Stopped: err}
	}
	defer unlock()

	job, err := c.GetBuildJob(ctx, jobID, "")
	if err != nil {
		return nil, err
	}
	var build Build
	err = c.do(ctx, rest.Call{Method: http.MethodPost, Path: jobPath(jobID, "builds")}, &build)
	if err == nil {
		return &StartedBuild{Build: build.of(job)}, nil
	}
	if failure, ok := errors.AsType[*Error](err); !ok || !isLost(failure) {
		return nil, err
	}
	lost := &LostBuildError{JobID: jobID, JobName: job.Spec.JobName, Before: job.LastBuildID, Err: err}
	lost.After, lost.Lookup = c.lastBuildAfter(ctx, job)
	if lost.After == "" {
		return nil, lost
	}
	adopted, certain := c.adoptable(ctx, job, lost.After)
	if !certain {
		return nil, lost
	}
	return &StartedBuild{Build: adopted, Adopted: true}, nil
}

// of is the build with what its job says, where the answer is silent.
func (b *Build) of(job *BuildJob) Build {
	named := *b
	if named.JobID == "" {
		named.JobID = job.ID
	}
	if named.JobName == "" {
		named.JobName = job.Spec.JobName
	}
	return named
}

// lastBuildAfter returns the last build of a job once it is another one than before; "" if it stays the same. Once the
// operation's time is over there is one more look, with a time of its own: the id has to be saved.
func (c *Client) lastBuildAfter(ctx context.Context, before *BuildJob) (id string, err error) {
	look := func(ctx context.Context) {
		var job *BuildJob
		if job, err = c.getBuildJob(ctx, before.ID); err == nil && job.LastBuildID != before.LastBuildID {
			id = job.LastBuildID
		}
	}
	for try := 1; try <= lookups; try++ {
		look(ctx)
		if err != nil || id != "" || try == lookups || c.rest.Pause(ctx, rest.Delay(try)) != nil {
			break
		}
	}
	if ctx.Err() != nil && id == "" {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
		defer cancel()
		look(late)
	}
	return id, err
}

// adoptable decides whether the build is the one that was to start. It is not where the numbers of the builds say that somebody
// else has started one too. The lookup has a time of its own, because the id is not saved yet.
func (c *Client) adoptable(ctx context.Context, job *BuildJob, id string) (Build, bool) {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	adopted := (&Build{ID: id}).of(job)
	build, err := c.getBuild(late, id)
	if err != nil {
		return adopted, true // Nothing speaks against it; whoever waits for it reads it again.
	}
	adopted = build.of(job)
	if job.LastBuildID == "" {
		return adopted, true
	}
	before, err := c.getBuild(late, job.LastBuildID)
	if err != nil {
		return adopted, true
	}
	was, wasErr := strconv.Atoi(before.Index)
	is, isErr := strconv.Atoi(adopted.Index)
	return adopted, wasErr != nil || isErr != nil || is == was+1
}
