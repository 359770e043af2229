// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package release_test tests the files of a release, the makefile and the workflows where no tool checks them. It must
// not be imported.
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

// Files have the names that the registry requires, and the program contains its version. `make rehearse` checks the
// rest of the configuration, and that two builds are the same.
//
// Source: https://developer.hashicorp.com/terraform/registry/providers/publishing.
func TestRelease_namesAndVersion(t *testing.T) {
	t.Parallel()
	const version = "-X main.version="
	configuration := readFile(t, ".goreleaser.yml")
	for _, line := range []string{
		"project_name: terraform-provider-servicestage", `binary: "{{ .ProjectName }}_v{{ .Version }}"`,
		version + "{{ .Version }}", "formats: [zip]",
		`name_template: "{{ .ProjectName }}_{{ .Version }}_{{ .Os }}_{{ .Arch }}"`,
		`name_template: "{{ .ProjectName }}_{{ .Version }}_SHA256SUMS"`,
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
		t.Errorf("the program does not contain its version: %v", err)
	}
}

var pinned = regexp.MustCompile(`uses: (\./|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)`)

// Actions are pinned to a commit, only jobs of a release have write permissions, the job with the signing key runs no
// code of the repository, and no checkout keeps credentials. `make lint` checks the rest.
func TestWorkflows_permissions(t *testing.T) {
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
		if strings.Contains(content, ": write") && filepath.Base(file) != "release.yml" ||
			strings.Count(content, "actions/checkout@") != strings.Count(content, "persist-credentials: false") ||
			!slices.Contains(strings.Split(content, "\n\n"), "permissions:\n  contents: read") {
			t.Errorf("%s: a job has write permissions, or a checkout keeps credentials", file)
		}
		for job := range strings.SplitSeq(content, "\n\n") {
			if strings.Contains(job, "GPG_PRIVATE_KEY") &&
				(!strings.Contains(job, "environment: release") || strings.Contains(job, "checkout")) {
				t.Errorf("%s: the job with the signing key runs code of the repository, or has no environment:\n%s",
					file, job)
			}
		}
	}
}

// The page of each resource, data source, action and list resource begins with an example. `make docs-check` checks
// that each has a page.
func TestPages_haveExamples(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(root(t), "docs", "*", "*.md"))
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, page := range pages {
		folder, file := filepath.Base(filepath.Dir(page)), filepath.Base(page)
		if content := readFile(t, "docs", folder, file); folder != "guides" &&
			!strings.Contains(content, "## Example Usage\n\n```terraform\n") {
			t.Errorf("%s/%s has no example", folder, file)
		}
	}
}
