// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// shapes are build jobs that somebody else may have created.
var shapes = map[string]map[string]any{
	"empty": {"job_name": "empty", "environment_setting": map[string]any{}},
	"full": {
		"job_name": "full", "job_description": "Builds the app", "enterprise_project_id": "own",
		"environment_setting": map[string]any{
			"docker_version": "18.09", "cluster_id": "id", "cluster_name": "name", "use_public_cluster": true,
			"build_os": map[string]any{"arch": "aarch64"},
		},
		"code_repo": map[string]any{
			"type": "gitHUB", "url": "https://github.com/acme/app", "branch": "main", "namespace": "acme",
		},
	},
	"false": {"job_name": "is-false", "environment_setting": map[string]any{"use_public_cluster": false}},
	"empty strings": {
		"job_name": "blank", "job_description": "", "environment_setting": map[string]any{
			"cluster_id": "", "build_os": map[string]any{"arch": ""},
		}, "code_repo": map[string]any{"type": "", "url": "", "branch": "", "namespace": ""},
	},
	"undocumented": {
		"job_name": "more", "environment_setting": map[string]any{"node_label": "x"}, "steps": []any{"compile"},
	},
	"hyphen last": named("last-"),
	"to be escaped": {
		"job_name": "escaped", "job_description": "a \"${x}\" %{ if } \\ \t é\nnext",
		"environment_setting": map[string]any{},
	},
	"password in a URL": withURL("has-password", "https://user:canary-secret@github.com/acme/app"),
	"escaped password":  withURL("has-escaped-password", "\n git::https:/user%3Acanary-secret@github.com/acme/app"),
	"token in a URL":    withURL("has-token", "https://ghp_canary-secret@github.com/acme/app"),
	"token in a query":  withURL("has-query", "https://github.com/acme/app?ref=a&Private_%54oken=canary-secret#x"),
	"short form":        withURL("has-short-form", "user:canary-secret@github.com:acme/app.git"),
}

func withURL(name, url string) map[string]any {
	return map[string]any{
		"job_name": name, "environment_setting": map[string]any{},
		"code_repo": repo(url),
	}
}

// succeed runs a command that must not fail, and returns its output.
func succeed(t *testing.T, cli *providertest.CLI, arguments ...string) string {
	t.Helper()
	stdout, stderr, err := cli.Run(t, arguments...)
	if err != nil {
		t.Fatalf("%v: %v\n%s\n%s", arguments, err, stdout, stderr)
	}
	return stdout
}

// configured returns the configuration that the CLI generates for imports of the build jobs, by address, after it has
// applied it.
func configured(t *testing.T, server *emulator.Server, cli *providertest.CLI, jobs map[string]map[string]any) string {
	t.Helper()
	var imports strings.Builder
	for shape, spec := range jobs {
		fmt.Fprintf(
			&imports, "import {\n  to = servicestage_build_job.%s\n  id = %q\n}\n", strings.ReplaceAll(shape, " ", "_"),
			server.AddJob(spec),
		)
	}
	cli.Write(t, "main.tf", providertest.Requirement)
	cli.Write(t, "imports.tf", imports.String())
	plan := succeed(t, cli, "plan", "-input=false", "-no-color", "-generate-config-out=jobs.tf")
	want := fmt.Sprintf("Plan: %d to import, 0 to add, 0 to change, 0 to destroy.", len(jobs))
	if !strings.Contains(plan, want) {
		t.Errorf("the plan does not contain %q:\n%s", want, plan)
	}
	succeed(t, cli, "apply", "-input=false", "-no-color", "-auto-approve")
	content, err := os.ReadFile(filepath.Join(cli.Dir, "jobs.tf"))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// The configuration that the CLI generates for import blocks can be applied unchanged, then plans nothing, and
// changes no build job.
func TestBuildJob_generatedConfiguration(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]emulator.Quirks{"none": {}, "several": {
		FillDefaults: true, EmptyStrings: true, NormaliseRepoType: true, CreatorString: true, OmitFalse: true,
	}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			cli := providertest.NewCLI(t, server)
			generated := configured(t, server, cli, shapes)
			state, err := os.ReadFile(filepath.Join(cli.Dir, "terraform.tfstate"))
			if err != nil || strings.Contains(generated+string(state), "canary-secret") {
				t.Errorf("the generated configuration or the state has a secret, or the error %v", err)
			}
			succeed(t, cli, "plan", "-input=false", "-no-color", "-detailed-exitcode")
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
				if requests := sent(server, method); requests != 0 {
					t.Errorf("%d %s requests, want none", requests, method)
				}
			}
		})
	}
}

