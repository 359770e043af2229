// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// kind is the type of a setting; the zero value is a string.
type kind int

const (
	secret kind = iota + 1
	flag
	number
	urls        // A map; its keys are settings too.
	key         // A key of such a map.
	environment // Not in the provider block.
)

// setting is an argument of the provider block.
type setting struct {
	// name is the path of the argument, such as assume_role.agency_name.
	name string
	kind kind
	// variables are the environment variables of the setting; the first that is set counts. The names that begin with OS_ are those that
	// the provider huaweicloud/huaweicloud reads.
	variables   []string
	description string
	// minimum and maximum bound a number; a maximum of 0 means none.
	minimum, maximum int64
	// deferrable is true if the client does not need the setting while Terraform plans.
	deferrable bool
}

const (
	byName = "Lifetime of the temporary access keys in seconds: with `domain_id` from 900 to 43200, and at most 3600 if the caller's access key is temporary, else from 900 to 86400. Defaults to `3600`."
	byID   = "Lifetime of the temporary access keys in seconds, from 900 to 3600. Defaults to `3600`."
)

// settings are all settings.
var settings = []setting{
	{name: "region", variables: []string{"HW_REGION_NAME", "OS_REGION_NAME"}, description: "Region, such as `cn-north-4`. Required, unless `endpoints` names the service. Default: that of the profile. It is part of the identity of a resource."},
	{name: "access_key", kind: secret, variables: []string{"HW_ACCESS_KEY", "OS_ACCESS_KEY"}, description: "Access key (AK). Requires `secret_key`."},
	{name: "secret_key", kind: secret, variables: []string{"HW_SECRET_KEY", "OS_SECRET_KEY"}, description: "Secret key (SK) of the access key. Requires `access_key`."},
	{name: "security_token", kind: secret, variables: []string{"HW_SECURITY_TOKEN"}, description: "Security token that goes with a temporary access key. Requires `access_key` and `secret_key`."},
	{name: "token", kind: secret, variables: []string{"HW_AUTH_TOKEN", "OS_AUTH_TOKEN"}, description: "Project-scoped IAM token, which expires after 24 hours. If `project_id` or `project_name` is set, it is exchanged for a token of that project."},
	{name: "user_name", variables: []string{"HW_USER_NAME", "OS_USERNAME"}, description: "Name of the IAM user who logs in with `password`. Requires `domain_name` or `domain_id`."},
	{name: "user_id", variables: []string{"HW_USER_ID", "OS_USER_ID"}, description: "ID of the IAM user who logs in with `password`, instead of `user_name`."},
	{name: "password", kind: secret, variables: []string{"HW_USER_PASSWORD", "OS_PASSWORD"}, description: "Password of the IAM user."},
	{name: "domain_id", variables: []string{"HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID"}, description: "ID of the account that the IAM user or the access key belongs to."},
	{name: "domain_name", variables: []string{"HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"}, description: "Name of the account that the IAM user belongs to."},
	{name: "project_id", variables: []string{"HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID"}, description: "ID of the project. Default: the one that `project_name` is looked up to, else that of the profile or of the login, else the one that the name of the region is looked up to, by a request to IAM before the first request to the service."},
	{name: "project_name", variables: []string{"HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME"}, description: "Name of the project, which is used where no `project_id` is set. Default: the project of the profile, else the one named as the region."},
	{name: "enterprise_project_id", deferrable: true, variables: []string{"HW_ENTERPRISE_PROJECT_ID"}, description: "ID of the enterprise project for resources that name none."},
	{name: "agency_name", variables: []string{"OS_AGENCY_NAME"}, description: "Name of the agency whose token is used. Requires `agency_domain_name`. Conflicts with `assume_role`, which gets temporary access keys instead."},
	{name: "agency_domain_name", variables: []string{"OS_AGENCY_DOMAIN_NAME"}, description: "Name of the account that the agency `agency_name` belongs to."},
	{name: "delegated_project", variables: []string{"OS_DELEGATED_PROJECT"}, description: "Name of the project of the agency `agency_name`. Default: the one named as the region."},
	{name: "auth_url", variables: []string{"HW_AUTH_URL", "OS_AUTH_URL"}, description: "URL of identity and access management (IAM), with or without `/v3`. Default: `https://iam.{region}.{cloud}`. If the key `iam` of `endpoints` is set too, this URL is for tokens and projects, and the other for the keys of agencies. `http://` requires `insecure`."},
	{name: "cloud", variables: []string{"HW_CLOUD"}, description: "Domain name behind those of the services. Default: `myhuaweicloud.com`, or `myhuaweicloud.eu` in regions that begin with `eu-west-1`."},
	{name: "endpoints", kind: urls, description: "URLs that replace the usual endpoints. Keys: %s. `https://` may be left out. `servicestagev2` means the same as `servicestage`. Keys of other services are ignored with a warning. `http://` is accepted for loopback hosts only, unless `insecure` is true."},
	{name: "endpoints.servicestage", kind: key, variables: []string{"HW_SERVICESTAGE_ENDPOINT"}, description: "the service"},
	{name: "endpoints.iam", kind: key, variables: []string{"HW_IAM_ENDPOINT"}, description: "identity and access management"},
	{name: "endpoints.sts", kind: key, variables: []string{"HW_STS_ENDPOINT"}, description: "security token service"},
	{name: "insecure", kind: flag, variables: []string{"HW_INSECURE", "OS_INSECURE"}, description: "Whether to accept any TLS certificate, and `http://` endpoints. Default: `false`."},
	{name: "cacert_file", variables: []string{"HW_CACERT_FILE", "OS_CACERT"}, description: "Certificates of authorities that are accepted besides those of the system: a path, or the certificates themselves in PEM."},
	{name: "max_retries", kind: number, deferrable: true, variables: []string{"HW_MAX_RETRIES"}, description: "How many times a request is sent again after a failure that may pass. Default: `5`."},
	{name: "shared_config_file", variables: []string{"HW_SHARED_CONFIG_FILE"}, description: "Configuration file of KooCLI, with secrets that are not encrypted. Default: `~/.hcloud/config.json`, where `profile` is set, or where there are no other credentials."},
	{name: "profile", variables: []string{"HW_PROFILE"}, description: "Profile of that file, whose credentials (modes `AKSK`, `token`, `SSO` and `ecsAgency`), region, project and agency are taken where they are not set otherwise. Default: the file's current one."},
	{name: "assume_role.agency_name", variables: []string{"HW_ASSUME_ROLE_AGENCY_NAME"}, description: "Name of the agency. Required in the block."},
	{name: "assume_role.domain_name", variables: []string{"HW_ASSUME_ROLE_DOMAIN_NAME"}, description: "Name of the account that the agency belongs to. This or `domain_id` is required in the block."},
	{name: "assume_role.domain_id", variables: []string{"HW_ASSUME_ROLE_DOMAIN_ID"}, description: "ID of the account that the agency belongs to. It beats `domain_name`."},
	{name: "assume_role.duration", kind: number, maximum: 86400, variables: []string{"HW_ASSUME_ROLE_DURATION"}, description: byName},
	{name: "assume_role_with_oidc.agency_name", variables: []string{"HW_ASSUME_ROLE_AGENCY_NAME"}, description: "Name of the agency. Required in the block."},
	{name: "assume_role_with_oidc.domain_id", variables: []string{"HW_ASSUME_ROLE_DOMAIN_ID"}, description: "ID of the account that the agency belongs to. Required in the block."},
	{name: "assume_role_with_oidc.idp_id", variables: []string{"HW_ASSUME_ROLE_IDP_ID"}, description: "ID of the identity provider in IAM. Required in the block."},
	{name: "assume_role_with_oidc.id_token", kind: secret, variables: []string{"HW_ASSUME_ROLE_ID_TOKEN"}, description: "ID token. This or `id_token_file` is required in the block."},
	{name: "assume_role_with_oidc.id_token_file", variables: []string{"HW_ASSUME_ROLE_ID_TOKEN_FILE"}, description: "File with the ID token. It is read anew for each login."},
	{name: "assume_role_with_oidc.duration", kind: number, maximum: 86400, variables: []string{"HW_ASSUME_ROLE_DURATION"}, description: byID},
	{name: "HW_METADATA_DISABLED", kind: environment, variables: []string{"HW_METADATA_DISABLED"}},
	{name: "HW_METADATA_ENDPOINT", kind: environment, variables: []string{"HW_METADATA_ENDPOINT"}},
}

