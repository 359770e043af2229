// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/buildjob"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// buildModel has the attributes that the resource and the data source share.
type buildModel struct {
	BuildID       types.String `tfsdk:"build_id"`
	JobID         types.String `tfsdk:"job_id"`
	Index         types.Int64  `tfsdk:"index"`
	State         types.String `tfsdk:"state"`
	StartedAt     types.String `tfsdk:"started_at"`
	EndedAt       types.String `tfsdk:"ended_at"`
	Duration      types.Int64  `tfsdk:"duration"`
	CommitID      types.String `tfsdk:"commit_id"`
	Committer     types.String `tfsdk:"committer"`
	Branch        types.String `tfsdk:"branch"`
	Repo          types.String `tfsdk:"repo"`
	SWRRepository types.String `tfsdk:"swr_repository"`
	SWRRepoPage   types.String `tfsdk:"swr_repo_page"`
	BaseImage     types.String `tfsdk:"base_image"`
}

type resourceModel struct {
	buildModel
	Triggers types.Map      `tfsdk:"triggers"`
	Wait     types.Bool     `tfsdk:"wait"`
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

type dataSourceModel struct {
	buildModel
	LogLimit            types.Int64           `tfsdk:"log_limit"`
	Log                 types.String          `tfsdk:"log"`
	LogCut              types.Bool            `tfsdk:"log_cut"`
	JobName             types.String          `tfsdk:"job_name"`
	EnterpriseProjectID types.String          `tfsdk:"enterprise_project_id"`
	RepoType            types.String          `tfsdk:"repo_type"`
	CommitTime          types.String          `tfsdk:"commit_time"`
	CommitComment       types.String          `tfsdk:"commit_comment"`
	Language            types.String          `tfsdk:"language"`
	Trigger             types.String          `tfsdk:"trigger"`
	Creator             types.String          `tfsdk:"creator"`
	Phases              []phaseModel          `tfsdk:"phases"`
	Checks              map[string]checkModel `tfsdk:"checks"`
}

type phaseModel struct {
	ID    types.String `tfsdk:"id"`
	Name  types.String `tfsdk:"name"`
	State types.String `tfsdk:"state"`
}

type checkModel struct {
	Info   types.String `tfsdk:"info"`
	Counts []countModel `tfsdk:"counts"`
}

type countModel struct {
	Kind       types.String `tfsdk:"kind"`
	BuildID    types.String `tfsdk:"build_id"`
	BuildOrder types.Int64  `tfsdk:"build_order"`
	TotalCount types.Int64  `tfsdk:"total_count"`
}

type listModel struct {
	JobID      types.String   `tfsdk:"job_id"`
	JobName    types.String   `tfsdk:"job_name"`
	Total      types.Int64    `tfsdk:"total"`
	Finished   types.Int64    `tfsdk:"finished"`
	Successful types.Int64    `tfsdk:"successful"`
	Builds     []summaryModel `tfsdk:"builds"`
}

type summaryModel struct {
	BuildID  types.String `tfsdk:"build_id"`
	State    types.String `tfsdk:"state"`
	Duration types.Int64  `tfsdk:"duration"`
}

// modelFrom returns a response as a model. jobID is the known job, for a response that does not contain it.
func modelFrom(build *servicestage.Build, jobID types.String) buildModel {
	if build.JobID != "" {
		jobID = types.StringValue(string(build.JobID))
	}
	return buildModel{
		BuildID:       types.StringValue(build.ID),
		JobID:         jobID,
		Index:         int64OrNull(build.Index),
		State:         stringOrNull(build.State),
		StartedAt:     stringOrNull(build.StartedAt),
		EndedAt:       stringOrNull(build.EndedAt),
		Duration:      secondsOrNull(build.Duration),
		CommitID:      stringOrNull(build.CommitID),
		Committer:     stringOrNull(build.Committer),
		Branch:        stringOrNull(build.Branch),
		Repo:          stringOrNull(buildjob.RepositoryURL(string(build.Repo))),
		SWRRepository: stringOrNull(build.SWRRepository),
		SWRRepoPage:   stringOrNull(build.SWRRepoPage),
		BaseImage:     stringOrNull(build.BaseImage),
	}
}

// with returns the data source's model with the attributes of a build.
func (m dataSourceModel) with(
	build *servicestage.Build, phases []servicestage.Phase, checks []servicestage.Check,
) dataSourceModel {
	m.buildModel = modelFrom(build, types.StringNull())
	m.JobName = stringOrNull(build.JobName)
	m.EnterpriseProjectID = stringOrNull(build.EnterpriseProjectID)
	m.RepoType = stringOrNull(build.RepoType)
	m.CommitTime = stringOrNull(build.CommitTime)
	m.CommitComment = stringOrNull(build.CommitComment)
	m.Language = stringOrNull(build.Language)
	m.Trigger = stringOrNull(build.Trigger)
	m.Creator = stringOrNull(build.Creator)
	m.Phases = make([]phaseModel, len(phases))
	for i, phase := range phases {
		m.Phases[i] = phaseModel{stringOrNull(phase.ID), stringOrNull(phase.Name), stringOrNull(phase.State)}
	}
	m.Checks = make(map[string]checkModel, len(checks))
	for _, check := range checks {
		model := checkModel{Info: stringOrNull(check.Info), Counts: make([]countModel, len(check.Counts))}
		for i, count := range check.Counts {
			model.Counts[i] = countModel{
				Kind: stringOrNull(count.Kind), BuildID: stringOrNull(count.BuildID),
				BuildOrder: int64OrNull(count.BuildOrder), TotalCount: int64OrNull(count.TotalCount),
			}
		}
		m.Checks[check.Name] = model
	}
	return m
}

// with returns the list data source's model with the builds of a job.
func (m listModel) with(list *servicestage.BuildList) listModel {
	m.JobName = types.StringValue(list.JobName)
	m.Total, m.Finished = types.Int64Value(int64(list.Total)), types.Int64Value(int64(list.Finished))
	m.Successful = types.Int64Value(int64(list.Successful))
	m.Builds = make([]summaryModel, len(list.Builds))
	for i, build := range list.Builds {
		m.Builds[i] = summaryModel{stringOrNull(build.ID), stringOrNull(build.State), secondsOrNull(build.Duration)}
	}
	return m
}

// stringOrNull returns null for "", which the service returns for what it does not have yet.
func stringOrNull[T ~string](value T) types.String {
	if value == "" {
		return types.StringNull()
	}
	return types.StringValue(string(value))
}

// int64OrNull returns null for text that is not a number.
func int64OrNull[T ~string](digits T) types.Int64 {
	value, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return types.Int64Null()
	}
	return types.Int64Value(value)
}

func secondsOrNull(duration *time.Duration) types.Int64 {
	if duration == nil {
		return types.Int64Null()
	}
	return types.Int64Value(int64(duration.Seconds()))
}
