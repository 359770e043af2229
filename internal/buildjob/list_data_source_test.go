// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const jobsName = "servicestage_build_jobs"

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

// With details, each build job equals that of the other data source. One that is deleted meanwhile is left out.
func TestBuildJobsDataSource_details(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	ids := fill(server, 12)
	provider := providertest.NewProtocol(t, server, nil)
	read := provider.ReadData(t, jobsName, providertest.Arguments{"details": true})
	read.Expect(t)
	var jobs []tftypes.Value
	if err := read.State["jobs"].As(&jobs); err != nil || len(jobs) != len(ids) {
		t.Fatalf("%d build jobs and the error %v", len(jobs), err)
	}
	for i, id := range texts(t, read.State["ids"]) {
		job := provider.ReadData(t, typeName, providertest.Arguments{"job_id": id})
		job.Expect(t)
		if want := tftypes.NewValue(jobs[i].Type(), job.State); !jobs[i].Equal(want) {
			t.Errorf("got %s, want %s", jobs[i], want)
		}
	}
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobsPath + "/" + ids["job-000"], Do: func() { server.RemoveJob(ids["job-000"]) },
	})
	read = provider.ReadData(t, jobsName, providertest.Arguments{"details": true})
	read.Expect(t)
	if names := texts(t, read.State["names"]); len(names) != 11 || names[0] != "job-001" {
		t.Errorf("got %v", names)
	}
}

// A build job that cannot be read is returned with its ID and name and a warning.
func TestBuildJobsDataSource_unreadableJobKeepsTheOthers(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	ids := fill(server, 3)
	server.InjectFault(denied(http.MethodGet, jobsPath+"/"+ids["job-001"]))
	read := providertest.NewProtocol(t, server, nil).ReadData(t, jobsName, providertest.Arguments{"details": true})
	read.Expect(t, `WARNING  Error reading build jobs: .*only their ID and name are returned: `+ids["job-001"])
	if got := texts(t, read.State["names"]); !slices.Equal(got, []string{"job-000", "job-001", "job-002"}) {
		t.Errorf("got %v", got)
	}
}
