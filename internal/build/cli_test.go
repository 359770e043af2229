// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// triggered is a job whose creation and changes are built by an action.
func (w *world) triggered(description, arguments string) string {
	return providertest.Config(w.Server, fmt.Sprintf(`
resource "servicestage_build_job" "test" {
  job_name        = "triggered"
  job_description = %q
  environment_setting {}

  lifecycle {
    action_trigger {
      events  = [after_create, after_update]
      actions = [action.servicestage_start_build.test]
    }
  }
}

action "servicestage_start_build" "test" {
  config {
    job_id = servicestage_build_job.test.job_id
    %s
  }
}
`, description, arguments))
}

// trigger runs steps by a CLI that knows actions; 1.14.0 invoked after_create too early. Elsewhere the test is skipped, and the
// tests over protocol 6 stand alone.
func (w *world) trigger(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	providertest.Prepare(t)
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_14_0)},
		ProtoV6ProviderFactories: providertest.Factories(w.adjust),
		Steps:                    steps,
	})
}

func TestCLI_startAfterCreateAndUpdate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.trigger(t,
		resource.TestStep{Config: w.triggered("one", ""), PostApplyFunc: func() { w.expect(t, "Successful", 1, 0) }},
		resource.TestStep{Config: w.triggered("two", ""), PostApplyFunc: func() { w.expect(t, "Successful Successful", 2, 0) }},
		resource.TestStep{Config: w.triggered("two", ""), PlanOnly: true},
	)
}

func TestCLI_startFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OrderBuilds(emulator.Outcome{Phase: "Build", Log: "ERROR no space left on device"})
	w.trigger(t, resource.TestStep{
		Config:      w.triggered("one", ""),
		ExpectError: regexp.MustCompile(`(?s)The build failed.*in\s+the\s+phase\s+Build.*ERROR no space left on device`),
	})
}

func TestCLI_invalid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.trigger(t, resource.TestStep{
		Config: w.triggered("one", `timeout = "soon"`), PlanOnly: true, ExpectError: regexp.MustCompile("Invalid duration"),
	})
}
