// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func TestBuildJobs_createAndGet(t *testing.T) {
	t.Parallel()
	now := new(clock).Now().In(time.FixedZone("CET", 3600))
	server := emulator.New(t, emulator.Options{Now: func() time.Time { return now }})
	full := mustCall(t, server, http.MethodPost, jobsPath, fullJob)
	plain := mustCall(t, server, http.MethodPost, jobsPath, plainJob("app"))
	fullID, plainID := full["job_id"].(string), plain["job_id"].(string)
	if !idRule.MatchString(fullID) || fullID == plainID {
		t.Errorf("IDs: got %q and %q", fullID, plainID)
	}
	wantJSON(t, full, fmt.Sprintf(`{"job_id":%q,"job_name":"shop-web","job_description":"The shop",
		"cluster_name":"builders","cluster_id":"c1","created_at":"2025-11-14 09:06:28 +0000 UTC"}`, fullID))
	wantJSON(t, plain, fmt.Sprintf(`{"job_id":%q,"job_name":"app","job_description":"","cluster_name":"",
		"cluster_id":"","created_at":"2025-11-14 09:06:28 +0000 UTC"}`, plainID))

	const creator = `{"id":"0a1b2c3d4e5f60718293a4b5c6d7e8f9","name":"emulator-user"}`
	wantJSON(t, mustCall(t, server, http.MethodGet, jobsPath+"/"+fullID, ""), fmt.Sprintf(
		`{"job_id":%q,"enterprise_project_id":"project-1","creator":%s,"last_build_id":"","spec":%s}`,
		fullID, creator, fullJob))
	wantJSON(t, mustCall(t, server, http.MethodGet, jobsPath+"/"+plainID, ""), fmt.Sprintf(
		`{"job_id":%q,"enterprise_project_id":"0","creator":%s,"last_build_id":"","spec":%s}`,
		plainID, creator, plainJob("app")))
}

// An update replaces the spec. Members that the API does not document are stored as they were sent.
func TestBuildJobs_update(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, undocumentedJob)
	wantJSON(t, getSpec(t, server, id), undocumentedJob)
	const other = `{"job_name":"app","environment_setting":{"cache":false},"serial":98765432109876543210}`
	for _, body := range []string{other, fullJob, plainJob("renamed")} {
		mustCall(t, server, http.MethodPut, jobsPath+"/"+id, body)
		wantJSON(t, getSpec(t, server, id), body)
	}
	if got := mustCall(t, server, http.MethodGet, jobsPath+"/"+id, "")["enterprise_project_id"]; got != "0" {
		t.Errorf("enterprise_project_id: got %v, want the default", got)
	}
}

// A deleted job is gone with its builds, and its name is free.
func TestBuildJobs_delete(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("app"))
	createJob(t, server, plainJob("other"))
	build := server.AddBuild(id)
	got := call(t, server, http.MethodDelete, jobsPath+"/"+id, "")
	if got.status != http.StatusNoContent || got.raw != "" {
		t.Errorf("got %d %q, want 204 without a body", got.status, got.raw)
	}
	wantError(t, call(t, server, http.MethodDelete, jobsPath+"/"+id, ""), "404 SVCSTG.CPE.404*")
	wantError(t, call(t, server, http.MethodGet, jobsPath+"/"+id, ""), "404 SVCSTG.CPE.404*")
	wantError(t, call(t, server, http.MethodGet, "/assembling/v1/builds/"+build, ""), "404 SVCSTG.CPE.404*")
	if got := jobNames(server); got != "other" {
		t.Errorf("left are %v", got)
	}
	createJob(t, server, plainJob("app"))
	if id := server.AddBuild(id); id != "" || server.RemoveBuild(build) {
		t.Errorf("a build was added to no job (%q), or removed from none", id)
	}
}

// Pages, which are mandatory, and filters, as documented and with quirks, of the jobs a1, a2, A3, b4 and ba5.
func TestBuildJobs_list(t *testing.T) {
	t.Parallel()
	const huge, all = "9223372036854775807", "a1 a2 A3 b4 ba5"
	for _, test := range []struct {
		quirk, query, want, total string
	}{
		{"", "page=1&per_page=2", "a1 a2", "5"},
		{"", "page=3&per_page=2", "ba5", "5"},
		{"", "page=4&per_page=2", "", "5"},
		{"", "page=1&per_page=100", all, "5"},
		{"", "page=2&per_page=" + huge, "", "5"},
		{"", "page=" + huge + "&per_page=4", "", "5"},
		{"", "page=" + huge + "&per_page=" + huge, "", "5"},
		{"", "page=1&per_page=9&job_name=a", "a1 a2 A3 ba5", "4"},
		{"", "page=2&per_page=2&job_name=A", "A3 ba5", "4"},
		{"", "page=1&per_page=9&job_name=none", "", "0"},
		{"pages-from-zero", "page=0&per_page=2", "a1 a2", "5"},
		{"pages-from-zero", "page=1&per_page=2", "A3 b4", "5"},
		{"repeated-rows", "page=2&per_page=2", "a2 A3", "5"},
		{"repeated-rows", "page=4&per_page=2", "b4 ba5", "5"},
		{"exact-name-filter", "page=1&per_page=9&job_name=a2", "a2", "1"},
		{"exact-name-filter", "page=1&per_page=9&job_name=A2", "", "0"},
		{"ignore-name-filter", "page=1&per_page=9&job_name=a2", all, "5"},
	} {
		server := emulator.New(t, emulator.Options{Quirks: quirks(t, test.quirk)})
		for name := range strings.FieldsSeq(all) {
			server.AddJob(object{"job_name": name, "environment_setting": object{}})
		}
		got := mustCall(t, server, http.MethodGet, jobsPath+"?"+test.query, "")
		names, total := column(got["list"], "job_name"), fmt.Sprint(got["total"])
		if names != test.want || total != test.total {
			t.Errorf("%s %s: got %q of %s, want %q of %s", test.quirk, test.query, names, total, test.want, test.total)
		}
	}
	for _, query := range []string{"", "?page=1", "?per_page=10", "?page=one&per_page=10", "?page=1&per_page=0"} {
		server := emulator.New(t, emulator.Options{})
		wantError(t, call(t, server, http.MethodGet, jobsPath+query, ""), "400 SVCSTG.CPE.400*")
	}
}

