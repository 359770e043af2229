// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
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
	logIn    = "POST /v3/auth/tokens"
	lookUp   = "GET /v3/projects"
	assume   = "POST /v3.0/OS-CREDENTIAL/securitytokens"
	exchange = "POST /v3.0/OS-AUTH/id-token/tokens"
	domains  = "GET /v3/auth/domains"
	sts      = "POST /v5/agencies/assume"
	metadata = "GET /openstack/latest/securitykey"

	team           = "project_name = \"team\"\n"
	delegatedBlock = "agency_name = \"emulator-agency\"\nagency_domain_name = \"emulator-domain\"\n"
)

var userAgent = regexp.MustCompile(`^terraform-provider-servicestage/\S+ Terraform/1\.`)

// writeFile writes a new file, and returns its path.
func writeFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Each kind of credentials reaches the service, for the right project and after exactly these calls of IAM.
func TestProvider_credentials(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `{"current":"token","profiles":[
		{"name":"token","mode":"token","xAuthToken":"emulator-token","projectId":"p"},
		{"name":"agency","mode":"AKSK","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key",
		 "region":"cn-east-3","domainId":"`+emulator.DomainID+`",
		 "agencyName":"emulator-agency","agencyDomainName":"emulator-domain"}]}`)
	project := emulator.ProjectID("cn-north-4")
	const key, token, issued = "key EMULATORACCESSKEY", "token emulator-token", "issued token"
	teamID := emulator.ProjectID("team")
	cases := map[string]struct {
		arguments, sender, project string
		iam                        []string
	}{
		"token":            {region + tokenBlock, token, "", nil},
		"keys":             {region + keyBlock, key, project, []string{lookUp}},
		"keys_project":     {region + keyBlock + "project_id = \"p\"\n", key, "p", nil},
		"password":         {region + userBlock, issued, project, []string{logIn}},
		"password_project": {userBlock + team, issued, teamID, []string{logIn}},
		"password_ids": {
			region + "user_id = \"" + emulator.UserID + "\"\npassword = \"emulator-password\"\n",
			issued, project,
			[]string{logIn},
		},
		"profile": {region + "shared_config_file = \"" + file + "\"\n", token, "p", nil},
		"profile_agency": {
			"shared_config_file = \"" + file + "\"\nprofile = \"agency\"\n", "temporary key",
			emulator.ProjectID("cn-east-3"),
			[]string{assume, lookUp},
		},
		"oidc":        {region + oidcBlock, "temporary key", project, []string{exchange, assume, domains, sts, lookUp}},
		"metadata":    {region, "temporary key", project, []string{metadata, lookUp}},
		"agency_keys": {region + keyBlock + roleBlock, "temporary key", project, []string{domains, assume, lookUp}},
		"agency_id":   {region + keyBlock + roleByID, "temporary key", project, []string{domains, sts, lookUp}},
		"agency_caller": {
			region + keyBlock + roleByID + "domain_id = \"" + emulator.DomainID + "\"\n",
			"temporary key", project,
			[]string{sts, lookUp},
		},
		"agency_chain": {
			region + keyBlock + roleByID + roleBlock, "temporary key", project, []string{domains, sts, assume, lookUp},
		},
		"delegated": {region + keyBlock + delegatedBlock, issued, project, []string{domains, logIn}},
		"delegated_token": {
			tokenBlock + delegatedBlock + "delegated_project = \"team\"\n", issued, teamID, []string{logIn},
		},
		"exchanged": {region + tokenBlock + team, issued, teamID, []string{logIn}},
		"agency_password": {
			region + userBlock + roleBlock + "project_id = \"p\"\n", "temporary key", "p", []string{logIn, assume},
		},
		"agency_token": {region + tokenBlock + roleBlock, "temporary key", project, []string{assume, lookUp}},
	}
	servers, config := map[string]*emulator.Server{}, []string{providertest.Requirement}
	for name, c := range cases {
		servers[name] = emulator.New(t, emulator.Options{})
		config = append(config, aliased(name, c.arguments+endpointsOf(servers[name])))
	}
	cli := providertest.NewCLI(t, servers["metadata"])
	cli.Env = append(cli.Env, "HW_REGION_NAME=", "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_PROJECT_ID=",
		"HOME="+t.TempDir(), "HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT="+servers["metadata"].URL)
	cli.Write(t, "main.tf", strings.Join(config, ""))
	succeed(t, cli, "plan", "-no-color", "-input=false")
	for name, c := range cases {
		iam, requests := split(servers[name])
		if !slices.Equal(iam, c.iam) || len(requests) != 1 {
			t.Errorf("%s: calls of IAM are %v and %d requests reached the service, want %v and 1",
				name, iam, len(requests), c.iam)
		}
		for _, request := range requests {
			if got := sender(request); got != c.sender {
				t.Errorf("%s: the request was sent by %q, want %q", name, got, c.sender)
			}
			if got := request.Header.Get("X-Project-Id"); got != c.project {
				t.Errorf("%s: the request is for project %q, want %q", name, got, c.project)
			}
			if got := request.Header.Get("User-Agent"); !userAgent.MatchString(got) {
				t.Errorf("%s: User-Agent: %q", name, got)
			}
		}
	}
}

