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

func TestError(t *testing.T) {
	t.Parallel()
	const operation = `creating build job "app"`
	const unavailable = "ServiceStage, or a proxy before it, is unavailable. Try again later.\n\n"
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	answered := func(status int, code, message string) *rest.Error {
		return &rest.Error{
			Method: "POST", Host: "servicestage.example.com", StatusCode: status, Code: code, Message: message,
			RequestID: "r-1", Attempts: 1,
			Credentials: "token from HW_AUTH_TOKEN",
		}
	}
	for name, c := range map[string]struct {
		err    error
		advice []string
		want   string
	}{
		"code without advice": {
			answered(400, "SVCSTG.CPE.4000001", "no such cluster."), nil,
			"Error creating build job \"app\": HTTP 400: SVCSTG.CPE.4000001: no such cluster.\n\n" +
				"Endpoint: servicestage.example.com, request ID: r-1",
		},
		"wrong keys": {
			answered(401, "APIGW.0301", "verify aksk signature fail"), nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301: verify aksk signature fail.\n\n" +
				"The credentials are not valid. Correct or replace them.\n\nCredentials in use: token from HW_AUTH_TOKEN.\n\n" +
				"Endpoint: servicestage.example.com, request ID: r-1",
		},
		"clock": {
			&rest.Error{Host: "h", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(6 * time.Minute)},
			nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301.\n\n" +
				"Signatures are valid for a few minutes only, and the clocks differ: the server's time is 2026-01-02T03:04:05Z, " +
				"the local time is 2026-01-02T03:10:05Z. Set the clock.\n\nEndpoint: h",
		},
		"a clock that is nearly right": {
			&rest.Error{Host: "h", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(4 * time.Minute)},
			nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301.\n\n" +
				"The credentials are not valid. Correct or replace them.\n\nEndpoint: h",
		},
		"permission": {
			answered(403, "APIGW.0302", "IAM user not authorized"), nil,
			"Error creating build job \"app\": HTTP 403: APIGW.0302: IAM user not authorized.\n\n" +
				"The credentials are valid, but lack the permission servicestage:assembling:create. Grant it to the IAM user or " +
				"agency.\n\n" +
				"Credentials in use: token from HW_AUTH_TOKEN.\n\nEndpoint: servicestage.example.com, request ID: r-1",
		},
		"old token": {
			answered(401, "APIGW.0307", "The token must be updated"), nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0307: The token must be updated.\n\n" +
				"The token has expired, or it was issued for another region. Tokens expire after 24 hours. Get a new token in " +
				"the provider's region, " +
				"or remove the token to use other credentials.\n\n" +
				"Credentials in use: token from HW_AUTH_TOKEN.\n\nEndpoint: servicestage.example.com, request ID: r-1",
		},
		"throttled": {
			&rest.Error{Host: "h", StatusCode: 429, Code: "APIGW.0308", Message: "threshold", Attempts: 6}, nil,
			"Error creating build job \"app\": HTTP 429: APIGW.0308: threshold.\n\n" +
				"ServiceStage limits the rate of requests. Run Terraform with a lower -parallelism, or raise max_retries " +
				"(HW_MAX_RETRIES).\n\n" +
				"Endpoint: h, attempts: 6",
		},
		"not published": {
			answered(404, "APIGW.0101", "The API does not exist"), nil,
			"Error creating build job \"app\": HTTP 404: APIGW.0101: The API does not exist.\n\n" +
				"The Build API is not published at this endpoint. Check region (HW_REGION_NAME), and " +
				"endpoints.servicestage (HW_SERVICESTAGE_ENDPOINT) if it is set.\n\n" +
				"Endpoint: servicestage.example.com, request ID: r-1",
		},
		"no message": {
			&rest.Error{Host: "h", StatusCode: 502}, nil,
			"Error creating build job \"app\": HTTP 502: the response contains no message.\n\n" + unavailable + "Endpoint: h",
		},
		"own advice": {
			answered(400, "SVCSTG.CPE.1", "taken"),
			[]string{"Choose another name."},
			"Error creating build job \"app\": HTTP 400: SVCSTG.CPE.1: taken.\n\nChoose another name.\n\n" +
				"Endpoint: servicestage.example.com, request ID: r-1",
		},
		"no such host": {
			&rest.Error{Host: "h", Err: &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}}, nil,
			"Error creating build job \"app\": lookup h: no such host.\n\n" +
				"This host does not exist. Check region (HW_REGION_NAME), and endpoints.servicestage (HW_SERVICESTAGE_ENDPOINT) " +
				"if it is set. The service is not available in every region.\n\n" +
				"Endpoint: h",
		},
		"time is over": {
			&rest.Error{Host: "h", StatusCode: 503, Message: "busy", Stopped: context.DeadlineExceeded, Attempts: 3}, nil,
			"Error creating build job \"app\": HTTP 503: busy (the time for the operation is over).\n\n" +
				"Try again later, or raise the timeout in the timeouts block of the resource.\n\nEndpoint: h, attempts: 3",
		},
		"a wait that takes too long": {
			&rest.Error{
				Host: "h", StatusCode: 429, Message: "slow down", RetryAfter: 10 * time.Minute, Attempts: 1,
				Stopped: &rest.WaitError{Wait: 10 * time.Minute, Left: 89700 * time.Millisecond},
			}, nil,
			"Error creating build job \"app\": HTTP 429: slow down (Retry-After requests another 10m0s, and the operation has " +
				"1m30s left).\n\n" +
				"Try again later, or raise the timeout in the timeouts block of the resource.\n\nEndpoint: h",
		},
		"a turn that comes too late": {
			&rest.Error{Host: "h", StatusCode: 429, Stopped: &rest.WaitError{Wait: 2 * time.Second, Left: time.Second}}, nil,
			"Error creating build job \"app\": HTTP 429: the response contains no message (the time for the operation is " +
				"over).\n\n" +
				"Try again later, or raise the timeout in the timeouts block of the resource.\n\nEndpoint: h",
		},
		"redirected": {
			&rest.Error{
				Host: "h", StatusCode: 307, Location: "https://other/assembling/v1/jobs",
				Message: "the endpoint redirects to https://other/x; the provider does not follow redirects",
			}, nil,
			"Error creating build job \"app\": HTTP 307: the endpoint redirects to https://other/x; the provider does not " +
				"follow redirects.\n\n" +
				"If the endpoint has moved, set endpoints.servicestage (HW_SERVICESTAGE_ENDPOINT) to https://other.\n\nEndpoint: h",
		},
		"redirected by a firewall": {
			&rest.Error{Host: "h", StatusCode: 302, Location: "https://portal/", Message: "m"}, nil,
			"Error creating build job \"app\": HTTP 302: m.\n\nThe response may come from a proxy or firewall. If the " +
				"endpoint has moved, set " +
				"endpoints.servicestage (HW_SERVICESTAGE_ENDPOINT) to its new URL.\n\nEndpoint: h",
		},
		"page": {
			&rest.Error{Host: "h", StatusCode: 404, Message: `"Not Found"`}, nil,
			"Error creating build job \"app\": HTTP 404: \"Not Found\".\n\nThe response does not come from ServiceStage. " +
				"Check endpoints.servicestage " +
				"(HW_SERVICESTAGE_ENDPOINT), and whether a proxy or firewall blocks the request.\n\nEndpoint: h",
		},
		"interrupted": {
			&rest.Error{Host: "h", Stopped: context.Canceled}, nil,
			"Error creating build job \"app\": the request was not sent (interrupted).\n\nEndpoint: h",
		},
		"an error within an error": {
			fmt.Errorf("wrapped: %w", &rest.Error{Host: "h", StatusCode: 500}), nil,
			"Error creating build job \"app\": HTTP 500: the response contains no message.\n\n" + unavailable + "Endpoint: h",
		},
		"something else": {errors.New("encoding failed"), nil, "Error creating build job \"app\": encoding failed."},
		"something unprintable": {
			errors.New("ID \"a\x1b[31mb\n\u202e\""), nil,
			"Error creating build job \"app\": ID \"ab \".",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := apidiag.Error("Error creating build job", operation, c.err, c.advice...)
			if got.Severity() != diag.SeverityError || got.Summary() != "Error creating build job" {
				t.Errorf("got %s %q", got.Severity(), got.Summary())
			}
			if got.Detail() != c.want {
				t.Errorf("\n got %s\n\nwant %s", got.Detail(), c.want)
			}
		})
	}
}

