// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	fwprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/contract"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

var (
	reportFile     = flag.String("report", "contract-report.md", "`file` that TestAccContract writes its report to")
	reportRevision = flag.String("revision", "unknown", "`revision` of the provider that the report names")
)

// A wrong assumption fails the test; the report is written in any case.
//
//nolint:paralleltest // It works on an account, like the other acceptance test.
func TestAccContract(t *testing.T) {
	ctx, account := account(t)
	report, err := contract.Probe(ctx, account.Client.Config(), account.EnterpriseProjectID.ValueString())
	if report == nil {
		t.Fatal(err)
	}
	if err := errors.Join(err, os.WriteFile(*reportFile, []byte(report.Markdown(*reportRevision)), 0o600)); err != nil {
		t.Error(err)
	}
	for _, row := range report.Rows {
		if row.Verdict == contract.Wrong {
			t.Errorf("%s: %s\nThe service: %s\nThe provider assumes: %s",
				row.ID, row.Question, row.Observed, row.Assumption)
		}
	}
	t.Logf("The report is in %s. Please send it as an issue: see CONTRIBUTING.md.", *reportFile)
}

// A build job can be created, updated, imported and deleted with Terraform.
func TestAccBuildJob(t *testing.T) {
	ctx, account := account(t)
	t.Setenv("TF_ACC_PROVIDER_NAMESPACE", "servicestage")
	name := "tf-acc-" + strings.ToLower(rand.Text())
	t.Cleanup(func() { // Terraform destroys what it created. If it could not, this does; the name is random.
		ctx := context.WithoutCancel(ctx)
		for job, err := range account.Client.BuildJobs(ctx, name) {
			if err != nil || job.Name == name {
				deleted := account.Client.DeleteBuildJob(ctx, job.ID, name)
				t.Errorf("Terraform may have left build job %q: %v; delete: %v", name, err, deleted)
			}
		}
	})
	const address = "servicestage_build_job.test"
	step := func(action plancheck.ResourceActionType, body string) resource.TestStep {
		job := fmt.Sprintf("resource \"servicestage_build_job\" \"test\" {\n  job_name = %q\n%s\n}\n", name, body)
		checks := []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}
		return resource.TestStep{
			Config:           providertest.WithProvider("", job),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: checks},
		}
	}
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"servicestage": providerserver.NewProtocol6WithError(provider.New("testacc")()),
		},
		Steps: []resource.TestStep{
			step(plancheck.ResourceActionCreate, "environment_setting {}"),
			step(plancheck.ResourceActionUpdate, `
  job_description = "An acceptance test; it deletes this job"
  environment_setting {
    use_public_cluster = true
    build_os { arch = "aarch64" }
  }
  code_repo {
    type      = "GitHub"
    url       = "https://github.com/octocat/Hello-World"
    branch    = "master"
    namespace = "octocat"
  }`),
			{
				ResourceName: address, ImportState: true, ImportStateId: "name/" + name, ImportStateVerify: true,
				ImportStateVerifyIdentifierAttribute: "job_id",
				ImportStateVerifyIgnore:              []string{"created_at"}, // Only a create returns it.
			},
			step(plancheck.ResourceActionUpdate, "environment_setting {}"),
		},
	})
}

// account returns the provider data for the HW_* variables if TF_ACC=1, and a context that an interruption ends, so
// that what was created can be deleted.
func account(t *testing.T) (context.Context, *providerdata.Data) {
	t.Helper()
	providertest.Live(t)
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	p := provider.New("testacc")()
	var schema fwprovider.SchemaResponse
	p.Schema(ctx, fwprovider.SchemaRequest{}, &schema)
	unset := tfprotov6.RawState{JSON: []byte("{}")}
	block, err := unset.Unmarshal(schema.Schema.Type().TerraformType(ctx))
	if err != nil {
		t.Fatal(err)
	}
	var configured fwprovider.ConfigureResponse
	p.Configure(ctx, fwprovider.ConfigureRequest{Config: tfsdk.Config{Schema: schema.Schema, Raw: block}}, &configured)
	if configured.Diagnostics.HasError() {
		t.Fatal(configured.Diagnostics)
	}
	return ctx, configured.ResourceData.(*providerdata.Data)
}

