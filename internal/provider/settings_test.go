// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// max_retries is the number of retries.
func TestProvider_maxRetries(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"": 6, "max_retries = 2\n": 3} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			server.InjectFault(emulator.Fault{Method: http.MethodGet, Times: -1, StatusCode: http.StatusBadGateway})
			config := providertest.Config(server, "data \"servicestage_build_job\" \"test\" {\n  job_id = \"x\"\n}\n")
			providertest.Run(t, nil, resource.TestStep{
				Config:      strings.Replace(config, "region ", setting+"  region ", 1),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(`HTTP 502`),
			})
			if got := server.CountRequests(http.MethodGet, "/assembling/v1/jobs/x"); got != want {
				t.Errorf("%d requests, want %d", got, want)
			}
		})
	}
}

// An unknown argument that the client does not need does not prevent the refresh: the plan creates a build job that was
// deleted outside Terraform.
func TestProvider_unknownRetries(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := func(input string) string {
		later := "resource \"terraform_data\" \"later\" { input = " + input + " }\n"
		return strings.Replace(providertest.Config(server, later+job),
			"region ", "max_retries = terraform_data.later.output\n  region ", 1)
	}
	created := plancheck.ExpectResourceAction("servicestage_build_job.test", plancheck.ResourceActionCreate)
	providertest.Run(t, server,
		resource.TestStep{Config: config("1")},
		resource.TestStep{
			PreConfig:        func() { server.RemoveJob(server.Jobs()[0].ID) },
			Config:           config("2"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{created}},
		},
	)
}

// A plan with unknown provider arguments succeeds, and the apply uses their values.
func TestProvider_unknownSettings(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := []string{providertest.Requirement}
	for name, c := range map[string]struct{ arguments, unknown string }{
		"keys":        {keyBlock + endpointsOf(server), emulator.DefaultAccessKey},
		"password":    {userBlock + endpointsOf(server), emulator.DefaultPassword},
		"assume_role": {keyBlock + roleBlock + endpointsOf(server), emulator.DefaultAgency},
		"oidc":        {oidcBlock + endpointsOf(server), emulator.DefaultIDToken},
		"endpoints":   {keyBlock + fmt.Sprintf("endpoints = { servicestage = %q }\n", server.URL), server.URL},
	} {
		arguments := strings.Replace(c.arguments, strconv.Quote(c.unknown), "terraform_data."+name+".output", 1)
		config = append(config, fmt.Sprintf("resource \"terraform_data\" %q { input = %q }\n", name, c.unknown),
			aliasedJob(name, region+arguments))
	}
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", strings.Join(config, ""))
	cli.Env = append(cli.Env, "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_SERVICESTAGE_ENDPOINT=http://127.0.0.1:1")
	stdout := succeed(t, cli, "apply", "-no-color", "-input=false", "-auto-approve")
	want := regexp.MustCompile(`known only after apply: (access_key|password|assume_role\.agency_name|` +
		`assume_role_with_oidc\.id_token|endpoints\.servicestage)\. `)
	if !want.MatchString(strings.Join(strings.Fields(stdout), " ")) {
		t.Errorf("no warning names the unknown argument\n%s", stdout)
	}
	if got := len(server.Jobs()); got != 5 {
		t.Errorf("the service has %d build jobs, want 5", got)
	}
}

// cacert_file is the path of certificates, or the certificates, for ServiceStage and IAM.
func TestProvider_cacertFile(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	secure := httptest.NewTLSServer(server.Service)
	t.Cleanup(secure.Close)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	common := region + userBlock + "max_retries = 0\n" + endpointsOf(&emulator.Server{URL: secure.URL})
	config := []string{providertest.Requirement}
	for name, argument := range map[string]string{
		"none": "", "path": "cacert_file = \"" + writeFile(t, certificate) + "\"\n",
		"text": "cacert_file = <<-EOT\n" + certificate + "EOT\n", "insecure": "insecure = true\n",
	} {
		config = append(config, aliased(name, common+argument))
	}
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", strings.Join(config, ""))
	_, stderr, _ := cli.Run(t, "plan", "-no-color", "-input=false") // It fails for one of them.
	const want = "certificate signed by unknown authority"
	if messages := errorsOf(stderr); len(messages) != 1 || !strings.Contains(messages["none"], want) {
		t.Errorf("got %s, want one error: %s", stderr, want)
	}
}
