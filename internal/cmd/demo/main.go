// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command demo shows what the provider does, without an account: Terraform manages examples/quickstart in the emulator.
// It returns an error if a step has another result than expected.
package main

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

//go:embed *.tf
var configurations embed.FS

func main() {
	d := &demo{
		provider: ".cache/bin/terraform-provider-servicestage", example: "examples/quickstart", out: os.Stdout,
	}
	flag.StringVar(&d.cli, "cli", "terraform", "Terraform-compatible `program`")
	flag.BoolVar(&d.verbose, "verbose", false, "print all output of Terraform")
	flag.Parse()
	if info, err := os.Stdout.Stat(); err == nil {
		d.color = info.Mode()&os.ModeCharDevice != 0
	}
	// Terraform receives an interrupt from the terminal itself, and finishes its operation.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := d.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

type demo struct {
	cli, provider, example string
	verbose, color         bool
	out                    io.Writer

	url, configuration string
	environment        []string
	service            *emulator.Service
}

// step is a part of the demonstration: a change, a command of the CLI, and its result.
type step struct {
	title, file string                      // The file is added to the configuration.
	change      func(context.Context) error // Nil changes nothing else.
	command     string
	keep        string // Pattern of the lines of stdout that are printed.
	fails       bool
	jobs        int    // Number of build jobs in the emulator, or 0 for any.
	shown       string // Name of a build job to print.
}

const (
	apply     = "apply -auto-approve"
	plan      = "plan -detailed-exitcode"
	completed = `: (Creation|Modifications|Import) complete|^(Apply|Destroy) complete`
	built     = completed + `|^build = `
	changed   = `# .* will be |^ +[~+-] .* -> |^Plan:`
)

func (d *demo) steps() []step {
	return []step{
		{
			title: "Create the four build jobs of " + d.example + " and build one of them",
			file:  "build.tf", change: d.initialize, command: apply, keep: built, jobs: 6,
		},
		{title: "Plan again: nothing has changed", command: plan, keep: "^No changes"},
		{
			title:  "Change a branch in the configuration: ServiceStage updates the build job in place",
			change: d.changeBranch, command: apply, keep: changed + "|" + completed,
		},
		{
			title:  "Change a build job outside Terraform, as in the console: the next plan shows the drift",
			change: d.editJob, command: plan, keep: changed, fails: true,
		},
		{
			title:  "Start a build that fails: the error contains the end of its log",
			change: d.failBuild, command: apply + " -replace=servicestage_build.checkout", keep: completed, fails: true,
		},
		{
			title: "Import an existing build job by its name, and repeat the failed build",
			file:  "imported.tf", command: apply, keep: built,
		},
		{
			title: "Create a build job although the response is lost: " +
				"the provider finds the job and creates no second one",
			file: "payment.tf", change: d.loseResponse, command: apply, keep: completed,
			jobs: 7, shown: "payment-service",
		},
		{
			title:   "Destroy: the build job that Terraform does not manage remains in the emulator",
			command: "destroy -auto-approve", keep: completed, jobs: 1, shown: "search-service",
		},
	}
}

// seed is what an account contains that Terraform does not manage alone.
const seed = `[
	{"job_name": "billing-service", "environment_setting": {"use_public_cluster": true}},
	{"job_name": "search-service", "environment_setting": {"use_public_cluster": true}}
]`

func (d *demo) run(ctx context.Context) (err error) {
	directory, err := os.MkdirTemp("", "servicestage-demo-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	d.configuration = filepath.Join(directory, "configuration")
	d.service, err = emulator.NewService(emulator.Options{BuildDuration: 2 * time.Second, Seed: []byte(seed)})
	if err != nil {
		return err
	}
	server := httptest.NewServer(d.service)
	defer server.Close()
	d.url = server.URL
	d.printf("Emulator: %s/_emulator/\n", d.url)
	if err := d.prepare(directory); err != nil {
		return err
	}
	for number, step := range d.steps() {
		title := fmt.Sprintf("%d. %s", number+1, step.title)
		if d.color {
			title = "\x1b[1;36m" + title + "\x1b[0m"
		}
		d.printf("\n%s\n", title)
		if err := d.show(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// show returns an error unless the command of the step fails if it should, and leaves the expected build jobs.
func (d *demo) show(ctx context.Context, s step) error {
	if s.file != "" {
		content, _ := configurations.ReadFile(s.file) // It is embedded.
		if err := os.WriteFile(filepath.Join(d.configuration, s.file), content, 0o600); err != nil {
			return err
		}
	}
	if s.change != nil {
		if err := s.change(ctx); err != nil {
			return err
		}
	}
	err := d.terraform(ctx, s.keep, s.command)
	_, failed := errors.AsType[*exec.ExitError](err)
	switch jobs := len(d.service.Jobs()); {
	case err != nil && (!failed || !s.fails):
		return err
	case err == nil && s.fails:
		return errors.New("the command succeeded")
	case s.jobs > 0 && jobs != s.jobs:
		return fmt.Errorf("the emulator has %d build jobs instead of %d", jobs, s.jobs)
	}
	if s.shown != "" {
		d.printf("The emulator contains:\n  %s %s\n", d.jobID(s.shown), s.shown)
	}
	return nil
}

// prepare writes the configuration and a filesystem mirror, which contains the provider for both registries, into the
// folder.
func (d *demo) prepare(folder string) error {
	program, err := filepath.Abs(d.provider)
	if err != nil {
		return err
	}
	mirror, configuration := filepath.Join(folder, "mirror"), filepath.Join(folder, "cli.tfrc")
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		platform := runtime.GOOS + "_" + runtime.GOARCH
		directory := filepath.Join(mirror, host, "servicestage", "servicestage", "0.0.1", platform)
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return err
		}
		if err := os.Symlink(program, filepath.Join(directory, "terraform-provider-servicestage_v0.0.1")); err != nil {
			return err
		}
	}
	installation := fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", mirror)
	if err := os.WriteFile(configuration, []byte(installation), 0o600); err != nil {
		return err
	}
	// Variables that select a real account or change the output are removed.
	for _, variable := range os.Environ() {
		if prefix, _, _ := strings.Cut(variable, "_"); !slices.Contains([]string{"HW", "OS", "TF"}, prefix) {
			d.environment = append(d.environment, variable)
		}
	}
	d.environment = append(d.environment, "TF_CLI_CONFIG_FILE="+configuration, "CHECKPOINT_DISABLE=1",
		"TF_IN_AUTOMATION=1", "TF_INPUT=false", "HW_REGION_NAME=cn-north-4",
		"HW_ACCESS_KEY="+emulator.DefaultAccessKey, "HW_SECRET_KEY="+emulator.DefaultSecretKey,
		"HW_SERVICESTAGE_ENDPOINT="+d.url, "HW_IAM_ENDPOINT="+d.url, "HW_STS_ENDPOINT="+d.url)
	if !d.color {
		d.environment = append(d.environment, "TF_CLI_ARGS=-no-color")
	}
	return os.CopyFS(d.configuration, os.DirFS(d.example))
}

func (d *demo) initialize(ctx context.Context) error { return d.terraform(ctx, "^$", "init") }

func (d *demo) changeBranch(context.Context) error {
	file := filepath.Join(d.configuration, "main.tf")
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	content = bytes.Replace(content, []byte(`branch = "release"`), []byte(`branch = "stable"`), 1)
	return os.WriteFile(file, content, 0o600)
}

func (d *demo) editJob(ctx context.Context) error {
	const change = `{"description": "Edited in the console"}`
	return d.send(ctx, http.MethodPatch, "jobs/"+d.jobID("base-image"), change)
}

func (d *demo) failBuild(context.Context) error {
	d.service.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "src/main.go:12: undefined: handler"})
	return nil
}

func (d *demo) loseResponse(ctx context.Context) error {
	const fault = `[{"method": "POST", "path": "/assembling/v1/jobs", "when": "after", "drop": true}]`
	return d.send(ctx, http.MethodPut, "faults", fault)
}

func (d *demo) printf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(d.out, format, arguments...) // There is no reader if this fails.
}

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// omitted matches the lines of stderr that only -verbose prints: empty ones, and the log of the phases before the
	// failure.
	omitted = regexp.MustCompile(`^[│╷╵\s]*($|\[(Init|Download|PreProcess)\]|\[Build\] step)`)
)

