// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

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

// While a provider argument is unknown, a state without an identity gets one: the framework requires it.
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

// Through the CLI: a create sets the identity, an update keeps it, and an import accepts it.
func TestBuildJobIdentity_lifecycle(t *testing.T) {
	t.Parallel()
	providertest.Prepare(t)
	server := emulator.New(t, emulator.Options{})
	config := func(body string) string { return providertest.Config(server, job(minimal+body)) }
	expected := func() statecheck.StateCheck {
		return statecheck.ExpectIdentity(address, map[string]knownvalue.Check{
			"job_id": knownvalue.StringFunc(func(got string) error {
				if want := id(t, server); got != want {
					return fmt.Errorf("got %s, want %s", got, want)
				}
				return nil
			}),
			"region": knownvalue.StringExact("cn-north-4"),
		})
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: providertest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: config(""), ConfigStateChecks: []statecheck.StateCheck{
					expected(), statecheck.ExpectIdentityValueMatchesState(address, at("job_id")),
				},
			},
			{Config: config(`job_description = "x"`), ConfigStateChecks: []statecheck.StateCheck{expected()}},
			{
				Config: config(`job_description = "x"`), ResourceName: address, ImportState: true,
				ImportStateKind: resource.ImportBlockWithResourceIdentity,
			},
			{Config: config("timeouts {\n  read = \"1m\"\n}"), ConfigStateChecks: []statecheck.StateCheck{expected()}},
		},
	})
}

// An import by an identity without a region gets the provider's, and then plans nothing.
func TestBuildJobIdentity_importBlock(t *testing.T) {
	t.Parallel()
	providertest.Prepare(t)
	server := emulator.New(t, emulator.Options{})
	jobID := server.AddJob(named("app"))
	block := func(region string) string {
		return providertest.Config(server, job(minimal)+fmt.Sprintf(
			"import {\n  to = %s\n  identity = {\n    job_id = %q\n%s  }\n}\n", address, jobID, region))
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: providertest.Factories(),
		Steps: []resource.TestStep{
			{
				Config: block("region = \"ap-southeast-3\"\n"), ExpectError: regexp.MustCompile(
					words(`The identity contains region ap-southeast-3`),
				),
			},
			{
				Config:           block(""),
				ConfigPlanChecks: planned(plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop)),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectIdentity(address, map[string]knownvalue.Check{
						"job_id": knownvalue.StringExact(jobID), "region": knownvalue.StringExact("cn-north-4"),
					}),
				},
			},
			{Config: block(""), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
		},
	})
}

// If the provider's region changes, plan, update and destroy fail with an error that names both regions: the build
// job is neither deleted nor created again.
func TestBuildJob_otherRegionIsNotNotFound(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	run := func(arguments ...string) (string, error) {
		stdout, stderr, err := cli.Run(t, append(arguments, "-no-color", "-input=false")...)
		return stdout + stderr, err
	}
	cli.Write(t, "main.tf", providertest.Requirement+job(minimal))
	if output, err := run("apply", "-auto-approve"); err != nil {
		t.Fatal(output)
	}
	server.ForgetRequests()
	cli.Env = append(cli.Env, "HW_REGION_NAME=cn-east-3")
	cli.Write(t, "main.tf", providertest.Requirement+job(minimal+"job_description = \"x\"\n"))
	differs := regexp.MustCompile(`(?s)Build job in another region.*` + words("is in region cn-north-4, and the "+
		"provider's region is cn-east-3"))
	for _, command := range [][]string{
		{"plan"}, {"apply", "-auto-approve", "-refresh=false"}, {"destroy", "-auto-approve", "-refresh=false"},
	} {
		if output, err := run(command...); err == nil || !differs.MatchString(output) {
			t.Errorf("%s: %v\n%s", command, err, output)
		}
	}
	if requests := len(server.Requests()); requests > 0 {
		t.Errorf("%d requests were sent", requests)
	}
	cli.Env = append(cli.Env, "HW_REGION_NAME=cn-north-4")
	if output, err := run("destroy", "-auto-approve"); err != nil || len(server.Jobs()) > 0 {
		t.Errorf("%v\n%s", err, output)
	}
}

// If the provider's project changes, "not found" neither removes the build job from the state nor ends a destroy.
func TestBuildJob_otherProjectIsNotNotFound(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{
		Path: jobPath, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401"}`,
		When: func(r emulator.Request) bool { return r.Header.Get("X-Project-Id") == "other" },
	})
	m := manage(t, server)
	m.Converge(t, bare)
	here := m.Protocol
	m.Protocol = providertest.NewProtocol(t, server, map[string]any{"project_id": "other"})
	const differs = "ERROR  Build job in another project: .*is in project test-project, " +
		"and the provider's project is other"
	m.Refresh(t).Expect(t, differs)
	m.Apply(t, nil).Expect(t, differs)
	m.Apply(t, bare.With("job_description", "x")).Expect(t, differs)

	m.Protocol = here
	server.RemoveJob(id(t, server))
	m.Refresh(t).Expect(t)
	if !m.State.IsNull() {
		t.Errorf("the state still has %s", m.State)
	}
}
