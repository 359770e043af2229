// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// shapes are jobs as the console or somebody else may have made them.
var shapes = map[string]map[string]any{
	"empty": {"job_name": "empty", "environment_setting": map[string]any{}},
	"full": {
		"job_name": "full", "job_description": "Builds the app", "enterprise_project_id": "own",
		"environment_setting": map[string]any{
			"docker_version": "18.09", "cluster_id": "id", "cluster_name": "name", "use_public_cluster": true, "build_os": map[string]any{"arch": "aarch64"},
		},
		"code_repo": map[string]any{"type": "gitHUB", "url": "https://github.com/acme/app", "branch": "main", "namespace": "acme"},
	},
	"false":             {"job_name": "is-false", "environment_setting": map[string]any{"use_public_cluster": false}},
	"repository alone":  {"job_name": "repo", "environment_setting": map[string]any{}, "code_repo": map[string]any{"type": "GitLab", "url": "git@gitlab.com:acme/app.git", "branch": "release/1.x", "namespace": "a/b"}},
	"architecture":      {"job_name": "arch", "environment_setting": map[string]any{"build_os": map[string]any{"arch": "x86_64"}}},
	"empty strings":     {"job_name": "blank", "job_description": "", "environment_setting": map[string]any{"cluster_id": "", "build_os": map[string]any{"arch": ""}}, "code_repo": map[string]any{"type": "", "url": "", "branch": "", "namespace": ""}},
	"undocumented":      {"job_name": "more", "environment_setting": map[string]any{"node_label": "x"}, "steps": []any{"compile"}},
	"one character":     {"job_name": "a", "environment_setting": map[string]any{}},
	"digit first":       {"job_name": "1st", "environment_setting": map[string]any{}},
	"hyphen last":       {"job_name": "last-", "environment_setting": map[string]any{}},
	"to be escaped":     {"job_name": "escaped", "job_description": "a \"${x}\" %{ if } \\ \t é\nnext", "environment_setting": map[string]any{}},
	"password in a URL": withURL("has-password", "https://user:canary-secret@github.com/acme/app"),
	"escaped password":  withURL("has-escaped-password", "\n git::https:/user%3Acanary-secret@github.com/acme/app"),
	"token in a URL":    withURL("has-token", "https://ghp_canary-secret@github.com/acme/app"),
	"token in a query":  withURL("has-query", "https://github.com/acme/app?ref=a&Private_%54oken=canary-secret#x"),
	"short form":        withURL("has-short-form", "user:canary-secret@github.com:acme/app.git"),
}

func withURL(name, url string) map[string]any {
	return map[string]any{
		"job_name": name, "environment_setting": map[string]any{},
		"code_repo": map[string]any{"type": "GitHub", "url": url, "branch": "main", "namespace": "acme"},
	}
}

// succeed runs a command that has to end well, and returns what it printed.
func succeed(t *testing.T, cli *providertest.CLI, arguments ...string) string {
	t.Helper()
	stdout, stderr, err := cli.Run(t, arguments...)
	if err != nil {
		t.Fatalf("%v: %v\n%s\n%s", arguments, err, stdout, stderr)
	}
	return stdout
}

