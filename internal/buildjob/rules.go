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
	letter := func(c byte) bool { return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' }
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	if len(name) < 2 || len(name) > 64 || !letter(name[0]) {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !letter(c) && !digit(c) && c != '-' && c != '_' {
			return false
		}
	}
	last := name[len(name)-1]
	return letter(last) || digit(last)
}

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

// noPassword refuses URLs with a password in them.
type noPassword struct{}

const passwordSummary = "Password in the repository's URL"

const passwordDetail = "The URL of a repository must not hold a password or an access token: state and plan files keep it in clear text. " +
	"Write it as https://host/path, and give ServiceStage access to the repository by an authorization there."

// Description says the rule.
func (noPassword) Description(context.Context) string { return "The URL must not hold a password." }

// MarkdownDescription says the rule.
func (v noPassword) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString refuses a URL with a password, and does not repeat it.
func (noPassword) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if _, has := withoutPassword(req.ConfigValue.ValueString()); has {
		resp.Diagnostics.AddAttributeError(req.Path, passwordSummary, passwordDetail)
	}
}

// credentials matches user and password before the host, also in what is no URL for the standard library, such as
// user:password@host:path.
var credentials = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://)?([^/?#@:]*):([^/?#]*)@`)

// withoutPassword returns the URL with its password replaced, and whether it held one.
func withoutPassword(address string) (string, bool) {
	if parsed, err := url.Parse(address); err == nil {
		if _, has := parsed.User.Password(); has {
			return parsed.Redacted(), true
		}
	}
	if credentials.MatchString(address) {
		return credentials.ReplaceAllString(address, "${1}${2}:xxxxx@"), true
	}
	return address, false
}
