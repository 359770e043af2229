// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package apidiag renders an error of the ServiceStage API as a diagnostic that somebody can act on.
package apidiag

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// maxCause bounds the text of an error that is not one of the API, in characters.
const maxCause = 1024

// maxClockSkew is the difference of clocks that is worth a word; the gateway refuses signatures that are 15 minutes off.
const maxClockSkew = 5 * time.Minute

// Error renders err. The summary is a fixed sentence; operation says what was done to which object, such as
// `creating build job "app"`. advice, where it is not empty, replaces what is known of the error's code.
func Error(summary, operation string, err error, advice ...string) diag.Diagnostic {
	return diag.NewErrorDiagnostic(summary, Detail(operation, err, advice...))
}

// Detail is the text of [Error], for warnings and for errors with a path.
func Detail(operation string, err error, advice ...string) string {
	if failed, ok := errors.AsType[*auth.Error](err); ok {
		return noCredentials(operation, failed)
	}
	failure, ok := errors.AsType[*rest.Error](err)
	if !ok {
		return fmt.Sprintf("Error %s: %s.", operation, rest.Sanitize(err.Error(), maxCause))
	}
	if len(advice) == 0 {
		advice = []string{adviceFor(failure)}
		if failure.StatusCode == http.StatusUnauthorized || failure.StatusCode == http.StatusForbidden {
			advice = append(advice, credentialsInUse(failure.Credentials))
		}
	}
	return paragraphs(fmt.Sprintf("Error %s: %s.", operation, strings.TrimSuffix(what(failure), ".")), append(advice, facts(failure))...)
}

// paragraphs joins those that are not empty.
func paragraphs(first string, others ...string) string {
	others = slices.DeleteFunc(others, func(paragraph string) bool { return paragraph == "" })
	return strings.Join(append([]string{first}, others...), "\n\n")
}

// credentialsInUse names the settings that the credentials come from; "" if they are unknown.
func credentialsInUse(description string) string {
	if description == "" {
		return ""
	}
	return "Credentials in use: " + rest.Sanitize(description, maxCause) + "."
}

// noCredentials is the text for an operation that needs credentials which could not be had.
func noCredentials(operation string, failed *auth.Error) string {
	cause, advice, last := rest.Sanitize(failed.Err.Error(), maxCause), credentialsAdvice(failed, false), ""
	if failure, ok := errors.AsType[*rest.Error](failed.Err); ok {
		cause, advice, last = said(failure), loginAdvice(failure, failed), facts(failure)
		if failure.Stopped != nil {
			cause += cmp.Or(requestedWait(failure), " (for too long)")
		}
	}
	return paragraphs(fmt.Sprintf("Error %s, %s: %s.", operation, rest.Sanitize(failed.Operation(), maxCause), strings.TrimSuffix(cause, ".")),
		advice, credentialsInUse(failed.Source), last)
}

// credentialsAdvice says which settings to check. rejected is true if IAM or the metadata service rejected the request.
func credentialsAdvice(failed *auth.Error, rejected bool) string {
	switch failed.Step {
	case auth.Login:
		return "Check the provider's user_name or user_id, password, domain_name or domain_id, and project_name."
	case auth.AssumeAgency:
		return "Check the agency's name and account, and that the credentials may use it (Agent Operator, or sts:agencies:assume with the ID of the account)."
	case auth.ReadIDToken:
		return "Check id_token_file."
	case auth.ExchangeIDToken:
		return "Check idp_id, and that the ID token is one of this identity provider and has not expired."
	case auth.ExchangeToken:
		return "Check that the token has not expired, and that its user has access to the project (project_id, else project_name)."
	case auth.FindDomain:
		return "Set domain_id to the ID of the account that the access key belongs to."
	case auth.FindProject:
		if !rejected {
			return "Check project_name, which is the region's name by default, or set project_id."
		}
		return "Check that the credentials may list projects, or set project_id, which does without the look-up."
	case auth.ReadMetadata:
		return "The metadata service is that of a cloud server with an agency. Anywhere else, set credentials; HW_METADATA_DISABLED=true leaves it out."
	}
	return ""
}

