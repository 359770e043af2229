// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// A password that somebody else put into the repository's URL reaches no state and no plan.
func TestBuildJob_passwordInService(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := providertest.Config(server, job(minimal+repository))
	providertest.Run(t, server,
		resource.TestStep{Config: config},
		resource.TestStep{
			PreConfig: func() {
				server.ChangeJob(id(t, server), func(spec map[string]any) {
					spec["code_repo"].(map[string]any)["url"] = "https://user:canary-secret@github.com/acme/app"
				})
			},
			RefreshState:       true,
			ExpectNonEmptyPlan: true,
			Check: func(s *terraform.State) error {
				if strings.Contains(s.String(), "canary-secret") {
					t.Error("the password is in the state")
				}
				return nil
			},
		},
		resource.TestStep{
			Config: config,
			ConfigPlanChecks: planned(
				action(plancheck.ResourceActionUpdate),
				plancheck.ExpectKnownValue(address, at("code_repo", "url"), knownvalue.StringExact("https://github.com/acme/app")),
			),
		},
	)
}

// The configuration ignores the repository, whose URL holds a password in the service: an update of something else leaves it
// there as it is.
func TestBuildJob_passwordInServiceIgnored(t *testing.T) {
	t.Parallel()
	const secret = "https://user:canary-secret@github.com/acme/app"
	server := emulator.New(t, emulator.Options{})
	ignoring := minimal + repository + "lifecycle { ignore_changes = [code_repo] }\n"
	providertest.Run(t, server,
		resource.TestStep{Config: providertest.Config(server, job(ignoring))},
		resource.TestStep{
			PreConfig: func() {
				server.ChangeJob(id(t, server), func(spec map[string]any) { spec["code_repo"].(map[string]any)["url"] = secret })
			},
			Config: providertest.Config(server, job(ignoring+`job_description = "x"`)),
			Check: func(*terraform.State) error {
				if got := server.Jobs()[0].Spec["code_repo"].(map[string]any)["url"]; got != secret {
					t.Errorf("the URL has become %v", got)
				}
				return nil
			},
		},
	)
}
