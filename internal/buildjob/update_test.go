// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Each argument of the API, alone: set, changed in place, changed outside Terraform, and removed.
func TestBuildJob_arguments(t *testing.T) {
	t.Parallel()
	clearedWithEmpty := []string{
		"job_description", "environment_setting.docker_version", "environment_setting.cluster_id",
		"environment_setting.cluster_name",
	}
	for _, path := range servicestage.Arguments() {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			first, second, outside, base := any("first"), any("second"), any("outside"), bare
			switch path {
			case "environment_setting.use_public_cluster":
				first, second, outside = true, false, true
			case "environment_setting.build_os.arch":
				first, second, base = "x86_64", "aarch64", bare.With("environment_setting.build_os", providertest.Block)
			case "code_repo.url":
				first, second = "https://github.com/acme/first", "https://github.com/acme/second"
			}
			if strings.HasPrefix(path, "code_repo.") {
				base = complete
			}
			server := emulator.New(t, emulator.Options{})
			m := manage(t, server)
			expectValue := func(want any) {
				t.Helper()
				if got := m.Value(t, path); got != want {
					t.Errorf("the state has %v, want %v", got, want)
				}
			}
			m.Converge(t, base.With(path, first))
			expectValue(first)
			if plan, changes := m.Plan(t, base.With(path, second)); !changes || !plan.State.IsFullyKnown() {
				t.Errorf("the plan of a change: %v", plan)
			}
			m.Converge(t, base.With(path, second))
			expectValue(second)

			server.ChangeJob(id(t, server), func(spec map[string]any) {
				names := strings.Split(path, ".")
				for _, name := range names[:len(names)-1] {
					spec = spec[name].(map[string]any)
				}
				spec[names[len(names)-1]] = outside
			})
			m.Refresh(t).Expect(t)
			expectValue(outside)
			m.Converge(t, base.With(path, second))
			expectValue(second)

			if posts := sent(server, http.MethodPost); posts != 1 {
				t.Errorf("%d POST requests, want 1", posts)
			}
			switch {
			case path == "job_name", base["code_repo"] != nil: // Required.
				return
			case path == "enterprise_project_id":
				m.ExpectNoChange(t, base)
				return
			}
			m.Converge(t, base)
			expectValue(nil)
			var sent any
			if err := json.Unmarshal(sentBody(t, server), &sent); err != nil {
				t.Fatal(err)
			}
			for name := range strings.SplitSeq(path, ".") {
				object, _ := sent.(map[string]any)
				sent = object[name]
			}
			if empty := slices.Contains(clearedWithEmpty, path); empty != (sent == "") || !empty && sent != nil {
				t.Errorf("the update that removes the argument sends %v", sent)
			}
		})
	}
}

// Blocks are added and removed in place. What somebody else adds to unset arguments is drift, and is removed.
func TestBuildJob_blocks(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	for _, c := range []providertest.Arguments{bare, complete, bare} {
		m.Converge(t, c)
		for _, path := range []string{"code_repo", "environment_setting.build_os"} {
			if got := m.Value(t, path); got != c[path] {
				t.Errorf("%s is %v, want %v", path, got, c[path])
			}
		}
	}
	server.ChangeJob(id(t, server), func(spec map[string]any) {
		spec["code_repo"] = repo("https://github.com/acme/app")
		spec["job_description"] = "outside Terraform"
	})
	m.Converge(t, bare)
	if spec := server.Jobs()[0].Spec; spec["code_repo"] != nil || spec["job_description"] != "" {
		t.Errorf("the service has %v", spec)
	}
}

// A changed service default is drift.
func TestBuildJob_defaultChanges(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	m := manage(t, server)
	m.Converge(t, bare)
	server.ChangeJob(id(t, server), func(spec map[string]any) {
		spec["environment_setting"] = map[string]any{
			"docker_version": "99",
			"build_os":       map[string]any{"arch": "aarch64"},
		}
	})
	m.Refresh(t).Expect(t)
	if _, changes := m.Plan(t, bare); !changes || m.Value(t, "environment_setting.docker_version") != "99" {
		t.Errorf("no drift from %s", m.State)
	}
	m.Converge(t, bare)
}

// Members of a build job that the API does not document survive an update, at every depth.
func TestBuildJob_undocumentedMembers(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, complete)
	server.ChangeJob(id(t, server), func(spec map[string]any) {
		spec["build_cmd"] = "mvn package"
		environment := spec["environment_setting"].(map[string]any)
		environment["node_label"] = map[string]any{"size": json.Number("12345678901234567890")}
		environment["build_os"].(map[string]any)["kernel"] = "5.10"
		spec["code_repo"].(map[string]any)["hook"] = true
	})
	m.Converge(t, complete.With("job_description", "Builds it better"))
	body := string(sentBody(t, server))
	for _, want := range []string{
		`"build_cmd":"mvn package"`, `"node_label":{"size":12345678901234567890}`, `"kernel":"5.10"`, `"hook":true`,
		`"Builds it better"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the update does not send %s: %s", want, body)
		}
	}
}

// A change of the timeouts is stored without a request, and corrects timeouts that are too short for one.
func TestBuildJob_timeouts(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	short := bare.With("timeouts", providertest.Block).With("timeouts.read", "1ns").With("timeouts.delete", "1ns")
	m.Converge(t, short)
	m.Converge(t, short.With("timeouts.read", "1m"))
	if got, puts := m.Value(t, "timeouts.read"), sent(server, http.MethodPut); got != "1m" || puts != 0 {
		t.Errorf("the timeout is %v after %d PUT requests", got, puts)
	}
	m.Apply(t, nil).Expect(t)
}

// A build that starts between plan and apply changes last_build_id. The next refresh shows it, and the update succeeds.
func TestBuildJob_builtMeanwhile(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, bare)
	server.InjectFault(
		emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() { server.AddBuild(id(t, server)) }},
	)
	m.Converge(t, bare.With("job_name", "app-2"))
	if m.Value(t, "last_build_id") == nil {
		t.Errorf("the state has %s", m.State)
	}
}
