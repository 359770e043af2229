// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const defaultMaxRetries = 5

// endpointNames are the services whose endpoint can be replaced.
var endpointNames = []string{"servicestage", "iam"}

// variables are the environment variables of each setting, the first that is set counts. The second and later ones are those that
// the provider huaweicloud/huaweicloud reads too.
var variables = map[string][]string{
	"region":                              {"HW_REGION_NAME", "OS_REGION_NAME"},
	"access_key":                          {"HW_ACCESS_KEY", "OS_ACCESS_KEY"},
	"secret_key":                          {"HW_SECRET_KEY", "OS_SECRET_KEY"},
	"security_token":                      {"HW_SECURITY_TOKEN"},
	"token":                               {"HW_AUTH_TOKEN", "OS_AUTH_TOKEN"},
	"user_name":                           {"HW_USER_NAME", "OS_USERNAME"},
	"user_id":                             {"HW_USER_ID", "OS_USER_ID"},
	"password":                            {"HW_USER_PASSWORD", "OS_PASSWORD"},
	"domain_id":                           {"HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID", "OS_PROJECT_DOMAIN_ID"},
	"domain_name":                         {"HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME", "OS_PROJECT_DOMAIN_NAME"},
	"project_id":                          {"HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID"},
	"project_name":                        {"HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME"},
	"enterprise_project_id":               {"HW_ENTERPRISE_PROJECT_ID"},
	"auth_url":                            {"HW_AUTH_URL", "OS_AUTH_URL"},
	"cloud":                               {"HW_CLOUD"},
	"endpoints.servicestage":              {"HW_SERVICESTAGE_ENDPOINT"},
	"endpoints.iam":                       {"HW_IAM_ENDPOINT"},
	"insecure":                            {"HW_INSECURE", "OS_INSECURE"},
	"cacert_file":                         {"HW_CACERT_FILE", "OS_CACERT"},
	"max_retries":                         {"HW_MAX_RETRIES"},
	"shared_config_file":                  {"HW_SHARED_CONFIG_FILE"},
	"profile":                             {"HW_PROFILE"},
	"assume_role.agency_name":             {"HW_ASSUME_ROLE_AGENCY_NAME"},
	"assume_role.domain_name":             {"HW_ASSUME_ROLE_DOMAIN_NAME"},
	"assume_role.domain_id":               {"HW_ASSUME_ROLE_DOMAIN_ID"},
	"assume_role.duration":                {"HW_ASSUME_ROLE_DURATION"},
	"assume_role_with_oidc.agency_name":   {"HW_ASSUME_ROLE_AGENCY_NAME"},
	"assume_role_with_oidc.domain_id":     {"HW_ASSUME_ROLE_DOMAIN_ID"},
	"assume_role_with_oidc.idp_id":        {"HW_ASSUME_ROLE_IDP_ID"},
	"assume_role_with_oidc.id_token":      {"HW_ASSUME_ROLE_ID_TOKEN"},
	"assume_role_with_oidc.id_token_file": {"HW_ASSUME_ROLE_ID_TOKEN_FILE"},
	"assume_role_with_oidc.duration":      {"HW_ASSUME_ROLE_DURATION"},
	"metadata.disabled":                   {"HW_METADATA_DISABLED"},
	"metadata.endpoint":                   {"HW_METADATA_ENDPOINT"},
}

// settings are what the configuration, else the environment, else the profile, else the defaults come to.
type settings struct {
	// region is null where nothing but an endpoint says where the service is.
	region                                  types.String
	endpoint, iamEndpoint, metadataEndpoint string
	insecure                                bool
	rootCAs                                 *x509.CertPool
	maxRetries                              int
	project                                 auth.Project
	// source makes the source of the credentials.
	source func(road) auth.Source
}

// setting is a value of the provider block, or of the environment.
type setting struct {
	name  string
	value string
	// configured is true of a value of the provider block; variable is the environment variable that it is from otherwise.
	configured bool
	variable   string
}

// text is the configured value, else that of the first environment variable that is set, else "". White space around it means
// nothing.
func text(configured attr.Value, name string) setting {
	if value := strings.TrimSpace(plain(configured)); value != "" {
		return setting{name: name, value: value, configured: true}
	}
	for _, variable := range variables[name] {
		if value := strings.TrimSpace(os.Getenv(variable)); value != "" {
			return setting{name: name, value: value, variable: variable}
		}
	}
	return setting{name: name}
}

