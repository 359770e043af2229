// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const (
	// maxLog is the maximum size of a log in the state, in bytes.
	maxLog = 1 << 20
	// maxTailLines is how many lines of the log an error contains, and maxLine the length of each, in characters.
	maxTailLines = 40
	maxLine      = 300
	// tailBytes is enough for these lines.
	tailBytes = 64 << 10
)

// lastLines returns the last lines of a log, indented, without escape sequences and other control characters, and
// whether these are all lines. Terraform does not wrap lines that begin with a space.
func lastLines(log string) (lines []string, all bool) {
	log = strings.Trim(strings.ReplaceAll(log, "\r\n", "\n"), "\n")
	if strings.TrimSpace(log) == "" {
		return nil, true
	}
	lines = strings.Split(log, "\n")
	from := max(0, len(lines)-maxTailLines)
	lines = lines[from:]
	for i, line := range lines {
		lines[i] = "  " + printableLine(line)
	}
	return lines, from == 0
}

// printableLine returns a line of a log as text that is safe to print.
func printableLine(line string) string {
	if i := strings.LastIndexByte(strings.TrimRight(line, "\r"), '\r'); i >= 0 {
		line = line[i+1:] // A terminal shows only the last state of a progress bar.
	}
	return rest.Sanitize(strings.ReplaceAll(line, "\t", "    "), maxLine)
}
