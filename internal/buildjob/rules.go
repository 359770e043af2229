// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

var (
	_ planmodifier.String = jobNameRule{}
	_ planmodifier.String = sameButForCase{}
	_ planmodifier.String = sameRedactedURL{}
	_ validator.String    = noPassword{}
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

// isImportID is true of what may be a job_id: the service's samples are letters and digits, and no rule is published.
func isImportID(id string) bool { return id != "" && isWord(id) }

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

// noPassword refuses URLs with a password in them. The placeholder that state has in its place is none: generated configuration
// repeats it.
type noPassword struct{}

const passwordSummary = "Password in the repository's URL"

const passwordDetail = "The URL of a repository must not hold a password: state and plan files keep it in clear text. " +
	"Write it as https://host/path, and give ServiceStage access to the repository by an authorization there."

// Description says the rule.
func (noPassword) Description(context.Context) string { return "The URL must not hold a password." }

// MarkdownDescription says the rule.
func (v noPassword) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString refuses a URL with a password, and does not repeat it.
func (noPassword) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if clean, has := withoutPassword(req.ConfigValue.ValueString()); has && clean != req.ConfigValue.ValueString() {
		resp.Diagnostics.AddAttributeError(req.Path, passwordSummary, passwordDetail)
	}
}

// sameRedactedURL accepts the placeholder of a password only where the state has it: it stands for what the service holds, and
// nobody's password is the placeholder itself.
type sameRedactedURL struct{}

// Description says the rule.
func (sameRedactedURL) Description(context.Context) string {
	return "A URL with the placeholder of a password has to stay as it is."
}

// MarkdownDescription says the rule.
func (m sameRedactedURL) MarkdownDescription(ctx context.Context) string { return m.Description(ctx) }

// PlanModifyString changes nothing, and refuses a new URL with a placeholder.
func (sameRedactedURL) PlanModifyString(_ context.Context, req planmodifier.StringRequest, resp *planmodifier.StringResponse) {
	if req.PlanValue.IsUnknown() || req.PlanValue.Equal(req.StateValue) {
		return
	}
	if _, has := withoutPassword(req.PlanValue.ValueString()); has {
		resp.Diagnostics.AddAttributeError(req.Path, passwordSummary, passwordDetail)
	}
}

// What may hold a password although the standard library cannot parse it: a URL in which something else is wrong too, and the
// form user:password@host:path.
var (
	brokenURL = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://[^/@:]*):.*@`)
	shortForm = regexp.MustCompile(`^([^/?#@:]*):[^/?#]*@`)
)

// withoutPassword returns the URL with its password replaced, and whether it held one.
func withoutPassword(address string) (string, bool) {
	parsed, err := url.Parse(address)
	switch {
	case err == nil && parsed.Host != "":
		if _, has := parsed.User.Password(); has {
			return parsed.Redacted(), true
		}
	case brokenURL.MatchString(address):
		return brokenURL.ReplaceAllString(address, "${1}:xxxxx@"), true
	case shortForm.MatchString(address):
		return shortForm.ReplaceAllString(address, "${1}:xxxxx@"), true
	}
	return address, false
}
