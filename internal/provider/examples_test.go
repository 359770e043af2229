// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// sampleID is the job_id of the examples, from a sample of the API's pages.
const sampleID = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"

// sampleBuildID is the build_id of the examples, likewise.
const sampleBuildID = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"

// hasActions reports whether the CLI knows actions. OpenTofu, which has versions of its own, does not.
func hasActions(t *testing.T, cli *providertest.CLI) bool {
	t.Helper()
	stdout, stderr, err := cli.Run(t, "version")
	if err != nil {
		t.Fatal(err, stderr)
	}
	var major, minor int
	if _, err := fmt.Sscanf(stdout, "Terraform v%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || minor >= 14
}

// Each folder of examples plans, with the files in it together, by the provider as a program.
func TestExamples_plan(t *testing.T) {
	t.Parallel()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	for folder, files := range exampleFolders(t, filepath.Join(root, "examples")) {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			known := server.AddJob(map[string]any{
				"job_name": "checkout-service", "environment_setting": map[string]any{},
				"code_repo": map[string]any{"type": "GitHub", "url": "https://github.com/acme/checkout", "branch": "main", "namespace": "acme"},
			})
			server.AddBuild(known)
			knownBuild := server.Builds()[0].ID
			cli := providertest.NewCLI(t, server)
			if strings.HasPrefix(folder, "actions") && !hasActions(t, cli) {
				t.Skip("the CLI is no Terraform 1.14 or newer, so that this example of an action is not planned")
			}
			configured := false
			for _, file := range files {
				content, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				text := strings.NewReplacer(sampleID, known, sampleBuildID, knownBuild).Replace(string(content))
				configured = configured || strings.Contains(text, "required_providers")
				cli.Write(t, filepath.Base(file), text)
			}
			if !configured {
				cli.Write(t, "versions.tf", providertest.Requirement)
			}
			if stdout, stderr, err := cli.Run(t, "plan", "-input=false", "-no-color"); err != nil {
				t.Errorf("%v\n%s\n%s", err, stdout, stderr)
			}
		})
	}
}

// exampleFolders maps each folder below root, by its path from there, to its configuration files.
func exampleFolders(t *testing.T, root string) map[string][]string {
	t.Helper()
	folders := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == ".tf" {
			folder, relErr := filepath.Rel(root, filepath.Dir(path))
			if relErr != nil {
				return relErr
			}
			folders[folder] = append(folders[folder], path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) < 4 {
		t.Fatalf("only %d folders of examples were found", len(folders))
	}
	return folders
}
