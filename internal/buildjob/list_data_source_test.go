// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	jobsName    = "servicestage_build_jobs"
	jobsAddress = "data." + jobsName + ".test"
)

func jobsData(body string) string {
	return "data \"servicestage_build_jobs\" \"test\" {\n" + body + "\n}\n"
}

func jobsState(check knownvalue.Check, path tfjsonpath.Path) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(jobsAddress, path, check)
}

// texts returns the elements of a list of strings.
func texts(t *testing.T, list tftypes.Value) []string {
	t.Helper()
	var elements []tftypes.Value
	if err := list.As(&elements); err != nil {
		t.Fatal(err)
	}
	found := make([]string, len(elements))
	for i, element := range elements {
		if err := element.As(&found[i]); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// Each selected build job is returned once, sorted by name, for each way in which the service pages and filters its
// list. If nothing matches, the list is empty.
func TestBuildJobsDataSource_filters(t *testing.T) {
	t.Parallel()
	for mode, quirks := range listingModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			ids := map[string]string{"z": server.AddJob(named("z"))}
			maps.Copy(ids, fill(server, 120))
			provider := providertest.NewProtocol(t, server, nil)
			for _, c := range []struct {
				argument string
				value    any
				want     []string
			}{
				{"job_name", nil, slices.Sorted(maps.Keys(ids))},
				{"job_name", "job-100", []string{"job-100"}},
				{"job_name", "job-10", nil},
				{"job_name", "Job-100", nil},
				{"job_name_prefix", "job-11", []string{
					"job-110", "job-111", "job-112", "job-113", "job-114",
					"job-115", "job-116", "job-117", "job-118", "job-119",
				}},
				{"job_name_prefix", "ob-", nil},
			} {
				for _, details := range []bool{false, true} {
					read := provider.ReadData(t, jobsName,
						providertest.Arguments{c.argument: c.value, "details": details})
					read.Expect(t)
					if got := texts(t, read.State["names"]); !slices.Equal(got, c.want) {
						t.Errorf("%s = %v: got %v, want %v", c.argument, c.value, got, c.want)
					}
					for i, id := range texts(t, read.State["ids"]) {
						if id != ids[c.want[i]] {
							t.Errorf("the ID of %s is %s", c.want[i], id)
						}
					}
				}
			}
		})
	}
}

// With details, each build job equals that of the other data source. One that is deleted meanwhile is left out.
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
  value = alltrue([
    for job in data.servicestage_build_jobs.test.jobs :
    jsonencode(job) == jsonencode(data.servicestage_build_job.each[job.job_id])
  ])
}
`)
	first := tfjsonpath.New("jobs").AtSliceIndex(0)
	providertest.Run(t, nil,
		resource.TestStep{
			Config: config,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownOutputValue("equal", knownvalue.Bool(true)),
				jobsState(knownvalue.ListSizeExact(12), tfjsonpath.New("jobs")),
				jobsState(knownvalue.StringExact("https://github.com/acme/job-000"),
					first.AtMapKey("code_repo").AtMapKey("url")),
				jobsState(
					knownvalue.StringExact("aarch64"),
					first.AtMapKey("environment_setting").AtMapKey("build_os").AtMapKey("arch"),
				),
				jobsState(knownvalue.StringExact("emulator-user"), first.AtMapKey("creator")),
				jobsState(knownvalue.Null(), tfjsonpath.New("jobs").AtSliceIndex(1).AtMapKey("code_repo")),
			},
		},
		resource.TestStep{
			PreConfig: func() {
				server.InjectFault(emulator.Fault{
					Method: http.MethodGet, Path: jobsPath + "/" + ids["job-000"],
					Do: func() { server.RemoveJob(ids["job-000"]) },
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

// A filter that is unknown during planning is applied later.
func TestBuildJobsDataSource_unknownFilter(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	fill(server, 3)
	providertest.Run(t, nil, resource.TestStep{
		Config: providertest.Config(
			server, "resource \"terraform_data\" \"later\" { input = \"job-001\" }\n"+jobsData(
				"job_name = terraform_data.later.output",
			),
		),
		ConfigPlanChecks: planned(plancheck.ExpectUnknownValue(jobsAddress, tfjsonpath.New("ids"))),
		ConfigStateChecks: []statecheck.StateCheck{
			jobsState(knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("job-001")}),
				tfjsonpath.New("names")),
		},
	})
}

// A list that lacks build jobs is an error: a for_each over it would destroy what depends on them.
func TestBuildJobsDataSource_incompleteListIsNotReturned(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	fill(server, 250)
	server.InjectFault(emulator.Fault{
		Path: jobsPath, Times: -1, StatusCode: http.StatusOK, Body: `{"total":250,"list":[]}`,
		When: func(r emulator.Request) bool { return !strings.Contains(r.Query, "page=1&") },
	})
	providertest.NewProtocol(t, server, nil).ReadData(t, jobsName, nil).Expect(t,
		"list of build jobs is incomplete: ServiceStage reported 250 build jobs and returned 100")
}

// A build job that cannot be read is returned with its ID and name and a warning.
func TestBuildJobsDataSource_unreadableJobKeepsTheOthers(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	ids := fill(server, 3)
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobsPath + "/" + ids["job-001"], Times: -1, StatusCode: http.StatusForbidden,
		Body: forbidden,
	})
	read := providertest.NewProtocol(t, server, nil).ReadData(t, jobsName, providertest.Arguments{"details": true})
	read.Expect(t, `WARNING  Error reading build jobs: .*only their ID and name are returned: `+ids["job-001"])
	if got := texts(t, read.State["names"]); !slices.Equal(got, []string{"job-000", "job-001", "job-002"}) {
		t.Errorf("got %v", got)
	}
}
