// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	logIn      = "POST /v3/auth/tokens"
	lookUp     = "GET /v3/projects"
	assume     = "POST /v3.0/OS-CREDENTIAL/securitytokens"
	exchange   = "POST /v3.0/OS-AUTH/id-token/tokens"
	metadata   = "GET /openstack/latest/securitykey"
	region     = "region = \"cn-north-4\"\n"
	userBlock  = "user_name = \"emulator-user\"\npassword = \"emulator-password\"\ndomain_name = \"emulator-domain\"\n"
	keyBlock   = "access_key = \"EMULATORACCESSKEY\"\nsecret_key = \"emulator-secret-key\"\n"
	tokenBlock = "token = \"emulator-token\"\n"
	roleBlock  = "assume_role {\n  agency_name = \"emulator-agency\"\n  domain_name = \"emulator-domain\"\n}\n"
	oidcBlock  = "assume_role_with_oidc {\n  agency_name = \"emulator-agency\"\n  domain_id = \"" + emulator.DomainID + "\"\n" +
		"  idp_id = \"emulator-idp\"\n  id_token = \"emulator-id-token\"\n}\n"
)

// issuedOr says of a sender whose credentials IAM has handed out just that.
func issuedOr(sender string) string {
	switch {
	case strings.HasPrefix(sender, "token token-"):
		return "issued token"
	case strings.HasPrefix(sender, "key TEMPORARY"):
		return "temporary key"
	}
	return sender
}

// split separates what IAM was asked for, in order, from what reached the service.
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

// credentialsCase is settings, and what comes of them: who the requests of the service are from and which project they are for, and what
// IAM is asked for before. A test sets the environment and runs it.
type credentialsCase struct {
	config      string
	environment map[string]string
	sender      string
	project     string
	iam         []string
}

func (c credentialsCase) run(t *testing.T) {
	t.Helper()
	server := emulator.New(t, emulator.Options{})
	t.Setenv("HW_SERVICESTAGE_ENDPOINT", server.URL)
	t.Setenv("HW_IAM_ENDPOINT", server.URL)
	t.Setenv("HW_METADATA_ENDPOINT", server.URL)
	providertest.Run(t, server, resource.TestStep{Config: providertest.WithProvider("\n"+c.config, job)})
	iam, requests := split(server)
	// Terraform starts the provider several times; each has to find out anew.
	if len(c.iam) > 0 && len(iam)%len(c.iam) != 0 || len(iam) < len(c.iam) {
		t.Errorf("IAM was asked for %v, want %v each time", iam, c.iam)
	}
	for i, request := range iam {
		if len(c.iam) == 0 || request != c.iam[i%len(c.iam)] {
			t.Errorf("IAM was asked for %v, want %v each time", iam, c.iam)
			break
		}
	}
	if len(requests) == 0 {
		t.Error("nothing reached the service")
	}
	for _, request := range requests {
		if got := issuedOr(sender(request)); got != c.sender {
			t.Errorf("%s %s was sent by %q, want %q", request.Method, request.Path, got, c.sender)
		}
		if got := request.Header.Get("X-Project-Id"); got != c.project {
			t.Errorf("%s %s is for project %q, want %q", request.Method, request.Path, got, c.project)
		}
	}
}

