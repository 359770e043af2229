// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"errors"
	"net/http"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// Error is a call that failed: an answer that says so, an answer that cannot be understood, or none at all.
type Error = rest.Error

// goneError is a failure of a call for one job that the list of jobs does not hold.
type goneError struct{ failure *Error }

func (e goneError) Error() string { return e.failure.Error() }
func (e goneError) Unwrap() error { return e.failure }

// listError is a failure of the list, which says nothing of any one job.
type listError struct{ err error }

func (e listError) Error() string { return e.err.Error() }
func (e listError) Unwrap() error { return e.err }

// IsNotFound reports whether the error says for certain that what was asked for does not exist. An answer that may mean
// something else, such as a 401 for wrong credentials or a 404 of the gateway, is never taken for it.
func IsNotFound(err error) bool {
	if _, ofList := errors.AsType[listError](err); ofList {
		return false
	}
	if _, gone := errors.AsType[goneError](err); gone {
		return true
	}
	failure, ok := errors.AsType[*Error](err)
	return ok && saysGone(failure)
}

// hasServiceCode reports whether a failure has an error code of a service behind the API gateway, not of the gateway itself.
func hasServiceCode(failure *Error) bool { return strings.HasPrefix(failure.Code, "SVCSTG.") }

// IsRejected reports whether the service rejected a request (400 or 409 with a code of its own), as it does if a name is taken.
func IsRejected(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && hasServiceCode(failure) &&
		(failure.StatusCode == http.StatusBadRequest || failure.StatusCode == http.StatusConflict)
}

// saysGone is true for the answers that have no other meaning. The first three digits of an Error_ID of the build service
// are an HTTP status; its sister services say 401 with SVCSTG.00100401 for what does not exist.
func saysGone(failure *Error) bool {
	return failure.StatusCode == http.StatusNotFound && hasServiceCode(failure) ||
		strings.HasPrefix(failure.Code, "SVCSTG.CPE.404") ||
		failure.StatusCode == http.StatusUnauthorized && failure.Code == "SVCSTG.00100401"
}

// mayMeanGone is true for the answers that the list of jobs has to decide: the build service's codes are not published.
func mayMeanGone(failure *Error) bool {
	switch failure.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound:
		return failure.Code == "" || hasServiceCode(failure)
	}
	return false
}
