// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// The list is asked four times before the job is sent again.
func TestCreateBuildJob_listLags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		lag, posts, lists int
		taken             bool // The service takes a name twice.
		adopted           bool
	}{
		{lag: 1, posts: 1, lists: 2, adopted: true},
		{lag: 3, posts: 1, lists: 4, adopted: true},
		{lag: 3, posts: 1, lists: 4, adopted: true, taken: true},
		// The second send is refused, and only then does the list show why.
		{lag: 4, posts: 2, lists: 5, adopted: true},
		{lag: 7, posts: 2, lists: 8, adopted: true},
		{lag: 8, posts: 2, lists: 8},
	} {
		t.Run(fmt.Sprint(test.lag, test.taken), func(t *testing.T) {
			t.Parallel()
			var waited time.Duration
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: test.taken}, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, d time.Duration) error {
					waited += d
					return ctx.Err()
				}
			})
			server.Order(onPost(emulator.Fault{Drop: true, After: true}))
			server.Order(emptyList(test.lag))
			created, err := client.CreateBuildJob(t.Context(), app)
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), test.posts)
			equal(t, "number of lists", server.CountRequests(http.MethodGet, jobs), test.lists)
			if test.lag >= 3 && waited < 1750*time.Millisecond {
				t.Errorf("waited for %v, want some seconds", waited)
			}
			held := heldIDs(server)
			equal(t, "number of jobs", len(held), 1)
			if test.adopted {
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "created", *created, servicestage.CreatedBuildJob{ID: held[0], Adopted: true})
				return
			}
			equal(t, "created", created, nil)
			equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{Name: "app", Err: failureOf(t, err)})
			equal(t, "refused", servicestage.IsRefused(err), true)
		})
	}
}

// otherApp is a job of the same name that is not the one that was sent.
func otherApp() map[string]any {
	spec := appSpec()
	spec["job_description"] = "of somebody else"
	return spec
}

func TestCreateBuildJob_otherJobsOfTheName(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		others []map[string]any
		stored bool
		// named is how many jobs the error names; -1 means that there is none, and that the job that was sent last is adopted.
		named int
	}{
		{"another", []map[string]any{otherApp()}, false, 1},
		{"two others", []map[string]any{otherApp(), otherApp()}, false, 2},
		{"another, and the one that was sent", []map[string]any{otherApp()}, true, -1},
		{"an equal one, and the one that was sent", []map[string]any{appSpec()}, true, 2},
		{"two equal ones", []map[string]any{appSpec(), appSpec()}, false, 2},
		{"two equal ones and another", []map[string]any{appSpec(), otherApp(), appSpec()}, false, 3},
		{"an equal one alone", []map[string]any{appSpec()}, false, -1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
			for _, other := range test.others {
				server.AddJob(other)
			}
			server.Order(onPost(emulator.Fault{StatusCode: http.StatusGatewayTimeout, After: test.stored}))
			created, err := client.CreateBuildJob(t.Context(), app)
			held := heldIDs(server)
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1)
			if test.named < 0 {
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "created", *created, servicestage.CreatedBuildJob{ID: held[len(held)-1], Adopted: true})
				return
			}
			equal(t, "created", created, nil)
			lost := lostOf(t, err)
			equal(t, "number of named jobs", len(lost.Jobs), test.named)
			equal(t, "named", namedIDs(lost), held)
			equal(t, "name", lost.Name, "app")
			equal(t, "made", lost.Created, "")
			equal(t, "status", failureOf(t, err).StatusCode, 504)
			equal(t, "lookup", lost.Lookup, nil)
			equal(t, "text", err.Error(), failureOf(t, err).Error()+`; the service holds "app" as `+strings.Join(held, `; the service holds "app" as `))
		})
	}
}

// Only exactly this name counts, although the service's filter finds more.
func TestCreateBuildJob_otherNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"APP", "app-2", "my-app"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
			spec := appSpec()
			spec["job_name"] = name
			other := server.AddJob(spec)
			server.Order(onPost(emulator.Fault{Drop: true}))
			created, err := client.CreateBuildJob(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "held", heldIDs(server), []string{other, created.ID})
			equal(t, "adopted", created.Adopted, false)
		})
	}
}

// A job that belongs to another resource is never adopted, however equal.
func TestCreateBuildJob_jobsMetBefore(t *testing.T) {
	t.Parallel()
	for name, meet := range map[string]func(*testing.T, *emulator.Server, *servicestage.Client){
		"created": func(t *testing.T, _ *emulator.Server, client *servicestage.Client) {
			t.Helper()
			if _, err := client.CreateBuildJob(t.Context(), app); err != nil {
				t.Fatal(err)
			}
		},
		"adopted": func(t *testing.T, server *emulator.Server, client *servicestage.Client) {
			t.Helper()
			server.Order(onPost(emulator.Fault{Drop: true, After: true}))
			if created, err := client.CreateBuildJob(t.Context(), app); err != nil || !created.Adopted {
				t.Fatalf("got %v, %v, want an adopted job", created, err)
			}
		},
		"read": func(t *testing.T, server *emulator.Server, client *servicestage.Client) {
			t.Helper()
			if _, err := client.GetBuildJob(t.Context(), server.AddJob(appSpec()), "app"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprint(name, stored), func(t *testing.T) {
				t.Parallel()
				server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
				meet(t, server, client)
				first := heldIDs(server)[0]
				server.ForgetRequests()
				server.Order(onPost(emulator.Fault{Drop: true, After: stored}))
				created, err := client.CreateBuildJob(t.Context(), app)
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "held", heldIDs(server), []string{first, created.ID})
				equal(t, "adopted", created.Adopted, stored)
				posts := 2
				if stored {
					posts = 1
				}
				equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), posts)
			})
		}
	}
}

