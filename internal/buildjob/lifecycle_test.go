// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// quirkModes are behaviors of the service that the documentation of the API allows.
func quirkModes(t *testing.T) map[string]emulator.Quirks {
	t.Helper()
	modes := map[string]emulator.Quirks{"none": {}, "several": {
		FillDefaults: true, EmptyStrings: true, NormaliseRepoType: true, CreatorString: true, KeepOmitted: true,
	}}
	for _, name := range emulator.QuirkNames() {
		quirks, err := emulator.ParseQuirks(name)
		if err != nil {
			t.Fatal(err)
		}
		modes[name] = quirks
	}
	return modes
}

// The plan after a create and after an update is empty, with and without a refresh, for each quirk of the service.
func TestBuildJob_planIsEmptyAfterWrite(t *testing.T) {
	t.Parallel()
	writtenEmpty := bare.With("job_description", "").With("environment_setting.cluster_id", "").
		With("environment_setting.use_public_cluster", false).
		With("environment_setting.build_os", providertest.Block)
	for mode, quirks := range quirkModes(t) {
		for name, c := range map[string]providertest.Arguments{
			"minimal": bare, "full": complete.With("code_repo.type", "gitHUB"), "written empty": writtenEmpty,
		} {
			t.Run(mode+", "+name, func(t *testing.T) {
				t.Parallel()
				server := emulator.New(t, emulator.Options{Quirks: quirks})
				m := manage(t, server)
				m.Converge(t, c)
				for path, value := range c {
					if got := m.Value(t, path); got != value &&
						(path != "enterprise_project_id" || !quirks.IgnoreEnterpriseProject) {
						t.Errorf("%s is %v, want %v", path, got, value)
					}
				}
				m.Converge(t, c.With("environment_setting.docker_version", "20"))
				if posts, puts := sent(server, http.MethodPost), sent(server, http.MethodPut); posts != 1 || puts != 1 {
					t.Errorf("%d POST and %d PUT requests, want one of each", posts, puts)
				}
			})
		}
	}
}

// An imported build job plans nothing if its configuration is complete, however the type is spelled.
func TestBuildJob_importedPlansNothing(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{NormaliseRepoType: true, FillDefaults: true}})
	id := server.AddJob(map[string]any{
		"job_name": "app", "job_description": "Builds the app", "enterprise_project_id": "0",
		"environment_setting": map[string]any{
			"docker_version": "18.09", "cluster_id": "cluster-id", "cluster_name": "cluster-name",
			"use_public_cluster": true,
			"build_os":           map[string]any{"arch": "aarch64"},
		},
		"code_repo": repo("https://github.com/acme/app"),
	})
	m := manage(t, server)
	for _, spelling := range []string{"GitHub", "Github", "github"} {
		m.Import(t, id, nil).Expect(t)
		m.Refresh(t).Expect(t)
		m.ExpectNoChange(t, complete.With("code_repo.type", spelling))
	}
}

// Terraform may plan from the stored state without a refresh: planning sends no request, and an outdated state can be
// destroyed.
func TestBuildJob_planSendsNoRequest(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
	m := manage(t, server)
	m.Apply(t, bare).Expect(t)
	server.ForgetRequests()
	if plan, changes := m.Plan(t, bare); changes {
		t.Errorf("the service defaults are planned as a change: %v", plan.Diagnostics)
	}
	if _, changes := m.Plan(t, bare.With("job_description", "x")); !changes {
		t.Error("a changed argument plans nothing")
	}
	if requests := len(server.Requests()); requests > 0 {
		t.Errorf("planning has sent %d requests", requests)
	}
	server.ChangeJob(id(t, server), func(spec map[string]any) {
		spec["job_name"], spec["job_description"] = "renamed", "outside Terraform"
	})
	m.Apply(t, nil).Expect(t)
	if jobs := server.Jobs(); len(jobs) > 0 || !m.State.IsNull() {
		t.Errorf("the service contains %v, the state %s", jobs, m.State)
	}
}

// A build job that was deleted outside Terraform can be destroyed without a refresh.
func TestBuildJob_deleteOfDeletedJobSucceeds(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, bare)
	server.RemoveJob(id(t, server))
	m.Apply(t, nil).Expect(t)
}

// If ServiceStage ignores an argument of an update, the error has its path, and the next plan still shows the
// difference.
func TestBuildJob_updateIgnored(t *testing.T) {
	t.Parallel()
	repo := complete.With("enterprise_project_id", nil)
	noRepo := repo.With("code_repo", nil)
	for _, argument := range []string{"type", "url", "branch", "namespace"} {
		noRepo = noRepo.With("code_repo."+argument, nil)
	}
	for argument, c := range map[string]struct {
		quirks          emulator.Quirks
		before, changed providertest.Arguments
	}{
		"job_name": {emulator.Quirks{IgnoreRename: true}, bare, bare.With("job_name", "renamed")},
		"enterprise_project_id": {
			emulator.Quirks{IgnoreEnterpriseProject: true}, bare, bare.With("enterprise_project_id", "other"),
		},
		"code_repo": {emulator.Quirks{KeepOmitted: true}, repo, noRepo},
	} {
		t.Run(argument, func(t *testing.T) {
			t.Parallel()
			m := manage(t, emulator.New(t, emulator.Options{Quirks: c.quirks}))
			m.Converge(t, c.before)
			m.Apply(t, c.changed).Expect(t, `ERROR AttributeName\("`+argument+`"\) ServiceStage ignored an argument`)
			m.Refresh(t).Expect(t)
			if _, changes := m.Plan(t, c.changed); !changes {
				t.Error("the next plan is empty")
			}
			m.ExpectNoChange(t, c.before)
		})
	}
}

