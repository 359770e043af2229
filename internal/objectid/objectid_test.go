// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package objectid_test

import (
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// An ID that leads to another path is an error of its argument during planning.
func TestValidators_invalidIDIsRejected(t *testing.T) {
	t.Parallel()
	provider := providertest.NewProtocol(t, emulator.New(t, emulator.Options{}), nil)
	const want = "must be an ID, which contains only letters, digits, hyphens, underscores and dots"
	for _, id := range []string{"", "..", "../../v3/projects", "a/b", "a%2Fb"} {
		for name, argument := range map[string]string{
			"servicestage_build_job": "job_id", "servicestage_builds": "job_id", "servicestage_build": "build_id",
		} {
			read := provider.ReadData(t, name, providertest.Arguments{argument: id})
			read.Expect(t, `AttributeName\("`+argument+`"\) .*`+want)
		}
		plan, _ := provider.NewInstance("servicestage_build").Plan(t, providertest.Arguments{"job_id": id})
		plan.Expect(t, `AttributeName\("job_id"\) .*`+want)
	}
}