// Without TF_ACC=1, nothing is sent. The report is written, a wrong assumption fails, and no build job is left, not
// even by an interruption.
func TestTestacc(t *testing.T) {
	t.Parallel()
	const probe, job, isSkipped = "TestAccContract", "TestAccBuildJob", "set TF_ACC=1"
	ignoring := emulator.Quirks{IgnoreRename: true}
	for _, c := range []struct {
		variable, test   string
		quirks           emulator.Quirks
		interruptAt      int32
		inOutput, inPage string
		fails            bool
	}{
		{variable: "TF_ACC=", test: "TestAcc", inOutput: isSkipped},
		{variable: "TF_ACC=1", test: "TestAcc", inOutput: "--- PASS: " + job, inPage: "provider 1.2.3"},
		{
			variable: "TF_ACC=1", test: probe, quirks: ignoring, inOutput: "change job_name: Does an",
			inPage: "| **no** |", fails: true,
		},
		{
			variable: "TF_ACC=1", test: probe, interruptAt: 40, inOutput: "the probe was interrupted",
			inPage: "not tested |", fails: true,
		},
		{variable: "TF_ACC=1", test: job, interruptAt: 3},
		{variable: "TF_ACC=1", test: job, interruptAt: 9},
	} {
		if c.interruptAt > 0 && runtime.GOOS == "windows" {
			continue // There is no signal to send.
		}
		server, check := newServer(t, c.quirks)
		report := filepath.Join(t.TempDir(), "contract-report.md")
		command := exec.CommandContext(t.Context(), os.Args[0],
			"-test.run=^"+c.test, "-test.v", "-report="+report, "-revision=1.2.3")
		configured := regexp.MustCompile("^(HW_|OS_|TF_ACC=)")
		command.Env = append(slices.DeleteFunc(os.Environ(), configured.MatchString),
			c.variable, "HW_REGION_NAME=cn-north-4", "HW_PROJECT_ID=p", "HW_ENTERPRISE_PROJECT_ID="+otherProject,
			"HW_ACCESS_KEY="+emulator.DefaultAccessKey, "HW_SECRET_KEY="+emulator.DefaultSecretKey,
			"HW_SERVICESTAGE_ENDPOINT="+server.URL, "HW_IAM_ENDPOINT="+server.URL, "HW_STS_ENDPOINT="+server.URL,
			"HW_DOMAIN_ID="+emulator.DomainID, "HW_ASSUME_ROLE_AGENCY_NAME="+emulator.DefaultAgency,
			"HW_ASSUME_ROLE_DOMAIN_ID="+emulator.DomainID)
		var seen atomic.Int32
		process := make(chan *os.Process, 1)
		server.InjectFault(emulator.Fault{
			When: func(emulator.Request) bool { return seen.Add(1) == c.interruptAt },
			Do:   func() { _ = (<-process).Signal(os.Interrupt) }, // Without the signal, the output differs.
		})
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		process <- command.Process
		err := command.Wait()
		page, _ := os.ReadFile(report)
		sends, reports := c.inOutput != isSkipped, c.inOutput != isSkipped && c.test != job
		if (len(server.Requests()) > 0) != sends || seen.Load() < c.interruptAt || (page != nil) != reports ||
			(err != nil) != c.fails && c.test != job || !strings.Contains(output.String(), c.inOutput) ||
			!strings.Contains(string(page), c.inPage) {
			t.Errorf("%+v: %d requests, %v\n%s\n%s", c, seen.Load(), err, &output, page)
		}
		check()
	}
}

const otherProject = "7a1b2c3d-0000-4000-8000-000000000007"

