// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// arguments are the paths of a build job's arguments, which are the documented members of its spec.
var arguments = servicestage.Arguments()

// Paths of attributes, of blocks, and of arguments that differ from the others.
const (
	nameArgument       = "job_name"
	projectArgument    = "enterprise_project_id" // Computed if it is not configured.
	repoTypeArgument   = "code_repo.type"        // Compared case-insensitively.
	repoURLArgument    = "code_repo.url"         // May contain a secret that must not reach the state.
	environmentSetting = "environment_setting"   // Required, so it is always in the state.
	repoBlock          = "code_repo"             // Never a service default after it was removed.
	jobIDAttribute     = "job_id"
	creatorAttribute   = "creator"
	createdAtAttribute = "created_at"
	lastBuildAttribute = "last_build_id"
	timeoutsName       = "timeouts" // Stored in the state only.
	prefixArgument     = "job_name_prefix"
	regionAttribute    = "region" // Of the identity.
)

// optionalBlocks are the paths of the blocks that may be absent.
var optionalBlocks = []string{"environment_setting.build_os", repoBlock}

// clearable are the arguments that an empty string clears. Other arguments are cleared if a request omits them.
var clearable = []string{
	"job_description",
	"environment_setting.docker_version", "environment_setting.cluster_id", "environment_setting.cluster_name",
}

// sameValue reports whether a configured or stored value equals the value that ServiceStage returned. Empty and false
// equal null.
func sameValue(argument string, known, returned any) bool {
	switch {
	case known == returned:
		return true
	case returned == nil:
		return known == "" || known == false
	}
	text, _ := known.(string)
	other, _ := returned.(string)
	return argument == repoTypeArgument && strings.EqualFold(text, other)
}
