// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package browsertest_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// terraform returns a function that prepares a command of Terraform with the provider of this repository.
func terraform(t *testing.T, server *emulator.Server, configuration string) func(arguments ...string) *exec.Cmd {
	t.Helper()
	cli, err := exec.LookPath(cmp.Or(os.Getenv("TF_ACC_TERRAFORM_PATH"), "terraform"))
	if err != nil {
		t.Skip("no Terraform: ", err)
	}
	directory := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", directory+"/", ".")
	build.Dir = filepath.Join("..", "..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the provider: %v\n%s", err, output)
	}
	for name, content := range map[string]string{
		"main.tf": configuration,
		"cli.tfrc": fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n  }\n}\n",
			"servicestage/servicestage", directory),
	} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(arguments ...string) *exec.Cmd {
		command := exec.CommandContext(t.Context(), cli, arguments...)
		command.Dir = directory
		command.Env = append(os.Environ(),
			"TF_CLI_CONFIG_FILE="+filepath.Join(directory, "cli.tfrc"), "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1",
			"HW_SERVICESTAGE_ENDPOINT="+server.URL, "HW_IAM_ENDPOINT="+server.URL, "HW_REGION_NAME=cn-north-4",
			"HW_ACCESS_KEY="+emulator.DefaultAccessKey, "HW_SECRET_KEY="+emulator.DefaultSecretKey,
			"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=127.0.0.1",
		)
		return command
	}
}

// TestPage_terraform proves that a build job and its build appear during an apply, and that a change on the page is
// drift.
func TestPage_terraform(t *testing.T) {
	t.Parallel()
	var clock clock
	server := emulator.New(t, emulator.Options{BuildDuration: 6 * time.Minute, Now: clock.now})
	command := terraform(t, server, `
		terraform {
		  required_providers {
		    servicestage = { source = "servicestage/servicestage" }
		  }
		}
		resource "servicestage_build_job" "checkout" {
		  job_name        = "checkout"
		  job_description = "from Terraform"
		  environment_setting {
		    use_public_cluster = true
		    build_os {
		      arch = "x86_64"
		    }
		  }
		}
		resource "servicestage_build" "checkout" {
		  job_id = servicestage_build_job.checkout.job_id
		}
	`)
	page := newTab(t, 1280, 900)
	page.open(server, "")

	var output bytes.Buffer
	apply := command("apply", "-auto-approve", "-input=false", "-no-color")
	apply.Stdout, apply.Stderr = &output, &output
	if err := apply.Start(); err != nil {
		t.Fatal(err)
	}
	applied := make(chan error, 1)
	go func() { applied <- apply.Wait() }()
	page.waitForText("#jobs", "checkout")
	page.waitForText("#jobs [data-field=state]", "Queuing")
	clock.advance(time.Minute)
	page.waitForText("#jobs [data-field=state]", "Building")
	select {
	case err := <-applied:
		t.Fatalf("the page shows the running build after the apply has ended: %v\n%s", err, &output)
	default:
	}
	clock.advance(6 * time.Minute)
	if err := <-applied; err != nil {
		t.Fatalf("apply: %v\n%s", err, &output)
	}
	page.waitForText("#jobs [data-field=state]", "Successful")
	page.waitForText("#requests", "access key "+emulator.DefaultAccessKey)

	page.click("#jobs button")
	page.click("#open-change")
	page.fill("#change [name=description]", "changed on the page")
	page.click("#change [type=submit]")
	page.waitForText("#job-fields", "changed on the page")
	plan, err := command("plan", "-detailed-exitcode", "-input=false", "-no-color").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Fatalf("plan: %v\n%s", err, plan)
	}
	if !strings.Contains(string(plan), `"changed on the page" -> "from Terraform"`) {
		t.Errorf("the plan does not show the change:\n%s", plan)
	}
}
