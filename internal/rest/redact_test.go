// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// canary is a secret with characters that each escaping changes.
const canary = `Canary-0123456789/+="<&>\ %41;x`

// secretive is an authenticator with headers and with secrets that it does not send.
type secretive struct {
	header  http.Header
	secrets []string
}

func (s secretive) Authenticate(_ context.Context, req *http.Request, _ []byte) error {
	maps.Copy(req.Header, s.header)
	return nil
}

func (s secretive) Secrets() []string { return s.secrets }

// texts returns all that can be printed of an error and of what it wraps.
func texts(err error) []string {
	if err == nil {
		return nil
	}
	list := []string{err.Error(), fmt.Sprintf("%+v", err)}
	if failure, ok := err.(*rest.Error); ok { //nolint:errorlint // What it wraps follows.
		list = append(list, failure.Host, failure.Code, failure.Message, failure.RequestID)
	}
	switch wrapping := err.(type) { //nolint:errorlint // Each level is looked at.
	case interface{ Unwrap() error }:
		list = append(list, texts(wrapping.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, cause := range wrapping.Unwrap() {
			list = append(list, texts(cause)...)
		}
	}
	return list
}

// wantRedacted checks that an error contains a redacted text, and neither it nor the log a trace of the secret.
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

// formats are the ways in which a response can contain a text.
var formats = map[string]func(status int, text string) http.HandlerFunc{
	"plain text": func(status int, text string) http.HandlerFunc { return respond(status, "you sent "+text+" to me") },
	"HTML": func(status int, text string) http.HandlerFunc {
		return respond(status, "<html><body>you <b>sent</b><pre>"+text+"</pre></body></html>")
	},
	"JSON message": func(status int, text string) http.HandlerFunc {
		return respond(status, inJSON(map[string]any{"error_code": "C", "error_msg": text}))
	},
	"JSON without code": func(status int, text string) http.HandlerFunc {
		return respond(status, inJSON(map[string]any{"headers": text, "thing": map[string]any{"name": text}}))
	},
	"JSON of other types": func(status int, text string) http.HandlerFunc {
		return respond(status, inJSON(map[string]any{"time": text}))
	},
	"code": func(status int, text string) http.HandlerFunc {
		return respond(status, inJSON(map[string]any{"error": map[string]any{"error_code": text, "request_id": text}}))
	},
	"request ID": func(status int, text string) http.HandlerFunc { return respond(status, "no", "X-Request-Id: "+text) },
	"redirect": func(_ int, text string) http.HandlerFunc {
		return respond(307, "", "Location: https://other.example/"+url.PathEscape(text)+"?token="+url.QueryEscape(text))
	},
}

// A response that contains a secret of its request shows it nowhere, whatever its status and format.
func TestClient_echoedSecretIsNotShown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header       http.Header
		secrets      []string
		ofBody       []string
		subjectToken string
	}{
		"token":               {header: http.Header{"X-Auth-Token": {canary}}},
		"security token":      {header: http.Header{"X-Security-Token": {canary}}},
		"signature":           {header: http.Header{"Authorization": {"SDK-HMAC-SHA256 Access=AK, Signature=" + canary}}},
		"other authorization": {header: http.Header{"Authorization": {canary}}},
		"secret key":          {secrets: []string{canary}},
		"password":            {ofBody: []string{canary}},
		"issued token":        {subjectToken: canary},
	} {
		for format, write := range formats {
			for _, status := range []int{200, 403, 500} {
				if format == "JSON without code" && status == http.StatusOK {
					continue // It is not an error.
				}
				t.Run(fmt.Sprint(name, " ", format, " ", status), func(t *testing.T) {
					t.Parallel()
					server := serve(t, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("X-Subject-Token", c.subjectToken)
						write(status, canary)(w, r)
					})
					var log recorder
					client := client(t, server.URL, func(config *rest.Config) {
						config.Authenticator, config.MaxRetries, config.Log = secretive{c.header, c.secrets}, 1, log.log
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
}

// eachByte writes a text with each of its bytes escaped.
func eachByte(format, text string) string {
	var escaped strings.Builder
	for _, b := range []byte(text) {
		fmt.Fprintf(&escaped, format, b)
	}
	return escaped.String()
}

// inBase64 writes a text in base64, after some bytes that shift it.
func inBase64(encoding *base64.Encoding, before string) func(string) string {
	return func(text string) string { return encoding.EncodeToString([]byte(before + text + " and more")) }
}

// No way of writing a secret, and no character within it that is removed later, hides it from being redacted.
func TestClient_escapedSecretIsNotShown(t *testing.T) {
	t.Parallel()
	within := func(what string) func(string) string {
		return func(text string) string { return text[:4] + what + text[4:12] + what + text[12:] }
	}
	for name, write := range map[string]func(string) string{
		"for a query":           url.QueryEscape,
		"for a path":            url.PathEscape,
		"for a URL, twice":      func(text string) string { return url.QueryEscape(url.QueryEscape(text)) },
		"each byte for a URL":   func(text string) string { return eachByte("%%%02x", text) },
		"for JSON":              func(text string) string { return inJSON(text) },
		"for JSON, twice":       func(text string) string { return inJSON(inJSON(text)) },
		"for JSON, with \\/":    func(text string) string { return strings.ReplaceAll(text, "/", `\/`) },
		"each byte for JSON":    func(text string) string { return eachByte(`\u%04X`, text) },
		"for Go":                func(text string) string { return fmt.Sprintf("%q", text) },
		"each byte for Go":      func(text string) string { return eachByte(`\x%02x`, text) },
		"for HTML":              html.EscapeString,
		"each byte for HTML":    func(text string) string { return eachByte("&#%d;", text) },
		"for HTML, in a URL":    func(text string) string { return url.QueryEscape(html.EscapeString(text)) },
		"in base64":             inBase64(base64.StdEncoding, ""),
		"in base64, later":      inBase64(base64.StdEncoding, "ab"),
		"in base64 for URLs":    inBase64(base64.RawURLEncoding, "abcd"),
		"in a long text":        func(text string) string { return strings.ToLower(text) + strings.Repeat(" x", 40_000) },
		"in lower case":         strings.ToLower,
		"cut off":               func(text string) string { return text[:22] },
		"with a tag":            within("<br>"),
		"with an escape":        within("\x1b[31m"),
		"with a title":          within("\x1b]0;title\x07"),
		"with a zero width":     within("\u200b"),
		"with a direction":      within("\u202e"),
		"with a line break":     within("\r\n"),
		"with an invalid byte":  within("\xff"),
		"with a null character": within("\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			written := write(canary)
			server := serve(t, respond(http.StatusBadGateway, "you sent "+written+" to me"))
			var log recorder
			_, err := client(t, server.URL, func(config *rest.Config) {
				config.Authenticator, config.Log = static(canary), log.log
			}).Do(t.Context(), get, nil)
			wantRedacted(t, err, log.lines, written, "Q2FuYXJ5", "FuYXJ5", "hbmFye")
		})
	}
}

// A secret that looks as if it was escaped is found in text that is escaped more than once.
func TestClient_secretWithEscapesIsNotShown(t *testing.T) {
	t.Parallel()
	const secret = `Ca\"n/a+<r>\123=y%41&lt;`
	for name, written := range map[string]string{
		"for JSON":                   inJSON(secret),
		"for JSON, twice":            inJSON(inJSON(secret)),
		"for JSON, in a URL":         url.PathEscape(inJSON(secret)),
		"for JSON, twice, in a URL":  url.QueryEscape(inJSON(inJSON(secret))),
		"for HTML, in JSON":          inJSON(html.EscapeString(secret)),
		"for a URL, in JSON, in Go":  fmt.Sprintf("%q", inJSON(url.QueryEscape(secret))),
		"for a URL, twice, in HTML":  html.EscapeString(url.QueryEscape(url.QueryEscape(secret))),
		"for Go, in HTML, in a path": url.PathEscape(html.EscapeString(fmt.Sprintf("%q", secret))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, serve(t, respond(http.StatusBadGateway, "you sent "+written+" to me")).URL,
				func(config *rest.Config) { config.Authenticator = static(secret) }).Do(t.Context(), get, nil)
			wantRedacted(t, err, nil, "123", written)
		})
	}
}

// A long secret whose beginning is written without escapes shows nothing of its rest either.
func TestClient_restOfSecretIsNotShown(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("Beginning0", 4) + "+/=" + strings.Repeat("canary0123", 6)
	inLowerCase := strings.NewReplacer("+", "%2b", "/", "%2f", "=", "%3d")
	for name, written := range map[string]string{
		"for a query":              url.QueryEscape(secret),
		"for a URL, in lower case": inLowerCase.Replace(secret),
		"for JSON, one character":  strings.ReplaceAll(secret, "+", `\u002B`),
		"for JSON, with \\/":       strings.ReplaceAll(secret, "/", `\/`),
		"in octal":                 strings.ReplaceAll(secret, "+", `\053`),
		"in hexadecimal":           hex.EncodeToString([]byte(secret)),
		"wrapped":                  secret[:43] + "\r\n " + secret[43:],
		"with a tag":               secret[:43] + "<b>" + secret[43:],
		"in upper case, partly":    secret[:43] + strings.ToUpper(secret[43:]),
		"without its beginning":    secret[10:],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log recorder
			_, err := client(t, serve(t, respond(http.StatusBadGateway, "you sent "+written+" to me")).URL,
				func(config *rest.Config) { config.Authenticator, config.Log = static(secret), log.log }).Do(t.Context(), get, nil)
			wantRedacted(t, err, log.lines, hex.EncodeToString([]byte("canary")))
		})
	}
}

// What is redacted is the secret alone, and nothing where there is none. A secret that occurs in any text is not
// redacted.
func TestClient_otherTextIsNotRedacted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ secret, body, want string }{
		"between others":      {"canary-token", `a canary-token, "b" canary-token`, `"a [redacted], \"b\" [redacted]"`},
		"next to others":      {"canary-token", `=canary-token&x=é canary-tokené`, `"=[redacted]&x=é [redacted]é"`},
		"part of it":          {"canary-token", `canary-toke`, `"canary-toke"`},
		"short":               {"abc", `abc abc`, `"abc abc"`},
		"short without marks": {"a é ü b", `a é ü b`, `"a é ü b"`},
		"empty":               {"", `nothing`, `"nothing"`},
		"others":              {"canary-token", `\u00zz %zz &foo; \ % &; \x`, `"\\u00zz %zz &foo; \\ % &; \\x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, serve(t, respond(http.StatusForbidden, c.body)).URL, func(config *rest.Config) {
				config.Authenticator = static(c.secret)
			}).Do(t.Context(), get, nil)
			if failure, ok := errors.AsType[*rest.Error](err); !ok || failure.Message != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// raw starts a server that answers each request with the same bytes.
func raw(t *testing.T, response string) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Go(func() {
				defer func() { _ = conn.Close() }()
				if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.WriteString(conn, response) // The client may have left.
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		connections.Wait()
	})
	return "http://" + listener.Addr().String()
}

// The standard library quotes what it cannot understand of a response.
func TestClient_malformedResponseDoesNotShowSecret(t *testing.T) {
	t.Parallel()
	for name, response := range map[string]string{
		"status line": "HTTP/1.1 " + canary + "\r\n\r\n",
		"protocol":    strings.ReplaceAll(canary, " ", "") + " 200 OK\r\n\r\n",
		"header line": "HTTP/1.1 200 OK\r\n" + canary + "\r\n\r\n",
		"encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + canary + "\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: " + canary + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log recorder
			_, err := client(t, raw(t, response), func(config *rest.Config) {
				config.Authenticator, config.Log = static(canary), log.log
			}).Do(t.Context(), get, nil)
			wantRedacted(t, err, log.lines)
		})
	}
}

// No text of a response is printed in full if it is long, and none can steer a terminal.
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
		"request ID":         {response("X-Request-Id: "+"a\u009b1md\u202e\u200be\u2028f"+long[:900_000]+"\r\n", ""), 128},
		"request ID, longer": {response("X-Request-Id: "+strings.Repeat("x", 9<<20)+"\r\n", ""), 1024},
		"header line":        {"HTTP/1.1 200 OK\r\n" + evil + long + "\r\n\r\n", 1024},
		"long header line":   {"HTTP/1.1 200 OK\r\n" + evil + strings.Repeat("x", 9<<20) + "\r\n\r\n", 1024},
		"status line":        {"HTTP/1.1 " + evil + long + "\r\n\r\n", 1024},
		"value":              {"HTTP/1.1 200 OK\r\nContent-Length: 1000002\r\n\r\n" + strings.Repeat("1", 1_000_002), 1100},
		"redirect":           {"HTTP/1.1 302 Found\r\nLocation: //h/" + strings.Repeat("x", 900_000) + "\r\n\r\n", 1100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log recorder
			var out struct{ A int8 }
			var number int8
			target := any(&out)
			if name == "value" {
				target = &number
			}
			client := client(t, raw(t, c.response), func(config *rest.Config) { config.Log = log.log })
			_, err := client.Do(t.Context(), get, target)
			failure, ok := errors.AsType[*rest.Error](err)
			if !ok {
				t.Fatalf("got %v", err)
			}
			fields := []string{failure.Code, failure.Message, failure.Location, failure.RequestID}
			if failure.Err != nil {
				fields = append(fields, failure.Err.Error())
			}
			for _, text := range fields {
				if utf8.RuneCountInString(text) > c.want+1 {
					t.Errorf("%d characters, want %d: %.200s", utf8.RuneCountInString(text), c.want, text)
				}
			}
			for _, text := range append(append(fields, log.lines...), err.Error()) {
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

// An endpoint may contain a password, so that its error does not quote it.
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
		"JSON, a part":    inJSON(map[string]string{"job_id": token[22:]}),
		"URL":             inJSON(map[string]string{"url": "https://h/?t=" + url.QueryEscape(token)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out map[string]string
			_, err := client(t, serve(t, respond(http.StatusOK, body)).URL, func(c *rest.Config) {
				c.Authenticator = static(token)
			}).Do(t.Context(), get, &out)
			if err == nil || strings.Contains(err.Error(), "IDkg") {
				t.Errorf("got %v, %v", out, err)
			}
		})
	}
}
