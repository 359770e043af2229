// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// In configurations, "; " stands for a line break, and LABEL for the label of the mistake.

// jobWith returns a build job with the arguments.
func jobWith(arguments string) string {
	return `resource "servicestage_build_job" "LABEL" {; ` + arguments + "\n}\n"
}

// jobNamed returns a build job with a name and the other arguments.
func jobNamed(name string, arguments ...string) string {
	return jobWith(fmt.Sprintf("job_name = %q; environment_setting {}; ", name) + strings.Join(arguments, "; "))
}

// withRepository returns a build job with a code_repo block of the arguments.
func withRepository(arguments string) string {
	return jobNamed("app", `code_repo {; type = "GitHub"; namespace = "acme"; `+arguments+"; }")
}

// from returns a build job with a code_repo block with the URL.
func from(url string) string { return withRepository(fmt.Sprintf(`branch = "main"; url = %q`, url)) }

// onBranch returns a build job with a code_repo block with the branch.
func onBranch(branch string) string {
	return withRepository(fmt.Sprintf(`url = "https://github.com/acme/app"; branch = %q`, branch))
}

// withProvider returns a provider block with the arguments, and the resource or data source with this provider.
func withProvider(arguments, config string) string {
	return `provider "servicestage" {; alias = "LABEL"; ` + arguments + "\n}\n" +
		strings.Replace(config, "{", "{; provider = servicestage.LABEL\n", 1)
}

// onService returns a build job with a provider block for the service.
func onService(config string) string { return withProvider(atService, config) }

// dataSource returns a data source with the arguments.
func dataSource(kind, arguments string) string {
	return fmt.Sprintf("data %q \"LABEL\" {; %s\n}\n", kind, arguments)
}

// fromEnvironment is a mistake in environment variables, which a data source uses during planning.
func fromEnvironment(name string, variables ...string) mistake {
	return planned(name, dataSource(jobsType, "")).with(append(variables, "HW_REGION_NAME=cn-north-4")...)
}

// call sends requests to the provider over its protocol.
type call func(t *testing.T) []*tfprotov6.Diagnostic

const (
	jobType, jobsType                = "servicestage_build_job", "servicestage_build_jobs"
	buildType, startType, cancelType = "servicestage_build", "servicestage_start_build", "servicestage_cancel_build"

	servers     = `endpoints = { servicestage = "{service}", iam = "{service}", sts = "{service}" }; `
	atService   = region + keyBlock + `project_id = "p"; ` + servers
	atResponder = region + tokenBlock + `endpoints = { servicestage = "{responder}/`
	withToken   = region + tokenBlock
	withIAM     = region + userBlock + `endpoints = { servicestage = "{service}", iam = "`
)

// responses are what the responder returns, by the first element of the path.
var responses = map[string]emulator.Fault{
	"expired": {
		StatusCode: http.StatusUnauthorized,
		Body:       `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`,
	},
	"forbidden": {
		StatusCode: http.StatusForbidden,
		Body:       `{"error_code":"APIGW.0302","error_msg":"IAM user not authorized"}`,
	},
	"throttled": {
		StatusCode: http.StatusTooManyRequests,
		Body:       `{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}`,
	},
	"clock": {
		StatusCode: http.StatusUnauthorized,
		Body:       `{"error_code":"APIGW.0301","error_msg":"verify aksk signature fail"}`,
		Header:     http.Header{"Date": {time.Now().Add(-2 * time.Hour).UTC().Format(http.TimeFormat)}},
	},
	"unavailable": {StatusCode: http.StatusBadGateway, Body: "<html><h1>Bad Gateway</h1></html>"},
	"blocked":     {StatusCode: http.StatusForbidden, Body: "<html><h1>Blocked</h1> by policy</html>"},
	"missing":     {StatusCode: http.StatusNotFound},
	"empty":       {StatusCode: http.StatusBadRequest},
	"page":        {StatusCode: http.StatusOK, Body: "<html>Welcome</html>"},
	"redirect": {
		StatusCode: http.StatusMovedPermanently,
		Header:     http.Header{"Location": {"https://servicestage.example/v1"}},
	},
	"slow": {StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}},
}

