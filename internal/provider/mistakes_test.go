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
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// jobWith is a build job with the arguments.
func jobWith(arguments string) string {
	return "resource \"servicestage_build_job\" \"LABEL\" {\n" + arguments + "\n}\n"
}

// jobNamed is a build job with nothing but a name.
func jobNamed(name string) string {
	return jobWith(fmt.Sprintf("  job_name = %q\n  environment_setting {}", name))
}

// withRepository is a build job with a code_repo block of the arguments.
func withRepository(arguments string) string {
	return jobWith("  job_name = \"app\"\n  environment_setting {}\n  code_repo {\n    " + strings.ReplaceAll(arguments,
		"; ", "\n    ") + "\n  }")
}

// from is a code_repo block with the URL.
func from(url string) string {
	return withRepository(fmt.Sprintf(`type = "GitHub"; url = %q; branch = "main"; namespace = "acme"`, url))
}

// onBranch is a code_repo block with the branch.
func onBranch(branch string) string {
	return withRepository(fmt.Sprintf(`type = "GitHub"; url = "https://github.com/acme/app"; branch = %q; namespace = "acme"`,
		branch))
}

// onService is a build job with a provider block for the service.
func onService(config string) string {
	return "provider \"servicestage\" {\n  alias = \"LABEL\"\n" + atService + "\n}\n" +
		strings.Replace(config, "{\n", "{\n  provider = servicestage.LABEL\n", 1)
}

func dataSource(kind, arguments string) string {
	return fmt.Sprintf("data %q \"LABEL\" {\n  %s\n}\n", kind, strings.ReplaceAll(arguments, "; ", "\n  "))
}

const (
	atService = region + keyBlock + `project_id = "p"` + "\n" +
		`endpoints = { servicestage = "{service}", iam = "{service}", sts = "{service}" }`
	atResponder = region + tokenBlock + `endpoints = { servicestage = "{responder}/`
	withToken   = region + tokenBlock
	withIAM     = region + userBlock + `endpoints = { servicestage = "{service}", iam = "`
	iamToo      = `endpoints = { servicestage = "{service}", iam = "{service}", sts = "{service}" }`
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
		Header:     http.Header{"Date": {"Fri, 02 Jan 2026 03:04:05 GMT"}},
	},
	"unavailable": {StatusCode: http.StatusBadGateway, Body: "<html><h1>Bad Gateway</h1></html>"},
	"blocked":     {StatusCode: http.StatusForbidden, Body: "<html><h1>Blocked</h1> by policy</html>"},
	"missing":     {StatusCode: http.StatusNotFound},
	"silent":      {StatusCode: http.StatusBadRequest},
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
			server.AddJob(map[string]any{"job_name": "similar", "environment_setting": map[string]any{"cluster_id": "c"}})
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
	unreadable := responses["forbidden"]
	unreadable.Method, unreadable.Path, unreadable.Times = http.MethodGet, jobsPath+"/unreadable", -1
	server.InjectFault(unreadable)
	undeletable := responses["forbidden"]
	undeletable.Method, undeletable.Times = http.MethodDelete, -1
	server.InjectFault(undeletable)
	unchangeable := responses["forbidden"]
	unchangeable.Method, unchangeable.Times = http.MethodPut, -1
	unchangeable.When = func(request emulator.Request) bool {
		return strings.Contains(string(request.Body),
			`"unchangeable"`)
	}
	server.InjectFault(unchangeable)
}

