// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const (
	firstPoll = 2 * time.Second
	// lastPoll and its jitter are 15 seconds at most.
	lastPoll = 12500 * time.Millisecond
	// maxMissedPolls is the maximum number of transient failures in a row. Each of them was retried already.
	maxMissedPolls = 5
)

// BuildProgress is a build that was read during a wait.
type BuildProgress struct {
	Build
	// Elapsed is the time since the wait began.
	Elapsed time.Duration
}

// ErrWaitTimeout is the error of [Client.WaitForBuild] if the build did not end before the timeout.
var ErrWaitTimeout = errors.New("the build has not finished in time")

// WaitForBuild waits until a build has ended, with success or not, and returns it. jobID is the job of the build;
// responses for another build or job are errors. The build is read after 2 seconds, then at growing intervals up to 15
// seconds, with jitter. onProgress is called with each response; it may be nil. After timeout on the client's clock, or
// when the deadline of ctx passes, the build is read once more, and the error is [ErrWaitTimeout] if it has not ended.
// The wait ends immediately if ctx is canceled, and after six transient failures in a row. The build as last read is
// returned with the error; it is nil if it was never read.
func (c *Client) WaitForBuild(
	ctx context.Context, id, jobID string, timeout time.Duration, onProgress func(BuildProgress),
) (*Build, error) {
	return c.wait(ctx, id, jobID, timeout, nil, onProgress)
}

// wait is [Client.WaitForBuild]. last is the build if the service has returned it before: "not found" then ends the
// wait, and the first read is immediate.
func (c *Client) wait(
	ctx context.Context, id, jobID string, timeout time.Duration, last *Build, onProgress func(BuildProgress),
) (*Build, error) {
	start, missed, delay := c.rest.Now(), 0, time.Duration(0)
	if last == nil {
		delay = firstPoll
	}
	for ; ; delay = min(max(delay*3/2, firstPoll), lastPoll) {
		left := timeout - c.rest.Now().Sub(start)
		jittered := delay + rand.N(delay/5+1) //nolint:gosec // Jitter needs no secrecy.
		if left <= 0 || c.rest.Pause(ctx, min(jittered, left)) != nil {
			return c.endOfWait(ctx, id, jobID, last)
		}
		build, err := c.GetBuild(ctx, id, jobID)
		if err != nil {
			missed++
			if ctx.Err() != nil {
				return c.endOfWait(ctx, id, jobID, last)
			}
			if missed > maxMissedPolls || !isTransient(err, last) {
				return last, err
			}
			continue
		}
		last, missed = build, 0
		if onProgress != nil {
			onProgress(BuildProgress{Build: *build, Elapsed: c.rest.Now().Sub(start)})
		}
		if build.State.Ended() {
			return build, nil
		}
	}
}

// lastReadTimeout limits the read after the end of a wait.
const lastReadTimeout = 5 * time.Second

// endOfWait returns the result of a wait that was canceled or has timed out. After a timeout, it reads the build again.
func (c *Client) endOfWait(ctx context.Context, id, jobID string, last *Build) (*Build, error) {
	if errors.Is(ctx.Err(), context.Canceled) {
		return last, &Error{Method: http.MethodGet, Host: c.rest.Host(), Stopped: context.Canceled}
	}
	late, cancel := uncanceled(ctx, lastReadTimeout)
	defer cancel()
	if build, err := c.GetBuild(late, id, jobID); err == nil {
		last = build
	}
	if last != nil && last.State.Ended() {
		return last, nil
	}
	return last, ErrWaitTimeout
}

// isTransient reports whether a build is read again after a failure: one that any call retries, or "not found" before
// the first response.
func isTransient(err error, last *Build) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && (failure.Transient() || last == nil && mayBeNotFound(err))
}

// cancelWait limits the wait for the end of a canceled build.
const cancelWait = time.Minute

// CancelBuild cancels a build of a job, waits up to a minute until it has ended, and returns it. A build that has ended
// already is not an error. A response for another build or job is an error. If ServiceStage accepted the request, but
// the build has not ended within the minute or before the end of ctx, the build as last read is returned with the
// error.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0270.html.
func (c *Client) CancelBuild(ctx context.Context, id, jobID string) (*Build, error) {
	isForeign := false
	response := expectedBuild{accept: func(b *Build) error {
		err := b.check(id, jobID)
		isForeign = err != nil
		return err
	}}
	err := c.do(ctx, rest.Call{Method: http.MethodPatch, Path: buildPath(id)}, &response)
	switch {
	case isForeign:
		return nil, err
	case err != nil && !isAccepted(err):
		// The API does not document the response if the build has ended.
		if build, readErr := c.GetBuild(ctx, id, jobID); readErr == nil && build.State.Ended() {
			return build, nil
		}
		return nil, err
	}
	build, err := c.wait(ctx, id, jobID, cancelWait, &Build{ID: id, JobID: looseString(jobID)}, nil)
	if errors.Is(err, ErrWaitTimeout) {
		err = fmt.Errorf("the build has not ended yet and is in the state %s", build.State)
	}
	return build, err
}

// isAccepted reports whether the service accepted a request, although the response is not the documented one.
func isAccepted(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.StatusCode/100 == 2 && failure.Code == ""
}
