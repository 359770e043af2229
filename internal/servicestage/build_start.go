// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// StartedBuild is a build that was started.
type StartedBuild struct {
	Build
	// Adopted is true if the response was lost and the build is the new last build of the job.
	Adopted bool
}

// UnknownStartError reports that the request to start a build was sent, that its response was lost, and that no build
// could be identified as the started one. The request is not sent again, because a build may be running.
type UnknownStartError struct {
	// JobID and JobName identify the build job.
	JobID, JobName string
	// Before is the ID of the last build before the request; empty if there was none.
	Before string
	// After is the ID of the last build after the request, if it is another one. It may be the started build, or
	// somebody else's.
	After string
	// Err is the failure of the request.
	Err error
	// LookupErr is why the job could not be read after the request; nil if it could.
	LookupErr error
}

// Error returns the text of Err.
func (e *UnknownStartError) Error() string { return e.Err.Error() }

// Unwrap returns Err and LookupErr.
func (e *UnknownStartError) Unwrap() []error { return []error{e.Err, e.LookupErr} }

// StartBuild starts one build of a job. The request is sent once. It is not canceled with ctx, but ends within 30
// seconds. If its response is lost, or describes a build of another job or an older one, the job is read. A new last
// build is adopted if no client of this process knows it and if no other build was started in between. Otherwise the
// error is an [*UnknownStartError]. The clients of this process start the builds of one job one after the other.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
func (c *Client) StartBuild(ctx context.Context, jobID string) (*StartedBuild, error) {
	unlock, err := c.lock(ctx, object{jobID: jobID})
	if err != nil {
		return nil, err
	}
	defer unlock()
	job, err := c.GetBuildJob(ctx, jobID, "")
	if err != nil {
		return nil, err
	}
	response := expectedBuild{accept: func(b *Build) error {
		if b.ID == job.LastBuildID || c.shared.knows(object{jobID, b.ID}) {
			return fmt.Errorf("the response describes build %q, which existed before", b.ID)
		}
		return b.checkJob(jobID)
	}}
	err = c.do(ctx, rest.Call{Method: http.MethodPost, Path: jobPath(jobID, "builds")}, &response)
	if err == nil {
		c.shared.created(object{jobID, response.ID})
		return &StartedBuild{Build: response.withJob(job)}, nil
	}
	if failure, ok := errors.AsType[*Error](err); !ok || !outcomeUnknown(failure) {
		return nil, err
	}
	outcome := &UnknownStartError{JobID: jobID, JobName: job.Spec.Name(), Before: job.LastBuildID, Err: err}
	c.findStarted(ctx, outcome)
	adopted, certain := c.adoptable(ctx, job, outcome)
	if !certain || !c.shared.adopt(object{jobID, outcome.After}) {
		return nil, outcome
	}
	return &StartedBuild{Build: adopted, Adopted: true}, nil
}

// withJob returns the build with the ID and name of its job, if the response did not contain them.
func (b *Build) withJob(job *BuildJob) Build {
	named := *b
	named.JobID = cmp.Or(named.JobID, looseString(job.ID))
	named.JobName = cmp.Or(named.JobName, looseString(job.Spec.Name()))
	return named
}

// findStarted reads the job until its last build is one that did not exist before the start, and sets After, or
// LookupErr if the job cannot be read. A last build that this process knows existed before: the first read was
// outdated, so Before is corrected. After the end of ctx it reads the job once more, with another timeout, because the
// ID has to be saved.
func (c *Client) findStarted(ctx context.Context, outcome *UnknownStartError) {
	readJob := func(ctx context.Context) {
		var job *BuildJob
		if job, outcome.LookupErr = c.getBuildJob(ctx, outcome.JobID); outcome.LookupErr != nil {
			return
		}
		switch last := job.LastBuildID; {
		case last == outcome.Before:
		case c.shared.knows(object{outcome.JobID, last}):
			outcome.Before = last
		default:
			outcome.After = last
		}
	}
	for try := 1; try <= maxSearches; try++ {
		readJob(ctx)
		isOver := outcome.LookupErr != nil || outcome.After != "" || try == maxSearches
		if isOver || c.rest.Pause(ctx, rest.Delay(try)) != nil {
			break
		}
	}
	if ctx.Err() != nil && outcome.After == "" {
		late, cancel := uncanceled(ctx, lookupTimeout)
		defer cancel()
		readJob(late)
	}
}

// adoptable reports whether the job has a new last build that is the started one. A build of another job is not, and
// neither is one whose number shows that another build was started too. The timeout is not that of ctx, because the ID
// is not saved yet.
func (c *Client) adoptable(ctx context.Context, job *BuildJob, outcome *UnknownStartError) (Build, bool) {
	late, cancel := uncanceled(ctx, lookupTimeout)
	defer cancel()
	adopted := (&Build{ID: outcome.After}).withJob(job)
	if !rest.PathElement.MatchString(outcome.After) {
		return adopted, false // There is none, or its ID is invalid.
	}
	build, err := c.readBuild(late, outcome.After, job.ID)
	if err != nil {
		// Reads may lag or fail. A response for another build or job is proof.
		return adopted, !isAccepted(err)
	}
	adopted = build.withJob(job)
	before, err := c.readBuild(late, outcome.Before, job.ID)
	if err != nil {
		return adopted, true // There was no build, or it cannot be read.
	}
	was, wasErr := strconv.Atoi(string(before.Index))
	is, isErr := strconv.Atoi(string(adopted.Index))
	return adopted, wasErr != nil || isErr != nil || is == was+1
}
