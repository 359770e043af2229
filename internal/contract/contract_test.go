// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract_test

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	fwprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
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
			"servicestage": func() (tfprotov6.ProviderServer, error) { return provider.NewServer("testacc")(), nil },
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
	block := tftypes.NewValue(schema.Schema.Type().TerraformType(ctx), nil)
	var configured fwprovider.ConfigureResponse
	p.Configure(ctx, fwprovider.ConfigureRequest{Config: tfsdk.Config{Schema: schema.Schema, Raw: block}}, &configured)
	if configured.Diagnostics.HasError() {
		t.Fatal(configured.Diagnostics)
	}
	return ctx, configured.ResourceData.(*providerdata.Data)
}

// Without TF_ACC=1, nothing is sent. A wrong assumption fails. An interruption leaves a report and no build job.
func TestTestacc(t *testing.T) {
	t.Parallel()
	providertest.Prepare(t)
	const probe, job = "TestAccContract", "TestAccBuildJob"
	for _, c := range []struct {
		live, test       string
		rejects          string // Method of a request that the service rejects.
		interruptAt      int
		inOutput, inPage string
	}{
		{live: "0", test: "TestAcc", inOutput: "set TF_ACC=1"},
		{live: "1", test: "TestAcc", inOutput: "--- PASS: " + job, inPage: "provider 1.2.3"},
		{live: "1", test: probe, rejects: http.MethodPut, inOutput: "change job_name: Does an", inPage: "| **no** |"},
		{live: "1", test: probe, interruptAt: 40, inOutput: "the probe was interrupted", inPage: "not tested |"},
		{live: "1", test: job, interruptAt: 9},
	} {
		server := newServer(t, emulator.Quirks{})
		if c.rejects != "" {
			server.InjectFault(emulator.Fault{Method: c.rejects, StatusCode: http.StatusBadRequest, Body: "{}"})
		}
		report := filepath.Join(t.TempDir(), "contract-report.md")
		command := exec.CommandContext(t.Context(), os.Args[0],
			"-test.run=^"+c.test, "-test.v", "-report="+report, "-revision=1.2.3")
		command.Env = append(os.Environ(), "TF_ACC="+c.live, "GORACE=atexit_sleep_ms=0",
			"HW_REGION_NAME=cn-north-4", "HW_PROJECT_ID=p", "HW_ENTERPRISE_PROJECT_ID="+otherProject,
			"HW_ACCESS_KEY="+emulator.DefaultAccessKey, "HW_SECRET_KEY="+emulator.DefaultSecretKey,
			"HW_SERVICESTAGE_ENDPOINT="+server.URL, "HW_IAM_ENDPOINT="+server.URL)
		var output strings.Builder
		command.Stdout, command.Stderr = &output, &output
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		var seen int
		server.InjectFault(emulator.Fault{
			When: func(emulator.Request) bool { seen++; return seen == c.interruptAt },
			Do:   func() { _ = command.Process.Signal(os.Interrupt) }, // Without the signal, the output differs.
		})
		err := command.Wait()
		page, _ := os.ReadFile(report) // Without the file, the page differs.
		requests := len(server.Requests())
		if (requests > 0) != (c.live == "1") || requests < c.interruptAt || (err != nil) != (c.test == probe) ||
			!strings.Contains(output.String(), c.inOutput) || !strings.Contains(string(page), c.inPage) {
			t.Errorf("%+v: %d requests, %v\n%s\n%s", c, requests, err, &output, page)
		}
	}
}

const otherProject = "7a1b2c3d-0000-4000-8000-000000000007"

// probe runs a probe against server, with the keys of an agency. Its waits take no time.
func probe(ctx context.Context, server *emulator.Server, enterpriseProject string) (*contract.Report, error) {
	config := rest.Config{Endpoint: server.URL}
	providertest.NoWait(&config)
	iam, _ := rest.New(config) // Probe returns the same error.
	config.Authenticator = auth.NewSession(auth.Agency{
		Base: auth.Static{Credential: auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}},
		Name: emulator.DefaultAgency, DomainName: emulator.DefaultDomainName, DomainID: emulator.DomainID,
	}, "", auth.Project{}, auth.Clients{IAM: iam, Agencies: iam, STS: iam})
	return contract.Probe(ctx, config, enterpriseProject)
}

// newServer returns a service with build jobs that the probe did not create. At the end of the test, they must be
// unchanged, and the only ones.
func newServer(t *testing.T, quirks emulator.Quirks) *emulator.Server {
	t.Helper()
	server := emulator.New(t, emulator.Options{Quirks: quirks, Seed: []byte(`[
		{"job_name": "checkout", "job_id": "foreign"},
		{"job_name": "tf-contract-0123456789abcdef-1"},
		{"job_name": "my-tf-contract-0123456789abcdef-1"}
	]`)})
	before := fmt.Sprint(server.Jobs())
	t.Cleanup(func() {
		if after := fmt.Sprint(server.Jobs()); after != before {
			t.Errorf("the build jobs were %s, and are now %s", before, after)
		}
	})
	return server
}