// What the CLI generates for import blocks is applied without a word of it being changed, and then plans nothing; in each way
// in which the service may answer what was never said, and without a request that changes a job.
func TestBuildJob_generatedConfiguration(t *testing.T) {
	t.Parallel()
	modes := map[string]emulator.Quirks{"none": {}, "all answers": {
		FillDefaults: true, EmptyStrings: true, NormaliseRepoType: true, CreatorString: true, OmitFalse: true,
	}}
	for _, name := range []string{"fill-defaults", "empty-strings", "normalise-repo-type", "omit-false", "creator-string", "ignore-enterprise-project"} {
		quirks, err := emulator.ParseQuirks(name)
		if err != nil {
			t.Fatal(err)
		}
		modes[name] = quirks
	}
	for name, quirks := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			cli := providertest.NewCLI(t, server)
			cli.Write(t, "main.tf", providertest.Requirement)
			var imports strings.Builder
			for shape, spec := range shapes {
				fmt.Fprintf(&imports, "import {\n  to = servicestage_build_job.%s\n  id = %q\n}\n", strings.ReplaceAll(shape, " ", "_"), server.AddJob(spec))
			}
			cli.Write(t, "imports.tf", imports.String())
			before := server.Jobs()

			generated := succeed(t, cli, "plan", "-input=false", "-no-color", "-generate-config-out=jobs.tf")
			summary := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", len(shapes))
			if !strings.Contains(generated, summary) {
				t.Errorf("the plan does not say %q:\n%s", summary, generated)
			}
			content, err := os.ReadFile(filepath.Join(cli.Dir, "jobs.tf"))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(content), "canary-secret") {
				t.Error("the generated configuration has a secret")
			}
			succeed(t, cli, "apply", "-input=false", "-no-color", "-auto-approve")
			if content, err = os.ReadFile(filepath.Join(cli.Dir, "terraform.tfstate")); err != nil || strings.Contains(string(content), "canary-secret") {
				t.Errorf("the state has a secret, or the error %v", err)
			}
			succeed(t, cli, "plan", "-input=false", "-no-color", "-detailed-exitcode")
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
				if sent := server.CountRequests(method, "/assembling/v1/jobs*") + server.CountRequests(method, jobPath); sent != 0 {
					t.Errorf("%d %s requests, want none", sent, method)
				}
			}
			if after := server.Jobs(); fmt.Sprint(before) != fmt.Sprint(after) {
				t.Errorf("the service held\n%v\nand now holds\n%v", before, after)
			}
		})
	}
}

// The generated configuration can be changed, and a secret that it does not show stays in ServiceStage.
func TestBuildJob_generatedThenUpdated_secretStaysInService(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{"password in a URL", "escaped password", "token in a URL", "token in a query", "short form"} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			expectSecretStays(t, shapes[shape])
		})
	}
}

func expectSecretStays(t *testing.T, shape map[string]any) {
	t.Helper()
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	cli.Write(t, "main.tf", providertest.Requirement+importing(server.AddJob(shape)))
	succeed(t, cli, "plan", "-input=false", "-generate-config-out=jobs.tf")
	succeed(t, cli, "apply", "-input=false", "-auto-approve")
	file := filepath.Join(cli.Dir, "jobs.tf")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	generated := string(content)
	url := func() any { return server.Jobs()[0].Spec["code_repo"].(map[string]any)["url"] }

	cli.Write(t, "jobs.tf", strings.Replace(generated, `"main"`, `"next"`, 1))
	succeed(t, cli, "apply", "-input=false", "-auto-approve")
	if got := server.Jobs()[0].Spec["code_repo"].(map[string]any)["branch"]; got != "next" || url() != shape["code_repo"].(map[string]any)["url"] {
		t.Errorf("the branch is %v and the URL %v", got, url())
	}
	succeed(t, cli, "plan", "-input=false", "-detailed-exitcode")

	// The placeholder is not a secret: neither another URL nor a new job may have it.
	for name, changed := range map[string]string{
		"another URL": strings.Replace(generated, "acme/app", "acme/other", 1),
		"a new job":   generated + strings.Replace(strings.Replace(generated, `"test"`, `"new"`, 1), fmt.Sprintf("%q", shape["job_name"]), `"new-name"`, 1),
	} {
		cli.Write(t, "jobs.tf", changed)
		if stdout, stderr, err := cli.Run(t, "plan", "-input=false", "-no-color"); err == nil || !strings.Contains(stderr, "Secret in repository URL") {
			t.Errorf("%s: %v\n%s\n%s", name, err, stdout, stderr)
		}
	}

	// It is not sent either if the service loses the secret between plan and apply.
	cli.Write(t, "jobs.tf", strings.Replace(generated, `"main"`, `"later"`, 1))
	succeed(t, cli, "plan", "-input=false", "-out=plan")
	server.ChangeJob(server.Jobs()[0].ID, func(spec map[string]any) { spec["code_repo"].(map[string]any)["url"] = "https://github.com/acme/open" })
	if _, stderr, err := cli.Run(t, "apply", "-input=false", "-no-color", "plan"); err == nil || !strings.Contains(stderr, "Secret in repository URL") {
		t.Errorf("%v\n%s", err, stderr)
	}
	if url() != "https://github.com/acme/open" {
		t.Errorf("the URL has become %v", url())
	}
}

