// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// What one source says does not reach into another, and what nobody takes does no harm.
func TestProvider_credentialsDoNotMix(t *testing.T) {
	providertest.Prepare(t)
	const key = "key EMULATORACCESSKEY"
	home := homeWith(t, `{"current":"work","profiles":[{"name":"work","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key",
		"region":"cn-east-3","projectId":"of-the-profile"}]}`)
	agency := map[string]string{"HW_ASSUME_ROLE_AGENCY_NAME": "emulator-agency", "HW_ASSUME_ROLE_DOMAIN_ID": emulator.DomainID}
	for name, c := range map[string]credentialsCase{
		"project of the profile": {"profile = \"work\"\n", map[string]string{"HOME": home}, key, "of-the-profile", nil},
		"project of the profile is not one of another region": {
			region + "profile = \"work\"\n", map[string]string{"HOME": home}, key, emulator.ProjectID("cn-north-4"), []string{lookUp},
		},
		"project_name beats the project of the profile": {
			"profile = \"work\"\nproject_name = \"team\"\n", map[string]string{"HOME": home}, key, emulator.ProjectID("team"), []string{lookUp},
		},
		"project of a profile whose keys are not taken": {
			keyBlock, map[string]string{"HOME": home, "HW_PROFILE": "work"}, key, emulator.ProjectID("cn-east-3"), []string{lookUp},
		},
		"default profile beside a configured source": {
			region + oidcBlock, map[string]string{"HOME": home}, "temporary key", emulator.ProjectID("cn-north-4"), []string{exchange, assume, assume, lookUp},
		},
		"agency of the environment is the one of the ID token": {
			region + "assume_role_with_oidc {\n  idp_id = \"emulator-idp\"\n  id_token = \"emulator-id-token\"\n}\n", agency,
			"temporary key", emulator.ProjectID("cn-north-4"),
			[]string{exchange, assume, assume, lookUp},
		},
		"profile of the environment that does not exist, beside configured keys": {
			region + keyBlock, map[string]string{"HW_PROFILE": "nobody", "HW_SHARED_CONFIG_FILE": "/nonexistent"}, key, emulator.ProjectID("cn-north-4"), []string{lookUp},
		},
		"half a source behind a whole one, both of the environment": {
			region,
			map[string]string{"HW_ACCESS_KEY": "EMULATORACCESSKEY", "HW_SECRET_KEY": "emulator-secret-key", "OS_USERNAME": "somebody"},
			key, emulator.ProjectID("cn-north-4"),
			[]string{lookUp},
		},
		"security token of the environment without keys": {
			region + tokenBlock, map[string]string{"HW_SECURITY_TOKEN": "left over"}, "token emulator-token", "", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			c.run(t)
		})
	}
}

