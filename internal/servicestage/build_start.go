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
		parts = append(parts, fmt.Sprintf("the last build of %q was %q and is %q",
			rest.Sanitize(e.JobName, 128), rest.Sanitize(e.Before, 128), rest.Sanitize(e.After, 128)))
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

// StartBuild starts one build of a job. A request that was sent is not canceled with ctx, but ends within 30 seconds, and is never sent
// again. If its response is lost, or describes a build of another job or one that existed before, the job is read: if it has a new last
// build, which no client of this process knows, and no third one was started in between, that one is adopted; anything else is a
// [LostBuildError]. All clients in this process start the builds of one job one after the other.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0333.html.
func (c *Client) StartBuild(ctx context.Context, jobID string) (*StartedBuild, error) {
	end, err := c.takeTurn(ctx, object{jobID: jobID})
	if err != nil {
		return nil, err
	}
	defer end()
	job, err := c.GetBuildJob(ctx, jobID, "")
	if err != nil {
		return nil, err
	}
	response := expectedBuild{accept: func(b *Build) error {
		if b.ID == job.LastBuildID || c.shared.knows(object{jobID, b.ID}) {
			return fmt.Errorf("the response describes build %q, which existed before", b.ID)
		}
		return b.belongsTo(jobID)
	}}
	err = c.do(ctx, rest.Call{Method: http.MethodPost, Path: jobPath(jobID, "builds")}, &response)
	if err == nil {
		c.shared.created(object{jobID, response.ID})
		return &StartedBuild{Build: response.of(job)}, nil
	}
	if failure, ok := errors.AsType[*Error](err); !ok || !isLost(failure) {
		return nil, err
	}
	lost := &LostBuildError{JobID: jobID, JobName: job.Spec.JobName, Before: job.LastBuildID, Err: err}
	c.findStarted(ctx, lost)
	if lost.After == "" {
		return nil, lost
	}
	adopted, certain := c.adoptable(ctx, job, lost)
	if !certain || !c.shared.adopt(object{jobID, lost.After}) {
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

// findStarted reads the job until its last build is one that did not exist before the start, and sets After, or Lookup if the job cannot
// be read. A last build that this process knows existed before: the job was read late, and Before is corrected. Once the operation's time
// is over the job is read once more, with a time of its own, because the ID has to be saved.
func (c *Client) findStarted(ctx context.Context, lost *LostBuildError) {
	look := func(ctx context.Context) {
		var job *BuildJob
		if job, lost.Lookup = c.getBuildJob(ctx, lost.JobID); lost.Lookup != nil {
			return
		}
		switch last := job.LastBuildID; {
		case last == lost.Before:
		case c.shared.knows(object{lost.JobID, last}):
			lost.Before = last
		default:
			lost.After = last
		}
	}
	for try := 1; try <= lookups; try++ {
		look(ctx)
		if lost.Lookup != nil || lost.After != "" || try == lookups || c.rest.Pause(ctx, rest.Delay(try)) != nil {
			break
		}
	}
	if ctx.Err() != nil && lost.After == "" {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
		defer cancel()
		look(late)
	}
}

// adoptable decides whether the last build of the job is the one that was to start. It is not if it belongs to another job, or if the
// numbers of the builds show that somebody else has started one too. The lookup has a time of its own, because the ID is not saved
// yet.
func (c *Client) adoptable(ctx context.Context, job *BuildJob, lost *LostBuildError) (Build, bool) {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	defer cancel()
	adopted := (&Build{ID: lost.After}).of(job)
	if !rest.PathElement.MatchString(lost.After) {
		return adopted, false
	}
	build, err := c.readBuild(late, lost.After, job.ID)
	if err != nil {
		// A lagging or failing read proves nothing. One that describes something else does.
		return adopted, !isAccepted(err)
	}
	adopted = build.of(job)
	if lost.Before == "" {
		return adopted, true
	}
	before, err := c.readBuild(late, lost.Before, job.ID)
	if err != nil {
		return adopted, true
	}
	was, wasErr := strconv.Atoi(before.Index)
	is, isErr := strconv.Atoi(adopted.Index)
	return adopted, wasErr != nil || isErr != nil || is == was+1
}