func respond(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	response := responses[name]
	for header := range response.Header {
		w.Header().Set(header, response.Header.Get(header))
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write([]byte(response.Body)) // A client that is gone reads nothing.
}

// injectFaults makes the creation of some build jobs fail, each by its name.
func injectFaults(server *emulator.Server) {
	existing := server.Jobs()[0].ID
	created := func(id string) emulator.Fault {
		return emulator.Fault{StatusCode: http.StatusOK, Body: fmt.Sprintf(`{"job_id":%q,"job_name":"app"}`, id)}
	}
	for name, fault := range map[string]emulator.Fault{
		"forbidden": responses["forbidden"],
		"adopted":   {After: true, Drop: true},
		"resent":    {Drop: true},
		"lost":      {Drop: true, Times: -1},
		"similar": {Drop: true, Do: func() {
			environment := map[string]any{"cluster_id": "c"}
			server.AddJob(map[string]any{"job_name": "similar", "environment_setting": environment})
		}},
		"unreadable": created("unreadable"),
		"others":     created(existing),
		"server-code": {
			StatusCode: http.StatusInternalServerError,
			Body:       `{"error_code":"SVCSTG.CPE.5004401","error_msg":"internal error"}`, Times: -1,
		},
		"rejected": {
			StatusCode: http.StatusBadRequest,
			Body:       `{"error_code":"SVCSTG.CPE.4004401","error_msg":"no such cluster"}`,
		},
	} {
		fault.Method, fault.Path = http.MethodPost, jobsPath
		fault.When = func(request emulator.Request) bool { return strings.Contains(string(request.Body), `"`+name+`"`) }
		server.InjectFault(fault)
	}
	server.InjectFault(forbidden(http.MethodGet, jobsPath+"/unreadable"))
	server.InjectFault(forbidden(http.MethodDelete, ""))
	unchangeable := forbidden(http.MethodPut, "")
	unchangeable.When = func(request emulator.Request) bool {
		return strings.Contains(string(request.Body), `"unchangeable"`)
	}
	server.InjectFault(unchangeable)
}

var chapters = []struct {
	title    string
	mistakes []mistake
}{
	{"Build job: arguments", []mistake{
		invalid("misspelled argument", jobNamed("app", `job_descriptions = "x"`)).byTerraform(),
		invalid("architecture amd64",
			jobWith(`job_name = "app"; environment_setting {; build_os {; arch = "amd64"; }; }`)),
		invalid("no environment_setting", jobWith(`job_name = "app"`)),
		invalid("two environment_setting blocks", jobNamed("app", "environment_setting {}")).byTerraform(),
		invalid("code_repo without branch", withRepository(`url = "https://github.com/acme/app"`)),
		invalid("empty branch", onBranch("")),
		planned("branch with a blank", onService(onBranch("my branch"))),
		planned("URL with a blank", onService(from("https://github.com/acme/my app"))),
		planned("URL without a host", onService(from("https:///acme/app"))),
		planned("URL that is a name", onService(from("acme/app"))),
		invalid("URL with a password", from("https://me:secret@github.com/acme/app")),
		invalid("URL with a user name", from("https://me@github.com/acme/app")),
		planned("name with a trailing hyphen", onService(jobNamed("app-"))),
		invalid("description of 65 characters", jobNamed("app", `job_description = "`+strings.Repeat("x", 65)+`"`)),
		invalid("timeouts of soon and 0s", jobNamed("app", `timeouts {; create = "soon"; delete = "0s"; }`)),
	}},
	{"Data sources and builds: arguments", []mistake{
		invalid("data source with ID and name", dataSource(jobType, `job_id = "a"; job_name = "b"`)),
		invalid("data source with neither ID nor name", dataSource(jobType, "")),
		invalid("ID with a slash", dataSource(buildType, `build_id = "a/b"`)),
		invalid("log limit of 0", dataSource(buildType, `build_id = "a"; log_limit = 0`)),
		invalid("two name filters", dataSource(jobsType, `job_name_prefix = "a"; job_name = "b"`)),
		invalid("empty name filter", dataSource(jobsType, `job_name_prefix = ""`)),
		invalid("build with an empty job ID", `resource "servicestage_build" "LABEL" { job_id = "" }`),
	}},
	{"Provider: credentials", []mistake{
		configured("no credentials", region),
		planned("no credentials and several operations", dataSource(jobsType, "count = 3")).with(
			"HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT={closed}", "HW_REGION_NAME=cn-north-4"),
		fromEnvironment("metadata service without an agency",
			"HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT={responder}/missing"),
		configured("access key only", region+`access_key = "AK"`),
		fromEnvironment("access key only, from the environment", "HW_ACCESS_KEY=AK"),
		configured("password without account", region+`user_name = "ci"; password = "x"`),
		configured("wrong secret", wrong(atService, "emulator-secret-key")),
		fromEnvironment("wrong secret from the environment", "HW_ACCESS_KEY="+emulator.DefaultAccessKey,
			"HW_SECRET_KEY=wrong", "HW_SERVICESTAGE_ENDPOINT={service}", "HW_PROJECT_ID=p"),
		configured("wrong token", wrong(withToken, "emulator-token")+servers),
		configured("wrong secret of the keys of an agency", wrong(atService, "emulator-secret-key")+roleBlock),
		configured("wrong keys of a profile", region+`shared_config_file = "config.json"; `+servers),
		configured("wrong password", strings.Replace(withIAM, "emulator-password", "guess", 1)+`{service}" }`),
		fromEnvironment("stale token variable beside valid keys", "HW_AUTH_TOKEN=stale",
			"HW_ACCESS_KEY="+emulator.DefaultAccessKey, "HW_SECRET_KEY="+emulator.DefaultSecretKey,
			"HW_SERVICESTAGE_ENDPOINT={responder}/expired"),
		configured("expired token", atResponder+`expired" }`),
		configured("token with a line break", region+`token = "a\nb"`),
		configured("missing permission", atResponder+`forbidden" }`),
		configured("clock off by two hours", strings.Replace(atService, "{service}", "{responder}/clock", 1)),
		configured("two sources in the block", region+keyBlock+tokenBlock+servers),
		configured("agency that does not exist", atService+strings.Replace(roleBlock, "emulator-agency", "unknown", 1)),
		configured("agency without an account", region+keyBlock+`assume_role {; agency_name = "builds"; }`),
		configured("agency without a name", region+keyBlock+`assume_role {; domain_name = "acme"; }`),
		configured("agency token without a name", region+keyBlock+`agency_domain_name = "acme"`),
		configured("two agencies", region+keyBlock+`agency_name = "a"; agency_domain_name = "b"; `+roleBlock),
		configured("short duration", atService+strings.Replace(roleBlock, "}", "duration = 600\n}", 1)),
		configured("long duration",
			region+keyBlock+`assume_role {; agency_name = "a"; domain_id = "b"; duration = 50000; }`),
		configured("ID token file that is empty",
			region+strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, `id_token_file = "empty"`, 1)+servers),
		configured("ID token of another provider", region+wrong(oidcBlock, "emulator-id-token")+servers),
		configured("OIDC without a token", region+strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, "", 1)),
		configured("ID token twice", region+strings.Replace(oidcBlock, "}", "id_token_file = \"empty\"\n}", 1)),
		configured("profile that does not exist", region+`shared_config_file = "config.json"; profile = "ci"`),
		configured("profile file that does not exist", region+`shared_config_file = "nowhere.json"`),
		configured("profile that is encrypted", region+`shared_config_file = "encrypted.json"`),
		configured("profile that is not JSON", region+`shared_config_file = "invalid.json"`),
		configured("project that does not exist",
			strings.Replace(atService, `project_id = "p"`, `project_name = "unknown"`, 1)),
	}},
	{"Provider: region and network", []mistake{
		configured("no region", keyBlock),
		configured("region that is no name", `region = "cn north 4"; `+keyBlock),
		called("misspelled region", unknownHost(map[string]any{"region": "cn-nroth-4", "endpoints": nil})),
		called("unknown host", unknownHost(map[string]any{"endpoints": map[string]tftypes.Value{
			"servicestage": tftypes.NewValue(tftypes.String, "https://servicestage.example"),
		}})),
		configured("https endpoint on a plain-text port", withToken+endpoint("{https}")),
		configured("http endpoint on another host", withToken+endpoint("http://servicestage.example")),
		configured("endpoint with a query", withToken+endpoint("https://servicestage.example/?a=b")),
		configured("misspelled key of endpoints",
			withToken+`endpoints = { servicestages = "https://servicestage.example" }`),
		configured("endpoint of another service",
			withToken+`endpoints = { servicestage = "{service}", ecs = "https://ecs.example" }`),
		configured("wrong endpoint path", withToken+endpoint("{service}/v2")),
		configured("redirect", atResponder+`redirect" }`),
		configured("service down", withToken+endpoint("{closed}")),
		configured("service unavailable", atResponder+`unavailable" }`),
		configured("service throttles", atResponder+`throttled" }`),
		configured("service requests a long wait", "max_retries = 1\n"+atResponder+`slow" }`),
		configured("response without a message", atResponder+`empty" }`),
		configured("page instead of JSON", atResponder+`page" }`),
		configured("page of a firewall", atResponder+`blocked" }`),
		configured("IAM down", withIAM+`{closed}" }`),
		configured("IAM unavailable", withIAM+`{responder}/unavailable" }`),
		configured("IAM redirects", withIAM+`{responder}/redirect" }`),
		configured("page instead of IAM", withIAM+`{responder}/page" }`),
		configured("rejecting proxy", withToken+endpoint("https://servicestage.example")),
		fromEnvironment("proxy down", "HW_AUTH_TOKEN=x", "HTTPS_PROXY={closed}"),
		configured("certificate of an unknown authority", withToken+endpoint("{tls}")),
		configured("certificate file that does not exist", withToken+`cacert_file = "nowhere.pem"`),
		configured("certificate file without a certificate", withToken+`cacert_file = "empty"`),
	}},
	{"Provider: other arguments", []mistake{
		invalid("negative number of retries", aliased("LABEL", "max_retries = -1\n")),
		invalid("two OIDC blocks", aliased("LABEL", oidcBlock+oidcBlock)),
		fromEnvironment("environment variable that is no number", "HW_AUTH_TOKEN=x", "HW_MAX_RETRIES=many"),
		fromEnvironment("environment variable that is no boolean", "HW_AUTH_TOKEN=x", "HW_INSECURE=maybe"),
		planned("unknown provider arguments", "resource \"terraform_data\" \"LABEL\" { input = \"cn-north-4\" }\n"+
			withProvider("region = terraform_data.LABEL.output; "+keyBlock, dataSource(jobsType, ""))),
	}},
	{"Build job: apply", []mistake{
		applied("name taken by a build job outside Terraform", jobNamed("taken")),
		applied("name taken in another case", jobNamed("taken-case")),
		applied("two resources with one name", jobNamed("twice")+second("servicestage_build_job.LABEL.job_name")),
		applied("name of a resource of an earlier apply",
			jobNamed("earlier")+second(`"earlier"`)).after(jobNamed("earlier")),
		applied("rename to a taken name", jobNamed("taken")).after(jobNamed("old-name")),
		applied("rename that is ignored", ignored("after")).after(ignored("before")),
		applied("build job deleted after the plan",
			jobNamed("deleted", `job_description = "x"`)).after(jobNamed("deleted")),
		applied("rejected create", jobNamed("rejected")),
		applied("create without permission", jobNamed("forbidden")),
		applied("update without permission",
			jobNamed("unchangeable", `job_description = "x"`)).after(jobNamed("unchangeable")),
		applied("delete without permission", "# The build job is removed.\n").after(jobNamed("undeletable")),
		applied("create without a response, adopted", jobNamed("adopted")),
		applied("create without a response, sent again", jobNamed("resent")),
		applied("create without a response, nothing created", jobNamed("lost")),
		applied("create without a response, another build job of this name", jobNamed("similar")),
		applied("create with an internal error", jobNamed("server-code")),
		applied("new build job that cannot be read", jobNamed("unreadable")),
		applied("response with the ID of another build job", jobNamed("others")),
	}},
	{"Build job: import and lookup", []mistake{
		called("import of a missing ID", importing(jobType, "missing", nil)),
		called("import of a bare name", importing(jobType, "checkout service", nil)),
		called("import of an empty ID", importing(jobType, "", nil)),
		called("import by name without a match", importing(jobType, "name/nothing", nil)),
		called("import by name in another case", importing(jobType, "name/APP", nil)),
		called("import by name with several matches", importing(jobType, "name/several", nil)),
		called("identity of another region", importing(jobType, "", inRegion)),
		called("identity with a region, provider without",
			importing(jobType, "", inRegion, map[string]any{"region": nil})),
		called("import while a provider argument is unknown",
			importing(jobType, "x", nil, map[string]any{"secret_key": tftypes.UnknownValue})),
		called("data source without a match", reading(jobType, map[string]any{"job_id": "missing"})),
		called("build job of another region", inAnotherRegion),
		called("build job of another project", elsewhere(map[string]any{"project_id": "other-project"})),
		called("build job of another endpoint", elsewhere(nil)),
		called("incomplete list of build jobs", reading(jobsType, nil,
			always(emulator.Fault{StatusCode: 200, Body: `{"total":5,"list":[]}`}, http.MethodGet, jobsPath))),
		called("details of build jobs that cannot be read", reading(jobsType,
			map[string]any{"details": true}, forbidden(http.MethodGet, jobsPath+"/*"))),
		called("base images that cannot be read", reading("servicestage_base_images", nil,
			forbidden(http.MethodGet, ""))),
		called("data source by name without a match", reading(jobType, map[string]any{"job_name": "nothing"})),
	}},
	{"Builds", []mistake{
		called("build of a deleted job", building(buildType, "missing", emulator.Outcome{})),
		called("build that fails", building(buildType, "",
			emulator.Outcome{Phase: "Build", Log: "npm ERR! missing script: build"})),
		called("build that times out", building(buildType, "", emulator.Outcome{Phase: "Build", State: "Building"})),
		called("build that ServiceStage ends after its own timeout", building(buildType, "",
			emulator.Outcome{Phase: "Build", State: "Timeout"})),
		called("build that is canceled outside Terraform", building(buildType, "",
			emulator.Outcome{Phase: "Build", State: "Cancel"})),
		called("build that is deleted outside Terraform", building(buildType, "",
			emulator.Outcome{Phase: "Build", State: "Deleted"})),
		called("start without permission", building(buildType, "", emulator.Outcome{},
			forbidden(http.MethodPost, jobsPath+"/*/builds"))),
		called("start without a response", building(buildType, "", emulator.Outcome{},
			emulator.Fault{Method: http.MethodPost, Path: jobsPath + "/*/builds", Drop: true})),
		called("start without a response, adopted", building(buildType, "", emulator.Outcome{},
			emulator.Fault{Method: http.MethodPost, Path: jobsPath + "/*/builds", Drop: true, After: true})),
		called("build that cannot be read", building(buildType, "", emulator.Outcome{},
			forbidden(http.MethodGet, "/assembling/v1/builds/*"))),
		called("import of a build by a malformed ID", importing(buildType, "a b", nil)),
		called("import of a missing build", importing(buildType, "missing", nil)),
		called("data source of a missing build", reading(buildType, map[string]any{"build_id": "missing"})),
		called("phases that cannot be read", reading(buildType, map[string]any{"build_id": "BUILD"},
			forbidden(http.MethodGet, "/assembling/v1/builds/*/phases"))),
		called("log that cannot be read", reading(buildType,
			map[string]any{"build_id": "BUILD", "log_limit": 10},
			forbidden(http.MethodGet, "/assembling/v1/builds/*/logs"))),
		called("incomplete list of builds", reading("servicestage_builds", map[string]any{"job_id": "JOB"},
			always(emulator.Fault{StatusCode: 200, Body: `{"total":5,"job_name":"app","builds":[]}`},
				http.MethodGet, jobsPath+"/*/builds"))),
		called("builds of a missing job", reading("servicestage_builds", map[string]any{"job_id": "missing"})),
		called("action whose build fails", building(startType, "",
			emulator.Outcome{Phase: "Download", Log: "fatal: repository not found"})),
		called("action whose build takes too long", building(startType, "",
			emulator.Outcome{Phase: "Build", State: "Building"})),
		called("cancel of a missing build", building(cancelType, "missing", emulator.Outcome{})),
		called("cancel without permission", building(cancelType, "", emulator.Outcome{},
			forbidden(http.MethodPatch, "/assembling/v1/builds/*"))),
	}},
}

