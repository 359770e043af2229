// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
)

// A new plan modifier or default needs a decision: PlansUnchanged is true only if none of them changes the plan of an
// unchanged build job.
func TestPlansUnchanged_everyPlanModifierIsKnown(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	var collect func(attributes map[string]schema.Attribute, blocks map[string]schema.Block)
	collect = func(attributes map[string]schema.Attribute, blocks map[string]schema.Block) {
		for name, attribute := range attributes {
			switch attribute := attribute.(type) {
			case schema.StringAttribute:
				for _, modifier := range attribute.PlanModifiers {
					used[fmt.Sprintf("%T", modifier)] = true
				}
				if attribute.Default != nil {
					t.Errorf("%s has a default", name)
				}
			case schema.BoolAttribute:
				if attribute.Default != nil || len(attribute.PlanModifiers) > 0 {
					t.Errorf("%s has a default or a plan modifier", name)
				}
			default:
				t.Errorf("%s is a %T", name, attribute)
			}
		}
		for name, block := range blocks {
			single, ok := block.(schema.SingleNestedBlock)
			if !ok || len(single.PlanModifiers) > 0 {
				t.Errorf("%s is a %T or has a plan modifier", name, block)
			}
			collect(single.Attributes, single.Blocks)
		}
	}
	collect(resourceSchema().Attributes, resourceSchema().Blocks)
	// Each leaves a planned value alone that equals the one in the state.
	want := []string{
		"buildjob.newValueRule", "buildjob.sameButForCase", "stringplanmodifier.useStateForUnknownModifier",
	}
	if got := slices.Sorted(maps.Keys(used)); !slices.Equal(got, want) {
		t.Errorf("plan modifiers %v, known are %v", got, want)
	}
}
