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
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const (
	buildData  = "servicestage_build"
	buildsData = "servicestage_builds"
)

func (s *service) data(kind, arguments string) string {
	return providertest.Config(s.Server, fmt.Sprintf("data %q %q {\n%s\n}\n", kind, "test", arguments))
}

func dataValue(kind, name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue("data."+kind+".test", tfjsonpath.New(name), check)
}

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
	check := func(name string, check knownvalue.Check) statecheck.StateCheck {
		return dataValue(buildData, name, check)
	}
	text := knownvalue.StringExact
	phases := make([]knownvalue.Check, len(phaseNames))
	for i, phase := range phaseNames {
		state := []string{"Successful", "Successful", "Successful", "Failed", "NotStarted", "NotStarted"}[i]
		phases[i] = knownvalue.ObjectExact(map[string]knownvalue.Check{"id": text(strconv.Itoa(6 + i)), "name": text(phase), "state": text(state)})
	}
	s.run(t, resource.TestStep{
		Config: s.data(buildData, fmt.Sprintf("build_id = %q", id)),
		ConfigStateChecks: []statecheck.StateCheck{
			check("job_id", text(s.jobID)), check("job_name", text("checkout-service")), check("enterprise_project_id", text("0")),
			check("index", knownvalue.Int64Exact(1)), check("state", text("Failed")),
			check("started_at", text("2025-11-14T09:06:28Z")), check("ended_at", text("2025-11-14T09:07:08Z")), check("duration", knownvalue.Int64Exact(40)),
			check("repo_type", text("GitHub")), check("repo", text("https://xxxxx@github.com/acme/checkout")), check("branch", text("main")),
			check("commit_id", knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{40}$`))), check("committer", text("emulator-committer")),
			check("commit_time", text("2025-11-14T08:06:28Z")), check("commit_comment", text("Change 1")), check("language", knownvalue.Null()),
			check("trigger", text("user")), check("creator", text("emulator-user")),
			check("phases", knownvalue.ListExact(phases)),
			check("log", knownvalue.Null()), check("log_cut", knownvalue.Null()),
			check("swr_repository", knownvalue.Null()), check("swr_repo_page", knownvalue.Null()), check("base_image", knownvalue.Null()),
			check("checks", knownvalue.MapExact(map[string]knownvalue.Check{
				"checkstyle": knownvalue.ObjectExact(map[string]knownvalue.Check{
					"info": knownvalue.Null(),
					"counts": knownvalue.ListExact([]knownvalue.Check{knownvalue.ObjectExact(map[string]knownvalue.Check{
						"kind": text("static"), "build_id": text(id), "build_order": knownvalue.Int64Exact(1), "total_count": knownvalue.Int64Exact(0),
					})}),
				}),
				"pmd": knownvalue.ObjectExact(map[string]knownvalue.Check{"info": text(`{"violations":3}`), "counts": knownvalue.ListExact(nil)}),
			})),
		},
	})
	if logs := s.CountRequests(http.MethodGet, buildPath+"/logs"); logs > 0 {
		t.Errorf("the log was read %d times", logs)
	}
}

// The end of the log, at most log_limit bytes, without a part of a character.
func TestBuildDataSource_log(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.InjectOutcomes(emulator.Outcome{Phase: "Init", Log: "größer"})
	id := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	const last = "[Init] ended: Failed\n"
	for limit, want := range map[int]string{
		len(last):                    "^" + regexp.QuoteMeta(last) + "$",
		len(last) + len("ßer\n") - 1: "^er\n" + regexp.QuoteMeta(last) + "$", // The limit is between the two bytes of ß.
		1048576:                      `(?s)^\[Init\] started.*größer\n\[Init\] ended: Failed\n$`,
	} {
		got := s.protocol(t, nil).readData(t, buildData, map[string]any{"build_id": id, "log_limit": limit})
		got.none(t)
		if log := providertest.Text(t, got.state, "log"); !regexp.MustCompile(want).MatchString(log) {
			t.Errorf("limit %d: got %q", limit, log)
		}
		if cut := tftypes.NewValue(tftypes.Bool, limit < 1048576); !got.state["log_cut"].Equal(cut) {
			t.Errorf("limit %d: log_cut is %s", limit, got.state["log_cut"])
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
			t.Errorf("%s holds the build's log: %t", filepath.Base(file), has)
		}
	}
}

// Without code checks, or without their calls, the map is empty, and no check is read.
func TestBuildDataSource_noChecks(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"none":          {StatusCode: http.StatusOK, Body: "{}"},
		"another form":  {StatusCode: http.StatusOK, Body: `{"checkstyle":[],"pmd":{"static":1},"x":null}`},
		"not published": {StatusCode: http.StatusNotFound, Body: `{"error_code":"APIGW.0101"}`},
		"refused":       {StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4004401"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			fault.Path, fault.Times = buildPath+"/results", -1
			s.InjectFault(fault)
			got := s.protocol(t, nil).readData(t, buildData, map[string]any{"build_id": s.AddBuild(s.jobID)})
			got.none(t)
			var checks map[string]tftypes.Value
			if err := got.state["checks"].As(&checks); err != nil || checks == nil || len(checks) > 0 {
				t.Errorf("checks: got %v, %v, want an empty map", checks, err)
			}
			for _, request := range s.Requests() {
				if strings.Contains(request.Query, "taskname") {
					t.Errorf("the provider sent %s", request.Query)
				}
			}
		})
	}
}

func TestBuildDataSource_errors(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	none := p.readData(t, buildData, map[string]any{"build_id": "none"})
	contains(t, none.only(t, isError), "No such build")
	none.onArgument(t, "build_id")
	contains(t, p.readData(t, buildData, map[string]any{"build_id": "x", "log_limit": 1048577}).only(t, isError), "between 1 and 1048576")
	id := s.AddBuild(s.jobID)
	for path, want := range map[string]string{"": "", "/phases": " the phases of", "/results": " the code checks of", "/logs": " the log of"} {
		s.ForgetFaults()
		s.InjectFault(forbidden(http.MethodGet, buildPath+path))
		got := p.readData(t, buildData, map[string]any{"build_id": id, "log_limit": 10})
		contains(t, got.only(t, isError), "Unable to read"+want+" the build", "APIGW.0302")
	}
}

// The builds, the newest first.
func TestBuildsDataSource(t *testing.T) {
	t.Parallel()
	s := newService(t)
	older := s.AddBuild(s.jobID)
	s.advance(time.Hour)
	row := func(id, state string, duration knownvalue.Check) knownvalue.Check {
		return knownvalue.ObjectExact(map[string]knownvalue.Check{"build_id": knownvalue.StringExact(id), "state": knownvalue.StringExact(state), "duration": duration})
	}
	builds := []knownvalue.Check{row(s.AddBuild(s.jobID), "Queuing", knownvalue.Null()), row(older, "Successful", knownvalue.Int64Exact(60))}
	s.run(t, resource.TestStep{
		Config: s.data(buildsData, fmt.Sprintf("job_id = %q", s.jobID)),
		ConfigStateChecks: []statecheck.StateCheck{
			dataValue(buildsData, "job_name", knownvalue.StringExact("checkout-service")), dataValue(buildsData, "total", knownvalue.Int64Exact(2)),
			dataValue(buildsData, "finished", knownvalue.Int64Exact(1)), dataValue(buildsData, "successful", knownvalue.Int64Exact(1)),
			dataValue(buildsData, "builds", knownvalue.ListExact(builds)),
		},
	})
}

// A list without pages, the oldest first, is sorted, and a warning if it is not complete.
func TestBuildsDataSource_incompleteList(t *testing.T) {
	t.Parallel()
	s := newService(t)
	older, newer := s.AddBuild(s.jobID), s.AddBuild(s.jobID)
	s.InjectFault(emulator.Fault{Path: buildsPath, Times: -1, StatusCode: http.StatusOK, Body: fmt.Sprintf(
		`{"total":3,"per_page":2,"page":1,"finished":0,"successful":0,"list":[{"build_id":%q,"build_state":"Timeout","duration":7},{"build_id":%q}]}`, older, newer)})
	got := s.protocol(t, nil).readData(t, buildsData, map[string]any{"job_id": s.jobID})
	contains(t, got.only(t, isWarning), "has had 3 builds, of which the service listed 2")
	text := got.state["builds"].String()
	if first, second := strings.Index(text, newer), strings.Index(text, older); first < 0 || second < first || !strings.Contains(text[second:], "Timeout") {
		t.Errorf("builds: got %s, want %s before %s", text, newer, older)
	}
}

func TestBuildsDataSource_errors(t *testing.T) {
	t.Parallel()
	s := newService(t)
	p := s.protocol(t, nil)
	got := p.readData(t, buildsData, map[string]any{"job_id": "none"})
	contains(t, got.only(t, isError), "No such build job")
	got.onArgument(t, "job_id")
	s.InjectFault(forbidden(http.MethodGet, buildsPath))
	contains(t, p.readData(t, buildsData, map[string]any{"job_id": s.jobID}).only(t, isError), "Unable to list the builds", "APIGW.0302")
}
