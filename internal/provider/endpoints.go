// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

// defaultMetadataEndpoint is the URL of the metadata service, which is the same in every cloud.
const defaultMetadataEndpoint = "http://169.254.169.254"

var (
	regionName = regexp.MustCompile(`^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*$`)
	cloudName  = regexp.MustCompile(`^[A-Za-z0-9]+([.-][A-Za-z0-9]+)*$`)
	// hostAndPort is an endpoint without a scheme: a host name with a dot or a port.
	hostAndPort = regexp.MustCompile(`^[^/:]+(:[0-9]+(/|$)|\.)`)
)

// location is the region and the domain name of the services. The region is empty if only endpoints are set.
type location struct{ region, cloud string }

func (c *configuration) location(profile auth.Profile) location {
	region, cloud := c.lookup("region"), c.lookup("cloud")
	region.text = cmp.Or(region.text, profile.Region)
	if region.text != "" && !regionName.MatchString(region.text) {
		c.errorf(region, "Invalid region", "region (%s) must be a name such as cn-north-4. Got: %q.",
			region.orVariables(), region.text)
	}
	if cloud.text != "" && !cloudName.MatchString(cloud.text) {
		c.errorf(cloud, "Invalid cloud", "cloud (%s) must be a domain name such as myhuaweicloud.com. Got: %q.",
			cloud.orVariables(), cloud.text)
	}
	return location{region.text, cmp.Or(cloud.text, defaultCloud(region.text))}
}

// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0001.html.
func defaultCloud(region string) string {
	if strings.HasPrefix(region, "eu-west-1") {
		return "myhuaweicloud.eu"
	}
	return "myhuaweicloud.com"
}

// endpoints are the base URLs of the services. agencies is the one of IAM for the temporary access keys of agencies.
type endpoints struct{ service, iam, agencies, sts, metadata string }

func (c *configuration) endpoints(where location, usesMetadata bool) endpoints {
	defaultURL := func(service string) string {
		return "https://" + strings.Join(strings.Fields(service+" "+where.region+" "+where.cloud), ".")
	}
	c.checkEndpointKeys()
	result := endpoints{
		service: c.endpointOverride("endpoints.servicestage"), agencies: c.endpointOverride("endpoints.iam"),
		metadata: defaultMetadataEndpoint,
	}
	if result.service == "" {
		result.service = defaultURL("servicestage")
		if where.region == "" {
			missing := c.lookup("region")
			c.errorf(missing, "Missing region", "Neither a region nor an endpoint of ServiceStage is configured.\n\n"+
				"Set region (%s), such as cn-north-4, or endpoints.servicestage.", missing.orVariables())
		}
	}
	// If both are set, endpoints.iam is used for agencies only. HW_AUTH_URL does not override a configured endpoint.
	result.iam = result.agencies
	if authURL := c.lookup("auth_url"); authURL.text != "" && (authURL.configured() || !c.has("endpoints.iam")) {
		result.iam = c.endpointOverride("auth_url")
	}
	result.iam = strings.TrimSuffix(cmp.Or(result.iam, defaultURL("iam")), "/v3")
	result.agencies = strings.TrimSuffix(cmp.Or(result.agencies, result.iam), "/v3")
	result.sts = cmp.Or(c.endpointOverride("endpoints.sts"), defaultURL("sts"))
	// The default is accepted with http:// because it is a link-local address that receives no credentials.
	metadata := c.lookup("HW_METADATA_ENDPOINT")
	if usesMetadata && strings.TrimSuffix(metadata.text, "/") != defaultMetadataEndpoint {
		result.metadata = cmp.Or(c.endpointOverride(metadata.name), defaultMetadataEndpoint)
	}
	return result
}

