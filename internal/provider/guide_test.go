// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// step is a command of a page and the lines that it prints. A line "..." stands for any number of lines.
type step struct {
	command string
	prints  []string
}

// session is the sequence of commands in a section of a page.
type session []step

// readSection returns the commands in a section of a page of docs/, and its blocks of configuration.
func readSection(t *testing.T, name, section string) (commands session, blocks []string) {
	t.Helper()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(content), "\n## "+section+"\n")
	if !found {
		t.Fatalf("%s has no section %q", name, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for _, block := range regexp.MustCompile("(?s)```(console|terraform)\n(.*?)```").FindAllStringSubmatch(text, -1) {
		if block[1] == "terraform" {
			blocks = append(blocks, block[2])
			continue
		}
		for line := range strings.Lines(block[2]) {
			line = strings.TrimRight(line, "\n")
			if command, ok := strings.CutPrefix(line, "$ terraform "); ok {
				commands = append(commands, step{command: command})
			} else {
				last := &commands[len(commands)-1]
				last.prints = append(last.prints, line)
			}
		}
	}
	return commands, blocks
}

var anyID = regexp.MustCompile(`\b[a-z0-9]{40}\b`)

// run runs the commands. It fails if the lines of the page are missing in the output, apart from IDs.
func (s session) run(t *testing.T, cli *providertest.CLI) {
	t.Helper()
	if len(s) == 0 {
		t.Fatal("the section contains no commands")
	}
	for _, step := range s {
		command, file, redirected := strings.Cut(step.command, " > ")
		arguments := append(strings.Fields(command), "-no-color")
		stdout := succeed(t, cli, arguments...)
		if redirected {
			cli.Write(t, file, stdout)
			continue
		}
		rest := anyID.ReplaceAllString(strings.ReplaceAll(stdout, "OpenTofu", "Terraform"), "ID")
		for _, line := range step.prints {
			if line == "..." {
				continue
			}
			_, after, found := strings.Cut(rest, anyID.ReplaceAllString(line, "ID")+"\n")
			if !found {
				t.Fatalf("terraform %s: the output lacks this line, or has it earlier:\n%s\n\n%s",
					command, line, stdout)
			}
			rest = after
		}
	}
}

const adoptionGuide = "guides/bring-existing-build-jobs.md"

// newGuideService returns a service with the 50 build jobs of the guide, and a CLI for it.
func newGuideService(t *testing.T) (*emulator.Server, *providertest.CLI) {
	t.Helper()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{CappedPages: true}})
	for i := range 50 {
		name := fmt.Sprintf("service-%02d", i)
		switch i {
		case 0:
			name = "1-legacy"
		case 1:
			name = "checkout-service"
		}
		spec := map[string]any{"job_name": name, "environment_setting": map[string]any{}}
		if i%2 == 1 {
			spec["code_repo"] = repository(name)
		}
		server.AddJob(spec)
	}
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", providertest.Requirement+"provider \"servicestage\" {}\n")
	return server, cli
}

func repository(name string) map[string]any {
	return map[string]any{
		"type": "GitHub", "url": "https://github.com/acme/" + name, "branch": "main", "namespace": "acme",
	}
}

// expectReadOnly fails if a request other than GET was sent.
func expectReadOnly(t *testing.T, server *emulator.Server) {
	t.Helper()
	for _, request := range server.Requests() {
		if request.Method != http.MethodGet {
			t.Errorf("%s %s was sent", request.Method, request.Path)
		}
	}
}