// declared returns the setting of this name.
func declared(name string) setting {
	return settings[slices.IndexFunc(settings, func(s setting) bool { return s.name == name })]
}

// attributes returns the schema of the provider block, or of a block within it.
func attributes(block string) map[string]schema.Attribute {
	result := map[string]schema.Attribute{}
	for _, s := range settings {
		parent, name, nested := strings.Cut(s.name, ".")
		if !nested {
			parent, name = "", s.name
		}
		if parent == block && s.kind != key && s.kind != environment {
			result[name] = s.attribute()
		}
	}
	return result
}

func (s setting) attribute() schema.Attribute {
	description := s.description
	if s.variables != nil {
		description += " " + variableList("Environment variable", s.variables) + "."
	}
	switch s.kind {
	case flag:
		return schema.BoolAttribute{Optional: true, MarkdownDescription: description}
	case number:
		bounds := validator.Int64(int64validator.AtLeast(s.minimum))
		if s.maximum > 0 {
			bounds = int64validator.Between(s.minimum, s.maximum)
		}
		return schema.Int64Attribute{Optional: true, MarkdownDescription: description, Validators: []validator.Int64{bounds}}
	case urls:
		var descriptions []string
		for _, child := range settings {
			if name, ok := strings.CutPrefix(child.name, s.name+"."); ok {
				descriptions = append(descriptions, fmt.Sprintf("`%s` (%s; %s)", name, child.description, variableList("environment variable", child.variables)))
			}
		}
		return schema.MapAttribute{
			Optional: true, ElementType: types.StringType, MarkdownDescription: fmt.Sprintf(s.description, strings.Join(descriptions, ", ")),
		}
	default:
		return schema.StringAttribute{Optional: true, Sensitive: s.kind == secret, MarkdownDescription: description}
	}
}