// Which credentials reach the service, and what IAM is asked for, over configuration, environment and profile: configured
// before ambient, and within each in the order of the list.
func TestProvider_credentials(t *testing.T) {
	providertest.Prepare(t)
	file := filepath.Join(t.TempDir(), "config.json")
	profiles := `{"current":"keys","profiles":[
		{"name":"keys","mode":"AKSK","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key"},
		{"name":"token","mode":"token","xAuthToken":"emulator-token","projectId":"p"},
		{"name":"agency","mode":"AKSK","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key","region":"cn-east-3",
		 "agencyName":"emulator-agency","agencyDomainName":"emulator-domain"}]}`
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	idToken := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(idToken, []byte("emulator-id-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	project := emulator.ProjectID("cn-north-4")
	const key, token = "key EMULATORACCESSKEY", "token emulator-token"
	keys := map[string]string{"HW_ACCESS_KEY": "EMULATORACCESSKEY", "HW_SECRET_KEY": "emulator-secret-key"}
	user := map[string]string{"HW_USER_NAME": "emulator-user", "HW_USER_PASSWORD": "emulator-password", "HW_DOMAIN_NAME": "emulator-domain"}
	oidc := map[string]string{
		"HW_ASSUME_ROLE_AGENCY_NAME": "emulator-agency", "HW_ASSUME_ROLE_DOMAIN_ID": emulator.DomainID,
		"HW_ASSUME_ROLE_IDP_ID": "emulator-idp", "HW_ASSUME_ROLE_ID_TOKEN_FILE": idToken,
	}
	home := map[string]string{"HOME": homeWith(t, profiles)}
	ambient := func(sets ...map[string]string) map[string]string {
		all := map[string]string{}
		for _, set := range sets {
			maps.Copy(all, set)
		}
		return all
	}
	tokens := map[string]string{"HW_AUTH_TOKEN": "emulator-token"}
	everything := ambient(tokens, keys, user, oidc, home, map[string]string{"HW_METADATA_DISABLED": "false"})
	without := func(set map[string]string, prefixes ...string) map[string]string {
		rest := map[string]string{}
		for variable, value := range set {
			if !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(variable, prefix) }) {
				rest[variable] = value
			}
		}
		return rest
	}

	for name, c := range map[string]credentialsCase{
		"1 token":           {region, everything, token, "", nil},
		"2 keys":            {region, without(everything, "HW_AUTH_TOKEN"), key, project, []string{lookUp}},
		"3 password":        {region, without(everything, "HW_AUTH_TOKEN", "HW_ACCESS_KEY", "HW_SECRET_KEY"), "issued token", project, []string{logIn}},
		"4 default profile": {region, ambient(oidc, home), key, project, []string{lookUp}},
		"4 named profile":   {region, ambient(oidc, map[string]string{"HW_SHARED_CONFIG_FILE": file, "HW_PROFILE": "token"}), token, "p", nil},
		"5 OIDC":            {region, ambient(oidc, map[string]string{"HOME": t.TempDir()}), "temporary key", project, []string{exchange, assume, assume, lookUp}},
		"6 metadata": {
			region, map[string]string{"HW_METADATA_DISABLED": "false", "HOME": t.TempDir()}, "temporary key", project, []string{metadata, lookUp},
		},

		"configured token":    {region + tokenBlock, without(everything, "HW_AUTH_TOKEN"), token, "", nil},
		"configured keys":     {region + keyBlock, everything, key, project, []string{lookUp}},
		"configured password": {region + userBlock, everything, "issued token", project, []string{logIn}},
		"configured profile":  {region + "shared_config_file = \"" + file + "\"\n", everything, key, project, []string{lookUp}},
		"configured OIDC":     {region + oidcBlock, everything, "temporary key", project, []string{exchange, assume, assume, lookUp}},

		"password by ids": {
			region + "user_id = \"" + emulator.UserID + "\"\npassword = \"emulator-password\"\n", nil, "issued token", project, []string{logIn},
		},
		"password, account by id": {
			region + "user_name = \"emulator-user\"\npassword = \"emulator-password\"\ndomain_id = \"" + emulator.DomainID + "\"\n",
			nil, "issued token", project,
			[]string{logIn},
		},
		"half a pair of the environment beside a configured source": {
			region + keyBlock, map[string]string{"OS_USERNAME": "somebody"}, key, project, []string{lookUp},
		},
		"half configured, half of the environment": {
			region + "access_key = \"EMULATORACCESSKEY\"\n",
			map[string]string{"HW_SECRET_KEY": "emulator-secret-key", "HW_AUTH_TOKEN": "other"},
			key, project,
			[]string{lookUp},
		},

		"assume_role on keys":     {region + keyBlock + roleBlock, nil, "temporary key", project, []string{assume, lookUp}},
		"assume_role on password": {region + userBlock + roleBlock, nil, "temporary key", project, []string{logIn, assume, lookUp}},
		"assume_role on a token":  {region + tokenBlock + roleBlock, nil, "temporary key", project, []string{assume, lookUp}},
		"assume_role on metadata": {
			region + roleBlock,
			map[string]string{"HW_METADATA_DISABLED": "false", "HOME": t.TempDir()},
			"temporary key", project,
			[]string{metadata, assume, lookUp},
		},
		"assume_role of the environment": {
			region + keyBlock,
			map[string]string{"HW_ASSUME_ROLE_AGENCY_NAME": "emulator-agency", "HW_ASSUME_ROLE_DOMAIN_ID": emulator.DomainID},
			"temporary key", project,
			[]string{assume, lookUp},
		},
		"assume_role of the profile": {
			"shared_config_file = \"" + file + "\"\nprofile = \"agency\"\n", nil, "temporary key", emulator.ProjectID("cn-east-3"), []string{assume, lookUp},
		},

		"project by name": {region + keyBlock + "project_name = \"cn-north-4_team\"\n", nil, key, emulator.ProjectID("cn-north-4_team"), []string{lookUp}},
		"project by name, password": {
			region + userBlock + "project_name = \"cn-north-4_team\"\n", nil, "issued token", emulator.ProjectID("cn-north-4_team"), []string{logIn},
		},
		"project by id":           {region + keyBlock + "project_id = \"p\"\n", nil, key, "p", nil},
		"project by id, password": {region + userBlock + "project_id = \"p\"\n", nil, "issued token", "p", []string{logIn}},
		"project by id, agency":   {region + userBlock + roleBlock + "project_id = \"p\"\n", nil, "temporary key", "p", []string{logIn, assume}},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range c.environment {
				t.Setenv(variable, value)
			}
			c.run(t)
		})
	}
}