func TestBuildJobs_cappedPages(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: quirks(t, "capped-pages")})
	for range 30 {
		server.AddJob(object{"job_name": "a", "environment_setting": object{}})
	}
	for page, want := range map[string]int{"1": 20, "2": 10, "3": 0} {
		got := mustCall(t, server, http.MethodGet, jobsPath+"?per_page=100&page="+page, "")["list"].([]any)
		if len(got) != want {
			t.Errorf("page %s: got %d jobs, want %d", page, len(got), want)
		}
	}
}

// The rules of the API's pages, for create and update alike. A rejected request changes nothing.
func TestBuildJobs_rules(t *testing.T) {
	t.Parallel()
	with := func(members string) string { return `{"job_name":"app","environment_setting":{},` + members + `}` }
	environment := func(members string) string { return `{"job_name":"app","environment_setting":{` + members + `}}` }
	description := func(text string) string { return with(`"job_description":"` + text + `"`) }
	long := "a" + strings.Repeat("b", 63)
	for valid, bodies := range map[bool][]string{
		true: {
			plainJob("ab"), plainJob(long), plainJob("Aa0_-z9"),
			description(""), description(strings.Repeat("🚀", 64)),
			environment(`"build_os":{"arch":"x86_64"}`), environment(`"build_os":{"arch":"aarch64"}`),
			environment(`"build_os":{}`),
			with(`"job_description":null,"code_repo":null,"enterprise_project_id":null`),
			with(`"code_repo":{"type":"t","url":"u","branch":"b","namespace":"n"}`),
		},
		false: {
			plainJob(""), plainJob("a"), plainJob(long + "b"), plainJob("1app"), plainJob("app-"), plainJob("app\n"),
			plainJob("my app"), plainJob("äpfel"),
			description(strings.Repeat("🚀", 65)),
			environment(`"build_os":{"arch":"arm64"}`),
			`{"job_name":"app"}`, `{"job_name":"app","environment_setting":null}`, `{"environment_setting":{}}`,
			with(`"code_repo":{}`), with(`"code_repo":{"type":"t","url":"u","branch":"b"}`),
			with(`"code_repo":{"type":"t","url":"u","branch":"","namespace":"n"}`),
			"", `{"job_name":"app","environment_setting":{}`, plainJob("app") + plainJob("app"), "null", "[]",
			`{"job_name":1,"environment_setting":{}}`, `{"job_name":"app","environment_setting":[]}`,
			environment(`"use_public_cluster":"true"`), with(`"code_repo":"https://example.com/shop.git"`),
			with(`"enterprise_project_id":0`),
			// The case of a member's name counts.
			`{"Job_Name":"app","environment_setting":{}}`, environment(`"Cluster_ID":"c"`),
			with(`"code_repo":{"type":"t","URL":"u","branch":"b","namespace":"n"}`),
		},
	} {
		for _, body := range bodies {
			server := emulator.New(t, emulator.Options{})
			other := createJob(t, server, plainJob("other"))
			if valid {
				wantJSON(t, getSpec(t, server, createJob(t, server, body)), body)
				continue
			}
			wantError(t, call(t, server, http.MethodPost, jobsPath, body), "400 SVCSTG.CPE.400*")
			wantError(t, call(t, server, http.MethodPut, jobsPath+"/"+other, body), "400 SVCSTG.CPE.400*")
			wantJSON(t, getSpec(t, server, other), plainJob("other"))
			if got := jobNames(server); got != "other" {
				t.Errorf("%s: the build jobs are %s", body, got)
			}
		}
	}
}

// A name that the console made, and that the rule forbids, can be kept by an update, but not changed to another one.
func TestBuildJobs_updateKeepsForbiddenName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := server.AddJob(object{"job_name": "1st", "environment_setting": object{}})
	const body = `{"job_name":"1st","job_description":"new","environment_setting":{}}`
	mustCall(t, server, http.MethodPut, jobsPath+"/"+id, body)
	wantJSON(t, getSpec(t, server, id), body)
	wantError(t, call(t, server, http.MethodPut, jobsPath+"/"+id, plainJob("2nd")), "400 SVCSTG.CPE.400*")
}

func TestBuildJobs_takenName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	shop, other := createJob(t, server, plainJob("shop")), createJob(t, server, plainJob("other"))
	for _, name := range []string{"shop", "SHOP"} {
		wantError(t, call(t, server, http.MethodPost, jobsPath, plainJob(name)), "400 SVCSTG.CPE.*")
		wantError(t, call(t, server, http.MethodPut, jobsPath+"/"+other, plainJob(name)), "400 SVCSTG.CPE.*")
	}
	mustCall(t, server, http.MethodPut, jobsPath+"/"+shop, plainJob("Shop"))
	if got := jobNames(server); got != "Shop other" {
		t.Errorf("the build jobs are %s", got)
	}
}
