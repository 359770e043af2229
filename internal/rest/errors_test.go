// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

func TestError_envelopes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, body, code, message, requestID string }{
		{"error_msg", `{"error_code":"APIGW.0301","error_msg":"m","request_id":"r1"}`, "APIGW.0301", "m", "r1"},
		{"error_message", `{"error_code":"C","error_message":"m"}`, "C", "m", ""},
		{"camel case", `{"errorCode":"C","errorMessage":"m"}`, "C", "m", ""},
		{"code and message", `{"code":"C","message":"m"}`, "C", "m", ""},
		{"detail", `{"code":"C","detail":"m"}`, "C", "m", ""},
		{"first of several", `{"code":"c","error_code":"a","message":"z","error_msg":"y"}`, "a", "y", ""},
		{"empty before full", `{"error_code":"","code":"C","error_msg":"","message":"m"}`, "C", "m", ""},
		{"nested", `{"error":{"code":"C","message":"m"},"request_id":"r2"}`, "C", "m", "r2"},
		{"nested request id", `{"error":{"error_code":"C","error_msg":"m","request_id":"r3"}}`, "C", "m", "r3"},
		{"array", `[{"error_code":"C","error_msg":"m"},{"error_code":"D","error_msg":"n"}]`, "C", "m", ""},
		{"code that repeats the status", `{"error":{"code":403,"message":"m"}}`, "", "m", ""},
		{"numeric code", `{"code":12345678901234567890}`, "12345678901234567890", "", ""},
		{"message alone", `{"message":"m"}`, "", "m", ""},
		{"members of other types", `{"error_code":{},"error_msg":["a"],"message":"m"}`, "", "m", ""},
		{"other JSON object", `{"fault":true}`, "", `"{\"fault\":true}"`, ""},
		{"empty array", `[]`, "", `"[]"`, ""},
		{"HTML", "<title>Bad</title>\n<body class='x'><h1>Gate\tway</h1></body>", "", `"Bad Gate way"`, ""},
		{"tags alone", `<br><br>`, "", "", ""},
		{"plain text", "upstream\r\nis  down \x1b[31m", "", `"upstream is down "`, ""},
		{"512 characters", strings.Repeat("é", 512), "", `"` + strings.Repeat("é", 512) + `"`, ""},
		{"513 characters", strings.Repeat("é", 513), "", `"` + strings.Repeat("é", 512) + `…"`, ""},
		{"cut after the tags", strings.Repeat("<b>x</b>", 600), "", `"` + strings.Repeat("x ", 256) + `…"`, ""},
		{"empty body", "", "", "", ""},
		{"cut off JSON", `{"error_code":`, "", `"{\"error_code\":"`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			failure := do(t, serve(t, respond(http.StatusForbidden, test.body)).client(t), get)
			equal(t, "status", failure.StatusCode, 403)
			equal(t, "code", failure.Code, test.code)
			equal(t, "message", failure.Message, test.message)
			equal(t, "request ID", failure.RequestID, test.requestID)
			equal(t, "cause", failure.Err, nil)
			text := strings.TrimSuffix("GET "+failure.Host+": HTTP 403 "+test.code, " ") + ": " + test.message
			equal(t, "text", failure.Error(), strings.TrimSuffix(text, ": "))
		})
	}
}

// A response with status 200 is an error only if it contains an error code or is not JSON.
func TestError_goodStatus(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"error_code":"C","error_msg":"m","a":1}`: "HTTP 200 C: m",
		`{"errorCode":"C","a":1}`:                  "HTTP 200 C",
		`{"error_code":"","a":1}`:                  "",
		`{"error_code":null,"a":1}`:                "",
		`{"code":"C","message":"m","a":1}`:         "",
		`{"a":1,"inner":{"error_code":"C"}}`:       "",
		`{"a":1,"text":"\"error_code\""}`:          "",
		`<html><h1>Sign in</h1></html>`:            `HTTP 200: "Sign in": the response is not the documented JSON`,
		`{"a":1`:                                   `HTTP 200: "{\"a\":1": the response is not the documented JSON`,
		`{"a":1}{"a":1}`:                           "the response is not the documented JSON",
		``:                                         "the response is not the documented JSON",
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			var out struct{ A int }
			_, err := serve(t, respond(200, body, "X-Request-Id: r")).client(t).Do(t.Context(), get, &out)
			if want == "" {
				equal(t, "error", err, nil)
				equal(t, "decoded", out.A, 1)
				return
			}
			failure := failureOf(t, err)
			if !strings.Contains(err.Error(), want) || failure.StatusCode != http.StatusOK ||
				failure.RequestID != "r" || failure.Attempts != 1 || !failure.Sent {
				t.Errorf("got %+v, want %s", failure, want)
			}
		})
	}
}

// A call without a result accepts any good response, but no page of a proxy: it did not delete or update anything.
func TestError_goodStatusWithoutResult(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{"": true, "OK": true, "null": true, "<html>Sign in</html>": false} {
		failure := do(t, serve(t, respond(http.StatusOK, body)).client(t), rest.Call{Method: http.MethodDelete})
		if isGood := failure == nil; isGood != want || !isGood && failure.Message != `"Sign in"` {
			t.Errorf("%q: got %v, want %v", body, failure, want)
		}
	}
}

func TestError_requestIDAndTimes(t *testing.T) {
	t.Parallel()
	server := serve(t,
		respond(403, `{"request_id":"body"}`, "X-Request-Id: header", "Date: Fri, 02 Jan 2026 02:00:00 GMT"),
		respond(403, "", "Date: yesterday"))
	client := server.client(t, new(clock).set)
	failure := do(t, client, get)
	equal(t, "request ID", failure.RequestID, "header")
	equal(t, "time of the server", failure.ServerTime, time.Date(2026, 1, 2, 2, 0, 0, 0, time.UTC))
	equal(t, "local time", failure.LocalTime, now)
	equal(t, "time of the server without a valid date", do(t, client, get).ServerTime, time.Time{})
}

// A random body of an error is shown shortened and as valid UTF-8.
func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `{"error_code":"SVC.1","error_msg":"m"}`, `{"error":{"code":404,"message":"m"}}`,
		`[{"errorCode":"C"}]`, `<html><h1>Bad Gateway</h1></html>`, "\xff\xfe<", `{"error_msg":"\ud800"}`,
		`{"total":1e999}`,
		strings.Repeat("[", 20000), strings.Repeat("\U0001F600", 600),
	} {
		for _, status := range []uint16{200, 204, 302, 404, 429, 502, 799} {
			f.Add(status, []byte(body))
		}
	}
	var handler http.HandlerFunc
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler(w, r) }))
	f.Cleanup(server.Close)
	client, err := rest.New(rest.Config{Endpoint: server.URL})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		want := 200 + int(status)%800
		handler = respond(want, string(body))
		var out json.RawMessage
		_, err := client.Do(t.Context(), get, &out)
		failure := failureOf(t, err)
		if failure == nil {
			return
		}
		if failure.StatusCode != want || failure.Attempts != 1 {
			t.Errorf("got status %d after %d attempts, want %d after 1", failure.StatusCode, failure.Attempts, want)
		}
		for _, text := range []string{err.Error(), failure.Code, failure.Message, failure.RequestID} {
			// Quoting an excerpt takes ten bytes for a character, a replacement character three for a byte.
			if limit := 8192 + 3*len(body); !utf8.ValidString(text) || len(text) > limit {
				t.Errorf("want valid UTF-8 of at most %d bytes, got %d: %.200q", limit, len(text), text)
			}
		}
	})
}
