// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// The emulator returns no value for some attributes, so that another test would not notice a misspelled name.
func TestValuesOf_names(t *testing.T) {
	t.Parallel()
	names := dataSourceSchema().Attributes
	for name := range valuesOf(&servicestage.Build{}) {
		if names[name] == nil {
			t.Errorf("there is no attribute %q", name)
		}
	}
}
