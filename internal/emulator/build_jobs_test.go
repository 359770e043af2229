// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func TestBuildJobs_create(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Now: newClock().Now})
	got := mustCall(t, server, http.MethodPost, jobsPath, fullJob)
	id := stringIn(t, got, "job_id")
	if !idRule.MatchString(id) {
		t.Errorf("job_id: got %q", id)
	}
	wantJSON(t, got, fmt.Sprintf(`{"job_id":%q,"job_name":"shop-web","job_description":"The shop","cluster_name":"builders",
		"cluster_id":"c1","created_at":"2025-11-14 09:06:28 +0000 UTC"}`, id))
}

func TestBuildJobs_createMinimal(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("CET", 3600)
	server := emulator.New(t, emulator.Options{Now: func() time.Time { return time.Now().In(zone) }})
	got := mustCall(t, server, http.MethodPost, jobsPath, plainJob("app"))
	for _, name := range []string{"job_description", "cluster_name", "cluster_id"} {
		if value := stringIn(t, got, name); value != "" {
			t.Errorf("%s: got %q, want nothing", name, value)
		}
	}
	if created := stringIn(t, got, "created_at"); !timeRule.MatchString(created) {
		t.Errorf("created_at: got %q", created)
	}
	if other := createJob(t, server, plainJob("other")); other == got["job_id"] {
		t.Errorf("two jobs have the id %s", other)
	}
}

func TestBuildJobs_get(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	full, plain := createJob(t, server, fullJob), createJob(t, server, plainJob("app"))
	const creator = `{"id":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","name":"emulator-user"}`

	wantJSON(t, mustCall(t, server, http.MethodGet, jobsPath+"/"+full, ""), fmt.Sprintf(
		`{"job_id":%q,"enterprise_project_id":"project-1","creator":%s,"last_build_id":"","spec":%s}`, full, creator, fullJob))
	wantJSON(t, mustCall(t, server, http.MethodGet, jobsPath+"/"+plain, ""), fmt.Sprintf(
		`{"job_id":%q,"enterprise_project_id":"0","creator":%s,"last_build_id":"","spec":%s}`, plain, creator, plainJob("app")))
}

func TestBuildJobs_undocumentedMembers(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const body = `{"job_name":"app","environment_setting":{"node_label":{"zone":["a",{"b":null}]},"cache":true},
		"build_cmd":"make <all> & more","serial":12345678901234567890,"ratio":0.10}`
	id := createJob(t, server, body)
	wantJSON(t, getSpec(t, server, id), body)

	const changed = `{"job_name":"app","environment_setting":{"cache":false},"serial":98765432109876543210}`
	mustCall(t, server, http.MethodPut, jobsPath+"/"+id, changed)
	wantJSON(t, getSpec(t, server, id), changed)
}

func TestBuildJobs_updateReplacesAll(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, fullJob)
	mustCall(t, server, http.MethodPut, jobsPath+"/"+id, plainJob("renamed"))

	got := mustCall(t, server, http.MethodGet, jobsPath+"/"+id, "")
	wantJSON(t, objectIn(t, got, "spec"), plainJob("renamed"))
	if got["enterprise_project_id"] != "0" {
		t.Errorf("enterprise_project_id: got %v, want the default", got["enterprise_project_id"])
	}
	mustCall(t, server, http.MethodPut, jobsPath+"/"+id, fullJob)
	wantJSON(t, getSpec(t, server, id), fullJob)
}

func TestBuildJobs_delete(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	createJob(t, server, plainJob("other"))
	buildID := stringIn(t, mustCall(t, server, http.MethodPost, jobsPath+"/"+id+"/builds", ""), "build_id")

	if got := call(t, server, http.MethodDelete, jobsPath+"/"+id, ""); got.status != http.StatusNoContent || got.raw != "" {
		t.Errorf("got %d %q, want 204 without a body", got.status, got.raw)
	}
	wantError(t, call(t, server, http.MethodDelete, jobsPath+"/"+id, ""), http.StatusNotFound, "SVCSTG.CPE.404*")
	wantError(t, call(t, server, http.MethodGet, jobsPath+"/"+id, ""), http.StatusNotFound, "SVCSTG.CPE.404*")
	for _, suffix := range []string{"", "/phases", "/logs?from=0", "/results"} {
		got := call(t, server, http.MethodGet, "/assembling/v1/builds/"+buildID+suffix, "")
		wantError(t, got, http.StatusNotFound, "SVCSTG.CPE.404*")
	}
	if got := jobNames(server); !slices.Equal(got, []string{"other"}) {
		t.Errorf("left are %v", got)
	}
	createJob(t, server, plainJob("app")) // The name is free again.
}

