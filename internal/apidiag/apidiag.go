// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package apidiag renders an error of the ServiceStage API as a diagnostic with a cause and a remedy. It must not
// import the packages of resources.
package apidiag

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// maxCause limits the text of an error that is not one of the API, in characters.
const maxCause = 1024

// maxClockSkew is the difference of clocks that a message mentions; the gateway rejects signatures that are 15 minutes
// off.
const maxClockSkew = 5 * time.Minute

// Error returns an error diagnostic for err. The summary is a fixed sentence; operation is what failed for which
// object, such as `creating build job "app"`, or empty if it adds nothing to the summary. advice replaces the advice
// for the error's code.
func Error(summary, operation string, err error, advice ...string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(summary, Detail(operation, err, advice...))
}

// Detail returns the detail of [Error], for warnings and for errors with a path.
func Detail(operation string, err error, advice ...string) string {
	if failed, ok := errors.AsType[*auth.Error](err); ok {
		return withoutCredentials(operation, failed)
	}
	failure, ok := errors.AsType[*rest.Error](err)
	if !ok {
		return sentence(operation, rest.Sanitize(err.Error(), maxCause))
	}
	if len(advice) == 0 {
		advice = []string{adviceFor(failure)}
		if failure.StatusCode == http.StatusUnauthorized || failure.StatusCode == http.StatusForbidden {
			advice = append(advice, credentialsInUse(failure.Credentials))
		}
	}
	text := cause(failure, "operation")
	if operation == "" && failure.StatusCode == 0 {
		text = "the request failed: " + text
	}
	texts := append([]string{sentence(operation, text)}, advice...)
	return join("\n\n", append(texts, facts(failure))...)
}

// sentence returns the first paragraph of a detail: the operation, unless it is empty, and the cause.
func sentence(operation, cause string) string {
	cause = strings.TrimSuffix(cause, ".") + "."
	if operation == "" {
		return strings.ToUpper(cause[:1]) + cause[1:]
	}
	return "Error " + operation + ": " + cause
}

// join joins the texts that are not empty.
func join(separator string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(text string) bool { return text == "" }), separator)
}

// credentialsInUse names the settings that the credentials come from; "" if they are unknown.
func credentialsInUse(description string) string {
	if description == "" {
		return ""
	}
	return "Credentials in use: " + rest.Sanitize(description, maxCause) + "."
}

// withoutCredentials returns the detail for an operation whose credentials could not be obtained. Only the first of a
// run is complete.
func withoutCredentials(operation string, failed *auth.Error) string {
	step := rest.Sanitize(failed.Operation(), maxCause)
	if failed.Repeated() {
		return sentence(operation, step+" failed. Another error of this run explains the cause")
	}
	reason, advice, last := rest.Sanitize(failed.Err.Error(), maxCause), credentialsAdvice[failed.Step], ""
	if failure, ok := errors.AsType[*rest.Error](failed.Err); ok {
		reason, advice, last = cause(failure, "login"), loginAdvice(failure, failed.Step), facts(failure)
	} else if failed.Step == auth.FindProject {
		advice = "Set project_id, or check project_name, which defaults to the name of the region."
	}
	reason = sentence(operation, step+" failed: "+reason)
	return join("\n\n", reason, advice, credentialsInUse(failed.Source), last)
}

// credentialsAdvice names the arguments to check, by the step that IAM or the metadata service rejected.
var credentialsAdvice = map[auth.Step]string{
	auth.Login: "Check user_name or user_id, password, domain_name or domain_id, and project_name.",
	auth.AssumeAgency: "Check the name and the account of the agency. The credentials need the permission to assume " +
		"it: Agent Operator, or sts:agencies:assume if the account is set by its ID.",
	auth.ReadIDToken: "Check id_token_file.",
	auth.ExchangeIDToken: "Check idp_id, and that the ID token was issued by this identity provider and has not " +
		"expired.",
	auth.ExchangeToken: "Check that the token has not expired, and that its user has access to the project " +
		"(project_id or project_name).",
	auth.FindDomain:  "Set domain_id to the ID of the account that the access key belongs to.",
	auth.FindProject: "Set project_id, or grant the credentials the permission to list projects.",
	auth.ReadMetadata: "The metadata service exists only on cloud servers (ECS) with an agency. On other machines, " +
		"set access_key and secret_key (HW_ACCESS_KEY and HW_SECRET_KEY) or other credentials. " +
		"HW_METADATA_DISABLED=true disables the metadata service.",
}

