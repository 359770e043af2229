// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Error is a call that failed: an answer that says so, an answer that cannot be understood, or none at all. Its texts are safe to
// print: they contain no secret of the request, have no invisible characters, and are of bounded length.
type Error struct {
	// Method and Host say what was called; Host is host:port of the endpoint.
	Method, Host string
	// StatusCode is the HTTP status; 0 means that there was no complete answer.
	StatusCode int
	// Code is the code of the error, such as APIGW.0301; empty if the response contains none.
	Code string
	// Message is the service's own text, or the beginning of an answer that is not JSON.
	Message string
	// RequestID is what the vendor's support asks for; empty where the answer has none.
	RequestID string
	// ServerTime is the answer's Date header, LocalTime the clock here when it came; both zero where unknown.
	ServerTime, LocalTime time.Time
	// Attempts is how many times the call was sent.
	Attempts int
	// Sent is whether the request may have reached the service; false means that it surely did not.
	Sent bool
	// Stopped is why no further attempt was made although one was due: the context's error. Nil otherwise.
	Stopped error
	// Err is the cause where there was no answer or none that could be understood; nil where the service answered.
	Err error
	// RetryAfter is the wait that the response requests with its Retry-After header; 0 if it requests none.
	RetryAfter time.Duration
}

// Error says all that is known in one line.
func (e *Error) Error() string {
	var parts []string
	switch {
	case e.StatusCode != 0:
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("HTTP %d %s", e.StatusCode, e.Code)))
		if e.Message != "" {
			parts = append(parts, e.Message)
		}
		if e.Err != nil {
			parts = append(parts, e.Err.Error())
		}
	case e.Err != nil:
		parts = append(parts, "no answer: "+e.Err.Error())
	default:
		parts = append(parts, "not sent")
	}
	if e.Stopped != nil {
		parts = append(parts, "stopped: "+e.Stopped.Error())
	}
	return e.Method + " " + e.Host + ": " + strings.Join(parts, ": ")
}

// Unwrap returns what lies beneath, so that errors.Is finds the context's errors.
func (e *Error) Unwrap() []error {
	var causes []error
	for _, err := range []error{e.Err, e.Stopped} {
		if err != nil {
			causes = append(causes, err)
		}
	}
	return causes
}

// failure is the error that an answer stands for; nil where it is a good one. A good status with an error code in the body
// is a failure too.
func (a *answer) failure() *Error {
	good := a.StatusCode >= 200 && a.StatusCode <= 299
	if good && !bytes.Contains(a.body, []byte(`"error_code"`)) && !bytes.Contains(a.body, []byte(`"errorCode"`)) {
		return nil
	}
	described := describe(a.body)
	if good && !described.explicit {
		return nil
	}
	failure := a.error()
	failure.Code = a.secrets.clean(described.code, maxCode)
	switch {
	case a.StatusCode/100 == 3:
		failure.Message = a.redirect()
	case described.code == "" && described.message == "":
		failure.Message = a.excerpt()
	default:
		failure.Message = a.secrets.clean(described.message, maxMessage)
	}
	if failure.Code == strconv.Itoa(a.StatusCode) {
		failure.Code = "" // As IAM repeats it.
	}
	if failure.RequestID == "" {
		failure.RequestID = a.secrets.clean(described.requestID, maxRequestID)
	}
	return failure
}

// redirect names the target of a redirect without its user, query and fragment, which may be credentials for it.
func (a *answer) redirect() string {
	target, err := a.Location()
	if err != nil || target.Host == "" {
		return "the endpoint redirects, and the provider does not follow redirects"
	}
	target = &url.URL{Scheme: target.Scheme, Host: target.Host, Path: target.Path}
	return a.secrets.clean(fmt.Sprintf("the endpoint redirects to %s; the provider does not follow redirects", target), maxMessage)
}

// isHTML is true of a page, such as that of a proxy.
func (a *answer) isHTML() bool { return bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")) }

func (a *answer) requestID() string {
	return a.secrets.clean(a.Header.Get("X-Request-Id"), maxRequestID)
}

// error is an Error with what is known of every answer.
func (a *answer) error() *Error {
	failure := &Error{
		Method:     a.method,
		Host:       a.Request.URL.Host,
		StatusCode: a.StatusCode,
		RequestID:  a.requestID(),
		LocalTime:  a.now,
		Sent:       true,
	}
	now := a.now
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		failure.ServerTime, now = date, date
	}
	failure.RetryAfter = retryAfter(a.Header.Get("Retry-After"), now)
	return failure
}

// description is what an error body says. explicit means that it carries a non-empty error_code, which is an error under any
// status.
type description struct {
	code, message, requestID string
	explicit                 bool
}

// describe reads each envelope that Huawei Cloud's services use: flat, inside error{}, or the first element of an array. Neither code
// nor message means that the body is none of them.
func describe(body []byte) description {
	document, err := Decode(body)
	if err != nil {
		return description{}
	}
	if list, ok := document.([]any); ok && len(list) > 0 {
		document = list[0]
	}
	object, ok := document.(map[string]any)
	if !ok {
		return description{}
	}
	if inner, ok := object["error"].(map[string]any); ok {
		for key, value := range object {
			if _, taken := inner[key]; !taken {
				inner[key] = value
			}
		}
		object = inner
	}
	return description{
		code:      member(object, "error_code", "errorCode", "code"),
		message:   member(object, "error_msg", "error_message", "errorMessage", "message", "detail"),
		requestID: member(object, "request_id"),
		explicit:  member(object, "error_code", "errorCode") != "",
	}
}

// Text returns the first of the named members that is a non-empty string, or a number (a [json.Number]) other than 0, sanitized and
// cut at 2,048 characters; "" if there is none.
func Text(object map[string]any, names ...string) string {
	return Sanitize(member(object, names...), maxMessage)
}

func member(object map[string]any, names ...string) string {
	for _, name := range names {
		switch value := object[name].(type) {
		case string:
			if value != "" {
				return value
			}
		case json.Number:
			if value != "0" {
				return value.String()
			}
		}
	}
	return ""
}

// tag is an HTML tag, also one that does not end.
var tag = regexp.MustCompile(`<[^>]*>?`)

// excerpt quotes the beginning of a body that is not JSON, such as a proxy's HTML page, without its tags; "" if nothing is left.
func (a *answer) excerpt() string {
	text := tag.ReplaceAllString(a.secrets.beginning(string(a.body)), " ")
	text = a.secrets.clean(strings.Join(strings.Fields(text), " "), maxExcerpt)
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