// A name in the provider block replaces the ID of something else in the environment, and the token of an agency is for
// its own project.
func TestProvider_configuredNamesPrecedeIDs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		arguments, project string
		iam                []string
	}{
		"project":   {keyBlock + team, emulator.ProjectID("team"), []string{lookUp}},
		"exchange":  {tokenBlock + team, emulator.ProjectID("team"), []string{logIn}},
		"user":      {userBlock + team, emulator.ProjectID("team"), []string{logIn}},
		"agency":    {keyBlock + roleBlock, "other", []string{assume}},
		"delegated": {tokenBlock + delegatedBlock, emulator.ProjectID("cn-north-4"), []string{logIn}},
	}
	servers, config := map[string]*emulator.Server{}, []string{providertest.Requirement}
	for name, c := range cases {
		servers[name] = emulator.New(t, emulator.Options{})
		config = append(config, aliased(name, region+c.arguments+endpointsOf(servers[name])))
	}
	cli := providertest.NewCLI(t, servers["project"])
	cli.Env = append(cli.Env, "HW_PROJECT_ID=other", "HW_USER_ID=other", "HW_ASSUME_ROLE_DOMAIN_ID=other",
		"HW_DOMAIN_ID="+emulator.DomainID)
	cli.Write(t, "main.tf", strings.Join(config, ""))
	stdout := succeed(t, cli, "plan", "-no-color", "-input=false")
	if got := strings.Count(stdout, "Warning: Unused project"); got != 1 {
		t.Errorf("%d warnings of the unused project, want 1:\n%s", got, stdout)
	}
	for name, c := range cases {
		iam, requests := split(servers[name])
		if !slices.Equal(iam, c.iam) || len(requests) != 1 || requests[0].Header.Get("X-Project-Id") != c.project {
			t.Errorf("%s: calls of IAM are %v, want %v; requests are %+v, want one for project %s",
				name, iam, c.iam, requests, c.project)
		}
	}
}

// IAM is called once for three operations if it rejects a login, and one of the three errors is complete.
func TestProvider_rejectedLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	wrongKeys := strings.Replace(keyBlock, "emulator-secret-key", "canary-wrong", 1)
	cases := map[string]struct {
		arguments string
		fault     emulator.Fault
		calls     int
	}{
		"password":    {strings.Replace(userBlock, "emulator-password", "canary-wrong", 1), emulator.Fault{}, 1},
		"agency":      {keyBlock + strings.Replace(roleBlock, "emulator-agency", "unknown", 1), emulator.Fault{}, 2},
		"agency_keys": {wrongKeys + roleBlock, emulator.Fault{}, 1},
		"oidc":        {strings.Replace(oidcBlock, "emulator-id-token", "canary-wrong", 1), emulator.Fault{}, 1},
		"look_up":     {wrongKeys, emulator.Fault{}, 1},
		"project":     {keyBlock + "project_name = \"unknown\"\n", emulator.Fault{}, 1},
		"page":        {userBlock, emulator.Fault{StatusCode: http.StatusOK, Body: "<html>Welcome</html>"}, 1},
	}
	servers, config := map[string]*emulator.Server{}, []string{providertest.Requirement}
	for name, c := range cases {
		iam := emulator.IAM{Projects: map[string]string{"cn-north-4": "p"}}
		servers[name] = emulator.New(t, emulator.Options{IAM: iam})
		if c.fault.StatusCode != 0 {
			servers[name].InjectFault(c.fault)
		}
		config = append(config, strings.Replace(
			aliased(name, "max_retries = 0\n"+c.arguments+endpointsOf(servers[name])), "{\n  provider",
			"{\n  count = 3\n  provider", 1))
	}
	cli := providertest.NewCLI(t, servers["password"])
	cli.Env = append(cli.Env, "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_PROJECT_ID=")
	cli.Write(t, "main.tf", strings.Join(config, ""))
	_, stderr, err := cli.Run(t, "plan", "-no-color", "-input=false")
	if err == nil || strings.Contains(stderr, "canary") {
		t.Errorf("%v\n%s", err, stderr)
	}
	const repeated, complete = "failed. Another error of this run explains the cause.", "Credentials in use:"
	text := strings.Join(strings.Fields(strings.ReplaceAll(stderr, "│", "")), " ")
	// Newer versions of Terraform show equal errors of one block once.
	if got := strings.Count(text, repeated); got != 2*len(cases) && got != len(cases) {
		t.Errorf("%d errors refer to another one, want %d or %d\n%s", got, 2*len(cases), len(cases), stderr)
	}
	if got := strings.Count(text, complete); got != len(cases) {
		t.Errorf("%d errors contain the cause, want %d\n%s", got, len(cases), stderr)
	}
	for name, c := range cases {
		if iam, _ := split(servers[name]); len(iam) != c.calls {
			t.Errorf("%s: calls of IAM are %v, want %d", name, iam, c.calls)
		}
	}
}

