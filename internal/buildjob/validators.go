// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// description is embedded by validators and plan modifiers.
type description string

// Description returns the rule.
func (d description) Description(context.Context) string { return string(d) }

// MarkdownDescription returns the rule.
func (d description) MarkdownDescription(context.Context) string { return string(d) }

// newValueRule checks a value that differs from the one in state. ServiceStage contains values that break the rules,
// and they must stay manageable. A validator does not know the state.
type newValueRule struct {
	description
	// check returns summary and detail of the error; two empty strings if the value is valid.
	check func(value string) (summary, detail string)
}

// PlanModifyString reports an invalid new value. It changes nothing.
func (r newValueRule) PlanModifyString(
	_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse,
) {
	if req.PlanValue.IsUnknown() || req.PlanValue.IsNull() || req.PlanValue.Equal(req.StateValue) {
		return
	}
	if summary, detail := r.check(req.PlanValue.ValueString()); summary != "" {
		resp.Diagnostics.AddAttributeError(req.Path, summary, detail)
	}
}

const jobNameText = "have 2 to 64 letters (A-Z, a-z), digits, hyphens and underscores, start with a letter, and end " +
	"with a letter or digit"

// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html.
var jobName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,62}[A-Za-z0-9]$`)

// jobNameRule is the API's rule. The console allows more.
func jobNameRule() planmodifier.String {
	return newValueRule{"A new name must " + jobNameText + ".", func(name string) (string, string) {
		if jobName.MatchString(name) {
			return "", ""
		}
		return "Invalid job name", fmt.Sprintf("job_name must %s. Got: %q.", jobNameText, name)
	}}
}

// repositoryURLRule rejects what is no URL, and the placeholder of a secret: it stands for the secret that
// ServiceStage has only while the state has the same URL. The messages do not repeat the URL.
func repositoryURLRule() planmodifier.String {
	return newValueRule{"A new URL is complete and has no secret.", func(url string) (string, string) {
		if _, has := withoutSecret(url); has {
			return secretSummary, redactedDetail
		}
		if problem := urlProblem(url); problem != "" {
			return "Invalid repository URL", "The URL of the repository " + problem +
				".\n\nWrite it as https://host/path, or as user@host:path for SSH."
		}
		return "", ""
	}}
}

// branchRule rejects names that Git never allows.
func branchRule() planmodifier.String {
	return newValueRule{"A new branch has a name that Git allows.", func(branch string) (string, string) {
		if at := neverInBranch.FindStringIndex(branch); at != nil {
			return "Invalid branch",
				fmt.Sprintf("Git allows no branch of this name because of %q. Got: %q.", branch[at[0]:at[1]], branch)
		}
		return "", ""
	}}
}

// neverInBranch matches what Git never allows in a branch's name.
//
// Source: https://git-scm.com/docs/git-check-ref-format.
var neverInBranch = regexp.MustCompile(
	`[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|(?:^|/)\.|\.lock(?:/|$)|\.$|^$`)

// sameButForCase keeps the spelling in state if the configured one differs only in case.
type sameButForCase struct{ description }

// PlanModifyString plans the spelling in state.
func (sameButForCase) PlanModifyString(
	_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse,
) {
	if req.PlanValue.IsUnknown() || req.PlanValue.IsNull() || req.StateValue.IsNull() {
		return
	}
	if strings.EqualFold(req.PlanValue.ValueString(), req.StateValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

// requiredBlock requires a block.
type requiredBlock struct{ description }

// ValidateObject rejects null.
func (requiredBlock) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() {
		resp.Diagnostics.AddAttributeError(req.Path, "Missing block",
			fmt.Sprintf("Add an `%s` block; it may be empty.", req.Path))
	}
}

// allArguments requires every argument of a block that is configured. The diagnostic has the path of the missing
// argument, so that Terraform shows the line of the block instead of that of the resource.
type allArguments struct{ description }

// ValidateObject reports each missing argument.
func (allArguments) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	attributes := req.ConfigValue.Attributes() // None if the block is absent or unknown.
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if attributes[name].IsNull() {
			resp.Diagnostics.AddAttributeError(req.Path.AtName(name), "Missing argument",
				fmt.Sprintf("The %s block requires the argument %q.", req.Path, name))
		}
	}
}

const (
	secretSummary = "Secret in repository URL"
	secretDetail  = "The URL of a repository must not contain a password, an access token or another secret: " +
		"state and plan files store it in clear text.\n\n" +
		"Write the URL as https://host/path, and give ServiceStage access to the repository with a repository " +
		"authorization."
	// redactedDetail is for URLs that may have been generated from a redacted one.
	redactedDetail = secretDetail + "\n\nIf the URL contains " + placeholder + ", it comes from generated " +
		"configuration or state, where it replaces a secret of ServiceStage. Such a URL is accepted only while it " +
		"equals the one in state."
	userNameSummary = "User name in repository URL"
	userNameDetail  = "State and plan files store the user name of the URL in clear text.\n\n" +
		"If it is an access token, remove it, and give ServiceStage access to the repository with a repository " +
		"authorization."
)

// noSecret rejects URLs with a secret, and warns of a user name that may be one. It accepts the placeholder, which
// generated configuration repeats from the state. The messages do not repeat the URL.
type noSecret struct{ description }

// ValidateString rejects a URL with a secret.
func (noSecret) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	address := req.ConfigValue.ValueString()
	switch clean, has := withoutSecret(address); {
	case has && clean != address:
		resp.Diagnostics.AddAttributeError(req.Path, secretSummary, secretDetail)
	case hasUserName(address):
		resp.Diagnostics.AddAttributeWarning(req.Path, userNameSummary, userNameDetail)
	}
}