// rows returns the rows of a probe of a service with quirks and a fault, by ID.
func rows(t *testing.T, quirks emulator.Quirks, fault emulator.Fault) map[string]contract.Row {
	t.Helper()
	server := newServer(t, quirks)
	server.InjectFault(fault)
	report, _ := probe(t.Context(), server, otherProject) // Some faults are errors too.
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
	for _, row := range usual {
		if row.Verdict != contract.Confirmed || row.Observed == "" || row.Assumption == "" || row.Question == "" {
			t.Errorf("got %+v", row)
		}
	}
	for _, path := range servicestage.Arguments() {
		if _, ok := usual["create "+path]; !ok {
			t.Errorf("the members in contract.go lack %s", path)
		}
	}
	// The members of an object have one entry. Other quirks change no row.
	wanted := map[string]string{
		"fill-defaults":       "members-not-sent: no, handled",
		"empty-strings":       "members-not-sent: no, handled",
		"normalise-repo-type": "change code_repo: no, handled; create code_repo: no, handled",
		"omit-false":          "create environment_setting: no, handled",
		"allow-taken-names":   "name-case: no, handled; name-taken: no, handled",
		"keep-omitted": "omit code_repo: **no**; omit environment_setting: no, handled; " +
			"omit job_description: no, handled",
		"ignore-rename":             "change job_name: **no**",
		"ignore-enterprise-project": "create enterprise_project_id: **no**; list-enterprise-project: **no**",
		"exact-name-filter":         "name-filter: yes",
		"ignore-name-filter":        "name-filter: yes",
	}
	for _, name := range emulator.QuirkNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quirks, _ := emulator.ParseQuirks(name)
			var different []string
			for id, row := range rows(t, quirks, emulator.Fault{}) {
				if row != usual[id] {
					id, _, _ = strings.Cut(id, ".")
					different = append(different, fmt.Sprintf("%s: %s", id, row.Verdict))
				}
			}
			slices.Sort(different)
			if got := strings.Join(slices.Compact(different), "; "); got != wanted[name] {
				t.Errorf("rows that differ: %s\nwant: %s", got, wanted[name])
			}
		})
	}
}

// Each fault changes the row that is about it.
func TestProbe_faults(t *testing.T) {
	t.Parallel()
	const (
		get, post = http.MethodGet, http.MethodPost
		notFound  = `{"error_code":"SVCSTG.CPE.4044401"}`
		rejected  = `{"error_code":"SVCSTG.CPE.4004401"}`
		cluster   = "create environment_setting.cluster_id: no, handled"
	)
	for name, c := range map[string]struct {
		method, text string // Of the requests. The fault hits those from first to last.
		first, last  int
		status       int
		body, want   string
	}{
		"late create":         {get, "jobs/", 1, 2, 404, notFound, "read-after-create: no, handled"},
		"invisible create":    {get, "jobs/", 1, 5, 404, notFound, "read-after-create: not tested"},
		"late update":         {get, "jobs/", 4, 4, 200, `{"spec":{"job_name":"old"}}`, "change job_name: no, handled"},
		"rejected cluster":    {post, "cluster_id", 1, 1, 400, rejected, cluster},
		"rejected repository": {post, "code_repo", 1, 1, 400, rejected, "create code_repo.url: **no**"},
		"rejected value":      {post, "é", 1, 1, 400, rejected, "omit job_description: not tested"},
		"rejected page":       {get, "page=1000000", 1, 1, 400, rejected, "past-last-page: **no**"},
		"rejected delete":     {http.MethodDelete, "", 1, 1, 400, rejected, "read-deleted: not tested"},
		"rejected ID":         {get, "jobs/00000", 1, 2, 404, `{"error_code":"APIGW.0101"}`, "read-unknown: **no**"},
		"list as repository":  {get, "jobs/", 1, 5, 200, `{"spec":{"code_repo":[]}}`, "members-not-sent: no, handled"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := 0
			fault := emulator.Fault{Method: c.method, Times: -1, StatusCode: c.status, Body: c.body}
			fault.When = func(r emulator.Request) bool {
				isMatch := strings.Contains(r.Path+"?"+r.Query+string(r.Body), c.text)
				if isMatch {
					seen++
				}
				return isMatch && c.first <= seen && seen <= c.last
			}
			id, want, _ := strings.Cut(c.want, ": ")
			if row := rows(t, emulator.Quirks{}, fault)[id]; string(row.Verdict) != want {
				t.Errorf("want %s, got %+v", c.want, row)
			}
		})
	}
}

