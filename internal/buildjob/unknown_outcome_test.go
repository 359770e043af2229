// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// holdsWhatStateHolds fails unless the service holds the one job of the state, and nothing else.
func holdsWhatStateHolds(server *emulator.Server) resource.TestCheckFunc {
	return func(state *terraform.State) error {
		jobs := server.Jobs()
		if len(jobs) != 1 {
			return fmt.Errorf("the service holds %d jobs, not one", len(jobs))
		}
		if got := state.RootModule().Resources[address].Primary.Attributes["job_id"]; got != jobs[0].ID {
			return fmt.Errorf("the state holds %s, the service %s", got, jobs[0].ID)
		}
		return nil
	}
}

// Whatever becomes of the answer to a create, the service holds one job in the end, and the state holds that one.
func TestBuildJob_createAnswerLost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"dropped after":         {Drop: true, After: true},
		"500 after":             {StatusCode: http.StatusInternalServerError, After: true},
		"502 before":            {StatusCode: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"},
		"unusable answer after": {StatusCode: http.StatusOK, Body: `{}`, After: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true, NormaliseRepoType: true}})
			fault.Method, fault.Path = http.MethodPost, jobsPath
			server.InjectFault(fault)
			config := providertest.Config(server, job(strings.Replace(full, `"GitHub"`, `"github"`, 1)))
			providertest.Run(t, server,
				resource.TestStep{Config: config, Check: holdsWhatStateHolds(server)},
				resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
			)
		})
	}
}

// The answers to other calls may be lost as well; they are simply sent again.
func TestBuildJob_otherAnswersLost(t *testing.T) {
	t.Parallel()
	changed := strings.Replace(full, `"Builds the app"`, `"Builds it better"`, 1)
	for name, fault := range map[string]emulator.Fault{
		"dropped after": {Drop: true, After: true},
		"throttled":     {StatusCode: http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			order := func() {
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
					fault.Method, fault.Path, fault.Times = method, jobPath, 2
					server.InjectFault(fault)
				}
			}
			providertest.Run(t, server,
				resource.TestStep{PreConfig: order, Config: providertest.Config(server, job(full)), Check: holdsWhatStateHolds(server)},
				resource.TestStep{PreConfig: order, Config: providertest.Config(server, job(changed)), Check: holdsWhatStateHolds(server)},
				resource.TestStep{Config: providertest.Config(server, job(changed)), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
			)
		})
	}
}

// A build job of the same name that existed before is neither adopted nor changed nor deleted, whatever happens to the request.
func TestBuildJob_foreignJobIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"502":               {StatusCode: http.StatusBadGateway},
		"503":               {StatusCode: http.StatusServiceUnavailable},
		"504":               {StatusCode: http.StatusGatewayTimeout},
		"connection closed": {Drop: true},
		"already exists":    {StatusCode: http.StatusInternalServerError, Body: `{"error_code":"SVCSTG.CPE.5004401","error_msg":"already exists"}`},
	} {
		fault.Method, fault.Path = http.MethodPost, jobsPath
		foreign := func() map[string]any {
			return map[string]any{
				"job_name": "app", "job_description": "of another team", "enterprise_project_id": "theirs",
				"environment_setting": map[string]any{"cluster_id": "c"}, "code_repo": map[string]any{"type": "GitHub", "url": "u", "branch": "b", "namespace": "n"},
			}
		}
		t.Run(name+", unique names", func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			theirs := server.AddJob(foreign())
			injected := fault
			if injected.StatusCode == http.StatusInternalServerError {
				injected.Times = -1
			}
			server.InjectFault(injected)
			providertest.Run(t, nil, resource.TestStep{
				Config: providertest.Config(server, job(minimal)),
				ExpectError: regexp.MustCompile(`(?s)Error creating build job.*` + words("Build job "+theirs+` has the name "app"`) + `.*` +
					words("Unless another resource or team already manages")),
			})
			expectUntouched(t, server, theirs, foreign())
			if count := len(server.Jobs()); count != 1 {
				t.Errorf("the service contains %d build jobs, want only the foreign one", count)
			}
		})
		t.Run(name+", any names", func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
			theirs := server.AddJob(foreign())
			server.InjectFault(fault)
			providertest.Run(t, nil,
				resource.TestStep{Config: providertest.Config(server, job(minimal))},
				resource.TestStep{Config: providertest.Config(server, job(minimal+`job_description = "mine"`))},
			)
			expectUntouched(t, server, theirs, foreign())
			if count := len(server.Jobs()); count != 1 {
				t.Errorf("the service contains %d build jobs after the destroy, want only the foreign one", count)
			}
		})
	}
}

