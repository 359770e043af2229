// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// IDs of the examples, from samples of the API's pages.
const (
	sampleID      = "swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f"
	sampleBuildID = "j25yx7qm6apcxin59e3mj7u5byymtjjwsep6r5x2"
)

// byIdentity is the name of examples that older CLIs do not support.
const byIdentity = "import-by-identity.tf"

// Each folder of examples plans, with the files in it together, with the provider as a program.
func TestExamples_plan(t *testing.T) {
	t.Parallel()
	for folder, files := range exampleFolders(t, ".tf") {
		if strings.HasPrefix(folder, "modules") {
			continue // TestExamples_module applies them.
		}
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			cli := exampleCLI(t, slices.DeleteFunc(files, func(file string) bool {
				return filepath.Base(file) == byIdentity
			}))
			minors := map[string]int{"actions/servicestage_cancel_build": 14, "actions/servicestage_start_build": 16}
			if minor := minors[folder]; minor > 0 {
				cli.RequireVersion(t, minor, 0)
			}
			switch filepath.Base(folder) {
			case "password":
				cli.Env = append(cli.Env, "HW_USER_PASSWORD=emulator-password")
			case "profile":
				profiles := fmt.Sprintf(`{"profiles":[{"name":"ci","accessKeyId":%q,"secretAccessKey":%q}]}`,
					emulator.DefaultAccessKey, emulator.DefaultSecretKey)
				cli.Env = append(cli.Env, "HW_SHARED_CONFIG_FILE="+writeFile(t, profiles))
			}
			succeed(t, cli, "plan", "-input=false", "-no-color")
		})
	}
}

// The import by identity is planned for each resource that has an identity.
func TestExamples_importByIdentity(t *testing.T) {
	t.Parallel()
	for folder, files := range exampleFolders(t, ".tf") {
		files = slices.DeleteFunc(files, func(file string) bool {
			return !slices.Contains([]string{byIdentity, "resource.tf"}, filepath.Base(file))
		})
		if !strings.HasPrefix(folder, "resources") {
			continue
		}
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			if len(files) != 2 {
				t.Fatalf("the files are %v", files)
			}
			cli := exampleCLI(t, files)
			cli.RequireVersion(t, 12, 12)
			stdout := succeed(t, cli, "plan", "-input=false", "-no-color")
			if !strings.Contains(stdout, "Plan: 1 to import, ") {
				t.Error(stdout)
			}
		})
	}
}

func TestExamples_query(t *testing.T) {
	t.Parallel()
	for folder, files := range exampleFolders(t, ".tfquery.hcl") {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			cli := exampleCLI(t, files)
			cli.RequireVersion(t, 14, 0)
			if stdout := succeed(t, cli, "query", "-no-color"); strings.Count(stdout, "checkout-service") != 2 {
				t.Errorf("the build job is not listed by both blocks:\n%s", stdout)
			}
		})
	}
}

// moduleCLI returns a CLI with the module and its use in its working directory.
func moduleCLI(t *testing.T) (*emulator.Server, *providertest.CLI) {
	t.Helper()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.Install(t)
	if err := os.CopyFS(cli.Dir, os.DirFS(filepath.Join(root, "examples", "modules"))); err != nil {
		t.Fatal(err)
	}
	return server, cli
}

// The module creates a build job for each service, and a second plan shows no changes.
func TestExamples_module(t *testing.T) {
	t.Parallel()
	server, cli := moduleCLI(t)
	succeed(t, cli, "init", "-no-color")
	mustApply(t, cli)
	succeed(t, cli, "plan", "-no-color", "-input=false", "-detailed-exitcode")
	ids := succeed(t, cli, "output", "-no-color", "job_ids")
	if jobs := server.Jobs(); strings.Count(ids, "=") != 4 || len(jobs) != 4 {
		t.Errorf("%d build jobs exist, and their IDs are\n%s", len(jobs), ids)
	}
}