// A build job that the probe did not create is not touched, and none that it created is left: not after an
// interruption, a lost request or response followed by a list that lags, or an error. Faults hit each request after the
// logins except reads of a build job, which create nothing, and those that repeat others: the writes in the middle and
// the deletes at the end.
func TestProbe_leavesNothing(t *testing.T) {
	t.Parallel()
	usual := newServer(t, emulator.Quirks{})
	if report, err := probe(t.Context(), usual, otherProject); err != nil || report.Left != 0 || report.Earlier != 1 {
		t.Fatal(report, err)
	}
	for name, fault := range map[string]emulator.Fault{
		"interrupted":           {},
		"list: 403":             {Method: http.MethodGet, StatusCode: http.StatusForbidden, Body: "{}"},
		"create: response lost": {Method: http.MethodPost, Drop: true, After: true},
		"create: request lost":  {Method: http.MethodPost, Drop: true},
		"create: not JSON":      {Method: http.MethodPost, StatusCode: http.StatusOK, Body: "<html>", After: true},
		"create: foreign ID":    {Method: http.MethodPost, StatusCode: 200, Body: `{"job_id":"foreign"}`, After: true},
		"delete: response lost": {Method: http.MethodDelete, Drop: true, After: true},
		"delete: 500":           {Method: http.MethodDelete, StatusCode: http.StatusInternalServerError, Body: "{}"},
	} {
		requests := usual.Requests()
		for number, request := range requests {
			isLogin := strings.HasPrefix(request.Path, "/v")
			left := len(requests) - number
			isRepeated := 24 < number && left > 14 || left < 10 && left > 1
			isRead := request.Method == http.MethodGet && !strings.HasSuffix(request.Path, "/jobs")
			if isLogin || isRepeated || isRead || fault.Method != "" && fault.Method != request.Method {
				continue
			}
			t.Run(fmt.Sprint(name, " ", number), func(t *testing.T) {
				t.Parallel()
				server := newServer(t, emulator.Quirks{})
				ctx, interrupt := context.WithCancel(t.Context())
				defer interrupt()
				injected, seen := fault, -1
				injected.Method = "" // All requests are counted.
				injected.When = func(emulator.Request) bool { seen++; return seen == number }
				if fault.Method == "" {
					injected.Do = interrupt
				}
				server.InjectFault(injected)
				lags := func(r emulator.Request) bool { return seen == number && r.Query == "page=1&per_page=100" }
				server.InjectFault(emulator.Fault{StatusCode: 200, Body: `{"total":0,"list":[]}`, When: lags})
				report, err := probe(ctx, server, otherProject)
				hidesInterrupt := err == nil && strings.Contains(report.Markdown(""), "| interrupted |")
				if len(server.Requests()) <= number || hidesInterrupt || report != nil && report.Left != 0 {
					t.Errorf("%+v, %v", report, err)
				}
			})
		}
	}
}

// A report contains no key, project or ID, not even if the service returns them in other members. It contains
// the number of build jobs that could not be deleted, and the error their IDs.
func TestReport_containsNoSecret(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const jobPath, id = "/assembling/v1/jobs/*", "0123456789abcdef0123456789abcdef"
	secrets := []string{emulator.DefaultAccessKey, emulator.DefaultSecretKey, id, otherProject}
	server.InjectFault(emulator.Fault{Method: http.MethodDelete, Times: -1, StatusCode: 403, Body: "{}"})
	for _, secret := range secrets {
		read := fmt.Sprintf(`{"spec":{"job_name":%q,%[1]q:1,"undocumented":[%[1]q]}}`, secret)
		update := fmt.Sprintf(`{"error_code":%q,"error_msg":%[1]q}`, secret)
		server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, StatusCode: 200, Body: read})
		server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, StatusCode: 409, Body: update})
	}
	report, err := probe(t.Context(), server, "")
	jobs := server.Jobs()
	if err == nil || report.Left != len(jobs) ||
		!strings.Contains(err.Error(), jobs[0].ID+", whose name contains tf-contract-") {
		t.Fatalf("%d build jobs are left: %+v, %v", len(jobs), report, err)
	}
	page := report.Markdown("1.2.3")
	for _, job := range jobs {
		secrets = append(secrets, job.ID)
	}
	for _, secret := range secrets {
		if strings.Contains(page, secret) {
			t.Errorf("the report contains %s:\n%s", secret, page)
		}
	}
	for _, part := range []string{
		"| past-last-page | Is the page after the last one an empty list? | accepted; 0 build jobs | yes | yes |",
		"HTTP 409, error code a string of 17 bytes, message of 17 bytes", "| HW_ENTERPRISE_PROJECT_ID is not set |",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the report does not contain %q:\n%s", part, page)
		}
	}
}