var chapters = []struct {
	title    string
	mistakes []mistake
}{
	{"Build job: arguments", []mistake{
		invalid("misspelled argument", jobWith("  job_name = \"app\"\n  job_descriptions = \"x\"\n  environment_setting "+
			"{}")).byTerraform(),
		invalid("architecture amd64", jobWith("  job_name = \"app\"\n  environment_setting {\n    build_os {\n      arch = "+
			"\"amd64\"\n    }\n  }")),
		invalid("no environment_setting", jobWith("  job_name = \"app\"")),
		invalid("two environment_setting blocks", jobWith("  job_name = \"app\"\n  environment_setting {}\n  "+
			"environment_setting {}")).byTerraform(),
		invalid("code_repo without branch",
			withRepository(`type = "GitHub"; url = "https://github.com/acme/app"; namespace = "acme"`)),
		invalid("empty branch", onBranch("")),
		planned("branch with a blank", onService(onBranch("my branch"))),
		planned("URL with a blank", onService(from("https://github.com/acme/my app"))),
		planned("URL without a host", onService(from("https:///acme/app"))),
		planned("URL that is a name", onService(from("acme/app"))),
		invalid("URL with a password", from("https://me:secret@github.com/acme/app")),
		invalid("URL with a user name", from("https://me@github.com/acme/app")),
		planned("name with a trailing hyphen", onService(jobNamed("app-"))),
		invalid("description of 65 characters", jobWith("  job_name = \"app\"\n  job_description = \""+strings.Repeat("x",
			65)+"\"\n  environment_setting {}")),
		invalid("timeouts of soon and 0s", jobWith("  job_name = \"app\"\n  environment_setting {}\n  timeouts {\n    "+
			"create = \"soon\"\n    delete = \"0s\"\n  }")),
	}},
	{"Data sources and builds: arguments", []mistake{
		invalid("data source with ID and name", dataSource("servicestage_build_job", `job_id = "a"; job_name = "b"`)),
		invalid("data source with neither ID nor name", dataSource("servicestage_build_job", "")),
		invalid("ID with a slash", dataSource("servicestage_build", `build_id = "a/b"`)),
		invalid("log limit of 0", dataSource("servicestage_build", `build_id = "a"; log_limit = 0`)),
		invalid("two name filters", dataSource("servicestage_build_jobs", `job_name_prefix = "a"; job_name = "b"`)),
		invalid("empty name filter", dataSource("servicestage_build_jobs", `job_name_prefix = ""`)),
		invalid("build with an empty job ID", `resource "servicestage_build" "LABEL" { job_id = "" }`),
	}},
	{"Provider: credentials", []mistake{
		configured("no credentials", region),
		planned("no credentials and several operations", strings.Replace(dataSource("servicestage_build_jobs", ""), "{",
			"{\n  count = 3", 1)).with("HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT={closed}",
			"HW_REGION_NAME=cn-north-4"),
		planned("metadata service without an agency", dataSource("servicestage_build_jobs",
			"")).with("HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT={responder}/missing", "HW_REGION_NAME=cn-north-4"),
		configured("access key only", region+`access_key = "AK"`),
		planned("access key only, from the environment", dataSource("servicestage_build_jobs", "")).with("HW_ACCESS_KEY=AK",
			"HW_REGION_NAME=cn-north-4"),
		configured("password without account", region+"user_name = \"ci\"\npassword = \"x\""),
		configured("wrong secret", strings.Replace(atService, "emulator-secret-key", "wrong", 1)),
		planned("wrong secret from the environment", dataSource("servicestage_build_jobs", "")).with("HW_SECRET_KEY=wrong",
			"HW_REGION_NAME=cn-north-4", "HW_SERVICESTAGE_ENDPOINT={service}", "HW_ACCESS_KEY="+emulator.DefaultAccessKey,
			"HW_PROJECT_ID=p"),
		configured("wrong token", strings.Replace(withToken, "emulator-token", "wrong", 1)+iamToo),
		configured("wrong secret of the keys of an agency", strings.Replace(atService, "emulator-secret-key", "wrong",
			1)+"\n"+roleBlock),
		configured("wrong keys of a profile", region+"shared_config_file = \"config.json\"\n"+iamToo),
		configured("wrong password", strings.Replace(withIAM, "emulator-password", "wrong", 1)+`{service}" }`),
		planned("stale token variable beside valid keys", dataSource("servicestage_build_jobs",
			"")).with("HW_AUTH_TOKEN=stale", "HW_ACCESS_KEY="+emulator.DefaultAccessKey,
			"HW_SECRET_KEY="+emulator.DefaultSecretKey,
			"HW_SERVICESTAGE_ENDPOINT={responder}/expired", "HW_REGION_NAME=cn-north-4"),
		configured("expired token", atResponder+`expired" }`),
		configured("token with a line break", region+`token = "a\nb"`),
		configured("missing permission", atResponder+`forbidden" }`),
		configured("clock off by two hours", atResponder+`clock" }`),
		configured("two sources in the block", region+keyBlock+tokenBlock+iamToo),
		configured("agency that does not exist", atService+"\n"+strings.Replace(roleBlock, "emulator-agency", "unknown", 1)),
		configured("agency without an account", region+keyBlock+"assume_role {\n  agency_name = \"builds\"\n}"),
		configured("agency without a name", region+keyBlock+"assume_role {\n  domain_name = \"acme\"\n}"),
		configured("agency token without a name", region+keyBlock+`agency_domain_name = "acme"`),
		configured("two agencies", region+keyBlock+"agency_name = \"a\"\nagency_domain_name = \"b\"\n"+roleBlock),
		configured("short duration", atService+"\n"+strings.Replace(roleBlock, "}", "duration = 600\n}", 1)),
		configured("long duration", region+keyBlock+"assume_role {\n  agency_name = \"a\"\n  domain_id = \"b\"\n  duration "+
			"= 50000\n}"),
		configured("ID token file that is empty", region+strings.Replace(oidcBlock, `id_token = "emulator-id-token"`,
			`id_token_file = "empty"`, 1)+iamToo),
		configured("ID token of another provider", region+strings.Replace(oidcBlock, "emulator-id-token", "other", 1)+iamToo),
		configured("OIDC without a token", region+strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, "", 1)),
		configured("ID token twice", region+strings.Replace(oidcBlock, "}", "id_token_file = \"empty\"\n}", 1)),
		configured("profile that does not exist", region+"shared_config_file = \"config.json\"\nprofile = \"ci\""),
		configured("profile file that does not exist", region+`shared_config_file = "nowhere.json"`),
		configured("profile that is encrypted", region+`shared_config_file = "encrypted.json"`),
		configured("profile that is not JSON", region+`shared_config_file = "invalid.json"`),
		configured("project that does not exist", strings.Replace(atService, `project_id = "p"`, `project_name = "unknown"`,
			1)),
	}},
	{"Provider: region and network", []mistake{
		configured("no region", keyBlock),
		configured("region that is no name", "region = \"cn north 4\"\n"+keyBlock),
		called("misspelled region", unknownHost(map[string]any{"region": "cn-nroth-4", "endpoints": nil})),
		called("unknown host", unknownHost(map[string]any{"endpoints": endpoints("https://servicestage.example")})),
		configured("https endpoint on a plain-text port", withToken+`endpoints = { servicestage = "{https}" }`),
		configured("http endpoint on another host", withToken+`endpoints = { servicestage = "http://servicestage.example" }`),
		configured("endpoint with a query", withToken+`endpoints = { servicestage = "https://servicestage.example/?a=b" }`),
		configured("misspelled key of endpoints", withToken+`endpoints = { servicestages = "https://servicestage.example" }`),
		configured("endpoint of another "+
			"service", withToken+`endpoints = { servicestage = "{service}", ecs = "https://ecs.example" }`),
		configured("wrong endpoint path", withToken+`endpoints = { servicestage = "{service}/v2" }`),
		configured("redirect", atResponder+`redirect" }`),
		configured("service down", withToken+`endpoints = { servicestage = "{closed}" }`),
		configured("service unavailable", atResponder+`unavailable" }`),
		configured("service throttles", atResponder+`throttled" }`),
		configured("service requests a long wait", "max_retries = 1\n"+atResponder+`slow" }`),
		configured("response without a message", atResponder+`silent" }`),
		configured("page instead of JSON", atResponder+`page" }`),
		configured("page of a firewall", atResponder+`blocked" }`),
		configured("IAM down", withIAM+`{closed}" }`),
		configured("IAM unavailable", withIAM+`{responder}/unavailable" }`),
		configured("IAM redirects", withIAM+`{responder}/redirect" }`),
		configured("page instead of IAM", withIAM+`{responder}/page" }`),
		configured("rejecting proxy", withToken+`endpoints = { servicestage = "https://servicestage.example" }`),
		planned("proxy down", dataSource("servicestage_build_jobs", "")).with("HW_AUTH_TOKEN=x", "HTTPS_PROXY={closed}",
			"HW_REGION_NAME=cn-north-4"),
		configured("certificate of an unknown authority", withToken+`endpoints = { servicestage = "{tls}" }`),
		configured("certificate file that does not exist", withToken+`cacert_file = "nowhere.pem"`),
		configured("certificate file without a certificate", withToken+`cacert_file = "empty"`),
	}},
	{"Provider: other arguments", []mistake{
		invalid("negative number of retries", aliased("LABEL", "max_retries = -1\n")),
		invalid("two OIDC blocks", aliased("LABEL", oidcBlock+oidcBlock)),
		planned("environment variable that is no number", dataSource("servicestage_build_jobs", "")).with("HW_AUTH_TOKEN=x",
			"HW_MAX_RETRIES=many", "HW_REGION_NAME=cn-north-4"),
		planned("environment variable that is no boolean", dataSource("servicestage_build_jobs", "")).with("HW_AUTH_TOKEN=x",
			"HW_INSECURE=maybe", "HW_REGION_NAME=cn-north-4"),
		planned("unknown provider arguments", "resource \"terraform_data\" \"LABEL\" { input = \"cn-north-4\" }\nprovider "+
			"\"servicestage\" {\n  alias = \"LABEL\"\n"+
			"  region = terraform_data.LABEL.output\n"+keyBlock+"}\n"+dataSource("servicestage_build_jobs",
			"provider = servicestage.LABEL")),
	}},
	{"Build job: apply", []mistake{
		applied("name taken by a build job outside Terraform", jobNamed("taken")),
		applied("name taken in another case", jobNamed("taken-case")),
		applied("two resources with one name", jobNamed("twice")+"\nresource \"servicestage_build_job\" \"LABEL_2\" {\n  "+
			"job_name = servicestage_build_job.LABEL.job_name\n  environment_setting {}\n}\n"),
		applied("name of a resource of an earlier apply", jobNamed("earlier")+"\nresource \"servicestage_build_job\" "+
			"\"LABEL_2\" {\n  job_name = \"earlier\"\n  environment_setting {}\n}\n").after(jobNamed("earlier")),
		applied("rename to a taken name", jobNamed("taken")).after(jobNamed("old-name")),
		applied("rename that is ignored", ignored("after")).after(ignored("before")),
		applied("build job deleted after the plan", strings.Replace(jobNamed("deleted"), "{}",
			"{}\n  job_description = \"x\"", 1)).after(jobNamed("deleted")),
		applied("rejected create", jobNamed("rejected")),
		applied("create without permission", jobNamed("forbidden")),
		applied("update without permission", strings.Replace(jobNamed("unchangeable"), "{}", "{}\n  job_description = \"x\"",
			1)).after(jobNamed("unchangeable")),
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
		called("import of a missing ID", importing("servicestage_build_job", "missing", nil)),
		called("import of a bare name", importing("servicestage_build_job", "checkout service", nil)),
		called("import of an empty ID", importing("servicestage_build_job", "", nil)),
		called("import by name without a match", importing("servicestage_build_job", "name/nothing", nil)),
		called("import by name in another case", importing("servicestage_build_job", "name/APP", nil)),
		called("import by name with several matches", importing("servicestage_build_job", "name/several", nil)),
		called("identity of another region", importing("servicestage_build_job", "", map[string]any{
			"job_id": "x",
			"region": "cn-east-3",
		})),
		called("identity with a region, provider without", importing("servicestage_build_job", "",
			map[string]any{"job_id": "x", "region": "cn-east-3"}, map[string]any{"region": nil})),
		called("import while a provider argument is unknown", importing("servicestage_build_job", "x", nil,
			map[string]any{"secret_key": tftypes.UnknownValue})),
		called("data source without a match", reading("servicestage_build_job", map[string]any{"job_id": "missing"})),
		called("build job of another region", inAnotherRegion),
		called("incomplete list of build jobs", reading("servicestage_build_jobs", nil,
			emulator.Fault{
				Method: http.MethodGet, Path: jobsPath, Times: -1, StatusCode: http.StatusOK,
				Body: `{"total":5,"list":[]}`,
			})),
		called("details of build jobs that cannot be read", reading("servicestage_build_jobs",
			map[string]any{"details": true},
			always(responses["forbidden"], http.MethodGet, jobsPath+"/*"))),
		called("base images that cannot be read", reading("servicestage_base_images", nil,
			always(responses["forbidden"], http.MethodGet, ""))),
		called("data source by name without a match", reading("servicestage_build_job",
			map[string]any{"job_name": "nothing"})),
	}},
	{"Builds", []mistake{
		called("build of a deleted job", building("servicestage_build", "missing", emulator.Outcome{})),
		called("build that fails", building("servicestage_build", "", emulator.Outcome{
			Phase: "Build",
			Log:   "npm ERR! missing script: build",
		})),
		called("build that times out", building("servicestage_build", "", emulator.Outcome{
			Phase: "Build",
			State: "Building",
		})),
		called("build that ServiceStage ends after its own timeout", building("servicestage_build", "",
			emulator.Outcome{Phase: "Build", State: "Timeout"})),
		called("build that is canceled elsewhere", building("servicestage_build", "", emulator.Outcome{
			Phase: "Build",
			State: "Cancel",
		})),
		called("build that is deleted elsewhere", building("servicestage_build", "", emulator.Outcome{
			Phase: "Build",
			State: "Deleted",
		})),
		called("start without permission", building("servicestage_build", "", emulator.Outcome{},
			always(responses["forbidden"], http.MethodPost, jobsPath+"/*/builds"))),
		called("start without a response", building("servicestage_build", "", emulator.Outcome{},
			emulator.Fault{Method: http.MethodPost, Path: jobsPath + "/*/builds", Drop: true})),
		called("start without a response, adopted", building("servicestage_build", "", emulator.Outcome{},
			emulator.Fault{Method: http.MethodPost, Path: jobsPath + "/*/builds", Drop: true, After: true})),
		called("build that cannot be read", building("servicestage_build", "", emulator.Outcome{},
			always(responses["forbidden"], http.MethodGet, "/assembling/v1/builds/*"))),
		called("import of a build by a malformed ID", importing("servicestage_build", "a b", nil)),
		called("import of a missing build", importing("servicestage_build", "missing", nil)),
		called("data source of a missing build", reading("servicestage_build", map[string]any{"build_id": "missing"})),
		called("phases that cannot be read", reading("servicestage_build", map[string]any{"build_id": "BUILD"},
			always(responses["forbidden"], http.MethodGet, "/assembling/v1/builds/*/phases"))),
		called("log that cannot be read", reading("servicestage_build", map[string]any{"build_id": "BUILD", "log_limit": 10},
			always(responses["forbidden"], http.MethodGet, "/assembling/v1/builds/*/logs"))),
		called("incomplete list of builds", reading("servicestage_builds", map[string]any{"job_id": "JOB"},
			always(emulator.Fault{StatusCode: http.StatusOK, Body: `{"total":5,"job_name":"app","builds":[]}`}, http.MethodGet,
				jobsPath+"/*/builds"))),
		called("builds of a missing job", reading("servicestage_builds", map[string]any{"job_id": "missing"})),
		called("action with an unknown job", building("servicestage_start_build", "missing", emulator.Outcome{})),
		called("action whose build fails", building("servicestage_start_build", "", emulator.Outcome{
			Phase: "Download",
			Log:   "fatal: repository not found",
		})),
		called("action whose build takes too long", building("servicestage_start_build", "", emulator.Outcome{
			Phase: "Build",
			State: "Building",
		})),
		called("cancel of a finished build", building("servicestage_cancel_build", "", emulator.Outcome{})),
		called("cancel of a missing build", building("servicestage_cancel_build", "missing", emulator.Outcome{})),
		called("cancel without permission", building("servicestage_cancel_build", "", emulator.Outcome{},
			always(responses["forbidden"], http.MethodPatch, "/assembling/v1/builds/*"))),
	}},
}

