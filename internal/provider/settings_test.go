// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const job = `
resource "servicestage_build_job" "test" {
  job_name = "app"
  environment_setting {}
}
`

// sender is what a request says of who sends it.
func sender(request emulator.Request) string {
	if token := request.Header.Get("X-Auth-Token"); token != "" {
		return "token " + token
	}
	_, key, _ := strings.Cut(request.Header.Get("Authorization"), "Access=")
	key, _, _ = strings.Cut(key, ",")
	return strings.TrimSpace("key " + key + " " + request.Header.Get("X-Security-Token"))
}

// Which setting reaches the service: the configuration beats the environment, whatever the setting.
func TestProvider_settings(t *testing.T) {
	providertest.Prepare(t)
	const keys = "access_key = \"AK\"\nsecret_key = \"SK\"\n"
	for name, c := range map[string]struct {
		config      string
		environment map[string]string
		options     emulator.Options
		sender      string
		project     string
	}{
		"keys configured": {
			config: keys, options: emulator.Options{AccessKey: "AK", SecretKey: "SK"}, sender: "key AK",
		},
		"keys of the environment": {
			environment: map[string]string{"HW_ACCESS_KEY": "AK", "HW_SECRET_KEY": "SK", "HW_PROJECT_ID": "p"},
			options:     emulator.Options{AccessKey: "AK", SecretKey: "SK"}, sender: "key AK", project: "p",
		},
		"configured keys before those of the environment": {
			config: keys, environment: map[string]string{"HW_ACCESS_KEY": "other", "HW_SECRET_KEY": "other"},
			options: emulator.Options{AccessKey: "AK", SecretKey: "SK"}, sender: "key AK",
		},
		"one half from each": {
			config: "access_key = \"AK\"\n", environment: map[string]string{"HW_SECRET_KEY": "SK"},
			options: emulator.Options{AccessKey: "AK", SecretKey: "SK"}, sender: "key AK",
		},
		"temporary keys": {
			config:  keys + "security_token = \"temporary\"\n",
			options: emulator.Options{AccessKey: "AK", SecretKey: "SK", SecurityToken: "temporary"}, sender: "key AK temporary",
		},
		"temporary keys of the environment": {
			config: keys, environment: map[string]string{"HW_SECURITY_TOKEN": "temporary"},
			options: emulator.Options{AccessKey: "AK", SecretKey: "SK", SecurityToken: "temporary"}, sender: "key AK temporary",
		},
		"token configured": {
			config: "token = \"T\"\n", options: emulator.Options{Token: "T"}, sender: "token T",
		},
		"token of the environment": {
			environment: map[string]string{"HW_AUTH_TOKEN": "T"}, options: emulator.Options{Token: "T"}, sender: "token T",
		},
		"token before keys, both of the environment": {
			environment: map[string]string{"HW_AUTH_TOKEN": "T", "HW_ACCESS_KEY": "AK", "HW_SECRET_KEY": "SK"},
			options:     emulator.Options{Token: "T"}, sender: "token T",
		},
		"configured keys before a token of the environment": {
			config: keys, environment: map[string]string{"HW_AUTH_TOKEN": "T"},
			options: emulator.Options{AccessKey: "AK", SecretKey: "SK"}, sender: "key AK",
		},
		"project configured": {
			config: "token = \"T\"\nproject_id = \"p\"\n", environment: map[string]string{"HW_PROJECT_ID": "other"},
			options: emulator.Options{Token: "T"}, sender: "token T", project: "p",
		},
		"everything else of the environment": {
			environment: map[string]string{
				"HW_AUTH_TOKEN": "T", "HW_REGION_NAME": "r", "HW_ENTERPRISE_PROJECT_ID": "0", "HW_INSECURE": "true",
				"HW_MAX_RETRIES": "0", "HW_IAM_ENDPOINT": "http://192.0.2.1",
			},
			options: emulator.Options{Token: "T"}, sender: "token T",
		},
	} {
		for _, endpointFrom := range []string{"configuration", "environment"} {
			t.Run(name+", endpoint of the "+endpointFrom, func(t *testing.T) {
				server := emulator.New(t, c.options)
				config := c.config
				if endpointFrom == "configuration" {
					config += "endpoints = { servicestage = \"" + server.URL + "/\" }\n"
					t.Setenv("HW_SERVICESTAGE_ENDPOINT", "http://127.0.0.1:1")
				} else {
					t.Setenv("HW_SERVICESTAGE_ENDPOINT", server.URL)
				}
				for variable, value := range c.environment {
					t.Setenv(variable, value)
				}
				providertest.Run(t, server, resource.TestStep{Config: providertest.WithProvider("\n"+config, job)})
				for _, request := range server.Requests() {
					if got := sender(request); got != c.sender {
						t.Errorf("%s %s was sent by %q, want %q", request.Method, request.Path, got, c.sender)
					}
					if got := request.Header.Get("X-Project-Id"); got != c.project {
						t.Errorf("%s %s is for project %q, want %q", request.Method, request.Path, got, c.project)
					}
					if got := request.Header.Get("User-Agent"); !strings.HasPrefix(got, "terraform-provider-servicestage/test Terraform/1.") {
						t.Errorf("User-Agent: %q", got)
					}
				}
			})
		}
	}
}

// A profile of KooCLI's file is taken where nothing else is set, and its project with it.
func TestProvider_profile(t *testing.T) {
	providertest.Prepare(t)
	file := filepath.Join(t.TempDir(), "config.json")
	content := `{"current":"keys","profiles":[
		{"name":"keys","mode":"AKSK","accessKeyId":"AK","secretAccessKey":"SK","projectId":"p"},
		{"name":"sso","mode":"SSO","ssoAuth":{"stsToken":{"accessKeyId":"AK","secretAccessKey":"SK","securityToken":"temporary"}}}]}`
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config          string
		environment     map[string]string
		sender, project string
	}{
		"current of the file":              {"shared_config_file = \"" + file + "\"\n", nil, "key AK", "p"},
		"named":                            {"shared_config_file = \"" + file + "\"\nprofile = \"sso\"\n", nil, "key AK temporary", ""},
		"of the environment":               {"", map[string]string{"HW_SHARED_CONFIG_FILE": file, "HW_PROFILE": "sso"}, "key AK temporary", ""},
		"project set otherwise":            {"shared_config_file = \"" + file + "\"\nproject_id = \"own\"\n", nil, "key AK", "own"},
		"token before the profile":         {"token = \"T\"\n", map[string]string{"HW_SHARED_CONFIG_FILE": file}, "token T", ""},
		"default file, in the home folder": {"profile = \"keys\"\n", map[string]string{"HOME": homeWith(t, content)}, "key AK", "p"},
	} {
		t.Run(name, func(t *testing.T) {
			server := emulator.New(t, emulator.Options{AccessKey: "AK", SecretKey: "SK", Token: "T"})
			t.Setenv("HW_SERVICESTAGE_ENDPOINT", server.URL)
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			providertest.Run(t, server, resource.TestStep{Config: providertest.WithProvider("\n"+c.config, job)})
			for _, request := range server.Requests() {
				if got := sender(request); got != c.sender {
					t.Errorf("%s %s was sent by %q, want %q", request.Method, request.Path, got, c.sender)
				}
				if got := request.Header.Get("X-Project-Id"); got != c.project {
					t.Errorf("%s %s is for project %q, want %q", request.Method, request.Path, got, c.project)
				}
			}
		})
	}
}

// homeWith is a home folder with a configuration file of KooCLI.
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

// How often a call is tried again is a setting.
func TestProvider_maxRetries(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"": 6, "max_retries = 0\n": 1, "max_retries = 2\n": 3} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			server.InjectFault(emulator.Fault{Method: http.MethodGet, Times: -1, StatusCode: http.StatusBadGateway})
			config := strings.Replace(providertest.Config(server, "data \"servicestage_build_job\" \"test\" {\n  job_id = \"x\"\n}\n"),
				"region ", setting+"  region ", 1)
			providertest.Run(t, nil, resource.TestStep{Config: config, PlanOnly: true, ExpectError: regexp.MustCompile(`HTTP 502`)})
			if got := server.CountRequests(http.MethodGet, "/assembling/v1/jobs/x"); got != want {
				t.Errorf("%d requests, want %d", got, want)
			}
		})
	}
}

// Wrong settings are found while Terraform plans, with the line to mend.
func TestProvider_invalid(t *testing.T) {
	providertest.Prepare(t)
	const good = "region = \"cn-north-4\"\naccess_key = \"AK\"\nsecret_key = \"SK\"\n"
	endpoint := func(url string) string { return good + "endpoints = { servicestage = \"" + url + "\" }\n" }
	for name, c := range map[string]struct {
		config      string
		environment map[string]string
		line, want  string
	}{
		"access key alone":        {"region = \"r\"\naccess_key = \"AK\"\n", nil, `provider "servicestage" {`, "The credentials by access_key and secret_key are incomplete: secret_key is not set. Set it (environment variables HW_SECRET_KEY, OS_SECRET_KEY), or leave the others out."},
		"secret key alone":        {"region = \"r\"\nsecret_key = \"SK\"\n", nil, `provider "servicestage" {`, "The credentials by access_key and secret_key are incomplete: access_key is not set. Set it (environment variables HW_ACCESS_KEY, OS_ACCESS_KEY), or leave the others out."},
		"half of the environment": {"region = \"r\"\n", map[string]string{"HW_ACCESS_KEY": "AK"}, `provider "servicestage" {`, "The credentials by access_key and secret_key are incomplete: secret_key is not set. Set it (environment variables HW_SECRET_KEY, OS_SECRET_KEY), or leave the others out."},
		"no credentials": {"region = \"r\"\n", map[string]string{"HOME": t.TempDir()}, `provider "servicestage" {`, "What was tried, in this order: token: not set; access_key and secret_key: not set; " +
			"user_name (or user_id) and password: not set; profile: file ~/.hcloud/config.json not found; assume_role_with_oidc: not set; " +
			"metadata: switched off by HW_METADATA_DISABLED. Set access_key and secret_key"},
		"no region, no endpoint":                            {"access_key = \"AK\"\nsecret_key = \"SK\"\n", nil, `provider "servicestage" {`, "Set region, such as cn-north-4, or the environment variable HW_REGION_NAME."},
		"malformed region":                                  {strings.Replace(good, "cn-north-4", "cn north/4", 1), nil, `region = "cn north/4"`, "A region is a name such as cn-north-4."},
		"region with a slash":                               {strings.Replace(good, "cn-north-4", "evil.example/", 1), nil, `region = "evil.example/"`, "A region is a name such as cn-north-4."},
		"token with a line break":                           {"region = \"r\"\ntoken = \"a\\nb\"\n", nil, `token = `, "token (environment variables HW_AUTH_TOKEN, OS_AUTH_TOKEN) holds characters that cannot be part of it"},
		"endpoint is no URL":                                {endpoint("not a url"), nil, `endpoints = `, `The endpoint "servicestage" (environment variable HW_SERVICESTAGE_ENDPOINT) must be a URL`},
		"endpoint is a word":                                {endpoint("servicestage"), nil, `endpoints = `, `must be a URL such as https://servicestage.cn-north-4.myhuaweicloud.com`},
		"endpoint is empty":                                 {endpoint(""), nil, `endpoints = `, `must be a URL such as`},
		"endpoint with a query":                             {endpoint("https://a.example/?x=1"), nil, `endpoints = `, `with a host and nothing but a path behind it`},
		"endpoint with an empty query":                      {endpoint("https://a.example/?"), nil, `endpoints = `, `with a host and nothing but a path behind it`},
		"endpoint with an empty fragment":                   {endpoint("https://a.example#"), nil, `endpoints = `, `with a host and nothing but a path behind it`},
		"endpoint without a scheme and with an empty query": {endpoint("a.example?"), nil, `endpoints = `, `with a host and nothing but a path behind it`},
		"IAM endpoint with an empty query":                  {good + "endpoints = { iam = \"https://a.example/v3?\" }\n", nil, `endpoints = `, `with a host and nothing but a path behind it`},
		"auth_url with an empty query":                      {good + "auth_url = \"https://a.example/v3?\"\n", nil, `auth_url = `, `with a host and nothing but a path behind it`},
		"auth_url with an empty fragment":                   {good + "auth_url = \"https://a.example/v3#\"\n", nil, `auth_url = `, `with a host and nothing but a path behind it`},
		"endpoint with a user":                              {endpoint("https://u:p@a.example"), nil, `endpoints = `, `with a host and nothing but a path behind it`},
		"endpoint of another kind":                          {endpoint("ftp://a.example"), nil, `endpoints = `, `must begin with https://`},
		"plain endpoint elsewhere":                          {endpoint("http://192.0.2.1"), nil, `endpoints = `, `over http:// credentials travel in clear text`},
		"endpoint of the environment":                       {good, map[string]string{"HW_SERVICESTAGE_ENDPOINT": "nonsense"}, `provider "servicestage" {`, `environment variable HW_SERVICESTAGE_ENDPOINT`},
		"IAM endpoint is no URL":                            {good + "endpoints = { iam = \"nonsense\" }\n", nil, `endpoints = `, `The endpoint "iam"`},
		"no such file":                                      {"region = \"r\"\nshared_config_file = \"/nonexistent/config.json\"\n", nil, `shared_config_file = `, "/nonexistent/config.json: no such file or directory. The file is named by shared_config_file"},
		"no such profile":                                   {"region = \"r\"\nprofile = \"nobody\"\n", map[string]string{"HOME": homeWith(t, `{"profiles":[]}`)}, `profile = `, `In ~/.hcloud/config.json, there is no profile "nobody"; there are none.`},
		"unknown endpoint":                                  {good + "endpoints = { ecs = \"https://a.example\" }\n", nil, `endpoints = `, `value must be one of: ["servicestage" "iam"]`},
		"negative retries":                                  {good + "max_retries = -1\n", nil, `max_retries = -1`, "value must be at least 0"},
		"retries of the environment":                        {good, map[string]string{"HW_MAX_RETRIES": "-1"}, `provider "servicestage" {`, `The environment variable HW_MAX_RETRIES must be a whole number of at least 0. Got: "-1".`},
		"insecure of the environment":                       {good, map[string]string{"HW_INSECURE": "maybe"}, `provider "servicestage" {`, `The environment variable HW_INSECURE must be true or false. Got: "maybe".`},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			providertest.Run(t, nil, resource.TestStep{
				Config:      providertest.WithProvider("\n"+c.config, job),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(`(?s)on [^\n]*\.tf line \d+.*` + words(c.line) + `.*` + words(c.want)),
			})
		})
	}
}

// words matches text across the line breaks that Terraform puts into messages.
func words(text string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(text), " ", `[\s│]+`)
}

