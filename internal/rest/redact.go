// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	// minSecret is the length from which a secret is redacted; a shorter one occurs in any text.
	minSecret = 4
	// secretPrefix is the length of the beginning of a secret that is redacted although the response cuts off the rest.
	secretPrefix = 20

	// maxInput limits the part of a text that is examined, in bytes. The printed part is much shorter.
	maxInput = 64 << 10
	// maxCut is the maximum length of a secret's beginning at the end of that part which cannot be found, in bytes.
	maxCut = maxEscape * secretPrefix

	redacted = "[redacted]"
)

// SecretKeeper is an [Authenticator] with secrets that no header of the request contains, such as a signing key. Secrets may be
// called at any time, and by several goroutines at once.
type SecretKeeper interface {
	Authenticator
	Secrets() []string
}

// redactor removes the secrets of one request from text of its response. The zero value removes nothing.
type redactor struct {
	secrets []string
	needles []needle // Nil until prepared.
}

// newRedactor returns a redactor for the secrets of a call, of the headers that were sent, and of the proxy, which may be nil.
func newRedactor(call Call, sent http.Header, proxy *url.URL) redactor {
	r := redactor{secrets: slices.Clone(call.Secrets)}
	if keeper, ok := call.Authenticator.(SecretKeeper); ok {
		r.secrets = append(r.secrets, keeper.Secrets()...)
	}
	authorization := sent.Get("Authorization")
	_, signature, _ := strings.Cut(authorization, "Signature=")
	r.secrets = append(r.secrets, sent.Get("X-Auth-Token"), sent.Get("X-Security-Token"), authorization, signature)
	if proxy != nil {
		password, _ := proxy.User.Password()
		r.secrets = append(r.secrets, password)
	}
	return r
}

// with returns a redactor for another secret, too.
func (r *redactor) with(secret string) redactor {
	return redactor{secrets: append(slices.Clip(r.secrets), secret)}
}

// clean returns text of the response as it may be printed: redacted, sanitized, and only then cut at limit characters.
// Sanitizing may join the parts of a secret, so it is followed by another redaction.
func (r *redactor) clean(text string, limit int) string {
	return truncate(r.redact(printable(r.beginning(text))), limit)
}

// beginning returns the redacted text; of a long text, only the beginning.
func (r *redactor) beginning(text string) string {
	if len(text) <= maxInput {
		return r.redact(text)
	}
	text = r.redact(text[:maxInput])
	return text[:max(0, len(text)-maxCut)]
}

