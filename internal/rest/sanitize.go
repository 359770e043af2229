// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package rest

import (
	"strings"
	"unicode"
)

// Sanitize returns text that comes from a server as a single line that is safe to print: white space becomes one space, every
// character that is not printable (control, bidirectional, zero-width) is removed, and text longer than limit characters is cut and
// ends with "…".
func Sanitize(text string, limit int) string {
	var line strings.Builder
	count := 0
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case !unicode.IsPrint(r):
			continue
		}
		if count == limit {
			line.WriteRune('…')
			break
		}
		line.WriteRune(r)
		count++
	}
	return line.String()
}
