// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package objectid validates the IDs of build jobs and builds in a configuration. It must not import any other package
// of this module than rest.
package objectid

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// Validators returns the validators of an argument that is an ID. They reject an empty ID, and one with a character
// that would change the path of a request.
func Validators() []validator.String {
	return []validator.String{stringvalidator.RegexMatches(rest.PathElement,
		"must be an ID, which contains only letters, digits, hyphens, underscores and dots")}
}
