// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// The emulator returns no value for some attributes, so another test would not notice a misspelled name. A response
// without the build job does not replace the known one.
func TestValuesOf(t *testing.T) {
	t.Parallel()
	names := dataSourceSchema().Attributes
	for name := range valuesOf(&servicestage.Build{}) {
		if names[name] == nil || name == "job_id" {
			t.Errorf("there is a value of %q", name)
		}
	}
}