func always(fault emulator.Fault, method, path string) emulator.Fault {
	fault.Method, fault.Path, fault.Times = method, path, -1
	return fault
}

// ignored is a build job of a service that ignores a change of the name.
func ignored(name string) string {
	return "provider \"servicestage\" {\n  alias = \"LABEL\"\n  endpoints = { servicestage = \"{ignoring}\" }\n}\n" +
		strings.Replace(jobNamed(name), "{\n", "{\n  provider = servicestage.LABEL\n", 1)
}

func endpoints(url string) map[string]tftypes.Value {
	return map[string]tftypes.Value{"servicestage": tftypes.NewValue(tftypes.String, url)}
}

// unknownHost lists build jobs where no host has an address.
func unknownHost(settings map[string]any) func(*testing.T) []*tfprotov6.Diagnostic {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		p := providertest.NewProtocol(t, emulator.New(t, emulator.Options{}), settings, func(config *servicestage.Config) {
			config.MaxRetries = 0
			config.Dial = func(_ context.Context, network, address string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(address)
				return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{
					Err: "no such host", Name: host,
					IsNotFound: true,
				}}
			}
		})
		return readData(t, p, "servicestage_build_jobs", nil)
	}
}

func readData(t *testing.T, p *providertest.Protocol, kind string, arguments map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	config := providertest.Encode(t, p.Schemas.DataSourceSchemas[kind].ValueType(), arguments)
	response, err := p.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: kind, Config: config})
	if err != nil {
		t.Error(err)
	}
	return response.Diagnostics
}

