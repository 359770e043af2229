// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package objectid_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// An ID that leads to another path is an error of its argument during planning, and no request is sent.
func TestValidators_invalidIDIsNotSent(t *testing.T) {
	t.Parallel()
	for block, argument := range map[string]string{
		`data "servicestage_build_job"`: "job_id",
		`data "servicestage_builds"`:    "job_id",
		`data "servicestage_build"`:     "build_id",
		`resource "servicestage_build"`: "job_id",
	} {
		for _, id := range []string{"", "..", "../../v3/projects", "a/b", "a%2Fb"} {
			t.Run(block+" "+id, func(t *testing.T) {
				t.Parallel()
				server := emulator.New(t, emulator.Options{})
				providertest.Run(t, server, resource.TestStep{
					Config:      providertest.Config(server, fmt.Sprintf("%s \"test\" {\n  %s = %q\n}\n", block, argument, id)),
					PlanOnly:    true,
					ExpectError: regexp.MustCompile(`(?s)Invalid Attribute Value.*` + argument + `.*must be an ID,\s+which\s+contains\s+only\s+letters`),
				})
				if requests := server.Requests(); len(requests) > 0 {
					t.Errorf("%d requests have reached the service, want none", len(requests))
				}
			})
		}
	}
}
