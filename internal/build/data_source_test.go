// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	buildData  = "servicestage_build"
	buildsData = "servicestage_builds"
)

// All attributes, from a service that returns numbers as strings. Without log_limit, the log is not read.
func TestBuildDataSource_allAttributes(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *emulator.Options) { o.Quirks.StringNumbers = true })
	s.InjectOutcomes(emulator.Outcome{Phase: "Build"})
	id := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	s.InjectFault(emulator.Fault{
		Path: buildPath, When: func(r emulator.Request) bool { return r.Query == "taskname=pmd" },
		StatusCode: http.StatusOK, Body: `{"pmd": {"violations": 3}}`,
	})
	object := func(attributes map[string]knownvalue.Check) knownvalue.Check {
		return knownvalue.ObjectExact(attributes)
	}
	text := knownvalue.StringExact
	phases := make([]knownvalue.Check, len(phaseNames))
	for i, phase := range phaseNames {
		state := []string{"Successful", "Successful", "Successful", "Failed", "NotStarted", "NotStarted"}[i]
		phases[i] = object(map[string]knownvalue.Check{
			"id": text(strconv.Itoa(6 + i)), "name": text(phase), "state": text(state),
		})
	}
	count := object(map[string]knownvalue.Check{
		"kind": text("static"), "build_id": text(id),
		"build_order": knownvalue.Int64Exact(1), "total_count": knownvalue.Int64Exact(0),
	})
	s.run(t, resource.TestStep{
		Config: providertest.Config(s.Server, fmt.Sprintf(`data "servicestage_build" "test" { build_id = %q }`, id)),
		ConfigStateChecks: values("data.servicestage_build.test", map[string]any{
			"job_id": s.jobID, "job_name": "checkout-service", "enterprise_project_id": "0",
			"index": 1, "state": "Failed",
			"started_at": "2025-11-14T09:06:28Z", "ended_at": "2025-11-14T09:07:08Z", "duration": 40,
			"repo_type": "GitHub", "repo": "https://xxxxx@github.com/acme/checkout", "branch": "main",
			"commit_id": isCommit, "committer": "emulator-committer", "commit_time": "2025-11-14T08:06:28Z",
			"commit_comment": "Change 1", "language": nil, "trigger": "user", "creator": "emulator-user",
			"swr_repository": nil, "swr_repo_page": nil, "base_image": nil, "log": nil, "log_cut": nil,
			"phases": knownvalue.ListExact(phases),
			"checks": knownvalue.MapExact(map[string]knownvalue.Check{
				"checkstyle": object(map[string]knownvalue.Check{
					"info": knownvalue.Null(), "counts": knownvalue.ListExact([]knownvalue.Check{count}),
				}),
				"pmd": object(map[string]knownvalue.Check{
					"info": text(`{"violations":3}`), "counts": knownvalue.ListExact(nil),
				}),
			}),
		}),
	})
	if logs := s.CountRequests(http.MethodGet, buildPath+"/logs"); logs > 0 {
		t.Errorf("the log was read %d times", logs)
	}
}

// The end of the log, at most log_limit bytes.
func TestBuildDataSource_log(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.InjectOutcomes(emulator.Outcome{Phase: "Init", Log: "größer"})
	id := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	const last = "[Init] ended: Failed\n"
	for limit, want := range map[int]string{
		len(last) + 1: "^\n" + regexp.QuoteMeta(last) + "$",
		1048576:       `(?s)^\[Init\] started.*größer\n\[Init\] ended: Failed\n$`,
	} {
		got := s.protocol(t, nil).ReadData(t, buildData, map[string]any{"build_id": id, "log_limit": limit})
		got.Expect(t)
		if log := providertest.Text(t, got.State, "log"); !regexp.MustCompile(want).MatchString(log) {
			t.Errorf("limit %d: got %q", limit, log)
		}
		if cut := tftypes.NewValue(tftypes.Bool, limit < 1048576); !got.State["log_cut"].Equal(cut) {
			t.Errorf("limit %d: log_cut is %s", limit, got.State["log_cut"])
		}
	}
}

