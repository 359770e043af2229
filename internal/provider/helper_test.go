// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	jobsPath = "/assembling/v1/jobs"
	// many is more than Terraform's parallelism.
	many = 12

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

// manyJobs returns a configuration with count build jobs.
func manyJobs(count int) string {
	return providertest.Requirement + fmt.Sprintf(`
resource "servicestage_build_job" "many" {
  count    = %d
  job_name = "app-${count.index}"
  environment_setting {}
}
`, count)
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

// sender describes the credential of a request.
func sender(request emulator.Request) string {
	if token := request.Header.Get("X-Auth-Token"); token != "" {
		if strings.HasPrefix(token, "token-") {
			return "issued token"
		}
		return "token " + token
	}
	_, key, _ := strings.Cut(request.Header.Get("Authorization"), "Access=")
	key, _, _ = strings.Cut(key, ",")
	if strings.HasPrefix(key, "TEMPORARY") {
		return "temporary key"
	}
	return strings.TrimSpace("key " + key + " " + request.Header.Get("X-Security-Token"))
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

// homeWith returns a home directory with a configuration file of KooCLI.
func homeWith(t *testing.T, content string) string {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".hcloud"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".hcloud", "config.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return home
}

// errorsOf returns the errors that Terraform printed by the name of the data source or provider alias that they belong
// to, on one line each.
func errorsOf(stderr string) map[string]string {
	result := map[string]string{}
	label := regexp.MustCompile(`(?:with data\.servicestage_build_jobs\.|servicestage"\]\.)(\w+)`)
	for part := range strings.SplitSeq(stderr, "Error: ") {
		if name := label.FindStringSubmatch(part); name != nil {
			result[name[1]] = strings.Join(strings.Fields(part), " ")
		}
	}
	return result
}
