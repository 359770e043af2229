// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
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

// retryable says whether the same call may be sent again. A POST makes something, so it is sent again only where the first
// one surely did not reach the service, or where the service says that it did nothing.
func retryable(failure *Error) bool {
	switch failure.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case 0, http.StatusRequestTimeout, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false
	}
	if failure.Method == http.MethodPost && failure.Sent {
		return false
	}
	_, isFinal := errors.AsType[final](failure.Err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](failure.Err)
	return !isFinal && !isCertificate
}

// delay is how long to wait after the given attempt (the first is 1): as long as the service asks for with Retry-After, in
// seconds or until a date, else twice as long each time, jittered.
func delay(attempt int, retryAfter string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(retryAfter); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(retryAfter); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	d := maxDelay
	if doublings := attempt - 1; doublings < 6 {
		d = minDelay << doublings
	}
	return d/2 + rand.N(d/2) //nolint:gosec // Jitter needs no secrecy.
}

// pause waits between attempts. No pause is so short that the end of the context goes unnoticed.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
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