// The error of an operation without credentials contains the failed step, the remedy and the settings in use.
func TestError_noCredentials(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const skew = "Signatures are valid for a few minutes only, and the clocks differ: the server's time is " +
		"2026-01-02T03:04:05Z, the local time is 2026-01-02T03:14:05Z. Set the clock."
	const check = "Check user_name or user_id, password, domain_name or domain_id, and project_name."
	const inUse = "\n\nCredentials in use: user_name in the provider block."
	login := func(err error) error {
		return &rest.Error{Host: "service", Err: &auth.Error{
			Step: auth.Login, Object: "u",
			Source: "user_name in the provider block", Err: err,
		}}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"refused": {
			login(&rest.Error{Host: "iam", StatusCode: 401, Message: "no", RequestID: "r-1"}),
			"HTTP 401: no.\n\n" + check + inUse + "\n\nEndpoint: iam, request ID: r-1",
		},
		"refused by another clock": {
			login(&rest.Error{
				Host: "iam", StatusCode: 401, Message: "no", ServerTime: now,
				LocalTime: now.Add(10 * time.Minute),
			}),
			"HTTP 401: no.\n\n" + check + "\n\n" + skew + inUse + "\n\nEndpoint: iam",
		},
		"another clock that does not matter": {
			login(&rest.Error{
				Host: "iam", StatusCode: 404, Message: "no", ServerTime: now,
				LocalTime: now.Add(10 * time.Minute),
			}),
			"HTTP 404: no.\n\n" + check + inUse + "\n\nEndpoint: iam",
		},
		"wrong signature": {
			login(&rest.Error{Host: "iam", StatusCode: 401, Code: "APIGW.0301"}),
			"HTTP 401: APIGW.0301.\n\nThe credentials are not valid. Correct or replace them." + inUse + "\n\nEndpoint: iam",
		},
		"old signature": {
			login(&rest.Error{
				Host: "iam", StatusCode: 401, Code: "APIGW.0301", ServerTime: now,
				LocalTime: now.Add(10 * time.Minute),
			}),
			"HTTP 401: APIGW.0301.\n\n" + skew + inUse + "\n\nEndpoint: iam",
		},
		"out of reach": {
			login(&rest.Error{Host: "iam", Err: io.ErrUnexpectedEOF, Attempts: 6}),
			"unexpected EOF.\n\nIdentity and access management (IAM) could not be reached. Check the network and its proxies, " +
				"and region, " +
				"cloud and auth_url (HW_AUTH_URL), or endpoints.iam and endpoints.sts." + inUse + "\n\nEndpoint: iam, attempts: 6",
		},
		"page": {
			login(&rest.Error{Host: "iam", StatusCode: 200, Err: errors.New("not JSON")}),
			"HTTP 200: not JSON.\n\nThe response does not come from identity and access management (IAM). Check region, cloud and auth_url " +
				"(HW_AUTH_URL), or endpoints.iam and endpoints.sts." + inUse + "\n\nEndpoint: iam",
		},
		"busy for too long": {
			login(&rest.Error{Host: "iam", StatusCode: 429, Message: "slow down", Stopped: context.DeadlineExceeded}),
			"HTTP 429: slow down (the time for the login is over).\n\nIdentity and access management (IAM) is unavailable and " +
				"has not checked the credentials. " +
				"Try again later." + inUse + "\n\nEndpoint: iam",
		},
		"redirected": {
			login(&rest.Error{
				Host: "iam", StatusCode: 302, Location: "https://other/v3/auth/tokens",
				Message: "the endpoint redirects to https://other/x",
			}),
			"HTTP 302: the endpoint redirects to https://other/x.\n\nIf the endpoint has moved, set endpoints.iam " +
				"(HW_IAM_ENDPOINT) to https://other." + inUse + "\n\nEndpoint: iam",
		},
		"a wait that takes too long": {
			login(&rest.Error{
				Host: "iam", StatusCode: 429, RetryAfter: time.Hour, Stopped: &rest.WaitError{Wait: time.Hour, Left: time.Minute},
			}),
			"HTTP 429: the response contains no message (Retry-After requests another 1h0m0s, and the operation has 1m0s " +
				"left).\n\n" +
				"Identity and access management (IAM) is unavailable and has not checked the credentials. Try again later." +
				inUse + "\n\nEndpoint: iam",
		},
		"unprintable":    {login(errors.New("open \x1b[2Jf")), "open f.\n\n" + check + inUse},
		"something else": {login(errors.New("open f: no such file")), "open f: no such file.\n\n" + check + inUse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := `Error creating build job "app": logging in as user "u" failed: ` + c.want
			if got := apidiag.Detail(`creating build job "app"`, c.err); got != want {
				t.Errorf("\n got %s\n\nwant %s", got, want)
			}
		})
	}
	// The advice depends on the step, and on whether a request was rejected.
	for _, c := range []struct {
		step     auth.Step
		rejected bool
		want     string
	}{
		{auth.AssumeAgency, true, "Check the name and the account of the agency. The credentials need the permission to " +
			"assume it: Agent Operator, or sts:agencies:assume if the account is set by its ID."},
		{auth.ReadIDToken, false, "Check id_token_file."},
		{auth.ExchangeIDToken, true, "Check idp_id, and that the ID token was issued by this identity provider and has not " +
			"expired."},
		{auth.ExchangeToken, true, "Check that the token has not expired, and that its user has access to the project " +
			"(project_id or project_name)."},
		{auth.FindDomain, true, "Set domain_id to the ID of the account that the access key belongs to."},
		{auth.FindProject, true, "Set project_id, or grant the credentials the permission to list projects."},
		{auth.FindProject, false, "Set project_id, or check project_name, which defaults to the name of the region."},
		{auth.ReadMetadata, true, "The metadata service exists only on cloud servers (ECS) with an agency. On other " +
			"machines, set access_key and secret_key (HW_ACCESS_KEY and HW_SECRET_KEY) or other credentials. " +
			"HW_METADATA_DISABLED=true disables the metadata service."},
	} {
		cause, message, endpoint := errors.New("no"), "no", ""
		if c.rejected {
			cause, message, endpoint = &rest.Error{Host: "h", StatusCode: 403, Message: "no"}, "HTTP 403: no", "\n\nEndpoint: h"
		}
		want := fmt.Sprintf("Error x: %s failed: %s.\n\n%s%s", c.step, message, c.want, endpoint)
		if got := apidiag.Detail("x", &auth.Error{Step: c.step, Err: cause}); got != want {
			t.Errorf("\n got %s\n\nwant %s", got, want)
		}
	}
}