// The log of a build is in the state, if it is configured, and never in a log of the provider.
func TestBuildLog_isNotLogged(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{BuildDuration: time.Nanosecond})
	jobID := server.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
	server.InjectOutcomes(emulator.Outcome{Phase: "Build", Log: "canary-password"})
	cli := providertest.NewCLI(t, server)
	log := filepath.Join(t.TempDir(), "trace.log")
	cli.Env = append(cli.Env, "TF_LOG=TRACE", "TF_LOG_PATH="+log)
	cli.Write(t, "main.tf", providertest.Requirement+fmt.Sprintf(
		"data \"servicestage_build\" \"test\" {\n  build_id  = %q\n  log_limit = 10000\n}\n", server.AddBuild(jobID)))
	if _, stderr, err := cli.Run(t, "apply", "-no-color", "-input=false", "-auto-approve"); err != nil {
		t.Fatal(err, stderr)
	}
	for file, want := range map[string]bool{log: false, filepath.Join(cli.Dir, "terraform.tfstate"): true} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(string(content), "canary-password"); has != want {
			t.Errorf("%s contains the build's log: %t", filepath.Base(file), has)
		}
	}
}

// Without code checks, or without their calls, the map is empty, and no check is read.
func TestBuildDataSource_noChecks(t *testing.T) {
	t.Parallel()
	s := newService(t)
	id := s.AddBuild(s.jobID)
	for status, body := range map[int]string{
		http.StatusOK:         `{"checkstyle":[],"pmd":{"static":1},"x":null}`,
		http.StatusNotFound:   `{"error_code":"APIGW.0101"}`,
		http.StatusBadRequest: `{"error_code":"SVCSTG.CPE.4004401"}`,
	} {
		s.ForgetFaults()
		s.InjectFault(respond(http.MethodGet, buildPath+"/results", status, body))
		got := s.protocol(t, nil).ReadData(t, buildData, map[string]any{"build_id": id})
		got.Expect(t)
		var checks map[string]tftypes.Value
		if err := got.State["checks"].As(&checks); err != nil || checks == nil || len(checks) > 0 {
			t.Errorf("HTTP %d: got %v, %v, want an empty map", status, checks, err)
		}
	}
	for _, request := range s.Requests() {
		if strings.Contains(request.Query, "taskname") {
			t.Errorf("the provider sent %s", request.Query)
		}
	}
}

// Each of the reads is necessary. TestDiagnostics has the other errors.
func TestDataSources_errors(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	id := s.AddBuild(s.jobID)
	for path, want := range map[string]string{
		"": "", "/phases": " the phases of the", "/results": " the code checks of the", "/logs": " the log of the",
	} {
		s.ForgetFaults()
		s.InjectFault(forbidden(http.MethodGet, buildPath+path))
		p.ReadData(t, buildData, providertest.Arguments{"build_id": id, "log_limit": 10}).
			Expect(t, one(isError, "Error reading"+want+" build", "APIGW.0302"))
	}
	s.InjectFault(forbidden(http.MethodGet, buildsPath))
	p.ReadData(t, buildsData, providertest.Arguments{"job_id": s.jobID}).
		Expect(t, one(isError, "Error listing builds", "APIGW.0302"))
}

// The builds are sorted from new to old. An incomplete list is a warning.
func TestBuildsDataSource(t *testing.T) {
	t.Parallel()
	s := newService(t)
	older := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	newer := s.AddBuild(s.jobID)
	row := func(id, state string, duration knownvalue.Check) knownvalue.Check {
		return knownvalue.ObjectExact(map[string]knownvalue.Check{
			"build_id": knownvalue.StringExact(id), "state": knownvalue.StringExact(state), "duration": duration,
		})
	}
	config := fmt.Sprintf(`data "servicestage_builds" "test" { job_id = %q }`, s.jobID)
	s.run(t, resource.TestStep{
		Config: providertest.Config(s.Server, config),
		ConfigStateChecks: values("data.servicestage_builds.test", map[string]any{
			"job_name": "checkout-service", "total": 2, "finished": 1, "successful": 1,
			"builds": knownvalue.ListExact([]knownvalue.Check{
				row(newer, "Queuing", knownvalue.Null()), row(older, "Successful", knownvalue.Int64Exact(60)),
			}),
		}),
	})
	s.InjectFault(respond(http.MethodGet, buildsPath, http.StatusOK,
		fmt.Sprintf(`{"total":3,"list":[{"build_id":%q},{"build_id":%q}]}`, newer, older)))
	got := s.protocol(t, nil).ReadData(t, buildsData, map[string]any{"job_id": s.jobID})
	got.Expect(t, one(isWarning, "has 3 builds. ServiceStage returned 2"))
	if !got.State["total"].Equal(tftypes.NewValue(tftypes.Number, 3)) {
		t.Errorf("total is %s", got.State["total"])
	}
}