// The list lags until the job was sent again: now there are two.
func TestCreateBuildJob_twin(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
	server.Order(onPost(emulator.Fault{Drop: true, After: true}))
	server.Order(emptyList(4))
	created, err := client.CreateBuildJob(t.Context(), app)
	if created == nil {
		t.Fatalf("no job beside %v", err)
	}
	held := heldIDs(server)
	equal(t, "held", held, []string{held[0], created.ID})
	equal(t, "created_at is known", created.CreatedAt != "", true)
	equal(t, "adopted", created.Adopted, false)
	equal(t, "error", *lostOf(t, err), servicestage.LostError{
		Name: "app", Jobs: []servicestage.BuildJobSummary{{ID: held[0], Name: "app"}}, Created: created.ID,
	})
	equal(t, "text", err.Error(), "build job "+held[1]+` was made; the service holds "app" as `+held[0])
	equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 2)
}

func TestCreateBuildJob_unchecked(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{})
	server.Order(onPost(emulator.Fault{Drop: true}))
	server.Order(emptyList(4))
	server.Order(onList(emulator.Fault{StatusCode: noList.status, Body: noList.body}))
	created, err := client.CreateBuildJob(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "held", heldIDs(server), []string{created.ID})
	equal(t, "adopted", created.Adopted, false)
	equal(t, "code of what is unchecked", failureOf(t, created.Unchecked).Code, "APIGW.0302")
	equal(t, "method", failureOf(t, created.Unchecked).Method, http.MethodGet)
}

// What cannot be looked up is not sent again.
func TestCreateBuildJob_lookupFails(t *testing.T) {
	t.Parallel()
	get := func(fault emulator.Fault) emulator.Fault {
		fault.Method, fault.Path = http.MethodGet, jobs+"/*"
		return fault
	}
	forbidden := emulator.Fault{StatusCode: noList.status, Body: noList.body}
	for _, test := range []struct {
		name   string
		faults []emulator.Fault
		named  bool
	}{
		{"no list", []emulator.Fault{onList(forbidden)}, false},
		{"no list but the first", []emulator.Fault{emptyList(1), onList(forbidden)}, false},
		{"list dropped", []emulator.Fault{onList(emulator.Fault{Drop: true, Times: -1})}, false},
		{"list is null", []emulator.Fault{onList(emulator.Fault{StatusCode: 200, Body: "null"})}, false},
		{"no job", []emulator.Fault{get(forbidden)}, true},
		{"job is gone again", []emulator.Fault{get(emulator.Fault{StatusCode: 404, Body: `{"error_code":"SVCSTG.CPE.4044401"}`})}, true},
		{"job is no JSON", []emulator.Fault{get(emulator.Fault{StatusCode: 200, Body: "<html>"})}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			server.Order(onPost(emulator.Fault{StatusCode: http.StatusBadGateway, After: true}))
			for _, fault := range test.faults {
				server.Order(fault)
			}
			created, err := client.CreateBuildJob(t.Context(), app)
			equal(t, "created", created, nil)
			lost := lostOf(t, err)
			var want []string
			if test.named {
				want = heldIDs(server)
			}
			equal(t, "named", namedIDs(lost), want)
			equal(t, "status", failureOf(t, err).StatusCode, 502)
			if lost.Lookup == nil || !errors.Is(err, lost.Lookup) || !strings.Contains(err.Error(), "; "+lost.Lookup.Error()) {
				t.Errorf("got %v, want it to hold why there was no looking up: %v", err, lost.Lookup)
			}
			equal(t, "not found", servicestage.IsNotFound(err), false)
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1)
			equal(t, "number of jobs", len(server.Jobs()), 1)
		})
	}
}

