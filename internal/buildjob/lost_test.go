// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
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
	page := "<html>Bad Gateway</html>"
	for name, fault := range map[string]emulator.Fault{
		"dropped before":        {Drop: true},
		"dropped after":         {Drop: true, After: true},
		"500 before":            {StatusCode: http.StatusInternalServerError},
		"500 after":             {StatusCode: http.StatusInternalServerError, After: true},
		"502 before":            {StatusCode: http.StatusBadGateway, Body: page},
		"502 after":             {StatusCode: http.StatusBadGateway, Body: page, After: true},
		"504 before":            {StatusCode: http.StatusGatewayTimeout, Body: page},
		"504 after":             {StatusCode: http.StatusGatewayTimeout, Body: page, After: true},
		"503":                   {StatusCode: http.StatusServiceUnavailable},
		"throttled":             {StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3"}}},
		"unusable answer after": {StatusCode: http.StatusOK, Body: `{}`, After: true},
	} {
		for _, times := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d times", name, times), func(t *testing.T) {
				t.Parallel()
				server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true, NormaliseRepoType: true}})
				repeated := fault
				repeated.Method, repeated.Path, repeated.Times = http.MethodPost, jobsPath, times
				server.Order(repeated)
				config := providertest.Config(server, job(strings.Replace(full, `"GitHub"`, `"github"`, 1)))
				providertest.Run(t, server,
					resource.TestStep{
						Config: config,
						Check: func(state *terraform.State) error {
							server.ForgetFaults()
							return holdsWhatStateHolds(server)(state)
						},
					},
					resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
				)
			})
		}
	}
}

// The list lags behind: the second send is refused because of the first, which is then found.
func TestBuildJob_createAnswerLostListLags(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.Order(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, After: true})
	server.Order(emulator.Fault{Method: http.MethodGet, Path: jobsPath, Times: 4, StatusCode: http.StatusOK, Body: `{"total":0,"list":[]}`})
	providertest.Run(t, server, resource.TestStep{
		Config: providertest.Config(server, job(minimal)),
		Check: resource.ComposeTestCheckFunc(
			holdsWhatStateHolds(server),
			expectRequests(t, server, map[string]int{"POST " + jobsPath: 2}),
		),
	})
}

// What cannot be decided is an error that names the jobs in question, and nothing is sent twice.
func TestBuildJob_createUndecided(t *testing.T) {
	t.Parallel()
	other := map[string]any{"job_name": "app", "job_description": "of somebody else", "environment_setting": map[string]any{}}
	lost := emulator.Fault{Method: http.MethodPost, Path: jobsPath, StatusCode: http.StatusBadGateway}
	t.Run("another job of this name", func(t *testing.T) {
		t.Parallel()
		server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
		theirs := server.AddJob(other)
		server.Order(lost)
		providertest.Run(t, nil, resource.TestStep{
			Config: providertest.Config(server, job(minimal+`job_description = "mine"`)),
			ExpectError: regexp.MustCompile(`(?s)The build job may have been created.*HTTP 502.*` + theirs +
				`.*import \{[\s│]+to = servicestage_build_job.ADDRESS[\s│]+id = "` + theirs + `"`),
		})
		if posts := server.CountRequests(http.MethodPost, jobsPath); posts != 1 || len(server.Jobs()) != 1 {
			t.Errorf("%d POST requests and %d jobs, want 1 and 1", posts, len(server.Jobs()))
		}
	})
	t.Run("for ever", func(t *testing.T) {
		t.Parallel()
		server := emulator.New(t, emulator.Options{})
		server.Order(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, Times: -1})
		providertest.Run(t, nil, resource.TestStep{
			Config:      providertest.Config(server, job(minimal)),
			ExpectError: regexp.MustCompile(`(?s)The build job may have been created.*` + words(`no build job named "app" could be found`)),
		})
		if len(server.Jobs()) != 0 {
			t.Errorf("the service holds %d jobs, want none", len(server.Jobs()))
		}
	})
	t.Run("until the timeout", func(t *testing.T) {
		t.Parallel()
		server := emulator.New(t, emulator.Options{})
		server.Order(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, Times: -1})
		config := providertest.Config(server, job(minimal+"timeouts { create = \"300ms\" }\n"))
		providertest.Run(t, nil, resource.TestStep{
			Config:      strings.Replace(config, "region ", "max_retries = 1000000\n  region ", 1),
			ExpectError: regexp.MustCompile(words(`(the time for the operation is over)`) + `(?s).*` + words(`no build job named "app" could be found`)),
		})
		if posts := server.CountRequests(http.MethodPost, jobsPath); posts < 2 || len(server.Jobs()) != 0 {
			t.Errorf("%d POST requests and %d jobs, want many and none", posts, len(server.Jobs()))
		}
	})
	t.Run("the list cannot be had", func(t *testing.T) {
		t.Parallel()
		server := emulator.New(t, emulator.Options{})
		server.Order(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, After: true})
		server.Order(emulator.Fault{Method: http.MethodGet, Path: jobsPath, Times: -1, StatusCode: http.StatusForbidden, Body: forbidden})
		providertest.Run(t, nil, resource.TestStep{
			Config:      providertest.Config(server, job(minimal)),
			ExpectError: regexp.MustCompile(`The build job may have been created`),
		})
		if posts := server.CountRequests(http.MethodPost, jobsPath); posts != 1 || len(server.Jobs()) != 1 {
			t.Errorf("%d POST requests and %d jobs, want 1 and 1", posts, len(server.Jobs()))
		}
	})
}

