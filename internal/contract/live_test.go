// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package contract_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// command is what make testacc runs, against a server.
func command(t *testing.T, server *emulator.Server, report string, environment ...string) *exec.Cmd {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAcc", "-test.v", "-report="+report, "-revision=1.2.3")
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HW_") && !strings.HasPrefix(variable, "OS_") && !strings.HasPrefix(variable, "TF_ACC=") {
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(command.Env,
		"HW_REGION_NAME=cn-north-4", "HW_ACCESS_KEY="+emulator.DefaultAccessKey, "HW_SECRET_KEY="+emulator.DefaultSecretKey,
		"HW_PROJECT_ID=test-project", "HW_ENTERPRISE_PROJECT_ID="+otherProject, "HW_SERVICESTAGE_ENDPOINT="+server.URL)
	command.Env = append(command.Env, environment...)
	return command
}

// The command takes its settings from the variables of the provider, and writes the report.
func TestLive(t *testing.T) {
	t.Parallel()
	server, check := foreign(t)
	report := filepath.Join(t.TempDir(), "contract-report.md")
	output, err := command(t, server, report, "TF_ACC=1").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	check(t)
	content, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"provider 1.2.3", "| f2 | Can an update change enterprise_project_id? | accepted; it is there: yes |"} {
		if !strings.Contains(string(content), part) {
			t.Errorf("the report lacks %q:\n%s", part, content)
		}
	}
	if !strings.Contains(string(output), "--- PASS: TestAccBuildJob") || !strings.Contains(string(output), "--- PASS: TestAccContract") {
		t.Errorf("not all was run:\n%s", output)
	}
}

// Without TF_ACC=1 nothing is sent.
func TestLive_refuses(t *testing.T) {
	t.Parallel()
	for _, setting := range []string{"TF_ACC=", "TF_ACC=0", "TF_ACC=true"} {
		server := emulator.New(t, emulator.Options{})
		report := filepath.Join(t.TempDir(), "contract-report.md")
		output, err := command(t, server, report, setting).CombinedOutput()
		if err != nil || !strings.Contains(string(output), "TF_ACC=1 says that it may") {
			t.Errorf("%s: %v\n%s", setting, err, output)
		}
		if requests := server.Requests(); len(requests) != 0 {
			t.Errorf("%s: %d requests were sent", setting, len(requests))
		}
		if _, err := os.Stat(report); err == nil {
			t.Errorf("%s: there is a report", setting)
		}
	}
}

// An assumption that is wrong fails the command, and the report is written all the same.
func TestLive_differs(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{IgnoreRename: true}})
	report := filepath.Join(t.TempDir(), "contract-report.md")
	run := command(t, server, report, "TF_ACC=1")
	run.Args[1] = "-test.run=^TestAccContract$"
	output, err := run.CombinedOutput()
	if err == nil || !strings.Contains(string(output), "f1: Can an update change job_name?") {
		t.Errorf("%v\n%s", err, output)
	}
	if content, err := os.ReadFile(report); err != nil || !strings.Contains(string(content), "| **no** |") {
		t.Errorf("%v\n%s", err, content)
	}
}

// Ctrl-C in the middle, in the probe as well as under Terraform, leaves nothing behind but what was there before.
func TestLive_interrupted(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there is no signal to send")
	}
	for _, c := range []struct {
		test string
		at   int32
	}{{"TestAccContract", 20}, {"TestAccContract", 40}, {"TestAccBuildJob", 3}, {"TestAccBuildJob", 9}} {
		server, check := foreign(t)
		report := filepath.Join(t.TempDir(), "contract-report.md")
		run := command(t, server, report, "TF_ACC=1")
		run.Args[1] = "-test.run=^" + c.test + "$"
		var seen atomic.Int32
		started := make(chan *os.Process, 1)
		server.Order(emulator.Fault{
			When: func(emulator.Request) bool { return seen.Add(1) == c.at },
			Do: func() {
				if err := (<-started).Signal(os.Interrupt); err != nil {
					t.Error(err)
				}
			},
		})
		var output bytes.Buffer
		run.Stdout, run.Stderr = &output, &output
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		started <- run.Process
		err := run.Wait()
		if c.test == "TestAccContract" && (err == nil || !strings.Contains(output.String(), "interrupted")) {
			t.Errorf("%s, request %d: %v\n%s", c.test, c.at, err, &output)
		}
		if seen.Load() < c.at {
			t.Errorf("%s sent only %d requests:\n%s", c.test, seen.Load(), &output)
		}
		check(t)
	}
}
