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
	"net"
	"net/http"
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
	d := &demo{out: os.Stdout}
	flag.StringVar(&d.cli, "cli", "terraform", "Terraform-compatible `program`")
	flag.StringVar(&d.provider, "provider", ".cache/bin/terraform-provider-servicestage", "`program` of the provider")
	flag.StringVar(&d.example, "example", "examples/quickstart", "`directory` of the configuration")
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

	url, directory string
	environment    []string
	service        *emulator.Service
	steps          int
}

func (d *demo) run(ctx context.Context) (err error) {
	if d.directory, err = os.MkdirTemp("", "servicestage-demo-*"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(d.directory)) }()
	if d.service, err = emulator.NewService(emulator.Options{BuildDuration: 2 * time.Second}); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: d.service, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(listener) }() // A failure shows in the first request.
	defer func() { err = errors.Join(err, server.Close()) }()
	d.url = "http://" + listener.Addr().String()
	d.printf("Emulator: %s/_emulator/\n", d.url)
	if err := d.prepare(); err != nil {
		return err
	}
	for _, show := range []func(context.Context) error{
		d.create, d.planAgain, d.update, d.detectDrift, d.failBuild, d.importJob, d.loseResponse, d.destroy,
	} {
		if err := show(ctx); err != nil {
			return err
		}
	}
	return nil
}

// prepare writes the configuration, and a filesystem mirror that contains the provider for both registries.
func (d *demo) prepare() error {
	program, err := filepath.Abs(d.provider)
	if err != nil {
		return err
	}
	mirror, configuration := filepath.Join(d.directory, "mirror"), filepath.Join(d.directory, "cli.tfrc")
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
	return os.CopyFS(filepath.Join(d.directory, "configuration"), os.DirFS(d.example))
}

const (
	completed = `: (Creation|Modifications|Import) complete|^(Apply|Destroy) complete`
	changed   = `# .* will be |^ +[~+-] .* -> |^Plan:`
)

func (d *demo) create(ctx context.Context) error {
	d.title("Create the four build jobs of %s and build one of them", d.example)
	d.addJob("billing-service") // As in an account that Terraform does not manage alone.
	d.addJob("search-service")
	if err := d.addFile("build.tf"); err != nil {
		return err
	}
	if err := d.terraform(ctx, "^$", "init"); err != nil {
		return err
	}
	if err := d.terraform(ctx, completed+`|^build = `, "apply", "-auto-approve"); err != nil {
		return err
	}
	return d.expectJobs(6)
}

func (d *demo) planAgain(ctx context.Context) error {
	d.title("Plan again: nothing has changed")
	return d.terraform(ctx, "^No changes", "plan", "-detailed-exitcode")
}

func (d *demo) update(ctx context.Context) error {
	d.title("Change a branch in the configuration: ServiceStage updates the build job in place")
	if err := d.replace(`branch = "release"`, `branch = "stable"`); err != nil {
		return err
	}
	return d.terraform(ctx, changed+"|"+completed, "apply", "-auto-approve")
}

func (d *demo) detectDrift(ctx context.Context) error {
	d.title("Change a build job outside Terraform, as in the console: the next plan shows the drift")
	const change = `{"description": "Edited in the console"}`
	if err := d.send(ctx, http.MethodPatch, "jobs/"+d.jobID("base-image"), change); err != nil {
		return err
	}
	return d.expectFailure(d.terraform(ctx, changed, "plan", "-detailed-exitcode"))
}

func (d *demo) failBuild(ctx context.Context) error {
	d.title("Start a build that fails: the error contains the end of its log")
	d.service.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "src/main.go:12: undefined: handler"})
	const replace = "-replace=servicestage_build.checkout"
	return d.expectFailure(d.terraform(ctx, completed, "apply", "-auto-approve", replace))
}

func (d *demo) importJob(ctx context.Context) error {
	d.title("Import an existing build job by its name, and repeat the failed build")
	if err := d.addFile("imported.tf"); err != nil {
		return err
	}
	return d.terraform(ctx, completed+`|^build = `, "apply", "-auto-approve")
}

