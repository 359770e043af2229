// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"fmt"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	datasourceschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/duration"
	"github.com/servicestage/terraform-provider-servicestage/internal/objectid"
)

// Descriptions that several schemas share.
const (
	buildIDDescription = "ID of the build."
	jobIDDescription   = "ID of the build job."
	branchNote         = "Builds use the branch of the build job. See [Run builds from Terraform]" +
		"(../guides/run-builds-from-terraform.md)."
	nullNote = "An attribute is null if ServiceStage does not return it, or has not returned it yet."
)

// stringDescriptions and numberDescriptions are the attributes that the resource and the data source share.
var (
	stringDescriptions = map[string]string{
		"build_id": buildIDDescription,
		"state": "State of the build. `NotStarted`, `Queuing`, `Building` and `Pushing` while it is running, then " +
			"`Successful`, `Failed`, `Timeout`, `Cancel` or `Deleted`.",
		"started_at":     "Time the build was started, in RFC 3339 format.",
		"ended_at":       "Time the build finished, in RFC 3339 format. Null while the build is running.",
		"commit_id":      "ID of the commit that the build uses.",
		"committer":      "Name of the committer.",
		"branch":         "Branch that the build uses.",
		"repo":           "URL of the repository. A password in it is replaced.",
		"swr_repository": "Image repository in SoftWare Repository for Container (SWR) to which the build pushes.",
		"swr_repo_page":  "Address of the console page of the image repository.",
		"base_image":     "Base image of the build.",
	}
	numberDescriptions = map[string]string{
		"index":    "Number of the build within its build job, starting at 1.",
		"duration": "Duration of the build in seconds. Null while the build is running.",
	}
)

func startSchema() actionschema.Schema {
	return actionschema.Schema{
		MarkdownDescription: "Starts a build of a build job and waits for it to finish. An unsuccessful build is an " +
			"error that contains the failed phase, the last 40 lines of the log and the ID of the build.\n\n" +
			"Requires Terraform 1.14 or later. With earlier versions and OpenTofu, use the resource " +
			"`servicestage_build`.\n\n" +
			branchNote,
		Attributes: map[string]actionschema.Attribute{
			"job_id": actionschema.StringAttribute{
				Required: true, Validators: objectid.Validators(),
				MarkdownDescription: jobIDDescription + " In an action that the build job triggers, use " +
					"`caller.job_id` with Terraform 1.16 or later, and the address of the build job with 1.14 and " +
					"1.15.",
			},
			"wait": actionschema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to wait for the build to finish. Defaults to `true`. If `false`, the " +
					"action succeeds when the build is started.",
			},
			"timeout": actionschema.StringAttribute{
				Optional: true, Validators: []validator.String{duration.Positive()},
				MarkdownDescription: "Maximum time for the start and the wait together, such as `90s` or `1h`. Must " +
					"be positive. Defaults to `30m`. A slower build is an error and keeps running in ServiceStage.",
			},
			"cancel_on_interrupt": actionschema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to cancel the build if the wait is interrupted, as by Ctrl-C. Defaults " +
					"to `true`. Has no effect if `wait` is `false`.",
			},
		},
	}
}

func cancelSchema() actionschema.Schema {
	return actionschema.Schema{
		MarkdownDescription: "Cancels a build and waits up to a minute for it to end. Canceling a build that has " +
			"finished does nothing.\n\nRequires Terraform 1.14 or later.",
		Attributes: map[string]actionschema.Attribute{
			"build_id": actionschema.StringAttribute{
				Required: true, MarkdownDescription: buildIDDescription, Validators: objectid.Validators(),
			},
		},
	}
}

func resourceSchema() schema.Schema {
	attributes := map[string]schema.Attribute{
		"job_id": schema.StringAttribute{
			Required: true, Validators: objectid.Validators(),
			MarkdownDescription: jobIDDescription + " Changing this starts a new build.",
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"triggers": schema.MapAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Arbitrary map of values. Changing a value starts a new build. Adding the map after " +
				"an import does not. An empty map is the same as none.",
			PlanModifiers: []planmodifier.Map{replaceForTriggers()},
		},
		"wait": schema.BoolAttribute{
			Optional: true, Computed: true, Default: booldefault.StaticBool(true),
			MarkdownDescription: "Whether to wait for the build to finish. Defaults to `true`. An unsuccessful build " +
				"is then an error. If `false`, the resource is created when the build is started, and each refresh " +
				"updates the attributes until the build has finished. Changing this affects the next build.",
		},
	}
	for name, description := range stringDescriptions {
		attributes[name] = schema.StringAttribute{
			Computed: true, MarkdownDescription: description,
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		}
	}
	for name, description := range numberDescriptions {
		attributes[name] = schema.Int64Attribute{
			Computed: true, MarkdownDescription: description,
			PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
		}
	}
	return schema.Schema{
		MarkdownDescription: "Manages one build of a build job. Creating the resource starts a build. Destroying it " +
			"cancels a running build. The API cannot delete builds, so a finished one is only removed from the " +
			"state.\n\n" +
			"Use this resource with OpenTofu, with Terraform before 1.14, and if the configuration needs attributes " +
			"of the build, such as its commit. Otherwise, use the action `servicestage_start_build`, which stores " +
			"nothing.\n\n" +
			branchNote + " " + nullNote,
		Attributes: attributes,
		Blocks: map[string]schema.Block{"timeouts": duration.TimeoutsBlock(
			duration.Operation{
				Name: "create", Default: "30m", Description: "Maximum time to start the build and wait for it",
			},
			duration.Operation{Name: "read", Default: "5m", Description: "Maximum time to read the build"},
			duration.Operation{Name: "delete", Default: "5m", Description: "Maximum time to cancel a running build"},
		)},
	}
}

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
	resp.RequiresReplace = !private.Imported
}

