// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// jobModel is a build job in Terraform's words.
type jobModel struct {
	JobID               types.String      `tfsdk:"job_id"`
	JobName             types.String      `tfsdk:"job_name"`
	JobDescription      types.String      `tfsdk:"job_description"`
	EnterpriseProjectID types.String      `tfsdk:"enterprise_project_id"`
	EnvironmentSetting  *environmentModel `tfsdk:"environment_setting"`
	CodeRepo            *codeRepoModel    `tfsdk:"code_repo"`
	Creator             types.String      `tfsdk:"creator"`
	CreatedAt           types.String      `tfsdk:"created_at"`
	LastBuildID         types.String      `tfsdk:"last_build_id"`
}

type environmentModel struct {
	DockerVersion    types.String  `tfsdk:"docker_version"`
	ClusterID        types.String  `tfsdk:"cluster_id"`
	ClusterName      types.String  `tfsdk:"cluster_name"`
	UsePublicCluster types.Bool    `tfsdk:"use_public_cluster"`
	BuildOS          *buildOSModel `tfsdk:"build_os"`
}

type buildOSModel struct {
	Arch types.String `tfsdk:"arch"`
}

type codeRepoModel struct {
	Type      types.String `tfsdk:"type"`
	URL       types.String `tfsdk:"url"`
	Branch    types.String `tfsdk:"branch"`
	Namespace types.String `tfsdk:"namespace"`
}

