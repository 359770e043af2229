// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"regexp"
	"strings"
	"unicode"
)

// Limits of texts of a response, in characters.
const (
	maxRequestID = 128
	maxCode      = 128
	maxCause     = 1024
	maxMessage   = 2048
	maxExcerpt   = 512
)

// escapeSequence matches what a terminal interprets as a command: a control string with its terminator, a control
// sequence, or an escape sequence. Of a control string without a terminator only the introducer is matched, so that the
// text after it stays visible.
//
// Source: https://ecma-international.org/publications-and-standards/standards/ecma-48/.
var escapeSequence = regexp.MustCompile(
	`(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}])(?:[^\x07\x1b\x{9c}]*(?:\x07|\x1b\\|\x{9c}))?` +
		`|(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]?` +
		`|\x1b[ -/]*[0-~]?`)

// Sanitize returns text of a server as a single line that is safe to print. Terminal escape sequences, invalid UTF-8
// and every character that is not visible (control, bidirectional, zero-width) are removed, and each white space
// character becomes a space. Text of more than limit characters is cut and ends with "…".
func Sanitize(text string, limit int) string { return truncate(printable(text), limit) }

func printable(text string) string {
	text = escapeSequence.ReplaceAllString(strings.ToValidUTF8(text, ""), "")
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return r
	}, text)
}

func truncate(text string, limit int) string {
	count := 0
	for i := range text {
		if count == limit {
			return text[:i] + "…"
		}
		count++
	}
	return text
}