// The names that the neighbouring provider reads besides are read after its own.
func TestProvider_otherVariables(t *testing.T) {
	providertest.Prepare(t)
	server := emulator.New(t, emulator.Options{})
	for variable, value := range map[string]string{
		"HW_SERVICESTAGE_ENDPOINT": server.URL, "OS_AUTH_URL": server.URL + "/v3", "OS_REGION_NAME": "cn-north-4",
		"OS_USERNAME": "emulator-user", "OS_PASSWORD": "emulator-password", "OS_USER_DOMAIN_NAME": "emulator-domain",
		"OS_TENANT_NAME": "cn-north-4_team", "OS_ACCESS_KEY": "", "HW_PROJECT_NAME": "",
	} {
		t.Setenv(variable, value)
	}
	providertest.Run(t, server, resource.TestStep{Config: providertest.WithProvider("", job)})
	_, requests := split(server)
	for _, request := range requests {
		if got, want := request.Header.Get("X-Project-Id"), emulator.ProjectID("cn-north-4_team"); got != want {
			t.Errorf("project %q, want %q", got, want)
		}
	}
	t.Setenv("HW_PROJECT_NAME", "cn-north-4_other")
	server.ForgetRequests()
	providertest.Run(t, server, resource.TestStep{Config: providertest.WithProvider("", job)})
	_, requests = split(server)
	if got, want := requests[0].Header.Get("X-Project-Id"), emulator.ProjectID("cn-north-4_other"); got != want {
		t.Errorf("HW_PROJECT_NAME: project %q, want %q", got, want)
	}
}

