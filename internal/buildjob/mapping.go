// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"maps"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// valuesOf returns the values of a build job as an import stores them: empty strings and empty objects are null, and
// a secret in the repository's URL is redacted.
func valuesOf(job *servicestage.BuildJob) values {
	v := values(maps.Clone(job.Spec))
	v[jobIDAttribute] = job.ID
	v[creatorAttribute], v[createdAtAttribute], v[lastBuildAttribute] = job.Creator, job.CreatedAt, job.LastBuildID
	v[projectArgument] = job.EnterpriseProjectID
	v[repoURLArgument] = RepositoryURL(v.text(repoURLArgument))
	maps.DeleteFunc(v, func(_ string, value any) bool { return value == "" })
	v[environmentSetting] = present
	v.keepBlocks(nil)
	return v
}

// keepBlocks removes optional blocks without attributes, unless known has the block without attributes, too.
func (v values) keepBlocks(known values) {
	for _, block := range optionalBlocks {
		switch {
		case v.hasAttributes(block), known[block] != nil && !known.hasAttributes(block):
			v[block] = present
		default:
			delete(v, block)
		}
	}
}

// request returns the body of a create or an update. It omits null arguments, except that an empty string clears
// those that prior has, if the API accepts that. prior is nil for a create.
func request(plan, prior values) servicestage.Spec {
	sent := maps.Clone(plan)
	maps.DeleteFunc(sent, func(_ string, value any) bool { return value == unknown })
	for _, argument := range clearable {
		if plan[argument] == nil && prior[argument] != nil {
			sent[argument] = ""
		}
	}
	return servicestage.Spec(sent)
}

// requestUpdate returns the body of an update. It takes two values from current instead of the plan, which only
// repeats the state: the enterprise project, unless it is configured, and a URL whose secret is not in the state.
func requestUpdate(plan, prior values, current *servicestage.BuildJob, projectConfigured bool) servicestage.Spec {
	spec := request(plan, prior)
	if !projectConfigured {
		delete(spec, projectArgument)
		if current.EnterpriseProjectID != "" {
			spec[projectArgument] = current.EnterpriseProjectID
		}
	}
	if url, _ := current.Spec[repoURLArgument].(string); RepositoryURL(url) == plan[repoURLArgument] {
		spec[repoURLArgument] = url
	}
	return spec
}