// plain is a string as it is, and a number or boolean as it is written.
func plain(value attr.Value) string {
	switch value := value.(type) {
	case nil:
		return ""
	case types.String:
		return value.ValueString()
	default:
		if value.IsNull() || value.IsUnknown() {
			return ""
		}
		return value.String()
	}
}

// path leads to the setting in the provider block.
func (s setting) path() path.Path {
	parent, child, nested := strings.Cut(s.name, ".")
	switch {
	case !nested:
		return path.Root(s.name)
	case parent == "endpoints":
		return path.Root(parent).AtMapKey(child)
	default:
		return path.Root(parent).AtListIndex(0).AtName(child)
	}
}

// orVariables names what can be set instead.
func (s setting) orVariables() string {
	names := variables[s.name]
	if len(names) == 1 {
		return "environment variable " + names[0]
	}
	return "environment variables " + strings.Join(names, ", ")
}

// got is a sentence with the value of an endpoint, unless that may hold a password.
func (s setting) got() string {
	if strings.Contains(s.value, "@") {
		return ""
	}
	return fmt.Sprintf(" Got: %q.", s.value)
}

func (s setting) orNull() types.String {
	if s.value == "" {
		return types.StringNull()
	}
	return types.StringValue(s.value)
}

// header is text that goes into a header of each request. Its error does not repeat the value.
func header(configured types.String, name string, diags *diag.Diagnostics) setting {
	s := text(configured, name)
	if strings.ContainsFunc(s.value, func(r rune) bool { return r < ' ' || r > '~' }) {
		diags.AddAttributeError(s.path(), "Malformed "+name, fmt.Sprintf(
			"%s (%s) holds characters that cannot be part of it, such as a line break. Was it copied or read from a file whole?",
			name, s.orVariables()))
	}
	return s
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
		{"user_name", m.UserName},
		{"user_id", m.UserID},
		{"password", m.Password},
		{"domain_id", m.DomainID},
		{"domain_name", m.DomainName},
		{"project_id", m.ProjectID},
		{"project_name", m.ProjectName},
		{"auth_url", m.AuthURL},
		{"cloud", m.Cloud},
		{"endpoints", m.Endpoints},
		{"insecure", m.Insecure},
		{"cacert_file", m.CACertFile},
		{"shared_config_file", m.SharedConfigFile},
		{"profile", m.Profile},
		{"assume_role", m.AssumeRole},
		{"assume_role_with_oidc", m.AssumeRoleWithOIDC},
	} {
		names = append(names, unknownIn(setting.name, setting.value)...)
	}
	return names
}

// unknownIn names what is unknown in a value: the value itself, or elements and attributes of it.
func unknownIn(name string, value attr.Value) []string {
	if value.IsUnknown() {
		return []string{name}
	}
	var names []string
	switch value := value.(type) {
	case types.Map:
		for key, element := range value.Elements() {
			names = append(names, unknownIn(name+"."+key, element)...)
		}
	case types.List:
		for _, element := range value.Elements() {
			names = append(names, unknownIn(name, element)...)
		}
	case types.Object:
		for key, attribute := range value.Attributes() {
			names = append(names, unknownIn(name+"."+key, attribute)...)
		}
	}
	slices.Sort(names)
	return names
}

// settingsFrom resolves a provider block without unknown values. Each error has the path of the setting to mend.
func settingsFrom(ctx context.Context, config model) (settings, diag.Diagnostics) {
	var diags diag.Diagnostics
	choice := choose(ctx, config, &diags)
	if diags.HasError() {
		return settings{}, diags
	}
	where := region(config, choice.profile, &diags)
	resolved := settings{
		region:     setting{value: where.region}.orNull(),
		insecure:   insecure(config, &diags),
		rootCAs:    rootCAs(config, &diags),
		maxRetries: maxRetries(config, &diags),
		project:    project(config, where, choice, &diags),
	}
	resolved.endpoint = serviceEndpoint(config, where, resolved.insecure, &diags)
	resolved.iamEndpoint = iamEndpoint(config, where, resolved.insecure, &diags)
	resolved.metadataEndpoint = defaultMetadataEndpoint
	if choice.fromMetadata {
		resolved.metadataEndpoint = metadataEndpoint(resolved.insecure, &diags)
	}
	resolved.source = choice.source(resolved.project)
	if _, isPassword := resolved.source(road{}).(auth.Password); isPassword && resolved.project == (auth.Project{}) {
		diags.AddAttributeError(path.Root("project_name"), "Missing project", "ServiceStage accepts tokens for a project only, and a password "+
			"is for no certain one. Set region, project_name or project_id.")
	}
	return resolved, diags
}

