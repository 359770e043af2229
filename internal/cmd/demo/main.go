// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Command demo shows the provider at work without an account: Terraform plans and applies examples/quickstart against the
// emulator. It fails if anything is not as it should be, and leaves nothing behind.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func main() {
	cli := flag.String("cli", "terraform", "Terraform-compatible `program`")
	programs := flag.String("programs", "", "`directory` with the provider and the emulator")
	example := flag.String("example", "examples/quickstart", "`directory` of the configuration")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *cli, *programs, *example)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, cli, programs, example string) (err error) {
	directory, err := os.MkdirTemp("", "servicestage-demo-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	if err := os.CopyFS(filepath.Join(directory, "configuration"), os.DirFS(example)); err != nil {
		return err
	}

	title("The emulator starts on a free port of this machine")
	service, err := startEmulator(ctx, filepath.Join(programs, "servicestage-emulator"), filepath.Join(directory, "emulator.log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.stop()) }()
	fmt.Println(service.url)

	terraform, err := newTerraform(cli, programs, directory, service.url)
	if err != nil {
		return err
	}
	title("Terraform plans " + example + ", with the provider just built, of which it warns")
	if err := terraform.run(ctx, "plan", "-input=false", "-out=plan"); err != nil {
		return err
	}
	title("Terraform applies the plan")
	if err := terraform.run(ctx, "apply", "-input=false", "plan"); err != nil {
		return err
	}
	title("These requests have reached the emulator")
	if err := service.printLog(); err != nil {
		return err
	}
	title("It now holds")
	count, err := service.printJobs(ctx)
	if err != nil {
		return err
	}
	if count == 0 {
		return errors.New("the apply has made no build job")
	}
	title("A second plan has nothing to do")
	if err := terraform.run(ctx, "plan", "-input=false", "-detailed-exitcode"); err != nil {
		return fmt.Errorf("the second plan is not empty: %w", err)
	}
	title("Terraform destroys what it made")
	if err := terraform.run(ctx, "destroy", "-input=false", "-auto-approve"); err != nil {
		return err
	}
	if count, err = service.printJobs(ctx); err != nil {
		return err
	}
	if count != 0 {
		return fmt.Errorf("%d build jobs are left after destroy", count)
	}
	title("Done: everything is as it should be, and nothing is left behind")
	return nil
}

func title(text string) { fmt.Printf("\n=== %s\n\n", text) }

// running is the emulator as a process.
type running struct {
	command *exec.Cmd
	url     string
	log     string
	client  *servicestage.Client
}

func startEmulator(ctx context.Context, program, log string) (*running, error) {
	// The process outlives an interrupt, so that Terraform can finish what it is at; stop ends it.
	command := exec.CommandContext(context.WithoutCancel(ctx), program)
	command.SysProcAttr = ownProcessGroup()
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	command.Stderr = file
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	service := &running{command: command, log: log}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		service.url = strings.TrimSpace(line)
		service.client, err = servicestage.New(servicestage.Config{
			Endpoint: service.url, Authenticator: auth.Token(emulator.DefaultToken), UserAgent: "servicestage-demo",
		})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the emulator did not start: %w", err), command.Process.Kill(), command.Wait())
	}
	return service, nil
}

// stop ends the emulator, and fails if it does not end by itself and well.
func (r *running) stop() error {
	kill := time.AfterFunc(10*time.Second, func() { _ = r.command.Process.Kill() })
	defer kill.Stop()
	if err := r.command.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("stopping the emulator: %w", err)
	}
	if err := r.command.Wait(); err != nil {
		return fmt.Errorf("the emulator did not stop well: %w", err)
	}
	return nil
}

func (r *running) printLog() error {
	content, err := os.ReadFile(r.log)
	if err == nil {
		_, err = os.Stdout.Write(content)
	}
	return err
}

// printJobs asks the emulator itself, past Terraform.
func (r *running) printJobs(ctx context.Context) (int, error) {
	count := 0
	for summary, err := range r.client.BuildJobs(ctx, "") {
		if err != nil {
			return 0, err
		}
		job, err := r.client.GetBuildJob(ctx, summary.ID, summary.Name)
		if err != nil {
			return 0, err
		}
		arch, repository := "-", "no repository"
		if os := job.Spec.EnvironmentSetting.BuildOS; os != nil && os.Arch != nil {
			arch = *os.Arch
		}
		if repo := job.Spec.CodeRepo; repo != nil && repo.URL != nil {
			repository = *repo.URL
		}
		fmt.Printf("%s  %-22s %-8s %s\n", job.ID, job.Spec.JobName, arch, repository)
		count++
	}
	if count == 0 {
		fmt.Println("no build job")
	}
	return count, nil
}

// terraform runs the CLI in the copy of the example.
type terraform struct {
	cli, directory string
	environment    []string
}

func newTerraform(cli, programs, directory, endpoint string) (*terraform, error) {
	absolute, err := filepath.Abs(programs)
	if err != nil {
		return nil, err
	}
	configuration := filepath.Join(directory, "cli.tfrc")
	override := fmt.Sprintf("provider_installation {\n  dev_overrides {\n    \"servicestage/servicestage\" = %q\n  }\n  direct {}\n}\n", absolute)
	if err := os.WriteFile(configuration, []byte(override), 0o600); err != nil {
		return nil, err
	}
	t := &terraform{cli: cli, directory: filepath.Join(directory, "configuration")}
	// Whatever would lead to a real account, or change what the commands do, stays outside.
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "HW_") && !strings.HasPrefix(variable, "OS_") && !strings.HasPrefix(variable, "TF_") {
			t.environment = append(t.environment, variable)
		}
	}
	t.environment = append(t.environment,
		"TF_CLI_CONFIG_FILE="+configuration,
		"CHECKPOINT_DISABLE=1",
		"HW_REGION_NAME=cn-north-4",
		"HW_SERVICESTAGE_ENDPOINT="+endpoint,
		"HW_ACCESS_KEY="+emulator.DefaultAccessKey,
		"HW_SECRET_KEY="+emulator.DefaultSecretKey,
		"HW_IAM_ENDPOINT="+endpoint,
		"HW_STS_ENDPOINT="+endpoint,
	)
	if stdout, err := os.Stdout.Stat(); err != nil || stdout.Mode()&os.ModeCharDevice == 0 {
		t.environment = append(t.environment, "TF_CLI_ARGS=-no-color")
	}
	return t, nil
}

func (t *terraform) run(ctx context.Context, arguments ...string) error {
	name := filepath.Base(t.cli)
	fmt.Printf("$ %s %s\n", name, strings.Join(arguments, " "))
	command := exec.CommandContext(ctx, t.cli, arguments...)
	command.Dir, command.Env = t.directory, t.environment
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	command.SysProcAttr = ownProcessGroup()
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, arguments[0], err)
	}
	return nil
}
