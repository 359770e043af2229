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
	// lastPoll and its jitter come to 15 seconds at most.
	lastPoll = 12500 * time.Millisecond
	// maxMissedPolls is how many polls in a row may fail in a way that passes before the wait ends. Each has been tried again by
	// itself already.
	maxMissedPolls = 5
)

// BuildProgress is how far a build is.
type BuildProgress struct {
	Build
	// Elapsed is the time since the wait began.
	Elapsed time.Duration
}

// WaitForBuild waits until a build has ended, well or badly, and returns it. It asks first after 2 seconds, then less and less
// often down to every 15, with some jitter. seen is called with each answer; it may be nil. The wait ends with
// [context.DeadlineExceeded] after timeout on the client's clock, at once when ctx ends, and with the failure when the service
// cannot be asked for a while; the build, as last seen, comes with the error, and is nil where it was never seen.
func (c *Client) WaitForBuild(ctx context.Context, id string, timeout time.Duration, seen func(BuildProgress)) (*Build, error) {
	start := c.rest.Now()
	var last *Build
	missed := 0
	for poll := 0; ; poll++ {
		left := timeout - c.rest.Now().Sub(start)
		if left <= 0 {
			return last, &Error{Method: http.MethodGet, Host: c.rest.Host(), Stopped: context.DeadlineExceeded}
		}
		if err := c.rest.Pause(ctx, min(pollDelay(poll), left)); err != nil {
			return last, &Error{Method: http.MethodGet, Host: c.rest.Host(), Stopped: err}
		}
		build, err := c.getBuild(ctx, id)
		if err != nil {
			missed++
			if ctx.Err() != nil || missed > maxMissedPolls || !mayPass(err, last) {
				return last, err
			}
			continue
		}
		last, missed = build, 0
		if seen != nil {
			seen(BuildProgress{Build: *build, Elapsed: c.rest.Now().Sub(start)})
		}
		if build.State.Ended() {
			return build, nil
		}
	}
}

// mayPass is true of the failures after which a build is asked for again: those that any call would repeat, and, as long as the
// build was never seen, that the service does not know it yet.
func mayPass(err error, last *Build) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && (failure.Transient() || last == nil && (saysGone(failure) || mayMeanGone(failure)))
}

// pollDelay is how long to wait before a poll; the first is 0.
func pollDelay(poll int) time.Duration {
	d := firstPoll
	for range poll {
		if d = d * 3 / 2; d >= lastPoll {
			d = lastPoll
			break
		}
	}
	return d + rand.N(d/5) //nolint:gosec // Jitter needs no secrecy.
}

// CancelBuild cancels a build and waits until it has ended. A build that has ended already is no error; its state tells. Where
// the service has taken the request, but the end of the build could not be seen before ctx ended, the build as last seen
// comes with the error.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0270.html.
func (c *Client) CancelBuild(ctx context.Context, id string) (*Build, error) {
	if err := c.do(ctx, rest.Call{Method: http.MethodPatch, Path: buildPath(id)}, nil); err != nil {
		// What the service says to the cancelling of a build that has ended is not documented.
		if build, readErr := c.getBuild(ctx, id); readErr == nil && build.State.Ended() {
			return build, nil
		}
		return nil, err
	}
	for poll := 0; ; poll++ {
		build, err := c.getBuild(ctx, id)
		if err != nil {
			return &Build{ID: id}, err
		}
		if build.State.Ended() {
			return build, nil
		}
		if stopped := c.rest.Pause(ctx, pollDelay(poll)); stopped != nil || poll == maxCancelPolls {
			err := fmt.Errorf("the build has not ended yet and is in the state %s", build.State)
			return build, errors.Join(err, stopped)
		}
	}
}

// maxCancelPolls ends the wait for a build that the service was asked to cancel, after about a minute.
const maxCancelPolls = 8