// terraform runs a command and prints the lines of stdout that match the pattern, and stderr. With -verbose, it prints
// everything.
func (d *demo) terraform(ctx context.Context, pattern, subcommand string) error {
	name, keep := filepath.Base(d.cli), regexp.MustCompile(pattern)
	if subcommand != "init" || d.verbose {
		d.printf("$ %s %s\n", name, subcommand)
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), d.cli, strings.Fields(subcommand)...)
	command.Dir, command.Env = d.configuration, d.environment
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if d.verbose {
		command.Stdout, command.Stderr = d.out, d.out
	}
	err := command.Run()
	for line := range strings.Lines(stdout.String()) {
		if keep.MatchString(escapes.ReplaceAllString(line, "")) {
			d.printf("%s", line)
		}
	}
	for line := range strings.Lines(stderr.String()) {
		if !omitted.MatchString(escapes.ReplaceAllString(line, "")) {
			d.printf("%s", line)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s %s: %w", name, subcommand, err)
	}
	return cmp.Or(context.Cause(ctx), err)
}

func (d *demo) jobID(name string) string {
	for _, job := range d.service.Jobs() {
		if job.Name() == name {
			return job.ID
		}
	}
	return ""
}

// send sends a request to the JSON API of the emulator and prints it.
func (d *demo) send(ctx context.Context, method, path, body string) error {
	url := d.url + "/_emulator/" + path
	d.printf("$ curl -X %s %s -d '%s'\n", method, url, body)
	request, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s %s: HTTP %d", method, url, response.StatusCode)
	}
	return errors.Join(err, response.Body.Close())
}