func TestGuide_bringExistingBuildJobs(t *testing.T) {
	t.Parallel()
	t.Run("older", func(t *testing.T) {
		t.Parallel()
		server, cli := newGuideService(t)
		commands, blocks := readSection(t, adoptionGuide, "With earlier versions and OpenTofu")
		if err := os.Mkdir(filepath.Join(cli.Dir, "find"), 0o700); err != nil {
			t.Fatal(err)
		}
		cli.Write(t, "find/find.tf", blocks[0])
		commands.run(t, cli)
		expectReadOnly(t, server)
	})
	t.Run("query", func(t *testing.T) {
		t.Parallel()
		server, cli := newGuideService(t)
		cli.RequireVersion(t, 14, 0)
		commands, blocks := readSection(t, adoptionGuide, "With Terraform 1.14 or later")
		cli.Write(t, "jobs.tfquery.hcl", blocks[0])
		commands.run(t, cli)
		content, err := os.ReadFile(filepath.Join(cli.Dir, "jobs.tf"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(anyID.ReplaceAllString(string(content), "ID"), anyID.ReplaceAllString(blocks[1], "ID")) {
			t.Errorf("the generated configuration does not contain\n%s\nbut is\n%s", blocks[1], content)
		}
		expectReadOnly(t, server)
	})
	t.Run("for_each", func(t *testing.T) {
		t.Parallel()
		server := emulator.New(t, emulator.Options{})
		cli := providertest.NewCLI(t, server)
		cli.RequireVersion(t, 7, 7)
		for _, name := range []string{"catalogue", "checkout", "payment"} {
			server.AddJob(map[string]any{
				"job_name": name + "-service", "environment_setting": map[string]any{},
				"code_repo": repository(name),
			})
		}
		_, blocks := readSection(t, adoptionGuide, "With earlier versions and OpenTofu")
		cli.Write(t, "jobs.tf", providertest.Requirement+blocks[len(blocks)-1])
		stdout := succeed(t, cli, "plan", "-no-color")
		if !strings.Contains(stdout, "Plan: 3 to import, 0 to add, 0 to change, 0 to destroy.") {
			t.Error(stdout)
		}
	})
}

// The plan on the page of the provider is the plan of its example.
func TestGuide_enterpriseProject(t *testing.T) {
	t.Parallel()
	commands, blocks := readSection(t, "index.md", "Enterprise project")
	cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
	cli.Write(t, "main.tf", blocks[0])
	commands.run(t, cli)
}

// The configurations of the guide on builds start builds as described there.
func TestGuide_runBuilds(t *testing.T) {
	t.Parallel()
	const guide = "guides/run-builds-from-terraform.md"
	blocks := func(section string) []string {
		_, blocks := readSection(t, guide, section)
		return blocks
	}
	changed := blocks("When a build job is created or changed")
	if len(changed) != 4 {
		t.Fatalf("the section has %d blocks, want a build job, the action in two forms, and the resource", len(changed))
	}
	job, current, earlier, older := changed[0], changed[1], changed[2], changed[3]
	triggered, _, _ := strings.Cut(current, "\naction ") // The build job with its trigger.
	start := func(t *testing.T, body string) (*emulator.Server, *providertest.CLI) {
		t.Helper()
		server := emulator.New(t, emulator.Options{BuildDuration: time.Second})
		cli := providertest.NewCLI(t, server)
		cli.Write(t, "main.tf", providertest.Requirement+body)
		return server, cli
	}
	wantBuilds := func(t *testing.T, server *emulator.Server, want int) {
		t.Helper()
		if got := server.CountRequests(http.MethodPost, jobsPath+"/*/builds"); got != want {
			t.Errorf("%d builds were started, want %d", got, want)
		}
	}
	for name, c := range map[string]struct {
		body                string
		terraform, openTofu int
	}{
		"changed, resource":    {job + older, 1, 6},
		"changed, action 1.16": {current, 16, 0},
		"changed, action 1.14": {triggered + "\n" + earlier, 14, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, cli := start(t, c.body)
			cli.RequireVersion(t, c.terraform, c.openTofu)
			stdout := mustApply(t, cli)
			wantBuilds(t, server, 1)
			released := strings.Replace(c.body, `branch    = "main"`, `branch    = "release"`, 1)
			cli.Write(t, "main.tf", providertest.Requirement+released)
			mustApply(t, cli)
			mustApply(t, cli)
			wantBuilds(t, server, 2)
			if c.terraform == 16 {
				mustApply(t, cli, "-invoke=action.servicestage_start_build.checkout")
				wantBuilds(t, server, 3)
				if strings.Contains(stdout, "Warning: Reference to triggering resource") {
					t.Error(stdout)
				}
			}
		})
	}
	t.Run("destroyed", func(t *testing.T) {
		t.Parallel()
		server, cli := start(t, blocks("Before and after a build job is destroyed")[0])
		cli.RequireVersion(t, 16, 0)
		mustApply(t, cli)
		wantBuilds(t, server, 0)
		mustApply(t, cli, "-var=preview=false")
		wantBuilds(t, server, 2)
	})
	t.Run("deployment", func(t *testing.T) {
		t.Parallel()
		server, cli := start(t, job+blocks("A deployment that waits for a build")[0])
		server.InjectOutcomes(emulator.Outcome{Phase: "Build"})
		_, stderr, err := cli.Run(t, "apply", "-no-color", "-input=false", "-auto-approve")
		if err == nil || !strings.Contains(stderr, "The build failed") {
			t.Errorf("a failed build: %v\n%s", err, stderr)
		}
		if state := succeed(t, cli, "state", "list"); strings.Contains(state, "terraform_data.deployment") {
			t.Errorf("the deployment was applied:\n%s", state)
		}
		mustApply(t, cli)
		wantBuilds(t, server, 2)
	})
	t.Run("nightly", func(t *testing.T) {
		t.Parallel()
		server, cli := start(t, blocks("A nightly build from CI")[0])
		known := server.AddJob(map[string]any{"job_name": "checkout-service", "environment_setting": map[string]any{}})
		cli.Env = append(cli.Env, "TF_VAR_job_id="+known)
		mustApply(t, cli, "-var=night=2026-01-01")
		mustApply(t, cli, "-var=night=2026-01-02")
		wantBuilds(t, server, 2)
	})
}