// forbidden rejects requests for lack of a permission.
func forbidden(method, path string) emulator.Fault {
	return always(responses["forbidden"], method, path)
}

func always(fault emulator.Fault, method, path string) emulator.Fault {
	fault.Method, fault.Path, fault.Times = method, path, -1
	return fault
}

// wrong replaces the value of one setting.
func wrong(settings, value string) string { return strings.Replace(settings, value, "wrong", 1) }

func endpoint(url string) string { return fmt.Sprintf("endpoints = { servicestage = %q }", url) }

// second returns a second build job with the expression as name.
func second(name string) string {
	return strings.NewReplacer("LABEL\"", "LABEL_2\"", `"NAME"`, name).Replace(jobNamed("NAME"))
}

// ignored returns a build job of a service that ignores a change of the name.
func ignored(name string) string { return withProvider(endpoint("{ignoring}"), jobNamed(name)) }

var inRegion = map[string]any{"job_id": "x", "region": "cn-east-3"} // An identity.

// unknownHost lists build jobs where no host has an address.
func unknownHost(settings map[string]any) call {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		server := emulator.New(t, emulator.Options{})
		p := providertest.NewProtocol(t, server, settings, func(config *servicestage.Config) {
			config.MaxRetries = 0
			config.Dial = func(_ context.Context, network, address string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				missing := &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
				return nil, &net.OpError{Op: "dial", Net: network, Err: missing}
			}
		})
		return p.ReadData(t, jobsType, nil).Diagnostics
	}
}

