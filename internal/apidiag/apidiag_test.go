// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package apidiag_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// failure returns the error of a response of a server whose clock is behind by skew.
func failure(status int, code string, skew time.Duration) *rest.Error {
	return &rest.Error{StatusCode: status, Code: code, Message: "m", ServerTime: now, LocalTime: now.Add(skew)}
}

// stopped returns the error of a request that is not sent again because of err.
func stopped(status int, err error) *rest.Error {
	return &rest.Error{StatusCode: status, Message: "m", Stopped: err}
}

// Texts that the golden file of the provider does not contain.
func TestDetail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{errors.New("the ID \"a\x1b[31mb\n\u202e\" is wrong"), `Error x: the ID "ab " is wrong.`},
		{&rest.Error{Host: "h", StatusCode: 400, Code: "C", Attempts: 2}, "HTTP 400: C.\n\nEndpoint: h, attempts: 2"},
		{failure(401, "APIGW.0301", 4*time.Minute), "m.\n\nThe credentials are not valid."},
		{failure(401, "APIGW.0301", 6*time.Minute), "time is 2026-01-02T03:04:05Z, the local time is 2026-01-02T03:10"},
		{&rest.Error{StatusCode: 307, Location: "https://b/assembling/v1"}, "(HW_SERVICESTAGE_ENDPOINT) to https://b."},
		{stopped(503, context.DeadlineExceeded), "m (the time for the operation is over).\n\nTry"},
		{stopped(0, context.Canceled), "x: m: the request was not sent (interrupted).\n\nEndpoint: "},
		{stopped(429, &rest.WaitError{Wait: time.Hour}), "m (the time for the operation is over)"},
		{&rest.Error{Err: io.ErrUnexpectedEOF}, "\n\nServiceStage could not be reached."},
	} {
		if got := apidiag.Detail("x", c.err); !strings.Contains(got, c.want) {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

// The same for missing credentials: the remedy depends on the failed step, and on whether IAM checked the credentials.
func TestDetail_noCredentials(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		step auth.Step
		err  error
		want string
	}{
		{auth.Login, errors.New("open \x1b[2Jf"), "open f.\n\nCheck user_name"},
		{auth.Login, failure(401, "", 10*time.Minute), "and project_name.\n\nSignatures are valid"},
		{auth.Login, failure(404, "", 10*time.Minute), "and project_name.\n\nCredentials in use: "},
		{auth.Login, &rest.Error{Err: io.ErrUnexpectedEOF}, "\n\nIdentity and access management (IAM) could"},
		{auth.Login, &rest.Error{StatusCode: 302, Location: "https://b/v3/auth"}, "(HW_IAM_ENDPOINT) to https://b."},
		{
			auth.Login, stopped(429, context.DeadlineExceeded),
			"m (the time for the login is over).\n\nIdentity and access management (IAM) is unavailable",
		},
		{auth.ExchangeToken, failure(403, "", 0), "\n\nCheck that the token has not expired"},
		{auth.FindDomain, failure(403, "", 0), "\n\nSet domain_id"},
		{auth.FindProject, failure(403, "", 0), "\n\nSet project_id, or grant the credentials"},
		{
			auth.ReadMetadata, &rest.Error{Err: errors.New("no response in 2s")},
			"failed: no response in 2s.\n\nThe metadata service exists only on cloud servers",
		},
	} {
		got := apidiag.Detail("x", &rest.Error{Err: &auth.Error{Step: c.step, Source: "user_name", Err: c.err}})
		if !strings.HasPrefix(got, fmt.Sprintf("Error x: %s failed: ", c.step)) || !strings.Contains(got, c.want) ||
			!strings.Contains(got, "\n\nCredentials in use: user_name.") {
			t.Errorf("%s, %v: got %s, want %s", c.step, c.err, got, c.want)
		}
	}
}
