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

// The name is exact, however the service filters and pages its list.
func TestBuildJob_importByName(t *testing.T) {
	t.Parallel()
	for mode, quirks := range listingModes() {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			fill(server, 120)
			wanted := server.AddJob(named("job-1"))
			m := manage(t, server)
			expectDiagnostics(t, m.imports(t, "name/job-1"))
			expectDiagnostics(t, m.refresh(t))
			if got := m.value(t, "job_id"); got != wanted {
				t.Errorf("%v was imported, want %s", got, wanted)
			}
			m.expectNoChange(t, bare.with("job_name", "job-1"))
		})
	}
}

func TestBuildJob_importInvalid(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	add := func(name string) string {
		return server.AddJob(named(name))
	}
	first, second := add("twice"), add("twice")
	similar, longer := add("App"), add("longer-name")
	m := manage(t, server)
	for name, c := range map[string]struct{ id, want string }{
		"several": {
			"name/twice", `2 build jobs are named "twice"\.\n\nSelect one by its job_id: ` + first + `, ` + second + `\.`,
		},
		"other case": {
			"name/app", `case-sensitively\. Build jobs whose names differ in case: "App" \(` + similar + `\)\.`,
		},
		"part of a name": {
			"name/longer", `is named "longer"\. ServiceStage returned for this name: "longer-name" \(` + longer + `\)\.`,
		},
		"none":    {"name/missing", `No build job in the provider's region and project is named "missing"\.`},
		"no name": {"name/", `Invalid import ID: .*name/ and its exact job_name, .*Got: "name/"\.`},
		"a URL":   {"https://example.com/x", `Invalid import ID: .*its job_id, .*Got: "https://example.com/x"\.`},
		"unknown ID": {
			"nosuchjob",
			`No such build job: .*have no build job with this ID\.\n\nTo import a build job by its name, use name/nosuchjob\.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := m.another()
			diagnostics := one.imports(t, c.id)
			if !failed(diagnostics) {
				diagnostics = one.refresh(t)
			}
			expectDiagnostics(t, diagnostics, c.want)
		})
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
		emulator.Fault{Method: http.MethodGet, Path: jobsPath, Times: -1, StatusCode: http.StatusForbidden, Body: forbidden},
	)
	expectDiagnostics(
		t, manage(t, server).imports(t, "name/app"), `Error searching for build job "app": HTTP 403: APIGW.0302`,
	)
}
