// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// null is a region that is not set.
const null = "null"

func regionValue(region string) any {
	if region == null {
		return nil
	}
	return region
}

func identity(jobID, region string) providertest.Arguments {
	return providertest.Arguments{"job_id": jobID, "region": regionValue(region)}
}

// inRegion returns a provider in a region.
func inRegion(t *testing.T, server *emulator.Server, region string) *providertest.Protocol {
	t.Helper()
	return providertest.NewProtocol(t, server, map[string]any{"region": regionValue(region)})
}

// expectIdentity fails the test unless this is the identity of the instance.
func expectIdentity(t *testing.T, m *providertest.Instance, jobID, region string) {
	t.Helper()
	if m.Identity == nil {
		t.Fatal("there is no identity")
	}
	got := providertest.DecodeValue(t, m.Identities[typeName], m.Identity.IdentityData)
	want := providertest.DecodeValue(t, got.Type(), m.NewIdentity(t, identity(jobID, region)).IdentityData)
	if !got.Equal(want) {
		t.Errorf("the identity is %s, want %s", got, want)
	}
}

// A read sets the identity if there is none, as in the state of an older CLI, and keeps an existing one, also if the
// build job does not exist. An identity of another region than the provider's is an error.
func TestBuildJobIdentity_read(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, region := range []string{"cn-north-4", null} {
		provider := inRegion(t, server, region)
		for _, before := range []string{"no identity", null, "cn-north-4", "ap-southeast-3"} {
			for _, gone := range []bool{false, true} {
				t.Run(fmt.Sprintf("provider %s, before %s, gone %t", region, before, gone), func(t *testing.T) {
					t.Parallel()
					m := provider.NewInstance(typeName)
					jobID := server.AddJob(map[string]any{"environment_setting": map[string]any{}})
					m.Import(t, jobID, nil).Expect(t)
					m.Refresh(t).Expect(t)
					want := region
					if m.Private, m.Identity = nil, nil; before != "no identity" {
						m.Identity, want = m.NewIdentity(t, identity(jobID, before)), before
					}
					if gone {
						server.RemoveJob(jobID)
					}
					if want != null && want != region {
						m.Refresh(t).Expect(t, "Build job in another region")
						return
					}
					m.Refresh(t).Expect(t)
					expectIdentity(t, m, jobID, want)
					if m.State.IsNull() != gone {
						t.Errorf("the state has %s", m.State)
					}
				})
			}
		}
	}
}

// While a provider argument is unknown, a state without an identity gets one: the framework requires it. Data sources
// cannot be read.
func TestBuildJobIdentity_unknownArgument(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, bare)
	for argument, region := range map[string]string{"region": null, "secret_key": "cn-north-4"} {
		m.Identity = nil
		m.Protocol = providertest.NewProtocol(t, server, map[string]any{argument: tftypes.UnknownValue})
		m.Refresh(t).Expect(t)
		expectIdentity(t, m, id(t, server), region)
		for data, arguments := range map[string]providertest.Arguments{
			typeName: {"job_id": "x"}, "servicestage_build_jobs": nil, "servicestage_base_images": nil,
		} {
			m.ReadData(t, data, arguments).Expect(t, "A data source needs the service")
		}
	}
}

