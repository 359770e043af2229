// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"strings"
	"testing"
)

// FuzzRedact encodes a secret in several ways, writes it between other text, and searches for it in the redacted text.
func FuzzRedact(f *testing.F) {
	texts := []string{"", "a", "%", "%4", `\`, `\x4`, `\u00`, "&", "&am", "<b", "\xff", "\x1b[", "é", "[redacted]"}
	for _, text := range texts {
		f.Add("canary/+=", text, text)
		f.Add("1ca%41&nary;", text, "nary"+text)
		f.Add(`nary\n\u0041`, text, text)
	}
	f.Fuzz(func(t *testing.T, secret, before, after string) {
		folded, beginning := fold(secret), fold(secret[:min(len(secret), 8*secretPrefix)])
		if len(beginning) < minSecret || strings.ContainsAny(folded, "[]") || strings.Contains(redacted, folded) {
			return
		}
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		for _, written := range []string{
			secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted), html.EscapeString(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)),
		} {
			text := before + written + after
			got := redactor{secret}.clean(text, maxInput)
			if len(text) < maxInput && strings.Contains(fold(got), folded) {
				t.Errorf("%q is in %q", secret, got)
			}
		}
	})
}
