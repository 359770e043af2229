// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The limits of new names and descriptions. The diagnostics of other mistakes are listed in TestDiagnostics.
func TestBuildJob_limits(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	for argument, values := range map[string]map[string]bool{
		"job_name": {
			"a1": true, "a" + strings.Repeat("-", 62) + "b": true,
			"a": false, strings.Repeat("a", 65): false, "1app": false, "app-": false, "my app": false, "äpp": false,
		},
		"job_description":       {strings.Repeat("😀", 64): true, strings.Repeat("😀", 65): false},
		"enterprise_project_id": {"": false},
		"timeouts.create":       {"30": false, "0h0m": false, "-5m": false, "90s": true},
		"code_repo.url": {
			"https://user@github.com/acme/app": true, "git@github.com:acme/app": true, "": false, "github.com": false,
		},
		"code_repo.branch": {"feature/x": true, "my branch": false},
	} {
		for value, valid := range values {
			plan, _ := m.Plan(t, complete.With("timeouts", providertest.Block).With(argument, value))
			if plan.HasError() == valid {
				t.Errorf("%s %q: %s", argument, value, plan)
			}
		}
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("%d requests have reached the service, want none", len(requests))
	}
}

// A name that breaks the API's rule can be imported and managed, but not be given: only a new name is checked.
func TestBuildJob_oddName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, name := range []string{"a", "1st", "last-"} {
		m := manage(t, server)
		m.Import(t, server.AddJob(named(name)), nil).Expect(t)
		m.Converge(t, bare.With("job_name", name).With("job_description", "x"))
		plan, _ := m.Plan(t, bare.With("job_name", "renamed-"))
		plan.Expect(t, "ERROR .*Invalid job name")
	}
	if puts := sent(server, http.MethodPut); puts != 3 {
		t.Errorf("%d PUT requests, want 3", puts)
	}
}
