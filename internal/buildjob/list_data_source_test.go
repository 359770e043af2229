// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const jobsAddress = "data.servicestage_build_jobs.test"

func jobsData(body string) string {
	return "data \"servicestage_build_jobs\" \"test\" {\n" + body + "\n}\n"
}

func jobsState(check knownvalue.Check, path tfjsonpath.Path) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(jobsAddress, path, check)
}

// texts is a list of exactly these strings.
func texts(values []string) knownvalue.Check {
	checks := make([]knownvalue.Check, len(values))
	for i, value := range values {
		checks[i] = knownvalue.StringExact(value)
	}
	return knownvalue.ListExact(checks)
}

// Each job of 500 comes once, sorted by its name, however the service pages its list.
func TestBuildJobsDataSource_500(t *testing.T) {
	t.Parallel()
	for mode, quirks := range listingModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			last := server.AddJob(map[string]any{"job_name": "z", "environment_setting": map[string]any{}})
			ids := fill(server, 499)
			ids["z"] = last
			names := slices.Sorted(maps.Keys(ids))
			ordered := make([]string, len(names))
			for i, name := range names {
				ordered[i] = ids[name]
			}
			providertest.Run(t, nil, resource.TestStep{
				Config: providertest.Config(server, jobsData("")),
				ConfigStateChecks: []statecheck.StateCheck{
					jobsState(texts(names), tfjsonpath.New("names")),
					jobsState(texts(ordered), tfjsonpath.New("ids")),
					jobsState(knownvalue.ListSizeExact(500), tfjsonpath.New("jobs")),
					jobsState(knownvalue.StringExact("z"), tfjsonpath.New("jobs").AtSliceIndex(499).AtMapKey("job_name")),
					jobsState(knownvalue.Null(), tfjsonpath.New("jobs").AtSliceIndex(499).AtMapKey("environment_setting")),
					jobsState(knownvalue.Null(), tfjsonpath.New("jobs").AtSliceIndex(499).AtMapKey("enterprise_project_id")),
				},
				Check: expectRequests(t, server, map[string]int{"GET " + jobPath: 0}),
			})
		})
	}
}

func TestBuildJobsDataSource_filters(t *testing.T) {
	t.Parallel()
	var config strings.Builder
	for name, filter := range map[string]string{
		"exact": `job_name = "job-100"`, "part": `job_name = "job-10"`, "case": `job_name = "Job-100"`,
		"prefix": `job_name_prefix = "job-00"`, "none": `job_name_prefix = "nobody"`,
	} {
		fmt.Fprintf(&config, "data \"servicestage_build_jobs\" %q {\n  %s\n}\noutput %q {\n  value = data.servicestage_build_jobs.%s.names\n}\n", name, filter, name, name)
	}
	want := map[string]knownvalue.Check{
		"exact": texts([]string{"job-100"}), "part": texts(nil), "case": texts(nil), "none": texts(nil),
		"prefix": texts([]string{
			"job-000", "job-001", "job-002", "job-003", "job-004", "job-005", "job-006", "job-007", "job-008", "job-009",
		}),
	}
	checks := []statecheck.StateCheck{}
	for name, names := range want {
		checks = append(checks, statecheck.ExpectKnownOutputValue(name, names))
	}
	for mode, quirks := range listingModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			fill(server, 120)
			providertest.Run(t, nil, resource.TestStep{
				Config:            providertest.Config(server, config.String()),
				ConfigStateChecks: checks,
			})
		})
	}
}

// With details, a job is what the data source for one says of it. One that is deleted meanwhile is left out.
func TestBuildJobsDataSource_details(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	ids := fill(server, 12)
	config := providertest.Config(server, jobsData("details = true")+`
data "servicestage_build_job" "each" {
  for_each = toset(data.servicestage_build_jobs.test.ids)
  job_id   = each.value
}
output "equal" {
  value = alltrue([for job in data.servicestage_build_jobs.test.jobs : jsonencode(job) == jsonencode(data.servicestage_build_job.each[job.job_id])])
}
`)
	first := tfjsonpath.New("jobs").AtSliceIndex(0)
	providertest.Run(t, nil,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("equal", knownvalue.Bool(true)),
				jobsState(knownvalue.ListSizeExact(12), tfjsonpath.New("jobs")),
				jobsState(knownvalue.StringExact("https://github.com/acme/job-000"), first.AtMapKey("code_repo").AtMapKey("url")),
				jobsState(knownvalue.StringExact("aarch64"), first.AtMapKey("environment_setting").AtMapKey("build_os").AtMapKey("arch")),
				jobsState(knownvalue.StringExact("emulator-user"), first.AtMapKey("creator")),
				jobsState(knownvalue.Null(), tfjsonpath.New("jobs").AtSliceIndex(1).AtMapKey("code_repo")),
			},
		},
		resource.TestStep{
			PreConfig: func() {
				server.InjectFault(emulator.Fault{
					Method: http.MethodGet, Path: jobsPath + "/" + ids["job-000"], Do: func() { server.RemoveJob(ids["job-000"]) },
				})
			},
			Config: providertest.Config(server, jobsData("details = true")),
			ConfigStateChecks: []statecheck.StateCheck{
				jobsState(knownvalue.ListSizeExact(11), tfjsonpath.New("jobs")),
				jobsState(knownvalue.StringExact("job-001"), first.AtMapKey("job_name")),
			},
		},
	)
}