// The update keeps the enterprise project that somebody else chose between the refresh and the update.
func TestBuildJob_updateKeepsNewEnterpriseProject(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, bare)
	server.ChangeJob(id(t, server), func(spec map[string]any) { spec["enterprise_project_id"] = "moved" })
	m.Apply(t, bare.With("job_description", "y")).Expect(t)
	if got := server.Jobs()[0].Spec["enterprise_project_id"]; got != "moved" {
		t.Errorf("the build job is in enterprise project %v", got)
	}
}

// An update does not move a build job whose enterprise project is not configured.
func TestBuildJob_updateDoesNotMoveTheJob(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	respond := func(description string) {
		server.ForgetFaults()
		server.InjectFault(emulator.Fault{
			Method: http.MethodGet, Path: jobPath, Times: -1, StatusCode: http.StatusOK,
			Body: fmt.Sprintf(`{"job_id":%q,"enterprise_project_id":"theirs","spec":{"job_name":"app",`+
				`"job_description":%q,"enterprise_project_id":"old"}}`, id(t, server), description),
		})
	}
	m := manage(t, server)
	m.Converge(t, bare.With("job_description", "a"))
	respond("a")
	server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() { respond("b") }})
	m.Converge(t, bare.With("job_description", "b"))
	if got := m.Value(t, "enterprise_project_id"); got != "theirs" {
		t.Errorf("the state has enterprise project %v", got)
	}
	if got := string(sentBody(t, server)); !strings.Contains(got, `"enterprise_project_id":"theirs"`) {
		t.Errorf("the update sent %s", got)
	}
}

// The same through a CLI that plans without a refresh, or refreshes only what its plan changes.
func TestBuildJob_planWithoutRefresh(t *testing.T) {
	t.Parallel()
	for flag, versions := range map[string][2]int{"-refresh=false": {5, 6}, "-minimal-refresh": {17, 0}} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true}})
			cli := providertest.NewCLI(t, server)
			cli.RequireVersion(t, versions[0], versions[1])
			cli.Write(t, "main.tf", providertest.Requirement+job(minimal))
			succeed(t, cli, "apply", "-auto-approve", "-no-color", flag)
			server.ForgetRequests()
			succeed(t, cli, "plan", "-no-color", flag, "-detailed-exitcode")
			if requests := len(server.Requests()); requests > 0 {
				t.Errorf("an unchanged plan has sent %d requests", requests)
			}
			server.ChangeJob(id(t, server), func(spec map[string]any) { spec["job_description"] = "outside Terraform" })
			cli.Write(t, "main.tf", providertest.Requirement+job(minimal+"job_description = \"x\"\n"))
			succeed(t, cli, "apply", "-auto-approve", "-no-color", flag)
			if got := server.Jobs()[0].Spec["job_description"]; got != "x" {
				t.Errorf("the description is %v", got)
			}
			server.ChangeJob(id(t, server), func(spec map[string]any) { spec["job_name"] = "renamed" })
			succeed(t, cli, "destroy", "-auto-approve", "-no-color", flag)
			if jobs := server.Jobs(); len(jobs) > 0 {
				t.Errorf("the service contains %v", jobs)
			}
		})
	}
}

// lifecycle { destroy = false } keeps the build job if its instance or the complete configuration is destroyed.
func TestBuildJob_destroyFalseNeverDeletes(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"apply", "destroy"} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			cli := providertest.NewCLI(t, server)
			cli.RequireVersion(t, 16, 12)
			write := func(count string) {
				kept := job(count + minimal + "lifecycle {\n  destroy = false\n}\n")
				cli.Write(t, "main.tf", providertest.Requirement+kept)
			}
			write("count = 1\n")
			succeed(t, cli, "apply", "-auto-approve", "-no-color")
			if command == "apply" {
				write("count = 0\n")
			}
			// OpenTofu reports an error after a destroy that keeps a resource.
			stdout, stderr, _ := cli.Run(t, command, "-auto-approve", "-no-color")
			if sent := sent(server, http.MethodDelete); sent != 0 || len(server.Jobs()) != 1 {
				t.Errorf("%d DELETE requests, want none\n%s%s", sent, stdout, stderr)
			}
			if left := succeed(t, cli, "state", "list"); left != "" {
				t.Errorf("the state contains %s", left)
			}
		})
	}
}