// reading reads a data source. The values "BUILD" and "JOB" are replaced with the IDs of a build and of a build job.
func reading(kind string, arguments map[string]any, faults ...emulator.Fault) func(*testing.T) []*tfprotov6.Diagnostic {
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
		return readData(t, p, kind, arguments)
	}
}

// inAnotherRegion refreshes a build job after the region of the provider has changed.
func inAnotherRegion(t *testing.T) []*tfprotov6.Diagnostic {
	t.Helper()
	const kind = "servicestage_build_job"
	server := serviceWithJobs(t)
	here, there := providertest.NewProtocol(t, server, nil), providertest.NewProtocol(t, server,
		map[string]any{"region": "cn-east-3"})
	imported, err := here.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
		TypeName: kind,
		ID:       server.Jobs()[0].ID,
	})
	if err != nil || len(imported.ImportedResources) != 1 {
		t.Fatal(err, imported.Diagnostics)
	}
	resource := imported.ImportedResources[0]
	read, err := there.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: kind, CurrentState: resource.State, Private: resource.Private, CurrentIdentity: resource.Identity,
	})
	if err != nil {
		t.Fatal(err)
	}
	return read.Diagnostics
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
func importing(kind, id string, identity map[string]any,
	settings ...map[string]any,
) func(*testing.T) []*tfprotov6.Diagnostic {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		p := providertest.NewProtocol(t, serviceWithJobs(t), append(settings, nil)[0])
		request := &tfprotov6.ImportResourceStateRequest{TypeName: kind, ID: id}
		if identity != nil {
			request.Identity = &tfprotov6.ResourceIdentityData{IdentityData: providertest.Encode(t, p.Identities[kind],
				identity)}
		}
		response, err := p.ImportResourceState(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if len(response.ImportedResources) == 0 {
			return response.Diagnostics
		}
		imported := response.ImportedResources[0]
		state, err := p.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
			TypeName: kind, CurrentState: imported.State, Private: imported.Private, CurrentIdentity: imported.Identity,
		})
		if err != nil {
			t.Fatal(err)
		}
		return append(response.Diagnostics, state.Diagnostics...)
	}
}

