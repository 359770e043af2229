// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Error is a call that failed: an answer that says so, an answer that cannot be understood, or none at all.
type Error struct {
	// Method and Host say what was called; Host is host:port of the endpoint.
	Method, Host string
	// StatusCode is the HTTP status; 0 means that there was no complete answer.
	StatusCode int
	// Code is the service's own code, such as SVCSTG.CPE.5004401 or APIGW.0301; empty where the answer has none.
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

	retryAfter string
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
	failure.Code, failure.Message = described.code, described.message
	if failure.Code == strconv.Itoa(a.StatusCode) {
		failure.Code = "" // As IAM repeats it.
	}
	if failure.RequestID == "" {
		failure.RequestID = described.requestID
	}
	if a.StatusCode/100 == 3 {
		failure.Message = "the service redirects elsewhere, where credentials do not follow"
	}
	return failure
}

// isHTML is true of a page, such as that of a proxy.
func (a *answer) isHTML() bool { return bytes.HasPrefix(bytes.TrimSpace(a.body), []byte("<")) }

// error is an Error with what is known of every answer.
func (a *answer) error() *Error {
	failure := &Error{
		Method:     a.method,
		Host:       a.Request.URL.Host,
		StatusCode: a.StatusCode,
		RequestID:  a.Header.Get("X-Request-Id"),
		LocalTime:  a.now,
		Sent:       true,
		retryAfter: a.Header.Get("Retry-After"),
	}
	if date, err := http.ParseTime(a.Header.Get("Date")); err == nil {
		failure.ServerTime = date
	}
	return failure
}

// description is what an error body says. explicit means that it carries a non-empty error_code, which is an error under any
// status.
type description struct {
	code, message, requestID string
	explicit                 bool
}

// describe reads each envelope that Huawei Cloud's services use: flat, inside error{}, or the first element of an array.
func describe(body []byte) description {
	document, err := Decode(body)
	if err != nil {
		return description{message: excerpt(body)}
	}
	if list, ok := document.([]any); ok && len(list) > 0 {
		document = list[0]
	}
	object, ok := document.(map[string]any)
	if !ok {
		return description{message: excerpt(body)}
	}
	if inner, ok := object["error"].(map[string]any); ok {
		for key, value := range object {
			if _, taken := inner[key]; !taken {
				inner[key] = value
			}
		}
		object = inner
	}
	d := description{
		code:      Text(object, "error_code", "errorCode", "code"),
		message:   Text(object, "error_msg", "error_message", "errorMessage", "message", "detail"),
		requestID: Text(object, "request_id"),
		explicit:  Text(object, "error_code", "errorCode") != "",
	}
	if d.code == "" && d.message == "" {
		d.message = excerpt(body)
	}
	return d
}

// maxText bounds one member of an error body, in characters.
const maxText = 2048

// Text returns the first of the named members that is a non-empty string, or a number (a [json.Number]) other than 0, without
// control characters and cut at 2,048 characters; "" where there is none.
func Text(object map[string]any, names ...string) string {
	for _, name := range names {
		switch value := object[name].(type) {
		case string:
			if value != "" {
				return cut(strings.Map(func(r rune) rune {
					if unicode.IsControl(r) {
						return ' '
					}
					return r
				}, value), maxText)
			}
		case json.Number:
			if value != "0" {
				return cut(value.String(), maxText)
			}
		}
	}
	return ""
}

func cut(text string, characters int) string {
	if runes := []rune(text); len(runes) > characters {
		return string(runes[:characters]) + "…"
	}
	return text
}

// maxExcerpt bounds what is quoted of an answer that is no JSON, in characters.
const maxExcerpt = 512

// excerpt quotes what came instead of JSON, such as a proxy's HTML page, without its tags.
func excerpt(body []byte) string {
	if !utf8.Valid(body) {
		body = bytes.ToValidUTF8(body, []byte("�"))
	}
	var text strings.Builder
	inTag := false
	for _, r := range string(body) {
		switch {
		case r == '<':
			inTag = true
		case r == '>' && inTag:
			inTag = false
			text.WriteByte(' ')
		case !inTag:
			text.WriteRune(r)
		}
	}
	words := strings.Join(strings.Fields(text.String()), " ")
	if words == "" {
		return ""
	}
	return fmt.Sprintf("%q", cut(words, maxExcerpt))
}

// Decode decodes a document of unknown form, with its numbers as they are written, as [json.Number].
func Decode(document []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var decoded any
	err := decoder.Decode(&decoded)
	return decoded, err
}