// checkEndpointKeys resolves the alias servicestagev2. An unused key is a warning, and an error if it is probably
// misspelled.
func (c *configuration) checkEndpointKeys() {
	const used, alias = "endpoints.servicestage", "endpoints.servicestagev2"
	switch {
	case c.has(alias) && !c.has(used):
		c.values[used] = c.values[alias]
	case c.has(alias) && c.values[alias] != c.values[used]:
		at := path.Root("endpoints").AtMapKey("servicestagev2")
		c.diags.AddAttributeWarning(at, "Unused endpoint", `The keys "servicestage" and "servicestagev2" of endpoints `+
			`are the same endpoint. The provider uses "servicestage".`+"\n\nRemove the other key.")
	}
	var keys []string
	for _, s := range settings {
		if s.kind == key {
			keys = append(keys, strings.TrimPrefix(s.name, "endpoints."))
		}
	}
	for name := range c.values {
		unknown, isKey := strings.CutPrefix(name, "endpoints.")
		known := func(s setting) bool { return s.name == name }
		if !isKey || name == alias || slices.ContainsFunc(settings, known) {
			continue
		}
		at := path.Root("endpoints").AtMapKey(unknown)
		// Short keys are like those of other services, such as sms.
		normalized := strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(unknown))
		meant := slices.IndexFunc(keys, func(want string) bool {
			return normalized == want || len(want) > 3 && levenshtein.Distance(normalized, want, nil) <= 2
		})
		if meant >= 0 {
			c.diags.AddAttributeError(at, "Unknown endpoint",
				fmt.Sprintf("endpoints has no key %q. Did you mean %q?", unknown, keys[meant]))
		} else {
			c.diags.AddAttributeWarning(at, "Unused endpoint",
				fmt.Sprintf("The provider does not use the endpoint %q: it belongs to another service.", unknown))
		}
	}
}

// endpointOverride returns the URL that a setting contains; "" if it is not set.
func (c *configuration) endpointOverride(name string) string {
	v := c.lookup(name)
	if v.text == "" && !c.has(name) {
		return ""
	}
	endpoint, err := parseEndpoint(v.text, c.flag("insecure"))
	if err == nil {
		return endpoint
	}
	summary, subject := "Invalid "+name, fmt.Sprintf("%s (%s)", name, v.orVariables())
	switch v.kind {
	case key:
		summary = "Invalid endpoint"
		subject = fmt.Sprintf("The endpoint %q (%s)", strings.TrimPrefix(name, "endpoints."), v.orVariables())
	case environment:
		subject = "The " + v.orVariables()
	default:
	}
	got := ""
	if !strings.Contains(v.text, "@") { // It may contain a password.
		got = fmt.Sprintf(" Got: %q.", v.text)
	}
	c.errorf(v, summary, "%s %s.%s", subject, err, got)
	return cmp.Or(v.text, name) // Not empty, so that no other error is reported.
}

// parseEndpoint returns the URL with its scheme and without a final slash. Its error completes a sentence that begins
// with "The endpoint".
func parseEndpoint(text string, insecure bool) (string, error) {
	complete := text
	if hostAndPort.MatchString(text) {
		complete = "https://" + text
	}
	endpoint, err := url.Parse(complete)
	if err != nil || endpoint.Hostname() == "" || endpoint.User != nil || strings.ContainsAny(text, "?#") {
		return "", errors.New("must be a URL with a host, an optional path and nothing else, such as " +
			"https://host/path")
	}
	switch {
	case endpoint.Scheme != "https" && endpoint.Scheme != "http":
		return "", errors.New("must begin with https://")
	case endpoint.Scheme == "http" && !insecure && endpoint.Hostname() != "localhost" &&
		!net.ParseIP(endpoint.Hostname()).IsLoopback():
		return "", errors.New("must begin with https://, because http:// sends credentials in clear text. " +
			"http:// is accepted for loopback hosts, and for all hosts if insecure is true")
	}
	return strings.TrimSuffix(endpoint.String(), "/"), nil
}

// rootCAs returns the certificate authorities of the system and of cacert_file; nil if cacert_file is not set.
func (c *configuration) rootCAs() *x509.CertPool {
	set := c.lookup("cacert_file")
	if set.text == "" {
		return nil
	}
	pem := []byte(set.text)
	if !strings.Contains(set.text, "-----BEGIN") {
		content, err := auth.ReadFile(set.text)
		if err != nil {
			c.errorf(set, "Unreadable certificate file", "Error reading the certificates: %s.\n\n"+
				"Set cacert_file (%s) to the path of a file, or to certificates in PEM format.", err, set.orVariables())
			return nil
		}
		pem = content
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // The system has none.
	}
	if !pool.AppendCertsFromPEM(pem) {
		c.errorf(set, "No certificate", "cacert_file (%s) contains no certificate in PEM format, which begins with "+
			"-----BEGIN CERTIFICATE-----.", set.orVariables())
	}
	return pool
}