// What is wrong with credentials is said while Terraform plans, with the setting to mend.
func TestProvider_invalidCredentials(t *testing.T) {
	providertest.Prepare(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	oidc := func(without string) string {
		return region + regexp.MustCompile(`(?m)^ *`+without+` = .*\n`).ReplaceAllString(oidcBlock, "")
	}
	for name, c := range map[string]struct {
		config      string
		environment map[string]string
		want        string
	}{
		"token and keys":          {region + tokenBlock + keyBlock, nil, "The provider block sets both token and access_key and secret_key."},
		"keys and password":       {region + keyBlock + userBlock, nil, "The provider block sets both access_key and secret_key and user_name"},
		"keys and OIDC":           {region + keyBlock + oidcBlock, nil, "The provider block sets both access_key and secret_key and assume_role_with_oidc."},
		"user without password":   {region + "user_name = \"u\"\ndomain_name = \"d\"\n", nil, "password is not set. Set it (environment variables HW_USER_PASSWORD, OS_PASSWORD)"},
		"password without user":   {region + "password = \"p\"\n", nil, "user_name is not set."},
		"user without account":    {region + "user_name = \"u\"\npassword = \"p\"\n", nil, "domain_name, the account of the user, is not set."},
		"half of the environment": {region, map[string]string{"OS_PASSWORD": "p"}, "user_name is not set."},
		"agency without name":     {region + keyBlock + "assume_role {\n  domain_name = \"d\"\n}\n", nil, "Set agency_name"},
		"agency without account":  {region + keyBlock + "assume_role {\n  agency_name = \"a\"\n}\n", nil, `to the account of agency "a".`},
		"two agencies":            {region + keyBlock + roleBlock + roleBlock, nil, "list must contain at most 1 elements"},
		"duration too short":      {region + keyBlock + strings.Replace(roleBlock, "}", "duration = 60\n}", 1), nil, "value must be between 900 and 86400"},
		"duration elsewhere":      {region + keyBlock + roleBlock, map[string]string{"HW_ASSUME_ROLE_DURATION": "12h"}, `is a number of seconds from 900 to 86400. Got: "12h".`},
		"OIDC without provider":   {oidc("idp_id"), nil, "assume_role_with_oidc.idp_id is not set."},
		"OIDC without agency":     {oidc("agency_name"), nil, "assume_role_with_oidc.agency_name is not set."},
		"OIDC without account":    {oidc("domain_id"), nil, "assume_role_with_oidc.domain_id is not set."},
		"OIDC without token":      {oidc("id_token"), nil, "neither id_token nor id_token_file is set."},
		"OIDC with two tokens":    {strings.Replace(region+oidcBlock, "id_token =", "id_token_file = \"f\"\n  id_token =", 1), nil, "The block sets both id_token and id_token_file."},
		"cloud":                   {region + keyBlock + "cloud = \"https://x\"\n", nil, "cloud is the domain name behind those of the services"},
		"auth_url":                {region + keyBlock + "auth_url = \"nonsense\"\n", nil, "auth_url (environment variables HW_AUTH_URL, OS_AUTH_URL) must be a URL"},
		"auth_url in clear text":  {region + keyBlock + "auth_url = \"http://192.0.2.1/v3\"\n", nil, "over http:// credentials travel in clear text"},
		"cacert_file missing":     {region + keyBlock + "cacert_file = \"/nonexistent.pem\"\n", nil, "cacert_file (environment variables HW_CACERT_FILE, OS_CACERT) is a path, or the certificates themselves in PEM."},
		"cacert_file without any": {region + keyBlock + fmt.Sprintf("cacert_file = %q\n", empty), nil, "holds no certificate in PEM"},
		"cacert_file broken":      {region + keyBlock + "cacert_file = \"-----BEGIN CERTIFICATE-----\"\n", nil, "holds no certificate in PEM"},
		"metadata switch":         {region, map[string]string{"HW_METADATA_DISABLED": "maybe"}, `The environment variable HW_METADATA_DISABLED must be true or false. Got: "maybe".`},
		"profile that is encrypted": {
			region + "profile = \"a\"\n",
			map[string]string{"HOME": homeWith(t, `{"authEncrypt":"true","profiles":[{"name":"a","accessKeyId":"x","secretAccessKey":"y"}]}`)},
			"the secrets are encrypted, and only KooCLI can read them.",
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

// metadataOnly is an environment in which only the metadata service can have credentials.
func metadataOnly(t *testing.T, endpoint string) map[string]string {
	t.Helper()
	return map[string]string{"HW_METADATA_ENDPOINT": endpoint, "HW_METADATA_DISABLED": "false", "HOME": t.TempDir()}
}

// HW_METADATA_ENDPOINT is checked if the metadata service is used.
func TestProvider_invalidMetadataEndpoint(t *testing.T) {
	providertest.Prepare(t)
	const notURL = "The environment variable HW_METADATA_ENDPOINT must be a URL"
	for endpoint, want := range map[string]string{
		"nonsense":                 notURL,
		"http://192.0.2.1":         "The environment variable HW_METADATA_ENDPOINT must begin with https://",
		"http://127.0.0.1?":        notURL,
		"http://127.0.0.1#":        notURL,
		"http://169.254.169.254?":  notURL,
		"http://169.254.169.254/#": notURL,
	} {
		t.Run(endpoint, func(t *testing.T) {
			for variable, value := range metadataOnly(t, endpoint) {
				t.Setenv(variable, value)
			}
			providertest.Run(t, nil, resource.TestStep{
				Config: providertest.WithProvider("\n"+region, job), PlanOnly: true,
				ExpectError: regexp.MustCompile(words(want)),
			})
		})
	}
}

// The default written out is accepted, and a wrong value is no error if the credentials come from elsewhere.
func TestProvider_metadataEndpointIsNotRejected(t *testing.T) {
	providertest.Prepare(t)
	for name, c := range map[string]struct{ endpoint, config string }{
		"default":                   {"http://169.254.169.254", region},
		"default with a slash":      {"http://169.254.169.254/", region},
		"not used":                  {"nonsense", region + keyBlock},
		"not used, with a password": {"http://me:canary-secret@gw.example.com", region + tokenBlock},
		"not used, over http":       {"http://192.0.2.1", region + oidcBlock},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range metadataOnly(t, c.endpoint) {
				t.Setenv(variable, value)
			}
			// Planning a new job sends no request.
			providertest.Run(t, nil, resource.TestStep{Config: providertest.WithProvider("\n"+c.config, job), PlanOnly: true, ExpectNonEmptyPlan: true})
		})
	}
}

// Credentials that IAM refuses fail the operation that needs them, say what was done, and are tried once.
func TestProvider_refusedCredentials(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		config, want, call string
	}{
		"password": {
			strings.Replace(userBlock, "emulator-password", "canary-wrong", 1),
			`Error creating build job "app-0", logging in as user "emulator-user": HTTP 401: The username or password is wrong.`, logIn,
		},
		"agency": {
			keyBlock + strings.Replace(roleBlock, "emulator-agency", "nobody", 1),
			`assuming agency "nobody": HTTP 404: Could not find agency: nobody.`, assume,
		},
		"OIDC": {
			strings.Replace(oidcBlock, "emulator-id-token", "canary-wrong", 1),
			`exchanging the ID token of identity provider "emulator-idp": HTTP 401`, exchange,
		},
		"project": {
			keyBlock + "project_name = \"nowhere\"\n",
			`looking up the id of project "nowhere": IAM knows no project of this name for these credentials.`, lookUp,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{IAM: emulator.IAM{Projects: map[string]string{"cn-north-4": "p"}}})
			config := region + c.config + fmt.Sprintf("endpoints = { servicestage = %q, iam = %q }\n", server.URL, server.URL)
			providertest.Run(t, server, resource.TestStep{
				Config:      providertest.WithProvider("\n"+config, strings.ReplaceAll(strings.Replace(job, "app", "app-${count.index}", 1), "{}", "{}\n  count = 5")),
				ExpectError: regexp.MustCompile(words(c.want)),
			})
			iam, requests := split(server)
			count := 0
			for _, request := range iam {
				if request == c.call {
					count++
				}
			}
			if count != 1 || len(requests) != 0 {
				t.Errorf("IAM was asked %d times for %s, and the service got %d requests; want 1 and none", count, c.call, len(requests))
			}
		})
	}
}

