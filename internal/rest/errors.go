// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Error is a failed call: an error response, a response that could not be decoded, or no response. Its texts are safe
// to print: they contain no secret of the request and no invisible characters, and their length is limited.
type Error struct {
	// Method is the HTTP method, Host the endpoint's host, with its port if there is one.
	Method, Host string
	// StatusCode is the HTTP status; 0 if there was no complete response.
	StatusCode int
	// Code is the code of the error, such as APIGW.0301; empty if the response contains none.
	Code string
	// Message is the message of the error, or the beginning of a response that is not JSON.
	Message string
	// Location is the URL that a redirect leads to, without user, query and fragment; empty if there is none.
	Location string
	// RequestID identifies the request for the vendor's support; empty if the response contains none.
	RequestID string
	// ServerTime is the Date header of the response, LocalTime the time of the client's clock when it arrived; zero if
	// unknown.
	ServerTime, LocalTime time.Time
	// Credentials says which settings the credentials of the request come from; empty if the authenticator is no
	// [Describer].
	Credentials string
	// Attempts is the number of attempts; 0 if the call was stopped before the first one.
	Attempts int
	// Sent reports whether the request may have reached the service.
	Sent bool
	// Stopped is why another attempt was not sent: the context's error, or a [*WaitError]; nil if neither ended the
	// call.
	Stopped error
	// Err is why there was no response, or why it could not be decoded; nil for an error response. It wraps the error
	// of the standard library, such as [syscall.ECONNREFUSED], a [*net.DNSError], a [tls.RecordHeaderError] (the port
	// does not speak TLS) or a [*tls.CertificateVerificationError], or a [*ProxyError], unless the text of that
	// contains a secret or is longer than 64 KiB.
	Err error
	// RetryAfter is the wait that the response requests with its Retry-After header; 0 if it requests none.
	RetryAfter time.Duration
}

// Error returns method, host, status, code, message and causes in one line.
func (e *Error) Error() string {
	text := e.Method + " " + e.Host
	switch {
	case e.StatusCode != 0:
		text += ": " + strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.StatusCode, e.Code))
	case e.Err != nil:
		text += ": no response"
	default:
		text += ": not sent"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Stopped != nil {
		text += ": stopped: " + e.Stopped.Error()
	}
	return text
}

// Unwrap returns Err and Stopped, so that errors.Is finds the errors of the context.
func (e *Error) Unwrap() error { return errors.Join(e.Err, e.Stopped) }

// failure returns the error of an error response, and nil for any other. A response with status 2xx and an error code
// in its body is an error response, too.
func (r *response) failure() *Error {
	good := r.StatusCode/100 == 2
	if good && !bytes.Contains(r.body, []byte(`"error_code"`)) && !bytes.Contains(r.body, []byte(`"errorCode"`)) {
		return nil
	}
	object := describe(r.body)
	if good && member(object, "error_code", "errorCode") == "" {
		return nil
	}
	code := member(object, "error_code", "errorCode", "code")
	message := member(object, "error_msg", "error_message", "errorMessage", "message", "detail")
	failure := r.error()
	failure.Code = r.secrets.clean(code, maxCode)
	switch {
	case r.StatusCode/100 == 3:
		failure.Location = r.location()
		target := strings.TrimSuffix(" to "+failure.Location, " to ")
		failure.Message = "the endpoint redirects" + target + "; the provider does not follow redirects"
	case code == "" && message == "":
		failure.Message = r.excerpt()
	default:
		failure.Message = r.secrets.clean(message, maxMessage)
	}
	if failure.Code == strconv.Itoa(r.StatusCode) {
		failure.Code = "" // IAM repeats the status.
	}
	if failure.RequestID == "" {
		failure.RequestID = r.secrets.clean(member(object, "request_id"), maxRequestID)
	}
	return failure
}

// describe returns the members that describe an error, from each envelope of Huawei Cloud services: flat, inside
// error{}, or the first element of an array. It returns nil for another body.
func describe(body []byte) map[string]any {
	document, _ := Decode(body) // Another body is not described.
	if list, ok := document.([]any); ok && len(list) > 0 {
		document = list[0]
	}
	object, _ := document.(map[string]any)
	if inner, ok := object["error"].(map[string]any); ok {
		delete(object, "error")
		maps.Copy(object, inner)
	}
	return object
}

// location returns the target of a redirect without its user, query and fragment, which may be credentials for it; ""
// if it has none.
func (r *response) location() string {
	target, err := r.Location()
	if err != nil || target.Host == "" {
		return ""
	}
	target = &url.URL{Scheme: target.Scheme, Host: target.Host, Path: target.Path}
	return r.secrets.clean(target.String(), maxCause)
}

// isHTML reports whether the body is an HTML page, such as that of a proxy.
func (r *response) isHTML() bool { return bytes.HasPrefix(bytes.TrimSpace(r.body), []byte("<")) }

func (r *response) requestID() string {
	return r.secrets.clean(r.Header.Get("X-Request-Id"), maxRequestID)
}

// error returns an Error with the fields that every response has.
func (r *response) error() *Error {
	failure := &Error{
		Method:     r.Request.Method,
		Host:       r.Request.URL.Host,
		StatusCode: r.StatusCode,
		RequestID:  r.requestID(),
		LocalTime:  r.now,
		Sent:       true,
	}
	now := r.now
	if date, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		failure.ServerTime, now = date, date
	}
	failure.RetryAfter = retryAfter(r.Header.Get("Retry-After"), now)
	return failure
}

// Text returns a string, or a number (a [json.Number]) other than 0, sanitized and cut at 2,048 characters; "" for any
// other value.
func Text(value any) string { return Sanitize(unsafeText(value), maxMessage) }

func unsafeText(value any) string {
	if number, ok := value.(json.Number); ok && number != "0" {
		return number.String()
	}
	text, _ := value.(string)
	return text
}

// member returns the text of the first of the named members that has one, not sanitized; "" if there is none.
func member(object map[string]any, names ...string) string {
	for _, name := range names {
		if text := unsafeText(object[name]); text != "" {
			return text
		}
	}
	return ""
}

// tag is an HTML tag, also one that does not end.
var tag = regexp.MustCompile(`<[^>]*>?`)

// excerpt returns the quoted beginning of a body that is not JSON, such as a proxy's HTML page, without its tags; "" if
// nothing is left.
func (r *response) excerpt() string {
	text := tag.ReplaceAllString(r.secrets.redact(string(r.body)), " ")
	text = r.secrets.clean(strings.Join(strings.Fields(text), " "), maxExcerpt)
	if text == "" {
		return ""
	}
	return strconv.Quote(text)
}

// Decode decodes a document of unknown form, with its numbers as they are written, as [json.Number].
func Decode(document []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var decoded any
	err := decoder.Decode(&decoded)
	return decoded, err
}
