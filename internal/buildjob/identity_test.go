// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// newIdentity returns the identity of a build job; an empty region is null.
func (m *managed) newIdentity(t *testing.T, jobID, region string) *tfprotov6.ResourceIdentityData {
	t.Helper()
	attributes := map[string]any{"job_id": jobID}
	if region != "" {
		attributes["region"] = region
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: providertest.Encode(t, m.Identities[typeName], attributes)}
}

func (m *managed) expectIdentity(t *testing.T, jobID, region string) {
	t.Helper()
	if m.identity == nil {
		t.Fatal("there is no identity")
	}
	got := providertest.Decode(t, m.Identities[typeName], m.identity.IdentityData)
	if id, in := providertest.Text(t, got, "job_id"), providertest.Text(t, got, "region"); id != jobID || in != region {
		t.Errorf("the identity is %q in %q, want %q in %q", id, in, jobID, region)
	}
}

// inRegion returns a provider in a region; an empty region is null.
func inRegion(t *testing.T, server *emulator.Server, region string) *providertest.Protocol {
	t.Helper()
	if region == "" {
		return providertest.NewProtocol(t, server, map[string]any{"region": nil})
	}
	return providertest.NewProtocol(t, server, map[string]any{"region": region})
}

// A read sets the identity if there is none, as in the state of an older CLI, and keeps an existing one, also if the
// build job does not exist. An identity of another region than the provider's is an error.
func TestBuildJobIdentity_read(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const none = "-"
	for _, region := range []string{"cn-north-4", ""} {
		provider := inRegion(t, server, region)
		for _, before := range []string{none, "", "cn-north-4", "ap-southeast-3"} {
			for _, gone := range []bool{false, true} {
				t.Run(fmt.Sprintf("provider %q, before %q, gone %t", region, before, gone), func(t *testing.T) {
					t.Parallel()
					m := manageWith(provider)
					jobID := server.AddJob(map[string]any{"environment_setting": map[string]any{}})
					expectDiagnostics(t, m.imports(t, jobID))
					expectDiagnostics(t, m.refresh(t))
					want := region
					if m.private, m.identity = nil, nil; before != none {
						m.identity, want = m.newIdentity(t, jobID, before), before
					}
					if gone {
						server.RemoveJob(jobID)
					}
					if before != none && before != "" && before != region {
						expectDiagnostics(t, m.refresh(t), "Build job in another region")
						return
					}
					expectDiagnostics(t, m.refresh(t))
					m.expectIdentity(t, jobID, want)
					if m.state.IsNull() != gone {
						t.Errorf("the state has %s", m.state)
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
	m.converge(t, bare)
	for argument, region := range map[string]string{"region": "", "secret_key": "cn-north-4"} {
		m.identity = nil
		m.Protocol = providertest.NewProtocol(t, server, map[string]any{argument: tftypes.UnknownValue})
		expectDiagnostics(t, m.refresh(t))
		m.expectIdentity(t, id(t, server), region)
	}
}

func TestBuildJobIdentity_import(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const here, there = "cn-north-4", "ap-southeast-3"
	jobID := server.AddJob(named("app"))
	for name, c := range map[string]struct{ provider, jobID, region, want string }{
		"with the region":      {provider: here, jobID: jobID, region: here},
		"without a region":     {provider: here, jobID: jobID},
		"neither has a region": {jobID: jobID},
		"another region": {
			here, jobID, there, `identity contains region ap-southeast-3, and the provider's region is cn-north-4\.`,
		},
		"the provider has no region": {
			"", jobID, here, `The identity contains region cn-north-4, and the provider has no region`,
		},
		"malformed job_id":        {here, "a/b", "", `An identity has the job_id. Got: "a/b"\.`},
		"a name instead of an ID": {here, "name/app", "", `An identity has the job_id. Got: "name/app"\.`},
		"empty job_id":            {here, "", "", `An identity has the job_id. Got an empty ID\.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := manageWith(inRegion(t, server, c.provider))
			diagnostics := m.importBy(t, &tfprotov6.ImportResourceStateRequest{
				TypeName: typeName, Identity: m.newIdentity(t, c.jobID, c.region),
			})
			if c.want != "" {
				expectDiagnostics(t, diagnostics, c.want)
				return
			}
			expectDiagnostics(t, diagnostics)
			m.expectIdentity(t, jobID, c.provider)
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
		return providertest.Config(
			server, job(minimal)+"import {\n  to = "+address+"\n  identity = {\n    job_id = \""+jobID+"\"\n"+region+"  }\n}\n",
		)
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
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectIdentity(address, map[string]knownvalue.Check{
					"job_id": knownvalue.StringExact(jobID), "region": knownvalue.StringExact("cn-north-4"),
				})},
			},
			{Config: block(""), ConfigPlanChecks: planned(plancheck.ExpectEmptyPlan())},
		},
	})
}

// If the provider's region changes, plan, update and destroy fail with both regions: the build job is neither deleted
// nor created again.
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
