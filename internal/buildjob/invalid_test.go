// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"regexp"
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

// Mistakes are found while Terraform plans, with the line to mend and a sentence that says what is allowed.
func TestBuildJob_invalid(t *testing.T) {
	t.Parallel()
	named := func(name string) string { return strings.Replace(minimal, `"app"`, `"`+name+`"`, 1) }
	repo := func(lines string) string { return minimal + "code_repo {\n" + lines + "\n}\n" }
	const rule = "The name of a build job has 2 to 64 letters (A-Z, a-z), digits, hyphens and underscores, a letter first, a letter or a digit last."
	const positive = "The timeout must be a positive duration with a unit (s, m or h), such as 90s or 30m; got "
	for name, c := range map[string]struct{ config, line, want string }{
		"name of 1 character":    {named("a"), `job_name = "a"`, rule},
		"name of 65 characters":  {named(strings.Repeat("a", 65)), `job_name = "aaaa`, rule},
		"name with digit first":  {named("1app"), `job_name = "1app"`, rule},
		"name with hyphen last":  {named("app-"), `job_name = "app-"`, rule},
		"name with space":        {named("my app"), `job_name = "my app"`, rule},
		"name with umlaut":       {named("äpp"), `job_name = "äpp"`, rule},
		"description too long":   {minimal + `job_description = "` + strings.Repeat("😀", 65) + `"`, `job_description = `, "UTF-8 character count must be at most 64"},
		"unknown architecture":   {strings.Replace(minimal, "{}", "{\nbuild_os { arch = \"arm64\" }\n}", 1), `arch = "arm64"`, `value must be one of: ["x86_64" "aarch64"]`},
		"no environment":         {`job_name = "app"`, `resource "servicestage_build_job" "test"`, "Block environment_setting must have a configuration value"},
		"two environments":       {minimal + "environment_setting {}\n", `environment_setting {}`, "Duplicate environment_setting block"},
		"two repositories":       {minimal + repository + repository, `code_repo {`, "Duplicate code_repo block"},
		"two build_os":           {strings.Replace(minimal, "{}", "{\nbuild_os {}\nbuild_os {}\n}", 1), `build_os {}`, "Duplicate build_os block"},
		"repository, no branch":  {repo("type = \"GitHub\"\nurl = \"https://github.com/acme/app\"\nnamespace = \"acme\""), `code_repo {`, `The argument "branch" is required in a block code_repo.`},
		"empty repository":       {repo(""), `code_repo {`, `The argument "url" is required in a block code_repo.`},
		"empty branch":           {minimal + strings.Replace(repository, `"main"`, `""`, 1), `branch    = ""`, "string length must be at least 1"},
		"empty project":          {minimal + `enterprise_project_id = ""`, `enterprise_project_id = ""`, "string length must be at least 1"},
		"timeout without unit":   {minimal + `timeouts { create = "30" }`, `create = "30"`, positive + `"30".`},
		"timeout in words":       {minimal + `timeouts { create = "soon" }`, `create = "soon"`, positive + `"soon".`},
		"no time to create":      {minimal + `timeouts { create = "0s" }`, `create = "0s"`, positive + `"0s".`},
		"negative time for read": {minimal + `timeouts { read = "-5m" }`, `read = "-5m"`, positive + `"-5m".`},
		"no time to update":      {minimal + `timeouts { update = "0h0m" }`, `update = "0h0m"`, positive + `"0h0m".`},
		"no time to delete":      {minimal + `timeouts { delete = "-0s" }`, `delete = "-0s"`, positive + `"-0s".`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			providertest.Run(t, server, resource.TestStep{
				Config:      providertest.Config(server, job(c.config)),
				PlanOnly:    true,
				ExpectError: regexp.MustCompile(`(?s)on [^\n]*\.tf line \d+.*` + words(c.line) + `.*` + words(c.want) + `|` + words(c.want) + `.*on [^\n]*\.tf line \d+.*` + words(c.line)),
			})
			if requests := server.Requests(); len(requests) > 0 {
				t.Errorf("%d requests have reached the service, want none", len(requests))
			}
		})
	}
}

// The edge of what is allowed.
func TestBuildJob_valid(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]string{
		"name of 2 characters":             strings.Replace(minimal, `"app"`, `"a1"`, 1),
		"name of 64 characters":            strings.Replace(minimal, `"app"`, `"a`+strings.Repeat("-", 62)+`b"`, 1),
		"64 emoji":                         minimal + `job_description = "` + strings.Repeat("😀", 64) + `"`,
		"user in URL":                      minimal + strings.Replace(repository, "https://", "https://user@", 1),
		"SSH address":                      minimal + strings.Replace(repository, "https://github.com/", "git@github.com:", 1),
		"no repository by a dynamic block": minimal + "dynamic \"code_repo\" {\nfor_each = []\ncontent {\ntype = code_repo.value\n}\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			providertest.Run(t, server, resource.TestStep{Config: providertest.Config(server, job(config))})
		})
	}
}
