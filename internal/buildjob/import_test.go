// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// An import by name matches exactly, for each way in which the service filters and pages its list.
func TestBuildJob_importByName(t *testing.T) {
	t.Parallel()
	for mode, quirks := range listingModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			fill(server, 120)
			wanted := server.AddJob(named("job-1"))
			m := manage(t, server)
			m.Import(t, "name/job-1", nil).Expect(t)
			m.Refresh(t).Expect(t)
			if got := m.Value(t, "job_id"); got != wanted {
				t.Errorf("%v was imported, want %s", got, wanted)
			}
			m.ExpectNoChange(t, bare.With("job_name", "job-1"))
		})
	}
}

// TestDiagnostics has the errors for other names.
func TestBuildJob_importInvalid(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	longer := server.AddJob(named("longer-name"))
	for id, want := range map[string]string{
		"name/longer": `is named "longer"\. ServiceStage returned for this name: "longer-name" \(` + longer + `\)\.`,
		"name/":       `Invalid import ID: .*name/ and its exact job_name, .*Got: "name/"\.`,
	} {
		manage(t, server).Import(t, id, nil).Expect(t, want)
	}
}

// An empty ID is explained. Without the provider's message, Terraform reports a bug of the provider.
func TestBuildJob_emptyImportIDIsNoProviderBug(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", providertest.Requirement+job(minimal))
	_, stderr, err := cli.Run(t, "import", "-no-color", address, "")
	explained := regexp.MustCompile(words("An identity has the job_id. Got an empty ID.")).MatchString(stderr)
	if err == nil || strings.Contains(stderr, "always an error in the provider") || !explained {
		t.Errorf("%v\n%s", err, stderr)
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("%d requests have reached the service, want none", len(requests))
	}
}

// A list that cannot be read does not mean that the build job does not exist.
func TestBuildJob_importByNameWithoutList(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.AddJob(named("app"))
	server.InjectFault(
		emulator.Fault{
			Method: http.MethodGet, Path: jobsPath, Times: -1, StatusCode: http.StatusForbidden, Body: forbidden,
		},
	)
	manage(t, server).Import(t, "name/app", nil).Expect(t, `Error searching for build job "app": HTTP 403: APIGW.0302`)
}