// TestDiagnostics has the errors for another region.
func TestBuildJobIdentity_import(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const here = "cn-north-4"
	jobID := server.AddJob(named("app"))
	for name, c := range map[string]struct{ provider, jobID, region, want string }{
		"with the region":         {here, jobID, here, ""},
		"without a region":        {here, jobID, null, ""},
		"neither has a region":    {null, jobID, null, ""},
		"malformed job_id":        {here, "a/b", null, `An identity has the job_id. Got: "a/b"\.`},
		"a name instead of an ID": {here, "name/app", null, `An identity has the job_id. Got: "name/app"\.`},
		"empty job_id":            {here, "", null, `An identity has the job_id. Got an empty ID\.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := inRegion(t, server, c.provider).NewInstance(typeName)
			diagnostics := m.Import(t, "", m.NewIdentity(t, identity(c.jobID, c.region)))
			if c.want != "" {
				diagnostics.Expect(t, c.want)
				return
			}
			diagnostics.Expect(t)
			expectIdentity(t, m, jobID, c.provider)
		})
	}
}

// A create sets the identity, and an update keeps it, also one of the timeouts alone.
func TestBuildJobIdentity_lifecycle(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	changed := bare.With("job_description", "x")
	withTimeout := changed.With("timeouts", providertest.Block).With("timeouts.read", "1m")
	for _, arguments := range []providertest.Arguments{bare, changed, withTimeout} {
		m.Apply(t, arguments).Expect(t)
		expectIdentity(t, m, id(t, server), "cn-north-4")
	}
}

// If the provider's region changes after a create or an update, plan, update and destroy fail with an error that names
// both regions: the build job is neither deleted nor created again.
func TestBuildJob_otherRegionIsNotNotFound(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m, otherRegion := manage(t, server), inRegion(t, server, "cn-east-3")
	for _, arguments := range []providertest.Arguments{bare, bare.With("job_description", "x")} {
		m.Apply(t, arguments).Expect(t)
		server.ForgetRequests()
		for _, identity := range []*tfprotov6.ResourceIdentityData{m.Identity, nil} { // Older CLIs pass none.
			moved := *m
			moved.Identity, moved.Protocol = identity, otherRegion
			const differs = `in another region: .* region cn-north-4, and the provider's region is cn-east-3`
			moved.Refresh(t).Expect(t, differs)
			moved.Apply(t, bare.With("job_description", "y")).Expect(t, differs)
			moved.Apply(t, nil).Expect(t, differs)
		}
		if requests := len(server.Requests()); requests > 0 {
			t.Errorf("%d requests were sent", requests)
		}
	}
	m.Apply(t, nil).Expect(t)
	if jobs := server.Jobs(); len(jobs) > 0 {
		t.Errorf("the service contains %v", jobs)
	}
}

// If the provider's project or endpoint changes, "not found" neither removes the build job from the state nor ends a
// destroy.
func TestBuildJob_otherLocationIsNotNotFound(t *testing.T) {
	t.Parallel()
	for name, elsewhere := range map[string]func(t *testing.T, server *emulator.Server) *providertest.Protocol{
		"in project test-project, and the provider's project is other": func(
			t *testing.T, server *emulator.Server,
		) *providertest.Protocol {
			t.Helper()
			server.InjectFault(emulator.Fault{
				Path: jobPath, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401"}`,
				When: func(r emulator.Request) bool { return r.Header.Get("X-Project-Id") == "other" },
			})
			return providertest.NewProtocol(t, server, map[string]any{"project_id": "other"})
		},
		"at 127.0.0.1:[0-9]+, and the provider's endpoint is 127.0.0.1:[0-9]+": func(
			t *testing.T, _ *emulator.Server,
		) *providertest.Protocol {
			t.Helper()
			return providertest.NewProtocol(t, emulator.New(t, emulator.Options{}), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			m := manage(t, server)
			m.Converge(t, bare)
			m.Protocol = elsewhere(t, server)
			differs := "ERROR  Build job of another .*was last read " + name
			m.Refresh(t).Expect(t, differs)
			m.Apply(t, nil).Expect(t, differs)
			m.Apply(t, bare.With("job_description", "x")).Expect(t, differs)

			m.Protocol = providertest.NewProtocol(t, server, map[string]any{ // Its project is not known.
				"access_key": nil, "secret_key": nil, "token": emulator.DefaultToken, "project_id": nil,
			})
			server.RemoveJob(id(t, server))
			m.Refresh(t).Expect(t)
			if !m.State.IsNull() {
				t.Errorf("the state still has %s", m.State)
			}
		})
	}
}

// Without a stored endpoint, the error names the projects.
func TestBuildJob_otherProjectWithoutEndpoint(t *testing.T) {
	t.Parallel()
	m := manage(t, emulator.New(t, emulator.Options{}))
	m.Converge(t, bare)
	m.Protocol = providertest.NewProtocol(t, emulator.New(t, emulator.Options{}), map[string]any{"project_id": "other"})
	private, err := json.Marshal(map[string][]byte{"build_job": []byte(`{"project":"test-project"}`)})
	if err != nil {
		t.Fatal(err)
	}
	m.Private = private
	m.Refresh(t).Expect(t, "Build job of another project: .* in project test-project, .* project is other")
}
