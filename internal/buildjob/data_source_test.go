// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const dataAddress = "data.servicestage_build_job.test"

func data(selector string) string {
	return "data \"servicestage_build_job\" \"test\" {\n" + selector + "\n}\n"
}

func TestBuildJobDataSource_basic(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	added := server.AddJob(map[string]any{
		"job_name": "app", "job_description": "outside Terraform",
		"environment_setting": map[string]any{"use_public_cluster": true, "build_os": map[string]any{"arch": "aarch64"}},
		"code_repo": map[string]any{
			"type": "GitHub", "url": "https://user:canary-secret@github.com/acme/app", "branch": "main", "namespace": "acme",
		},
	})
	server.AddJob(named("app-2"))
	value := func(check knownvalue.Check, steps ...string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(dataAddress, at(steps...), check)
	}
	equal := `
data "servicestage_build_job" "by_name" { job_name = "app" }
output "equal" { value = data.servicestage_build_job.by_name == data.servicestage_build_job.test }
`
	providertest.Run(t, nil, resource.TestStep{
		Config: providertest.Config(server, data(`job_id = "`+added+`"`)+equal),
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownOutputValue("equal", knownvalue.Bool(true)),
			value(knownvalue.StringExact(added), "job_id"),
			value(knownvalue.StringExact("app"), "job_name"),
			value(knownvalue.StringExact("outside Terraform"), "job_description"),
			value(knownvalue.StringExact("0"), "enterprise_project_id"),
			value(knownvalue.StringExact("emulator-user"), "creator"),
			value(knownvalue.Null(), "created_at"),
			value(knownvalue.Null(), "last_build_id"),
			value(knownvalue.ObjectExact(map[string]knownvalue.Check{
				"docker_version": knownvalue.Null(), "cluster_id": knownvalue.Null(), "cluster_name": knownvalue.Null(),
				"use_public_cluster": knownvalue.Bool(true),
				"build_os": knownvalue.ObjectExact(
					map[string]knownvalue.Check{"arch": knownvalue.StringExact("aarch64")},
				),
			}), "environment_setting"),
			value(knownvalue.ObjectExact(map[string]knownvalue.Check{
				"type": knownvalue.StringExact("GitHub"), "branch": knownvalue.StringExact("main"),
				"namespace": knownvalue.StringExact("acme"),
				"url":       knownvalue.StringExact("https://xxxxx@github.com/acme/app"),
			}), "code_repo"),
		},
	})
}

// Blocks that the service returns empty are null.
func TestBuildJobDataSource_noRepository(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{EmptyStrings: true}})
	server.AddJob(named("app"))
	state, diagnostics := readData(
		t, providertest.NewProtocol(t, server, nil), typeName, map[string]any{"job_name": "app"},
	)
	expectDiagnostics(t, diagnostics)
	if !state["code_repo"].IsNull() || state["environment_setting"].IsNull() {
		t.Errorf("got %v", state)
	}
}

func TestBuildJobDataSource_invalid(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	first := server.AddJob(named("twice"))
	second := server.AddJob(named("twice"))
	similar := server.AddJob(named("App"))
	provider := providertest.NewProtocol(t, server, nil)
	const one = `Exactly one of these attributes must be configured: \[job_id,job_name\]`
	for name, c := range map[string]struct {
		arguments map[string]any
		want      string
	}{
		"none of the two": {nil, one},
		"both":            {map[string]any{"job_id": "a", "job_name": "b"}, one},
		"no such name": {
			map[string]any{"job_name": "missing"}, `ERROR AttributeName\("job_name"\) .* is named "missing"\.`,
		},
		"other case": {
			map[string]any{"job_name": "app"}, `Build jobs whose names differ in case: "App" \(` + similar + `\)\.`,
		},
		"several": {
			map[string]any{"job_name": "twice"},
			`2 build jobs are named "twice"\.\n\nSelect one by its job_id: ` + first + `, ` + second + `\.`,
		},
		"no such ID": {
			map[string]any{"job_id": "nosuchjob"}, `ERROR AttributeName\("job_id"\) .* have no build job with this ID\.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, diagnostics := readData(t, provider, typeName, c.arguments)
			expectDiagnostics(t, diagnostics, c.want)
		})
	}
}
