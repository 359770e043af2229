// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"regexp"
	"strings"
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

// importByID imports one job over the protocol.
func importByID(t *testing.T, provider *providertest.Protocol, id string) *tfprotov6.ImportedResource {
	t.Helper()
	answer, err := provider.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: typeName, ID: id})
	providertest.NoErrors(t, answer.Diagnostics, err)
	if len(answer.ImportedResources) != 1 {
		t.Fatalf("%d resources are imported, not one", len(answer.ImportedResources))
	}
	return answer.ImportedResources[0]
}

// identity is the identity of a build job; "" is null.
func identity(t *testing.T, provider *providertest.Protocol, jobID, region string) *tfprotov6.ResourceIdentityData {
	t.Helper()
	attributes := map[string]any{"job_id": jobID}
	if region != "" {
		attributes["region"] = region
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: providertest.Encode(t, provider.Identities[typeName], attributes)}
}

func expectIdentity(t *testing.T, provider *providertest.Protocol, got *tfprotov6.ResourceIdentityData, jobID, region string) {
	t.Helper()
	if got == nil {
		t.Fatal("there is no identity")
	}
	attributes := providertest.Decode(t, provider.Identities[typeName], got.IdentityData)
	if id, in := providertest.Text(t, attributes, "job_id"), providertest.Text(t, attributes, "region"); id != jobID || in != region {
		t.Errorf("the identity is %q in %q, want %q in %q", id, in, jobID, region)
	}
}

// The identity is set if there is none, as in a state that an older CLI wrote, and otherwise stays as it is, also of
// a build job that does not exist. One with another region than the provider's is an error.
func TestBuildJobIdentity_read(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const none = "-"
	for _, region := range []string{"cn-north-4", ""} {
		for _, before := range []string{none, "", "cn-north-4", "ap-southeast-3"} {
			for _, gone := range []bool{false, true} {
				t.Run(fmt.Sprintf("provider %q, before %q, gone %t", region, before, gone), func(t *testing.T) {
					t.Parallel()
					settings, want := map[string]any{}, before
					if region == "" {
						settings["region"] = nil
					}
					if before == none {
						want = region
					}
					provider := providertest.NewProtocol(t, server, settings)
					jobID := server.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
					request := &tfprotov6.ReadResourceRequest{TypeName: typeName, CurrentState: stateOf(t, provider, importByID(t, provider, jobID))}
					if before != none {
						request.CurrentIdentity = identity(t, provider, jobID, before)
					}
					if gone {
						server.RemoveJob(jobID)
					}
					read, err := provider.ReadResource(t.Context(), request)
					if before != none && before != "" && before != region {
						if err != nil || len(read.Diagnostics) != 1 || read.Diagnostics[0].Summary != "Build job in another region" {
							t.Errorf("got %v, %v", read.Diagnostics, err)
						}
						return
					}
					providertest.NoErrors(t, read.Diagnostics, err)
					expectIdentity(t, provider, read.NewIdentity, jobID, want)
					if removed := providertest.Decode(t, provider.Schemas.ResourceSchemas[typeName].ValueType(), read.NewState) == nil; removed != gone {
						t.Errorf("the job is removed from the state: %t, want %t", removed, gone)
					}
				})
			}
		}
	}
}

// stateOf is the state of a job that was imported and read.
func stateOf(t *testing.T, provider *providertest.Protocol, imported *tfprotov6.ImportedResource) *tfprotov6.DynamicValue {
	t.Helper()
	read, err := provider.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: typeName, CurrentState: imported.State, Private: imported.Private, CurrentIdentity: imported.Identity,
	})
	providertest.NoErrors(t, read.Diagnostics, err)
	return read.NewState
}