// resourceModel is what the resource adds to a job.
type resourceModel struct {
	jobModel
	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

// request is the first conversion: a plan as the body of create or update. prior is the state before, nil for a create. Silent
// arguments are left out, but for the four that an empty string clears and that prior still has.
func (m jobModel) request(prior *jobModel) servicestage.BuildJobSpec {
	if prior == nil {
		prior = &jobModel{}
	}
	environment, priorEnvironment := m.EnvironmentSetting, prior.EnvironmentSetting
	if priorEnvironment == nil {
		priorEnvironment = &environmentModel{}
	}
	spec := servicestage.BuildJobSpec{
		JobName:             m.JobName.ValueString(),
		JobDescription:      clearing(m.JobDescription, prior.JobDescription),
		EnterpriseProjectID: known(m.EnterpriseProjectID),
		EnvironmentSetting: servicestage.EnvironmentSetting{
			DockerVersion:    clearing(environment.DockerVersion, priorEnvironment.DockerVersion),
			ClusterID:        clearing(environment.ClusterID, priorEnvironment.ClusterID),
			ClusterName:      clearing(environment.ClusterName, priorEnvironment.ClusterName),
			UsePublicCluster: environment.UsePublicCluster.ValueBoolPointer(),
		},
	}
	if os := environment.BuildOS; os != nil {
		spec.EnvironmentSetting.BuildOS = &servicestage.BuildOS{Arch: known(os.Arch)}
	}
	if repo := m.CodeRepo; repo != nil {
		spec.CodeRepo = &servicestage.CodeRepo{
			Type: known(repo.Type), URL: known(repo.URL), Branch: known(repo.Branch), Namespace: known(repo.Namespace),
		}
	}
	return spec
}

// leaveAlone returns the request with the current value of what the plan only repeats from the state: the enterprise project,
// unless it is configured, and a URL whose secret never got into the state.
func leaveAlone(request servicestage.BuildJobSpec, current *servicestage.BuildJob, askedProject bool) servicestage.BuildJobSpec {
	if !askedProject {
		request.EnterpriseProjectID = notEmpty(current.EnterpriseProjectID)
	}
	if repo := current.Spec.CodeRepo; request.CodeRepo != nil && repo != nil {
		if clean := stripped(repo.URL); clean != nil && request.CodeRepo.URL != nil && *clean == *request.CodeRepo.URL {
			request.CodeRepo.URL = repo.URL
		}
	}
	return request
}

// known is nil for null and for unknown.
func known(value types.String) *string {
	if value.IsUnknown() {
		return nil
	}
	return value.ValueStringPointer()
}

func clearing(planned, prior types.String) *string {
	if planned.IsNull() && !prior.IsNull() {
		return new("")
	}
	return known(planned)
}

// stateFrom is the second conversion: an answer as state. prior is what was known before (the plan after a write, the state
// before a read, nothing for an import or a data source); it decides between spellings of the same value. reading decides
// what becomes of answers for silent arguments.
func stateFrom(job *servicestage.BuildJob, prior jobModel, reading *reading) jobModel {
	spec, environment := job.Spec, job.Spec.EnvironmentSetting
	priorEnvironment := prior.EnvironmentSetting
	if priorEnvironment == nil {
		priorEnvironment = &environmentModel{}
	}
	state := jobModel{
		JobID:               types.StringValue(job.ID),
		JobName:             reading.text("job_name", &spec.JobName, prior.JobName),
		JobDescription:      reading.text("job_description", spec.JobDescription, prior.JobDescription),
		EnterpriseProjectID: reading.enterpriseProject(job.EnterpriseProjectID, prior.EnterpriseProjectID),
		EnvironmentSetting: &environmentModel{
			DockerVersion:    reading.text("environment_setting.docker_version", environment.DockerVersion, priorEnvironment.DockerVersion),
			ClusterID:        reading.text("environment_setting.cluster_id", environment.ClusterID, priorEnvironment.ClusterID),
			ClusterName:      reading.text("environment_setting.cluster_name", environment.ClusterName, priorEnvironment.ClusterName),
			UsePublicCluster: reading.boolean("environment_setting.use_public_cluster", environment.UsePublicCluster, priorEnvironment.UsePublicCluster),
			BuildOS:          buildOSFrom(environment.BuildOS, priorEnvironment.BuildOS, reading),
		},
		CodeRepo:    codeRepoFrom(spec.CodeRepo, prior.CodeRepo, reading),
		Creator:     reading.computed(&job.Creator, prior.Creator),
		LastBuildID: reading.computed(&job.LastBuildID, prior.LastBuildID),
		CreatedAt:   prior.CreatedAt,
	}
	if prior.CreatedAt.IsUnknown() || prior.CreatedAt.IsNull() && !reading.planned {
		state.CreatedAt = types.StringPointerValue(notEmpty(&job.CreatedAt))
	}
	return state
}

func buildOSFrom(answered *servicestage.BuildOS, prior *buildOSModel, reading *reading) *buildOSModel {
	if answered == nil {
		answered = &servicestage.BuildOS{}
	}
	known := prior
	if known == nil {
		known = &buildOSModel{}
	}
	state := &buildOSModel{Arch: reading.text("environment_setting.build_os.arch", answered.Arch, known.Arch)}
	// An empty block is none, unless the configuration writes it.
	if *state == (buildOSModel{}) && (prior == nil || *prior != *state) {
		return nil
	}
	return state
}

func codeRepoFrom(answered *servicestage.CodeRepo, prior *codeRepoModel, reading *reading) *codeRepoModel {
	if answered == nil {
		answered = &servicestage.CodeRepo{}
	}
	known := prior
	if known == nil {
		known = &codeRepoModel{}
	}
	state := &codeRepoModel{
		Type:      reading.caseless("code_repo.type", answered.Type, known.Type),
		URL:       reading.text("code_repo.url", stripped(answered.URL), known.URL),
		Branch:    reading.text("code_repo.branch", answered.Branch, known.Branch),
		Namespace: reading.text("code_repo.namespace", answered.Namespace, known.Namespace),
	}
	if *state == (codeRepoModel{}) && (prior == nil || *prior != *state) {
		return nil
	}
	if prior == nil && reading.planned {
		reading.refusals = append(reading.refusals, "code_repo")
	}
	return state
}

// stripped keeps a password that somebody wrote elsewhere out of state.
func stripped(address *string) *string {
	if address == nil {
		return nil
	}
	clean, _ := withoutPassword(*address)
	return &clean
}

// notEmpty is nil for "": the service answers either for what it does not have.
func notEmpty(text *string) *string {
	if text == nil || *text == "" {
		return nil
	}
	return text
}
