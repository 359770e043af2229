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

// architectures are the values of arch.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html.
var architectures = []string{"x86_64", "aarch64"}

func resourceSchema() schema.Schema {
	keep := []planmodifier.String{stringplanmodifier.UseStateForUnknown()}
	computed := func(description string) schema.StringAttribute {
		return schema.StringAttribute{Computed: true, MarkdownDescription: description, PlanModifiers: keep}
	}
	return schema.Schema{
		MarkdownDescription: "Manages a ServiceStage build job. All arguments can be updated in place.",
		Attributes: map[string]schema.Attribute{
			nameArgument: schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Name of the build job. Must be 2 to 64 characters long, start with a letter, end with a " +
					"letter or digit, " +
					"and contain only letters (A-Z, a-z), digits, hyphens and underscores. " +
					"An imported build job may keep another name. ServiceStage compares names case-insensitively.",
				PlanModifiers: []planmodifier.String{jobNameRule()},
			},
			"job_description": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Description of the build job. Must be at most 64 characters long.",
				Validators:          []validator.String{stringvalidator.UTF8LengthAtMost(64)},
			},
			projectArgument: schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "ID of the enterprise project of the build job. `0` is the default enterprise project. " +
					"Defaults to the provider's `enterprise_project_id`, otherwise to the choice of ServiceStage.",
				Validators:    []validator.String{stringvalidator.LengthAtLeast(1)},
				PlanModifiers: keep,
			},
			jobIDAttribute:   computed("ID of the build job."),
			creatorAttribute: computed("Name of the user who created the build job."),
			createdAtAttribute: computed("Time the build job was created, in RFC 3339 format. " +
				"Null for imported build jobs and in data sources: the API returns it only on creation."),
			lastBuildAttribute: computed("ID of the last build of the build job. Null if it has not been built."),
		},
		Blocks: map[string]schema.Block{
			environmentSetting: environmentBlock(),
			repoBlock:          codeRepoBlock(),
			timeoutsName: duration.TimeoutsBlock(
				duration.Operation{Name: "create", Default: "5m", Description: "Maximum time to create the build job and read " +
					"it back"},
				duration.Operation{Name: "read", Default: "5m", Description: "Maximum time to read the build job"},
				duration.Operation{Name: "update", Default: "5m", Description: "Maximum time to update the build job and read " +
					"it back"},
				duration.Operation{Name: "delete", Default: "5m", Description: "Maximum time to delete the build job"},
			),
		},
	}
}

func environmentBlock() schema.Block {
	optional := func(description string, validators ...validator.String) schema.StringAttribute {
		return schema.StringAttribute{Optional: true, MarkdownDescription: description, Validators: validators}
	}
	return schema.SingleNestedBlock{
		MarkdownDescription: "Environment of the builds. Exactly one block is required; it may be empty.",
		Validators:          []validator.Object{requiredBlock{"The block is required."}},
		Attributes: map[string]schema.Attribute{
			"docker_version": optional("Version of the Docker image to be built, such as `18.09`. " +
				"Quote the value: Terraform reads `18.10` without quotes as `18.1`."),
			"cluster_id":   optional("ID of the CCE cluster that runs the builds."),
			"cluster_name": optional("Name of the CCE cluster that runs the builds."),
			"use_public_cluster": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether the builds run on a public cluster.",
			},
		},
		Blocks: map[string]schema.Block{
			"build_os": schema.SingleNestedBlock{
				MarkdownDescription: "Platform of the build. At most one block.",
				Attributes: map[string]schema.Attribute{
					"arch": optional("CPU architecture of the build. One of `"+strings.Join(architectures, "`, `")+"`.",
						stringvalidator.OneOf(architectures...)),
				},
			},
		},
	}
}

// requiredInBlock precedes the descriptions of arguments that Terraform takes for optional, so that their block can
// be absent.
const requiredInBlock = "Required in the block. "

func codeRepoBlock() schema.Block {
	required := func(
		description string, modifiers []planmodifier.String, validators ...validator.String,
	) schema.StringAttribute {
		return schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: requiredInBlock + description,
			Validators:          append(validators, stringvalidator.LengthAtLeast(1)),
			PlanModifiers:       modifiers,
		}
	}
	return schema.SingleNestedBlock{
		MarkdownDescription: "Repository to build. At most one block; `type`, `url`, `branch` and `namespace` are " +
			"required in it.",
		Validators: []validator.Object{allArguments{"Every argument of the block is required."}},
		Attributes: map[string]schema.Attribute{
			"type": required("Type of the repository, such as `GitHub`, `GitLab`, `Gitee`, `Bitbucket` or `DevCloud`. "+
				"Compared case-insensitively.", []planmodifier.String{sameButForCase{"A change of case alone is no change."}}),
			"url": required("URL of the repository. Must be a URL such as `https://github.com/acme/app`, or of the form "+
				"`user@host:path`, "+
				"without white space. Must not contain a password, an access token or a query parameter whose name contains "+
				"`token`, `password` or `secret`: state stores it in clear text.",
				[]planmodifier.String{repositoryURLRule()}, noSecret{"The URL must not contain a secret."}),
			"branch":    required("Branch to build. Must be a name that Git allows.", []planmodifier.String{branchRule()}),
			"namespace": required("Organization, group or user that the repository belongs to.", nil),
		},
	}
}