// While a setting of the provider is unknown, a state without identity gets one all the same: the framework wants it.
func TestBuildJobIdentity_unknownSetting(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	known := providertest.NewProtocol(t, server, nil)
	jobID := server.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
	state := stateOf(t, known, importByID(t, known, jobID))
	for setting, region := range map[string]string{"region": "", "secret_key": "cn-north-4"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			provider := providertest.NewProtocol(t, server, map[string]any{setting: tftypes.UnknownValue})
			read, err := provider.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{TypeName: typeName, CurrentState: state})
			providertest.NoErrors(t, read.Diagnostics, err)
			expectIdentity(t, provider, read.NewIdentity, jobID, region)
		})
	}
}

func TestBuildJobIdentity_import(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	jobID := server.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
	for name, c := range map[string]struct {
		provider, jobID, region string
		want                    string
	}{
		"with the region":             {provider: "cn-north-4", jobID: jobID, region: "cn-north-4"},
		"without a region":            {provider: "cn-north-4", jobID: jobID},
		"neither has a region":        {jobID: jobID},
		"another region":              {provider: "cn-north-4", jobID: jobID, region: "ap-southeast-3", want: `The identity contains region ap-southeast-3, and the provider's region is cn-north-4.`},
		"the provider has no region":  {jobID: jobID, region: "cn-north-4", want: `The identity contains region cn-north-4, and the provider has no region to compare it with`},
		"malformed job_id":            {provider: "cn-north-4", jobID: "a/b", want: `An identity has the job_id. Got: "a/b".`},
		"a name instead of an id":     {provider: "cn-north-4", jobID: "name/app", want: `An identity has the job_id. Got: "name/app".`},
		"nothing at all for a job_id": {provider: "cn-north-4", want: `An identity has the job_id. Got an empty ID.`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]any{}
			if c.provider == "" {
				settings["region"] = nil
			}
			provider := providertest.NewProtocol(t, server, settings)
			answer, err := provider.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
				TypeName: typeName, Identity: identity(t, provider, c.jobID, c.region),
			})
			if c.want != "" {
				if err != nil || len(answer.Diagnostics) != 1 || !strings.Contains(answer.Diagnostics[0].Detail, c.want) {
					t.Errorf("got %v and the error %v, want %q", answer.Diagnostics, err, c.want)
				}
				return
			}
			providertest.NoErrors(t, answer.Diagnostics, err)
			expectIdentity(t, provider, answer.ImportedResources[0].Identity, jobID, c.provider)
		})
	}
}

// Through the CLI: set by a create, kept by an update, and good for an import.
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
			{Config: config(""), ConfigStateChecks: []statecheck.StateCheck{expected(), statecheck.ExpectIdentityValueMatchesState(address, at("job_id"))}},
			{Config: config(`job_description = "x"`), ConfigStateChecks: []statecheck.StateCheck{expected()}},
			{Config: config(`job_description = "x"`), ResourceName: address, ImportState: true, ImportStateKind: resource.ImportBlockWithResourceIdentity},
			{Config: config("timeouts {\n  read = \"1m\"\n}"), ConfigStateChecks: []statecheck.StateCheck{expected()}},
		},
	})
}

// An import by an identity that leaves the region out gets it from the provider, and then plans nothing.
func TestBuildJobIdentity_importBlock(t *testing.T) {
	t.Parallel()
	providertest.Prepare(t)
	server := emulator.New(t, emulator.Options{})
	jobID := server.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
	block := func(region string) string {
		return providertest.Config(server, job(minimal)+"import {\n  to = "+address+"\n  identity = {\n    job_id = \""+jobID+"\"\n"+region+"  }\n}\n")
	}
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_12_0)},
		ProtoV6ProviderFactories: providertest.Factories(),
		Steps: []resource.TestStep{
			{Config: block("region = \"ap-southeast-3\"\n"), ExpectError: regexp.MustCompile(words(`The identity contains region ap-southeast-3`))},
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
	differs := regexp.MustCompile(`(?s)Build job in another region.*` + words("is in region cn-north-4, and the provider's region is cn-east-3"))
	for _, command := range [][]string{{"plan"}, {"apply", "-auto-approve", "-refresh=false"}, {"destroy", "-auto-approve", "-refresh=false"}} {
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
