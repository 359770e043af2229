// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The data source returns what the resource has, by ID and by name. A password that is added to the repository's URL
// outside Terraform is drift, and reaches neither.
func TestBuildJobDataSource_equalsResource(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, complete)
	server.AddJob(named("app-2"))
	added, _ := m.Value(t, "job_id").(string)
	server.ChangeJob(added, func(spec map[string]any) {
		spec["code_repo"].(map[string]any)["url"] = "https://user:canary-secret@github.com/acme/app"
	})
	m.Refresh(t).Expect(t)
	if got := m.Value(t, "code_repo.url"); got != "https://xxxxx@github.com/acme/app" {
		t.Errorf("the state has %v", got)
	}
	var want map[string]tftypes.Value
	if err := m.State.As(&want); err != nil {
		t.Fatal(err)
	}
	want["created_at"] = tftypes.NewValue(tftypes.String, nil) // The API returns it only on creation.
	for argument, value := range map[string]string{"job_id": added, "job_name": "app"} {
		read := m.ReadData(t, typeName, providertest.Arguments{argument: value})
		read.Expect(t)
		for name, got := range read.State {
			if !got.Equal(want[name]) {
				t.Errorf("by %s: %s is %s, want %s", argument, name, got, want[name])
			}
		}
	}
	if _, changes := m.Plan(t, complete); !changes {
		t.Error("the password is no drift")
	}
}