func expectUntouched(t *testing.T, server *emulator.Server, id string, spec map[string]any) {
	t.Helper()
	for _, job := range server.Jobs() {
		if job.ID == id {
			if !reflect.DeepEqual(job.Spec, spec) {
				t.Errorf("the foreign build job was changed: %v", job.Spec)
			}
			return
		}
	}
	t.Error("the foreign build job was deleted")
}

// Two resources with one name and one content never share a build job.
func TestBuildJob_jobOfAnotherResourceIsNotAdopted(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	second := strings.Replace(job(minimal), `"test"`, `"second"`, 1)
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(minimal))},
		resource.TestStep{
			PreConfig: func() {
				server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: jobsPath, StatusCode: http.StatusBadGateway})
			},
			Config: providertest.Config(server, job(minimal)+second),
			Check: func(*terraform.State) error {
				if count := len(server.Jobs()); count != 2 {
					return fmt.Errorf("the service contains %d build jobs, want 2", count)
				}
				return nil
			},
		},
		resource.TestStep{Config: providertest.Config(server, job(minimal)), Check: holdsWhatStateHolds(server)},
	)
}

// A duplicate is a warning: the resource is not tainted, and the next plan is empty.
func TestBuildJob_duplicateIsReportedAndNotReplaced(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, After: true})
	server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobsPath, Times: 4, StatusCode: http.StatusOK, Body: `{"total":0,"list":[]}`, When: func(r emulator.Request) bool {
		return strings.Contains(r.Query, "job_name=")
	}})
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", providertest.Requirement+job(minimal))
	stdout, stderr, err := cli.Run(t, "apply", "-auto-approve", "-no-color")
	if err != nil {
		t.Fatal(err, stderr)
	}
	jobs := server.Jobs()
	if len(jobs) != 2 {
		t.Fatalf("the service contains %d build jobs, want 2", len(jobs))
	}
	for _, want := range []string{"Warning: Possible duplicate build job", jobs[0].ID, jobs[1].ID} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the output does not contain %q:\n%s", want, stdout)
		}
	}
	if stdout, stderr, err := cli.Run(t, "plan", "-detailed-exitcode", "-no-color"); err != nil {
		t.Errorf("the next plan is not empty: %v\n%s%s", err, stdout, stderr)
	}
}

// What cannot be decided is an error that names the build jobs in question, and nothing is sent twice.
func TestBuildJob_unknownOutcome(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []emulator.Fault
		body   string
		want   string
		posts  int
	}{
		"another new job": {
			[]emulator.Fault{{Method: http.MethodPost, Path: jobsPath, StatusCode: http.StatusBadGateway}},
			minimal + `job_description = "mine"`,
			`These build jobs have the name "app": [a-z0-9]{40}. They may belong to somebody else.`, 1,
		},
		"every time": {
			[]emulator.Fault{{Method: http.MethodPost, Path: jobsPath, Drop: true, Times: -1}},
			minimal,
			`No new build job named "app" was found. Search the ServiceStage console for it before you apply again`, 6,
		},
		"list not readable": {
			[]emulator.Fault{
				{Method: http.MethodPost, Path: jobsPath, Drop: true},
				{Method: http.MethodGet, Path: jobsPath, Times: -1, StatusCode: http.StatusForbidden, Body: forbidden},
			},
			minimal,
			`The list of build jobs could not be read`, 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
			if c.posts == 1 && len(c.faults) == 1 {
				c.faults[0].Do = func() {
					server.AddJob(map[string]any{"job_name": "app", "job_description": "theirs", "environment_setting": map[string]any{}})
				}
			}
			for _, fault := range c.faults {
				server.InjectFault(fault)
			}
			providertest.Run(t, nil, resource.TestStep{
				Config:      providertest.Config(server, job(c.body)),
				ExpectError: regexp.MustCompile(`(?s)Error creating build job.*` + pattern(c.want)),
			})
			if posts := server.CountRequests(http.MethodPost, jobsPath); posts != c.posts {
				t.Errorf("%d POST requests, want %d", posts, c.posts)
			}
		})
	}
}

// pattern matches a text that Terraform has wrapped. The text is a regular expression.
func pattern(text string) string { return strings.ReplaceAll(text, " ", `[\s│]+`) }

