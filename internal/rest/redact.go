// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	// minSecret is the minimum length of a secret that is redacted, in bytes. A shorter one occurs in any text.
	minSecret = 4
	// secretPrefix is the length of a secret's beginning that is searched for, in bytes: a response may cut off the
	// rest.
	secretPrefix = 20
	// secretPart is the length of the parts of a text that are searched for in a secret, in bytes: a response may
	// contain a secret without its beginning.
	secretPart = 16

	// maxInput limits the part of a text that is examined, in bytes. The printed part is much shorter.
	maxInput = 64 << 10
	// maxCut is the length that is removed from the end of that part, in bytes: it may be the beginning of a secret,
	// too short to be found.
	maxCut = len(`\u0000`) * secretPrefix

	redacted = "[redacted]"
)

// SecretKeeper is an [Authenticator] with secrets that no header of the request contains, such as a signing key.
// Secrets may be called at any time, and by several goroutines at once.
type SecretKeeper interface {
	Authenticator
	Secrets() []string
}

// redactor contains the secrets of one request and hides text of its response that contains one. The zero value hides
// nothing.
type redactor []string

// newRedactor returns a redactor for the secrets of a call, of the headers that were sent, and of the proxy, which may
// be nil.
func newRedactor(call Call, sent http.Header, proxy *url.URL) redactor {
	r := redactor(slices.Clone(call.Secrets))
	if keeper, ok := call.Authenticator.(SecretKeeper); ok {
		r = append(r, keeper.Secrets()...)
	}
	authorization := sent.Get("Authorization")
	_, signature, _ := strings.Cut(authorization, "Signature=")
	r = append(r, sent.Get("X-Auth-Token"), sent.Get("X-Security-Token"), cmp.Or(signature, authorization))
	if proxy != nil {
		password, _ := proxy.User.Password()
		r = append(r, password)
	}
	return r
}

// with returns a redactor that also hides text with this secret.
func (r redactor) with(secret string) redactor { return append(slices.Clip(r), secret) }

// clean returns text of the response as it may be printed: redacted, sanitized, and only then cut at limit characters.
// Sanitizing may join the parts of a secret, so it is followed by another redaction.
func (r redactor) clean(text string, limit int) string {
	return truncate(r.redact(printable(r.redact(text))), limit)
}

// cause returns err with a text that may be printed. It wraps err, unless the text of that contains a secret or is
// longer than maxInput.
func (r redactor) cause(err error) error {
	text := err.Error()
	clean := &cleanError{text: r.clean(text, maxCause)}
	if r.redact(text) == text {
		clean.err = err
	}
	return clean
}

type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.err }

// redact returns [redacted] instead of a text that contains a secret: as it is, without its beginning, with its end cut
// off, in hexadecimal or base64, or escaped for URLs, JSON, Go or HTML. Of a long text it returns only the beginning.
func (r redactor) redact(text string) string {
	examined := text[:min(len(text), maxInput)]
	plain, unescaped := fold(examined), fold(unescape(examined))
	hasSecret := slices.ContainsFunc(r.needles(), func(needle string) bool {
		return strings.Contains(plain, needle) || strings.Contains(unescaped, needle)
	})
	switch {
	case hasSecret || r.hasPart(examined):
		return redacted
	case len(text) > maxInput:
		return examined[:maxInput-maxCut]
	}
	return text
}

// hasPart reports whether one of the consecutive parts of text is a part of a secret.
func (r redactor) hasPart(text string) bool {
	for ; len(text) >= secretPart; text = text[secretPart:] {
		isPart := func(secret string) bool { return strings.Contains(secret, text[:secretPart]) }
		if slices.ContainsFunc(r, isPart) {
			return true
		}
	}
	return false
}

func inJSON(secret string) string {
	quoted, _ := json.Marshal(secret) // A string can always be encoded.
	return string(quoted[1 : len(quoted)-1])
}

// needles returns the beginning of each secret in the forms in which it is found in folded text. Only beginnings are
// folded, because tokens are long and almost no text contains one.
func (r redactor) needles() (needles []string) {
	for _, secret := range r {
		beginning := secret[:min(len(secret), 8*secretPrefix)]
		if len(fold(beginning)) < minSecret {
			continue
		}
		// In a query, a space is a plus sign.
		forms := append(inBase64(beginning), beginning, hex.EncodeToString([]byte(beginning)))
		for _, form := range append(forms, strings.ReplaceAll(beginning, " ", "+"), unescape(beginning)) {
			if folded := fold(form); len(folded) >= minSecret {
				needles = append(needles, folded[:min(len(folded), secretPrefix)])
			}
		}
	}
	return needles
}

// inBase64 returns the three base64 encodings of a secret within a longer text: they depend on its position modulo 3.
// Characters that depend on the text before or after the secret are left out.
func inBase64(secret string) (forms []string) {
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("-", shift) + secret))
		forms = append(forms, encoded[(8*shift+5)/6:8*(shift+len(secret))/6])
	}
	return forms
}

// visible returns the visible ASCII characters of text.
func visible(text string) string {
	return strings.Map(func(c rune) rune {
		if c <= ' ' || c >= 0x7f {
			return -1
		}
		return c
	}, text)
}

var toOneAlphabet = strings.NewReplacer("-", "+", "_", "/")

// fold normalizes text, so that secrets are found: it returns the visible ASCII characters in lower case, in one
// alphabet of base64.
func fold(text string) string { return toOneAlphabet.Replace(strings.ToLower(visible(text))) }

// maxNesting is how often text is unescaped.
const maxNesting = 8

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[^xu]|&#?[0-9A-Za-z]{1,8};`)

// unescape returns the visible ASCII characters of text, with the escapes of URLs, JSON, Go and HTML replaced.
func unescape(text string) string {
	text = visible(text)
	for range maxNesting {
		before := text
		text = escape.ReplaceAllStringFunc(text, func(found string) string {
			switch code := strings.TrimLeft(found, `%\xu`); {
			case found[0] == '&':
				return html.UnescapeString(found)
			case found[0] == '%', len(found) > 2:
				value, _ := strconv.ParseUint(code, 16, 32) // It matches the pattern.
				return string(rune(value))                  //nolint:gosec // It has 32 bits at most.
			case strings.ContainsAny(found[1:], "abfnrtv"):
				return "" // White space or a control character.
			}
			return found[1:]
		})
		if text == before {
			break
		}
	}
	return text
}

// minEchoLength is the minimum length of a secret that a successful response does not contain by coincidence.
const minEchoLength = 16

// plainPart matches a part of a secret that no encoder escapes.
var plainPart = regexp.MustCompile(fmt.Sprintf(`[0-9A-Za-z]{%d,}`, minEchoLength))

// echoedIn reports whether a successful response contains a secret. Such a response must not be used: its values would
// reach messages and state.
func (r redactor) echoedIn(body []byte) bool {
	if bytes.Contains(body, []byte(`\u00`)) { // JSON may write any character in this way.
		body = append(bytes.Clone(body), unescape(string(body))...)
	}
	return slices.ContainsFunc(r, func(secret string) bool {
		if len(secret) < minEchoLength {
			return false
		}
		parts := append(plainPart.FindAllString(secret, -1), secret, inJSON(secret))
		return slices.ContainsFunc(parts, func(part string) bool { return bytes.Contains(body, []byte(part)) })
	})
}
