// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package release_test tests what a release promises and no tool checks. It must not be imported.
package release_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

func root(t *testing.T) string {
	t.Helper()
	folder, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func readFile(t *testing.T, elements ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{root(t)}, elements...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The registry finds files by their names, and the program knows its version. `make snapshot` checks the rest of the configuration,
// and `make reproduce` that two builds are the same.
//
// Source: https://developer.hashicorp.com/terraform/registry/providers/publishing.
func TestRelease_namesAndVersion(t *testing.T) {
	t.Parallel()
	const version = "-X main.version="
	configuration := readFile(t, ".goreleaser.yml")
	for _, line := range []string{
		"project_name: terraform-provider-servicestage", `binary: "{{ .ProjectName }}_v{{ .Version }}"`, version + "{{ .Version }}", "formats: [zip]",
		`name_template: "{{ .ProjectName }}_{{ .Version }}_{{ .Os }}_{{ .Arch }}"`, `name_template: "{{ .ProjectName }}_{{ .Version }}_SHA256SUMS"`,
		`name_template: "{{ .ProjectName }}_{{ .Version }}_manifest.json"`,
	} {
		if !strings.Contains(configuration, line) {
			t.Errorf("%q is missing in .goreleaser.yml", line)
		}
	}
	program := filepath.Join(t.TempDir(), "provider")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags", version+"7.8.9-test", "-o", program, ".")
	build.Dir = root(t)
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if content, err := os.ReadFile(program); err != nil || !bytes.Contains(content, []byte("7.8.9-test")) {
		t.Errorf("the program does not know its version: %v", err)
	}
}

var pinned = regexp.MustCompile(`uses: (\./|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)`)

// Actions are pinned to a commit, nothing but a release may be written, and no credentials stay in a working copy. `make lint` checks
// the rest.
func TestWorkflows_rights(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root(t), ".github", "workflows", "*.yml"))
	if err != nil || len(files) < 3 {
		t.Fatalf("%d workflows, %v", len(files), err)
	}
	for _, file := range files {
		content := readFile(t, ".github", "workflows", filepath.Base(file))
		for line := range strings.Lines(content) {
			if line = strings.TrimSpace(line); strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: not pinned to a commit: %s", file, line)
			}
		}
		writes, checkouts := strings.Count(content, ": write"), strings.Count(content, "actions/checkout@")
		if writes > 1 || writes == 1 && filepath.Base(file) != "release.yml" || checkouts != strings.Count(content, "persist-credentials: false") ||
			!slices.Contains(strings.Split(content, "\n\n"), "permissions:\n  contents: read") {
			t.Errorf("%s: a job may write, or leaves credentials in its working copy", file)
		}
	}
}
