// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage

import (
	"errors"
	"net/http"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// Error is a failed call: an error response, a response that could not be decoded, or no response.
type Error = rest.Error

// notListedError is the failure of a request for a build job that a complete list does not contain.
type notListedError struct{ error }

func (e notListedError) Unwrap() error { return e.error }

// listError is a failure of a list request, which never means that a build job does not exist.
type listError struct{ error }

func (e listError) Unwrap() error { return e.error }

// IsNotFound reports whether the error proves that the requested object does not exist. It is false for a response that
// may have another reason, such as a 401 for wrong credentials or a 404 of the API gateway.
func IsNotFound(err error) bool {
	if _, ok := errors.AsType[listError](err); ok {
		return false
	}
	_, ok := errors.AsType[notListedError](err)
	return ok || isNotFound(err)
}

// hasServiceCode reports whether a failure has an error code of a service behind the API gateway, not of the gateway
// itself.
func hasServiceCode(failure *Error) bool { return strings.HasPrefix(failure.Code, "SVCSTG.") }

// IsRejected reports whether the service rejected a request (400 or 409 with an error code of the service), as it does
// if a name is taken.
func IsRejected(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && hasServiceCode(failure) &&
		(failure.StatusCode == http.StatusBadRequest || failure.StatusCode == http.StatusConflict)
}

// isServerError reports whether the error is a server error with a code of the service, which may report a taken name.
func isServerError(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && failure.StatusCode >= http.StatusInternalServerError && hasServiceCode(failure)
}

// isNotFound reports whether an error response can only mean "not found". The first three digits of an Error_ID of the
// build service are an HTTP status; other services of ServiceStage return 401 with SVCSTG.00100401.
func isNotFound(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	return ok && (failure.StatusCode == http.StatusNotFound && hasServiceCode(failure) ||
		strings.HasPrefix(failure.Code, "SVCSTG.CPE.404") ||
		failure.StatusCode == http.StatusUnauthorized && failure.Code == "SVCSTG.00100401")
}

// mayBeNotFound reports whether an error response means "not found", or may mean it, which only the list of build jobs
// can decide: the codes of the build service are not published.
func mayBeNotFound(err error) bool {
	failure, ok := errors.AsType[*Error](err)
	if !ok || isNotFound(err) {
		return ok
	}
	switch failure.StatusCode {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusNotFound:
		return failure.Code == "" || hasServiceCode(failure)
	}
	return false
}