// What may hold a password is not repeated.
func TestProvider_endpointWithPassword(t *testing.T) {
	t.Parallel()
	const url = "https://me:canary-secret@gw.example.com"
	for name, c := range map[string]struct {
		argument    string
		environment []string
		want        string
	}{
		"endpoint": {"endpoints = { servicestage = var.url }", nil, "Invalid endpoint"},
		"auth_url": {"auth_url = var.url", []string{"HW_IAM_ENDPOINT="}, "Invalid auth_url"},
		"metadata endpoint": {
			"", []string{"HOME=" + t.TempDir(), "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT=" + url}, "Invalid HW_METADATA_ENDPOINT",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
			cli.Env = append(cli.Env, c.environment...)
			cli.Write(t, "main.tf", providertest.Requirement+"provider \"servicestage\" {\n"+c.argument+"\n}\n"+job+
				"variable \"url\" { default = \""+url+"\" }\n")
			stdout, stderr, err := cli.Run(t, "plan", "-no-color", "-input=false")
			if err == nil || !strings.Contains(stderr, c.want) || strings.Contains(stdout+stderr, "canary-secret") {
				t.Errorf("%v\n%s\n%s", err, stdout, stderr)
			}
		})
	}
}

// White space around a credential, such as the line break at the end of a file, means nothing.
func TestProvider_credentialsAreTrimmed(t *testing.T) {
	providertest.Prepare(t)
	server := emulator.New(t, emulator.Options{Token: "T"})
	t.Setenv("HW_AUTH_TOKEN", " T\n")
	t.Setenv("HW_SERVICESTAGE_ENDPOINT", server.URL+"\n")
	providertest.Run(t, server, resource.TestStep{Config: providertest.WithProvider("\n", job)})
}