// reading reads a data source. The values "BUILD" and "JOB" are replaced with the IDs of a build and of a build job.
func reading(kind string, arguments map[string]any, faults ...emulator.Fault) call {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		server := serviceWithJobs(t)
		arguments := maps.Clone(arguments)
		for name, value := range arguments {
			switch value {
			case "BUILD":
				arguments[name] = server.AddBuild(server.Jobs()[0].ID)
			case "JOB":
				arguments[name] = server.Jobs()[0].ID
			}
		}
		for _, fault := range faults {
			server.InjectFault(fault)
		}
		p := providertest.NewProtocol(t, server, map[string]any{"max_retries": 0})
		return p.ReadData(t, kind, arguments).Diagnostics
	}
}

// inAnotherRegion refreshes a build job after the region of the provider has changed.
func inAnotherRegion(t *testing.T) []*tfprotov6.Diagnostic {
	t.Helper()
	server := serviceWithJobs(t)
	job := providertest.NewProtocol(t, server, nil).NewInstance(jobType)
	job.Import(t, server.Jobs()[0].ID, nil).Expect(t)
	job.Protocol = providertest.NewProtocol(t, server, map[string]any{"region": "cn-east-3"})
	return job.Refresh(t)
}

// elsewhere refreshes a build job with the settings and another endpoint, unless settings has a project.
func elsewhere(settings map[string]any) call {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		server, other := serviceWithJobs(t), emulator.New(t, emulator.Options{})
		job := providertest.NewProtocol(t, server, nil).NewInstance(jobType)
		job.Import(t, server.Jobs()[0].ID, nil).Expect(t)
		job.Refresh(t).Expect(t)
		if server.RemoveJob(server.Jobs()[0].ID); settings != nil {
			other = server
		}
		job.Protocol = providertest.NewProtocol(t, other, settings)
		return job.Refresh(t)
	}
}