const iamEndpoint = "region, cloud and auth_url (HW_AUTH_URL), or endpoints.iam and endpoints.sts"

// loginAdvice returns the remedy for an error of IAM. The credentials matter only if IAM has checked them.
func loginAdvice(failure *rest.Error, step auth.Step) string {
	advice := credentialsAdvice[step]
	switch {
	case step == auth.ReadMetadata: // The metadata service is not IAM.
		return advice
	case failure.Code == "APIGW.0301", failure.Code == "APIGW.0307", failure.Code == "APIGW.0308":
		return adviceFor(failure)
	case failure.StatusCode == 0:
		return cmp.Or(connectionAdvice(failure.Err, "endpoints.iam (HW_IAM_ENDPOINT) or auth_url (HW_AUTH_URL)"),
			"Identity and access management (IAM) could not be reached. Check the network and its proxies, and "+
				iamEndpoint+".")
	case failure.StatusCode/100 == 5, failure.StatusCode == http.StatusTooManyRequests:
		return "Identity and access management (IAM) is unavailable and has not checked the credentials. " +
			"Try again later."
	case failure.StatusCode/100 == 3:
		return redirectAdvice(failure, "endpoints.iam (HW_IAM_ENDPOINT)", "/v3")
	case failure.StatusCode/100 != 4:
		return "The response does not come from identity and access management (IAM). Check " + iamEndpoint + "."
	case failure.StatusCode == http.StatusUnauthorized:
		return join("\n\n", advice, clockSkew(failure))
	}
	return advice
}

// cause returns the response, or why there is none, and why the request was not sent again. task names what may have no
// time left.
func cause(failure *rest.Error, task string) string {
	text := response(failure)
	switch {
	case errors.Is(failure.Stopped, context.Canceled):
		text += " (interrupted)"
	case failure.Stopped != nil:
		text += cmp.Or(requestedWait(failure), " (the time for the "+task+" is over)")
	}
	return text
}

// requestedWait reports that the service requested a longer wait than the operation has time for; "" if it did not.
func requestedWait(failure *rest.Error) string {
	wait, ok := errors.AsType[*rest.WaitError](failure.Stopped)
	if !ok || wait.Wait > failure.RetryAfter {
		return ""
	}
	return fmt.Sprintf(" (Retry-After requests a wait of %s, but the operation has %s left)",
		wait.Wait.Round(time.Second), wait.Left.Round(time.Second))
}

// response returns status, code and message of the response, or why there is none.
func response(failure *rest.Error) string {
	status, reason := "", ""
	if failure.StatusCode != 0 {
		status = fmt.Sprintf("HTTP %d", failure.StatusCode)
	}
	switch {
	case failure.Err != nil:
		reason = failure.Err.Error()
	case failure.StatusCode == 0:
		reason = "the request was not sent"
	case failure.Code == "" && failure.Message == "":
		reason = "the response contains no message"
	}
	return join(": ", status, failure.Code, failure.Message, reason)
}

// facts returns what the vendor's support needs.
func facts(failure *rest.Error) string {
	list := []string{"Endpoint: " + failure.Host}
	if failure.RequestID != "" {
		list = append(list, "request ID: "+failure.RequestID)
	}
	if failure.Attempts > 1 {
		list = append(list, fmt.Sprintf("attempts: %d", failure.Attempts))
	}
	return strings.Join(list, ", ")
}

const serviceEndpoint = "endpoints.servicestage (HW_SERVICESTAGE_ENDPOINT)"

