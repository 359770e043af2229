// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"math"
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
	seconds     // A lifetime of at most maxSeconds.
	urls        // A map; its keys are settings too.
	key         // A key of such a map.
	environment // Not in the provider block.
)

const maxSeconds = 24 * 60 * 60

// setting is an argument of the provider block.
type setting struct {
	// name is the path of the argument, such as assume_role.agency_name.
	name string
	kind kind
	// variables are the environment variables of the setting; the first one that is set is used. The provider
	// huaweicloud/huaweicloud reads those that begin with OS_.
	variables   []string
	description string
}

// argument returns a setting that is a string.
func argument(name, description string, variables ...string) setting {
	return setting{name: name, description: description, variables: variables}
}

// as returns the setting with another type.
func (s setting) as(kind kind) setting {
	s.kind = kind
	return s
}

// deferrable names the settings that the client does not need while Terraform plans.
var deferrable = []string{"enterprise_project_id", "max_retries"}

// settings are the arguments of the provider block and the environment variables of the provider.
var settings = []setting{
	argument("region", "Region, such as `cn-north-4`. Required unless `endpoints` has the key `servicestage`. "+
		"Defaults to the region of the profile.", "HW_REGION_NAME", "OS_REGION_NAME"),
	argument("access_key", "Access key (AK). Required when `secret_key` is set.",
		"HW_ACCESS_KEY", "OS_ACCESS_KEY").as(secret),
	argument("secret_key", "Secret key (SK) of the access key. Required when `access_key` is set.",
		"HW_SECRET_KEY", "OS_SECRET_KEY").as(secret),
	argument("security_token", "Security token of a temporary access key. Requires `access_key` and `secret_key`.",
		"HW_SECURITY_TOKEN").as(secret),
	argument("token", "IAM token, which expires after 24 hours. If `project_id` or `project_name` is set, the token "+
		"is exchanged for one of that project.", "HW_AUTH_TOKEN", "OS_AUTH_TOKEN").as(secret),
	argument("user_name", "Name of the IAM user that logs in with `password`. Requires `domain_name` or `domain_id`.",
		"HW_USER_NAME", "OS_USERNAME"),
	argument("user_id", "ID of the IAM user that logs in with `password`. Replaces `user_name`.",
		"HW_USER_ID", "OS_USER_ID"),
	argument("password", "Password of the IAM user. Required when `user_name` or `user_id` is set.",
		"HW_USER_PASSWORD", "OS_PASSWORD").as(secret),
	argument("domain_id", "ID of the account that the IAM user or the access key belongs to.",
		"HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID"),
	argument("domain_name", "Name of the account that the IAM user belongs to.",
		"HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"),
	argument("project_id", "ID of the project. Defaults to the ID of the project `project_name`. The provider "+
		"requests it from IAM once, unless the profile or the login contains it.",
		"HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID"),
	argument("project_name", "Name of the project, if `project_id` is not set. Defaults to the project of the "+
		"profile, or to the name of the region.", "HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME"),
	argument("enterprise_project_id", "ID of the enterprise project of resources that do not set "+
		"`enterprise_project_id`.", "HW_ENTERPRISE_PROJECT_ID"),
	argument("agency_name", "Name of an agency whose token is used. Requires `agency_domain_name`. Conflicts with "+
		"`assume_role`.", "OS_AGENCY_NAME"),
	argument("agency_domain_name", "Name of the account that the agency `agency_name` belongs to. Required when "+
		"`agency_name` is set.", "OS_AGENCY_DOMAIN_NAME"),
	argument("delegated_project", "Name of the project of the agency `agency_name`. Defaults to the name of the "+
		"region.", "OS_DELEGATED_PROJECT"),
	argument("auth_url", "URL of identity and access management (IAM), with or without `/v3`. Must start with "+
		"`https://`, unless the host is a loopback host or `insecure` is `true`. Defaults to the key `iam` of "+
		"`endpoints`, or to `https://iam.{region}.{cloud}`. If both are set, the key `iam` is used for agencies only. "+
		"An environment variable does not override the key in the provider block.",
		"HW_AUTH_URL", "OS_AUTH_URL"),
	argument("cloud", "Domain name of the services. Defaults to `myhuaweicloud.com`, or to `myhuaweicloud.eu` in "+
		"regions that start with `eu-west-1`.", "HW_CLOUD"),
	argument("endpoints", "Map of URLs that replace the default endpoints. The keys are `servicestage`, `iam` and "+
		"`sts`. The key `servicestagev2` is an alias of `servicestage`. Keys of other services are ignored with a "+
		"warning. The URLs must start with `https://`, which can be omitted, unless the host is a loopback host or "+
		"`insecure` is `true`. Can also be set with the `HW_SERVICESTAGE_ENDPOINT`, `HW_IAM_ENDPOINT` and "+
		"`HW_STS_ENDPOINT` environment variables.").as(urls),
	argument("endpoints.servicestage", "", "HW_SERVICESTAGE_ENDPOINT").as(key),
	argument("endpoints.iam", "", "HW_IAM_ENDPOINT").as(key),
	argument("endpoints.sts", "", "HW_STS_ENDPOINT").as(key),
	argument("insecure", "Whether to accept any TLS certificate and `http://` endpoints. Defaults to `false`.",
		"HW_INSECURE", "OS_INSECURE").as(boolean),
	argument("cacert_file", "Path of a file with certificates of additional certificate authorities, or the "+
		"certificates in PEM format.", "HW_CACERT_FILE", "OS_CACERT"),
	argument("max_retries", "Maximum number of retries for a failed request. Must be at least 0. Defaults to `5`.",
		"HW_MAX_RETRIES").as(number),
	argument("shared_config_file", "Path of a KooCLI configuration file without encryption. Defaults to "+
		"`~/.hcloud/config.json`, which is read if `profile` is set or no other credentials are configured.",
		"HW_SHARED_CONFIG_FILE"),
	argument("profile", "Name of a KooCLI profile in `shared_config_file`. Its mode must be `AKSK`, `token`, `SSO` or "+
		"`ecsAgency`. The provider uses its credentials, region, project and agency unless they are set otherwise. "+
		"Defaults to the current profile of the file.", "HW_PROFILE"),
	argument("assume_role.agency_name", "Required in the block. Name of the agency.", "HW_ASSUME_ROLE_AGENCY_NAME"),
	argument("assume_role.domain_name", "Name of the account that the agency belongs to. Required unless `domain_id` "+
		"is set.", "HW_ASSUME_ROLE_DOMAIN_NAME"),
	argument("assume_role.domain_id", "ID of the account that the agency belongs to. Overrides `domain_name`.",
		"HW_ASSUME_ROLE_DOMAIN_ID"),
	argument("assume_role.duration", "Lifetime of the temporary access keys in seconds. Must be between 900 and 86400 "+
		"with `domain_name`. Must be between 900 and 43200 with `domain_id`, or at most 3600 if the access key is "+
		"temporary. Defaults to `3600`.", "HW_ASSUME_ROLE_DURATION").as(seconds),
	argument("assume_role_with_oidc.agency_name", "Required in the block. Name of the agency.",
		"HW_ASSUME_ROLE_AGENCY_NAME"),
	argument("assume_role_with_oidc.domain_id", "Required in the block. ID of the account that the agency belongs to.",
		"HW_ASSUME_ROLE_DOMAIN_ID"),
	argument("assume_role_with_oidc.idp_id", "Required in the block. ID of the identity provider in IAM.",
		"HW_ASSUME_ROLE_IDP_ID"),
	argument("assume_role_with_oidc.id_token", "ID token. Required unless `id_token_file` is set. Conflicts with "+
		"`id_token_file`.", "HW_ASSUME_ROLE_ID_TOKEN").as(secret),
	argument("assume_role_with_oidc.id_token_file", "Path of a file with the ID token, which is read for each login. "+
		"Conflicts with `id_token`.", "HW_ASSUME_ROLE_ID_TOKEN_FILE"),
	argument("assume_role_with_oidc.duration", "Lifetime of the temporary access keys in seconds. Must be between 900 "+
		"and 3600. Defaults to `3600`.", "HW_ASSUME_ROLE_DURATION").as(seconds),
	argument("HW_METADATA_DISABLED", "", "HW_METADATA_DISABLED").as(environment),
	argument("HW_METADATA_ENDPOINT", "", "HW_METADATA_ENDPOINT").as(environment),
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
	names := strings.NewReplacer(", ", "`, `", " or ", "` or `").Replace(s.variableNames())
	switch len(s.variables) {
	case 0:
	case 1:
		description += " Can also be set with the `" + names + "` environment variable."
	default:
		description += " Can also be set with the `" + names + "` environment variables."
	}
	switch s.kind {
	case boolean:
		return schema.BoolAttribute{Optional: true, MarkdownDescription: description}
	case number:
		return schema.Int64Attribute{
			Optional: true, MarkdownDescription: description, Validators: []validator.Int64{int64validator.AtLeast(0)},
		}
	case seconds:
		return schema.Int64Attribute{
			Optional: true, MarkdownDescription: description,
			Validators: []validator.Int64{int64validator.Between(0, maxSeconds)},
		}
	case urls:
		return schema.MapAttribute{Optional: true, ElementType: types.StringType, MarkdownDescription: description}
	default:
		return schema.StringAttribute{Optional: true, Sensitive: s.kind == secret, MarkdownDescription: description}
	}
}

