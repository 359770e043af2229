// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// sampleID is the job_id of the examples, from a sample of the API's pages.
const sampleID = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"

// sampleBuildID is the build_id of the examples, likewise.
const sampleBuildID = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"

// byIdentity is the one example that older CLIs do not understand.
const byIdentity = "import-by-identity.tf"

// Each folder of examples plans, with the files in it together, by the provider as a program.
func TestExamples_plan(t *testing.T) {
	t.Parallel()
	for folder, files := range exampleFolders(t, ".tf") {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			cli := exampleCLI(t, slices.DeleteFunc(files, func(file string) bool { return filepath.Base(file) == byIdentity }))
			minor := map[string]int{"actions/servicestage_cancel_build": 14, "actions/servicestage_start_build": 16}[folder]
			if minor > 0 {
				cli.RequireTerraform(t, minor, false)
			}
			cli.Env = append(cli.Env, "HOME="+homeWith(t, `{"profiles":[{"name":"ci","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key"}]}`))
			if strings.HasSuffix(folder, "/password") {
				cli.Env = append(cli.Env, "HW_USER_PASSWORD=emulator-password")
			}
			succeed(t, cli, "plan", "-input=false", "-no-color")
		})
	}
}

func TestExamples_importByIdentity(t *testing.T) {
	t.Parallel()
	files := slices.DeleteFunc(exampleFolders(t, ".tf")["resources/servicestage_build_job"], func(file string) bool {
		return !slices.Contains([]string{byIdentity, "resource.tf"}, filepath.Base(file))
	})
	if len(files) != 2 {
		t.Fatalf("the files are %v", files)
	}
	cli := exampleCLI(t, files)
	cli.RequireTerraform(t, 12, true)
	if stdout := succeed(t, cli, "plan", "-input=false", "-no-color"); !strings.Contains(stdout, "1 to import, 1 to add") {
		t.Error(stdout)
	}
}

func TestExamples_query(t *testing.T) {
	t.Parallel()
	for folder, files := range exampleFolders(t, ".hcl") {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			cli := exampleCLI(t, files)
			cli.RequireTerraform(t, 14, false)
			if stdout := succeed(t, cli, "query", "-no-color"); strings.Count(stdout, "checkout-service") != 2 {
				t.Errorf("the job is not listed by both blocks:\n%s", stdout)
			}
		})
	}
}

// exampleCLI has the files in its working directory, and the jobs in its service that they speak of.
func exampleCLI(t *testing.T, files []string) *providertest.CLI {
	t.Helper()
	server := emulator.New(t, emulator.Options{})
	known := server.AddJob(map[string]any{
		"job_name": "checkout-service", "environment_setting": map[string]any{},
		"code_repo": map[string]any{"type": "GitHub", "url": "https://github.com/acme/checkout", "branch": "main", "namespace": "acme"},
	})
	server.AddJob(map[string]any{"job_name": "base-image", "environment_setting": map[string]any{}})
	server.AddBuild(known)
	knownBuild := server.Builds()[0].ID
	cli := providertest.NewCLI(t, server)
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
	return cli
}

// succeed runs a command that has to end well, and returns what it printed.
func succeed(t *testing.T, cli *providertest.CLI, arguments ...string) string {
	t.Helper()
	stdout, stderr, err := cli.Run(t, arguments...)
	if err != nil {
		t.Fatalf("%v: %v\n%s\n%s", arguments, err, stdout, stderr)
	}
	return stdout
}

// exampleFolders maps each folder of examples, by its path, to its files with the given extension.
func exampleFolders(t *testing.T, extension string) map[string][]string {
	t.Helper()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(root, "examples")
	folders := map[string][]string{}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == extension {
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
	if least := map[string]int{".tf": 7, ".hcl": 1}[extension]; len(folders) < least {
		t.Fatalf("only %d folders of examples were found", len(folders))
	}
	return folders
}