// cause returns err with a text that may be printed. It wraps err, unless the text of that contains a secret.
func (r *redactor) cause(err error) error {
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

// redact replaces each secret by [redacted]: also escaped for a URL, JSON or HTML, in base64, in another case, and with white space
// or characters within it that are not ASCII.
func (r *redactor) redact(text string) string {
	if text == "" {
		return text
	}
	plain, resolved := fold(text, false), fold(text, true)
	type span struct{ from, to int }
	var spans []span
	for _, needle := range r.prepared() {
		folded := plain
		if needle.resolve {
			folded = resolved
		}
		for from := 0; ; {
			found := bytes.Index(folded.text[from:], needle.beginning)
			if found < 0 {
				break
			}
			from += found
			to := from + needle.match(folded.text[from:])
			spans = append(spans, span{folded.start(from), folded.end(to, text)})
			from = to
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var clean strings.Builder
	end := 0
	for _, s := range spans {
		if s.from >= end {
			clean.WriteString(text[end:s.from] + redacted)
		}
		end = max(end, s.to)
	}
	return clean.String() + text[end:]
}

// needle is one form of a secret.
type needle struct {
	form
	beginning []byte // Folded.
	secret    string
}

// prepared returns the needles. It folds the beginnings of the secrets only, because tokens are long and almost no text contains one.
func (r *redactor) prepared() []needle {
	if r.needles != nil {
		return r.needles
	}
	r.needles = []needle{}
	for _, secret := range r.secrets {
		beginning := secret[:min(len(secret), 8*secretPrefix)]
		if len(fold(beginning, false).text) < minSecret {
			continue
		}
		for _, form := range forms {
			if folded := fold(form.write(beginning), form.resolve).text; len(folded) >= minSecret {
				r.needles = append(r.needles, needle{form, folded[:min(len(folded), secretPrefix)], secret})
			}
		}
	}
	return r.needles
}

// match returns how many characters of the folded text, which begins like the needle, belong to it.
func (n needle) match(text []byte) int {
	length := len(n.beginning)
	for whole := fold(n.write(n.secret), n.resolve).text; length < min(len(text), len(whole)) && text[length] == whole[length]; length++ {
	}
	return length
}

// form is a way to write a secret, and whether it is found in text whose escapes are resolved. What is before a secret may seem to be
// the beginning of an escape, so that each secret is also searched for in the text as it is.
type form struct {
	write   func(secret string) string
	resolve bool
}

var forms = []form{
	{unchanged, false},
	{unchanged, true},
	{func(secret string) string { return strings.ReplaceAll(secret, " ", "+") }, true}, // In a query.
	{inBase64(0), true},
	{inBase64(1), true},
	{inBase64(2), true},
}

func unchanged(secret string) string { return secret }

// inBase64 returns what a secret looks like within a longer text in base64, after a number of bytes modulo 3. Characters that depend
// on what is before or after the secret are left out.
func inBase64(shift int) func(secret string) string {
	return func(secret string) string {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("-", shift) + secret))
		return encoded[(8*shift+5)/6 : 8*(shift+len(secret))/6]
	}
}

// folding is text in the form in which secrets are found: its visible ASCII characters in lower case.
type folding struct {
	text   []byte
	at     []int32 // Where each character begins in the original text.
	escape int     // Where the last escape may begin in text.
}

const (
	maxEscape = len(`\u0000`)
	noEscape  = -maxEscape // So far away that nothing completes it.
)

// fold resolves all escapes if that is wanted.
func fold(text string, resolve bool) folding {
	f := folding{text: make([]byte, 0, len(text)), at: make([]int32, 0, len(text)), escape: noEscape}
	for i := range len(text) {
		if isVisible(text[i]) {
			f.text, f.at = append(f.text, text[i]), append(f.at, int32(i))
			if resolve {
				f.resolveEscape()
			}
		}
	}
	for i, c := range f.text {
		switch {
		case 'A' <= c && c <= 'Z':
			f.text[i] += 'a' - 'A'
		case c == '-': // The alphabet of base64 for URLs.
			f.text[i] = '+'
		case c == '_':
			f.text[i] = '/'
		}
	}
	return f
}

func (f *folding) start(i int) int { return int(f.at[i]) }

// end returns where the character before i ends in the original text.
func (f *folding) end(i int, text string) int {
	end := len(text)
	if i < len(f.at) {
		end = int(f.at[i])
	}
	for end > f.start(i-1)+1 && !isVisible(text[end-1]) {
		end--
	}
	return end
}

func isVisible(c byte) bool { return ' ' < c && c < 0x7f }

// resolveEscape replaces the escape that the last character completes, if any. What that yields may complete another one.
func (f *folding) resolveEscape() {
	n, escape := len(f.text), f.escape
	c := f.text[n-1]
	if c == '%' || c == '\\' {
		f.escape = n - 1
	}
	switch length := n - escape; {
	case c == ';':
		f.resolveEntity()
	case length > maxEscape:
	case f.text[escape] == '%':
		if length == 3 {
			f.resolve(3, f.text[n-2:])
		}
	case length == 2 && strings.IndexByte("abfnrtv", c) >= 0:
		f.drop(2) // White space or a control character.
	case length == 2 && c != 'x' && c != 'u':
		f.replace(2, c)
	case length == 4 && f.text[escape+1] == 'x', length == 6 && f.text[escape+1] == 'u':
		f.resolve(length, f.text[escape+2:])
	}
}

// resolve replaces an escape of a length by the character with the hexadecimal code.
func (f *folding) resolve(length int, code []byte) {
	if value, err := strconv.ParseUint(string(code), 16, 32); err == nil {
		f.replace(length, byte(min(value, 0xff)))
	}
}

// resolveEntity replaces the HTML entity at the end, if there is one.
func (f *folding) resolveEntity() {
	const maxEntity = 10
	tail := f.text[max(0, len(f.text)-maxEntity):]
	begin := bytes.LastIndexByte(tail, '&')
	if begin < 0 {
		return
	}
	entity := string(tail[begin:])
	if character := html.UnescapeString(entity); character != entity {
		f.replace(len(entity), character[0])
	}
}

func (f *folding) drop(length int) {
	n := len(f.text) - length
	f.text, f.at = f.text[:n], f.at[:n]
	f.escape = noEscape
	if i := bytes.LastIndexAny(f.text[max(0, n-maxEscape):], `%\`); i >= 0 {
		f.escape = max(0, n-maxEscape) + i
	}
}

func (f *folding) replace(length int, c byte) {
	at := f.at[len(f.at)-length]
	f.drop(length)
	if isVisible(c) {
		f.text, f.at = append(f.text, c), append(f.at, at)
		f.resolveEscape()
	}
}

// minEchoLength is the length from which a secret in a successful response is no coincidence.
const minEchoLength = 16

// echoedIn reports whether a successful response contains a secret. Its values would reach messages and state, so it must not be used.
func (r *redactor) echoedIn(body []byte) bool {
	return slices.ContainsFunc(r.secrets, func(secret string) bool {
		if len(secret) < minEchoLength {
			return false
		}
		escaped, err := json.Marshal(secret)
		return bytes.Contains(body, []byte(secret)) || err == nil && bytes.Contains(body, escaped[1:len(escaped)-1])
	})
}