// configuration is a provider block with the environment, and the diagnostics about them.
type configuration struct {
	// values are the known values of the block by the names of the settings. A block or map itself has the value "".
	values map[string]string
	// unknown contains the names of the settings whose values are unknown.
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

// add adds a value with its attributes or elements.
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

// missing returns the names of the unknown settings that the client requires.
func (c *configuration) missing() []string {
	return slices.DeleteFunc(slices.Clone(c.unknown), func(name string) bool {
		return slices.Contains(deferrable, name)
	})
}

// value is a setting with its value, "" if it is not set, and the origin of the value.
type value struct {
	setting

	text string
	// block is the number of the block, if the argument is in a list of blocks.
	block int
	// variable is the environment variable that the value comes from; "" means the provider block.
	variable string
}

// lookup returns the configured value of a setting; otherwise, that of the first environment variable that is set. It
// removes white space around the value.
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

// index returns the suffix of the name of a block in a list of blocks; the first block has none.
func index(i int) string {
	if i == 0 {
		return ""
	}
	return fmt.Sprintf("[%d]", i)
}

// blockName returns the name of an assume_role block.
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

// unlessNamed returns an ID, but an empty one if it comes from the environment and the provider block sets the name
// instead.
func (v value) unlessNamed(name value) value {
	if name.configured() && !v.configured() {
		v.text = ""
	}
	return v
}

// configured reports whether the value is set in the provider block.
func (v value) configured() bool { return v.text != "" && v.variable == "" }

// stringValue returns a Terraform value: unknown if the setting is, and null if it is not set.
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
		c.errorf(v, "Invalid "+v.variable, "The environment variable %s must be true or false. Got: %q.",
			v.variable, v.text)
	}
	return parsed
}

// number parses a value that is a number; fallback if it is not set or invalid.
func (c *configuration) number(v value, fallback int64) int64 {
	if v.text == "" {
		return fallback
	}
	largest, bounds := int64(math.MaxInt64), "of at least 0"
	if v.kind == seconds {
		largest, bounds = maxSeconds, fmt.Sprintf("from 0 to %d", maxSeconds)
	}
	parsed, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || parsed < 0 || parsed > largest {
		c.errorf(v, "Invalid "+v.variable, "The environment variable %s must be an integer %s. Got: %q.",
			v.variable, bounds, v.text)
		return fallback
	}
	return parsed
}

// path returns the path of the setting in the provider block; empty for an environment variable without an argument.
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

// variableNames lists the environment variables of the setting, such as "A, B or C".
func (s setting) variableNames() string {
	names := strings.Join(s.variables, ", ")
	if last := strings.LastIndex(names, ", "); last > 0 {
		names = names[:last] + " or " + names[last+2:]
	}
	return names
}

// orVariables names the environment variables of the setting in a message.
func (s setting) orVariables() string { return "environment variable " + s.variableNames() }

// origin names the setting and the origin of its value.
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