func (d *demo) loseResponse(ctx context.Context) error {
	d.title("Create a build job although the response is lost: the provider finds the job and creates no second one")
	if err := d.addFile("payment.tf"); err != nil {
		return err
	}
	const fault = `[{"method": "POST", "path": "/assembling/v1/jobs", "when": "after", "drop": true}]`
	if err := d.send(ctx, http.MethodPut, "faults", fault); err != nil {
		return err
	}
	if err := d.terraform(ctx, completed, "apply", "-auto-approve"); err != nil {
		return err
	}
	d.printJobs("payment-service")
	return d.expectJobs(7)
}

func (d *demo) destroy(ctx context.Context) error {
	d.title("Destroy: the build job that Terraform does not manage remains in the emulator")
	if err := d.terraform(ctx, completed, "destroy", "-auto-approve"); err != nil {
		return err
	}
	d.printJobs("")
	return d.expectJobs(1)
}

func (d *demo) printf(format string, arguments ...any) {
	_, _ = fmt.Fprintf(d.out, format, arguments...) // There is no reader if this fails.
}

func (d *demo) title(format string, arguments ...any) {
	d.steps++
	start, end := "", ""
	if d.color {
		start, end = "\x1b[1;36m", "\x1b[0m"
	}
	d.printf("\n%s%d. %s%s\n", start, d.steps, fmt.Sprintf(format, arguments...), end)
}

var (
	escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// omitted matches the lines of stderr that only -verbose prints: empty ones, and the log of the phases before the
	// failure.
	omitted = regexp.MustCompile(`^[│╷╵\s]*($|\[(Init|Download|PreProcess)\]|\[Build\] step)`)
)

// terraform runs a command and prints the lines of stdout that match the pattern, and stderr. With -verbose, it prints
// everything.
func (d *demo) terraform(ctx context.Context, pattern string, arguments ...string) error {
	name, keep := filepath.Base(d.cli), regexp.MustCompile(pattern)
	if arguments[0] != "init" || d.verbose {
		d.printf("$ %s %s\n", name, strings.Join(arguments, " "))
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), d.cli, arguments...)
	command.Dir, command.Env = filepath.Join(d.directory, "configuration"), d.environment
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
		err = fmt.Errorf("%s %s: %w", name, arguments[0], err)
	}
	return cmp.Or(context.Cause(ctx), err)
}

// expectFailure returns an error unless a command failed.
func (d *demo) expectFailure(err error) error {
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil
	}
	return cmp.Or(err, errors.New("the command succeeded"))
}

// expectJobs returns an error unless the emulator has this number of build jobs.
func (d *demo) expectJobs(count int) error {
	if jobs := d.service.Jobs(); len(jobs) != count {
		return fmt.Errorf("the emulator has %d build jobs instead of %d", len(jobs), count)
	}
	return nil
}

func (d *demo) addJob(name string) {
	environment := map[string]any{"use_public_cluster": true}
	d.service.AddJob(map[string]any{"job_name": name, "environment_setting": environment})
}

// printJobs prints the build jobs in the emulator that have the name, or all if it is empty.
func (d *demo) printJobs(name string) {
	d.printf("The emulator contains:\n")
	for _, job := range d.service.Jobs() {
		if name == "" || job.Name() == name {
			d.printf("  %s %s\n", job.ID, job.Name())
		}
	}
}

func (d *demo) jobID(name string) string {
	for _, job := range d.service.Jobs() {
		if job.Name() == name {
			return job.ID
		}
	}
	return ""
}

func (d *demo) addFile(name string) error {
	content, err := configurations.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.directory, "configuration", name), content, 0o600)
}

// replace changes the configuration of the example.
func (d *demo) replace(from, to string) error {
	file := filepath.Join(d.directory, "configuration", "main.tf")
	content, err := os.ReadFile(file)
	if err == nil && !bytes.Contains(content, []byte(from)) {
		err = fmt.Errorf("%s does not contain %s", d.example, from)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, bytes.Replace(content, []byte(from), []byte(to), 1), 0o600)
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
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s %s: HTTP %d", method, url, response.StatusCode)
	}
	return nil
}