// probe runs a probe against server, with the keys of an agency. Its waits take no time.
func probe(ctx context.Context, server *emulator.Server, enterpriseProject string) (*contract.Report, error) {
	wait := func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	config := rest.Config{Endpoint: server.URL, Wait: wait}
	iam, _ := rest.New(config) // Probe returns the same error.
	config.Authenticator = auth.NewSession(auth.Agency{
		Base: auth.Static{Credential: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}},
		Name: emulator.DefaultAgency, DomainName: emulator.DefaultDomainName, DomainID: emulator.DomainID,
	}, "", auth.Project{}, auth.Clients{IAM: iam, Agencies: iam, STS: iam})
	return contract.Probe(ctx, config, enterpriseProject)
}

// newServer returns a service with build jobs that the probe did not create, and a function that checks that no
// request changed them and that no other build job is left.
func newServer(t *testing.T, quirks emulator.Quirks) (server *emulator.Server, check func()) {
	t.Helper()
	server = emulator.New(t, emulator.Options{Quirks: quirks})
	for _, name := range []string{"checkout", "tf-contract-0123456789abcdef-1", "1tf-contract-0123456789abcdef-1"} {
		server.AddJob(map[string]any{
			"job_name": name, "environment_setting": map[string]any{}, "job_description": name,
		})
	}
	before := fmt.Sprint(server.Jobs())
	return server, func() {
		t.Helper()
		if after := fmt.Sprint(server.Jobs()); after != before {
			t.Errorf("the build jobs were %s, and are now %s", before, after)
		}
		for _, request := range server.Requests() {
			if request.Method != http.MethodGet && strings.Contains(before, path.Base(request.Path)) {
				t.Errorf("%s of a build job that the probe did not create", request.Method)
			}
		}
	}
}

// rows returns the rows of a probe of a service with quirks and a fault, by ID.
func rows(t *testing.T, quirks emulator.Quirks, fault emulator.Fault) map[string]contract.Row {
	t.Helper()
	server, check := newServer(t, quirks)
	server.InjectFault(fault)
	report, _ := probe(t.Context(), server, otherProject) // Some faults are errors too.
	check()
	found := map[string]contract.Row{}
	for _, row := range report.Rows {
		found[row.ID] = row
	}
	return found
}

// The emulator does what the provider assumes, and each quirk changes the rows that are about it, and no others.
func TestProbe_quirks(t *testing.T) {
	t.Parallel()
	usual := rows(t, emulator.Quirks{}, emulator.Fault{})
	if len(usual) < 50 {
		t.Errorf("%d rows, want at least 50", len(usual))
	}
	for _, row := range usual {
		if row.Verdict != contract.Confirmed || row.Observed == "" || row.Assumption == "" || row.Question == "" {
			t.Errorf("got %+v", row)
		}
	}
	for path := range servicestage.Arguments() {
		if _, ok := usual["create "+path]; !ok {
			t.Errorf("members in questions.go lacks %s", path)
		}
	}
	wanted := map[string]string{
		"fill-defaults":       "members-not-sent: no, handled",
		"empty-strings":       "members-not-sent: no, handled",
		"normalise-repo-type": "change code_repo.type: no, handled; create code_repo.type: no, handled",
		"omit-false":          "create environment_setting.use_public_cluster: no, handled",
		"allow-taken-names":   "name-case: no, handled; name-taken: no, handled",
		"keep-omitted": "omit code_repo.branch: **no**; omit code_repo.namespace: **no**; " +
			"omit code_repo.type: **no**; omit code_repo.url: **no**; " +
			"omit environment_setting.build_os.arch: no, handled; omit environment_setting.cluster_id: no, handled; " +
			"omit environment_setting.cluster_name: no, handled; " +
			"omit environment_setting.docker_version: no, handled; " +
			"omit environment_setting.use_public_cluster: no, handled; omit job_description: no, handled",
		"ignore-rename":             "change job_name: **no**",
		"ignore-enterprise-project": "create enterprise_project_id: **no**; list-enterprise-project: **no**",
		"exact-name-filter":         "name-filter: yes",
		"ignore-name-filter":        "name-filter: yes",
		// The probe starts no build and creates too few build jobs for a second page, or the provider works either way.
		"string-numbers": "", "refuse-late-cancel": "", "capped-pages": "", "repeated-rows": "", "creator-string": "",
		"pages-from-zero": "",
	}
	for _, name := range emulator.QuirkNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quirks, _ := emulator.ParseQuirks(name)
			var different []string
			for id, row := range rows(t, quirks, emulator.Fault{}) {
				if row != usual[id] {
					different = append(different, fmt.Sprintf("%s: %s", id, row.Verdict))
				}
			}
			slices.Sort(different)
			want, ok := wanted[name]
			if got := strings.Join(different, "; "); !ok || got != want {
				t.Errorf("rows that differ: %s\nwant: %s", got, want)
			}
		})
	}
}

