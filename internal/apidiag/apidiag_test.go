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
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func TestError(t *testing.T) {
	t.Parallel()
	const operation = `creating build job "app"`
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	answered := func(status int, code, message string) *servicestage.Error {
		return &servicestage.Error{
			Method: "POST", Host: "servicestage.example.com", StatusCode: status, Code: code, Message: message, RequestID: "r-1", Attempts: 1,
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
				"The credentials are wrong. Check the provider's token, or its access_key, secret_key and security_token.\n\n" +
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"clock": {
			&servicestage.Error{Host: "h", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(6 * time.Minute)}, nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301.\n\n" +
				"A signature is good for minutes only, and the clocks differ: the server's says 2026-01-02T03:04:05Z, " +
				"the one here 2026-01-02T03:10:05Z. Set the clock.\n\nEndpoint: h",
		},
		"a clock that is nearly right": {
			&servicestage.Error{Host: "h", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(4 * time.Minute)}, nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0301.\n\n" +
				"The credentials are wrong. Check the provider's token, or its access_key, secret_key and security_token.\n\nEndpoint: h",
		},
		"permission": {
			answered(403, "APIGW.0302", "IAM user not authorized"), nil,
			"Error creating build job \"app\": HTTP 403: APIGW.0302: IAM user not authorized.\n\n" +
				"The credentials are right but may not do this. Grant the IAM actions servicestage:assembling:* to their user.\n\n" +
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"old token": {
			answered(401, "APIGW.0307", "The token must be updated"), nil,
			"Error creating build job \"app\": HTTP 401: APIGW.0307: The token must be updated.\n\n" +
				"The token has expired (it lives 24 hours), or it was issued for another region. Get a new one for the provider's region.\n\n" +
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"throttled": {
			&servicestage.Error{Host: "h", StatusCode: 429, Code: "APIGW.0308", Message: "threshold", Attempts: 6}, nil,
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
			&servicestage.Error{Host: "h", StatusCode: 502}, nil,
			"Error creating build job \"app\": HTTP 502: the answer says no more.\n\nEndpoint: h",
		},
		"own advice": {
			answered(400, "SVCSTG.CPE.1", "taken"),
			[]string{"Choose another name."},
			"Error creating build job \"app\": HTTP 400: SVCSTG.CPE.1: taken.\n\nChoose another name.\n\n" +
				"Endpoint: servicestage.example.com, request id: r-1",
		},
		"no such host": {
			&servicestage.Error{Host: "h", Err: &net.DNSError{Err: "no such host", Name: "h", IsNotFound: true}}, nil,
			"Error creating build job \"app\": lookup h: no such host.\n\n" +
				"There is no such host: ServiceStage may not exist in the provider's region. Check region, or set endpoints.servicestage.\n\n" +
				"Endpoint: h",
		},
		"time is over": {
			&servicestage.Error{Host: "h", StatusCode: 503, Message: "busy", Stopped: context.DeadlineExceeded, Attempts: 3}, nil,
			"Error creating build job \"app\": HTTP 503: busy (the time for the operation is over).\n\n" +
				"The timeouts block of the resource can allow more time.\n\nEndpoint: h, tries: 3",
		},
		"a wait that takes too long": {
			&servicestage.Error{
				Host: "h", StatusCode: 429, Message: "slow down", RetryAfter: 10 * time.Minute, Attempts: 1,
				Stopped: &rest.WaitError{Wait: 10 * time.Minute, Left: 89700 * time.Millisecond},
			}, nil,
			"Error creating build job \"app\": HTTP 429: slow down (Retry-After requests another 10m0s, and the operation has 1m30s left).\n\n" +
				"The timeouts block of the resource can allow more time.\n\nEndpoint: h",
		},
		"a turn that comes too late": {
			&servicestage.Error{Host: "h", StatusCode: 429, Stopped: &rest.WaitError{Wait: 2 * time.Second, Left: time.Second}}, nil,
			"Error creating build job \"app\": HTTP 429: the answer says no more (the time for the operation is over).\n\n" +
				"The timeouts block of the resource can allow more time.\n\nEndpoint: h",
		},
		"redirected": {
			&servicestage.Error{Host: "h", StatusCode: 307, Message: "the endpoint redirects to https://other/x; the provider does not follow redirects"}, nil,
			"Error creating build job \"app\": HTTP 307: the endpoint redirects to https://other/x; the provider does not follow redirects.\n\n" +
				"Set endpoints.servicestage to the final URL.\n\nEndpoint: h",
		},
		"interrupted": {
			&servicestage.Error{Host: "h", Stopped: context.Canceled}, nil,
			"Error creating build job \"app\": the request was not sent (interrupted).\n\nEndpoint: h",
		},
		"an error within an error": {
			fmt.Errorf("wrapped: %w", &servicestage.Error{Host: "h", StatusCode: 500}), nil,
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

// An operation that nobody could be proven for says what failed on the way, and what to do about that.
func TestError_noCredentials(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const skew = "A signature is good for minutes only, and the clocks differ: the server's says 2026-01-02T03:04:05Z, the one here 2026-01-02T03:14:05Z. Set the clock."
	login := func(err error) error {
		return &servicestage.Error{Host: "service", Err: &auth.Error{Doing: `logging in as user "u"`, Advice: "Check user_name.", Err: err}}
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"refused": {
			login(&servicestage.Error{Host: "iam", StatusCode: 401, Message: "no", RequestID: "r-1"}),
			"HTTP 401: no.\n\nCheck user_name.\n\nEndpoint: iam, request id: r-1",
		},
		"refused by another clock": {
			login(&servicestage.Error{Host: "iam", StatusCode: 401, Message: "no", ServerTime: now, LocalTime: now.Add(10 * time.Minute)}),
			"HTTP 401: no.\n\nCheck user_name.\n\n" + skew + "\n\nEndpoint: iam",
		},
		"another clock that does not matter": {
			login(&servicestage.Error{Host: "iam", StatusCode: 404, Message: "no", ServerTime: now, LocalTime: now.Add(10 * time.Minute)}),
			"HTTP 404: no.\n\nCheck user_name.\n\nEndpoint: iam",
		},
		"wrong signature": {
			login(&servicestage.Error{Host: "iam", StatusCode: 401, Code: "APIGW.0301"}),
			"HTTP 401: APIGW.0301.\n\nThe credentials are wrong. Check the provider's token, or its access_key, secret_key and security_token.\n\nEndpoint: iam",
		},
		"old signature": {
			login(&servicestage.Error{Host: "iam", StatusCode: 401, Code: "APIGW.0301", ServerTime: now, LocalTime: now.Add(10 * time.Minute)}),
			"HTTP 401: APIGW.0301.\n\n" + skew + "\n\nEndpoint: iam",
		},
		"out of reach": {
			login(&servicestage.Error{Host: "iam", Err: errors.New("connection refused"), Attempts: 6}),
			"connection refused.\n\nIdentity and access management (IAM) was not reached. Check the network and its proxies, and the provider's region, " +
				"cloud and auth_url, or endpoints.iam.\n\nEndpoint: iam, tries: 6",
		},
		"busy for too long": {
			login(&servicestage.Error{Host: "iam", StatusCode: 429, Message: "slow down", Stopped: context.DeadlineExceeded}),
			"HTTP 429: slow down (for too long).\n\nIdentity and access management (IAM) is busy or out of order, which says nothing of the credentials. " +
				"Try again later.\n\nEndpoint: iam",
		},
		"redirected": {
			login(&servicestage.Error{Host: "iam", StatusCode: 302, Message: "the endpoint redirects to https://other/x"}),
			"HTTP 302: the endpoint redirects to https://other/x.\n\nSet endpoints.iam to the final URL.\n\nEndpoint: iam",
		},
		"a wait that takes too long": {
			login(&servicestage.Error{
				Host: "iam", StatusCode: 429, RetryAfter: time.Hour, Stopped: &rest.WaitError{Wait: time.Hour, Left: time.Minute},
			}),
			"HTTP 429: the answer says no more (Retry-After requests another 1h0m0s, and the operation has 1m0s left).\n\n" +
				"Identity and access management (IAM) is busy or out of order, which says nothing of the credentials. Try again later.\n\nEndpoint: iam",
		},
		"unprintable":    {login(errors.New("open \x1b[2Jf")), "open f.\n\nCheck user_name."},
		"something else": {login(errors.New("open f: no such file")), "open f: no such file.\n\nCheck user_name."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := `Error creating build job "app", logging in as user "u": ` + c.want
			if got := apidiag.Detail(`creating build job "app"`, c.err); got != want {
				t.Errorf("\n got %s\n\nwant %s", got, want)
			}
		})
	}
	metadata := &auth.Error{
		Doing: "finding credentials", Tried: "token: not set; metadata", Advice: "Set one of them.",
		Err: &servicestage.Error{Host: "m", Err: errors.New("no route to host")},
	}
	const want = "Error x, finding credentials: token: not set; metadata: no route to host.\n\nSet one of them.\n\nEndpoint: m"
	if got := apidiag.Detail("x", metadata); got != want {
		t.Errorf("\n got %s\n\nwant %s", got, want)
	}
}
