// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
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

// logTail returns the last lines of a build's log, indented, or why they cannot be read. Terraform does not wrap lines
// that begin with a space.
func logTail(ctx context.Context, client *servicestage.Client, id string) string {
	log, err := client.BuildLog(ctx, id, tailBytes)
	if err != nil {
		return fmt.Sprintf("Its log could not be read: %s.", err)
	}
	text := strings.Trim(strings.ReplaceAll(log.Text, "\r\n", "\n"), "\n")
	if strings.TrimSpace(text) == "" {
		return "Its log is empty."
	}
	lines, title := strings.Split(text, "\n"), "Its log:"
	if log.Cut || len(lines) > maxTailLines {
		lines = lines[max(0, len(lines)-maxTailLines):]
		title = fmt.Sprintf("The last %d lines of its log:", len(lines))
	}
	for i, line := range lines {
		lines[i] = "  " + printableLine(line)
	}
	return title + "\n\n" + strings.Join(lines, "\n")
}

// printableLine returns a line of a log without escape sequences and other control characters.
func printableLine(line string) string {
	if i := strings.LastIndexByte(strings.TrimRight(line, "\r"), '\r'); i >= 0 {
		line = line[i+1:] // A terminal shows only the last state of a progress bar.
	}
	return rest.Sanitize(strings.ReplaceAll(line, "\t", "    "), maxLine)
}
