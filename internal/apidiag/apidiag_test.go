// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package apidiag_test

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	answered := func(status int, code, message string) *rest.Error {
		return &rest.Error{
			Method: "POST", Host: "servicestage.example.com", StatusCode: status, Code: code, Message: message, RequestID: "r-1", Attempts: 1,
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
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"wrong keys": {
			answered(401, "APIGW.0301", "verify aksk signature fail"), nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301: verify aksk signature fail.\n\n" +
				"The credentials are wrong.\n\nCredentials in use: token from HW_AUTH_TOKEN.\n\n" +
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"clock": {
			&rest.Error{Host: "h", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(6 * time.Minute)}, nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301.\n\n" +
				"A signature is good for minutes only, and the clocks differ: the server's says 2026-01-02T03:04:05Z, " +
				"the one here 2026-01-02T03:10:05Z. Set the clock.\n\nEndpoint: h",
		},
		"a clock that is nearly right": {
			&rest.Error{Host: "h", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(4 * time.Minute)}, nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301.\n\n" +
				"The credentials are wrong.\n\nEndpoint: h",
		},
		"permission": {
			answered(403, "APIGW.0302", "IAM user not authorized"), nil,
			"Error creating build job \"app\": HTTP 403: APIGW.0302: IAM user not authorized.\n\n" +
				"The credentials are right but may not do this. Grant the IAM actions servicestage:assembling:* to their user.\n\n" +
				"Credentials in use: token from HW_AUTH_TOKEN.\n\nEndpoint: servicestage.example.com, request id: r-1",
		},
		"old token": {
			answered(401, "APIGW.0307", "The token must be updated"), nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0307: The token must be updated.\n\n" +
				"The token has expired (it lives 24 hours), or it was issued for another region. Get a new one for the provider's region.\n\n" +
				"Credentials in use: token from HW_AUTH_TOKEN.\n\nEndpoint: servicestage.example.com, request id: r-1",
		},
		"throttled": {
			&rest.Error{Host: "h", StatusCode: 429, Code: "APIGW.0308", Message: "threshold", Attempts: 6}, nil,
			"Error creating build job \"app\": HTTP 429: APIGW.0308: threshold.\n\n" +
				"The service throttles. Run Terraform with a lower -parallelism, or raise the provider's max_retries.\n\n" +
				"Endpoint: h, tries: 6",
		},
		"not published": {
			answered(404, "APIGW.0101", "The API does not exist"), nil,
			"Error creating build job \"app\": HTTP 404: APIGW.0101: The API does not exist.\n\n" +
				"The Build API is not published at this endpoint. Check the provider's region, and endpoints.servicestage if you set it.\n\n" +
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"an answer that says nothing": {
			&rest.Error{Host: "h", StatusCode: 502}, nil,
			"Error creating build job \"app\": HTTP 502: the answer says no more.\n\nEndpoint: h",
		},
		"own advice": {
			answered(400, "SVCSTG.CPE.1", "taken"),
			[]string{"Choose another name."},
			"Error creating build job \"app\": HTTP 400: SVCSTG.CPE.1: taken.\n\nChoose another name.\n\n" +
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"no such host": {
			&rest.Error{Host: "h", Err: &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}}, nil,
			"Error creating build job \"app\": lookup h: no such host.\n\n" +
				"There is no such host: ServiceStage may not exist in the provider's region. Check region, or set endpoints.servicestage.\n\n" +
				"Endpoint: h",
		},
		"time is over": {
			&rest.Error{Host: "h", StatusCode: 503, Message: "busy", Stopped: context.DeadlineExceeded, Attempts: 3}, nil,
			"Error creating build job \"app\": HTTP 503: busy (the time for the operation is over).\n\n" +
				"The timeouts block of the resource can allow more time.\n\nEndpoint: h, tries: 3",
		},
		"a wait that takes too long": {
			&rest.Error{
				Host: "h", StatusCode: 429, Message: "slow down", RetryAfter: 10 * time.Minute, Attempts: 1,
				Stopped: &rest.WaitError{Wait: 10 * time.Minute, Left: 89700 * time.Millisecond},
			}, nil,
			"Error creating build job \"app\": HTTP 429: slow down (Retry-After requests another 10m0s, and the operation has 1m30s left).\n\n" +
				"The timeouts block of the resource can allow more time.\n\nEndpoint: h",
		},
		"a turn that comes too late": {
			&rest.Error{Host: "h", StatusCode: 429, Stopped: &rest.WaitError{Wait: 2 * time.Second, Left: time.Second}}, nil,
			"Error creating build job \"app\": HTTP 429: the answer says no more (the time for the operation is over).\n\n" +
				"The timeouts block of the resource can allow more time.\n\nEndpoint: h",
		},
		"redirected": {
			&rest.Error{Host: "h", StatusCode: 307, Message: "the endpoint redirects to https://other/x; the provider does not follow redirects"}, nil,
			"Error creating build job \"app\": HTTP 307: the endpoint redirects to https://other/x; the provider does not follow redirects.\n\n" +
				"Set endpoints.servicestage to the final URL.\n\nEndpoint: h",
		},
		"interrupted": {
			&rest.Error{Host: "h", Stopped: context.Canceled}, nil,
			"Error creating build job \"app\": the request was not sent (interrupted).\n\nEndpoint: h",
		},
		"an error within an error": {
			fmt.Errorf("wrapped: %w", &rest.Error{Host: "h", StatusCode: 500}), nil,
			"Error creating build job \"app\": HTTP 500: the answer says no more.\n\nEndpoint: h",
		},
		"something else":        {errors.New("encoding failed"), nil, "Error creating build job \"app\": encoding failed."},
		"something unprintable": {errors.New("ID \"a\x1b[31mb\n\u202e\""), nil, "Error creating build job \"app\": ID \"ab \"."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := apidiag.Error("Unable to create the build job", operation, c.err, c.advice...)
			if got.Severity() != diag.SeverityError || got.Summary() != "Unable to create the build job" {
				t.Errorf("got %s %q", got.Severity(), got.Summary())
			}
			if got.Detail() != c.want {
				t.Errorf("\n got %s\n\nwant %s", got.Detail(), c.want)
			}
		})
	}
}

// An operation without credentials says which step failed, which settings are in use, and what to do.
func TestError_noCredentials(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const skew = "A signature is good for minutes only, and the clocks differ: the server's says 2026-01-02T03:04:05Z, the one here 2026-01-02T03:14:05Z. Set the clock."
	const check = "Check the provider's user_name or user_id, password, domain_name or domain_id, and project_name."
	const inUse = "\n\nCredentials in use: user_name in the provider block."
	login := func(err error) error {
		return &rest.Error{Host: "service", Err: &auth.Error{Step: auth.Login, Object: "u", Source: "user_name in the provider block", Err: err}}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"refused": {
			login(&rest.Error{Host: "iam", StatusCode: 401, Message: "no", RequestID: "r-1"}),
			"HTTP 401: no.\n\n" + check + inUse + "\n\nEndpoint: iam, request id: r-1",
		},
		"refused by another clock": {
			login(&rest.Error{Host: "iam", StatusCode: 401, Message: "no", ServerTime: now, LocalTime: now.Add(10 * time.Minute)}),
			"HTTP 401: no.\n\n" + check + "\n\n" + skew + inUse + "\n\nEndpoint: iam",
		},
		"another clock that does not matter": {
			login(&rest.Error{Host: "iam", StatusCode: 404, Message: "no", ServerTime: now, LocalTime: now.Add(10 * time.Minute)}),
			"HTTP 404: no.\n\n" + check + inUse + "\n\nEndpoint: iam",
		},
		"wrong signature": {
			login(&rest.Error{Host: "iam", StatusCode: 401, Code: "APIGW.0301"}),
			"HTTP 401: APIGW.0301.\n\nThe credentials are wrong." + inUse + "\n\nEndpoint: iam",
		},
		"old signature": {
			login(&rest.Error{Host: "iam", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(10 * time.Minute)}),
			"HTTP 401: APIGW.0301.\n\n" + skew + inUse + "\n\nEndpoint: iam",
		},
		"out of reach": {
			login(&rest.Error{Host: "iam", Err: errors.New("connection refused"), Attempts: 6}),
			"connection refused.\n\nIdentity and access management (IAM) was not reached. Check the network and its proxies, and the provider's region, " +
				"cloud and auth_url, or endpoints.iam." + inUse + "\n\nEndpoint: iam, tries: 6",
		},
		"busy for too long": {
			login(&rest.Error{Host: "iam", StatusCode: 429, Message: "slow down", Stopped: context.DeadlineExceeded}),
			"HTTP 429: slow down (for too long).\n\nIdentity and access management (IAM) is busy or out of order, which says nothing of the credentials. " +
				"Try again later." + inUse + "\n\nEndpoint: iam",
		},
		"redirected": {
			login(&rest.Error{Host: "iam", StatusCode: 302, Message: "the endpoint redirects to https://other/x"}),
			"HTTP 302: the endpoint redirects to https://other/x.\n\nSet endpoints.iam to the final URL." + inUse + "\n\nEndpoint: iam",
		},
		"a wait that takes too long": {
			login(&rest.Error{
				Host: "iam", StatusCode: 429, RetryAfter: time.Hour, Stopped: &rest.WaitError{Wait: time.Hour, Left: time.Minute},
			}),
			"HTTP 429: the answer says no more (Retry-After requests another 1h0m0s, and the operation has 1m0s left).\n\n" +
				"Identity and access management (IAM) is busy or out of order, which says nothing of the credentials. Try again later." + inUse + "\n\nEndpoint: iam",
		},
		"unprintable":    {login(errors.New("open \x1b[2Jf")), "open f.\n\n" + check + inUse},
		"something else": {login(errors.New("open f: no such file")), "open f: no such file.\n\n" + check + inUse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := `Error creating build job "app", logging in as user "u": ` + c.want
			if got := apidiag.Detail(`creating build job "app"`, c.err); got != want {
				t.Errorf("\n got %s\n\nwant %s", got, want)
			}
		})
	}
	// Each step has its own advice; a rejected request may have another than an unusable response.
	for _, c := range []struct {
		step     auth.Step
		rejected bool
		want     string
	}{
		{auth.AssumeAgency, true, "Check the agency's name and account, and that the credentials may use it (Agent Operator)."},
		{auth.ReadIDToken, false, "Check id_token_file."},
		{auth.ExchangeIDToken, true, "Check idp_id, and that the ID token is one of this identity provider and has not expired."},
		{auth.FindProject, true, "Check that the credentials may list projects, or set project_id, which does without the look-up."},
		{auth.FindProject, false, "Check project_name, which is the region's name by default, or set project_id."},
		{auth.ReadMetadata, true, "The metadata service is that of a cloud server with an agency. Anywhere else, set credentials; HW_METADATA_DISABLED=true leaves it out."},
	} {
		cause, message, endpoint := errors.New("no"), "no", ""
		if c.rejected {
			cause, message, endpoint = &rest.Error{Host: "h", StatusCode: 403, Message: "no"}, "HTTP 403: no", "\n\nEndpoint: h"
		}
		want := fmt.Sprintf("Error x, %s: %s.\n\n%s%s", c.step, message, c.want, endpoint)
		if got := apidiag.Detail("x", &auth.Error{Step: c.step, Err: cause}); got != want {
			t.Errorf("\n got %s\n\nwant %s", got, want)
		}
	}
}