// A setting that the client can do without for now switches nothing off: what was deleted elsewhere shows in the plan.
func TestProvider_unknownRetries(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := func(input string) string {
		return strings.Replace(providertest.Config(server, "resource \"terraform_data\" \"later\" { input = "+input+" }\n"+job),
			"region ", "max_retries = terraform_data.later.output\n  region ", 1)
	}
	providertest.Run(t, server,
		resource.TestStep{Config: config("1")},
		resource.TestStep{
			PreConfig:        func() { server.RemoveJob(server.Jobs()[0].ID) },
			Config:           config("2"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("servicestage_build_job.test", plancheck.ResourceActionCreate)}},
		},
	)
}

// A setting that comes from a resource that is not applied yet fails no plan, and the apply uses its value.
func TestProvider_unknownSetting(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := providertest.WithProvider(`
  region     = "cn-north-4"
  access_key = terraform_data.later.output
  secret_key = "`+emulator.DefaultSecretKey+`"
  endpoints  = { servicestage = "`+server.URL+`", iam = "`+server.URL+`" }
`, "resource \"terraform_data\" \"later\" { input = \""+emulator.DefaultAccessKey+"\" }\n"+job)
	providertest.Run(t, server, resource.TestStep{Config: config})
}

// Plain HTTP to any loopback host is fine, and so is a host without a scheme, which means https.
func TestProvider_endpointForms(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Token: "T"})
	local := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.WithProvider("\n  token = \"T\"\n  endpoints = { servicestage = \""+local+"\", iam = \"iam.example.com\" }\n", job),
	})
	providertest.Run(t, nil, resource.TestStep{
		Config: providertest.WithProvider("\n  token = \"T\"\n  insecure = true\n  endpoints = { servicestage = \"http://192.0.2.1\" }\n", job),
		// Nothing is sent while a new resource is planned.
		PlanOnly: true, ExpectNonEmptyPlan: true,
	})
}

// Wrong credentials fail the operation that needs them, and the text names the setting to mend.
func TestProvider_wrongCredentials(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for name, arguments := range map[string]string{
		"secret key": "access_key = \"" + emulator.DefaultAccessKey + "\"\nsecret_key = \"canary-wrong\"",
		"token":      "token = \"canary-wrong\"",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, server, resource.TestStep{
				Config: providertest.WithProvider("\n"+arguments+"\nendpoints = { servicestage = \""+server.URL+"\" }\n", job),
				ExpectError: regexp.MustCompile(`(?s)HTTP 401:[\s│]+APIGW.0301.*` +
					words("The credentials are wrong. Check the provider's token, or its access_key, secret_key and security_token.")),
				Check: func(*terraform.State) error { return nil },
			})
		})
	}
}