// adviceFor returns the remedy for an error of ServiceStage; "" if none is certain.
func adviceFor(failure *rest.Error) string {
	switch failure.Code {
	case "APIGW.0101":
		return "The Build API is not published at this endpoint. Check region (HW_REGION_NAME), and " +
			serviceEndpoint + " if it is set."
	case "APIGW.0301":
		return cmp.Or(clockSkew(failure), "The credentials are not valid. Correct or replace them.")
	case "APIGW.0302":
		return fmt.Sprintf("The credentials are valid, but lack the permission %s. Grant it to the IAM user or agency.",
			servicestage.Permission(failure.Method))
	case "APIGW.0307":
		return "The token has expired, or it was issued for another region. Tokens expire after 24 hours. " +
			"Get a new token in the provider's region, or remove the token to use other credentials."
	case "APIGW.0308":
		return "ServiceStage limits the rate of requests. Run Terraform with a lower -parallelism, or raise " +
			"max_retries (HW_MAX_RETRIES)."
	}
	switch {
	case errors.Is(failure.Stopped, context.Canceled):
		return ""
	case errors.Is(failure.Stopped, context.DeadlineExceeded):
		return "Try again later, or raise the timeout in the timeouts block."
	case failure.StatusCode/100 == 3:
		return redirectAdvice(failure, serviceEndpoint, "/assembling/")
	case failure.StatusCode == 0 && failure.Err != nil:
		return cmp.Or(connectionAdvice(failure.Err, serviceEndpoint),
			"ServiceStage could not be reached. Check the network and its proxies, region (HW_REGION_NAME), and "+
				serviceEndpoint+" if it is set.")
	case failure.StatusCode/100 == 5 && failure.Code == "":
		return "ServiceStage, or a proxy before it, is unavailable. Try again later."
	case failure.Code == "" && strings.HasPrefix(failure.Message, `"`): // An excerpt of a page.
		return "The response does not come from ServiceStage. Check " + serviceEndpoint +
			", and whether a proxy or firewall blocks the request."
	}
	return ""
}

// connectionAdvice returns the remedy if there is no connection; "" if the cause is unknown. endpoint names the
// arguments to set.
func connectionAdvice(err error, endpoint string) string {
	var (
		host        *net.DNSError
		plainText   tls.RecordHeaderError
		certificate *tls.CertificateVerificationError
		proxy       *rest.ProxyError
		dial        *net.OpError
	)
	switch {
	case errors.As(err, &proxy), errors.As(err, &dial) && dial.Op == "proxyconnect":
		return "The connection goes through a proxy. Check the environment variables HTTPS_PROXY and NO_PROXY, and " +
			"that the proxy permits the endpoint."
	case errors.As(err, &host) && host.IsNotFound:
		return "This host does not exist. Check region (HW_REGION_NAME), and " + endpoint + " if it is set. " +
			"The service is not available in every region."
	case errors.As(err, &plainText):
		return "The port does not use TLS. Check host and port of " + endpoint +
			". For an endpoint without TLS, use http://, which is accepted for loopback hosts, and for all hosts " +
			"if insecure is true."
	case errors.As(err, &certificate):
		return "Set cacert_file (HW_CACERT_FILE) to the certificates of the authority that issued the certificate " +
			"of the endpoint. For tests, insecure accepts any certificate."
	case errors.Is(err, syscall.ECONNREFUSED):
		return "The host accepts no connections on this port. Check region (HW_REGION_NAME), and " + endpoint +
			" if it is set."
	}
	return ""
}

// redirectAdvice returns the remedy for a redirect. The path of the API begins with root.
func redirectAdvice(failure *rest.Error, endpoint, root string) string {
	target, _, found := strings.Cut(failure.Location, root)
	if !found {
		return "The response may come from a proxy or firewall. If the endpoint has moved, set " + endpoint +
			" to its new URL."
	}
	return fmt.Sprintf("If the endpoint has moved, set %s to %s.", endpoint, target)
}

// clockSkew reports that the clocks differ; "" if they do not, or if it is unknown.
func clockSkew(failure *rest.Error) string {
	if failure.ServerTime.IsZero() || failure.LocalTime.Sub(failure.ServerTime).Abs() < maxClockSkew {
		return ""
	}
	return fmt.Sprintf("Signatures are valid for a few minutes only, and the clocks differ: the server's time is %s, "+
		"the local time is %s. Correct the local clock.",
		failure.ServerTime.UTC().Format(time.RFC3339), failure.LocalTime.UTC().Format(time.RFC3339))
}
