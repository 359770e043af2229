// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"fmt"
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

// repository is a build job with a code_repo block of the arguments.
func repository(arguments string) string {
	return jobWith("  job_name = \"app\"\n  environment_setting {}\n  code_repo {\n    " + strings.ReplaceAll(arguments, "; ", "\n    ") + "\n  }")
}

// from is a code_repo block with the URL.
func from(url string) string {
	return repository(fmt.Sprintf(`type = "GitHub"; url = %q; branch = "main"; namespace = "acme"`, url))
}

// onBranch is a code_repo block with the branch.
func onBranch(branch string) string {
	return repository(fmt.Sprintf(`type = "GitHub"; url = "https://github.com/acme/app"; branch = %q; namespace = "acme"`, branch))
}

func dataSource(kind, arguments string) string {
	return fmt.Sprintf("data %q \"LABEL\" {\n  %s\n}\n", kind, strings.ReplaceAll(arguments, "; ", "\n  "))
}

const (
	atService   = region + keyBlock + `project_id = "p"` + "\n" + `endpoints = { servicestage = "{service}", iam = "{service}", sts = "{service}" }`
	atResponder = region + tokenBlock + `endpoints = { servicestage = "{responder}/`
	withToken   = region + tokenBlock
	withIAM     = region + userBlock + `endpoints = { servicestage = "{service}", iam = "`
	iamToo      = `endpoints = { servicestage = "{service}", iam = "{service}", sts = "{service}" }`
)

// responses are what the responder returns, by the first element of the path.
var responses = map[string]emulator.Fault{
	"expired":     {StatusCode: http.StatusUnauthorized, Body: `{"error_code":"APIGW.0307","error_msg":"The token must be updated"}`},
	"forbidden":   {StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"IAM user not authorized"}`},
	"throttled":   {StatusCode: http.StatusTooManyRequests, Body: `{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}`},
	"clock":       {StatusCode: http.StatusUnauthorized, Body: `{"error_code":"APIGW.0301","error_msg":"verify aksk signature fail"}`, Header: http.Header{"Date": {"Fri, 02 Jan 2026 03:04:05 GMT"}}},
	"unavailable": {StatusCode: http.StatusBadGateway, Body: "<html><h1>Bad Gateway</h1></html>"},
	"blocked":     {StatusCode: http.StatusForbidden, Body: "<html><h1>Blocked</h1> by policy</html>"},
	"missing":     {StatusCode: http.StatusNotFound},
	"silent":      {StatusCode: http.StatusBadRequest},
	"page":        {StatusCode: http.StatusOK, Body: "<html>Welcome</html>"},
	"redirect":    {StatusCode: http.StatusMovedPermanently, Header: http.Header{"Location": {"https://servicestage.example/v1"}}},
	"slow":        {StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}},
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
		"unreadable":  created("unreadable"),
		"others":      created(existing),
		"server-code": {StatusCode: http.StatusInternalServerError, Body: `{"error_code":"SVCSTG.CPE.5004401","error_msg":"internal error"}`, Times: -1},
		"rejected":    {StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4004401","error_msg":"no such cluster"}`},
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
	unchangeable.When = func(request emulator.Request) bool { return strings.Contains(string(request.Body), `"unchangeable"`) }
	server.InjectFault(unchangeable)
}

