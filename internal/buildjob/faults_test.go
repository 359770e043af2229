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

const forbidden = `{"error_code":"APIGW.0302","error_msg":"IAM user not authorized"}`

// denied returns a fault that rejects one request.
func denied(method, path string) emulator.Fault {
	return emulator.Fault{Method: method, Path: path, StatusCode: http.StatusForbidden, Body: forbidden}
}

// A rejected request creates nothing, and the error quotes the response.
func TestBuildJob_createFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault emulator.Fault
		want  string
	}{
		"forbidden": {
			responding(http.StatusForbidden, forbidden),
			`ERROR  Error creating build job: Error creating build job "app": HTTP 403: APIGW.0302: IAM user not authorized.*` +
				`servicestage:assembling:.*Endpoint: 127.0.0.1:\d+, request id: [0-9a-f]{32}`,
		},
		"invalid": {
			responding(http.StatusBadRequest, `{"error_code":"SVCSTG.CPE.4004401","error_msg":"no such cluster"}`),
			`HTTP 400: SVCSTG.CPE.4004401: no such cluster`,
		},
		"page of a proxy": {
			responding(http.StatusForbidden, "<html><body><h1>Blocked</h1>by policy</body></html>"),
			`HTTP 403: "Blocked by policy"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			c.fault.Method, c.fault.Path = http.MethodPost, jobsPath
			server.InjectFault(c.fault)
			m := manage(t, server)
			expectDiagnostics(t, m.apply(t, bare), c.want)
			if jobs := server.Jobs(); len(jobs) > 0 || !m.state.IsNull() {
				t.Errorf("the service contains %d build jobs, the state %s", len(jobs), m.state)
			}
		})
	}
}

// A name that a build job of another apply has: the error names that build job and shows how to import it, with a
// condition.
func TestBuildJob_nameTakenByAnotherApply(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	first, second := providertest.NewCLI(t, server), providertest.NewCLI(t, server)
	first.Write(t, "main.tf", providertest.Requirement+job(strings.Replace(minimal, `"app"`, `"APP"`, 1)))
	succeed(t, first, "apply", "-auto-approve", "-no-color")
	theirs := id(t, server)
	second.Write(t, "main.tf", providertest.Requirement+job(minimal))
	_, stderr, err := second.Run(t, "apply", "-auto-approve", "-no-color")
	taken := `(?s)` + words(
		"Build job "+theirs+` has the name "APP". ServiceStage compares names case-insensitively.`,
	) + `.*` +
		words("Unless another resource or team already manages build job "+theirs) +
		`.*import \{[\s│]+to = servicestage_build_job.ADDRESS[\s│]+id = "` + theirs
	if err == nil || !regexp.MustCompile(taken).MatchString(stderr) {
		t.Errorf("%v\n%s", err, stderr)
	}
	id(t, server)

	// The same for a rename. A build job of this process is named without the import.
	m := manage(t, server)
	m.converge(t, bare.with("job_name", "other"))
	expectDiagnostics(
		t, m.apply(t, bare), `ERROR  Error updating build job: .*Build job `+theirs+` has the name "APP"\..*import \{`,
	)
	another := m.another()
	own := `Error creating build job: .*Build job [a-z0-9]{40} has the name "other"\..*` +
		`Another resource of this configuration uses the name`
	expectDiagnostics(t, another.apply(t, bare.with("job_name", "other")), own)
}

// If the new build job cannot be read, the state contains the plan, and the next refresh reads the rest.
func TestBuildJob_readBackFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	unreadable := denied(http.MethodGet, jobPath)
	server.InjectFault(unreadable)
	m := manage(t, server)
	expectDiagnostics(t, m.apply(t, bare), `WARNING  Error reading the new build job: .*HTTP 403`)
	if m.value(t, "job_id") == nil || m.value(t, "created_at") == nil || m.value(t, "creator") != nil {
		t.Errorf("the state has %s", m.state)
	}
	m.expectNoChange(t, bare)
	if m.value(t, "creator") != "emulator-user" || m.value(t, "enterprise_project_id") != "0" {
		t.Errorf("after a refresh, the state has %s", m.state)
	}
	server.InjectFault(emulator.Fault{
		Method: http.MethodPut, Path: jobPath, Do: func() { server.InjectFault(unreadable) },
	})
	expectDiagnostics(
		t, m.apply(t, bare.with("job_name", "app-2")), `WARNING  Error reading the updated build job: .*HTTP 403`,
	)
	m.expectNoChange(t, bare.with("job_name", "app-2"))
	if posts, deletes := sent(server, http.MethodPost), sent(server, http.MethodDelete); posts != 1 || deletes != 0 {
		t.Errorf("%d POST and %d DELETE requests, want 1 and none", posts, deletes)
	}
}

// A new build job that the service cannot read yet is read again, whatever the error looks like.
func TestBuildJob_readableLate(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, fault := range []emulator.Fault{
		{StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401","error_msg":"not found"}`},
		{StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.1","error_msg":"unclear"}`},
		{StatusCode: http.StatusUnauthorized, Body: `{"error_code":"SVCSTG.00100401","error_message":"does not exist"}`},
		{StatusCode: http.StatusNotFound},
		{StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4041","error_msg":"gone"}`},
	} {
		fault.Method, fault.Path = http.MethodGet, jobPath
		server.InjectFault(fault)
	}
	m := manage(t, server)
	m.converge(t, bare)
	if m.value(t, "creator") != "emulator-user" || sent(server, http.MethodPost) != 1 {
		t.Errorf("the state has %s", m.state)
	}
}

func TestBuildJob_updateFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.converge(t, bare)
	changed := bare.with("job_description", "x")
	server.InjectFault(denied(http.MethodPut, jobPath))
	expectDiagnostics(t, m.apply(t, changed), `ERROR  Error updating build job: .*HTTP 403`)
	m.expectNoChange(t, bare)

	gone := id(t, server)
	server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() { server.RemoveJob(gone) }})
	expectDiagnostics(t, m.apply(t, changed), `ERROR  Build job deleted outside Terraform`)
	m.converge(t, changed)
	if got := m.value(t, "job_id"); got == gone {
		t.Errorf("the state still has %s", gone)
	}
}

func TestBuildJob_deleteFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.converge(t, bare)
	server.InjectFault(denied(http.MethodDelete, jobPath))
	expectDiagnostics(t, m.apply(t, nil), `ERROR  Error deleting build job`)
	m.expectNoChange(t, bare)
}

// The name is unknown after an import of a build job without one; "not found" is resolved without it.
func TestBuildJob_namelessDisappears(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	nameless := server.AddJob(map[string]any{"environment_setting": map[string]any{}})
	m := manage(t, server)
	expectDiagnostics(t, m.imports(t, nameless))
	expectDiagnostics(t, m.refresh(t))
	server.RemoveJob(nameless)
	expectDiagnostics(t, m.refresh(t))
	if !m.state.IsNull() {
		t.Errorf("the state still has %s", m.state)
	}
}