// The advice for a missing connection depends on its cause.
func TestError_noConnection(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{&rest.ProxyError{Host: "p", StatusCode: 403}, "The connection goes through a proxy."},
		{&net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, "The connection goes through a proxy."},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "The host accepts no connections on this port."},
		{tls.RecordHeaderError{}, "The port does not use TLS."},
		{&tls.CertificateVerificationError{Err: errors.New("unknown authority")}, "Set cacert_file (HW_CACERT_FILE)"},
		{io.ErrUnexpectedEOF, "ServiceStage could not be reached."},
	} {
		if got := apidiag.Detail("x", &rest.Error{Host: "h", Err: c.err}); !strings.Contains(got, "\n\n"+c.want) {
			t.Errorf("%v: got %s, want %s", c.err, got, c.want)
		}
	}
}

// noSource is a source without credentials.
type noSource struct{}

func (noSource) Credentials(context.Context, auth.Clients, auth.Project) (*auth.Credentials, error) {
	return nil, &auth.Error{Step: auth.ReadMetadata, Err: &rest.Error{Host: "h", StatusCode: 404}}
}

// Of several operations that fail because of the credentials, the first one returns the complete error.
func TestError_repeated(t *testing.T) {
	t.Parallel()
	session := auth.NewSession(noSource{}, "the metadata service", auth.Project{}, auth.Clients{})
	for i, want := range []string{
		"Error x: requesting access keys from the metadata service failed: HTTP 404: the response contains no " +
			"message.\n\nThe metadata service exists",
		"Error x: requesting access keys from the metadata service failed. Another error of this run explains the cause.",
	} {
		_, err := session.ProjectID(t.Context())
		if got := apidiag.Detail("x", err); !strings.HasPrefix(got, want) {
			t.Errorf("error %d: got %s, want %s", i+1, got, want)
		}
	}
}