// The generated configuration can be changed. A secret that it does not contain stays in ServiceStage, and the
// placeholder of a secret is sent nowhere else.
func TestBuildJob_generatedThenUpdated_secretStaysInService(t *testing.T) {
	t.Parallel()
	secrets := map[string]map[string]any{}
	for shape, spec := range shapes {
		if strings.Contains(fmt.Sprint(spec), "canary-secret") {
			secrets[shape] = spec
		}
	}
	server := emulator.New(t, emulator.Options{})
	cli := providertest.NewCLI(t, server)
	generated := configured(t, server, cli, secrets)
	cli.Write(t, "jobs.tf", strings.ReplaceAll(generated, `"main"`, `"next"`))
	succeed(t, cli, "apply", "-input=false", "-auto-approve")
	for _, job := range server.Jobs() {
		repo := job.Spec["code_repo"].(map[string]any)
		if url, _ := repo["url"].(string); repo["branch"] != "next" || !strings.Contains(url, "canary-secret") {
			t.Errorf("%s has %v", job.Name(), repo)
		}
	}
	succeed(t, cli, "plan", "-input=false", "-detailed-exitcode")

	expectRejected := func(command string, arguments ...string) {
		t.Helper()
		_, stderr, err := cli.Run(t, append([]string{command, "-input=false", "-no-color"}, arguments...)...)
		if got := strings.Count(stderr, "Error: Secret in repository URL"); err == nil || got != len(secrets) {
			t.Errorf("%d errors, want %d: %v\n%s", got, len(secrets), err, stderr)
		}
	}
	cli.Write(t, "jobs.tf", strings.ReplaceAll(generated, "acme/app", "acme/other"))
	expectRejected("plan")
	renamed := regexp.MustCompile(`(resource "servicestage_build_job" ")`).ReplaceAllString(generated, "${1}new_")
	cli.Write(t, "new.tf", strings.ReplaceAll(renamed, `= "has-`, `= "new-`))
	cli.Write(t, "jobs.tf", generated)
	expectRejected("plan")
	cli.Write(t, "new.tf", "")

	// It is not sent either if the service loses the secret between plan and apply.
	cli.Write(t, "jobs.tf", strings.ReplaceAll(generated, `"main"`, `"later"`))
	succeed(t, cli, "plan", "-input=false", "-out=plan")
	for _, job := range server.Jobs() {
		server.ChangeJob(job.ID, func(spec map[string]any) {
			spec["code_repo"].(map[string]any)["url"] = "https://github.com/acme/open"
		})
	}
	expectRejected("apply", "plan")
	for _, job := range server.Jobs() {
		if url := job.Spec["code_repo"].(map[string]any)["url"]; url != "https://github.com/acme/open" {
			t.Errorf("the URL of %s is %v", job.Name(), url)
		}
	}
}

// Newer CLIs let the provider generate the configuration of a listed build job: it is valid, has each argument and
// nothing else, and plans nothing after an import by identity.
func TestBuildJobList_generatedConfiguration(t *testing.T) {
	t.Parallel()
	for mode, quirks := range quirkModes(t) {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: quirks})
			for _, spec := range shapes {
				server.AddJob(spec)
			}
			provider := providertest.NewProtocol(t, server, nil)
			found, failure := list(t.Context(), t, provider, query{details: true})
			failure.Expect(t)
			if len(found) != len(shapes) {
				t.Errorf("%d build jobs are listed, want %d", len(found), len(shapes))
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
	generated, err := provider.GenerateResourceConfig(
		t.Context(), &tfprotov6.GenerateResourceConfigRequest{TypeName: typeName, State: job.raw},
	)
	providertest.NoErrors(t, generated.Diagnostics, err)
	state := providertest.Decode(t, schema, job.raw)
	for name, value := range providertest.Decode(t, schema, generated.Config) {
		computed := slices.Contains([]string{"job_id", "creator", "created_at", "last_build_id"}, name)
		if computed && !value.IsNull() || !computed && !value.Equal(state[name]) {
			t.Errorf("%s of %s: the configuration has %s, the job %s", name, job.name, value, state[name])
		}
	}
	m := provider.NewInstance(typeName)
	m.Import(t, "", m.NewIdentity(t, identity(job.id, job.region))).Expect(t)
	m.Refresh(t).Expect(t)
	if listed := providertest.DecodeValue(t, m.Type, job.raw); !listed.Equal(m.State) {
		t.Errorf("the list has\n%s, the import\n%s", listed, m.State)
	}
	// What is configured equals the state, so Terraform proposes the state.
	plan, changes := m.PlanValues(t, providertest.DecodeValue(t, m.Type, generated.Config), m.State)
	if changes {
		t.Errorf("%s\nplanned\n%s after\n%s", plan, plan.State, m.State)
	}
}