// building runs a build of a build job with the outcome, as a resource or an action, on a clock that the waits advance.
// It cancels a finished build instead if the kind is that action. id replaces the ID of the build job or of the build.
func building(kind, id string, outcome emulator.Outcome,
	faults ...emulator.Fault,
) func(*testing.T) []*tfprotov6.Diagnostic {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		var mu sync.Mutex
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		clock := func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
		server := emulator.New(t, emulator.Options{Now: clock, BuildDuration: time.Minute})
		jobID := server.AddJob(map[string]any{"job_name": "checkout", "environment_setting": map[string]any{}})
		advance := func(d time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(d)
		}
		p := providertest.NewProtocol(t, server, nil, func(config *servicestage.Config) {
			config.Now, config.Authenticator, config.MaxRetries = clock, auth.Token(emulator.DefaultToken), 0
			config.Wait = func(ctx context.Context, d time.Duration) error {
				advance(d)
				return ctx.Err()
			}
		})
		arguments := map[string]any{"job_id": jobID}
		if kind == "servicestage_cancel_build" {
			arguments = map[string]any{"build_id": server.AddBuild(jobID)}
			if len(faults) == 0 {
				advance(time.Hour)
			}
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
		if kind == "servicestage_build" {
			return create(t, p, kind, arguments)
		}
		return invoke(t, p, kind, arguments)
	}
}

