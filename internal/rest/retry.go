// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

const (
	minDelay = 500 * time.Millisecond
	maxDelay = 30 * time.Second
	// maxRetryAfter exceeds the timeout of any operation, so that no call waits that long.
	maxRetryAfter = 24 * time.Hour
)

// permanentError marks an error that a retry would not change.
type permanentError struct{ error }

// Unwrap returns the marked error.
func (e permanentError) Unwrap() error { return e.error }

// Transient reports whether a retry may succeed, judging by status and cause. It does not consider whether a retry is
// safe.
func (e *Error) Transient() bool {
	status := e.StatusCode
	if proxy, ok := errors.AsType[*ProxyError](e.Err); ok {
		status = proxy.StatusCode
	}
	switch status {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false
	}
	_, isPermanent := errors.AsType[permanentError](e.Err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](e.Err)
	_, isPlainText := errors.AsType[tls.RecordHeaderError](e.Err)
	return !isPermanent && !isCertificate && !isPlainText
}

// retryable reports whether a call may be retried. One that creates something is retried only if the request did not
// reach the service or was rejected with 429.
func retryable(call Call, failure *Error) bool {
	return !call.Once && failure.Transient() &&
		(!failure.Sent || failure.StatusCode == http.StatusTooManyRequests || call.mayBeRepeated())
}

// WaitError reports that a wait which the service requires did not begin, because the context would end earlier. It
// unwraps to [context.DeadlineExceeded].
type WaitError struct {
	// Wait is the required wait, Left the time until the context ends.
	Wait, Left time.Duration
}

// Error returns a message with both durations.
func (e *WaitError) Error() string {
	return fmt.Sprintf("a wait of %s exceeds the remaining %s", e.Wait.Round(time.Second), e.Left.Round(time.Second))
}

// Unwrap returns [context.DeadlineExceeded].
func (e *WaitError) Unwrap() error { return context.DeadlineExceeded }

// waitFor waits before an attempt: for the backoff after the last failure (nil before the first attempt), for the wait
// that its response requests, and for the rate limiter. Its error is a [*WaitError], or that of the context if it ends.
func (c *Client) waitFor(ctx context.Context, retry int, last *Error) error {
	required, backoff := c.limiter.paused(c.config.Now()), time.Duration(0)
	if last != nil {
		required, backoff = max(required, last.RetryAfter), Delay(retry)
	}
	if err := c.pauseFor(ctx, required, backoff); err != nil {
		return err
	}
	return c.pauseFor(ctx, c.limiter.reserve(c.config.Now()), 0)
}

// PauseAfter waits before another attempt: for the backoff after an attempt (the first is 1), and for the wait that the
// response to it requests. Its error is a [*WaitError], or that of the context if it ends.
func (c *Client) PauseAfter(ctx context.Context, attempt int, failure *Error) error {
	return c.pauseFor(ctx, failure.RetryAfter, Delay(attempt))
}

// pauseFor waits for the longer of two durations. If the required one exceeds the deadline of ctx, it returns a
// [*WaitError] immediately.
func (c *Client) pauseFor(ctx context.Context, required, backoff time.Duration) error {
	if err := ctx.Err(); err != nil || required == 0 && backoff == 0 {
		return err
	}
	deadline, ok := ctx.Deadline()
	if left := time.Until(deadline); ok && required > 0 && required >= left {
		return &WaitError{Wait: required, Left: max(left, 0)}
	}
	return c.Pause(ctx, max(required, backoff))
}

// Delay returns the backoff after an attempt (the first is 1): half a second, doubled with each attempt up to 30
// seconds, of which jitter subtracts up to a half.
func Delay(attempt int) time.Duration {
	d := min(minDelay<<min(attempt-1, 6), maxDelay)
	return d/2 + rand.N(d/2) //nolint:gosec // Jitter needs no secrecy.
}

// retryAfter returns the wait that a Retry-After header requests in seconds or as a date, which is compared with now; 0
// if there is none.
func retryAfter(header string, now time.Time) time.Duration {
	if date, err := http.ParseTime(header); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	// A number too large for an integer becomes the largest one.
	seconds, err := strconv.ParseUint(header, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(seconds, uint64(maxRetryAfter/time.Second))) * time.Second
}

// Pause waits for d, and returns the context's error if ctx ends or has ended, also if d is 0.
func (c *Client) Pause(ctx context.Context, d time.Duration) error {
	if err := c.config.Wait(ctx, d); err != nil {
		return err
	}
	return ctx.Err()
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
