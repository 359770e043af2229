// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

	byKey          = "access key EMULATORACCESSKEY"
	byTemporaryKey = "access key TEMPORARY"
	byToken        = "token"
	byIssuedToken  = "token of emulator-user"

	team           = "project_name = \"team\"\n"
	delegatedBlock = "agency_name = \"emulator-agency\"\nagency_domain_name = \"emulator-domain\"\n"
)

var (
	userAgent    = regexp.MustCompile(`^terraform-provider-servicestage/\S+ Terraform/1\.`)
	temporaryKey = regexp.MustCompile(`TEMPORARY.*`)
)

// writeFile writes a new file, and returns its path.
func writeFile(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// login is a provider block, and the sender and the project of the request that follows these calls of IAM.
type login struct {
	arguments, sender, project string
	iam                        []string
}

// expectLogins plans with each of the provider blocks and a data source for it, and returns what Terraform printed.
// Blocks without a server get one.
func expectLogins(
	t *testing.T, cases map[string]login, servers map[string]*emulator.Server, environment ...string,
) string {
	t.Helper()
	config := []string{providertest.Requirement}
	for name, c := range cases {
		if servers[name] == nil {
			servers[name] = emulator.New(t, emulator.Options{})
		}
		config = append(config, aliased(name, c.arguments+endpointsOf(servers[name])))
	}
	cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
	cli.Env = append(cli.Env, environment...)
	cli.Write(t, "main.tf", strings.Join(config, ""))
	stdout := succeed(t, cli, "plan", "-no-color", "-input=false")
	for name, c := range cases {
		iam, requests := split(servers[name])
		if !slices.Equal(iam, c.iam) || len(requests) != 1 {
			t.Errorf("%s: calls of IAM are %v and %d requests reached the service, want %v and 1",
				name, iam, len(requests), c.iam)
		}
		for _, request := range requests {
			if got := temporaryKey.ReplaceAllString(request.Credential, "TEMPORARY"); got != c.sender {
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
	return stdout
}

// Each kind of credentials reaches the service, for the right project and after exactly these calls of IAM.
func TestProvider_credentials(t *testing.T) {
	t.Parallel()
	file := writeFile(t, `{"current":"token","profiles":[
		{"name":"token","mode":"token","xAuthToken":"emulator-token","projectId":"p"},
		{"name":"agency","mode":"AKSK","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key",
		 "region":"cn-east-3","domainId":"`+emulator.DomainID+`",
		 "agencyName":"emulator-agency","agencyDomainName":"emulator-domain"}]}`)
	project, metadataServer := emulator.ProjectID("cn-north-4"), emulator.New(t, emulator.Options{})
	cases := map[string]login{
		"token":            {region + tokenBlock, byToken, "", nil},
		"keys":             {region + keyBlock, byKey, project, []string{lookUp}},
		"password":         {region + userBlock, byIssuedToken, project, []string{logIn}},
		"password_project": {userBlock + team, byIssuedToken, emulator.ProjectID("team"), []string{logIn}},
		"password_ids": {
			region + "user_id = \"" + emulator.UserID + "\"\npassword = \"emulator-password\"\n",
			byIssuedToken, project,
			[]string{logIn},
		},
		"profile": {region + "shared_config_file = \"" + file + "\"\n", byToken, "p", nil},
		"profile_agency": {
			"shared_config_file = \"" + file + "\"\nprofile = \"agency\"\n",
			byTemporaryKey, emulator.ProjectID("cn-east-3"),
			[]string{assume, lookUp},
		},
		"oidc":     {region + oidcBlock, byTemporaryKey, project, []string{exchange, assume, domains, sts, lookUp}},
		"metadata": {region, byTemporaryKey, project, []string{metadata, lookUp}},
		"agency_chain": {
			region + keyBlock + roleByID + roleBlock, byTemporaryKey, project, []string{domains, sts, assume, lookUp},
		},
		"delegated": {region + keyBlock + delegatedBlock, byIssuedToken, project, []string{domains, logIn}},
		"agency_password": {
			region + userBlock + roleBlock + "project_id = \"p\"\n", byTemporaryKey, "p", []string{logIn, assume},
		},
		"agency_token": {region + tokenBlock + roleBlock, byTemporaryKey, project, []string{assume, lookUp}},
	}
	expectLogins(t, cases, map[string]*emulator.Server{"metadata": metadataServer},
		"HW_REGION_NAME=", "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_PROJECT_ID=", "HOME="+t.TempDir(),
		"HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT="+metadataServer.URL)
}

// A name in the provider block replaces the ID of something else in the environment, and the token of an agency is for
// its own project.
func TestProvider_configuredNamesPrecedeIDs(t *testing.T) {
	t.Parallel()
	teamID := emulator.ProjectID("team")
	stdout := expectLogins(t, map[string]login{
		"project":  {region + keyBlock + team, byKey, teamID, []string{lookUp}},
		"exchange": {region + tokenBlock + team, byIssuedToken, teamID, []string{logIn}},
		"user":     {region + userBlock + team, byIssuedToken, teamID, []string{logIn}},
		"agency":   {region + keyBlock + roleBlock, byTemporaryKey, "other", []string{assume}},
		"delegated": {
			region + tokenBlock + delegatedBlock, byIssuedToken, emulator.ProjectID("cn-north-4"), []string{logIn},
		},
	}, map[string]*emulator.Server{}, "HW_PROJECT_ID=other", "HW_USER_ID=other", "HW_ASSUME_ROLE_DOMAIN_ID=other",
		"HW_DOMAIN_ID="+emulator.DomainID)
	if got := strings.Count(stdout, "Warning: Unused project"); got != 1 {
		t.Errorf("%d warnings of the unused project, want 1:\n%s", got, stdout)
	}
}

// Concurrent operations share one login, one lookup of the project and one list of known build jobs.
func TestProvider_oneLogin(t *testing.T) {
	t.Parallel()
	const count = 50
	server := emulator.New(t, emulator.Options{})
	cli := configure(t, server, count)
	cli.Env = append(cli.Env, "HW_PROJECT_ID=")
	cli.Write(t, "provider.tf", "provider \"servicestage\" {\n"+roleBlock+"}\n")
	mustApply(t, cli, "-parallelism=50")
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

// Credentials that expire or are revoked during an apply fail no operation, and are refreshed once.
func TestProvider_refresh(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		settings map[string]any
		end      func(server *emulator.Server, clock *clock)
		iam      []string
	}{
		"expired token of an agency": {
			map[string]any{"agency_name": emulator.DefaultAgency, "agency_domain_name": emulator.DefaultDomainName},
			func(_ *emulator.Server, clock *clock) { clock.advance(14 * time.Minute) },
			[]string{domains, logIn, domains, logIn},
		},
		"revoked token": {
			map[string]any{
				"access_key": nil, "secret_key": nil, "user_name": emulator.DefaultUserName,
				"password": emulator.DefaultPassword, "domain_name": emulator.DefaultDomainName,
			},
			func(server *emulator.Server, _ *clock) { server.RevokeCredentials() },
			[]string{logIn, logIn},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &clock{now: time.Now()}
			server := emulator.New(t, emulator.Options{Now: clock.time, IAM: emulator.IAM{Lifetime: 15 * time.Minute}})
			posts := 0
			server.InjectFault(emulator.Fault{
				Method: http.MethodPost, Path: jobsPath, Do: func() { c.end(server, clock) },
				When: func(emulator.Request) bool { posts++; return posts == 5 },
			})
			c.settings["auth_url"] = server.URL
			setClock := func(config *servicestage.Config) { config.Now = clock.time }
			p := providertest.NewProtocol(t, server, c.settings, setClock)
			var running sync.WaitGroup
			for i := range 15 {
				running.Go(func() {
					job := map[string]any{"job_name": fmt.Sprint("app-", i), "environment_setting": providertest.Block}
					p.NewInstance(jobType).Apply(t, job).Expect(t)
				})
			}
			running.Wait()
			iam, requests := split(server)
			if !slices.Equal(iam, c.iam) {
				t.Errorf("calls of IAM are %v, want %v", iam, c.iam)
			}
			for _, request := range requests {
				if c.settings["password"] == nil && request.StatusCode == http.StatusUnauthorized {
					t.Errorf("%s %s was sent with an expired token", request.Method, request.Path)
				}
			}
		})
	}
}