// Each fault changes the row that is about it.
func TestProbe_faults(t *testing.T) {
	t.Parallel()
	// responses replaces the responses to the first requests that contain text.
	responses := func(times int, method, text string, status int, body string) emulator.Fault {
		contains := func(r emulator.Request) bool {
			return strings.Contains(r.Path+"?"+r.Query+string(r.Body), text)
		}
		return emulator.Fault{Method: method, Times: times, StatusCode: status, Body: body, When: contains}
	}
	late := func(times int) emulator.Fault {
		return responses(times, http.MethodGet, "jobs/", 404, `{"error_code":"SVCSTG.CPE.4044401"}`)
	}
	rejected := func(method, text string) emulator.Fault {
		return responses(1, method, text, 400, `{"error_code":"SVCSTG.CPE.4004401"}`)
	}
	unpublished := responses(-1, http.MethodGet, "jobs/0000000000", 404, `{"error_code":"APIGW.0101"}`)
	withoutValue := responses(5, http.MethodGet, "jobs/", 200, `{"spec":{"job_description":[]}}`)
	var isRenamed bool
	lateUpdate := emulator.Fault{StatusCode: 200, Body: `{"spec":{"job_name":"old"}}`}
	lateUpdate.When = func(r emulator.Request) bool {
		isLate := isRenamed && r.Method == http.MethodGet
		isRenamed = r.Method == http.MethodPut && strings.Contains(string(r.Body), "renamed")
		return isLate
	}
	const post, get = http.MethodPost, http.MethodGet
	const clusterID, arch = "create environment_setting.cluster_id", "omit environment_setting.build_os.arch"
	for name, c := range map[string]struct {
		fault emulator.Fault
		row   string
		want  contract.Verdict
	}{
		"create is visible late":  {late(2), "read-after-create", contract.Handled},
		"create is never visible": {late(5), "read-after-create", contract.NotTested},
		"update is visible late":  {lateUpdate, "change job_name", contract.Handled},
		"cluster is rejected":     {rejected(post, "cluster_id"), clusterID, contract.Handled},
		"repository is rejected":  {rejected(post, "code_repo"), "create code_repo.url", contract.Wrong},
		"value is rejected":       {rejected(post, "x86_64"), arch, contract.NotTested},
		"last page is rejected":   {rejected(get, "page=1000000"), "past-last-page", contract.Wrong},
		"delete is rejected":      {rejected(http.MethodDelete, ""), "read-deleted", contract.NotTested},
		"unknown ID is rejected":  {unpublished, "read-unknown", contract.Wrong},
		"description is lost":     {withoutValue, "members-not-sent", contract.Handled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if row := rows(t, emulator.Quirks{}, c.fault)[c.row]; row.Verdict != c.want {
				t.Errorf("want %s, got %+v", c.want, row)
			}
		})
	}
}

