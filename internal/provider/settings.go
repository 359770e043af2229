// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const defaultMaxRetries = 5

// endpointNames are the services whose endpoint can be replaced.
var endpointNames = []string{"servicestage", "iam"}

// settings are what the configuration, else the environment, else the defaults come to.
type settings struct {
	region        string
	endpoint      string
	authenticator auth.Authenticator
	projectID     string
	insecure      bool
	maxRetries    int
}

// unknown names the settings that the client needs and whose value comes from something that is not applied yet.
func (m model) unknown() []string {
	var names []string
	for _, setting := range []struct {
		name  string
		value attr.Value
	}{
		{"region", m.Region},
		{"access_key", m.AccessKey},
		{"secret_key", m.SecretKey},
		{"security_token", m.SecurityToken},
		{"token", m.Token},
		{"project_id", m.ProjectID},
		{"endpoints", m.Endpoints},
		{"insecure", m.Insecure},
		{"shared_config_file", m.SharedConfigFile},
		{"profile", m.Profile},
	} {
		if setting.value.IsUnknown() {
			names = append(names, setting.name)
		}
	}
	for name, endpoint := range m.Endpoints.Elements() {
		if endpoint.IsUnknown() {
			names = append(names, "endpoints."+name)
		}
	}
	return names
}

// settingsFrom resolves a provider block without unknown values. Each error has the path of the setting to mend.
func settingsFrom(config model) (settings, diag.Diagnostics) {
	var diags diag.Diagnostics
	profile := sharedProfile(config, &diags)
	if diags.HasError() {
		return settings{}, diags
	}
	resolved := settings{
		region:     cmp.Or(text(config.Region, "HW_REGION_NAME"), profile.Region),
		projectID:  cmp.Or(header(config.ProjectID, "project_id", "HW_PROJECT_ID", &diags), profile.ProjectID),
		insecure:   insecure(config, &diags),
		maxRetries: maxRetries(config, &diags),
	}
	resolved.endpoint = serviceEndpoint(config, resolved.region, resolved.insecure, &diags)
	resolved.authenticator = authenticator(config, profile, &diags)
	return resolved, diags
}

// sharedProfile is the profile of the shared configuration file, or an empty one where neither file nor profile is named.
func sharedProfile(config model, diags *diag.Diagnostics) auth.Profile {
	file, name := text(config.SharedConfigFile, "HW_SHARED_CONFIG_FILE"), text(config.Profile, "HW_PROFILE")
	if file == "" && name == "" {
		return auth.Profile{}
	}
	file = cmp.Or(file, "~/.hcloud/config.json")
	expanded := file
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			diags.AddAttributeError(path.Root("shared_config_file"), "No home directory", fmt.Sprintf("The file %s cannot be found: %s.", file, err))
			return auth.Profile{}
		}
		expanded = filepath.Join(home, rest)
	}
	content, err := os.ReadFile(expanded) //nolint:gosec // The file that the user names.
	if err != nil {
		diags.AddAttributeError(path.Root("shared_config_file"), "Unreadable shared configuration file", fmt.Sprintf(
			"%s. The file is named by shared_config_file (environment variable HW_SHARED_CONFIG_FILE), else it is ~/.hcloud/config.json.", err))
		return auth.Profile{}
	}
	profile, err := auth.ReadProfile(content, name)
	if err != nil {
		diags.AddAttributeError(path.Root("profile"), "Unusable profile", fmt.Sprintf(
			"In %s, %s. The profile is named by profile (environment variable HW_PROFILE), else it is the file's current one.", file, err))
		return auth.Profile{}
	}
	return *profile
}

// text is the configured value, else that of the environment variable, else "". White space around it means nothing.
func text(configured types.String, variable string) string {
	if value := strings.TrimSpace(configured.ValueString()); value != "" {
		return value
	}
	return strings.TrimSpace(os.Getenv(variable))
}

func orNull(value string) types.String {
	if value == "" {
		return types.StringNull()
	}
	return types.StringValue(value)
}

// header is text that goes into a header of each request. Its error does not repeat the value.
func header(configured types.String, name, variable string, diags *diag.Diagnostics) string {
	value := text(configured, variable)
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
		diags.AddAttributeError(path.Root(name), "Malformed "+name, fmt.Sprintf(
			"%s (environment variable %s) holds characters that cannot be part of it, such as a line break. Was it copied or read from a file whole?",
			name, variable))
	}
	return value
}

func insecure(config model, diags *diag.Diagnostics) bool {
	if !config.Insecure.IsNull() {
		return config.Insecure.ValueBool()
	}
	value := os.Getenv("HW_INSECURE")
	if value == "" {
		return false
	}
	parsed, err := strconv.ParseBool(value)
	if err != nil {
		diags.AddAttributeError(path.Root("insecure"), "Invalid HW_INSECURE",
			fmt.Sprintf("The environment variable HW_INSECURE is true or false. Got: %q.", value))
	}
	return parsed
}