var chapters = []struct {
	title    string
	mistakes []mistake
}{
	{"Build job: arguments", []mistake{
		{name: "misspelled argument", core: true, validate: jobWith("  job_name = \"app\"\n  job_descripton = \"x\"\n  environment_setting {}")},
		{name: "architecture amd64", validate: jobWith("  job_name = \"app\"\n  environment_setting {\n    build_os {\n      arch = \"amd64\"\n    }\n  }")},
		{name: "no environment_setting", validate: jobWith("  job_name = \"app\"")},
		{name: "two environment_setting blocks", core: true, validate: jobWith("  job_name = \"app\"\n  environment_setting {}\n  environment_setting {}")},
		{name: "code_repo without branch", validate: repository(`type = "GitHub"; url = "https://github.com/acme/app"; namespace = "acme"`)},
		{name: "empty branch", validate: onBranch("")},
		{name: "branch with a blank", validate: onBranch("my branch")},
		{name: "URL with a blank", validate: from("https://github.com/acme/my app")},
		{name: "URL without a host", validate: from("https:///acme/app")},
		{name: "URL that is a name", validate: from("acme/app")},
		{name: "URL with a password", validate: from("https://me:secret@github.com/acme/app")},
		{name: "URL with a user name", validate: from("https://me@github.com/acme/app")},
		{name: "name with a trailing hyphen", plan: "provider \"servicestage\" {\n  alias = \"LABEL\"\n" + atService + "\n}\n" +
			strings.Replace(jobNamed("app-"), "  job_name", "  provider = servicestage.LABEL\n  job_name", 1)},
		{name: "description of 65 characters", validate: jobWith("  job_name = \"app\"\n  job_description = \"" + strings.Repeat("x", 65) + "\"\n  environment_setting {}")},
		{name: "timeouts of soon and 0s", validate: jobWith("  job_name = \"app\"\n  environment_setting {}\n  timeouts {\n    create = \"soon\"\n    delete = \"0s\"\n  }")},
	}},
	{"Data sources and builds: arguments", []mistake{
		{name: "data source with ID and name", validate: dataSource("servicestage_build_job", `job_id = "a"; job_name = "b"`)},
		{name: "data source with neither ID nor name", validate: dataSource("servicestage_build_job", "")},
		{name: "ID with a slash", validate: dataSource("servicestage_build", `build_id = "a/b"`)},
		{name: "log limit of 0", validate: dataSource("servicestage_build", `build_id = "a"; log_limit = 0`)},
		{name: "two name filters", validate: dataSource("servicestage_build_jobs", `name_prefix = "a"; name_regex = "b"`)},
		{name: "invalid regular expression", validate: dataSource("servicestage_build_jobs", `name_regex = "("`)},
		{name: "build with an empty job ID", validate: `resource "servicestage_build" "LABEL" { job_id = "" }`},
	}},
	{"Provider: credentials", []mistake{
		{name: "no credentials", settings: region},
		{name: "no credentials and several operations", environment: []string{
			"HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT={closed}", "HW_REGION_NAME=cn-north-4",
		}, plan: strings.Replace(dataSource("servicestage_build_jobs", ""), "{", "{\n  count = 3", 1)},
		{name: "metadata service without an agency", environment: []string{
			"HW_METADATA_DISABLED=false", "HW_METADATA_ENDPOINT={responder}/missing", "HW_REGION_NAME=cn-north-4",
		}, plan: dataSource("servicestage_build_jobs", "")},
		{name: "access key only", settings: region + `access_key = "AK"`},
		{name: "access key only, from the environment", environment: []string{"HW_ACCESS_KEY=AK", "HW_REGION_NAME=cn-north-4"}, plan: dataSource("servicestage_build_jobs", "")},
		{name: "password without account", settings: region + "user_name = \"ci\"\npassword = \"x\""},
		{name: "wrong secret", settings: strings.Replace(atService, "emulator-secret-key", "wrong", 1)},
		{name: "wrong secret from the environment", environment: []string{
			"HW_SECRET_KEY=wrong", "HW_REGION_NAME=cn-north-4", "HW_SERVICESTAGE_ENDPOINT={service}", "HW_ACCESS_KEY=" + emulator.DefaultAccessKey, "HW_PROJECT_ID=p",
		}, plan: dataSource("servicestage_build_jobs", "")},
		{name: "wrong token", settings: strings.Replace(withToken, "emulator-token", "wrong", 1) + iamToo},
		{name: "wrong secret of the keys of an agency", settings: strings.Replace(atService, "emulator-secret-key", "wrong", 1) + "\n" + roleBlock},
		{name: "wrong keys of a profile", settings: region + "shared_config_file = \"config.json\"\n" + iamToo},
		{name: "wrong password", settings: strings.Replace(withIAM, "emulator-password", "wrong", 1) + `{service}" }`},
		{name: "stale token variable beside valid keys", environment: []string{
			"HW_AUTH_TOKEN=stale", "HW_ACCESS_KEY=" + emulator.DefaultAccessKey, "HW_SECRET_KEY=" + emulator.DefaultSecretKey,
			"HW_SERVICESTAGE_ENDPOINT={responder}/expired", "HW_REGION_NAME=cn-north-4",
		}, plan: dataSource("servicestage_build_jobs", "")},
		{name: "expired token", settings: atResponder + `expired" }`},
		{name: "token with a line break", settings: region + `token = "a\nb"`},
		{name: "missing permission", settings: atResponder + `forbidden" }`},
		{name: "clock off by two hours", settings: atResponder + `clock" }`},
		{name: "two sources in the block", settings: region + keyBlock + tokenBlock + iamToo},
		{name: "agency that does not exist", settings: atService + "\n" + strings.Replace(roleBlock, "emulator-agency", "unknown", 1)},
		{name: "agency without an account", settings: region + keyBlock + "assume_role {\n  agency_name = \"builds\"\n}"},
		{name: "agency without a name", settings: region + keyBlock + "assume_role {\n  domain_name = \"acme\"\n}"},
		{name: "agency token without a name", settings: region + keyBlock + `agency_domain_name = "acme"`},
		{name: "two agencies", settings: region + keyBlock + "agency_name = \"a\"\nagency_domain_name = \"b\"\n" + roleBlock},
		{name: "short duration", settings: atService + "\n" + strings.Replace(roleBlock, "}", "duration = 600\n}", 1)},
		{name: "long duration", settings: region + keyBlock + "assume_role {\n  agency_name = \"a\"\n  domain_id = \"b\"\n  duration = 50000\n}"},
		{name: "ID token file that is empty", settings: region + strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, `id_token_file = "empty"`, 1) + iamToo},
		{name: "ID token of another provider", settings: region + strings.Replace(oidcBlock, "emulator-id-token", "other", 1) + iamToo},
		{name: "OIDC without a token", settings: region + strings.Replace(oidcBlock, `id_token = "emulator-id-token"`, "", 1)},
		{name: "ID token twice", settings: region + strings.Replace(oidcBlock, "}", "id_token_file = \"empty\"\n}", 1)},
		{name: "profile that does not exist", settings: region + "shared_config_file = \"config.json\"\nprofile = \"ci\""},
		{name: "profile file that does not exist", settings: region + `shared_config_file = "nowhere.json"`},
		{name: "profile that is encrypted", settings: region + `shared_config_file = "encrypted.json"`},
		{name: "profile that is not JSON", settings: region + `shared_config_file = "invalid.json"`},
		{name: "project that does not exist", settings: strings.Replace(atService, `project_id = "p"`, `project_name = "unknown"`, 1)},
	}},
	{"Provider: region and network", []mistake{
		{name: "no region", settings: keyBlock},
		{name: "region that is no name", settings: "region = \"cn north 4\"\n" + keyBlock},
		{name: "misspelled region", call: unknownHost(map[string]any{"region": "cn-nroth-4", "endpoints": nil})},
		{name: "unknown host", call: unknownHost(map[string]any{"endpoints": endpoints("https://servicestage.example")})},
		{name: "https endpoint on a plain-text port", settings: withToken + `endpoints = { servicestage = "{https}" }`},
		{name: "http endpoint on another host", settings: withToken + `endpoints = { servicestage = "http://servicestage.example" }`},
		{name: "endpoint with a query", settings: withToken + `endpoints = { servicestage = "https://servicestage.example/?a=b" }`},
		{name: "misspelled key of endpoints", settings: withToken + `endpoints = { servicestages = "https://servicestage.example" }`},
		{name: "endpoint of another service", settings: withToken + `endpoints = { servicestage = "{service}", ecs = "https://ecs.example" }`},
		{name: "wrong endpoint path", settings: withToken + `endpoints = { servicestage = "{service}/v2" }`},
		{name: "redirect", settings: atResponder + `redirect" }`},
		{name: "service down", settings: withToken + `endpoints = { servicestage = "{closed}" }`},
		{name: "service unavailable", settings: atResponder + `unavailable" }`},
		{name: "service throttles", settings: atResponder + `throttled" }`},
		{name: "service requests a long wait", settings: "max_retries = 1\n" + atResponder + `slow" }`},
		{name: "response without a message", settings: atResponder + `silent" }`},
		{name: "page instead of JSON", settings: atResponder + `page" }`},
		{name: "page of a firewall", settings: atResponder + `blocked" }`},
		{name: "IAM down", settings: withIAM + `{closed}" }`},
		{name: "IAM unavailable", settings: withIAM + `{responder}/unavailable" }`},
		{name: "IAM redirects", settings: withIAM + `{responder}/redirect" }`},
		{name: "page instead of IAM", settings: withIAM + `{responder}/page" }`},
		{name: "rejecting proxy", settings: withToken + `endpoints = { servicestage = "https://servicestage.example" }`},
		{name: "proxy down", environment: []string{"HW_AUTH_TOKEN=x", "HTTPS_PROXY={closed}", "HW_REGION_NAME=cn-north-4"}, plan: dataSource("servicestage_build_jobs", "")},
		{name: "certificate of an unknown authority", settings: withToken + `endpoints = { servicestage = "{tls}" }`},
		{name: "certificate file that does not exist", settings: withToken + `cacert_file = "nowhere.pem"`},
		{name: "certificate file without a certificate", settings: withToken + `cacert_file = "empty"`},
	}},
	{"Provider: other arguments", []mistake{
		{name: "negative number of retries", validate: aliased("LABEL", "max_retries = -1\n")},
		{name: "two OIDC blocks", validate: aliased("LABEL", oidcBlock+oidcBlock)},
		{name: "environment variable that is no number", environment: []string{"HW_AUTH_TOKEN=x", "HW_MAX_RETRIES=many", "HW_REGION_NAME=cn-north-4"}, plan: dataSource("servicestage_build_jobs", "")},
		{name: "environment variable that is no boolean", environment: []string{"HW_AUTH_TOKEN=x", "HW_INSECURE=maybe", "HW_REGION_NAME=cn-north-4"}, plan: dataSource("servicestage_build_jobs", "")},
		{name: "unknown provider arguments", plan: "resource \"terraform_data\" \"LABEL\" { input = \"cn-north-4\" }\nprovider \"servicestage\" {\n  alias = \"LABEL\"\n" +
			"  region = terraform_data.LABEL.output\n" + keyBlock + "}\n" + dataSource("servicestage_build_jobs", "provider = servicestage.LABEL")},
	}},
	{"Build job: apply", []mistake{
		{name: "name taken by a build job outside Terraform", apply: jobNamed("taken")},
		{name: "name taken in another case", apply: jobNamed("taken-case")},
		{name: "two resources with one name", apply: jobNamed("twice") + "\nresource \"servicestage_build_job\" \"LABEL_2\" {\n  job_name = servicestage_build_job.LABEL.job_name\n  environment_setting {}\n}\n"},
		{name: "name of a resource of an earlier apply", before: jobNamed("earlier"), apply: jobNamed("earlier") + "\nresource \"servicestage_build_job\" \"LABEL_2\" {\n  job_name = \"earlier\"\n  environment_setting {}\n}\n"},
		{name: "rename to a taken name", before: jobNamed("old-name"), apply: jobNamed("taken")},
		{name: "rename that is ignored", before: ignored("before"), apply: ignored("after")},
		{name: "build job deleted after the plan", before: jobNamed("deleted"), apply: strings.Replace(jobNamed("deleted"), "{}", "{}\n  job_description = \"x\"", 1)},
		{name: "rejected create", apply: jobNamed("rejected")},
		{name: "create without permission", apply: jobNamed("forbidden")},
		{name: "update without permission", before: jobNamed("unchangeable"), apply: strings.Replace(jobNamed("unchangeable"), "{}", "{}\n  job_description = \"x\"", 1)},
		{name: "delete without permission", before: jobNamed("undeletable"), apply: "# The build job is removed.\n"},
		{name: "create without a response, adopted", apply: jobNamed("adopted")},
		{name: "create without a response, sent again", apply: jobNamed("resent")},
		{name: "create without a response, nothing created", apply: jobNamed("lost")},
		{name: "create without a response, another build job of this name", apply: jobNamed("similar")},
		{name: "create with an internal error", apply: jobNamed("server-code")},
		{name: "new build job that cannot be read", apply: jobNamed("unreadable")},
		{name: "response with the ID of another build job", apply: jobNamed("others")},
	}},
	{"Build job: import and lookup", []mistake{
		{name: "import of a missing ID", call: importing("servicestage_build_job", "missing", nil)},
		{name: "import of a bare name", call: importing("servicestage_build_job", "checkout service", nil)},
		{name: "import of an empty ID", call: importing("servicestage_build_job", "", nil)},
		{name: "import by name without a match", call: importing("servicestage_build_job", "name/nothing", nil)},
		{name: "import by name in another case", call: importing("servicestage_build_job", "name/APP", nil)},
		{name: "import by name with several matches", call: importing("servicestage_build_job", "name/several", nil)},
		{name: "identity of another region", call: importing("servicestage_build_job", "", map[string]any{"job_id": "x", "region": "cn-east-3"})},
		{name: "identity with a region, provider without", call: importing("servicestage_build_job", "", map[string]any{"job_id": "x", "region": "cn-east-3"}, map[string]any{"region": nil})},
		{name: "import while a provider argument is unknown", call: importing("servicestage_build_job", "x", nil, map[string]any{"secret_key": tftypes.UnknownValue})},
		{name: "data source without a match", call: reading("servicestage_build_job", map[string]any{"job_id": "missing"})},
		{name: "data source by name without a match", call: reading("servicestage_build_job", map[string]any{"job_name": "nothing"})},
	}},
	{"Builds", []mistake{
		{name: "build of a deleted job", call: building("servicestage_build", "missing", emulator.Outcome{})},
		{name: "build that fails", call: building("servicestage_build", "", emulator.Outcome{Phase: "Build", Log: "npm ERR! missing script: build"})},
		{name: "build that times out", call: building("servicestage_build", "", emulator.Outcome{Phase: "Build", State: "Building"})},
		{name: "build that ServiceStage ends after its own timeout", call: building("servicestage_build", "", emulator.Outcome{Phase: "Build", State: "Timeout"})},
		{name: "build that is canceled elsewhere", call: building("servicestage_build", "", emulator.Outcome{Phase: "Build", State: "Cancel"})},
		{name: "build that is deleted elsewhere", call: building("servicestage_build", "", emulator.Outcome{Phase: "Build", State: "Deleted"})},
		{name: "start without permission", call: building("servicestage_build", "", emulator.Outcome{}, with(responses["forbidden"], http.MethodPost, jobsPath+"/*/builds"))},
		{name: "start without a response", call: building("servicestage_build", "", emulator.Outcome{}, emulator.Fault{Method: http.MethodPost, Path: jobsPath + "/*/builds", Drop: true})},
		{name: "start without a response, adopted", call: building("servicestage_build", "", emulator.Outcome{}, emulator.Fault{Method: http.MethodPost, Path: jobsPath + "/*/builds", Drop: true, After: true})},
		{name: "build that cannot be read", call: building("servicestage_build", "", emulator.Outcome{}, with(responses["forbidden"], http.MethodGet, "/assembling/v1/builds/*"))},
		{name: "import of a build by a malformed ID", call: importing("servicestage_build", "a b", nil)},
		{name: "import of a missing build", call: importing("servicestage_build", "missing", nil)},
		{name: "data source of a missing build", call: reading("servicestage_build", map[string]any{"build_id": "missing"})},
		{name: "builds of a missing job", call: reading("servicestage_builds", map[string]any{"job_id": "missing"})},
		{name: "action with an unknown job", call: building("servicestage_start_build", "missing", emulator.Outcome{})},
		{name: "action whose build fails", call: building("servicestage_start_build", "", emulator.Outcome{Phase: "Download", Log: "fatal: repository not found"})},
		{name: "action whose build takes too long", call: building("servicestage_start_build", "", emulator.Outcome{Phase: "Build", State: "Building"})},
		{name: "cancel of a finished build", call: building("servicestage_cancel_build", "", emulator.Outcome{})},
		{name: "cancel of a missing build", call: building("servicestage_cancel_build", "missing", emulator.Outcome{})},
		{name: "cancel without permission", call: building("servicestage_cancel_build", "", emulator.Outcome{}, with(responses["forbidden"], http.MethodPatch, "/assembling/v1/builds/*"))},
	}},
}

