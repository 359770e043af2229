// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	actionschema "github.com/hashicorp/terraform-plugin-framework/action/schema"
	datasourceschema "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/duration"
	"github.com/servicestage/terraform-provider-servicestage/internal/objectid"
)

// Descriptions that resource, data sources and actions share.
const (
	buildIDDescription = "ID of the build."
	indexDescription   = "Number of the build within its job: 1 for the first. Null where the service does not say."
	stateDescription   = "State in the service's own word. A build goes on in `NotStarted`, `Queuing`, `Building` and `Pushing`, and has ended in " +
		"`Successful`, `Failed`, `Timeout`, `Cancel` and `Deleted`."
	startedAtDescription = "Time of the start in RFC 3339, or as the service wrote it where that could not be understood."
	endedAtDescription   = "Time of the end, likewise. Null as long as the build has not ended."
	durationDescription  = "How long the build took, in seconds: what the service says, else the time from the start to the end. " +
		"Null as long as the build has not ended."
	commitIDDescription  = "ID of the commit that is built. Null as long as the service does not say."
	committerDescription = "Who made that commit. Null as long as the service does not say."
	branchDescription    = "Branch that is built. Null where the service does not say."
	repoDescription      = "Repository that is built, without a password if its address holds one. Null where the service does not say."
)

// startIsSilent is for whatever starts a build.
const startIsSilent = "Whether a start takes a branch or a commit is not documented, nor what it answers when it is sent twice: the build takes what the " +
	"job says, and a start is never sent again. The guide [Run builds from Terraform](../guides/run-builds-from-terraform.md) says what the provider decides."

func startSchema() actionschema.Schema {
	return actionschema.Schema{
		MarkdownDescription: "Starts a build of a build job and follows it to its end, phase by phase. A build that does not end well is an error, which shows " +
			"the phase, the last 40 lines of the log, the build's ID, and how to read the rest.\n\n" +
			"Needs Terraform 1.14 or newer. For older ones and for OpenTofu there is the resource `servicestage_build`.\n\n" +
			startIsSilent,
		Attributes: map[string]actionschema.Attribute{
			"job_id": actionschema.StringAttribute{
				Required: true, MarkdownDescription: "ID of the build job.", Validators: objectid.Validators(),
			},
			"wait": actionschema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to wait until the build has ended. Default: `true`. If it is false, the action succeeds as soon as the build is started, " +
					"whatever becomes of it.",
			},
			"timeout": actionschema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Maximum time for the start and the wait together, such as `90s` or `1h`. Defaults to `30m`. A slower build is an error and " +
					"keeps running in ServiceStage.",
				Validators: []validator.String{duration.Positive()},
			},
			"cancel_on_interrupt": actionschema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Whether to cancel the build if the wait is interrupted, as by Ctrl-C. Defaults to `true`. The last progress message tells what " +
					"became of the build; Terraform 1.15 to 1.17 do not show the error. Has no effect if `wait` is false.",
			},
		},
	}
}

func cancelSchema() actionschema.Schema {
	return actionschema.Schema{
		MarkdownDescription: "Cancels a build and waits up to a minute for it to end. Canceling a build that has finished does nothing.\n\n" +
			"Needs Terraform 1.14 or newer.",
		Attributes: map[string]actionschema.Attribute{
			"build_id": actionschema.StringAttribute{
				Required: true, MarkdownDescription: "ID of the build.", Validators: objectid.Validators(),
			},
		},
	}
}

