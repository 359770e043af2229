// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/usage"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

const address = "registry.terraform.io/servicestage/servicestage"

// workspace is a folder with a configuration, in which one CLI runs one of the providers.
type workspace struct {
	cli, provider, folder, plugins string
	service                        *service
	environment                    []string
}

// sample is what one command has used.
type sample struct {
	wall time.Duration
	// cpu is that of all provider processes, cliCPU that of the CLI itself.
	cpu, cliCPU time.Duration
	// memory is the peak of the largest provider process, in bytes.
	memory int64
	counts counts
}

func (b *bench) newWorkspace(cli, provider string, s *service) (*workspace, error) {
	folder, err := os.MkdirTemp(b.scratch, provider+"-*")
	if err != nil {
		return nil, err
	}
	w := &workspace{cli: cli, provider: provider, folder: folder, plugins: filepath.Join(folder, "plugins"), service: s}
	configuration := filepath.Join(folder, "cli.tfrc")
	override := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    %q = %q\n  }\n  direct {}\n}\n", address, w.plugins)
	err = errors.Join(
		os.Mkdir(w.plugins, 0o700),
		os.WriteFile(configuration, []byte(override), 0o600),
		// A hard link, so that the meter finds what is beside it.
		os.Link(b.program(meter), filepath.Join(w.plugins, "terraform-provider-servicestage")),
		os.Symlink(b.program(provider), filepath.Join(w.plugins, usage.Provider)),
	)
	if err != nil {
		return nil, err
	}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HW_") && !strings.HasPrefix(variable, "OS_") && !strings.HasPrefix(variable, "TF_") {
			w.environment = append(w.environment, variable)
		}
	}
	w.environment = append(w.environment, "TF_CLI_CONFIG_FILE="+configuration, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1")
	return w, nil
}

// configure writes the configuration of so many jobs, and whatever comes besides.
func (w *workspace) configure(jobs int, description, besides string) error {
	settings := fmt.Sprintf("  endpoint = %q\n", w.service.url())
	if w.provider == ours {
		settings = fmt.Sprintf("  region     = \"cn-north-4\"\n  access_key = %q\n  secret_key = %q\n  project_id = \"bench\"\n"+
			"  endpoints  = { servicestage = %q }\n  insecure   = true\n", emulator.DefaultAccessKey, emulator.DefaultSecretKey, w.service.url())
	}
	text := "terraform {\n  required_providers {\n    servicestage = { source = \"" + address + "\" }\n  }\n}\n" +
		"provider \"servicestage\" {\n" + settings + "}\n"
	if jobs > 0 {
		text += "resource \"servicestage_build_job\" \"job\" {\n  count    = " + strconv.Itoa(jobs) + "\n  job_name = \"job-${count.index}\"\n"
		if w.provider != attribute {
			text += fmt.Sprintf(arguments, description)
		}
		text += "}\n"
	}
	return os.WriteFile(filepath.Join(w.folder, "main.tf"), []byte(text+besides), 0o600)
}

// arguments are those of a job that says all that most jobs say. The floors send the same.
const arguments = `
  job_description = %q

  environment_setting {
    docker_version     = "18.09"
    use_public_cluster = true
    build_os {
      arch = "x86_64"
    }
  }

  code_repo {
    type      = "GitHub"
    url       = "https://github.com/acme/app"
    branch    = "main"
    namespace = "acme"
  }
`

const usualDescription = "Builds one of many"

// run runs one command to its end.
func (w *workspace) run(ctx context.Context, arguments ...string) (sample, error) {
	if _, err := usage.Take(w.plugins); err != nil {
		return sample{}, err
	}
	w.service.take()
	command := exec.CommandContext(ctx, w.cli, slices.Insert(arguments, 1, "-no-color")...)
	command.Dir, command.Env = w.folder, w.environment
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	start := time.Now()
	output, err := command.CombinedOutput()
	s := sample{wall: time.Since(start)}
	if err != nil {
		return s, fmt.Errorf("%s %s with %s: %w\n%s", filepath.Base(w.cli), arguments[0], w.provider, err, output)
	}
	processes, err := usage.Take(w.plugins)
	if err != nil {
		return s, err
	}
	if len(processes) == 0 {
		return s, fmt.Errorf("%s %s: the meter has measured no provider", filepath.Base(w.cli), arguments[0])
	}
	for _, process := range processes {
		s.cpu += process.CPU
		s.memory = max(s.memory, process.Memory)
	}
	// What the system says of the CLI holds its children.
	s.cliCPU = command.ProcessState.UserTime() + command.ProcessState.SystemTime() - s.cpu
	s.counts = w.service.take()
	return s, nil
}
