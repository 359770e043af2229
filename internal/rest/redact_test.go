// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// canary is a secret with characters that each escaping changes.
const canary = `Canary-0123456789/+="<&>\ %41;x`

// keeper is an authenticator that sends headers and has secrets that it does not send.
type keeper struct {
	header  http.Header
	secrets []string
}

func (s keeper) Authenticate(_ context.Context, req *http.Request, _ []byte) error {
	maps.Copy(req.Header, s.header)
	return nil
}

func (s keeper) Secrets() []string { return s.secrets }

// texts returns all texts of an error and of the errors that it wraps.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	list := []string{err.Error()}
	if failure, ok := err.(*rest.Error); ok { //nolint:errorlint // What it wraps follows.
		list = append(list, failure.Host, failure.Code, failure.Message, failure.RequestID)
		return append(list, texts(failure.Err)...)
	}
	return append(list, texts(errors.Unwrap(err))...)
}

// wantRedacted checks that the texts of an error contain [redacted], and that neither they nor the log contain a part
// of the secret.
func wantRedacted(t *testing.T, err error, lines []string, traces ...string) {
	t.Helper()
	all := append(texts(err), lines...)
	if !strings.Contains(strings.Join(all, "\n"), "[redacted]") {
		t.Errorf("nothing is redacted in %q", all)
	}
	for _, text := range all {
		for _, trace := range append(traces, "canary") {
			if strings.Contains(strings.ToLower(text), strings.ToLower(trace)) {
				t.Errorf("%q contains %q", text, trace)
			}
		}
	}
}

func inJSON(value any) string {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(body)
}

// callWithSecret sends a request with a secret to a service, and returns the log lines and the error.
func callWithSecret(t *testing.T, secret string, handler http.HandlerFunc, out any) ([]string, error) {
	t.Helper()
	var log recorder
	_, err := client(t, serve(t, handler).URL, func(config *rest.Config) {
		config.Authenticator, config.Log = static(secret), log.log
	}).Do(t.Context(), get, out)
	return log.lines, err
}

// formats are responses that contain a text: as it is (TEXT), as a JSON string (JSON), or escaped for a URL (URL).
var formats = map[string]struct {
	status       int
	header, body string
}{
	"plain text":           {403, "", "you sent TEXT to me"},
	"plain text, good":     {200, "", "you sent TEXT to me"},
	"HTML":                 {403, "", "<html><body>you <b>sent</b><pre>TEXT</pre></body></html>"},
	"JSON message":         {400, "", `{"error_code":"C","error_msg":JSON}`},
	"JSON message, good":   {200, "", `{"error_code":"C","error_msg":JSON}`},
	"JSON without code":    {401, "", `{"headers":JSON,"thing":{"name":JSON}}`},
	"JSON of other types":  {200, "", `{"time":JSON}`},
	"code and request ID":  {500, "", `{"error":{"error_code":JSON,"request_id":JSON}}`},
	"header of request ID": {502, "X-Request-Id: TEXT", "no"},
	"redirect":             {307, "Location: https://other.example/URL?token=URL", ""},
}

// A secret of the request that a response contains is neither in the error nor in the log, in any format.
func TestClient_echoedSecretIsNotShown(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("TEXT", canary, "JSON", inJSON(canary), "URL", url.QueryEscape(canary))
	for name, c := range map[string]struct {
		header       http.Header
		secrets      []string
		ofBody       []string
		subjectToken string
	}{
		"token":               {header: http.Header{"X-Auth-Token": {canary}}},
		"security token":      {header: http.Header{"X-Security-Token": {canary}}},
		"signature":           {header: http.Header{"Authorization": {"SDK-HMAC Access=AK, Signature=" + canary}}},
		"other authorization": {header: http.Header{"Authorization": {canary}}},
		"secret key":          {secrets: []string{canary}},
		"password":            {ofBody: []string{canary}},
		"issued token":        {subjectToken: canary},
	} {
		for format, response := range formats {
			if name != "token" && format != "JSON message" {
				continue
			}
			t.Run(name+" "+format, func(t *testing.T) {
				t.Parallel()
				server := serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Subject-Token", c.subjectToken)
					respond(response.status, text.Replace(response.body), text.Replace(response.header))(w, r)
				})
				var log recorder
				client := client(t, server.URL, func(config *rest.Config) {
					config.Authenticator, config.Log = keeper{c.header, c.secrets}, log.log
				})
				var out struct {
					Time time.Time `json:"time"`
				}
				_, err := client.Do(t.Context(), rest.Call{Method: http.MethodPut, Secrets: c.ofBody}, &out)
				wantRedacted(t, err, log.lines)
			})
		}
	}
}

