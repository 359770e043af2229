// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	minDelay = 500 * time.Millisecond
	maxDelay = 30 * time.Second
	// maxRetryAfter bounds what a service may ask for; the time of the operation mostly ends before.
	maxRetryAfter = time.Hour
)

// final marks an error that would be the same the next time.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// Transient reports whether the same call may succeed when it is sent again, as far as status and cause say.
func (e *Error) Transient() bool {
	switch e.StatusCode {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false
	}
	_, isFinal := errors.AsType[final](e.Err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](e.Err)
	return !isFinal && !isCertificate
}

// retryable says whether the same call may be sent again. What makes something is sent again only where the first request surely
// did not reach the service, or where the service says that it did nothing.
func retryable(call Call, failure *Error) bool {
	return !call.Once && failure.Transient() &&
		(!failure.Sent || failure.StatusCode == http.StatusTooManyRequests || call.mayBeRepeated())
}

// waitFor waits for the turn of an attempt: as long as the failure before it, nil for the first, asks for, as long as the
// service throttles the client, and as the pace has it. It returns the context's error when that ends.
func (c *Client) waitFor(ctx context.Context, retry int, last *Error) error {
	now := c.config.Now()
	d := c.throttle.remaining(now)
	if last != nil {
		d = max(d, delay(retry, last.retryAfter, now))
	}
	if last != nil || d > 0 {
		if err := c.Pause(ctx, d); err != nil {
			return err
		}
	}
	if d := c.pace.turn(c.config.Now()); d > 0 {
		return c.Pause(ctx, d)
	}
	return ctx.Err()
}

// throttle is until when the service has asked the client to be quiet. It holds for all calls, not just for the one that was
// told so.
type throttle struct {
	mu    sync.Mutex
	until time.Time
}

// heed takes note of a 429 that says how long.
func (t *throttle) heed(failure *Error, now time.Time) {
	d, asked := askedDelay(failure.retryAfter, now)
	if !asked || failure.StatusCode != http.StatusTooManyRequests {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if until := now.Add(d); until.After(t.until) {
		t.until = until
	}
}

func (t *throttle) remaining(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.until.Sub(now), 0)
}

func delay(attempt int, retryAfter string, now time.Time) time.Duration {
	if d, asked := askedDelay(retryAfter, now); asked {
		return d
	}
	return Delay(attempt)
}

// Delay is how long to wait after the given attempt (the first is 1): half a second, twice as long each time, at most half a
// minute, and jittered.
func Delay(attempt int) time.Duration {
	d := maxDelay
	if doublings := attempt - 1; doublings < 6 {
		d = minDelay << doublings
	}
	return d/2 + rand.N(d/2) //nolint:gosec // Jitter needs no secrecy.
}

// askedDelay reads a Retry-After header: seconds, or a date.
func askedDelay(retryAfter string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.Atoi(retryAfter); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second, true
	}
	if date, err := http.ParseTime(retryAfter); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter), true
	}
	return 0, false
}

// Pause waits for d, or until the context ends, whose error it then returns. No pause is so short that the end of the context goes
// unnoticed.
func (c *Client) Pause(ctx context.Context, d time.Duration) error {
	if err := c.config.Wait(ctx, d); err != nil {
		return err
	}
	return ctx.Err()
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
