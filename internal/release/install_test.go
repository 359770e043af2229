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

// What make install leaves in the user's home is found by a plain init, without any configuration of the CLI, and works.
func TestInstall(t *testing.T) {
	t.Parallel()
	providertest.Prepare(t)
	home, server := t.TempDir(), emulator.New(t, emulator.Options{})
	install := exec.CommandContext(t.Context(), "make", "--no-print-directory", "install", "HOME="+home, "CACHE="+t.TempDir())
	// Make hands HOME on to go, which would keep its caches there.
	install.Dir, install.Env = root(t), append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "GOCACHE="+goEnv(t, "GOCACHE"), "GOMODCACHE="+goEnv(t, "GOMODCACHE"))
	if output, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	cli := &providertest.CLI{Dir: t.TempDir(), Env: []string{
		"HOME=" + home, "TF_CLI_CONFIG_FILE=", "TF_PLUGIN_CACHE_DIR=", "TF_DATA_DIR=", "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "CHECKPOINT_DISABLE=1",
		"HW_REGION_NAME=cn-north-4", "HW_AUTH_TOKEN=" + emulator.DefaultToken, "HW_SERVICESTAGE_ENDPOINT=" + server.URL,
	}}
	cli.Write(t, "main.tf", providertest.Requirement+"resource \"servicestage_build_job\" \"app\" {\n  job_name = \"app\"\n  environment_setting {}\n}\n")
	for _, arguments := range [][]string{{"init", "-input=false", "-no-color"}, {"apply", "-auto-approve", "-input=false", "-no-color"}} {
		stdout, stderr, err := cli.Run(t, arguments...)
		if err != nil {
			t.Fatalf("%v: %v\n%s\n%s", arguments, err, stdout, stderr)
		}
		if strings.Contains(stdout+stderr, "development overrides") {
			t.Error("the CLI did not look for the provider by itself")
		}
	}
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].Name() != "app" {
		t.Errorf("the service holds %v", jobs)
	}
	if lock, err := os.ReadFile(filepath.Join(cli.Dir, ".terraform.lock.hcl")); err != nil || !strings.Contains(string(lock), "0.0.1") {
		t.Errorf("init locked another version: %v\n%s", err, lock)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(value))
}