// eachByte writes a text with each of its bytes escaped.
func eachByte(format, text string) string {
	var escaped strings.Builder
	for _, b := range []byte(text) {
		fmt.Fprintf(&escaped, format, b)
	}
	return escaped.String()
}

// inGo writes a text as a Go string.
func inGo(text string) string { return fmt.Sprintf("%q", text) }

// A secret is redacted in any encoding, if a part is missing, and if it contains characters that are removed later.
func TestClient_encodedSecretIsNotShown(t *testing.T) {
	t.Parallel()
	const withEscapes = `Ca\"n/a+<r>\123=y%41&lt;canary`
	long := strings.Repeat("Beginning0", 4) + strings.Repeat("canary0123", 6)
	within := func(what string) string { return canary[:4] + what + canary[4:12] + what + canary[12:] }
	for secret, forms := range map[string]map[string]string{
		canary: {
			"for a query":           url.QueryEscape(canary),
			"for a path":            url.PathEscape(canary),
			"for a URL, twice":      url.QueryEscape(url.QueryEscape(canary)),
			"each byte for a URL":   eachByte("%%%02x", canary),
			"for JSON":              inJSON(canary),
			"for JSON, twice":       inJSON(inJSON(canary)),
			"for JSON, with \\/":    strings.ReplaceAll(canary, "/", `\/`),
			"each byte for JSON":    eachByte(`\u%04X`, canary),
			"for Go":                inGo(canary),
			"each byte for Go":      eachByte(`\x%02x`, canary),
			"for HTML":              html.EscapeString(canary),
			"each byte for HTML":    eachByte("&#%d;", canary),
			"for HTML, in a URL":    url.QueryEscape(html.EscapeString(canary)),
			"in base64":             base64.StdEncoding.EncodeToString([]byte(canary + " and more")),
			"in base64, later":      base64.StdEncoding.EncodeToString([]byte("ab" + canary + " and more")),
			"in hexadecimal":        hex.EncodeToString([]byte(canary)),
			"in base64 for URLs":    base64.RawURLEncoding.EncodeToString([]byte("abcd" + canary + " and more")),
			"in a long text":        strings.ToLower(canary) + strings.Repeat(" x", 40_000),
			"in lower case":         strings.ToLower(canary),
			"cut off":               canary[:22],
			"with a tag":            within("<br>"),
			"with an escape":        within("\x1b[31m"),
			"with a title":          within("\x1b]0;title\x07"),
			"with a zero width":     within("\u200b"),
			"with a direction":      within("\u202e"),
			"with a line break":     within("\r\n"),
			"with an invalid byte":  within("\xff"),
			"with a null character": within("\x00"),
		},
		withEscapes: {
			"for JSON":                   inJSON(withEscapes),
			"for JSON, twice":            inJSON(inJSON(withEscapes)),
			"for JSON, in a URL":         url.PathEscape(inJSON(withEscapes)),
			"for JSON, twice, in a URL":  url.QueryEscape(inJSON(inJSON(withEscapes))),
			"for HTML, in JSON":          inJSON(html.EscapeString(withEscapes)),
			"for a URL, in JSON, in Go":  inGo(inJSON(url.QueryEscape(withEscapes))),
			"for a URL, twice, in HTML":  html.EscapeString(url.QueryEscape(url.QueryEscape(withEscapes))),
			"for Go, in HTML, in a path": url.PathEscape(html.EscapeString(inGo(withEscapes))),
		},
		long: {"without its beginning": long[30:]},
	} {
		for name, written := range forms {
			t.Run(secret[:2]+" "+name, func(t *testing.T) {
				t.Parallel()
				response := respond(http.StatusBadGateway, "you sent "+written+" to me")
				lines, err := callWithSecret(t, secret, response, nil)
				inHex := hex.EncodeToString([]byte("canary"))
				wantRedacted(t, err, lines, written, inHex, "Q2FuYXJ5", "FuYXJ5", "hbmFye")
			})
		}
	}
}

