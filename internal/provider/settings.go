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
	boolean
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
	agencyDescription   = "Name of the agency."
	durationDescription = "Lifetime of the temporary access keys in seconds. "
)

// settings are all arguments of the provider block and environment variables of the provider.
var settings = []setting{
	{
		name: "region", variables: []string{"HW_REGION_NAME", "OS_REGION_NAME"},
		description: "Region, such as `cn-north-4`. Required unless `endpoints` has the key `servicestage`. Defaults to the region of the profile.",
	},
	{name: "access_key", kind: secret, variables: []string{"HW_ACCESS_KEY", "OS_ACCESS_KEY"}, description: "Access key (AK). Required when `secret_key` is set."},
	{
		name: "secret_key", kind: secret, variables: []string{"HW_SECRET_KEY", "OS_SECRET_KEY"},
		description: "Secret key (SK) of the access key. Required when `access_key` is set.",
	},
	{
		name: "security_token", kind: secret, variables: []string{"HW_SECURITY_TOKEN"},
		description: "Security token of a temporary access key. Requires `access_key` and `secret_key`.",
	},
	{
		name: "token", kind: secret, variables: []string{"HW_AUTH_TOKEN", "OS_AUTH_TOKEN"},
		description: "IAM token, which expires after 24 hours. If `project_id` or `project_name` is set, the token is exchanged for one of that project.",
	},
	{
		name: "user_name", variables: []string{"HW_USER_NAME", "OS_USERNAME"},
		description: "Name of the IAM user that logs in with `password`. Requires `domain_name` or `domain_id`.",
	},
	{name: "user_id", variables: []string{"HW_USER_ID", "OS_USER_ID"}, description: "ID of the IAM user that logs in with `password`. Replaces `user_name`."},
	{
		name: "password", kind: secret, variables: []string{"HW_USER_PASSWORD", "OS_PASSWORD"},
		description: "Password of the IAM user. Required when `user_name` or `user_id` is set.",
	},
	{
		name: "domain_id", variables: []string{"HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID"},
		description: "ID of the account that the IAM user or the access key belongs to.",
	},
	{
		name: "domain_name", variables: []string{"HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"},
		description: "Name of the account that the IAM user belongs to.",
	},
	{
		name: "project_id", variables: []string{"HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID"},
		description: "ID of the project. Defaults to the ID of the project `project_name`. The provider requests it from IAM once, unless the profile or the login contains it.",
	},
	{
		name: "project_name", variables: []string{"HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME"},
		description: "Name of the project, if `project_id` is not set. Defaults to the project of the profile, or to the name of the region.",
	},
	{
		name: "enterprise_project_id", deferrable: true, variables: []string{"HW_ENTERPRISE_PROJECT_ID"},
		description: "ID of the enterprise project of resources that do not set `enterprise_project_id`.",
	},
	{
		name: "agency_name", variables: []string{"OS_AGENCY_NAME"},
		description: "Name of an agency whose token is used. Requires `agency_domain_name`. Conflicts with `assume_role`.",
	},
	{
		name: "agency_domain_name", variables: []string{"OS_AGENCY_DOMAIN_NAME"},
		description: "Name of the account that the agency `agency_name` belongs to. Required when `agency_name` is set.",
	},
	{
		name: "delegated_project", variables: []string{"OS_DELEGATED_PROJECT"},
		description: "Name of the project of the agency `agency_name`. Defaults to the name of the region.",
	},
	{
		name: "auth_url", variables: []string{"HW_AUTH_URL", "OS_AUTH_URL"},
		description: "URL of identity and access management (IAM), with or without `/v3`. Must start with `https://`, unless the host is a loopback host or `insecure` is `true`. " +
			"Defaults to the key `iam` of `endpoints`, or to `https://iam.{region}.{cloud}`. If both are set, the key `iam` is used for agencies only.",
	},
	{
		name: "cloud", variables: []string{"HW_CLOUD"},
		description: "Domain name of the services. Defaults to `myhuaweicloud.com`, or to `myhuaweicloud.eu` in regions that start with `eu-west-1`.",
	},
	{
		name: "endpoints", kind: urls,
		description: "Map of URLs that replace the default endpoints. The keys are `servicestage`, `iam` and `sts`. The key `servicestagev2` is " +
			"an alias of `servicestage`. Keys of other services are ignored with a warning. The URLs must start with `https://`, which can be omitted, unless the host " +
			"is a loopback host or `insecure` is `true`. Can also be set with the `HW_SERVICESTAGE_ENDPOINT`, `HW_IAM_ENDPOINT` and `HW_STS_ENDPOINT` " +
			"environment variables.",
	},
	{name: "endpoints.servicestage", kind: key, variables: []string{"HW_SERVICESTAGE_ENDPOINT"}},
	{name: "endpoints.iam", kind: key, variables: []string{"HW_IAM_ENDPOINT"}},
	{name: "endpoints.sts", kind: key, variables: []string{"HW_STS_ENDPOINT"}},
	{
		name: "insecure", kind: boolean, variables: []string{"HW_INSECURE", "OS_INSECURE"},
		description: "Whether to accept any TLS certificate and `http://` endpoints. Defaults to `false`.",
	},
	{
		name: "cacert_file", variables: []string{"HW_CACERT_FILE", "OS_CACERT"},
		description: "Path of a file with certificates of additional certificate authorities, or the certificates in PEM format.",
	},
	{
		name: "max_retries", kind: number, deferrable: true, variables: []string{"HW_MAX_RETRIES"},
		description: "Maximum number of retries for a failed request. Must be at least 0. Defaults to `5`.",
	},
	{
		name: "shared_config_file", variables: []string{"HW_SHARED_CONFIG_FILE"},
		description: "Path of a KooCLI configuration file without encryption. Defaults to `~/.hcloud/config.json`, which is read if `profile` is set or no other " +
			"credentials are configured.",
	},
	{
		name: "profile", variables: []string{"HW_PROFILE"},
		description: "Name of a KooCLI profile in `shared_config_file`. Its mode must be `AKSK`, `token`, `SSO` or `ecsAgency`. The provider uses its credentials, " +
			"region, project and agency unless they are set otherwise. Defaults to the current profile of the file.",
	},
	{name: "assume_role.agency_name", variables: []string{"HW_ASSUME_ROLE_AGENCY_NAME"}, description: "Required in the block. " + agencyDescription},
	{
		name: "assume_role.domain_name", variables: []string{"HW_ASSUME_ROLE_DOMAIN_NAME"},
		description: "Name of the account that the agency belongs to. Required unless `domain_id` is set.",
	},
	{
		name: "assume_role.domain_id", variables: []string{"HW_ASSUME_ROLE_DOMAIN_ID"},
		description: "ID of the account that the agency belongs to. Overrides `domain_name`.",
	},
	{
		name: "assume_role.duration", kind: number, maximum: 86400, variables: []string{"HW_ASSUME_ROLE_DURATION"},
		description: durationDescription + "Must be between 900 and 43200 with `domain_id`, at most 3600 with `domain_id` and a temporary access key, and " +
			"between 900 and 86400 otherwise. Defaults to `3600`.",
	},
	{name: "assume_role_with_oidc.agency_name", variables: []string{"HW_ASSUME_ROLE_AGENCY_NAME"}, description: "Required in the block. " + agencyDescription},
	{
		name: "assume_role_with_oidc.domain_id", variables: []string{"HW_ASSUME_ROLE_DOMAIN_ID"},
		description: "Required in the block. ID of the account that the agency belongs to.",
	},
	{
		name: "assume_role_with_oidc.idp_id", variables: []string{"HW_ASSUME_ROLE_IDP_ID"},
		description: "Required in the block. ID of the identity provider in IAM.",
	},
	{
		name: "assume_role_with_oidc.id_token", kind: secret, variables: []string{"HW_ASSUME_ROLE_ID_TOKEN"},
		description: "ID token. Required unless `id_token_file` is set. Conflicts with `id_token_file`.",
	},
	{
		name: "assume_role_with_oidc.id_token_file", variables: []string{"HW_ASSUME_ROLE_ID_TOKEN_FILE"},
		description: "Path of a file with the ID token, which is read for each login. Conflicts with `id_token`.",
	},
	{
		name: "assume_role_with_oidc.duration", kind: number, maximum: 86400, variables: []string{"HW_ASSUME_ROLE_DURATION"},
		description: durationDescription + "Must be between 900 and 3600. Defaults to `3600`.",
	},
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
		description += " Can also be set with the " + variableList(s.variables) + "."
	}
	switch s.kind {
	case boolean:
		return schema.BoolAttribute{Optional: true, MarkdownDescription: description}
	case number:
		bounds := validator.Int64(int64validator.AtLeast(s.minimum))
		if s.maximum > 0 {
			bounds = int64validator.Between(s.minimum, s.maximum)
		}
		return schema.Int64Attribute{Optional: true, MarkdownDescription: description, Validators: []validator.Int64{bounds}}
	case urls:
		return schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: description}
	default:
		return schema.StringAttribute{Optional: true, Sensitive: s.kind == secret, MarkdownDescription: description}
	}
}

// variableList names environment variables in a description.
func variableList(variables []string) string {
	list := "`" + strings.Join(variables, "`, `") + "` environment variable"
	if last := len(variables) - 1; last > 0 {
		list = strings.Replace(list, ", `"+variables[last], " or `"+variables[last], 1) + "s"
	}
	return list
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
		c.errorf(v, "Malformed "+name, "%s (%s) contains a character that is not allowed, such as a line break.\n\n"+
			"Check that the value was copied or read from a file correctly.", name, v.orVariables())
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
	last := len(s.variables) - 1
	return "environment variable " + strings.Join(s.variables[:last], ", ") + " or " + s.variables[last]
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
