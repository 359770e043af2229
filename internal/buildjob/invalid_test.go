// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// words matches text across the line breaks that Terraform puts into messages.
func words(text string) string {
	return strings.ReplaceAll(regexp.QuoteMeta(text), " ", `[\s│]+`)
}

// invalidJob is a configuration with a mistake: the line that Terraform shows and the message.
type invalidJob struct{ config, line, want string }

// conditionName returns a condition as the name of a resource.
func conditionName(condition string) string {
	return "c_" + regexp.MustCompile(`\W`).ReplaceAllString(condition, "_")
}

// expectErrors plans all the build jobs at once, and fails the test unless each has its error and no request is sent.
func expectErrors(t *testing.T, jobs map[string]invalidJob) {
	t.Helper()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	var config strings.Builder
	config.WriteString(providertest.Requirement)
	for condition, c := range jobs {
		config.WriteString(strings.Replace(job(c.config), `"test"`, strconv.Quote(conditionName(condition)), 1))
	}
	cli.Write(t, "main.tf", config.String())
	_, stderr, err := cli.Run(t, "plan", "-no-color", "-input=false")
	if err == nil {
		t.Error("the plan has succeeded")
	}
	inResource, errors := regexp.MustCompile(`in resource "servicestage_build_job" "(\w+)":`), map[string]string{}
	for message := range strings.SplitSeq(strings.Join(strings.Fields(stderr), " "), "Error: ") {
		if name := inResource.FindStringSubmatch(message); name != nil {
			errors[name[1]] += message
		}
	}
	for condition, c := range jobs {
		got := errors[conditionName(condition)]
		if !strings.Contains(got, c.line) || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q and %q", condition, got, c.line, c.want)
		}
	}
	if requests := server.Requests(); len(requests) > 0 {
		t.Errorf("%d requests have reached the service, want none", len(requests))
	}
}

// Mistakes are found during planning, with the line to change and a sentence that states what is allowed.
func TestBuildJob_invalid(t *testing.T) {
	t.Parallel()
	environment := func(lines string) string { return strings.Replace(minimal, "{}", "{\n"+lines+"\n}", 1) }
	const (
		positive = "The timeout must be a positive duration with a unit (s, m or h), such as 90s or 30m; got "
		noText   = "string length must be at least 1"
		noBranch = "code_repo {\ntype = \"GitHub\"\nurl = \"https://github.com/acme/app\"\nnamespace = \"acme\"\n}\n"
	)
	jobs := map[string]invalidJob{
		"long description": {
			minimal + `job_description = "` + strings.Repeat("😀", 65) + `"`, `job_description = `,
			"UTF-8 character count must be at most 64",
		},
		"unknown architecture": {
			environment(`build_os { arch = "amd64" }`), `arch = "amd64"`, `value must be one of: ["x86_64" "aarch64"]`,
		},
		"no environment": {
			`job_name = "app"`, `resource "servicestage_build_job" "c_no_environment"`,
			"Add an `environment_setting` block; it may be empty.",
		},
		"two environments": {
			minimal + "environment_setting {}\n", `environment_setting {}`, "Duplicate environment_setting block",
		},
		"two repositories": {minimal + repository + repository, `code_repo {`, "Duplicate code_repo block"},
		"two build_os":     {environment("build_os {}\nbuild_os {}"), `build_os {}`, "Duplicate build_os block"},
		"no branch":        {minimal + noBranch, `code_repo {`, `The argument "branch" is required in a block code_repo.`},
		"empty repository": {
			minimal + "code_repo {}\n", `code_repo {`, `The argument "url" is required in a block code_repo.`,
		},
		"empty branch":  {minimal + strings.Replace(repository, `"main"`, `""`, 1), `branch = ""`, noText},
		"empty project": {minimal + `enterprise_project_id = ""`, `enterprise_project_id = ""`, noText},
	}
	for _, timeout := range []string{"30", "soon", "0s", "-5m", "0h0m"} {
		for _, operation := range []string{"create", "read", "update", "delete"} {
			line := fmt.Sprintf("%s = %q", operation, timeout)
			jobs[operation+timeout] = invalidJob{
				minimal + "timeouts { " + line + " }\n", line, fmt.Sprintf("%s%q.", positive, timeout),
			}
		}
	}
	expectErrors(t, jobs)
}

// A new name, URL or branch is checked.
func TestBuildJob_invalidNewValue(t *testing.T) {
	t.Parallel()
	jobs := map[string]invalidJob{}
	for condition, name := range map[string]string{
		"one character": "a", "65 characters": strings.Repeat("a", 65), "digit first": "1app", "hyphen last": "app-",
		"space": "my app", "umlaut": "äpp",
	} {
		jobs[condition] = invalidJob{
			strings.Replace(minimal, `"app"`, `"`+name+`"`, 1), `job_name = "` + name,
			"The name of a build job has 2 to 64 letters (A-Z, a-z), digits, hyphens and underscores, a letter first, a " +
				"letter or a digit last.",
		}
	}
	for url, want := range map[string]string{
		"https://github.com/acme/my app": "contains white space", "https://github.com/acme/app ": "contains white space",
		"https:///acme/app": "has no host", "ssh://git@:22/acme/app": "has no host",
		"github.com/acme/app": "is neither a URL with a scheme nor of the form user@host:path",
	} {
		jobs[url] = invalidJob{
			minimal + strings.Replace(repository, "https://github.com/acme/app", url, 1),
			"url =", "The URL of the repository " + want + ". Write it as https://host/path, or as user@host:path for SSH.",
		}
	}
	jobs["branch"] = invalidJob{
		minimal + strings.Replace(repository, `"main"`, `"my branch"`, 1),
		`branch = "my branch"`, `Git allows no branch of this name: it contains " ". Got: "my branch".`,
	}
	expectErrors(t, jobs)
}

// Limits and unusual values that are allowed.
func TestBuildJob_valid(t *testing.T) {
	t.Parallel()
	all := ""
	for name, config := range map[string]string{
		"name of 2 characters":  strings.Replace(minimal, `"app"`, `"a1"`, 1),
		"name of 64 characters": strings.Replace(minimal, `"app"`, `"a`+strings.Repeat("-", 62)+`b"`, 1),
		"64 emoji":              minimal + `job_description = "` + strings.Repeat("😀", 64) + `"`,
		"user in URL":           minimal + strings.Replace(repository, "https://", "https://user@", 1),
		"SSH address":           minimal + strings.Replace(repository, "https://github.com/", "git@github.com:", 1),
		"no repository": minimal +
			"dynamic \"code_repo\" {\nfor_each = []\ncontent {\ntype = code_repo.value\n}\n}\n",
	} {
		config = strings.Replace(config, `"app"`, `"app-`+strconv.Itoa(len(all))+`"`, 1)
		all += strings.Replace(job(config), `"test"`, strconv.Quote(conditionName(name)), 1)
	}
	server := emulator.New(t, emulator.Options{})
	providertest.Run(t, server, resource.TestStep{Config: providertest.Config(server, all)})
}