func variableList(label string, variables []string) string {
	if len(variables) > 1 {
		label += "s"
	}
	return label + ": `" + strings.Join(variables, "`, `") + "`"
}

// configuration is a provider block with the environment, and what was found wrong with them.
type configuration struct {
	// values are the known values of the block by the names of the settings. A block or map itself has the value "".
	values map[string]string
	// unknown names what has an unknown value.
	unknown []string
	getenv  func(name string) string
	diags   diag.Diagnostics
}

func newConfiguration(block types.Object) *configuration {
	c := &configuration{values: map[string]string{}, getenv: os.Getenv}
	c.add("", block)
	slices.Sort(c.unknown)
	return c
}

// add adds a value with all that is in it.
func (c *configuration) add(name string, value attr.Value) {
	if value.IsUnknown() {
		c.unknown = append(c.unknown, name)
		return
	}
	if value.IsNull() {
		return
	}
	var children map[string]attr.Value
	switch value := value.(type) {
	case types.String:
		c.values[name] = value.ValueString()
		return
	case types.List:
		for i, element := range value.Elements() {
			c.add(name+index(i), element)
		}
		return
	case types.Object:
		children = value.Attributes()
	case types.Map:
		children = value.Elements()
	default:
		c.values[name] = value.String()
		return
	}
	c.values[name] = ""
	for child, value := range children {
		c.add(strings.TrimPrefix(name+"."+child, "."), value)
	}
}

// has reports whether the block contains a known value of this name.
func (c *configuration) has(name string) bool {
	_, ok := c.values[name]
	return ok
}

// needed names the unknown settings without which there is no client.
func (c *configuration) needed() []string {
	return slices.DeleteFunc(slices.Clone(c.unknown), func(name string) bool {
		return slices.ContainsFunc(settings, func(s setting) bool { return s.name == name && s.deferrable })
	})
}

// value is a setting with its value, "" if it is not set, and where that comes from.
type value struct {
	setting

	text string
	// block is the number of the block, if the argument is in a list of blocks.
	block int
	// variable is the environment variable that the value comes from; "" means the provider block.
	variable string
}

// lookup returns the configured value of a setting, else that of the first of its environment variables that is set. White space around
// it is removed.
func (c *configuration) lookup(name string) value {
	v := value{setting: declared(name)}
	if v.text = strings.TrimSpace(c.values[name]); v.text != "" {
		return v
	}
	for _, variable := range v.variables {
		if v.text = strings.TrimSpace(c.getenv(variable)); v.text != "" {
			v.variable = variable
			return v
		}
	}
	return v
}