// loginAdvice is what to do about a response of IAM. The settings matter only if IAM has examined them.
func loginAdvice(failure *rest.Error, failed *auth.Error) string {
	if failed.Step == auth.ReadMetadata {
		return credentialsAdvice(failed, true) // The metadata service is not IAM.
	}
	switch failure.Code {
	case "APIGW.0301", "APIGW.0307", "APIGW.0308":
		return adviceFor(failure)
	}
	const endpoint = "the provider's region, cloud and auth_url, or endpoints.iam and endpoints.sts"
	switch {
	case failure.StatusCode == 0:
		return "Identity and access management (IAM) was not reached. Check the network and its proxies, and " + endpoint + "."
	case failure.StatusCode/100 == 5, failure.StatusCode == http.StatusTooManyRequests:
		return "Identity and access management (IAM) is busy or out of order, which says nothing of the credentials. Try again later."
	case failure.StatusCode/100 == 3:
		return "Set endpoints.iam to the final URL."
	case failure.StatusCode/100 != 4:
		return "This is no response of identity and access management (IAM). Check " + endpoint + "."
	}
	advice := credentialsAdvice(failed, true)
	if skew := clockSkew(failure); skew != "" && failure.StatusCode == http.StatusUnauthorized {
		advice += "\n\n" + skew
	}
	return advice
}

// what says what came back, or why nothing did, and why that was the end.
func what(failure *rest.Error) string {
	text := said(failure)
	switch {
	case errors.Is(failure.Stopped, context.Canceled):
		text += " (interrupted)"
	case failure.Stopped != nil:
		text += cmp.Or(requestedWait(failure), " (the time for the operation is over)")
	}
	return text
}

// requestedWait says that the service requested a wait for which the operation had no time; "" if it did not.
func requestedWait(failure *rest.Error) string {
	wait, ok := errors.AsType[*rest.WaitError](failure.Stopped)
	if !ok || wait.Wait > failure.RetryAfter {
		return ""
	}
	return fmt.Sprintf(" (Retry-After requests another %s, and the operation has %s left)", wait.Wait.Round(time.Second), wait.Left.Round(time.Second))
}

// said is what came back, or why nothing did.
func said(failure *rest.Error) string {
	var parts []string
	if failure.StatusCode != 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", failure.StatusCode))
	}
	for _, part := range []string{failure.Code, failure.Message} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	switch {
	case failure.Err != nil:
		parts = append(parts, failure.Err.Error())
	case failure.StatusCode == 0:
		parts = append(parts, "the request was not sent")
	case failure.Code == "" && failure.Message == "":
		parts = append(parts, "the answer says no more")
	}
	return strings.Join(parts, ": ")
}

// facts is what the vendor's support asks for.
func facts(failure *rest.Error) string {
	list := []string{"Endpoint: " + failure.Host}
	if failure.RequestID != "" {
		list = append(list, "request id: "+failure.RequestID)
	}
	if failure.Attempts > 1 {
		list = append(list, fmt.Sprintf("tries: %d", failure.Attempts))
	}
	return strings.Join(list, ", ")
}

// adviceFor is one paragraph on what to do; "" if nothing is certain.
func adviceFor(failure *rest.Error) string {
	switch failure.Code {
	case "APIGW.0101":
		return "The Build API is not published at this endpoint. Check the provider's region, and endpoints.servicestage if you set it."
	case "APIGW.0301":
		return cmp.Or(clockSkew(failure), "The credentials are wrong.")
	case "APIGW.0302":
		return "The credentials are right but may not do this. Grant the IAM actions servicestage:assembling:* to their user."
	case "APIGW.0307":
		return "The token has expired (it lives 24 hours), or it was issued for another region. Get a new one for the provider's region."
	case "APIGW.0308":
		return "The service throttles. Run Terraform with a lower -parallelism, or raise the provider's max_retries."
	}
	if failure.StatusCode/100 == 3 {
		return "Set endpoints.servicestage to the final URL."
	}
	if dns, ok := errors.AsType[*net.DNSError](failure.Err); ok && dns.IsNotFound && strings.HasPrefix(failure.Host, dns.Name) {
		return "There is no such host: ServiceStage may not exist in the provider's region. Check region, or set endpoints.servicestage."
	}
	if errors.Is(failure.Stopped, context.DeadlineExceeded) {
		return "The timeouts block of the resource can allow more time."
	}
	return ""
}

// clockSkew says that the clocks differ; "" if they do not, or if it is unknown.
func clockSkew(failure *rest.Error) string {
	if failure.ServerTime.IsZero() || failure.LocalTime.Sub(failure.ServerTime).Abs() < maxClockSkew {
		return ""
	}
	return fmt.Sprintf("A signature is good for minutes only, and the clocks differ: the server's says %s, the one here %s. Set the clock.",
		failure.ServerTime.UTC().Format(time.RFC3339), failure.LocalTime.UTC().Format(time.RFC3339))
}