// The second send makes a job, and only then the first one's turns up: both are named, and the state holds one of them.
func TestBuildJob_createTwin(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	server.Order(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, After: true})
	server.Order(emulator.Fault{Method: http.MethodGet, Path: jobsPath, Times: 4, StatusCode: http.StatusOK, Body: `{"total":0,"list":[]}`})
	providertest.Run(t, nil, resource.TestStep{
		Config:      providertest.Config(server, job(minimal)),
		ExpectError: regexp.MustCompile(`Two build jobs may have been created`),
	})
	// The one in the state was destroyed when the test ended; the other is what the message is about.
	if jobs := server.Jobs(); len(jobs) != 1 {
		t.Errorf("the service holds %d jobs, want 1", len(jobs))
	}
}

// The answers to other calls may be lost as well; they are simply sent again.
func TestBuildJob_otherAnswersLost(t *testing.T) {
	t.Parallel()
	changed := strings.Replace(full, `"Builds the app"`, `"Builds it better"`, 1)
	for name, fault := range map[string]emulator.Fault{
		"dropped before": {Drop: true},
		"dropped after":  {Drop: true, After: true},
		"500 before":     {StatusCode: http.StatusInternalServerError},
		"502 after":      {StatusCode: http.StatusBadGateway, After: true},
		"throttled":      {StatusCode: http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			order := func() {
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
					fault.Method, fault.Path, fault.Times = method, jobPath, 2
					server.Order(fault)
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

// Fifty jobs at once, with faults of all kinds in every fifth request: the service holds exactly these fifty in the end.
func TestBuildJob_manyWithFaults(t *testing.T) {
	t.Parallel()
	const count = 50
	seed := rand.Uint64()
	server := emulator.New(t, emulator.Options{})
	server.OrderRandomFaults(seed, 0.2)
	config := providertest.Config(server, fmt.Sprintf(`
resource "servicestage_build_job" "many" {
  count    = %d
  job_name = "app-${count.index}"
  environment_setting {
    use_public_cluster = true
  }
}
`, count))
	providertest.Run(t, server,
		resource.TestStep{
			Config: config,
			Check: func(*terraform.State) error {
				names := map[string]bool{}
				for _, job := range server.Jobs() {
					names[job.Name()] = true
				}
				if jobs := server.Jobs(); len(jobs) != count || len(names) != count {
					return fmt.Errorf("seed %d: the service holds %d jobs of %d names, want %d of each", seed, len(jobs), len(names), count)
				}
				return nil
			},
		},
		resource.TestStep{Config: config, ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
	)
}
