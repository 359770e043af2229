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
	"sync"
	"time"
)

const (
	minDelay = 500 * time.Millisecond
	maxDelay = 30 * time.Second
	// maxRetryAfter is longer than any operation, so that no call waits for it.
	maxRetryAfter = 24 * time.Hour
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

// WaitError is a wait that the service requires and that was not begun, because the context would end before it. It unwraps to
// [context.DeadlineExceeded].
type WaitError struct {
	// Wait is how long the wait would be, and Left the time until the context ends.
	Wait, Left time.Duration
}

// Error returns both durations.
func (e *WaitError) Error() string {
	return fmt.Sprintf("a wait of %s exceeds the remaining %s", e.Wait.Round(time.Second), e.Left.Round(time.Second))
}

// Unwrap returns [context.DeadlineExceeded].
func (e *WaitError) Unwrap() error { return context.DeadlineExceeded }

// waitFor waits for the turn of an attempt: at least for the backoff after the failure before it (nil for the first), as long as the
// response to that requests, as long as the service throttles the client, and as the pace has it. Its error is a [*WaitError], or
// that of the context when that ends.
func (c *Client) waitFor(ctx context.Context, retry int, last *Error) error {
	required, backoff := c.throttle.remaining(c.config.Now()), time.Duration(0)
	if last != nil {
		required, backoff = max(required, last.RetryAfter), Delay(retry)
	}
	if err := checkTime(ctx, required); err != nil {
		return err
	}
	if last != nil || required > 0 {
		if err := c.Pause(ctx, max(required, backoff)); err != nil {
			return err
		}
	}
	turn := c.pace.turn(c.config.Now())
	if err := checkTime(ctx, turn); err != nil || turn == 0 {
		return err
	}
	return c.Pause(ctx, turn)
}

// checkTime returns a [*WaitError] if the context ends before a wait of d would, and its error if it has ended.
func checkTime(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	deadline, ok := ctx.Deadline()
	if !ok || d == 0 {
		return nil
	}
	if left := time.Until(deadline); d >= left {
		return &WaitError{Wait: d, Left: max(left, 0)}
	}
	return nil
}

// throttle is until when the service has asked the client to be quiet. It holds for all calls, not just for the one that was
// told so.
type throttle struct {
	mu    sync.Mutex
	until time.Time
	last  Error // The last failure with status 429.
}

// heed takes note of a 429.
func (t *throttle) heed(failure *Error, now time.Time) {
	if failure.StatusCode != http.StatusTooManyRequests {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = *failure
	if until := now.Add(failure.RetryAfter); failure.RetryAfter > 0 && until.After(t.until) {
		t.until = until
	}
}

func (t *throttle) remaining(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(t.until.Sub(now), 0)
}

// unsent is the error of a call that was stopped before it was sent. If that is because the service throttles the client, it contains
// the response that says so.
func (t *throttle) unsent(call Call, host string, stopped error) *Error {
	failure := &Error{}
	if _, tooLong := errors.AsType[*WaitError](stopped); tooLong {
		t.mu.Lock()
		defer t.mu.Unlock()
		*failure = t.last
	}
	failure.Method, failure.Host, failure.Sent, failure.Attempts = call.Method, host, false, 0
	return failure
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

// retryAfter is the wait that a Retry-After header requests: seconds, or a date, which is compared with now. It is 0 if there is none.
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