func with(fault emulator.Fault, method, path string) emulator.Fault {
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
				return nil, &net.OpError{Op: "dial", Net: network, Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
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

func reading(kind string, arguments map[string]any) func(*testing.T) []*tfprotov6.Diagnostic {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		return readData(t, providertest.NewProtocol(t, serviceWithJobs(t), nil), kind, arguments)
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
func importing(kind, id string, identity map[string]any, settings ...map[string]any) func(*testing.T) []*tfprotov6.Diagnostic {
	return func(t *testing.T) []*tfprotov6.Diagnostic {
		t.Helper()
		p := providertest.NewProtocol(t, serviceWithJobs(t), append(settings, nil)[0])
		request := &tfprotov6.ImportResourceStateRequest{TypeName: kind, ID: id}
		if identity != nil {
			request.Identity = &tfprotov6.ResourceIdentityData{IdentityData: providertest.Encode(t, p.Identities[kind], identity)}
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

// building runs a build of a build job with the outcome, as a resource or an action, on a clock that the waits advance. It cancels a
// finished build instead if the kind is that action. id replaces the ID of the build job or of the build.
func building(kind, id string, outcome emulator.Outcome, faults ...emulator.Fault) func(*testing.T) []*tfprotov6.Diagnostic {
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
		TypeName: kind, PriorState: &null, PlannedState: providertest.Encode(t, typ, planned), Config: providertest.Encode(t, typ, arguments),
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
	stream, err := p.ProviderServer.(tfprotov6.ActionServer).InvokeAction(t.Context(), &tfprotov6.InvokeActionRequest{ActionType: kind, Config: config})
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