func TestCreateBuildJob_comparison(t *testing.T) {
	t.Parallel()
	sent := func(change func(spec *servicestage.BuildJobSpec)) servicestage.BuildJobSpec {
		spec := fullSpec()
		change(&spec)
		return spec
	}
	all := sent(func(*servicestage.BuildJobSpec) {})
	name := servicestage.BuildJobSpec{JobName: "app"}
	public := sent(func(s *servicestage.BuildJobSpec) { s.EnvironmentSetting.UsePublicCluster = new(true) })
	typeless := sent(func(s *servicestage.BuildJobSpec) { s.CodeRepo.Type = nil })
	emptied := sent(func(s *servicestage.BuildJobSpec) {
		s.JobDescription, s.EnvironmentSetting.DockerVersion, s.EnvironmentSetting.BuildOS.Arch = new(""), new(""), new("")
	})
	// held is the answer of get: fullSpec, but for the members of the spec that are replaced.
	type replaced map[string]string
	for _, test := range []struct {
		name    string
		sent    servicestage.BuildJobSpec
		held    replaced
		project string // At the top level; empty means that it is not there.
		equal   bool
	}{
		{"the same", all, nil, "", true},
		{"more in the service", all, replaced{"labels": `[1]`}, "", true},
		{"nothing sent but the name", name, nil, "5", true},
		{"other name in the job than in the list", all, replaced{"job_name": `"other"`}, "", false},
		{"name in another case", name, replaced{"job_name": `"App"`}, "", false},
		{"other description", all, replaced{"job_description": `"other"`}, "", false},
		{"description in another case", all, replaced{"job_description": `"The <app> & more"`}, "", false},
		{"no description", all, replaced{"job_description": `null`}, "", false},
		{"empty is absent", emptied, replaced{"job_description": `null`, "environment_setting.docker_version": `null`, "environment_setting.build_os": `null`}, "", true},
		{"empty is empty", emptied, replaced{"job_description": `""`, "environment_setting.docker_version": `""`, "environment_setting.build_os": `{"arch":""}`}, "", true},
		{"empty is not full", emptied, nil, "", false},
		{"other docker_version", all, replaced{"environment_setting.docker_version": `"19"`}, "", false},
		{"other cluster_id", all, replaced{"environment_setting.cluster_id": `"other"`}, "", false},
		{"other cluster_name", all, replaced{"environment_setting.cluster_name": `"other"`}, "", false},
		{"other use_public_cluster", all, replaced{"environment_setting.use_public_cluster": `true`}, "", false},
		{"no use_public_cluster is false", all, replaced{"environment_setting.use_public_cluster": `null`}, "", true},
		{"no use_public_cluster is not true", public, replaced{"environment_setting.use_public_cluster": `null`}, "", false},
		{"use_public_cluster is not true", public, nil, "", false},
		{"other arch", all, replaced{"environment_setting.build_os": `{"arch":"x86_64"}`}, "", false},
		{"no build_os", all, replaced{"environment_setting.build_os": `null`}, "", false},
		{"no environment", all, replaced{"environment_setting": `null`}, "", false},
		{"type in another case", all, replaced{"code_repo.type": `"gitHUB"`}, "", true},
		{"other type", all, replaced{"code_repo.type": `"GitLab"`}, "", false},
		{"no type", all, replaced{"code_repo.type": `null`}, "", false},
		{"type not sent", typeless, nil, "", true},
		{"type not sent, and none", typeless, replaced{"code_repo.type": `null`}, "", true},
		{"type not sent, other url", typeless, replaced{"code_repo.url": `"https://github.com/o/R"`}, "", false},
		{"other url", all, replaced{"code_repo.url": `"https://github.com/o/R"`}, "", false},
		{"other branch", all, replaced{"code_repo.branch": `"Main"`}, "", false},
		{"other namespace", all, replaced{"code_repo.namespace": `"O"`}, "", false},
		{"no code_repo", all, replaced{"code_repo": `null`}, "", false},
		{"project at the top level", all, replaced{"enterprise_project_id": `null`}, "0", true},
		{"other project at the top level", all, nil, "1", false},
		{"other project in the spec alone", all, replaced{"enterprise_project_id": `"1"`}, "0", true},
		{"other project in the spec", all, replaced{"enterprise_project_id": `"1"`}, "", false},
		{"no project", all, replaced{"enterprise_project_id": `null`}, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answer := map[string]any{"job_id": "id", "spec": replace(t, fullSpecJSON, test.held)}
			if test.project != "" {
				answer["enterprise_project_id"] = test.project
			}
			held, err := json.Marshal(answer)
			if err != nil {
				t.Fatal(err)
			}
			row := servicestage.BuildJobSummary{ID: "id", Name: "app"}
			service := script(t, reply{status: 500}, reply{body: `{"total":1,"list":[{"job_id":"id","job_name":"app"}]}`}, reply{body: string(held)})
			created, err := service.client(t, maxRetries(0)).CreateBuildJob(t.Context(), test.sent)
			equal(t, "requests", service.lines(), []string{"POST " + jobs, listOfApp, "GET " + jobs + "/id"})
			if !test.equal {
				equal(t, "created", created, nil)
				equal(t, "named", lostOf(t, err).Jobs, []servicestage.BuildJobSummary{row})
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "created", *created, servicestage.CreatedBuildJob{ID: "id", Adopted: true})
		})
	}
}

// replace returns a document with some members replaced, each by its path; null takes a member away.
func replace(t *testing.T, document string, members map[string]string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(document), &object); err != nil {
		t.Fatal(err)
	}
	for path, text := range members {
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		parent, name := object, path
		if outer, inner, nested := strings.Cut(path, "."); nested {
			parent, name = object[outer].(map[string]any), inner
		}
		if delete(parent, name); value != nil {
			parent[name] = value
		}
	}
	return object
}
