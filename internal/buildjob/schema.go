// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	datasourceschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	listschema "github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/duration"
	"github.com/servicestage/terraform-provider-servicestage/internal/objectid"
)

// architectures that the service builds for.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html.
var architectures = []string{"x86_64", "aarch64"}

// Descriptions that resource and data source share.
const (
	jobIDDescription       = "ID of the build job."
	creatorDescription     = "Name of the user who created the job."
	createdAtDescription   = "Time of creation in RFC 3339. The service says it only when it creates a job, so it is null after an import."
	lastBuildIDDescription = "ID of the last build of the job. Null as long as the job has not been built."
)

func resourceSchema() schema.Schema {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	return schema.Schema{
		MarkdownDescription: "A build job: where and on what ServiceStage builds, and from which repository. " +
			"Every argument is updated in place.\n\n" +
			"The service's documentation files this API under \"Historical APIs\".",
		Attributes: map[string]schema.Attribute{
			"job_name": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Name of the job: 2 to 64 letters, digits, hyphens and underscores, a letter first, a letter or a digit last. " +
					"The service tells names apart without regard to case. The rule is checked when a job is created or renamed; " +
					"a job that got another name in the console can be imported and managed.",
				PlanModifiers: []planmodifier.String{jobNameRule()},
			},
			"job_description": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Description of the job, at most 64 characters.",
				Validators:          []validator.String{stringvalidator.UTF8LengthAtMost(64)},
			},
			"enterprise_project_id": schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "ID of the enterprise project of the job; `0` is the default enterprise project. " +
					"Without it, the provider's `enterprise_project_id` is taken, else what the service chose stays.",
				Validators:    []validator.String{stringvalidator.LengthAtLeast(1)},
				PlanModifiers: keep,
			},
			"job_id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: jobIDDescription,
				PlanModifiers:       keep,
			},
			"creator": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: creatorDescription,
				PlanModifiers:       keep,
			},
			"created_at": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: createdAtDescription,
				PlanModifiers:       keep,
			},
			"last_build_id": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: lastBuildIDDescription,
				PlanModifiers:       keep,
			},
		},
		Blocks: map[string]schema.Block{
			"environment_setting": environmentBlock(),
			"code_repo":           codeRepoBlock(),
			"timeouts":            timeoutsBlock(),
		},
	}
}

func timeoutsBlock() schema.Block {
	return duration.TimeoutsBlock(
		duration.Operation{Name: "create", Default: "5m", Description: "Maximum time to create the build job and read it back"},
		duration.Operation{Name: "read", Default: "5m", Description: "Maximum time to read the build job"},
		duration.Operation{Name: "update", Default: "5m", Description: "Maximum time to update the build job and read it back"},
		duration.Operation{Name: "delete", Default: "5m", Description: "Maximum time to delete the build job"},
	)
}

func environmentBlock() schema.Block {
	return schema.SingleNestedBlock{
		MarkdownDescription: "Where and on what the job builds. Exactly one block is required; it may be empty.",
		Validators:          []validator.Object{requiredBlock{"The block is required."}},
		Attributes: map[string]schema.Attribute{
			"docker_version": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Version of the Docker image to be built, such as `18.09`.",
			},
			"cluster_id": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "ID of the CCE cluster that builds.",
			},
			"cluster_name": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Name of the CCE cluster that builds.",
			},
			"use_public_cluster": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether to build on a public cluster.",
			},
		},
		Blocks: map[string]schema.Block{
			"build_os": schema.SingleNestedBlock{
				MarkdownDescription: "What the job builds for. At most one block.",
				Attributes: map[string]schema.Attribute{
					"arch": schema.StringAttribute{
						Optional:            true,
						MarkdownDescription: "Architecture: " + alternatives(architectures) + ".",
						Validators:          []validator.String{stringvalidator.OneOf(architectures...)},
					},
				},
			},
		},
	}
}

// The children are optional for Terraform, so that the block can be left out, and required as soon as it is written.
func codeRepoBlock() schema.Block {
	attributes := map[string]schema.Attribute{}
	for _, child := range []struct {
		name, description string
		modifiers         []planmodifier.String
		validators        []validator.String
	}{
		{
			name: "type",
			description: "Required in the block. Kind of repository, such as `GitHub`, `GitLab`, `Gitee`, `Bitbucket` or `DevCloud`, " +
				"as far as the region has it. A change of case alone is no change.",
			modifiers: []planmodifier.String{sameButForCase{"A change of case alone is no change."}},
		},
		{
			name: "url",
			description: "Required in the block. URL of the repository. Must not contain a password, an access token or a query parameter whose name contains `token`, " +
				"`password` or `secret`: state stores it in clear text.",
			modifiers:  []planmodifier.String{repositoryURLRule()},
			validators: []validator.String{noSecret{"The URL must not contain a secret."}},
		},
		{
			name:        "branch",
			description: "Required in the block. Branch to build.",
			modifiers:   []planmodifier.String{branchRule()},
		},
		{name: "namespace", description: "Required in the block. Organization, group or user that the repository belongs to."},
	} {
		attributes[child.name] = schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: child.description,
			Validators:          append(child.validators, stringvalidator.LengthAtLeast(1)),
			PlanModifiers:       child.modifiers,
		}
	}
	return schema.SingleNestedBlock{
		MarkdownDescription: "Repository to build. At most one block; `type`, `url`, `branch` and `namespace` are required in it.",
		Validators:          []validator.Object{allArguments{"Every argument of the block is required."}},
		Attributes:          attributes,
	}
}

