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

// buildModel is what resource and data source say of a build.
type buildModel struct {
	BuildID   types.String `tfsdk:"build_id"`
	JobID     types.String `tfsdk:"job_id"`
	Index     types.Int64  `tfsdk:"index"`
	State     types.String `tfsdk:"state"`
	StartedAt types.String `tfsdk:"started_at"`
	EndedAt   types.String `tfsdk:"ended_at"`
	Duration  types.Int64  `tfsdk:"duration"`
	CommitID  types.String `tfsdk:"commit_id"`
	Committer types.String `tfsdk:"committer"`
	Branch    types.String `tfsdk:"branch"`
	Repo      types.String `tfsdk:"repo"`
}

type resourceModel struct {
	buildModel
	Triggers types.Map      `tfsdk:"triggers"`
	Wait     types.Bool     `tfsdk:"wait"`
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

type identityModel struct {
	BuildID types.String `tfsdk:"build_id"`
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

// modelFrom is an answer as state. jobID is what is known of the job, for an answer that does not name it.
func modelFrom(build *servicestage.Build, jobID types.String) buildModel {
	if build.JobID != "" {
		jobID = types.StringValue(build.JobID)
	}
	return buildModel{
		BuildID:   types.StringValue(build.ID),
		JobID:     jobID,
		Index:     number(build.Index),
		State:     text(string(build.State)),
		StartedAt: text(build.StartedAt),
		EndedAt:   text(build.EndedAt),
		Duration:  seconds(build.Duration),
		CommitID:  text(build.CommitID),
		Committer: text(build.Committer),
		Branch:    text(build.Branch),
		Repo:      text(buildjob.RepositoryURL(build.Repo)),
	}
}

// with is the data source's model with what the build says besides.
func (m dataSourceModel) with(build *servicestage.Build, phases []servicestage.Phase, checks []servicestage.Check) dataSourceModel {
	m.buildModel = modelFrom(build, types.StringNull())
	m.JobName = text(build.JobName)
	m.EnterpriseProjectID = text(build.EnterpriseProjectID)
	m.RepoType = text(build.RepoType)
	m.CommitTime = text(build.CommitTime)
	m.CommitComment = text(build.CommitComment)
	m.Language = text(build.Language)
	m.Trigger = text(build.Trigger)
	m.Creator = text(build.Creator)
	m.Phases = make([]phaseModel, len(phases))
	for i, phase := range phases {
		m.Phases[i] = phaseModel{ID: text(phase.ID), Name: text(phase.Name), State: text(string(phase.State))}
	}
	m.Checks = make(map[string]checkModel, len(checks))
	for _, check := range checks {
		model := checkModel{Info: text(check.Info), Counts: make([]countModel, len(check.Counts))}
		for i, count := range check.Counts {
			model.Counts[i] = countModel{
				Kind: text(count.Kind), BuildID: text(count.BuildID), BuildOrder: number(count.BuildOrder), TotalCount: number(count.TotalCount),
			}
		}
		m.Checks[check.Name] = model
	}
	return m
}

// text is null for "": the service answers "" for what it does not have yet.
func text(value string) types.String {
	if value == "" {
		return types.StringNull()
	}
	return types.StringValue(value)
}

// number is null for what is no number.
func number(digits string) types.Int64 {
	value, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return types.Int64Null()
	}
	return types.Int64Value(value)
}

func seconds(d *time.Duration) types.Int64 {
	if d == nil {
		return types.Int64Null()
	}
	return types.Int64Value(int64(d.Seconds()))
}
