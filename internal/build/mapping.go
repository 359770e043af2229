// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"strconv"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/attributes"
	"github.com/servicestage/terraform-provider-servicestage/internal/buildjob"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// valuesOf returns the attributes of a build in a response: nil for what the service does not have yet. Not every
// response contains the build job, so job_id is then absent.
func valuesOf(build *servicestage.Build) attributes.Values {
	values := attributes.Values{
		"build_id":              build.ID,
		"job_name":              text(build.JobName),
		"enterprise_project_id": text(build.EnterpriseProjectID),
		"index":                 number(build.Index),
		"state":                 text(build.State),
		"started_at":            text(build.StartedAt),
		"ended_at":              text(build.EndedAt),
		"duration":              seconds(build.Duration),
		"repo_type":             text(build.RepoType),
		"repo":                  text(buildjob.RepositoryURL(string(build.Repo))),
		"branch":                text(build.Branch),
		"commit_id":             text(build.CommitID),
		"committer":             text(build.Committer),
		"commit_time":           text(build.CommitTime),
		"commit_comment":        text(build.CommitComment),
		"language":              text(build.Language),
		"trigger":               text(build.Trigger),
		"creator":               text(build.Creator),
		"swr_repository":        text(build.SWRRepository),
		"swr_repo_page":         text(build.SWRRepoPage),
		"base_image":            text(build.BaseImage),
	}
	if build.JobID != "" {
		values["job_id"] = string(build.JobID)
	}
	return values
}

func phaseValues(phases []servicestage.Phase) []attributes.Values {
	rows := make([]attributes.Values, len(phases))
	for i, phase := range phases {
		rows[i] = attributes.Values{"id": text(phase.ID), "name": text(phase.Name), "state": text(phase.State)}
	}
	return rows
}

func checkValues(checks []servicestage.Check) map[string]attributes.Values {
	byName := make(map[string]attributes.Values, len(checks))
	for _, check := range checks {
		counts := make([]attributes.Values, len(check.Counts))
		for i, count := range check.Counts {
			counts[i] = attributes.Values{
				"kind": text(count.Kind), "build_id": text(count.BuildID),
				"build_order": number(count.BuildOrder), "total_count": number(count.TotalCount),
			}
		}
		byName[check.Name] = attributes.Values{"info": text(check.Info), "counts": counts}
	}
	return byName
}

// listValues returns the attributes of the data source servicestage_builds.
func listValues(list *servicestage.BuildList) attributes.Values {
	builds := make([]attributes.Values, len(list.Builds))
	for i, build := range list.Builds {
		builds[i] = attributes.Values{
			"build_id": text(build.ID), "state": text(build.State), "duration": seconds(build.Duration),
		}
	}
	return attributes.Values{
		"job_name": list.JobName, "total": list.Total, "finished": list.Finished, "successful": list.Successful,
		"builds": builds,
	}
}

// text returns nil for "".
func text[T ~string](value T) any {
	if value == "" {
		return nil
	}
	return string(value)
}

// number returns nil for text that is not a number.
func number[T ~string](digits T) any {
	value, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return nil
	}
	return value
}

// seconds returns nil for nil.
func seconds(duration *time.Duration) any {
	if duration == nil {
		return nil
	}
	return int64(duration.Seconds())
}