// A text with a secret is redacted completely. A secret that is so short that any text contains it is not redacted.
func TestClient_redactedText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ secret, body, want string }{
		"between others":      {"canary-token", `a=canary-token&b=é`, `"[redacted]"`},
		"in a query":          {"a canary b", `x=a+canary+b`, `"[redacted]"`},
		"in a long text":      {"canary-token", strings.Repeat("\x00", 64<<10-6) + `canary-token`, ``},
		"part of it":          {"canary-token", `canary-toke`, `"canary-toke"`},
		"short":               {"abc", `abc abc`, `"abc abc"`},
		"short without marks": {"a é ü b", `a é ü b`, `"a é ü b"`},
		"empty":               {"", `nothing`, `"nothing"`},
		"others":              {"canary-token", `\u00zz %zz &foo; \ % &; \x`, `"\\u00zz %zz &foo; \\ % &; \\x"`},
	} {
		_, err := callWithSecret(t, c.secret, respond(http.StatusForbidden, c.body), nil)
		equal(t, name, failureOf(t, err).Message, c.want)
	}
}

// raw returns a handler that sends these bytes.
func raw(t *testing.T, response string) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, response) // The client may have left.
		_ = conn.Close()
	}
}

// The standard library quotes what it cannot parse of a response.
func TestClient_malformedResponseDoesNotShowSecret(t *testing.T) {
	t.Parallel()
	for _, response := range []string{
		"HTTP/1.1 " + canary + "\r\n\r\n",
		strings.ReplaceAll(canary, " ", "") + " 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n",
	} {
		lines, err := callWithSecret(t, canary, raw(t, response), nil)
		wantRedacted(t, err, lines)
	}
}

// Long texts of a response are cut, and none contains commands to a terminal.
func TestClient_longOrInvisibleTextIsNotShown(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[31mb\x1b]0;t\x07c\u009b1md\u202e\u200be\u2028f\u0000g\xffh"
	long := strings.Repeat("é", 1<<19)
	message := func(text string) string {
		return inJSON(map[string]string{"error_code": text, "error_msg": text, "request_id": text})
	}
	response := func(header, body string) string {
		return fmt.Sprintf("HTTP/1.1 403 Forbidden\r\n%sContent-Length: %d\r\n\r\n%s", header, len(body), body)
	}
	for name, c := range map[string]struct {
		response string
		want     int // The longest text, in characters.
	}{
		"JSON":               {response("", message(evil+long)), 2048},
		"text":               {response("", evil+long), 520},
		"JSON without code":  {response("", `{"x":"`+evil+long+`"}`), 520},
		"request ID":         {response("X-Request-Id: a\u009b1md\u202e\u200be\u2028f"+long[:900_000]+"\r\n", ""), 128},
		"request ID, longer": {response("X-Request-Id: "+strings.Repeat("x", 9<<20)+"\r\n", ""), 1024},
		"header line":        {"HTTP/1.1 200 OK\r\n" + evil + long + "\r\n\r\n", 1024},
		"long header line":   {"HTTP/1.1 200 OK\r\n" + evil + strings.Repeat("x", 9<<20) + "\r\n\r\n", 1024},
		"status line":        {"HTTP/1.1 " + evil + long + "\r\n\r\n", 1024},
		"value":              {"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + strings.Repeat("1", 99_999), 1100},
		"redirect":           {"HTTP/1.1 302 Found\r\nLocation: //h/" + long[:90_000] + "\r\n\r\n", 1100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out struct{ A int8 }
			var number int8
			target := any(&out)
			if name == "value" {
				target = &number
			}
			lines, err := callWithSecret(t, "", raw(t, c.response), target)
			failure := failureOf(t, err)
			fields := []string{failure.Code, failure.Message, failure.Location, failure.RequestID}
			if failure.Err != nil {
				fields = append(fields, failure.Err.Error())
			}
			for _, text := range fields {
				if utf8.RuneCountInString(text) > c.want+1 {
					t.Errorf("%d characters, want %d: %.200s", utf8.RuneCountInString(text), c.want, text)
				}
			}
			for _, text := range append(append(fields, lines...), err.Error()) {
				if text != rest.Sanitize(text, 1<<20) {
					t.Errorf("%.200q is not safe to print", text)
				}
			}
			if total := len(err.Error()); total > 4*2048+1024 {
				t.Errorf("the error has %d bytes", total)
			}
		})
	}
}

