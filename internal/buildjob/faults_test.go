// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// denied returns a fault that rejects one request.
func denied(method, path string) emulator.Fault {
	return emulator.Fault{
		Method: method, Path: path, StatusCode: http.StatusForbidden,
		Body: `{"error_code":"APIGW.0302","error_msg":"IAM user not authorized"}`,
	}
}

// If the new build job cannot be read, the state contains the plan, and the next refresh reads the rest.
func TestBuildJob_readBackFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	unreadable := denied(http.MethodGet, jobPath)
	server.InjectFault(unreadable)
	m := manage(t, server)
	m.Apply(t, bare).Expect(t, `WARNING  Error reading the new build job: .*HTTP 403`)
	if m.Value(t, "job_id") == nil || m.Value(t, "created_at") == nil || m.Value(t, "creator") != nil {
		t.Errorf("the state has %s", m.State)
	}
	m.ExpectNoChange(t, bare)
	if m.Value(t, "creator") != "emulator-user" || m.Value(t, "enterprise_project_id") != "0" {
		t.Errorf("after a refresh, the state has %s", m.State)
	}
	server.InjectFault(emulator.Fault{
		Method: http.MethodPut, Path: jobPath, Do: func() { server.InjectFault(unreadable) },
	})
	m.Apply(t, bare.With("job_name", "app-2")).Expect(t, `WARNING  Error reading the updated build job: .*HTTP 403`)
	m.ExpectNoChange(t, bare.With("job_name", "app-2"))
	if posts, deletes := sent(server, http.MethodPost), sent(server, http.MethodDelete); posts != 1 || deletes != 0 {
		t.Errorf("%d POST and %d DELETE requests, want 1 and none", posts, deletes)
	}
}

// A new build job that the service cannot read yet is read again.
func TestBuildJob_readableLate(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, StatusCode: http.StatusNotFound})
	m := manage(t, server)
	m.Converge(t, bare)
	if m.Value(t, "creator") != "emulator-user" || sent(server, http.MethodPost) != 1 {
		t.Errorf("the state has %s", m.State)
	}
}

// A rejected request changes neither the service nor the state.
func TestBuildJob_writeFails(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	server.InjectFault(denied(http.MethodPost, jobsPath))
	m.Apply(t, bare).Expect(t, `ERROR  Error creating build job: .*HTTP 403`)
	if jobs := server.Jobs(); len(jobs) > 0 || !m.State.IsNull() {
		t.Errorf("the service contains %d build jobs, the state %s", len(jobs), m.State)
	}
	m.Converge(t, bare)
	changed := bare.With("job_description", "x")
	server.InjectFault(denied(http.MethodPut, jobPath))
	m.Apply(t, changed).Expect(t, `ERROR  Error updating build job: .*HTTP 403`)
	m.ExpectNoChange(t, bare)
	server.InjectFault(denied(http.MethodDelete, jobPath))
	m.Apply(t, nil).Expect(t, `ERROR  Error deleting build job: .*HTTP 403`)
	m.ExpectNoChange(t, bare)

	gone := id(t, server)
	server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() { server.RemoveJob(gone) }})
	m.Apply(t, changed).Expect(t, `ERROR  Build job deleted outside Terraform`)
	m.Converge(t, changed)
	if got := m.Value(t, "job_id"); got == gone {
		t.Errorf("the state still has %s", gone)
	}
}

// The name is unknown after an import of a build job without one; "not found" is resolved without it.
func TestBuildJob_namelessDisappears(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	nameless := server.AddJob(map[string]any{"environment_setting": map[string]any{}})
	m := manage(t, server)
	m.Import(t, nameless, nil).Expect(t)
	m.Refresh(t).Expect(t)
	server.RemoveJob(nameless)
	m.Refresh(t).Expect(t)
	if !m.State.IsNull() {
		t.Errorf("the state still has %s", m.State)
	}
}
