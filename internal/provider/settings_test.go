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

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// max_retries is the number of retries. If it is unknown, the client uses the default, so that a refresh is possible.
func TestProvider_maxRetries(t *testing.T) {
	t.Parallel()
	for setting, want := range map[any]int{nil: 6, 2: 3, tftypes.UnknownValue: 6} {
		server := emulator.New(t, emulator.Options{})
		server.InjectFault(emulator.Fault{Times: -1, StatusCode: http.StatusBadGateway})
		p := providertest.NewProtocol(t, server, map[string]any{"max_retries": setting})
		p.ReadData(t, jobType, map[string]any{"job_id": "x"}).Expect(t, "HTTP 502")
		if got := len(server.Requests()); got != want {
			t.Errorf("max_retries = %v: %d requests, want %d", setting, got, want)
		}
	}
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
	stdout := mustApply(t, cli)
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
		"path": "cacert_file = \"" + writeFile(t, certificate) + "\"\n",
		"text": "cacert_file = <<-EOT\n" + certificate + "EOT\n", "insecure": "insecure = true\n",
	} {
		config = append(config, aliased(name, common+argument))
	}
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", strings.Join(config, ""))
	succeed(t, cli, "plan", "-no-color", "-input=false")
}