func maxRetries(config model, diags *diag.Diagnostics) int {
	if config.MaxRetries.IsUnknown() {
		return defaultMaxRetries // While Terraform plans.
	}
	if !config.MaxRetries.IsNull() {
		return int(config.MaxRetries.ValueInt64())
	}
	value := os.Getenv("HW_MAX_RETRIES")
	if value == "" {
		return defaultMaxRetries
	}
	parsed, err := strconv.Atoi(value)
	if err != nil || parsed < 0 {
		diags.AddAttributeError(path.Root("max_retries"), "Invalid HW_MAX_RETRIES",
			fmt.Sprintf("The environment variable HW_MAX_RETRIES is a whole number of at least 0. Got: %q.", value))
	}
	return parsed
}

// authenticator takes the token, else the access key, else that of the profile; but a configured access key before a token of
// the environment.
func authenticator(config model, profile auth.Profile, diags *diag.Diagnostics) auth.Authenticator {
	token := header(config.Token, "token", "HW_AUTH_TOKEN", diags)
	key := auth.AccessKey{
		ID:            header(config.AccessKey, "access_key", "HW_ACCESS_KEY", diags),
		Secret:        text(config.SecretKey, "HW_SECRET_KEY"),
		SecurityToken: header(config.SecurityToken, "security_token", "HW_SECURITY_TOKEN", diags),
	}
	switch {
	case key.ID != "" && key.Secret == "":
		diags.AddAttributeError(path.Root("secret_key"), "Missing secret key",
			"An access key is set without its secret key. Set secret_key or the environment variable HW_SECRET_KEY.")
	case key.ID == "" && key.Secret != "":
		diags.AddAttributeError(path.Root("access_key"), "Missing access key",
			"A secret key is set without its access key. Set access_key or the environment variable HW_ACCESS_KEY.")
	case key.ID != "" && (token == "" || config.Token.ValueString() == "" && config.AccessKey.ValueString() != ""):
		return key
	case token != "":
		return auth.Token(token)
	case profile.AccessKey.ID != "":
		return profile.AccessKey
	default:
		diags.AddError("No credentials",
			"Set access_key and secret_key (environment variables HW_ACCESS_KEY and HW_SECRET_KEY), token (HW_AUTH_TOKEN), or profile (HW_PROFILE).")
	}
	return nil
}

// serviceEndpoint is where ServiceStage is called. The other endpoints are checked, so that a mistake shows before they are
// needed.
func serviceEndpoint(config model, region string, insecure bool, diags *diag.Diagnostics) string {
	endpoints := map[string]string{}
	for _, name := range endpointNames {
		configured, _ := config.Endpoints.Elements()[name].(types.String)
		value := text(configured, "HW_"+strings.ToUpper(name)+"_ENDPOINT")
		if value == "" && configured.IsNull() {
			continue
		}
		endpoint, err := parseEndpoint(value, insecure)
		if err != nil {
			got := fmt.Sprintf(" Got: %q.", value)
			if strings.Contains(value, "@") {
				got = "" // It may hold a password.
			}
			diags.AddAttributeError(path.Root("endpoints").AtMapKey(name), "Invalid endpoint", fmt.Sprintf(
				"The endpoint %q (environment variable HW_%s_ENDPOINT) %s.%s", name, strings.ToUpper(name), err, got))
		}
		endpoints[name] = endpoint
	}
	if endpoint, ok := endpoints["servicestage"]; ok {
		return endpoint
	}
	if region == "" {
		diags.AddAttributeError(path.Root("region"), "Missing region",
			"Set region, such as cn-north-4, or the environment variable HW_REGION_NAME. Only an endpoint for servicestage does without.")
		return ""
	}
	if !regionName.MatchString(region) {
		diags.AddAttributeError(path.Root("region"), "Invalid region", fmt.Sprintf("A region is a name such as cn-north-4. Got: %q.", region))
		return ""
	}
	return defaultEndpoint(region)
}

var regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0001.html.
func defaultEndpoint(region string) string {
	cloud := "myhuaweicloud.com"
	if strings.HasPrefix(region, "eu-west-1") {
		cloud = "myhuaweicloud.eu"
	}
	return "https://servicestage." + region + "." + cloud
}

// parseEndpoint returns the URL with its scheme and without a final slash. Its error completes the sentence "The endpoint …".
func parseEndpoint(value string, insecure bool) (string, error) {
	complete := value
	if !strings.Contains(value, "://") && strings.Contains(value, ".") {
		complete = "https://" + value
	}
	endpoint, err := url.Parse(complete)
	if err != nil || endpoint.Hostname() == "" || endpoint.User != nil || endpoint.RawQuery != "" || endpoint.Fragment != "" {
		return "", errors.New("must be a URL such as https://servicestage.cn-north-4.myhuaweicloud.com, with a host and nothing but a path behind it")
	}
	switch endpoint.Scheme {
	case "https":
	case "http":
		if !insecure && !isLoopback(endpoint.Hostname()) {
			return "", errors.New("must begin with https://: over http:// credentials travel in clear text. " +
				"Only loopback hosts are exempt, or all hosts where insecure is true")
		}
	default:
		return "", errors.New("must begin with https://")
	}
	return strings.TrimSuffix(endpoint.String(), "/"), nil
}

func isLoopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