func resourceSchema() schema.Schema {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{
			Computed: true, MarkdownDescription: description, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		}
	}
	number := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{
			Computed: true, MarkdownDescription: description, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()},
		}
	}
	return schema.Schema{
		MarkdownDescription: "One build of a build job: created is started. Another build is started when `job_id` or `triggers` change. Destroying it cancels the build " +
			"if that is still running, and otherwise only forgets it: what it made stays.\n\n" +
			"It is for Terraform before 1.14 and for OpenTofu, and for configuration that needs what a build says of itself, such as its commit. " +
			"Otherwise the action `servicestage_start_build` starts builds without keeping them in the state.\n\n" +
			startIsSilent,
		Attributes: map[string]schema.Attribute{
			"job_id": schema.StringAttribute{
				Required: true, Validators: objectid.Validators(),
				MarkdownDescription: "ID of the build job. Another one starts another build.",
				PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			},
			"triggers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType,
				MarkdownDescription: "Arbitrary map of values. Changing a value starts a new build. Adding the map after an import does not. An empty map is the same as none.",
				PlanModifiers:       []planmodifier.Map{replaceForTriggers()},
			},
			"wait": schema.BoolAttribute{
				Optional: true, Computed: true, Default: booldefault.StaticBool(true),
				MarkdownDescription: "Whether to wait until the build has ended. Default: `true`, and a build that does not end well is an error. If it is false, the resource " +
					"is there as soon as the build is started, and `state` shows how far the build was when it was read last. A change of it counts for the next build.",
			},
			"build_id":   text(buildIDDescription),
			"index":      number(indexDescription),
			"state":      text(stateDescription),
			"started_at": text(startedAtDescription),
			"ended_at":   text(endedAtDescription),
			"duration":   number(durationDescription),
			"commit_id":  text(commitIDDescription),
			"committer":  text(committerDescription),
			"branch":     text(branchDescription),
			"repo":       text(repoDescription),
		},
		Blocks: map[string]schema.Block{"timeouts": timeoutsBlock()},
	}
}

func timeoutsBlock() schema.Block {
	return duration.TimeoutsBlock(
		duration.Operation{
			Name: "create", Default: "30m",
			Description: "Maximum time to start the build and wait for it to finish. A slower build keeps running in ServiceStage",
		},
		duration.Operation{Name: "read", Default: "5m", Description: "Maximum time to read the build"},
		duration.Operation{Name: "delete", Default: "5m", Description: "Maximum time to cancel a build that is still running"},
	)
}

func dataSourceSchema() datasourceschema.Schema {
	text := func(description string) datasourceschema.StringAttribute {
		return datasourceschema.StringAttribute{Computed: true, MarkdownDescription: description}
	}
	number := func(description string) datasourceschema.Int64Attribute {
		return datasourceschema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	return datasourceschema.Schema{
		MarkdownDescription: "One build of a build job, with its phases, its code checks and, if asked for, its log.\n\n" +
			"Several fields of a build are documented with different types on different pages: numbers and strings are both read, and what the service leaves out is null.",
		Attributes: map[string]datasourceschema.Attribute{
			"build_id": datasourceschema.StringAttribute{Required: true, MarkdownDescription: buildIDDescription, Validators: objectid.Validators()},
			"log_limit": datasourceschema.Int64Attribute{
				Optional: true,
				MarkdownDescription: fmt.Sprintf("How many bytes of the end of the log to read, at most %d (1 MiB). Without it, no log is read. "+
					"A log gets into the state and the plan file: mind what your builds print.", maxLog),
				Validators: []validator.Int64{int64validator.Between(1, maxLog)},
			},
			"log":                   text("The end of the log, at most `log_limit` bytes. Null without `log_limit`."),
			"log_cut":               datasourceschema.BoolAttribute{Computed: true, MarkdownDescription: "Whether the log has more before what `log` holds. Null without `log_limit`."},
			"job_id":                text("ID of the build job."),
			"job_name":              text("Name of the build job."),
			"enterprise_project_id": text("ID of the enterprise project of the job. Null where the service does not say."),
			"index":                 number(indexDescription),
			"state":                 text(stateDescription),
			"started_at":            text(startedAtDescription),
			"ended_at":              text(endedAtDescription),
			"duration":              number(durationDescription),
			"repo_type":             text("Kind of the repository. Null where the service does not say."),
			"repo":                  text(repoDescription),
			"branch":                text(branchDescription),
			"commit_id":             text(commitIDDescription),
			"committer":             text(committerDescription),
			"commit_time":           text("Time of that commit in RFC 3339, or as the service wrote it. Null as long as the service does not say."),
			"commit_comment":        text("Message of that commit. Null as long as the service does not say."),
			"language":              text("What is built, such as `java`. Null where the service does not say."),
			"trigger":               text("What started the build, in the service's word: `user`, `auto` or `system`. Null where the service does not say."),
			"creator":               text("Name of the user who started the build. Null where the service does not say."),
			"phases": datasourceschema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "Phases of the build, in their order.",
				NestedObject: datasourceschema.NestedAttributeObject{Attributes: map[string]datasourceschema.Attribute{
					"id":    text("ID of the phase. Null where the service does not say."),
					"name":  text("Name: `Init`, `Download`, `PreProcess`, `Build`, `Artifact` or `PostProcess`."),
					"state": text("State of the phase, in the words of `state` above."),
				}},
			},
			"checks": checksAttribute(text, number),
		},
	}
}

