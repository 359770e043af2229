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
	m.Converge(t, complete)
	server.AddJob(named("app-2"))
	added, _ := m.Value(t, "job_id").(string)
	server.ChangeJob(added, func(spec map[string]any) {
		spec["code_repo"].(map[string]any)["url"] = "https://user:canary-secret@github.com/acme/app"
	})
	m.Refresh(t).Expect(t)
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
}

// Blocks that the service returns empty are null.
func TestBuildJobDataSource_noRepository(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{EmptyStrings: true}})
	server.AddJob(named("app"))
	read := providertest.NewProtocol(t, server, nil).ReadData(t, typeName, providertest.Arguments{"job_name": "app"})
	read.Expect(t)
	if !read.State["code_repo"].IsNull() || read.State["environment_setting"].IsNull() {
		t.Errorf("got %v", read.State)
	}
}