// A metadata service that does not respond delays an operation by two seconds only.
func TestProvider_metadataWithoutResponse(t *testing.T) {
	t.Parallel()
	release := make(chan bool)
	defer close(release)
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{Path: "/openstack/latest/securitykey", Times: -1, Do: func() { <-release }})
	cli := providertest.NewCLI(t, server)
	cli.Env = append(cli.Env, "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_METADATA_DISABLED=false",
		"HW_METADATA_ENDPOINT="+server.URL, "HOME="+t.TempDir())
	cli.Write(t, "main.tf", providertest.Requirement+aliased("none", ""))
	_, stderr, _ := cli.Run(t, "plan", "-no-color", "-input=false") // Its error is checked below.
	const want = "metadata service failed: no response in 2s."
	if got := errorsOf(stderr)["none"]; !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Concurrent operations share one login, one lookup of the project and one list of known build jobs.
func TestProvider_oneLogin(t *testing.T) {
	t.Parallel()
	const count = 50
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.Env = append(cli.Env, "HW_PROJECT_ID=")
	cli.Write(t, "main.tf", manyJobs(count)+"provider \"servicestage\" {\n"+roleBlock+"}\n")
	succeed(t, cli, "apply", "-no-color", "-input=false", "-auto-approve", "-parallelism=50")
	iam, requests := split(server)
	if want := []string{domains, assume, lookUp}; !slices.Equal(iam, want) || len(requests) != 2*count+1 {
		t.Errorf("calls of IAM are %v and %d requests reached the service, want %v and %d",
			iam, len(requests), want, 2*count+1)
	}
}

// clock is a clock that tests advance.
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

// Credentials that expire or are revoked during an apply fail no operation.
func TestProvider_refresh(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		block string
		end   func(server *emulator.Server, clock *clock)
	}{
		"expired keys of an agency": {keyBlock + roleBlock, func(_ *emulator.Server, clock *clock) {
			clock.advance(14 * time.Minute)
		}},
		"revoked token": {userBlock, func(server *emulator.Server, _ *clock) { server.RevokeCredentials() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &clock{now: time.Now()}
			server := emulator.New(t, emulator.Options{Now: clock.time, IAM: emulator.IAM{Lifetime: 15 * time.Minute}})
			block := strings.Replace(c.block, "agency_name", "duration = 900\n  agency_name", 1)
			jobs := strings.NewReplacer("app", "app-${count.index}", "{}", "{}\n  count = 15").Replace(job)
			posts := 0
			server.InjectFault(emulator.Fault{
				Method: http.MethodPost, Path: jobsPath, Do: func() { c.end(server, clock) },
				When: func(emulator.Request) bool { posts++; return posts == 5 },
			})
			factories := providertest.Factories(func(config *servicestage.Config) { config.Now = clock.time })
			config := providertest.WithProvider("\n"+region+block+endpointsOf(server), jobs)
			providertest.RunWith(t, server, factories, resource.TestStep{Config: config})
			iam, requests := split(server)
			if len(iam) < 4 {
				t.Errorf("calls of IAM are %v: nothing was refreshed", iam)
			}
			for _, request := range requests {
				if c.block != userBlock && request.StatusCode == http.StatusUnauthorized {
					t.Errorf("%s %s was sent with expired credentials", request.Method, request.Path)
				}
			}
		})
	}
}
