// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
)

// replaceForTriggers plans another build if the triggers change. No triggers and an empty map are the same. The
// triggers of an imported build are not known, so the first ones that are configured replace nothing.
func replaceForTriggers() planmodifier.Map {
	const description = "Another build is started, unless this one was imported and had no triggers."
	return mapplanmodifier.RequiresReplaceIf(triggersReplace, description, description)
}

func triggersReplace(
	ctx context.Context, req planmodifier.MapRequest, resp *mapplanmodifier.RequiresReplaceIfFuncResponse,
) {
	if !req.PlanValue.IsUnknown() && len(req.PlanValue.Elements()) == 0 && len(req.StateValue.Elements()) == 0 {
		return
	}
	private, diags := loadPrivateState(ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	resp.RequiresReplace = !req.StateValue.IsNull() || !private.Imported
}