// A build job that no read has confirmed is not created again while reads may lag.
func TestBuildJob_unconfirmedIsNotCreatedAgain(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobPath, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401","error_msg":"not found"}`,
	})
	config := providertest.Config(server, job(minimal+"timeouts { create = \"1s\" }\n"))
	var later atomic.Int64
	factories := providertest.Factories(func(config *servicestage.Config) {
		config.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	providertest.RunWith(t, nil, factories,
		resource.TestStep{
			Config:      config,
			ExpectError: regexp.MustCompile(`(?s)` + words("Build job not readable yet") + `.*` + words("stays in the state for 10 minutes")),
		},
		resource.TestStep{Config: config, ExpectError: regexp.MustCompile(words("Build job not readable yet"))},
		resource.TestStep{
			PreConfig:          func() { later.Store(int64(11 * time.Minute)) },
			Config:             config,
			PlanOnly:           true,
			ExpectNonEmptyPlan: true,
		},
		resource.TestStep{PreConfig: func() { later.Store(0); server.ForgetFaults() }, Config: config, Check: holdsWhatStateHolds(server)},
	)
	if posts := server.CountRequests(http.MethodPost, jobsPath); posts != 1 {
		t.Errorf("%d POST requests, want 1", posts)
	}
}

// A response that describes another build job is an error: state and destroy stay with the right one.
func TestBuildJob_responseForAnotherJobIsNotAccepted(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	other := server.AddJob(map[string]any{"job_name": "other", "environment_setting": map[string]any{}})
	config := providertest.Config(server, job(minimal))
	wrong := emulator.Fault{Method: http.MethodGet, Path: jobPath, StatusCode: http.StatusOK, Body: fmt.Sprintf(`{"job_id":%q,"spec":{"job_name":"other"}}`, other)}
	providertest.Run(t, nil,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig:   func() { server.InjectFault(wrong) },
			Config:      config,
			ExpectError: regexp.MustCompile(words("the response describes another build job: " + other)),
		},
		resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
	)
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].ID != other {
		t.Errorf("the service contains %v after the destroy, want only the other build job", jobs)
	}
}

// A create response with the ID of somebody else's build job, which the list did not contain, adds nothing to the state.
func TestBuildJob_foreignIDInResponseIsNotAdopted(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	var theirs string
	server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Do: func() {
		theirs = server.AddJob(map[string]any{"job_name": "app", "job_description": "theirs", "environment_setting": map[string]any{}})
		server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: jobsPath, StatusCode: http.StatusOK, Body: fmt.Sprintf(`{"job_id":%q}`, theirs)})
	}, StatusCode: http.StatusTooManyRequests})
	providertest.Run(t, nil, resource.TestStep{
		Config:      providertest.Config(server, job(minimal)),
		ExpectError: regexp.MustCompile(pattern(`ServiceStage returned the ID of another build job, [a-z0-9]{40}. It was not added to the state.`)),
	})
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].ID != theirs {
		t.Errorf("the service contains %v, want only the foreign build job", jobs)
	}
}

// A build job that no read has confirmed is not lost by a destroy or an update that does not find it either.
func TestBuildJob_unconfirmedIsNotLostByDestroy(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	notFound := emulator.Fault{Path: jobPath, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401","error_msg":"not found"}`}
	server.InjectFault(notFound)
	cli := providertest.NewCLI(t, server)
	body := minimal + "timeouts { create = \"3s\" }\n"
	cli.Write(t, "main.tf", providertest.Requirement+job(body))
	if stdout, stderr, err := cli.Run(t, "apply", "-auto-approve", "-no-color"); err != nil {
		t.Fatal(stdout, stderr)
	}
	cli.Write(t, "main.tf", providertest.Requirement+job(body+`job_description = "x"`))
	for _, command := range []string{"destroy", "apply"} {
		_, stderr, err := cli.Run(t, command, "-auto-approve", "-no-color", "-refresh=false")
		if err == nil || !strings.Contains(stderr, "Build job not readable yet") {
			t.Errorf("%s: %v\n%s", command, err, stderr)
		}
	}
	server.ForgetFaults()
	if stdout, stderr, err := cli.Run(t, "destroy", "-auto-approve", "-no-color"); err != nil || len(server.Jobs()) > 0 {
		t.Error(err, stdout, stderr)
	}
}

// One stale read after an update does not fail it.
func TestBuildJob_staleReadAfterUpdate(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	changed := providertest.Config(server, job(minimal+`job_description = "x"`))
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(minimal))},
		resource.TestStep{
			PreConfig: func() {
				stale := fmt.Sprintf(`{"job_id":%q,"spec":{"job_name":"app"}}`, id(t, server))
				server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() {
					server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, Times: 3, StatusCode: http.StatusOK, Body: stale})
				}})
			},
			Config:            changed,
			ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.StringExact("x"), "job_description")},
		},
		resource.TestStep{Config: changed, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
	)
}

