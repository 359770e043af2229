// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The data source returns what the resource has, by ID and by name. A secret in the URL is redacted.
func TestBuildJobDataSource_equalsResource(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.converge(t, complete)
	server.AddJob(named("app-2"))
	added, _ := m.value(t, "job_id").(string)
	server.ChangeJob(added, func(spec map[string]any) {
		spec["code_repo"].(map[string]any)["url"] = "https://user:canary-secret@github.com/acme/app"
	})
	expectDiagnostics(t, m.refresh(t))
	var want map[string]tftypes.Value
	if err := m.state.As(&want); err != nil {
		t.Fatal(err)
	}
	want["created_at"] = tftypes.NewValue(tftypes.String, nil) // The API returns it only on creation.
	for argument, value := range map[string]string{"job_id": added, "job_name": "app"} {
		state, diagnostics := readData(t, m.Protocol, typeName, map[string]any{argument: value})
		expectDiagnostics(t, diagnostics)
		for name, got := range state {
			if !got.Equal(want[name]) {
				t.Errorf("by %s: %s is %s, want %s", argument, name, got, want[name])
			}
		}
	}
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