// A build job that the probe did not create is not touched, and none that it created is left: not after an
// interruption at any request, a lost request or response followed by a list that lags, or an error.
func TestProbe_leavesNothing(t *testing.T) {
	t.Parallel()
	usual, _ := newServer(t, emulator.Quirks{})
	if report, err := probe(t.Context(), usual, otherProject); err != nil || report.Left != 0 || report.Earlier != 1 {
		t.Fatal(report, err)
	}
	for name, fault := range map[string]emulator.Fault{
		"interrupted":           {},
		"list: 403":             {Method: http.MethodGet, StatusCode: http.StatusForbidden, Body: "{}"},
		"create: response lost": {Method: http.MethodPost, Drop: true, After: true},
		"create: request lost":  {Method: http.MethodPost, Drop: true},
		"create: not JSON":      {Method: http.MethodPost, StatusCode: http.StatusOK, Body: "<html>", After: true},
		"create: foreign ID":    {Method: http.MethodPost, StatusCode: 200, Body: `{"job_id":"FOREIGN"}`, After: true},
		"delete: response lost": {Method: http.MethodDelete, Drop: true, After: true},
		"delete: 500":           {Method: http.MethodDelete, StatusCode: http.StatusInternalServerError, Body: "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for number, request := range usual.Requests() {
				if fault.Method != "" && fault.Method != request.Method {
					continue
				}
				server, check := newServer(t, emulator.Quirks{})
				ctx, interrupt := context.WithCancel(t.Context())
				injected, seen := fault, -1
				injected.Method, injected.Body = "", strings.Replace(fault.Body, "FOREIGN", server.Jobs()[0].ID, 1)
				injected.When = func(emulator.Request) bool { seen++; return seen == number }
				if fault.Method == "" {
					injected.Do = interrupt
				}
				server.InjectFault(injected)
				lags := func(r emulator.Request) bool {
					return fault.Drop && seen == number && r.Query == "page=1&per_page=100"
				}
				server.InjectFault(emulator.Fault{StatusCode: 200, Body: `{"total":0,"list":[]}`, When: lags})
				report, err := probe(ctx, server, otherProject)
				check()
				isIncomplete := report != nil && slices.ContainsFunc(report.Rows, func(row contract.Row) bool {
					return row.Verdict == contract.NotTested
				})
				hidesInterrupt := ctx.Err() != nil && err == nil && isIncomplete
				if seen < number || hidesInterrupt || report != nil && report.Left != 0 {
					t.Errorf("request %d of %d: %+v, %v", number, seen, report, err)
				}
				interrupt()
			}
		})
	}
}

// A report contains no key, project or ID, not even if the service returns them where they do not belong. It contains
// the number of build jobs that could not be deleted, and the error their IDs.
func TestReport_containsNoSecret(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	secrets := []string{
		emulator.DefaultAccessKey, emulator.DefaultSecretKey, "0123456789abcdef0123456789abcdef", otherProject,
	}
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: "/assembling/v1/jobs/*", StatusCode: http.StatusOK,
		Body: fmt.Sprintf(`{"spec":{"job_name":%q,"cluster_name":%q,%q:1,"undocumented":[%q]}}`,
			secrets[0], secrets[1], secrets[2], secrets[3]),
	})
	server.InjectFault(emulator.Fault{
		Method: http.MethodDelete, Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302"}`,
	})
	for _, secret := range secrets {
		body := fmt.Sprintf(`{"error_code":%q,"error_msg":%[1]q}`, secret)
		server.InjectFault(emulator.Fault{Method: http.MethodPut, StatusCode: http.StatusConflict, Body: body})
	}
	report, err := probe(t.Context(), server, "")
	jobs := server.Jobs()
	want := jobs[0].ID + ", whose name contains tf-contract-"
	if err == nil || !strings.Contains(err.Error(), want) || report.Left != len(jobs) {
		t.Fatalf("%d build jobs are left: %+v, %v", len(jobs), report, err)
	}
	page := report.Markdown("1.2.3")
	for _, request := range server.Requests() {
		secrets = append(secrets, path.Base(request.Path))
	}
	for _, secret := range secrets {
		if len(secret) > 16 && strings.Contains(page, secret) { // A shorter one is the last word of a path.
			t.Errorf("the report contains %s:\n%s", secret, page)
		}
	}
	for _, part := range []string{
		"provider 1.2.3",
		"| past-last-page | Is the page after the last one an empty list? | accepted; 0 build jobs | yes | yes |",
		"HTTP 409, error code a string of 17 bytes, message of 17 bytes", "| HW_ENTERPRISE_PROJECT_ID is not set |",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the report does not contain %q:\n%s", part, page)
		}
	}
}