// An endpoint may contain a password, so its error does not quote it.
func TestNew_invalidEndpointIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{
		"https://u:canary/w@h", "//u:canary@h", "canary", "https://u:can%zzary@h", "https://canary h", "", "/path",
		"https://",
	} {
		if _, err := rest.New(rest.Config{Endpoint: endpoint}); err == nil || strings.Contains(err.Error(), "ary") {
			t.Errorf("%s: got %v", endpoint, err)
		}
	}
}

func TestSanitize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"plain é 漢 🙂", "plain é 漢 🙂"},
		{"a\tb\r\nc\u2028d\u00a0e", "a b  c d e"},
		{"a\x1b[1;31mb\x1b[0mc\x1b[2Jd", "abcd"},
		{"a\x1b]0;title\x07b\x1b]8;;http://x\x1b\\c", "abc"},
		{"a\x1bPq#0\x1b\\b\x1b_x\x1b\\c\x1b^x\x07d\x1bXe\x1b\\f", "abcdf"},
		{"a\u009b31mb\u009d0;t\u009cc\u0090x\x07d", "abcd"},
		{"a\x9b31mb", "a31mb"},
		{"a\x1b]0;no end", "a0;no end"},
		{"a\x1b]0;x\x1b[31mb", "a0;xb"},
		{"a\x1b(Bb\x1bcd\x1b", "abd"},
		{"a\x1b\x1b[31mb", "ab"},
		{"a\x1b[\u202e31mb", "a31mb"},
		{"a\u202eb\u200bc\ufeffd\u00ade\u2066f\u061cg", "abcdefg"},
		{"a\u3164b\u115fc\u034fd\ufe0fe\U000e0041f", "abcdef"},
		{"a\xff\xc3b\xed\xa0\x80", "ab"},
		{"a\x00\x07\x7f\u0085b", "a b"},
		{"1234567890123456", "1234567890123456"},
		{"12345678901234567", "1234567890123456…"},
		{"\u200b1234567890\u200b", "1234567890"},
		{"", ""},
	} {
		if got := rest.Sanitize(c.text, 16); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

func FuzzSanitize(f *testing.F) {
	for _, text := range []string{
		"a", "\x1b[31m", "\x1b\x1b[[m", "\x1b]\x1b]\x07\x07", "\u009b\u009b1m", "\xc2\x1b[m\x9b", "\u200b\u2028",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := rest.Sanitize(text, 100)
		if got != rest.Sanitize(got, 101) || utf8.RuneCountInString(got) > 101 ||
			strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}

// A successful response that contains a secret of the request, however escaped, is an error: its values would reach
// messages and state.
func TestClient_secretInSuccessfulResponseIsNotReturned(t *testing.T) {
	t.Parallel()
	const token = `MIIDkgYJKoZIhvcNAQcC/"oIIDgzCCA38CAQExDTAL+CA==`
	for name, body := range map[string]string{
		"JSON":            inJSON(map[string]string{"job_id": token}),
		"JSON, escaped /": strings.ReplaceAll(inJSON(map[string]string{"job_id": token}), "/", `\/`),
		"JSON, escaped +": strings.ReplaceAll(inJSON(map[string]string{"job_id": token}), "+", `\u002B`),
		"JSON, codes":     `{"job_id":"` + eachByte(`\u%04x`, token) + `"}`,
		"JSON, a part":    inJSON(map[string]string{"job_id": token[22:]}),
		"URL":             inJSON(map[string]string{"url": "https://h/?t=" + url.QueryEscape(token)}),
	} {
		var out map[string]string
		_, err := callWithSecret(t, token, respond(http.StatusOK, body), &out)
		if err == nil || strings.Contains(err.Error(), "IDkg") {
			t.Errorf("%s: got %v, %v", name, out, err)
		}
	}
}
