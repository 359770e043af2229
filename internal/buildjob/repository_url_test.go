// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// A secret in the configured URL is rejected during planning, on the argument, and is not shown. No request is sent.
func TestBuildJob_secretInURLIsNotPlanned(t *testing.T) {
	t.Parallel()
	urls := map[string]string{
		"password":           "https://user:canary-secret@github.com/acme/app",
		"leading_line_break": "\nhttps://user:canary-secret@github.com/acme/app",
		"short_form":         "user:canary-secret@github.com:acme/app.git",
		"token":              "https://ghp_canary-secret@github.com/acme/app",
		"parameter":          "https://github.com/acme/app?private_token=canary-secret",
	}
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	var config strings.Builder
	for name, url := range urls {
		// The URLs are locals because Terraform shows the line of an error.
		fmt.Fprintf(&config, "locals {\n  url_%[1]s = %[2]q\n}\nresource \"servicestage_build_job\" %[1]q {%[3]s}\n",
			name, url, minimal+strings.Replace(repository, `"https://github.com/acme/app"`, "local.url_"+name, 1))
	}
	cli.Write(t, "main.tf", providertest.Requirement+config.String())
	stdout, stderr, err := cli.Run(t, "plan", "-no-color", "-input=false")
	if err == nil || strings.Contains(stdout+stderr, "canary-secret") {
		t.Errorf("%v, or a secret is shown:\n%s\n%s", err, stdout, stderr)
	}
	for name := range urls {
		want := `with servicestage_build_job.` + name + `,[^:]*:\s+\d+:\s+url\s+= local.url_` + name + `\s+` +
			words("The URL of a repository must not contain a password, an access token or another secret:")
		if !regexp.MustCompile(want).MatchString(stderr) {
			t.Errorf("%s has no error", name)
		}
	}
	if t.Failed() {
		t.Log(stderr)
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("%d requests have reached the service, want none", len(requests))
	}
}

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
