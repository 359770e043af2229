// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// configuration sets the arguments of a build job that most jobs have. The baseline sends the same.
const configuration = `
terraform {
  required_providers {
    servicestage = { source = "servicestage/servicestage" }
  }
}

variable "description" { default = "Builds one of many" }

provider "servicestage" { endpoints = { servicestage = %q } }

resource "servicestage_build_job" "job" {
  count           = %d
  job_name        = "job-${count.index}"
  job_description = var.description
  environment_setting {
    docker_version     = "18.09"
    use_public_cluster = true
    build_os { arch = "x86_64" }
  }
  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/app"
    branch    = "main"
    namespace = "acme"
  }
}
`

// workspace is a directory with a configuration, one of the providers, and a service.
type workspace struct {
	cli, dir    string
	environment []string
	service     *emulator.Service
	server      *httptest.Server
	requests    atomic.Int64 // Including rejected ones.
}

// newWorkspace returns a workspace whose server the caller closes.
func (b *bench) newWorkspace(program string, jobs, parallelism int) (*workspace, error) {
	dir, err := os.MkdirTemp(b.scratch, program+"-*")
	service, serviceErr := emulator.NewService(emulator.Options{})
	self, selfErr := os.Executable()
	if err := errors.Join(err, serviceErr, selfErr); err != nil {
		return nil, err
	}
	w := &workspace{cli: b.cli, dir: dir, service: service}
	w.environment = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		prefix, _, _ := strings.Cut(variable, "_")
		return slices.Contains([]string{"HW", "OS", "TF"}, prefix)
	})
	w.environment = append(w.environment, "TF_CLI_CONFIG_FILE="+filepath.Join(dir, "cli.tfrc"), "CHECKPOINT_DISABLE=1",
		"TF_IN_AUTOMATION=1", "HW_REGION_NAME=cn-north-4", "HW_PROJECT_ID=bench",
		"HW_ACCESS_KEY="+emulator.DefaultAccessKey, "HW_SECRET_KEY="+emulator.DefaultSecretKey)
	for _, command := range []string{"plan", "apply", "destroy"} {
		w.environment = append(w.environment,
			fmt.Sprintf("TF_CLI_ARGS_%s=-no-color -input=false -parallelism=%d", command, parallelism))
	}
	w.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.requests.Add(1)
		time.Sleep(b.delay)
		service.ServeHTTP(rw, r)
	}))
	err = errors.Join(
		os.WriteFile(filepath.Join(dir, "cli.tfrc"), fmt.Appendf(nil, `provider_installation {
  dev_overrides { "servicestage/servicestage" = %q }
  direct {}
}
`, dir), 0o600),
		os.WriteFile(filepath.Join(dir, "main.tf"), fmt.Appendf(nil, configuration, w.server.URL, jobs), 0o600),
		os.Symlink(self, filepath.Join(dir, provider)),
		os.Symlink(filepath.Join(b.programs, program), filepath.Join(dir, meteredProgram)),
	)
	if err != nil {
		w.server.Close()
	}
	return w, err
}

// run runs one command and waits for it to finish.
func (w *workspace) run(ctx context.Context, arguments []string) (sample, error) {
	w.requests.Store(0)
	command := exec.CommandContext(ctx, w.cli, arguments...)
	command.Dir, command.Env = w.dir, w.environment
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	started := time.Now()
	output, err := command.CombinedOutput()
	s := sample{wall: time.Since(started), requests: int(w.requests.Load())}
	if err == nil {
		err = s.readUsage(w.dir)
	}
	if err != nil {
		return s, fmt.Errorf("%s in %s: %w\n%s", strings.Join(command.Args, " "), w.dir, err, output)
	}
	return s, nil
}

// rateLimit rejects requests as the gateway of ServiceStage does, which counts them in each second.
func rateLimit(limit int) emulator.Fault {
	second, count := time.Now(), 0
	return emulator.Fault{
		Times: -1, StatusCode: http.StatusTooManyRequests,
		Body: `{"error_code":"APIGW.0308","error_msg":"Too many requests"}`,
		When: func(emulator.Request) bool { // The service calls it once at a time.
			if elapsed := time.Since(second).Truncate(time.Second); elapsed > 0 {
				second, count = second.Add(elapsed), 0
			}
			count++
			return count > limit
		},
	}
}

const meteredProgram, usageFile = "metered", "usage"

// sample is what one command used.
type sample struct {
	wall, cpu time.Duration // cpu is the sum of all provider processes, without the CLI.
	memory    int64         // Peak of the largest provider process, in bytes.
	requests  int
}

// meter is what the CLI starts as the provider. It runs the metered program of its directory and appends the resource
// usage of that to a file.
func meter() error {
	signal.Ignore(os.Interrupt) // The CLI stops the provider.
	dir := filepath.Dir(os.Args[0])
	command := exec.CommandContext(context.Background(), filepath.Join(dir, meteredProgram))
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return err
	}
	usage, _ := command.ProcessState.SysUsage().(*syscall.Rusage)
	memory := int64(usage.Maxrss) //nolint:unconvert // The type depends on the system.
	if runtime.GOOS != "darwin" {
		memory *= 1024
	}
	file, err := os.OpenFile(filepath.Join(dir, usageFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, int64(command.ProcessState.UserTime()+command.ProcessState.SystemTime()), memory)
	return errors.Join(err, file.Close())
}

// readUsage adds what the meter has written since the last call. It returns an error if that is nothing.
func (s *sample) readUsage(dir string) error {
	file := filepath.Join(dir, usageFile)
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		var cpu, memory int64
		if _, err := fmt.Sscan(line, &cpu, &memory); err != nil {
			return err
		}
		s.cpu, s.memory = s.cpu+time.Duration(cpu), max(s.memory, memory)
	}
	return os.Remove(file)
}
