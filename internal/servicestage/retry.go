// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	minDelay = 500 * time.Millisecond
	maxDelay = 30 * time.Second
)

// retryable says whether the same call may be sent again. A POST makes something, so it is sent again only where the first
// one surely did not reach the service, or where the service says that it did nothing.
func retryable(ctx context.Context, failure *Error) bool {
	switch {
	case failure.Stopped != nil || errors.Is(failure.Err, errTooLong):
		return false
	case failure.StatusCode == http.StatusTooManyRequests:
		return true
	case failure.Method == http.MethodPost && failure.Sent:
		return false
	case failure.StatusCode == 0:
		// The library knows which errors of the transport stay the same however often one tries, such as a certificate
		// that is not trusted. It looks for them inside the error of http.Client.
		again, _ := retryablehttp.ErrorPropagatedRetryPolicy(ctx, nil, &url.Error{Op: failure.Method, Err: failure.Err})
		return again
	}
	switch failure.StatusCode {
	case http.StatusRequestTimeout, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// delay is how long to wait after the given attempt (the first is 1): twice as long each time and jittered, or as long as
// the service asks for (the Retry-After header, in seconds or as a date).
func delay(attempt int, retryAfter string) time.Duration {
	asked := &http.Response{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {retryAfter}}}
	d := retryablehttp.DefaultBackoff(minDelay, maxDelay, attempt-1, asked)
	if retryAfter != "" {
		return d
	}
	return d/2 + rand.N(d/2) //nolint:gosec // Jitter needs no secrecy.
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