// An update never moves a build job whose enterprise project is not configured, wherever the response contains the project.
func TestBuildJob_updateDoesNotMoveTheJob(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"top level only":           `"enterprise_project_id":"theirs","spec":{"job_name":"app"}`,
		"outdated in spec":         `"enterprise_project_id":"theirs","spec":{"job_name":"app","enterprise_project_id":"old"}`,
		"empty at the top level":   `"enterprise_project_id":"","spec":{"job_name":"app","enterprise_project_id":"theirs"}`,
		"absent at the top level":  `"spec":{"job_name":"app","enterprise_project_id":"theirs"}`,
		"the same at both places":  `"enterprise_project_id":"theirs","spec":{"job_name":"app","enterprise_project_id":"theirs"}`,
		"null at the top level":    `"enterprise_project_id":null,"spec":{"job_name":"app","enterprise_project_id":"theirs"}`,
		"empty in spec, set above": `"enterprise_project_id":"theirs","spec":{"job_name":"app","enterprise_project_id":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			respond := func(description string) {
				server.ForgetFaults()
				body := strings.Replace(response, `"spec":{`, `"spec":{"job_description":"`+description+`",`, 1)
				server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, Times: -1, StatusCode: http.StatusOK, Body: fmt.Sprintf(`{"job_id":%q,%s}`, id(t, server), body)})
			}
			before, after := providertest.Config(server, job(minimal+`job_description = "a"`)), providertest.Config(server, job(minimal+`job_description = "b"`))
			providertest.Run(t, server,
				resource.TestStep{Config: before},
				resource.TestStep{
					PreConfig: func() {
						respond("a")
						server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() { respond("b") }})
					},
					Config:            after,
					ConfigStateChecks: []statecheck.StateCheck{state(knownvalue.StringExact("theirs"), "enterprise_project_id")},
					Check: func(*terraform.State) error {
						if got := string(sentBody(t, server, http.MethodPut)); !strings.Contains(got, `"enterprise_project_id":"theirs"`) {
							return fmt.Errorf("the update sent %s", got)
						}
						return nil
					},
				},
				resource.TestStep{Config: after, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
			)
		})
	}
}

// Prepending to a list renames every build job of a count; one apply is enough although names are unique.
func TestBuildJob_renamesConvergeInOneApply(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := func(names string) string {
		return providertest.Config(server, fmt.Sprintf(`
locals { names = %s }
resource "servicestage_build_job" "test" {
  count    = length(local.names)
  job_name = local.names[count.index]
  environment_setting {}
}
`, names))
	}
	// Renames wait for each other, so the waits take their time.
	factories := providertest.Factories(func(config *servicestage.Config) { config.Wait = nil })
	after := config(`["n0", "n1", "n2", "n3", "n4", "n5"]`)
	providertest.RunWith(t, server, factories,
		resource.TestStep{Config: config(`["n1", "n2", "n3", "n4", "n5"]`)},
		resource.TestStep{Config: after},
		resource.TestStep{Config: after, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
		resource.TestStep{Config: config(`["n1", "n2", "n3", "n4", "n5"]`)},
		resource.TestStep{
			Config:      config(`["n2", "n1", "n3", "n4", "n5"]`),
			ExpectError: regexp.MustCompile(`(?s)Error updating build job.*` + pattern(`Build job [a-z0-9]{40} has the name "n[12]"`)),
		},
	)
}

// Mismatches name the argument and print no value: the provider cannot know which are sensitive.
func TestBuildJob_mismatchPrintsNoValue(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{IgnoreEnterpriseProject: true}})
	cli := providertest.NewCLI(t, server)
	variable := "variable \"project\" {\n  type      = string\n  sensitive = true\n}\n"
	cli.Write(t, "main.tf", providertest.Requirement+variable+job(minimal+"enterprise_project_id = var.project\n"))
	stdout, stderr, err := cli.Run(t, "apply", "-auto-approve", "-no-color", "-var", "project=canary-project")
	if err != nil {
		t.Fatal(err, stderr)
	}
	if !strings.Contains(stdout, "ServiceStage ignored an argument") || strings.Contains(stdout+stderr, "canary") {
		t.Errorf("got\n%s%s", stdout, stderr)
	}
}