// create creates a resource with the arguments.
func create(t *testing.T, p *providertest.Protocol, kind string, arguments map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	typ := p.Schemas.ResourceSchemas[kind].ValueType()
	arguments["wait"] = true
	planned := map[string]any{}
	for _, attribute := range p.Schemas.ResourceSchemas[kind].Block.Attributes {
		planned[attribute.Name] = arguments[attribute.Name]
		if attribute.Computed && arguments[attribute.Name] == nil {
			planned[attribute.Name] = tftypes.UnknownValue
		}
	}
	null, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, nil))
	if err != nil {
		t.Fatal(err)
	}
	response, err := p.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: kind, PriorState: &null, PlannedState: providertest.Encode(t, typ, planned), Config: providertest.Encode(t,
			typ, arguments),
	})
	if err != nil {
		t.Fatal(err)
	}
	return response.Diagnostics
}

// invoke invokes an action. Without a diagnostic, it returns the last progress message.
func invoke(t *testing.T, p *providertest.Protocol, kind string, arguments map[string]any) []*tfprotov6.Diagnostic {
	t.Helper()
	config := providertest.Encode(t, p.Schemas.ActionSchemas[kind].Schema.ValueType(), arguments)
	stream, err := p.ProviderServer.(tfprotov6.ActionServer).InvokeAction(t.Context(),
		&tfprotov6.InvokeActionRequest{ActionType: kind, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	var diagnostics, progress []*tfprotov6.Diagnostic
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			progress = []*tfprotov6.Diagnostic{{Summary: event.Message}}
		case tfprotov6.CompletedInvokeActionEventType:
			diagnostics = event.Diagnostics
		}
	}
	if len(diagnostics) == 0 {
		return progress
	}
	return diagnostics
}
