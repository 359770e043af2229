// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

var (
	_ planmodifier.String = jobNameRule{}
	_ planmodifier.String = sameButForCase{}
	_ planmodifier.String = sameRedactedURL{}
	_ validator.String    = noSecret{}
	_ validator.Object    = allChildren{}
)

// jobNameRule checks a name that is new. It is a plan modifier because only there the old name is known: the console has
// given names that the API refuses, and such a job has to plan without a word until it is renamed.
type jobNameRule struct{}

const jobNameText = "2 to 64 letters (A-Z, a-z), digits, hyphens and underscores, a letter first, a letter or a digit last"

// Description says the rule.
func (jobNameRule) Description(context.Context) string { return "A new name has " + jobNameText + "." }

// MarkdownDescription says the rule.
func (r jobNameRule) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

// PlanModifyString changes nothing, and refuses a new name that breaks the rule.
func (jobNameRule) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.PlanValue.IsUnknown() || req.PlanValue.IsNull() || req.PlanValue.Equal(req.StateValue) {
		return
	}
	if name := req.PlanValue.ValueString(); !followsJobNameRule(name) {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid job name", "The name of a build job has "+jobNameText+". Got: "+name+".")
	}
}

// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html.
func followsJobNameRule(name string) bool {
	return len(name) >= 2 && len(name) <= 64 && isLetter(name[0]) && isLetterOrDigit(name[len(name)-1]) && isWord(name)
}

// isWord is true of letters, digits, hyphens and underscores.
func isWord(text string) bool {
	for i := range len(text) {
		if c := text[i]; !isLetterOrDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isLetterOrDigit(c byte) bool { return isLetter(c) || '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }

// sameButForCase keeps the spelling in state where the configuration differs from it by case alone.
type sameButForCase struct{}

// Description says the rule.
func (sameButForCase) Description(context.Context) string {
	return "A change of case alone is no change."
}

// MarkdownDescription says the rule.
func (m sameButForCase) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifyString plans the spelling in state.
func (sameButForCase) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.PlanValue.IsUnknown() || req.PlanValue.IsNull() || req.StateValue.IsNull() {
		return
	}
	if strings.EqualFold(req.PlanValue.ValueString(), req.StateValue.ValueString()) {
		resp.PlanValue = req.StateValue
	}
}

// allChildren requires every argument of a block that is written. The diagnostic is on the argument that is missing, so that
// Terraform shows the line of the block and not that of the resource.
type allChildren struct{}

// Description says the rule.
func (allChildren) Description(context.Context) string {
	return "Every argument of the block is required."
}

// MarkdownDescription says the rule.
func (v allChildren) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateObject names each argument that is missing.
func (allChildren) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	attributes := req.ConfigValue.Attributes() // None for a block that is not written, or not known yet.
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if attributes[name].IsNull() {
			resp.Diagnostics.AddAttributeError(req.Path.AtName(name), "Missing argument",
				fmt.Sprintf("The argument %q is required in a block %s.", name, req.Path))
		}
	}
}

// noSecret rejects URLs with a secret, and warns of a user name that may be one. It accepts the placeholder, which generated
// configuration repeats from the state.
type noSecret struct{}

const (
	secretSummary = "Secret in repository URL"
	secretDetail  = "The URL of a repository must not contain a password, an access token or another secret: state and plan files store it in clear text.\n\n" +
		"Write the URL as https://host/path, and give ServiceStage access to the repository with a repository authorization.\n\n" +
		placeholder + " in a URL stands for a secret that ServiceStage stores. The provider accepts it only while the URL is the same as in state."
	userNameSummary = "User name in repository URL"
	userNameDetail  = "State and plan files store the user name of the URL in clear text.\n\n" +
		"If it is an access token, remove it, and give ServiceStage access to the repository with a repository authorization."
)

// Description returns the rule.
func (noSecret) Description(context.Context) string { return "The URL must not contain a secret." }

// MarkdownDescription returns the rule.
func (v noSecret) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString rejects a URL with a secret. The message does not repeat the URL.
func (noSecret) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	address := req.ConfigValue.ValueString()
	switch clean, has := withoutSecret(address); {
	case has && clean != address:
		resp.Diagnostics.AddAttributeError(req.Path, secretSummary, secretDetail)
	case hasUserName(address):
		resp.Diagnostics.AddAttributeWarning(req.Path, userNameSummary, userNameDetail)
	}
}

// sameRedactedURL accepts the placeholder of a secret only if the state has the same URL. There it stands for the secret that the
// service has; anywhere else it would be sent as it is.
type sameRedactedURL struct{}

// Description returns the rule.
func (sameRedactedURL) Description(context.Context) string {
	return "A URL with the placeholder of a secret must be the one in state."
}

// MarkdownDescription returns the rule.
func (m sameRedactedURL) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifyString rejects a new URL with a placeholder, and changes nothing.
func (sameRedactedURL) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.PlanValue.IsUnknown() || req.PlanValue.Equal(req.StateValue) {
		return
	}
	if _, has := withoutSecret(req.PlanValue.ValueString()); has {
		resp.Diagnostics.AddAttributeError(req.Path, secretSummary, secretDetail)
	}
}
