// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// A wait that the operation's timeout does not allow is not waited out, and the error is not that nothing was sent.
func TestProvider_waitBeyondTheTimeoutIsNotBegun(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]string{"seconds": "3600", "date": time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			server.InjectFault(emulator.Fault{
				Method: http.MethodPost, Path: jobsPath, Times: -1, StatusCode: http.StatusTooManyRequests,
				Header: http.Header{"Retry-After": {header}}, Body: `{"error_code":"APIGW.0308","error_msg":"slow down"}`,
			})
			begin := time.Now()
			providertest.RunWith(t, server, providertest.Factories(), resource.TestStep{
				Config:      providertest.Config(server, job),
				ExpectError: regexp.MustCompile(words("HTTP 429: APIGW.0308: slow down (Retry-After requests another") + `\s+(1h0m|5\dm)`),
			})
			if took := time.Since(begin); took > 5*time.Minute {
				t.Errorf("it took %s", took)
			}
			if posts := server.CountRequests(http.MethodPost, jobsPath); posts != 1 {
				t.Errorf("%d POST requests, want 1", posts)
			}
		})
	}
}
