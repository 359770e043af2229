// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// An import by name matches exactly, also if the service ignores the filter of its list.
func TestBuildJob_importByName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{IgnoreNameFilter: true}})
	fill(server, 120)
	wanted := server.AddJob(named("job-1"))
	m := manage(t, server)
	m.Import(t, "name/job-1", nil).Expect(t)
	m.Refresh(t).Expect(t)
	if got := m.Value(t, "job_id"); got != wanted {
		t.Errorf("%v was imported, want %s", got, wanted)
	}
	m.ExpectNoChange(t, bare.With("job_name", "job-1"))
}

// TestDiagnostics has the errors for other names.
func TestBuildJob_importInvalid(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	longer, otherCase := server.AddJob(named("longer-name")), server.AddJob(named("Longer"))
	for id, want := range map[string]string{
		"name/longer": `is named "longer"\. ServiceStage returned for this name: "Longer" \(` + otherCase +
			`\), "longer-name" \(` + longer + `\)\. Names are compared case-sensitively\.`,
		"name/": `Invalid import ID: .*name/ and its exact job_name, .*Got: "name/"\.`,
	} {
		manage(t, server).Import(t, id, nil).Expect(t, want)
	}
}

// A list that cannot be read does not mean that the build job does not exist.
func TestBuildJob_importByNameWithoutList(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.AddJob(named("app"))
	server.InjectFault(denied(http.MethodGet, jobsPath))
	manage(t, server).Import(t, "name/app", nil).Expect(t, `Error searching for build job "app": HTTP 403: APIGW.0302`)
}