// None is an empty list, and no error.
func TestBuildJobsDataSource_none(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, details := range []string{"true", "false"} {
		providertest.Run(t, nil, resource.TestStep{
			Config: providertest.Config(server, jobsData("details = "+details)),
			ConfigStateChecks: []statecheck.StateCheck{
				jobsState(knownvalue.ListSizeExact(0), tfjsonpath.New("jobs")),
				jobsState(knownvalue.ListSizeExact(0), tfjsonpath.New("ids")),
				jobsState(knownvalue.ListSizeExact(0), tfjsonpath.New("names")),
			},
		})
	}
}

func TestBuildJobsDataSource_invalid(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for name, c := range map[string]struct{ body, want string }{
		"both filters": {"job_name = \"a\"\njob_name_prefix = \"b\"", `Attribute "job_name_prefix" cannot be specified when "job_name" is specified`},
		"empty name":   {`job_name = ""`, `string length must be at least 1`},
		"empty prefix": {`job_name_prefix = ""`, `string length must be at least 1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			providertest.Run(t, nil, resource.TestStep{
				Config:      providertest.Config(server, jobsData(c.body)),
				ExpectError: regexp.MustCompile(words(c.want)),
			})
		})
	}
}

// A filter that is known only after apply is read then.
func TestBuildJobsDataSource_unknownFilter(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	fill(server, 3)
	providertest.Run(t, nil, resource.TestStep{
		Config:            providertest.Config(server, "resource \"terraform_data\" \"later\" { input = \"job-001\" }\n"+jobsData("job_name = terraform_data.later.output")),
		ConfigPlanChecks:  planned(plancheck.ExpectUnknownValue(jobsAddress, tfjsonpath.New("ids"))),
		ConfigStateChecks: []statecheck.StateCheck{jobsState(texts([]string{"job-001"}), tfjsonpath.New("names"))},
	})
}

// A list that lacks build jobs is an error: a for_each over it would destroy what depends on them.
func TestBuildJobsDataSource_incompleteListIsNotReturned(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	fill(server, 250)
	server.InjectFault(emulator.Fault{Path: jobsPath, Times: -1, StatusCode: http.StatusOK, Body: `{"total":250,"list":[]}`, When: func(r emulator.Request) bool {
		return !strings.Contains(r.Query, "page=1&")
	}})
	providertest.Run(t, nil, resource.TestStep{
		Config:      providertest.Config(server, jobsData("")),
		ExpectError: regexp.MustCompile(words("the list of build jobs is incomplete: ServiceStage reported 250 build jobs and returned 100")),
	})
}

// One build job that cannot be read does not hide the others.
func TestBuildJobsDataSource_unreadableJobKeepsTheOthers(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	ids := fill(server, 3)
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobsPath + "/" + ids["job-001"], Times: -1,
		StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302","error_msg":"no"}`,
	})
	jobs := tfjsonpath.New("jobs")
	providertest.Run(t, nil, resource.TestStep{
		Config: providertest.Config(server, jobsData("details = true")),
		ConfigStateChecks: []statecheck.StateCheck{
			jobsState(knownvalue.ListSizeExact(3), jobs),
			jobsState(knownvalue.StringExact("job-001"), jobs.AtSliceIndex(1).AtMapKey("job_name")),
			jobsState(knownvalue.Null(), jobs.AtSliceIndex(1).AtMapKey("creator")),
			jobsState(knownvalue.StringExact("emulator-user"), jobs.AtSliceIndex(2).AtMapKey("creator")),
		},
	})
}
