// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package providertest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

// Root returns the directory of the repository.
var Root = sync.OnceValues(func() (string, error) {
	file, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(file))), err
})

// buildProvider builds the provider, and returns the directory of the program.
var buildProvider = sync.OnceValues(func() (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, ".cache", "bin")
	build := exec.Command("go", "build", "-trimpath", "-o", folder+string(filepath.Separator), ".")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, output)
	}
	return folder, nil
})

// CLI is a Terraform-compatible program in a working directory, which starts the provider as a process.
type CLI struct {
	// Dir is the working directory, empty at first.
	Dir string
	// Env is added to the environment; it configures the provider for the server.
	Env []string
	// Provider is the path of the provider's program; each CLI has another one.
	Provider string
}

// Requirement is the block that names the provider to a [CLI].
const Requirement = `terraform {
  required_providers {
    servicestage = { source = "servicestage/servicestage" }
  }
}
`

// NewCLI returns a CLI whose environment configures the provider for the server.
func NewCLI(t *testing.T, server *emulator.Server) *CLI {
	t.Helper()
	Prepare(t)
	folder, err := buildProvider()
	check(t, err)
	own := t.TempDir()
	const name = "terraform-provider-servicestage"
	check(t, os.Link(filepath.Join(folder, name), filepath.Join(own, name)))
	cli := &CLI{Dir: t.TempDir(), Provider: filepath.Join(own, name), Env: []string{
		"CHECKPOINT_DISABLE=1",
		"TF_IN_AUTOMATION=1",
		"HW_REGION_NAME=cn-north-4",
		"HW_ACCESS_KEY=" + emulator.DefaultAccessKey,
		"HW_SECRET_KEY=" + emulator.DefaultSecretKey,
		"HW_PROJECT_ID=test-project",
		"HW_SERVICESTAGE_ENDPOINT=" + server.URL,
		"HW_IAM_ENDPOINT=" + server.URL,
		"HW_STS_ENDPOINT=" + server.URL,
		// A request to another host fails, because this proxy does not exist.
		"HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=",
	}}
	cli.configure(t, fmt.Sprintf("  dev_overrides { \"servicestage/servicestage\" = %q }\n  direct {}\n", own))
	return cli
}

// configure writes how the CLI installs providers into its configuration file.
func (c *CLI) configure(t *testing.T, installation string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cli.tfrc")
	check(t, os.WriteFile(file, []byte("provider_installation {\n"+installation+"}\n"), 0o600))
	c.Env = append(c.Env, "TF_CLI_CONFIG_FILE="+file)
}

// Install installs the provider into a filesystem mirror, in which init finds it, instead of a development override.
func (c *CLI) Install(t *testing.T) {
	t.Helper()
	mirror := t.TempDir()
	for _, host := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		folder := filepath.Join(mirror, host, "servicestage", "servicestage", "0.0.1", runtime.GOOS+"_"+runtime.GOARCH)
		check(t, os.MkdirAll(folder, 0o700))
		check(t, os.Link(c.Provider, filepath.Join(folder, "terraform-provider-servicestage_v0.0.1")))
	}
	c.configure(t, fmt.Sprintf("  filesystem_mirror { path = %q }\n", mirror))
}

// Run runs a command and returns its output.
func (c *CLI) Run(t *testing.T, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	command := c.Start(t, arguments...)
	err = command.Wait()
	return command.Stdout.String(), command.Stderr.String(), err
}

// RequireVersion skips the test if the CLI is older than Terraform 1.terraform or OpenTofu 1.openTofu. 0 stands for no
// version.
func (c *CLI) RequireVersion(t *testing.T, terraform, openTofu int) {
	t.Helper()
	stdout, _, err := c.Run(t, "version")
	check(t, err)
	line, _, _ := strings.Cut(stdout, "\n")
	product, version, _ := strings.Cut(line, " v")
	var have int
	_, err = fmt.Sscanf(version, "1.%d", &have)
	check(t, err)
	want := map[string]int{"Terraform": terraform, "OpenTofu": openTofu}[product]
	if want == 0 || have < want {
		needs := fmt.Sprintf("Terraform 1.%d", terraform)
		if openTofu > 0 {
			needs += fmt.Sprintf(" or OpenTofu 1.%d", openTofu)
		}
		t.Skipf("needs %s; this is %s", needs, line)
	}
}

// Command is a running command of the CLI.
type Command struct {
	*exec.Cmd
	// Stdout and Stderr are its output, complete after Wait.
	Stdout, Stderr *strings.Builder
}

// Start starts a command, which is killed when the test ends.
func (c *CLI) Start(t *testing.T, arguments ...string) *Command {
	t.Helper()
	command := &Command{
		Cmd:    exec.CommandContext(t.Context(), Program(t), arguments...),
		Stdout: &strings.Builder{}, Stderr: &strings.Builder{},
	}
	command.Dir, command.Env = c.Dir, append(os.Environ(), c.Env...)
	command.Cmd.Stdout, command.Cmd.Stderr = command.Stdout, command.Stderr
	check(t, command.Start())
	return command
}

// Write writes a file in the working directory.
func (c *CLI) Write(t *testing.T, name, content string) {
	t.Helper()
	check(t, os.WriteFile(filepath.Join(c.Dir, name), []byte(content), 0o600))
}

// Program returns the path of the CLI: TF_ACC_TERRAFORM_PATH, or terraform or tofu on PATH.
func Program(t *testing.T) string {
	t.Helper()
	if named := os.Getenv("TF_ACC_TERRAFORM_PATH"); named != "" {
		return named
	}
	for _, name := range []string{"terraform", "tofu"} {
		if found, err := exec.LookPath(name); err == nil {
			return found
		}
	}
	t.Fatal("neither terraform nor tofu is on PATH; make test finds or builds one")
	return ""
}