func checksAttribute(
	text func(string) datasourceschema.StringAttribute, number func(string) datasourceschema.Int64Attribute,
) datasourceschema.MapNestedAttribute {
	return datasourceschema.MapNestedAttribute{
		Computed: true,
		MarkdownDescription: "Code checks of the build by name, such as `checkstyle`, `findbugs` and `pmd`. Empty where the build has none: " +
			"the service makes them for Maven projects only. Empty, too, where the service does not have the calls.",
		NestedObject: datasourceschema.NestedAttributeObject{Attributes: map[string]datasourceschema.Attribute{
			"info": text("What the service says of the check, as JSON. Its members are not documented. Null where it says nothing."),
			"counts": datasourceschema.ListNestedAttribute{
				Computed: true, MarkdownDescription: "What the check has counted.",
				NestedObject: datasourceschema.NestedAttributeObject{Attributes: map[string]datasourceschema.Attribute{
					"kind":        text("Group in which the service puts the count, such as `static`."),
					"build_id":    text("ID of the build that was checked."),
					"build_order": number("Number of that build within its job. Null where the service does not say."),
					"total_count": number("How many findings there are. Null where the service does not say."),
				}},
			},
		}},
	}
}

func listSchema() datasourceschema.Schema {
	number := func(description string) datasourceschema.Int64Attribute {
		return datasourceschema.Int64Attribute{Computed: true, MarkdownDescription: description}
	}
	return datasourceschema.Schema{
		MarkdownDescription: "The builds of a build job, the newest first.\n\n" +
			"The order of the service's list is not documented; the provider tells the newest by the job's `last_build_id`.",
		Attributes: map[string]datasourceschema.Attribute{
			"job_id":     datasourceschema.StringAttribute{Required: true, MarkdownDescription: "ID of the build job.", Validators: objectid.Validators()},
			"job_name":   datasourceschema.StringAttribute{Computed: true, MarkdownDescription: "Name of the build job."},
			"total":      number("How many builds the job has had, as the service counts them."),
			"finished":   number("How many of them have ended."),
			"successful": number("How many of them have ended well."),
			"builds": datasourceschema.ListNestedAttribute{
				Computed: true,
				MarkdownDescription: "The builds, the newest first. The API documents no way to ask for more than the first builds; the provider asks for further pages " +
					"as the list of jobs does, and warns where it got fewer than `total`.",
				NestedObject: datasourceschema.NestedAttributeObject{Attributes: map[string]datasourceschema.Attribute{
					"build_id": datasourceschema.StringAttribute{Computed: true, MarkdownDescription: buildIDDescription},
					"state":    datasourceschema.StringAttribute{Computed: true, MarkdownDescription: stateDescription},
					"duration": number("How long the build took, in seconds. Null as long as it has not ended."),
				}},
			},
		},
	}
}