func serviceWithJobs(t *testing.T) *emulator.Server {
	t.Helper()
	server := emulator.New(t, emulator.Options{})
	for _, name := range []string{"app", "several", "several"} {
		server.AddJob(map[string]any{"job_name": name, "environment_setting": map[string]any{}})
	}
	return server
}

// importing imports a resource by its ID or, if that is not nil, by its identity, and reads it.
func importing(kind, id string, identity map[string]any, settings ...map[string]any) call {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		resource := providertest.NewProtocol(t, serviceWithJobs(t), append(settings, nil)[0]).NewInstance(kind)
		var wanted *tfprotov6.ResourceIdentityData
		if identity != nil {
			wanted = resource.NewIdentity(t, identity)
		}
		return append(resource.Import(t, id, wanted), resource.Refresh(t)...)
	}
}

// building runs a build of a build job with the outcome, as a resource or an action, on a clock that the waits advance.
// If the kind is the other action, it cancels a build. id replaces the ID of the build job or of the build.
func building(kind, id string, outcome emulator.Outcome, faults ...emulator.Fault) call {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		clock := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
		server := emulator.New(t, emulator.Options{Now: clock.time, BuildDuration: time.Minute})
		jobID := server.AddJob(map[string]any{"job_name": "checkout", "environment_setting": map[string]any{}})
		p := providertest.NewProtocol(t, server, nil, func(config *servicestage.Config) {
			config.Now, config.Authenticator, config.MaxRetries = clock.time, auth.Token(emulator.DefaultToken), 0
			config.Wait = func(ctx context.Context, d time.Duration) error {
				clock.advance(d)
				return ctx.Err()
			}
		})
		arguments := map[string]any{"job_id": jobID}
		if kind == cancelType {
			arguments = map[string]any{"build_id": server.AddBuild(jobID)}
		} else {
			server.InjectOutcomes(outcome)
		}
		for name := range arguments {
			if id != "" {
				arguments[name] = id
			}
		}
		for _, fault := range faults {
			server.InjectFault(fault)
		}
		if kind == buildType {
			return p.NewInstance(kind).Apply(t, arguments)
		}
		return p.Invoke(t.Context(), t, kind, arguments).Diagnostics
	}
}
