// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// A URL with a secret that is unknown during planning is not sent, neither to create a build job nor to update one.
func TestBuildJob_secretInUnknownURLIsNotSent(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	later := func(url string) resource.TestStep {
		return resource.TestStep{
			Config: providertest.Config(server, "resource \"terraform_data\" \"later\" { input = \""+url+"\" }\n"+
				job(minimal+strings.Replace(
					repository, `"https://github.com/acme/app"`, "terraform_data.later.output", 1))),
			ExpectError: regexp.MustCompile("Secret in repository URL"),
		}
	}
	providertest.Run(t, server,
		later("https://user:canary-secret@github.com/acme/app"),
		resource.TestStep{Config: providertest.Config(server, job(minimal+repository))},
		later("https://ghp_canary-secret@github.com/acme/app"),
		later("https://github.com/acme/app?token=xxxxx"),
	)
	if posts, puts := sent(server, http.MethodPost), sent(server, http.MethodPut); posts != 1 || puts != 0 {
		t.Errorf("%d POST and %d PUT requests, want 1 and none", posts, puts)
	}
}
