// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package release_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// workflow is what the test looks at in a workflow.
type workflow struct {
	Permissions map[string]string `yaml:"permissions"`
	Jobs        map[string]struct {
		Permissions map[string]string `yaml:"permissions"`
		Steps       []struct {
			Uses string         `yaml:"uses"`
			Run  string         `yaml:"run"`
			With map[string]any `yaml:"with"`
		} `yaml:"steps"`
	} `yaml:"jobs"`
}

var (
	pinned     = regexp.MustCompile(`^\s*-?\s*uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	makeTarget = regexp.MustCompile(`(?m)^([a-z-]+):`)
	makeCall   = regexp.MustCompile(`\bmake ([a-z-]+)`)
)

// Actions are pinned to a commit, nothing may be written but a release, no credentials are left in the working copy, and
// what is run is a target of make.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root(t), ".github", "workflows", "*.yml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	makefile, err := os.ReadFile(filepath.Join(root(t), "GNUmakefile"))
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, match := range makeTarget.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, match[1])
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			checkWorkflow(t, file, targets)
		})
	}
}

func checkWorkflow(t *testing.T, file string, targets []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimRight(line, "\n")
		if strings.Contains(line, "uses:") && !strings.Contains(line, "uses: ./") && !pinned.MatchString(line) {
			t.Errorf("not pinned to a commit: %s", strings.TrimSpace(line))
		}
		for _, call := range makeCall.FindAllStringSubmatch(line, -1) {
			if strings.Contains(line, "run:") && !slices.Contains(targets, call[1]) {
				t.Errorf("there is no target %q", call[1])
			}
		}
	}
	var parsed workflow
	readYAML(t, file, &parsed)
	if len(parsed.Permissions) != 1 || parsed.Permissions["contents"] != "read" {
		t.Errorf("the workflow may %v, and needs to read the contents alone", parsed.Permissions)
	}
	for name, job := range parsed.Jobs {
		for permission, level := range job.Permissions {
			publishes := filepath.Base(file) == "release.yml" && name == "release" && permission == "contents"
			if level != "read" && !publishes {
				t.Errorf("job %s may %s %s", name, level, permission)
			}
		}
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
				t.Errorf("job %s leaves credentials in its working copy", name)
			}
		}
	}
}

// The changelog keeps to the headings that Terraform's users know.
func TestChangelog(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(filepath.Join(root(t), "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	headings := []string{"BREAKING CHANGES:", "NOTES:", "FEATURES:", "ENHANCEMENTS:", "BUG FIXES:"}
	last := -1
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "## "):
			last = -1
		case line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "*"):
		case slices.Index(headings, line) > last:
			last = slices.Index(headings, line)
		default:
			t.Errorf("neither an entry nor one of %v in their order: %q", headings, line)
		}
	}
}
