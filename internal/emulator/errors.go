// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"errors"
	"fmt"
	"net/http"
)

// apiError is an error response. The codes of the gateway are documented. Of the build service, only the form
// SVCSTG.CPE.[Error_ID] is, where an Error_ID starts with an HTTP status.
//
// Source: https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-errorcode.html.
type apiError struct {
	Status    int    `json:"-"`
	Code      string `json:"error_code"`
	Message   string `json:"error_msg"`
	RequestID string `json:"request_id"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// errorf returns an error response. IAM, STS and the JSON API have no codes.
func errorf(status int, code, format string, arguments ...any) *apiError {
	return &apiError{Status: status, Code: code, Message: fmt.Sprintf(format, arguments...)}
}

var (
	errNotPublished = errorf(http.StatusNotFound, "APIGW.0101",
		"The API does not exist or has not been published in the environment")
	errThrottled   = errorf(http.StatusTooManyRequests, "APIGW.0308", "The throttling threshold has been reached")
	errNoSuchJob   = errorf(http.StatusNotFound, "SVCSTG.CPE.4044401", "build job not found")
	errNoSuchBuild = errorf(http.StatusNotFound, "SVCSTG.CPE.4044402", "build not found")
)

func unauthorized(format string, arguments ...any) error {
	format = "Incorrect IAM authentication information: " + format
	return errorf(http.StatusUnauthorized, "APIGW.0301", format, arguments...)
}

func invalid(format string, arguments ...any) error {
	return errorf(http.StatusBadRequest, "SVCSTG.CPE.4004401", format, arguments...)
}

// asAPIError returns a copy of the error response in err. Other errors become an internal error.
func asAPIError(err error) *apiError {
	if failure, ok := errors.AsType[*apiError](err); ok {
		copied := *failure
		return &copied
	}
	return errorf(http.StatusInternalServerError, "SVCSTG.CPE.5004401", "%v", err)
}

// respondError writes an error in the format of failure.
func respondError(w http.ResponseWriter, err error, failure func(*apiError) any) {
	response := asAPIError(err)
	response.RequestID = w.Header().Get("X-Request-Id")
	respond(w, response.Status, failure(response))
}

// buildFailure returns the error format of the gateway and of the Build API.
func buildFailure(e *apiError) any { return e }

// iamFailure returns the error format of IAM.
func iamFailure(e *apiError) any {
	return document{"error": document{"code": e.Status, "message": e.Message, "title": http.StatusText(e.Status)}}
}

// stsFailure returns the error format of the security token service (STS).
func stsFailure(e *apiError) any {
	return document{"error_code": http.StatusText(e.Status), "error_msg": e.Message}
}

// adminFailure returns the error format of the JSON API of the emulator.
func adminFailure(e *apiError) any { return document{"error": e.Message} }
