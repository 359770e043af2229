// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package providertest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// Diagnostics are the diagnostics that a call returned.
type Diagnostics []*tfprotov6.Diagnostic

// HasError reports whether one of them is an error.
func (d Diagnostics) HasError() bool {
	return slices.ContainsFunc(d, func(diagnostic *tfprotov6.Diagnostic) bool {
		return diagnostic.Severity == tfprotov6.DiagnosticSeverityError
	})
}

// String returns the diagnostics as [Diagnostics.Expect] matches them.
func (d Diagnostics) String() string { return strings.Join(d.texts(), "\n") }

func (d Diagnostics) texts() []string {
	texts := make([]string, len(d))
	for i, diagnostic := range d {
		texts[i] = fmt.Sprintf("%s %s %s: %s",
			diagnostic.Severity, diagnostic.Attribute, diagnostic.Summary, diagnostic.Detail)
	}
	return texts
}

// Expect fails the test unless there is exactly one diagnostic for each pattern, in this order. A pattern is a regular
// expression for "SEVERITY PATH SUMMARY: DETAIL"; its dots also match line breaks. Without patterns, there must be no
// diagnostics.
func (d Diagnostics) Expect(t *testing.T, patterns ...string) {
	t.Helper()
	if !slices.EqualFunc(d.texts(), patterns, func(text, pattern string) bool {
		return regexp.MustCompile(`(?s)` + pattern).MatchString(text)
	}) {
		t.Errorf("got diagnostics\n%s\nwant\n%s", d, strings.Join(patterns, "\n"))
	}
}

// NoErrors fails the test if a call failed. Warnings are not errors.
func NoErrors(t testing.TB, diagnostics Diagnostics, err error) {
	t.Helper()
	check(t, err)
	if diagnostics.HasError() {
		t.Fatal(diagnostics)
	}
}
