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
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
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
	failure, ok := errors.AsType[*servicestage.Error](err)
	if !ok {
		return fmt.Sprintf("Error %s: %s.", operation, rest.Sanitize(err.Error(), maxCause))
	}
	if len(advice) == 0 {
		advice = adviceFor(failure)
	}
	paragraphs := append([]string{fmt.Sprintf("Error %s: %s.", operation, strings.TrimSuffix(what(failure), "."))}, advice...)
	return strings.Join(append(paragraphs, facts(failure)), "\n\n")
}

// noCredentials is the text for an operation that was not begun, because who asks for it could not be proven.
func noCredentials(operation string, failed *auth.Error) string {
	cause, advice, last := rest.Sanitize(failed.Err.Error(), maxCause), []string{failed.Advice}, ""
	if failure, ok := errors.AsType[*servicestage.Error](failed.Err); ok {
		cause, advice, last = said(failure), loginAdvice(failure, failed), facts(failure)
		if failure.Stopped != nil {
			cause += cmp.Or(requestedWait(failure), " (for too long)")
		}
	}
	if failed.Tried != "" {
		cause = failed.Tried + ": " + cause
	}
	paragraphs := []string{fmt.Sprintf("Error %s, %s: %s.", operation, failed.Doing, strings.TrimSuffix(cause, "."))}
	for _, paragraph := range append(advice, last) {
		if paragraph != "" {
			paragraphs = append(paragraphs, paragraph)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// loginAdvice is what to do about an answer of IAM. What it was asked for matters only where it has looked at that.
func loginAdvice(failure *servicestage.Error, failed *auth.Error) []string {
	if failed.Tried != "" {
		return []string{failed.Advice} // The metadata service is not IAM.
	}
	switch failure.Code {
	case "APIGW.0301", "APIGW.0307", "APIGW.0308":
		return adviceFor(failure)
	}
	const endpoint = "the provider's region, cloud and auth_url, or endpoints.iam"
	switch {
	case failure.StatusCode == 0:
		return []string{"Identity and access management (IAM) was not reached. Check the network and its proxies, and " + endpoint + "."}
	case failure.StatusCode/100 == 5, failure.StatusCode == http.StatusTooManyRequests:
		return []string{"Identity and access management (IAM) is busy or out of order, which says nothing of the credentials. Try again later."}
	case failure.StatusCode/100 == 3:
		return []string{"Set endpoints.iam to the final URL."}
	case failure.StatusCode/100 != 4:
		return []string{"This is no answer of identity and access management (IAM). Check " + endpoint + "."}
	}
	advice := []string{failed.Advice}
	if skew, ok := clockSkew(failure); ok && failure.StatusCode == http.StatusUnauthorized {
		advice = append(advice, skew)
	}
	return advice
}

// what says what came back, or why nothing did, and why that was the end.
func what(failure *servicestage.Error) string {
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
func requestedWait(failure *servicestage.Error) string {
	wait, ok := errors.AsType[*rest.WaitError](failure.Stopped)
	if !ok || wait.Wait > failure.RetryAfter {
		return ""
	}
	return fmt.Sprintf(" (Retry-After requests another %s, and the operation has %s left)", wait.Wait.Round(time.Second), wait.Left.Round(time.Second))
}

// said is what came back, or why nothing did.
func said(failure *servicestage.Error) string {
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
func facts(failure *servicestage.Error) string {
	list := []string{"Endpoint: " + failure.Host}
	if failure.RequestID != "" {
		list = append(list, "request id: "+failure.RequestID)
	}
	if failure.Attempts > 1 {
		list = append(list, fmt.Sprintf("tries: %d", failure.Attempts))
	}
	return strings.Join(list, ", ")
}

// adviceFor is one paragraph on what to do, or nothing where there is nothing to say for certain.
func adviceFor(failure *servicestage.Error) []string {
	switch failure.Code {
	case "APIGW.0101":
		return []string{"The Build API is not published at this endpoint. Check the provider's region, and endpoints.servicestage if you set it."}
	case "APIGW.0301":
		if skew, ok := clockSkew(failure); ok {
			return []string{skew}
		}
		return []string{"The credentials are wrong. Check the provider's token, or its access_key, secret_key and security_token."}
	case "APIGW.0302":
		return []string{"The credentials are right but may not do this. Grant the IAM actions servicestage:assembling:* to their user."}
	case "APIGW.0307":
		return []string{"The token has expired (it lives 24 hours), or it was issued for another region. Get a new one for the provider's region."}
	case "APIGW.0308":
		return []string{"The service throttles. Run Terraform with a lower -parallelism, or raise the provider's max_retries."}
	}
	if failure.StatusCode/100 == 3 {
		return []string{"Set endpoints.servicestage to the final URL."}
	}
	if dns, ok := errors.AsType[*net.DNSError](failure.Err); ok && dns.IsNotFound && strings.HasPrefix(failure.Host, dns.Name) {
		return []string{"There is no such host: ServiceStage may not exist in the provider's region. Check region, or set endpoints.servicestage."}
	}
	if errors.Is(failure.Stopped, context.DeadlineExceeded) {
		return []string{"The timeouts block of the resource can allow more time."}
	}
	return nil
}

func clockSkew(failure *servicestage.Error) (string, bool) {
	if failure.ServerTime.IsZero() || failure.LocalTime.Sub(failure.ServerTime).Abs() < maxClockSkew {
		return "", false
	}
	return fmt.Sprintf("A signature is good for minutes only, and the clocks differ: the server's says %s, the one here %s. Set the clock.",
		failure.ServerTime.UTC().Format(time.RFC3339), failure.LocalTime.UTC().Format(time.RFC3339)), true
}