func dataSourceSchema() datasourceschema.Schema {
	resource := resourceSchema()
	delete(resource.Blocks, timeoutsName)
	attributes := computedAttributes(resource.Attributes, resource.Blocks)
	attributes[jobIDAttribute] = datasourceschema.StringAttribute{
		Optional: true, Computed: true, Validators: objectid.Validators(),
		MarkdownDescription: "ID of the build job. Exactly one of `job_id`, `job_name` must be set.",
	}
	attributes[nameArgument] = datasourceschema.StringAttribute{
		Optional: true, Computed: true, Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
		MarkdownDescription: "Exact name of the build job. Must be the name of one build job only. Compared " +
			"case-sensitively.",
	}
	return datasourceschema.Schema{
		MarkdownDescription: "Retrieves information about a build job. Attributes that ServiceStage does not return are " +
			"null. " +
			"Secrets in `code_repo.url` are replaced with `xxxxx`.",
		Attributes: attributes,
	}
}

// computedAttributes returns attributes and blocks of the resource as attributes of a data source. The first sentence
// of an argument's description describes the attribute.
func computedAttributes(
	attributes map[string]schema.Attribute, blocks map[string]schema.Block,
) map[string]datasourceschema.Attribute {
	sentence := func(description string) string {
		first, _, _ := strings.Cut(strings.TrimPrefix(description, requiredInBlock), ". ")
		return strings.TrimSuffix(first, ".") + "."
	}
	computed := map[string]datasourceschema.Attribute{}
	for name, attribute := range attributes {
		description := attribute.GetMarkdownDescription()
		if attribute.IsOptional() || attribute.IsRequired() {
			description = sentence(description)
		}
		if _, isBool := attribute.(schema.BoolAttribute); isBool {
			computed[name] = datasourceschema.BoolAttribute{Computed: true, MarkdownDescription: description}
		} else {
			computed[name] = datasourceschema.StringAttribute{Computed: true, MarkdownDescription: description}
		}
	}
	for name, block := range blocks {
		if single, ok := block.(schema.SingleNestedBlock); ok {
			computed[name] = datasourceschema.SingleNestedAttribute{
				Computed: true, MarkdownDescription: sentence(single.MarkdownDescription),
				Attributes: computedAttributes(single.Attributes, single.Blocks),
			}
		}
	}
	return computed
}

// Descriptions of the two filters, which data source and list resource share.
const (
	nameFilter   = "Exact name of the build jobs. Compared case-sensitively. Conflicts with `job_name_prefix`."
	prefixFilter = "Prefix of the names of the build jobs. Compared case-sensitively. Conflicts with `job_name`."
)

func filterValidators(other string) []validator.String {
	return []validator.String{stringvalidator.LengthAtLeast(1), stringvalidator.ConflictsWith(path.MatchRoot(other))}
}

func listResourceSchema() listschema.Schema {
	filter := func(description, other string) listschema.StringAttribute {
		return listschema.StringAttribute{
			Optional: true, MarkdownDescription: description, Validators: filterValidators(other),
		}
	}
	return listschema.Schema{
		MarkdownDescription: "Lists build jobs of the provider's region and project, for `terraform query`. " +
			"Includes build jobs that ServiceStage created for components: the API does not distinguish them.\n\n" +
			"With `include_resource`, the provider reads each build job, up to ten at a time. A query takes at most 30 " +
			"minutes.",
		Attributes: map[string]listschema.Attribute{
			nameArgument:   filter(nameFilter, prefixArgument),
			prefixArgument: filter(prefixFilter, nameArgument),
		},
	}
}

func listDataSourceSchema() datasourceschema.Schema {
	filter := func(description, other string) datasourceschema.StringAttribute {
		return datasourceschema.StringAttribute{
			Optional: true, MarkdownDescription: description, Validators: filterValidators(other),
		}
	}
	texts := func(description string) datasourceschema.ListAttribute {
		return datasourceschema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: description}
	}
	resource := resourceSchema()
	delete(resource.Blocks, timeoutsName)
	return datasourceschema.Schema{
		MarkdownDescription: "Retrieves the build jobs of the provider's region and project, sorted by name and ID. " +
			"Returns an empty list if nothing matches. " +
			"Includes build jobs that ServiceStage created for components: the API does not distinguish them.",
		Attributes: map[string]datasourceschema.Attribute{
			nameArgument:   filter(nameFilter, prefixArgument),
			prefixArgument: filter(prefixFilter, nameArgument),
			"details": datasourceschema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to read each build job, up to ten at a time and for at most 30 minutes. Defaults " +
					"to `false`. " +
					"Build jobs that are deleted meanwhile are omitted.",
			},
			"ids":   texts("IDs of the build jobs, in the order of `jobs`."),
			"names": texts("Names of the build jobs, in the order of `jobs`."),
			"jobs": datasourceschema.ListNestedAttribute{
				Computed:            true,
				MarkdownDescription: "Build jobs. Attributes other than `job_id` and `job_name` are null unless `details` is true.",
				NestedObject: datasourceschema.NestedAttributeObject{
					Attributes: computedAttributes(resource.Attributes, resource.Blocks),
				},
			},
		},
	}
}
