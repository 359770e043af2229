// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package apidiag_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/apidiag"
	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// A detail is the operation and the cause, the remedy, and the facts for support.
func TestError(t *testing.T) {
	t.Parallel()
	denied := &rest.Error{
		Method: "POST", Host: "h", StatusCode: 403, Code: "APIGW.0302", Message: "not authorized.", RequestID: "r-1",
		Attempts: 2, Credentials: "token from HW_AUTH_TOKEN",
	}
	const first, last = "HTTP 403: APIGW.0302: not authorized.\n\n", "\n\nEndpoint: h, request ID: r-1, attempts: 2"
	for name, c := range map[string]struct {
		operation string
		err       error
		advice    []string
		want      string
	}{
		"advice for the code": {
			`creating build job "app"`, fmt.Errorf("wrapped: %w", denied), nil,
			`Error creating build job "app": ` + first + "The credentials are valid, but lack the permission " +
				"servicestage:assembling:create. Grant it to the IAM user or agency.\n\n" +
				"Credentials in use: token from HW_AUTH_TOKEN." + last,
		},
		"advice of the caller": {"x", denied, []string{"Choose."}, "Error x: " + first + "Choose." + last},
		"no operation":         {"", denied, []string{"Choose."}, first + "Choose." + last},
		"no response": {
			"", &rest.Error{Host: "h", Err: io.EOF},
			[]string{"Wait."},
			"The request failed: EOF.\n\nWait.\n\nEndpoint: h",
		},
		"another error": {"", errors.New("the ID \"a\x1b[31mb\n\u202e\" is wrong"), nil, `The ID "ab " is wrong.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := apidiag.Error("Summary", c.operation, c.err, c.advice...)
			if !got.Equal(diag.NewErrorDiagnostic("Summary", c.want)) {
				t.Errorf("\n got %s %q\n%s\n\nwant %s", got.Severity(), got.Summary(), got.Detail(), c.want)
			}
		})
	}
}

var (
	now  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	wait = &rest.WaitError{Wait: time.Hour, Left: 89700 * time.Millisecond}
)

// failure returns the error of a response of a server whose clock is behind by skew.
func failure(status int, code string, skew time.Duration) *rest.Error {
	return &rest.Error{StatusCode: status, Code: code, Message: "m", ServerTime: now, LocalTime: now.Add(skew)}
}

// stopped returns the error of a request that is not sent again because of err.
func stopped(status int, err error, retryAfter time.Duration) *rest.Error {
	return &rest.Error{StatusCode: status, Message: "m", Stopped: err, RetryAfter: retryAfter}
}

// The remedy depends on the response and on its absence. The golden file of the provider contains the other texts.
func TestDetail_remedy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  *rest.Error
		want string
	}{
		{failure(401, "APIGW.0301", 4*time.Minute), "m.\n\nThe credentials are not valid."},
		{failure(401, "APIGW.0301", 6*time.Minute), "time is 2026-01-02T03:04:05Z, the local time is 2026-01-02T03:10"},
		{failure(401, "APIGW.0307", 0), "\n\nThe token has expired"},
		{failure(429, "APIGW.0308", 0), "\n\nServiceStage limits the rate of requests."},
		{failure(404, "APIGW.0101", 0), "\n\nThe Build API is not published"},
		{failure(400, "SVCSTG.1", 0), "x: HTTP 400: SVCSTG.1: m.\n\nEndpoint: "},
		{&rest.Error{StatusCode: 502}, "the response contains no message.\n\nServiceStage, or a proxy"},
		{&rest.Error{StatusCode: 404, Message: `"Not Found"`}, "\n\nThe response does not come from ServiceStage."},
		{&rest.Error{StatusCode: 307, Location: "https://b/assembling/v1"}, "(HW_SERVICESTAGE_ENDPOINT) to https://b."},
		{&rest.Error{StatusCode: 302, Location: "https://b/"}, "\n\nThe response may come from a proxy"},
		{stopped(503, context.DeadlineExceeded, 0), "m (the time for the operation is over).\n\nTry"},
		{stopped(0, context.Canceled, 0), "x: m: the request was not sent (interrupted).\n\nEndpoint: "},
		{stopped(429, wait, time.Hour), "m (Retry-After requests a wait of 1h0m0s, but the operation has 1m30s left)"},
		{stopped(429, wait, 0), "m (the time for the operation is over)"},
		{&rest.Error{Err: &net.DNSError{IsNotFound: true}}, "\n\nThis host does not exist."},
		{&rest.Error{Err: &rest.ProxyError{StatusCode: 403}}, "\n\nThe connection goes through a proxy."},
		{&rest.Error{Err: &net.OpError{Op: "proxyconnect", Err: io.EOF}}, "\n\nThe connection goes through a proxy."},
		{&rest.Error{Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, "\n\nThe host accepts no connections"},
		{&rest.Error{Err: tls.RecordHeaderError{}}, "\n\nThe port does not use TLS."},
		{&rest.Error{Err: &tls.CertificateVerificationError{Err: io.EOF}}, "\n\nSet cacert_file (HW_CACERT_FILE)"},
		{&rest.Error{Err: io.ErrUnexpectedEOF}, "\n\nServiceStage could not be reached."},
	} {
		if got := apidiag.Detail("x", c.err); !strings.Contains(got, c.want) {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

// The remedy for missing credentials depends on the failed step, and on whether IAM checked the credentials.
func TestDetail_noCredentials(t *testing.T) {
	t.Parallel()
	const check, unavailable = "m.\n\nCheck user_name", "\n\nIdentity and access management (IAM) is unavailable"
	plain := errors.New("open \x1b[2Jf")
	for _, c := range []struct {
		step auth.Step
		err  error
		want string
	}{
		{auth.Login, plain, "open f.\n\nCheck user_name"},
		{auth.Login, failure(401, "", 0), check},
		{auth.Login, failure(401, "", 10*time.Minute), "and project_name.\n\nSignatures are valid"},
		{auth.Login, failure(404, "", 10*time.Minute), "and project_name.\n\nCredentials in use: "},
		{auth.Login, failure(401, "APIGW.0301", 0), "\n\nThe credentials are not valid."},
		{auth.Login, &rest.Error{Err: io.ErrUnexpectedEOF}, "\n\nIdentity and access management (IAM) could"},
		{auth.Login, &rest.Error{StatusCode: 200, Err: plain}, "\n\nThe response does not come from identity"},
		{auth.Login, &rest.Error{StatusCode: 302, Location: "https://b/v3/auth"}, "(HW_IAM_ENDPOINT) to https://b."},
		{auth.Login, failure(503, "", 0), unavailable},
		{auth.Login, stopped(429, context.DeadlineExceeded, 0), "m (the time for the login is over)." + unavailable},
		{auth.Login, stopped(429, wait, time.Hour), "but the operation has 1m30s left)." + unavailable},
		{auth.AssumeAgency, failure(403, "", 0), "\n\nCheck the name and the account of the agency."},
		{auth.ReadIDToken, plain, "\n\nCheck id_token_file."},
		{auth.ExchangeIDToken, failure(403, "", 0), "\n\nCheck idp_id"},
		{auth.ExchangeToken, failure(403, "", 0), "\n\nCheck that the token has not expired"},
		{auth.FindDomain, failure(403, "", 0), "\n\nSet domain_id"},
		{auth.FindProject, failure(403, "", 0), "\n\nSet project_id, or grant the credentials"},
		{auth.FindProject, plain, "\n\nSet project_id, or check project_name"},
		{auth.ReadMetadata, failure(503, "", 0), "\n\nThe metadata service exists only on cloud servers"},
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

// noSource is a source without credentials.
type noSource struct{}

func (noSource) Credentials(context.Context, auth.Clients, auth.Project) (*auth.Credentials, error) {
	return nil, &auth.Error{Step: auth.ReadMetadata, Err: &rest.Error{Host: "h", StatusCode: 404}}
}

// If several operations have no credentials, one error is complete and the others refer to it.
func TestDetail_repeated(t *testing.T) {
	t.Parallel()
	session := auth.NewSession(noSource{}, "the metadata service", auth.Project{}, auth.Clients{})
	for i, want := range []string{
		"failed: HTTP 404: the response contains no message.\n\nThe metadata service exists",
		"failed. Another error of this run explains the cause.",
	} {
		_, err := session.ProjectID(t.Context())
		got := apidiag.Detail("", err)
		if !strings.HasPrefix(got, "Requesting access keys from the metadata service "+want) {
			t.Errorf("error %d: got %s, want %s", i+1, got, want)
		}
	}
}