// list returns the names on one page, and the total.
func list(t *testing.T, server *emulator.Server, query string) ([]string, string) {
	t.Helper()
	got := mustCall(t, server, http.MethodGet, jobsPath+"?"+query, "")
	items, ok := got["list"].([]any)
	if !ok {
		t.Fatalf("list is no list: %v", got)
	}
	names := []string{}
	for _, item := range items {
		entry, ok := item.(object)
		if !ok || len(entry) != 2 || !idRule.MatchString(stringIn(t, entry, "job_id")) {
			t.Fatalf("list item: got %v, want job_id and job_name", item)
		}
		names = append(names, stringIn(t, entry, "job_name"))
	}
	return names, fmt.Sprint(got["total"])
}

func TestBuildJobs_listPages(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for i := range 5 {
		createJob(t, server, plainJob(fmt.Sprintf("app-%d", i)))
	}
	for _, test := range []struct{ query, want string }{
		{"page=1&per_page=2", "app-0 app-1"},
		{"page=2&per_page=2", "app-2 app-3"},
		{"page=3&per_page=2", "app-4"},
		{"page=4&per_page=2", ""},
		{"page=1000000&per_page=100", ""},
		{"page=1&per_page=5", "app-0 app-1 app-2 app-3 app-4"},
		{"page=1&per_page=100", "app-0 app-1 app-2 app-3 app-4"},
	} {
		t.Run(test.query, func(t *testing.T) {
			t.Parallel()
			names, total := list(t, server, test.query)
			if got := strings.Join(names, " "); got != test.want || total != "5" {
				t.Errorf("got %q of %s, want %q of 5", got, total, test.want)
			}
		})
	}
}

func TestBuildJobs_listSample(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("test1"))
	wantJSON(t, mustCall(t, server, http.MethodGet, jobsPath+"?page=1&per_page=6", ""), fmt.Sprintf(
		`{"total":1,"per_page":6,"page":1,"list":[{"job_id":%q,"job_name":"test1"}]}`, id))
	wantJSON(t, mustCall(t, server, http.MethodGet, jobsPath+"?page=2&per_page=6", ""),
		`{"total":1,"per_page":6,"page":2,"list":[]}`)
}

func TestBuildJobs_listMandatoryQuery(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, query := range []string{
		"", "?page=1", "?per_page=10", "?page=&per_page=10", "?page=one&per_page=10", "?page=1&per_page=0", "?page=-1&per_page=10",
		"?page=1.5&per_page=10",
	} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			wantError(t, call(t, server, http.MethodGet, jobsPath+query, ""), http.StatusBadRequest, "SVCSTG.CPE.400*")
		})
	}
}

func TestBuildJobs_listNameFilter(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, name := range []string{"shop-web", "Shop-API", "billing", "big-shop_1"} {
		createJob(t, server, plainJob(name))
	}
	for _, test := range []struct{ filter, want, total string }{
		{"", "shop-web Shop-API billing big-shop_1", "4"},
		{"shop", "shop-web Shop-API big-shop_1", "3"},
		{"SHOP-", "shop-web Shop-API", "2"},
		{"billing", "billing", "1"},
		{"nothing", "", "0"},
	} {
		t.Run(test.filter, func(t *testing.T) {
			t.Parallel()
			names, total := list(t, server, "page=1&per_page=10&job_name="+url.QueryEscape(test.filter))
			if got := strings.Join(names, " "); got != test.want || total != test.total {
				t.Errorf("got %q of %s, want %q of %s", got, total, test.want, test.total)
			}
		})
	}
	if names, total := list(t, server, "page=2&per_page=2&job_name=shop"); !slices.Equal(names, []string{"big-shop_1"}) || total != "3" {
		t.Errorf("second page of the filtered: got %v of %s", names, total)
	}
}

func TestBuildJobs_listHugePages(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	createJob(t, server, plainJob("app"))
	const huge = "9223372036854775807"
	for _, query := range []string{"page=2&per_page=" + huge, "page=" + huge + "&per_page=4", "page=" + huge + "&per_page=" + huge} {
		if names, total := list(t, server, query); len(names) != 0 || total != "1" {
			t.Errorf("%s: got %v of %s, want an empty page", query, names, total)
		}
	}
}