// index is the end of the name of an element of a list of blocks; that of the first is empty.
func index(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("[%d]", i)
}

// blockName is the name of an assume_role block.
func blockName(i int) string { return roleName + index(i) }

// lookupIn looks up a setting of an assume_role block. Environment variables set the first one only.
func (c *configuration) lookupIn(block int, child string) value {
	if block == 0 {
		return c.lookup(roleName + "." + child)
	}
	v := value{setting: declared(roleName + "." + child), text: strings.TrimSpace(c.values[blockName(block)+"."+child])}
	v.name, v.block = blockName(block)+"."+child, block
	return v
}

// unlessNamed returns an ID, or an empty one if it comes from the environment although the provider block sets the name instead.
func (v value) unlessNamed(name value) value {
	if name.configured() && !v.configured() {
		v.text = ""
	}
	return v
}

// configured reports whether the value is set in the provider block.
func (v value) configured() bool { return v.text != "" && v.variable == "" }

// stringValue is the value for Terraform; null if it is not set.
func (c *configuration) stringValue(name string) types.String {
	if slices.Contains(c.unknown, name) {
		return types.StringUnknown()
	}
	return stringOrNull(c.lookup(name).text)
}

func stringOrNull(text string) types.String {
	if text == "" {
		return types.StringNull()
	}
	return types.StringValue(text)
}

// headerValue looks up a setting whose value is sent in a header. The error does not contain the value.
func (c *configuration) headerValue(name string) value {
	v := c.lookup(name)
	if strings.ContainsFunc(v.text, func(r rune) bool { return r < ' ' || r > '~' }) {
		c.errorf(v, "Malformed "+name, "%s (%s) holds characters that cannot be part of it, such as a line break. Was it copied or read from a file whole?",
			name, v.orVariables())
	}
	return v
}

// flag looks up a setting that is true or false; false if it is not set.
func (c *configuration) flag(name string) bool {
	v := c.lookup(name)
	parsed, err := strconv.ParseBool(v.text)
	if err != nil && v.text != "" {
		c.errorf(v, "Invalid "+v.variable, "The environment variable %s must be true or false. Got: %q.", v.variable, v.text)
	}
	return parsed
}

// number looks up a setting that is a number; fallback if it is not set.
func (c *configuration) number(name string, fallback int64) int64 {
	return c.numberOf(c.lookup(name), fallback)
}

func (c *configuration) numberOf(v value, fallback int64) int64 {
	if v.text == "" {
		return fallback
	}
	parsed, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || parsed < v.minimum || v.maximum > 0 && parsed > v.maximum {
		bounds := fmt.Sprintf("of at least %d", v.minimum)
		if v.maximum > 0 {
			bounds = fmt.Sprintf("from %d to %d", v.minimum, v.maximum)
		}
		c.errorf(v, "Invalid "+v.variable, "The environment variable %s must be a whole number %s. Got: %q.", v.variable, bounds, v.text)
	}
	return parsed
}

// path is the path of the setting in the provider block; empty if it is not part of it.
func (v value) path() path.Path {
	parent, child, nested := strings.Cut(v.name, ".")
	switch {
	case v.kind == environment:
		return path.Empty()
	case !nested:
		return path.Root(v.name)
	case v.kind == key:
		return path.Root(parent).AtMapKey(child)
	default:
		return path.Root(strings.TrimSuffix(parent, index(v.block))).AtListIndex(v.block).AtName(child)
	}
}

// orVariables names what can be set instead.
func (s setting) orVariables() string {
	if len(s.variables) == 1 {
		return "environment variable " + s.variables[0]
	}
	return "environment variables " + strings.Join(s.variables, ", ")
}

// origin names the setting and where its value comes from.
func (v value) origin() string {
	if v.variable != "" {
		return v.name + " from " + v.variable
	}
	return v.name + " in the provider block"
}

// errorf adds an error with the path of the setting.
func (c *configuration) errorf(v value, summary, format string, arguments ...any) {
	c.diags.AddAttributeError(v.path(), summary, fmt.Sprintf(format, arguments...))
}
