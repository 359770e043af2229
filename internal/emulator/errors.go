// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"errors"
	"fmt"
	"net/http"
)

// apiError is an error response. Codes of the gateway are published; of the build service only the form SVCSTG.CPE.[Error_ID]
// is, where the first three digits of an Error_ID are an HTTP status.
//
// Source: https://support.huaweicloud.com/intl/en-us/devg-apisign/api-sign-errorcode.html.
type apiError struct {
	Status    int    `json:"-"`
	Code      string `json:"error_code"`
	Message   string `json:"error_msg"`
	RequestID string `json:"request_id"`
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

var (
	errNotPublished = &apiError{
		Status: http.StatusNotFound, Code: "APIGW.0101",
		Message: "The API does not exist or has not been published in the environment",
	}
	errThrottled = &apiError{
		Status: http.StatusTooManyRequests, Code: "APIGW.0308", Message: "The throttling threshold has been reached",
	}
	errNoSuchJob   = &apiError{Status: http.StatusNotFound, Code: "SVCSTG.CPE.4044401", Message: "build job not found"}
	errNoSuchBuild = &apiError{Status: http.StatusNotFound, Code: "SVCSTG.CPE.4044402", Message: "build not found"}
)

func unauthorized(format string, arguments ...any) error {
	return &apiError{
		Status: http.StatusUnauthorized, Code: "APIGW.0301",
		Message: "Incorrect IAM authentication information: " + fmt.Sprintf(format, arguments...),
	}
}

func invalid(format string, arguments ...any) error {
	return &apiError{Status: http.StatusBadRequest, Code: "SVCSTG.CPE.4004401", Message: fmt.Sprintf(format, arguments...)}
}

// asAPIError returns a copy, so that a request id does not stick to a shared value.
func asAPIError(err error) *apiError {
	if failure, ok := errors.AsType[*apiError](err); ok {
		copied := *failure
		return &copied
	}
	return &apiError{Status: http.StatusInternalServerError, Code: "SVCSTG.CPE.5004401", Message: err.Error()}
}