func alternatives(values []string) string {
	return "`" + strings.Join(values, "` or `") + "`"
}

func dataSourceSchema() datasourceschema.Schema {
	text := func(description string) datasourceschema.StringAttribute {
		return datasourceschema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	selector := func(description string, validators ...validator.String) datasourceschema.StringAttribute {
		return datasourceschema.StringAttribute{Optional: true, Computed: true, MarkdownDescription: description, Validators: validators}
	}
	return datasourceschema.Schema{
		MarkdownDescription: "One build job, by `job_id` or by its exact `job_name`. Whether the service compares names exactly is not documented, so the " +
			"provider does, and case counts. What the service leaves out is null, and so is what it answers as \"\".",
		Attributes: map[string]datasourceschema.Attribute{
			"job_id":                selector(jobIDDescription+" Exactly one of `job_id` and `job_name` is to be set.", objectid.Validators()...),
			"job_name":              selector("Exact name of the build job. It is an error if no job or several jobs have it.", stringvalidator.LengthAtLeast(1)),
			"job_description":       text("Description of the job."),
			"enterprise_project_id": text("ID of the enterprise project of the job."),
			"creator":               text(creatorDescription),
			"created_at":            text("Time of creation in RFC 3339, null where the service does not say it."),
			"last_build_id":         text(lastBuildIDDescription),
			"environment_setting": datasourceschema.SingleNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Where and on what the job builds.",
				Attributes: map[string]datasourceschema.Attribute{
					"docker_version":     text("Version of the Docker image to be built."),
					"cluster_id":         text("ID of the CCE cluster that builds."),
					"cluster_name":       text("Name of the CCE cluster that builds."),
					"use_public_cluster": datasourceschema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the job builds on a public cluster."},
					"build_os": datasourceschema.SingleNestedAttribute{
						Computed:            true,
						MarkdownDescription: "What the job builds for. Null where the service does not say.",
						Attributes:          map[string]datasourceschema.Attribute{"arch": text("Architecture: " + alternatives(architectures) + ".")},
					},
				},
			},
			"code_repo": datasourceschema.SingleNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Repository to build. Null where the job has none.",
				Attributes: map[string]datasourceschema.Attribute{
					"type":      text("Kind of repository."),
					"url":       text("URL of the repository. A secret in it is replaced with `xxxxx`."),
					"branch":    text("Branch to build."),
					"namespace": text("Organization, group or user that the repository belongs to."),
				},
			},
		},
	}
}

// Descriptions of the two filters, which data source and list resource share.
const (
	exactNameFilter = "Exact name; case counts. Conflicts with `job_name_prefix`."
	prefixFilter    = "What the name begins with; case counts. Conflicts with `job_name`. " +
		"The whole list is asked for, and the provider chooses: what the service makes of a part of a name is not documented."
)

func listResourceSchema() listschema.Schema {
	text := func(description, other string) listschema.StringAttribute {
		return listschema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: filterValidators(other)}
	}
	return listschema.Schema{
		MarkdownDescription: "The build jobs of the provider's region and project, for `terraform query`. Their display name is their `job_name`. " +
			"With `include_resource` each job is read, up to ten at a time; one that is deleted meanwhile is left out. All of it takes at most 30 minutes.\n\n" +
			"ServiceStage makes build jobs of its own for components that are built from source. They are listed too: the API says of no job " +
			"whether it is one of those.\n\n" +
			"Guide: [Bring existing build jobs under Terraform](../guides/bring-existing-build-jobs.md).",
		Attributes: map[string]listschema.Attribute{
			"job_name":        text(exactNameFilter, "job_name_prefix"),
			"job_name_prefix": text(prefixFilter, "job_name"),
		},
	}
}

func filterValidators(other string) []validator.String {
	return []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.ConflictsWith(path.MatchRoot(other))}
}

func listDataSourceSchema() datasourceschema.Schema {
	filter := func(description, other string) datasourceschema.StringAttribute {
		return datasourceschema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: filterValidators(other)}
	}
	texts := func(description string) datasourceschema.ListAttribute {
		return datasourceschema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	job := dataSourceSchema().Attributes
	job["job_id"] = datasourceschema.StringAttribute{Computed: true, MarkdownDescription: jobIDDescription}
	job["job_name"] = datasourceschema.StringAttribute{Computed: true, MarkdownDescription: "Name of the build job."}
	return datasourceschema.Schema{
		MarkdownDescription: "The build jobs of the provider's region and project, sorted by name and then by id. None is no error. " +
			"Jobs that the service itself made for a component are among them: the API says of no job whether it is one. " +
			"All of it takes at most 30 minutes.",
		Attributes: map[string]datasourceschema.Attribute{
			"job_name":        filter(exactNameFilter, "job_name_prefix"),
			"job_name_prefix": filter(prefixFilter, "job_name"),
			"details": datasourceschema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to read each job, up to ten at a time. Default: `false`: of each job nothing but `job_id` and `job_name` is set. " +
					"A job that is deleted between the list and its reading is left out.",
			},
			"ids":   texts("IDs of the build jobs, in the order of `jobs`."),
			"names": texts("Names of the build jobs, in the order of `jobs`."),
			"jobs": datasourceschema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "The build jobs. All but `job_id` and `job_name` is null unless `details` is true.",
				NestedObject:        datasourceschema.NestedAttributeObject{Attributes: job},
			},
		},
	}
}