func computedString(description string) datasourceschema.StringAttribute {
	return datasourceschema.StringAttribute{Computed: true, MarkdownDescription: description}
}

func computedNumber(description string) datasourceschema.Int64Attribute {
	return datasourceschema.Int64Attribute{Computed: true, MarkdownDescription: description}
}

// computedList returns a list of objects.
func computedList(
	description string, attributes map[string]datasourceschema.Attribute,
) datasourceschema.ListNestedAttribute {
	return datasourceschema.ListNestedAttribute{
		Computed: true, MarkdownDescription: description,
		NestedObject: datasourceschema.NestedAttributeObject{Attributes: attributes},
	}
}

func dataSourceSchema() datasourceschema.Schema {
	attributes := map[string]datasourceschema.Attribute{}
	for name, description := range stringDescriptions {
		attributes[name] = computedString(description)
	}
	for name, description := range numberDescriptions {
		attributes[name] = computedNumber(description)
	}
	maps.Copy(attributes, map[string]datasourceschema.Attribute{
		"build_id": datasourceschema.StringAttribute{
			Required: true, MarkdownDescription: buildIDDescription, Validators: objectid.Validators(),
		},
		"log_limit": datasourceschema.Int64Attribute{
			Optional: true, Validators: []validator.Int64{int64validator.Between(1, maxLog)},
			MarkdownDescription: fmt.Sprintf("Number of bytes to read from the end of the log. Must be between 1 and "+
				"%d (1 MiB). Required to read the log, which becomes part of the state and the plan.", maxLog),
		},
		"log": computedString("End of the log. Null unless `log_limit` is set."),
		"log_cut": datasourceschema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the log is longer than `log`. Null unless `log_limit` is set.",
		},
		"job_id":                computedString(jobIDDescription),
		"job_name":              computedString("Name of the build job."),
		"enterprise_project_id": computedString("ID of the enterprise project of the build job."),
		"repo_type":             computedString("Type of the repository."),
		"commit_time":           computedString("Time of the commit, in RFC 3339 format."),
		"commit_comment":        computedString("Message of the commit."),
		"language":              computedString("Programming language, such as `java`."),
		"trigger":               computedString("What started the build: `user`, `auto` or `system`."),
		"creator":               computedString("Name of the user who started the build."),
		"phases": computedList("Phases of the build, in their order.", map[string]datasourceschema.Attribute{
			"id": computedString("ID of the phase."),
			"name": computedString("Name of the phase. One of `Init`, `Download`, `PreProcess`, `Build`, " +
				"`Artifact`, `PostProcess`."),
			"state": computedString("State of the phase, with the same values as the state of the build."),
		}),
		"checks": checksAttribute(),
	})
	return datasourceschema.Schema{
		MarkdownDescription: "Retrieves information about a build, its phases, its code checks and the end of its " +
			"log.\n\n" + nullNote,
		Attributes: attributes,
	}
}

func checksAttribute() datasourceschema.MapNestedAttribute {
	return datasourceschema.MapNestedAttribute{
		Computed: true,
		MarkdownDescription: "Map of code checks by name, such as `checkstyle`, `findbugs` and `pmd`. Empty if the " +
			"build has none: ServiceStage checks Maven projects only.",
		NestedObject: datasourceschema.NestedAttributeObject{Attributes: map[string]datasourceschema.Attribute{
			"info": computedString("Information about the check, as JSON."),
			"counts": computedList("Results of the check.", map[string]datasourceschema.Attribute{
				"kind":        computedString("Group of the count, such as `static`."),
				"build_id":    computedString("ID of the build that was checked."),
				"build_order": computedNumber("Number of that build within its build job."),
				"total_count": computedNumber("Number of findings."),
			}),
		}},
	}
}

func listSchema() datasourceschema.Schema {
	return datasourceschema.Schema{
		MarkdownDescription: "Retrieves the builds of a build job, newest first.",
		Attributes: map[string]datasourceschema.Attribute{
			"job_id": datasourceschema.StringAttribute{
				Required: true, MarkdownDescription: jobIDDescription, Validators: objectid.Validators(),
			},
			"job_name":   computedString("Name of the build job."),
			"total":      computedNumber("Number of builds of the build job."),
			"finished":   computedNumber("Number of finished builds."),
			"successful": computedNumber("Number of successful builds."),
			"builds": computedList(
				"Builds, newest first. A warning is shown if ServiceStage returns fewer than `total`.",
				map[string]datasourceschema.Attribute{
					"build_id": computedString(buildIDDescription),
					"state":    computedString(stringDescriptions["state"]),
					"duration": computedNumber(numberDescriptions["duration"]),
				}),
		},
	}
}