// Where nothing is set and nobody answers for the metadata, the error says all that was tried.
func TestProvider_noMetadata(t *testing.T) {
	providertest.Prepare(t)
	server := emulator.New(t, emulator.Options{})
	release := make(chan bool)
	defer close(release)
	server.InjectFault(emulator.Fault{Path: "/openstack/latest/securitykey", Times: -1, Do: func() { <-release }})
	t.Setenv("HW_METADATA_DISABLED", "false")
	t.Setenv("HW_METADATA_ENDPOINT", server.URL)
	t.Setenv("HW_SERVICESTAGE_ENDPOINT", server.URL)
	t.Setenv("HOME", t.TempDir())
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.WithProvider("\n"+region, job),
		ExpectError: regexp.MustCompile(words("finding credentials: token: not set; access_key and secret_key: not set; user_name (or user_id) and password: not set; " +
			"profile: file ~/.hcloud/config.json not found; assume_role_with_oidc: not set; metadata: no answer in 2s.")),
	})
}

// Fifty operations at once need one login and one look-up of the project, for each time that Terraform starts the provider.
func TestProvider_oneLogin(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.Env = append(cli.Env, "HW_PROJECT_ID=")
	cli.Write(t, "main.tf", manyJobs(many)+"provider \"servicestage\" {\n"+roleBlock+"}\n")
	if _, stderr, err := cli.Run(t, "apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=50"); err != nil {
		t.Fatal(err, stderr)
	}
	iam, requests := split(server)
	if want := []string{assume, lookUp}; !slices.Equal(iam, want) || len(requests) != 2*many {
		t.Errorf("IAM was asked for %v and the service got %d requests, want %v and %d", iam, len(requests), want, 2*many)
	}
}