// project is the id that is set, else the name that is set, else what the profile says that the credentials are from, unless it is one
// of another region, else the name of the region.
func project(config model, where place, choice choice, diags *diag.Diagnostics) auth.Project {
	id, name := header(config.ProjectID, "project_id", diags), text(config.ProjectName, "project_name")
	profile := choice.profile
	if id.value == "" && name.value == "" && choice.fromProfile && (profile.Region == "" || profile.Region == where.region) {
		id.value = profile.ProjectID
	}
	return auth.Project{ID: id.value, Name: cmp.Or(name.value, where.region)}
}

func insecure(config model, diags *diag.Diagnostics) bool {
	if !config.Insecure.IsNull() {
		return config.Insecure.ValueBool()
	}
	return flag("insecure", diags)
}

func maxRetries(config model, diags *diag.Diagnostics) int {
	if config.MaxRetries.IsUnknown() {
		return defaultMaxRetries // While Terraform plans.
	}
	if !config.MaxRetries.IsNull() {
		return int(config.MaxRetries.ValueInt64())
	}
	set := text(nil, "max_retries")
	if set.value == "" {
		return defaultMaxRetries
	}
	parsed, err := strconv.Atoi(set.value)
	if err != nil || parsed < 0 {
		diags.AddAttributeError(set.path(), "Invalid HW_MAX_RETRIES",
			fmt.Sprintf("The environment variable HW_MAX_RETRIES must be a whole number of at least 0. Got: %q.", set.value))
	}
	return parsed
}

// flag is a setting of the environment that is true or false; false where it is not set.
func flag(name string, diags *diag.Diagnostics) bool {
	set := text(nil, name)
	if set.value == "" {
		return false
	}
	parsed, err := strconv.ParseBool(set.value)
	if err != nil {
		diags.AddError("Invalid "+set.variable, fmt.Sprintf("The environment variable %s must be true or false. Got: %q.", set.variable, set.value))
	}
	return parsed
}

// rootCAs are the authorities of the system and those of cacert_file, or nil where that is not set.
func rootCAs(config model, diags *diag.Diagnostics) *x509.CertPool {
	set := text(config.CACertFile, "cacert_file")
	if set.value == "" {
		return nil
	}
	pem := []byte(set.value)
	if !strings.Contains(set.value, "-----BEGIN") {
		content, err := readFile(set.value)
		if err != nil {
			diags.AddAttributeError(set.path(), "Unreadable certificate file", fmt.Sprintf(
				"%s. cacert_file (%s) is a path, or the certificates themselves in PEM.", err, set.orVariables()))
			return nil
		}
		pem = content
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // As on systems that keep none.
	}
	if !pool.AppendCertsFromPEM(pem) {
		diags.AddAttributeError(set.path(), "No certificate", fmt.Sprintf(
			"cacert_file (%s) holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----.", set.orVariables()))
	}
	return pool
}

// maxFileSize is the size of the largest file that an argument may name, in bytes.
const maxFileSize = 1 << 20

// readFile returns the content of a regular file, or of the regular file that a symbolic link leads to, of at most [maxFileSize].
// It does not wait for a writer: a named pipe, a socket, a device or a folder is an error. Every error contains the path.
func readFile(name string) ([]byte, error) {
	name = expand(name)
	// Opening a device can have side effects, so the type is checked first.
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	// Something else may have replaced the file since then: O_NONBLOCK opens a named pipe without waiting.
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) //nolint:gosec // The user names the file.
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // Nothing was written.
	if info, err = file.Stat(); err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	content, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err == nil && len(content) > maxFileSize {
		err = fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return content, err
}

// expand replaces ~ at the beginning by the home folder, where there is one.
func expand(file string) string {
	rest, ok := strings.CutPrefix(file, "~/")
	if !ok {
		return file
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return file
	}
	return filepath.Join(home, rest)
}

// place is where the services are.
type place struct{ region, cloud string }

var (
	regionName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	cloudName  = regexp.MustCompile(`^[a-z0-9]+([.-][a-z0-9]+)*$`)
)

