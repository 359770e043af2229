// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	jobsPath = "/assembling/v1/jobs"

	job = `
resource "servicestage_build_job" "test" {
  job_name = "app"
  environment_setting {}
}
`
	region     = "region = \"cn-north-4\"\n"
	userBlock  = "user_name = \"emulator-user\"\npassword = \"emulator-password\"\ndomain_name = \"emulator-domain\"\n"
	keyBlock   = "access_key = \"EMULATORACCESSKEY\"\nsecret_key = \"emulator-secret-key\"\n"
	tokenBlock = "token = \"emulator-token\"\n"
	roleBlock  = "assume_role {\n  agency_name = \"emulator-agency\"\n  domain_name = \"emulator-domain\"\n}\n"
	roleByID   = "assume_role {\n  agency_name = \"emulator-agency\"\n  domain_id = \"" + emulator.DomainID + "\"\n}\n"
	oidcBlock  = "assume_role_with_oidc {\n  agency_name = \"emulator-agency\"\n  domain_id = \"" + emulator.DomainID +
		"\"\n  idp_id = \"emulator-idp\"\n  id_token = \"emulator-id-token\"\n}\n"
)

// configure returns a CLI with a configuration of count build jobs.
func configure(t *testing.T, server *emulator.Server, count int) *providertest.CLI {
	t.Helper()
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", providertest.Requirement+fmt.Sprintf(`
resource "servicestage_build_job" "many" {
  count    = %d
  job_name = "app-${count.index}"
  environment_setting {}
}
`, count))
	return cli
}

// endpointsOf returns the endpoints argument for a server.
func endpointsOf(server *emulator.Server) string {
	return fmt.Sprintf("endpoints = { servicestage = %[1]q, iam = %[1]q, sts = %[1]q }\n", server.URL)
}

// aliased returns a provider block with an alias and the arguments, and a data source of the same name that uses it.
func aliased(name, arguments string) string {
	return fmt.Sprintf(`
provider "servicestage" {
  alias = %q
  %s}
data "servicestage_build_jobs" %[1]q {
  provider = servicestage.%[1]s
}
`, name, arguments)
}

// aliasedJob returns a provider block with an alias and the arguments, and a build job of the same name that uses it.
func aliasedJob(name, arguments string) string {
	return fmt.Sprintf(`
provider "servicestage" {
  alias = %q
  %s}
resource "servicestage_build_job" %[1]q {
  provider = servicestage.%[1]s
  job_name = "app-%[1]s"
  environment_setting {}
}
`, name, arguments)
}

// split returns the requests to IAM and those to the service, in order.
func split(server *emulator.Server) (iam []string, service []emulator.Request) {
	for _, request := range server.Requests() {
		if strings.HasPrefix(request.Path, "/assembling/") {
			service = append(service, request)
		} else {
			iam = append(iam, request.Method+" "+request.Path)
		}
	}
	return iam, service
}
