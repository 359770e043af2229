// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// data is a data source of the given type.
func (w *world) data(kind, arguments string) string {
	return providertest.Config(w.Server, fmt.Sprintf("data %q %q {\n%s\n}\n", kind, "test", arguments))
}

func read(kind, name string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue("data."+kind+".test", tfjsonpath.New(name), check)
}

func TestBuildDataSource_allFields(t *testing.T) {
	t.Parallel()
	for name, quirks := range map[string]emulator.Quirks{"numbers": {}, "strings": {StringNumbers: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(o *emulator.Options) { o.Quirks = quirks })
			w.OrderBuilds(emulator.Outcome{Phase: "Build"})
			id := w.AddBuild(w.jobID)
			w.advance(time.Hour)
			w.Order(emulator.Fault{
				Path: buildPath, When: func(r emulator.Request) bool { return r.Query == "taskname=pmd" },
				StatusCode: http.StatusOK, Body: `{"pmd": {"violations": 3}}`,
			})
			check := func(name string, check knownvalue.Check) statecheck.StateCheck {
				return read("servicestage_build", name, check)
			}
			text := knownvalue.StringExact
			phases := make([]knownvalue.Check, len(phaseNames))
			for i, phase := range phaseNames {
				state := []string{"Successful", "Successful", "Successful", "Failed", "NotStarted", "NotStarted"}[i]
				phases[i] = knownvalue.ObjectExact(map[string]knownvalue.Check{"id": text(strconv.Itoa(6 + i)), "name": text(phase), "state": text(state)})
			}
			w.run(t, resource.TestStep{
				Config: w.data("servicestage_build", fmt.Sprintf("build_id = %q", id)),
				ConfigStateChecks: []statecheck.StateCheck{
					check("job_id", text(w.jobID)), check("job_name", text("checkout-service")), check("enterprise_project_id", text("0")),
					check("index", knownvalue.Int64Exact(1)), check("state", text("Failed")),
					check("started_at", text("2025-11-14T09:06:28Z")), check("ended_at", text("2025-11-14T09:07:08Z")), check("duration", knownvalue.Int64Exact(40)),
					check("repo_type", text("GitHub")), check("repo", text("https://xxxxx@github.com/acme/checkout")), check("branch", text("main")),
					check("commit_id", knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{40}$`))), check("committer", text("emulator-committer")),
					check("commit_time", text("2025-11-14T08:06:28Z")), check("commit_comment", text("Change 1")), check("language", knownvalue.Null()),
					check("trigger", text("user")), check("creator", text("emulator-user")),
					check("phases", knownvalue.ListExact(phases)),
					check("log", knownvalue.Null()), check("log_cut", knownvalue.Null()),
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
			if logs := w.CountRequests(http.MethodGet, buildPath+"/logs"); logs > 0 {
				t.Errorf("the log was read %d times without being asked for", logs)
			}
		})
	}
}

// A build that has just started: what is not known yet is null.
func TestBuildDataSource_running(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.AddBuild(w.jobID)
	checks := []statecheck.StateCheck{read("servicestage_build", "state", knownvalue.StringExact("Queuing"))}
	for _, name := range []string{"ended_at", "duration", "commit_id", "committer", "commit_time", "commit_comment"} {
		checks = append(checks, read("servicestage_build", name, knownvalue.Null()))
	}
	w.run(t, resource.TestStep{Config: w.data("servicestage_build", fmt.Sprintf("build_id = %q", id)), ConfigStateChecks: checks})
}

// The log: its end, in bytes, without tearing a character.
func TestBuildDataSource_log(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.OrderBuilds(emulator.Outcome{Phase: "Init", Log: "größer"})
	id := w.AddBuild(w.jobID)
	w.advance(time.Hour)
	const last = "[Init] ended: Failed\n"
	for name, c := range map[string]struct {
		limit int
		want  knownvalue.Check
		cut   bool
	}{
		"one line": {len(last), knownvalue.StringExact(last), true},
		// Within the two bytes of ß.
		"torn":  {len(last) + len("ßer\n") - 1, knownvalue.StringExact("er\n" + last), true},
		"whole": {1048576, knownvalue.StringRegexp(regexp.MustCompile(`(?s)^\[Init\] started.*größer\n\[Init\] ended: Failed\n$`)), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w.run(t, resource.TestStep{
				Config: w.data("servicestage_build", fmt.Sprintf("build_id = %q\nlog_limit = %d", id, c.limit)),
				ConfigStateChecks: []statecheck.StateCheck{
					read("servicestage_build", "log", c.want), read("servicestage_build", "log_cut", knownvalue.Bool(c.cut)),
				},
			})
		})
	}
}

// A build without code checks, and a service without the calls: an empty map, and no further questions.
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
			w := newWorld(t)
			id := w.AddBuild(w.jobID)
			fault.Path, fault.Times = buildPath+"/results", -1
			w.Order(fault)
			w.run(t, resource.TestStep{
				Config:            w.data("servicestage_build", fmt.Sprintf("build_id = %q", id)),
				ConfigStateChecks: []statecheck.StateCheck{read("servicestage_build", "checks", knownvalue.MapExact(nil))},
			})
			for _, request := range w.Requests() {
				if strings.Contains(request.Query, "taskname") {
					t.Errorf("%s was asked for", request.Query)
				}
			}
		})
	}
}

func TestBuildDataSource_errors(t *testing.T) {
	t.Parallel()
	forbidden := emulator.Fault{Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302"}`}
	for name, c := range map[string]struct{ path, arguments, want string }{
		"no such build": {"", `build_id = "none"`, `(?s)No such build.*build_id`},
		"no id":         {"", `build_id = ""`, "must be an ID"},
		"limit":         {"", "build_id = \"x\"\nlog_limit = 1048577", "between 1 and 1048576"},
		"build":         {buildPath, "", "Unable to read the build"},
		"phases":        {buildPath + "/phases", "", "Unable to read the phases"},
		"checks":        {buildPath + "/results", "", "Unable to read the code checks"},
		"log":           {buildPath + "/logs", "", "Unable to read the log"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.path != "" {
				fault := forbidden
				fault.Path = c.path
				w.Order(fault)
				c.arguments = fmt.Sprintf("build_id = %q\nlog_limit = 10", w.AddBuild(w.jobID))
			}
			w.run(t, resource.TestStep{Config: w.data("servicestage_build", c.arguments), ExpectError: regexp.MustCompile(c.want)})
		})
	}
}

// All builds, over several pages, newest first, whatever order the service has.
func TestBuildsDataSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ids []string
	for range 25 {
		ids = append(ids, w.AddBuild(w.jobID))
	}
	w.advance(time.Hour)
	ids = append(ids, w.AddBuild(w.jobID))
	const kind = "servicestage_builds"
	at := func(i int, name string, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data."+kind+".test", tfjsonpath.New("builds").AtSliceIndex(i).AtMapKey(name), check)
	}
	w.run(t, resource.TestStep{
		Config: w.data(kind, fmt.Sprintf("job_id = %q", w.jobID)),
		ConfigStateChecks: []statecheck.StateCheck{
			read(kind, "job_name", knownvalue.StringExact("checkout-service")),
			read(kind, "total", knownvalue.Int64Exact(26)), read(kind, "finished", knownvalue.Int64Exact(25)), read(kind, "successful", knownvalue.Int64Exact(25)),
			read(kind, "builds", knownvalue.ListSizeExact(26)),
			at(0, "build_id", knownvalue.StringExact(ids[25])), at(0, "state", knownvalue.StringExact("Queuing")), at(0, "duration", knownvalue.Null()),
			at(1, "build_id", knownvalue.StringExact(ids[24])), at(1, "state", knownvalue.StringExact("Successful")), at(1, "duration", knownvalue.Int64Exact(60)),
			at(25, "build_id", knownvalue.StringExact(ids[0])),
		},
	})
}

// A service that knows no pages, or lists the oldest first.
func TestBuildsDataSource_otherLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	older, newer := w.AddBuild(w.jobID), w.AddBuild(w.jobID)
	w.Order(emulator.Fault{Path: buildsPath, Times: -1, StatusCode: http.StatusOK, Body: fmt.Sprintf(
		`{"total":3,"per_page":2,"page":1,"finished":0,"successful":0,"list":[{"build_id":%q,"build_state":"Timeout","duration":7},{"build_id":%q}]}`, older, newer)})
	row := func(id, state string, duration knownvalue.Check) knownvalue.Check {
		checks := map[string]knownvalue.Check{"build_id": knownvalue.StringExact(id), "state": knownvalue.Null(), "duration": duration}
		if state != "" {
			checks["state"] = knownvalue.StringExact(state)
		}
		return knownvalue.ObjectExact(checks)
	}
	w.run(t, resource.TestStep{
		Config: w.data("servicestage_builds", fmt.Sprintf("job_id = %q", w.jobID)),
		ConfigStateChecks: []statecheck.StateCheck{read("servicestage_builds", "builds", knownvalue.ListExact([]knownvalue.Check{
			row(newer, "", knownvalue.Null()), row(older, "Timeout", knownvalue.Int64Exact(7)),
		}))},
	})
}

func TestBuildsDataSource_errors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run(t, resource.TestStep{Config: w.data("servicestage_builds", `job_id = "none"`), ExpectError: regexp.MustCompile(`(?s)No such build job.*job_id`)})
	w.Order(emulator.Fault{Path: buildsPath, Times: -1, StatusCode: http.StatusForbidden, Body: `{"error_code":"APIGW.0302"}`})
	w.run(t, resource.TestStep{
		Config: w.data("servicestage_builds", fmt.Sprintf("job_id = %q", w.jobID)), ExpectError: regexp.MustCompile("Unable to list the builds"),
	})
}
