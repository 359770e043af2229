// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// sampleWindow is the time over which responses are counted.
	sampleWindow = time.Second
	// minAccepted is the number of accepted requests in the window that is needed to derive a rate. At lower rates, the
	// waits between the attempts of each call are enough.
	minAccepted = 10
	// maxRejected is the share of rejected requests above which the rate is derived again. A lower share is normal at
	// full rate.
	maxRejected = 0.1
	// rateGrowth is the factor by which the rate grows with each request, so that it follows a service that accepts
	// more again: it doubles within 1,400 requests.
	rateGrowth = 1.0005
	// maxRate is the rate, in requests per second, above which there is no limit any more.
	maxRate = 10_000
)

// rateLimiter limits the requests of a client to what the service accepts. It delays all calls by the wait that a 429
// response requests and, if many requests are rejected with 429, limits their rate. Without a rate, calls that are
// rejected together also retry together, until one of them has no retries left. The zero value sets no limit. It is
// safe for concurrent use.
type rateLimiter struct {
	mu      sync.Mutex
	samples []sample      // Of the last window, oldest first.
	rate    *rate.Limiter // Nil if there is no limit.

	pausedUntil time.Time
	rejection   Error // The last failure with status 429.
}

// sample is a response, and whether its status was 429.
type sample struct {
	at       time.Time
	rejected bool
}

// observe records a response. If too many requests are rejected, the rate becomes that of the accepted ones.
func (l *rateLimiter) observe(rejected bool, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.samples) > 0 && now.Sub(l.samples[0].at) >= sampleWindow {
		l.samples = l.samples[1:]
	}
	l.samples = append(l.samples, sample{now, rejected})
	if !rejected {
		return
	}
	var accepted, rejections float64
	for _, s := range l.samples {
		if s.rejected {
			rejections++
		} else {
			accepted++
		}
	}
	if accepted < minAccepted || rejections < accepted*maxRejected {
		return
	}
	limit := rate.Limit(accepted / sampleWindow.Seconds())
	if l.rate == nil {
		l.rate = rate.NewLimiter(limit, 1)
	}
	l.rate.SetLimitAt(now, limit)
}

// reserve counts a request and returns how long it must wait to stay within the rate.
func (l *rateLimiter) reserve(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rate == nil {
		return 0
	}
	l.rate.SetLimitAt(now, l.rate.Limit()*rateGrowth)
	if l.rate.Limit() > maxRate {
		l.rate = nil
		return 0
	}
	return l.rate.ReserveN(now, 1).DelayFrom(now)
}

// pause delays all requests by the wait that a 429 response requests. It ignores other failures.
func (l *rateLimiter) pause(failure *Error, now time.Time) {
	if failure.StatusCode != http.StatusTooManyRequests {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rejection = *failure
	if until := now.Add(failure.RetryAfter); failure.RetryAfter > 0 && until.After(l.pausedUntil) {
		l.pausedUntil = until
	}
}

// paused returns how much of the pause is left.
func (l *rateLimiter) paused(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.pausedUntil.Sub(now), 0)
}

// unsent returns the error of a call that was stopped before it was sent. If the reason is a wait that a 429 response
// requests, the error contains that response.
func (l *rateLimiter) unsent(call Call, host string, stopped error) *Error {
	failure := &Error{}
	if _, tooLong := errors.AsType[*WaitError](stopped); tooLong {
		l.mu.Lock()
		defer l.mu.Unlock()
		*failure = l.rejection
	}
	failure.Method, failure.Host, failure.Sent, failure.Attempts = call.Method, host, false, 0
	return failure
}