func region(config model, profile auth.Profile, diags *diag.Diagnostics) place {
	set := text(config.Region, "region")
	set.value = cmp.Or(set.value, profile.Region)
	if set.value != "" && !regionName.MatchString(set.value) {
		diags.AddAttributeError(set.path(), "Invalid region", fmt.Sprintf("A region is a name such as cn-north-4. Got: %q.", set.value))
	}
	cloud := text(config.Cloud, "cloud")
	if cloud.value != "" && !cloudName.MatchString(cloud.value) {
		diags.AddAttributeError(cloud.path(), "Invalid cloud", fmt.Sprintf(
			"cloud is the domain name behind those of the services, such as myhuaweicloud.com. Got: %q.", cloud.value))
	}
	return place{set.value, cmp.Or(cloud.value, defaultCloud(set.value))}
}

// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0001.html.
func defaultCloud(region string) string {
	if strings.HasPrefix(region, "eu-west-1") {
		return "myhuaweicloud.eu"
	}
	return "myhuaweicloud.com"
}

func serviceEndpoint(config model, where place, insecure bool, diags *diag.Diagnostics) string {
	if endpoint, ok := replaced(config, "servicestage", insecure, diags); ok {
		return endpoint
	}
	if where.region == "" {
		diags.AddAttributeError(path.Root("region"), "Missing region",
			"Set region, such as cn-north-4, or the environment variable HW_REGION_NAME. Only an endpoint for servicestage does without.")
	}
	return "https://servicestage." + where.region + "." + where.cloud
}

// iamEndpoint is without the version that auth_url ends with.
func iamEndpoint(config model, where place, insecure bool, diags *diag.Diagnostics) string {
	endpoint, ok := replaced(config, "iam", insecure, diags)
	configured, _ := config.Endpoints.Elements()["iam"].(types.String)
	authURL := text(config.AuthURL, "auth_url")
	if authURL.value != "" && (!ok || authURL.configured && configured.IsNull()) {
		endpoint, err := parseEndpoint(authURL.value, insecure)
		if err != nil {
			diags.AddAttributeError(authURL.path(), "Invalid auth_url", fmt.Sprintf("auth_url (%s) %s.%s", authURL.orVariables(), err, authURL.got()))
		}
		return strings.TrimSuffix(endpoint, "/v3")
	}
	switch {
	case ok:
		return strings.TrimSuffix(endpoint, "/v3")
	case where.region == "":
		return "https://iam." + where.cloud
	default:
		return "https://iam." + where.region + "." + where.cloud
	}
}

// defaultMetadataEndpoint is the URL of the metadata service, which is the same in every cloud.
const defaultMetadataEndpoint = "http://169.254.169.254"

// metadataEndpoint returns HW_METADATA_ENDPOINT, or the default if it is not set. The default is accepted over http: it is a
// link-local address, and no credentials are sent to it.
func metadataEndpoint(insecure bool, diags *diag.Diagnostics) string {
	set := text(nil, "metadata.endpoint")
	if set.value == "" || strings.TrimSuffix(set.value, "/") == defaultMetadataEndpoint {
		return defaultMetadataEndpoint
	}
	endpoint, err := parseEndpoint(set.value, insecure)
	if err != nil {
		diags.AddError("Invalid HW_METADATA_ENDPOINT", fmt.Sprintf("The environment variable HW_METADATA_ENDPOINT %s.%s", err, set.got()))
	}
	return endpoint
}

// replaced is the endpoint that replaces the usual one, and whether there is any.
func replaced(config model, name string, insecure bool, diags *diag.Diagnostics) (string, bool) {
	configured, _ := config.Endpoints.Elements()[name].(types.String)
	set := text(configured, "endpoints."+name)
	if set.value == "" && configured.IsNull() {
		return "", false
	}
	endpoint, err := parseEndpoint(set.value, insecure)
	if err != nil {
		diags.AddAttributeError(set.path(), "Invalid endpoint", fmt.Sprintf("The endpoint %q (%s) %s.%s", name, set.orVariables(), err, set.got()))
	}
	return endpoint, true
}

// parseEndpoint returns the URL with its scheme and without a final slash. Its error completes the sentence "The endpoint …".
func parseEndpoint(value string, insecure bool) (string, error) {
	complete := value
	if !strings.Contains(value, "://") && strings.Contains(value, ".") {
		complete = "https://" + value
	}
	endpoint, err := url.Parse(complete)
	if err != nil || endpoint.Hostname() == "" || endpoint.User != nil || strings.ContainsAny(value, "?#") {
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
