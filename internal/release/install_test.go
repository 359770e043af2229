// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The init command finds the installed provider without a CLI configuration, and the installed emulator runs.
func TestInstall(t *testing.T) {
	t.Parallel()
	providertest.Prepare(t)
	// Go keeps its caches below HOME by default.
	caches, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	builds, modules, _ := strings.Cut(strings.TrimSpace(string(caches)), "\n")
	home, server := t.TempDir(), emulator.New(t, emulator.Options{})
	install := exec.CommandContext(t.Context(), "make", "install", "HOME="+home, "CACHE="+t.TempDir())
	install.Dir = root(t)
	install.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "PREFIX=", "GOCACHE="+builds, "GOMODCACHE="+modules)
	output, err := install.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	program := filepath.Join(home, ".local", "bin", "servicestage-emulator")
	help, err := exec.CommandContext(t.Context(), program, "-help").CombinedOutput()
	if err != nil || !strings.Contains(string(output), program+"\n") {
		t.Errorf("%v: %s is not printed or does not run:\n%s\n%s", err, program, output, help)
	}
	cli := &providertest.CLI{Dir: t.TempDir(), Env: []string{
		"HOME=" + home, "TF_CLI_CONFIG_FILE=", "TF_PLUGIN_CACHE_DIR=", "TF_DATA_DIR=",
		"XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "CHECKPOINT_DISABLE=1",
		"HW_REGION_NAME=cn-north-4", "HW_AUTH_TOKEN=" + emulator.DefaultToken, "HW_SERVICESTAGE_ENDPOINT=" + server.URL,
	}}
	cli.Write(t, "main.tf", providertest.Requirement+`resource "servicestage_build_job" "app" {
  job_name = "app"
  environment_setting {}
}
`)
	for _, arguments := range [][]string{{"init"}, {"apply", "-auto-approve"}} {
		stdout, stderr, err := cli.Run(t, append(arguments, "-input=false", "-no-color")...)
		if err != nil {
			t.Fatalf("%v: %v\n%s\n%s", arguments, err, stdout, stderr)
		}
		if strings.Contains(stdout+stderr, "development overrides") {
			t.Error("the CLI did not use the installed provider")
		}
	}
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].Name() != "app" {
		t.Errorf("the service has the build jobs %v", jobs)
	}
	lock, err := os.ReadFile(filepath.Join(cli.Dir, ".terraform.lock.hcl"))
	if err != nil || !strings.Contains(string(lock), "0.0.1") {
		t.Errorf("init locked another version: %v\n%s", err, lock)
	}
}