// What else is wrong is said while Terraform plans, with the setting to mend.
func TestProvider_uselessCredentials(t *testing.T) {
	providertest.Prepare(t)
	for name, c := range map[string]struct {
		config      string
		environment map[string]string
		want        string
	}{
		"security token alone": {region + "security_token = \"canary\"\n", nil, "The credentials by access_key and secret_key are incomplete: access_key is not set."},
		"half a source before a whole one, both of the environment": {
			region,
			map[string]string{"HW_ACCESS_KEY": "canary", "HW_USER_ID": "u", "HW_USER_PASSWORD": "canary"},
			"secret_key is not set. Set it (environment variables HW_SECRET_KEY, OS_SECRET_KEY), or leave the others out.",
		},
		"profile of the environment that does not exist": {region, map[string]string{"HW_PROFILE": "nobody", "HOME": homeWith(t, `{"profiles":[]}`)}, `there is no profile "nobody"`},
		"password for no project": {
			"user_id = \"u\"\npassword = \"canary\"\nendpoints = { servicestage = \"https://servicestage.example\" }\n", nil,
			"Set region, project_name or project_id.",
		},
		"switch by its second name":      {region + keyBlock, map[string]string{"OS_INSECURE": "maybe"}, `The environment variable OS_INSECURE must be true or false. Got: "maybe".`},
		"auth_url with password":         {region + keyBlock + "auth_url = \"https://me:canary@iam.example\"\n", nil, "with a host and nothing but a path behind it."},
		"identity provider of two lines": {region + strings.Replace(oidcBlock, "emulator-idp", "a\\nb", 1), nil, "assume_role_with_oidc.idp_id (environment variable HW_ASSUME_ROLE_IDP_ID) holds characters that cannot be part of it"},
		"agency of a profile without its account": {
			region + "profile = \"a\"\n",
			map[string]string{"HOME": homeWith(t, `{"profiles":[{"name":"a","accessKeyId":"canary","secretAccessKey":"canary","agencyName":"b"}]}`)},
			`profile "a" names agency "b" without its account.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			providertest.Run(t, nil, resource.TestStep{
				Config: providertest.WithProvider("\n"+c.config, job), PlanOnly: true,
				ExpectError: regexp.MustCompile(`(?s)on [^\n]*\.tf line \d+.*` + words(c.want)),
			})
		})
	}
}

// The text of a login that failed leads to what is to be mended: the keys where they are wrong, the network where nobody answers, and
// what was tried where nothing was there.
func TestProvider_loginErrors(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const wrongKey = "The credentials are wrong. Check the provider's token, or its access_key, secret_key and security_token."
	wrong := strings.Replace(keyBlock, "emulator-secret-key", "canary-wrong", 1)
	for name, c := range map[string]struct {
		config string
		fault  emulator.Fault
		want   string
	}{
		"wrong key, look-up": {wrong, emulator.Fault{}, `looking up the id of project "cn-north-4": HTTP 401: APIGW.0301: .* ` + wrongKey},
		"wrong key, agency":  {wrong + roleBlock, emulator.Fault{}, `assuming agency "emulator-agency": HTTP 401: APIGW.0301: .* ` + wrongKey},
		"IAM out of order": {
			userBlock,
			emulator.Fault{StatusCode: http.StatusServiceUnavailable, Times: -1},
			`HTTP 503: the answer says no more. .* which says nothing of the credentials. Try again later.`,
		},
		"IAM out of reach": {userBlock, emulator.Fault{Drop: true, Times: -1}, `EOF. .* was not reached. Check the network`},
		"not IAM": {
			userBlock,
			emulator.Fault{StatusCode: http.StatusOK, Body: "<html>Welcome</html>"},
			`HTTP 200: "Welcome": .* This is no answer of identity and access management (IAM). Check the provider's region, cloud and auth_url, or endpoints.iam.`,
		},
		"empty ID token": {
			strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, fmt.Sprintf("id_token_file = %q", empty), 1),
			emulator.Fault{},
			`exchanging the ID token of identity provider "emulator-idp": assume_role_with_oidc.id_token_file (environment variable HW_ASSUME_ROLE_ID_TOKEN_FILE): the file .* is empty. Check id_token_file.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			if c.fault.Times != 0 || c.fault.StatusCode != 0 {
				server.InjectFault(c.fault)
			}
			config := region + c.config + fmt.Sprintf("endpoints = { servicestage = %q, iam = %q }\n", server.URL, server.URL)
			providertest.Run(t, server, resource.TestStep{
				Config:      providertest.WithProvider("\n"+config, job),
				ExpectError: regexp.MustCompile(`(?s)` + strings.ReplaceAll(words(c.want), `\.\*`, `.*`)),
			})
		})
	}
}

// An answer of the metadata service that is of no use does not hide what was tried before.
func TestProvider_uselessMetadata(t *testing.T) {
	providertest.Prepare(t)
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{Path: "/openstack/latest/securitykey", Times: -1, StatusCode: http.StatusNotFound})
	t.Setenv("HW_METADATA_DISABLED", "false")
	t.Setenv("HW_METADATA_ENDPOINT", server.URL)
	t.Setenv("HW_SERVICESTAGE_ENDPOINT", server.URL)
	t.Setenv("HOME", t.TempDir())
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.WithProvider("\n"+region, job),
		ExpectError: regexp.MustCompile(words("finding credentials: token: not set; access_key and secret_key: not set; user_name (or user_id) and password: not set; " +
			"profile: file ~/.hcloud/config.json not found; assume_role_with_oidc: not set; metadata: HTTP 404: the answer says no more.")),
	})
}