// clock is one that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Tokens and keys that die in the middle fail no operation: they are renewed before they expire, and once they are refused.
func TestProvider_renewal(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(server *emulator.Server, clock *clock){
		"expired": func(_ *emulator.Server, clock *clock) { clock.advance(14 * time.Minute) },
		"revoked": func(server *emulator.Server, _ *clock) { server.RevokeCredentials() },
	} {
		for source, block := range map[string]string{"agency": keyBlock + roleBlock, "password": userBlock, "OIDC": oidcBlock} {
			t.Run(source+" "+name, func(t *testing.T) {
				t.Parallel()
				clock := &clock{now: time.Now()}
				server := emulator.New(t, emulator.Options{Now: clock.time, IAM: emulator.IAM{Lifetime: 15 * time.Minute}})
				config := region + strings.Replace(block, "agency_name", "duration = 900\n  agency_name", 1) +
					fmt.Sprintf("endpoints = { servicestage = %q, iam = %q }\n", server.URL, server.URL)
				factories := providertest.Factories(func(config *servicestage.Config) { config.Now = clock.time })
				posts := 0
				server.InjectFault(emulator.Fault{
					Method: http.MethodPost, Path: jobsPath, Do: func() { die(server, clock) },
					When: func(emulator.Request) bool { posts++; return posts == 5 },
				})
				providertest.RunWith(t, server, factories, resource.TestStep{
					Config: providertest.WithProvider("\n"+config, strings.ReplaceAll(strings.Replace(job, "app", "app-${count.index}", 1), "{}", "{}\n  count = 20")),
				})
				iam, requests := split(server)
				if len(iam) < 4 {
					t.Errorf("IAM was asked for %v, which renews nothing", iam)
				}
				for _, request := range requests {
					if name == "expired" && request.StatusCode == http.StatusUnauthorized {
						t.Errorf("%s %s was sent with credentials that had expired", request.Method, request.Path)
					}
				}
			})
		}
	}
}

// The certificates of cacert_file are accepted besides those of the system, as a path and as they are, for IAM too.
func TestProvider_cacertFile(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	secure := httptest.NewTLSServer(server.Service)
	t.Cleanup(secure.Close)
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	config := func(argument string) string {
		return providertest.WithProvider("\n"+region+userBlock+argument+fmt.Sprintf("endpoints = { servicestage = %q, iam = %q }\n", secure.URL, secure.URL), job)
	}
	providertest.Run(t, server,
		resource.TestStep{Config: config(""), ExpectError: regexp.MustCompile(words("certificate signed by unknown authority"))},
		resource.TestStep{Config: config("cacert_file = \"" + file + "\"\n")},
		resource.TestStep{Config: config("cacert_file = <<-EOT\n" + certificate + "EOT\n"), PlanOnly: true},
		resource.TestStep{Config: config("insecure = true\n"), PlanOnly: true},
	)
}

// Credentials that come from a resource which is not applied yet fail no plan, wherever they stand.
func TestProvider_unknownCredentials(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]string{
		"password":    strings.Replace(userBlock, "\"emulator-password\"", "terraform_data.later.output", 1),
		"assume_role": keyBlock + strings.Replace(roleBlock, "\"emulator-agency\"", "terraform_data.later.output", 1),
		"OIDC":        strings.Replace(oidcBlock, "\"emulator-id-token\"", "terraform_data.later.output", 1),
		"auth_url":    userBlock + "auth_url = terraform_data.later.output\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			value := map[string]string{
				"password": "emulator-password", "assume_role": "emulator-agency", "OIDC": "emulator-id-token", "auth_url": server.URL + "/v3",
			}[name]
			endpoints := fmt.Sprintf("endpoints = { servicestage = %q, iam = %q }\n", server.URL, server.URL)
			if name == "auth_url" {
				endpoints = fmt.Sprintf("endpoints = { servicestage = %q }\n", server.URL)
			}
			providertest.Run(t, server, resource.TestStep{
				Config: providertest.WithProvider("\n"+region+block+endpoints, fmt.Sprintf("resource \"terraform_data\" \"later\" { input = %q }\n", value)+job),
			})
		})
	}
}