// A generated name that breaks the API's rule plans without a word, until it is changed to another that breaks it.
func TestBuildJob_generatedOddName(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{"one character", "digit first", "hyphen last"} {
		t.Run(shape, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			cli := providertest.NewCLI(t, server)
			cli.Write(t, "main.tf", providertest.Requirement+importing(server.AddJob(shapes[shape])))
			succeed(t, cli, "plan", "-input=false", "-generate-config-out=jobs.tf")
			succeed(t, cli, "apply", "-input=false", "-auto-approve")
			content, err := os.ReadFile(filepath.Join(cli.Dir, "jobs.tf"))
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprintf("%q", shapes[shape]["job_name"])
			for renamed, wanted := range map[string]bool{`"good-name"`: true, `"bad-"`: false} {
				cli.Write(t, "jobs.tf", strings.Replace(string(content), name, renamed, 1))
				_, stderr, err := cli.Run(t, "plan", "-input=false", "-no-color")
				if (err == nil) != wanted || !wanted && !strings.Contains(stderr, "Invalid job name") {
					t.Errorf("renaming %s to %s: %v\n%s", name, renamed, err, stderr)
				}
			}
		})
	}
}

// In process, as newer CLIs do it: the configuration that the provider itself generates of a listed job is valid, has all of the
// job that can be configured and nothing else, and plans nothing after the import of that job by its identity.
func TestBuildJobList_generatedConfiguration(t *testing.T) {
	t.Parallel()
	for _, quirks := range []emulator.Quirks{{}, {FillDefaults: true}, {EmptyStrings: true}, {FillDefaults: true, EmptyStrings: true}} {
		t.Run(fmt.Sprint(quirks), func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			for _, spec := range shapes {
				server.AddJob(spec)
			}
			provider := providertest.NewProtocol(t, server, nil)
			found, failure := list(t, provider, nil, true, 0, 0)
			if failure != nil || len(found) != len(shapes) {
				t.Fatalf("%d jobs are listed, and the error is %v", len(found), failure)
			}
			for _, job := range found {
				expectAdoption(t, provider, job)
			}
		})
	}
}

func expectAdoption(t *testing.T, provider *providertest.Protocol, job listed) {
	t.Helper()
	schema := provider.Schemas.ResourceSchemas[typeName].ValueType()
	generated, err := provider.GenerateResourceConfig(t.Context(), &tfprotov6.GenerateResourceConfigRequest{TypeName: typeName, State: job.raw})
	providertest.NoErrors(t, generated.Diagnostics, err)
	for name, value := range providertest.Decode(t, schema, generated.Config) {
		computed := slices.Contains([]string{"job_id", "creator", "created_at", "last_build_id"}, name)
		if computed && !value.IsNull() || !computed && !value.Equal(job.job[name]) {
			t.Errorf("%s of %s: the configuration has %s, the job %s", name, job.name, value, job.job[name])
		}
	}
	valid, err := provider.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: typeName, Config: generated.Config})
	providertest.NoErrors(t, valid.Diagnostics, err)
	imported, err := provider.ImportResourceState(t.Context(), &tfprotov6.ImportResourceStateRequest{
		TypeName: typeName, Identity: identity(t, provider, job.id, job.region),
	})
	providertest.NoErrors(t, imported.Diagnostics, err)
	state := stateOf(t, provider, imported.ImportedResources[0])
	// What is configured equals the state, so the state is what Terraform proposes.
	planned, err := provider.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: typeName, PriorState: state, ProposedNewState: state, Config: generated.Config,
		PriorIdentity: imported.ImportedResources[0].Identity,
	})
	providertest.NoErrors(t, planned.Diagnostics, err)
	before := providertest.Decode(t, schema, state)
	for name, value := range providertest.Decode(t, schema, planned.PlannedState) {
		if !value.Equal(before[name]) {
			t.Errorf("%s of %s: planned is %s after %s", name, job.name, value, before[name])
		}
	}
}
