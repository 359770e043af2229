// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract_test

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	fwprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/contract"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
	"github.com/servicestage/terraform-provider-servicestage/internal/wiring"
)

var (
	reportFile    = flag.String("report", "contract-report.md", "`file` that TestAccContract writes its report to")
	reportVersion = flag.String("revision", "unknown", "`version` of the provider that the report names")
)

// TestAccContract asks a real service, and writes down what it did. It fails where the provider assumes otherwise.
//
//nolint:paralleltest // It takes the settings from the environment, which the tests beside it empty.
func TestAccContract(t *testing.T) {
	ctx, config, enterpriseProject := live(t)
	report, err := contract.Probe(ctx, config, enterpriseProject)
	if err != nil {
		t.Error(err)
	}
	if report == nil {
		return
	}
	if err := os.WriteFile(*reportFile, []byte(report.Markdown(*reportVersion)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range report.Rows {
		if row.Verdict == contract.Differs {
			t.Errorf("%s: %s\nThe service: %s\nThe provider assumes: %s", row.ID, row.Question, row.Seen, row.Assumed)
		}
	}
	t.Logf("The report is in %s. Please send it to the issues of the project, whatever it says: see CONTRIBUTING.md.", *reportFile)
}

// TestAccBuildJob takes a build job through its life in a real account. Like the test above it runs before those in parallel.
func TestAccBuildJob(t *testing.T) {
	ctx, config, _ := live(t)
	t.Setenv("TF_ACC_PROVIDER_NAMESPACE", "servicestage")
	client, err := servicestage.New(config)
	if err != nil {
		t.Fatal(err)
	}
	name := "tf-acc-" + strings.ToLower(rand.Text())
	// Terraform destroys what it made, also after an interrupt; this is for when it could not.
	t.Cleanup(func() { remove(t, client, name) })
	resource.Test(t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"servicestage": providerserver.NewProtocol6WithError(provider.New("testacc")()),
		},
		Steps: steps(name, func(body string) string { return providertest.WithProvider("", body) }),
		CheckDestroy: func(*terraform.State) error {
			for job, err := range client.BuildJobs(ctx, name) {
				if err != nil || job.Name == name {
					return fmt.Errorf("build job %q after destroy: %w", name, err)
				}
			}
			return nil
		},
	})
}

// remove deletes jobs of exactly a name that is random, and so given by nobody else.
func remove(t *testing.T, client *servicestage.Client, name string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	for job, err := range client.BuildJobs(ctx, name) {
		if err == nil && job.Name == name {
			t.Errorf("build job %q was left, and is deleted now", name)
			err = client.DeleteBuildJob(ctx, job.ID, name)
		}
		if err != nil {
			t.Errorf("build job %q may be left; delete it by hand: %v", name, err)
		}
	}
}

// live returns what the provider makes of the environment, once TF_ACC=1 says that it may be used. An interrupt ends the
// context and not the process, so that what was made can be deleted.
func live(t *testing.T) (ctx context.Context, config servicestage.Config, enterpriseProject string) {
	t.Helper()
	providertest.Live(t)
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(stop)
	made := provider.New("testacc")()
	var schema fwprovider.SchemaResponse
	made.Schema(ctx, fwprovider.SchemaRequest{}, &schema)
	block, ok := schema.Schema.Type().TerraformType(ctx).(tftypes.Object)
	if !ok {
		t.Fatal("the provider block is no object")
	}
	empty := map[string]tftypes.Value{}
	for name, attribute := range block.AttributeTypes {
		empty[name] = tftypes.NewValue(attribute, nil)
	}
	var configured fwprovider.ConfigureResponse
	made.Configure(ctx, fwprovider.ConfigureRequest{Config: tfsdk.Config{Schema: schema.Schema, Raw: tftypes.NewValue(block, empty)}}, &configured)
	for _, failure := range configured.Diagnostics.Errors() {
		t.Errorf("%s: %s", failure.Summary(), failure.Detail())
	}
	if t.Failed() {
		t.FailNow()
	}
	wired := configured.ResourceData.(*wiring.Provider)
	config = wired.Client.Config()
	// The probe leaves the project out of a request where that is the question, so it needs the bare proof.
	session := config.Authenticator.(*auth.Session)
	proof, err := session.Proof(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if config.ProjectID, err = session.ProjectID(ctx); err != nil {
		t.Fatal(err)
	}
	config.Authenticator = proof
	return ctx, config, wired.EnterpriseProjectID.ValueString()
}

// steps are the life of a build job.
func steps(name string, config func(body string) string) []resource.TestStep {
	const address = "servicestage_build_job.test"
	job := func(body string) string {
		return config(fmt.Sprintf("resource \"servicestage_build_job\" \"test\" {\n  job_name = %q\n%s\n}\n", name, body))
	}
	value := func(path tfjsonpath.Path, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue(address, path, check)
	}
	action := func(action plancheck.ResourceActionType) resource.ConfigPlanChecks {
		return resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction(address, action)}}
	}
	environment, repository := tfjsonpath.New("environment_setting"), tfjsonpath.New("code_repo")
	smallest := job("environment_setting {}")
	return []resource.TestStep{
		{
			Config: smallest, ConfigPlanChecks: action(plancheck.ResourceActionCreate),
			ConfigStateChecks: []statecheck.StateCheck{
				value(tfjsonpath.New("job_id"), knownvalue.NotNull()),
				value(tfjsonpath.New("job_name"), knownvalue.StringExact(name)),
			},
		},
		{
			Config: job(`
  job_description = "An acceptance test; it deletes this job"
  environment_setting {
    use_public_cluster = true
    build_os { arch = "aarch64" }
  }
  code_repo {
    type      = "GitHub"
    url       = "https://github.com/octocat/Hello-World"
    branch    = "master"
    namespace = "octocat"
  }`),
			ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
			ConfigStateChecks: []statecheck.StateCheck{
				value(environment.AtMapKey("use_public_cluster"), knownvalue.Bool(true)),
				value(environment.AtMapKey("build_os").AtMapKey("arch"), knownvalue.StringExact("aarch64")),
				value(repository.AtMapKey("branch"), knownvalue.StringExact("master")),
			},
		},
		{
			ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "job_id",
			ImportStateIdFunc: func(state *terraform.State) (string, error) {
				return state.RootModule().Resources[address].Primary.Attributes["job_id"], nil
			},
			// Only create says it; and an import takes in what the service answers for arguments that were never set.
			ImportStateVerifyIgnore: []string{"created_at"},
		},
		{Config: smallest, ConfigPlanChecks: action(plancheck.ResourceActionUpdate)},
		{
			Config:            smallest + "data \"servicestage_build_job\" \"test\" {\n  job_name = servicestage_build_job.test.job_name\n}\n",
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue("data."+address, tfjsonpath.New("job_id"), knownvalue.NotNull())},
		},
	}
}

// The acceptance steps pass against the emulator, so that a failure on a real account says something of the service.
func TestSteps(t *testing.T) {
	t.Parallel()
	for _, quirks := range []emulator.Quirks{{}, {OmitFalse: true, CreatorString: true}} {
		t.Run(fmt.Sprintf("%+v", quirks), func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			providertest.Run(t, server, steps("tf-acc-test", func(body string) string { return providertest.Config(server, body) })...)
		})
	}
}