// The module's own test passes, and leaves no build job.
func TestExamples_moduleTest(t *testing.T) {
	t.Parallel()
	server, cli := moduleCLI(t)
	cli.RequireVersion(t, 6, 6)
	succeed(t, cli, "-chdir=build-jobs", "init", "-no-color")
	stdout := succeed(t, cli, "-chdir=build-jobs", "test", "-no-color")
	if !strings.Contains(stdout, "Success! 4 passed, 0 failed.") {
		t.Error(stdout)
	}
	if left := server.Jobs(); len(left) != 0 {
		t.Errorf("%d build jobs are left", len(left))
	}
}

// The mocked values fit the schemas: the test of the guide passes with them, and so does a test that uses all of them.
func TestExamples_mocks(t *testing.T) {
	t.Parallel()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.RequireVersion(t, 7, 0)
	cli.Install(t)
	mocks := os.DirFS(filepath.Join(root, "examples", "mocks"))
	if err := os.CopyFS(filepath.Join(cli.Dir, "tests", "mocks"), mocks); err != nil {
		t.Fatal(err)
	}
	const guide = "guides/test-your-modules-offline.md"
	_, module := readSection(t, guide, "With the emulator")
	_, test := readSection(t, guide, "With mocked values")
	cli.Write(t, "main.tf", module[0])
	cli.Write(t, "tests/guide.tftest.hcl", test[0])
	cli.Write(t, "all.tf", `
resource "servicestage_build" "all" { job_id = values(servicestage_build_job.service)[0].job_id }
data "servicestage_build_job" "all" { job_name = "checkout-service" }
data "servicestage_build_jobs" "all" {}
data "servicestage_build" "all" { build_id = servicestage_build.all.build_id }
data "servicestage_builds" "all" { job_id = data.servicestage_build_job.all.job_id }
data "servicestage_base_images" "all" {}
`)
	settings, _, _ := strings.Cut(test[0], "\nrun ")
	cli.Write(t, "tests/all.tftest.hcl", settings+`
run "all" {
  assert {
    condition = alltrue([
      servicestage_build.all.state == "Successful",
      data.servicestage_build_job.all.code_repo.branch == "main",
      data.servicestage_build_jobs.all.names == tolist(["checkout-service"]),
      data.servicestage_build.all.duration == 336,
      data.servicestage_builds.all.job_name == "checkout-service",
      length(data.servicestage_base_images.all.stacks) == 3,
    ])
    error_message = "The mocked values are missing."
  }
}
`)
	succeed(t, cli, "init", "-no-color")
	if stdout := succeed(t, cli, "test", "-no-color"); !strings.Contains(stdout, "Success! 2 passed, 0 failed.") {
		t.Error(stdout)
	}
	if requests := server.Requests(); len(requests) != 0 {
		t.Errorf("%d requests were sent", len(requests))
	}
}

// exampleCLI returns a CLI with the files in its working directory and the build jobs of the examples in its service.
func exampleCLI(t *testing.T, files []string) *providertest.CLI {
	t.Helper()
	server := emulator.New(t, emulator.Options{})
	known := server.AddJob(map[string]any{
		"job_name": "checkout-service", "environment_setting": map[string]any{}, "code_repo": repository("checkout"),
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

// succeed runs a command, which must succeed, and returns what it printed.
func succeed(t *testing.T, cli *providertest.CLI, arguments ...string) string {
	t.Helper()
	stdout, stderr, err := cli.Run(t, arguments...)
	if err != nil {
		t.Fatalf("%v: %v\n%s\n%s", arguments, err, stdout, stderr)
	}
	return stdout
}

// mustApply applies the configuration, which must succeed, and returns what Terraform printed.
func mustApply(t *testing.T, cli *providertest.CLI, arguments ...string) string {
	t.Helper()
	return succeed(t, cli, append([]string{"apply", "-no-color", "-input=false", "-auto-approve"}, arguments...)...)
}

// exampleFolders returns the files whose names end with extension, by the path of their folder in examples.
func exampleFolders(t *testing.T, extension string) map[string][]string {
	t.Helper()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	root = filepath.Join(root, "examples")
	folders := map[string][]string{}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && strings.HasSuffix(path, extension) {
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
	if least := map[string]int{".tf": 7, ".tfquery.hcl": 1}[extension]; len(folders) < least {
		t.Fatalf("only %d folders of examples have been found", len(folders))
	}
	return folders
}
