// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func TestParseQuirks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		list string
		want emulator.Quirks
	}{
		{"", emulator.Quirks{}},
		{" , ,", emulator.Quirks{}},
		{"fill-defaults", emulator.Quirks{FillDefaults: true}},
		{"empty-strings", emulator.Quirks{EmptyStrings: true}},
		{"normalise-repo-type", emulator.Quirks{NormaliseRepoType: true}},
		{"creator-string", emulator.Quirks{CreatorString: true}},
		{"allow-taken-names", emulator.Quirks{AllowTakenNames: true}},
		{"keep-omitted", emulator.Quirks{KeepOmitted: true}},
		{"ignore-rename", emulator.Quirks{IgnoreRename: true}},
		{"ignore-enterprise-project", emulator.Quirks{IgnoreEnterpriseProject: true}},
		{"pages-from-zero", emulator.Quirks{PagesFromZero: true}},
		{"capped-pages", emulator.Quirks{CappedPages: true}},
		{"repeated-rows", emulator.Quirks{RepeatedRows: true}},
		{"exact-name-filter", emulator.Quirks{ExactNameFilter: true}},
		{"ignore-name-filter", emulator.Quirks{IgnoreNameFilter: true}},
		{"string-numbers", emulator.Quirks{StringNumbers: true}},
		{"refuse-late-cancel", emulator.Quirks{RefuseLateCancel: true}},
		{" keep-omitted, creator-string ,", emulator.Quirks{KeepOmitted: true, CreatorString: true}},
		{strings.Join(emulator.QuirkNames(), ","), emulator.Quirks{
			FillDefaults: true, EmptyStrings: true, NormaliseRepoType: true, OmitFalse: true, CreatorString: true, AllowTakenNames: true,
			KeepOmitted: true, IgnoreRename: true, IgnoreEnterpriseProject: true,
			PagesFromZero: true, CappedPages: true, RepeatedRows: true, ExactNameFilter: true, IgnoreNameFilter: true,
			StringNumbers: true, RefuseLateCancel: true,
		}},
	} {
		t.Run(test.list, func(t *testing.T) {
			t.Parallel()
			got, err := emulator.ParseQuirks(test.list)
			if err != nil || got != test.want {
				t.Errorf("got %+v and error %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestParseQuirks_unknown(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"slow", "creator-string,slow", "Creator-String", "creator_string", "creator-string empty-strings"} {
		got, err := emulator.ParseQuirks(list)
		if err == nil || got != (emulator.Quirks{}) {
			t.Errorf("%q: got %+v and error %v, want an error alone", list, got, err)
			continue
		}
		if !strings.Contains(err.Error(), "unknown quirk") || !strings.Contains(err.Error(), "ignore-enterprise-project") {
			t.Errorf("%q: the error does not help: %v", list, err)
		}
	}
}

// What get answers under spec for what create was sent.
func TestQuirks_spec(t *testing.T) {
	t.Parallel()
	const withCluster = `{"job_name":"app","environment_setting":{"cluster_id":"c1","extra":1}}`
	withRepo := func(kind string) string {
		return `{"job_name":"app","environment_setting":{},"code_repo":{"type":"` + kind + `","url":"u","branch":"b","namespace":"n"}}`
	}
	for _, test := range []struct {
		name       string
		quirks     emulator.Quirks
		sent, want string
	}{
		{"no quirk, nothing set", emulator.Quirks{}, plainJob("app"), plainJob("app")},
		{"no quirk, all set", emulator.Quirks{}, fullJob, fullJob},
		{
			"defaults, nothing set",
			emulator.Quirks{FillDefaults: true},
			plainJob("app"),
			`{"job_name":"app","enterprise_project_id":"0","environment_setting":{"docker_version":"18.09.0",
				"use_public_cluster":false,"build_os":{"arch":"x86_64"}}}`,
		},
		{
			"defaults, cluster set",
			emulator.Quirks{FillDefaults: true},
			withCluster,
			`{"job_name":"app","enterprise_project_id":"0","environment_setting":{"docker_version":"18.09.0","cluster_id":"c1",
				"cluster_name":"cluster-of-c1","use_public_cluster":false,"build_os":{"arch":"x86_64"},"extra":1}}`,
		},
		{
			"defaults, empty and null",
			emulator.Quirks{FillDefaults: true},
			`{"job_name":"app","enterprise_project_id":null,"environment_setting":{"docker_version":"","build_os":{}}}`,
			`{"job_name":"app","enterprise_project_id":"0","environment_setting":{"docker_version":"18.09.0",
				"use_public_cluster":false,"build_os":{"arch":"x86_64"}}}`,
		},
		{"defaults, all set", emulator.Quirks{FillDefaults: true}, fullJob, fullJob},
		{
			"empty strings, nothing set",
			emulator.Quirks{EmptyStrings: true},
			plainJob("app"),
			`{"job_name":"app","job_description":"","enterprise_project_id":"","environment_setting":{"docker_version":"",
				"cluster_id":"","cluster_name":"","build_os":{"arch":""}},
				"code_repo":{"type":"","url":"","branch":"","namespace":""}}`,
		},
		{"empty strings, all set", emulator.Quirks{EmptyStrings: true}, fullJob, fullJob},
		{
			"defaults and empty strings, nothing set",
			emulator.Quirks{FillDefaults: true, EmptyStrings: true},
			plainJob("app"),
			`{"job_name":"app","job_description":"","enterprise_project_id":"0","environment_setting":{"docker_version":"18.09.0",
				"cluster_id":"","cluster_name":"","use_public_cluster":false,"build_os":{"arch":"x86_64"}},
				"code_repo":{"type":"","url":"","branch":"","namespace":""}}`,
		},
		{"repo type Gitlab", emulator.Quirks{NormaliseRepoType: true}, withRepo("Gitlab"), withRepo("GitLab")},
		{"repo type github", emulator.Quirks{NormaliseRepoType: true}, withRepo("github"), withRepo("GitHub")},
		{"repo type DEVCLOUD", emulator.Quirks{NormaliseRepoType: true}, withRepo("DEVCLOUD"), withRepo("DevCloud")},
		{"repo type of somebody else", emulator.Quirks{NormaliseRepoType: true}, withRepo("svn"), withRepo("svn")},
		{"repo type without the quirk", emulator.Quirks{}, withRepo("github"), withRepo("github")},
		{"no repo", emulator.Quirks{NormaliseRepoType: true}, plainJob("app"), plainJob("app")},
		{
			"no enterprise project",
			emulator.Quirks{IgnoreEnterpriseProject: true},
			`{"job_name":"app","enterprise_project_id":"project-1","environment_setting":{}}`, plainJob("app"),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: test.quirks})
			id := createJob(t, server, test.sent)
			wantJSON(t, getSpec(t, server, id), test.want)
			wantJSON(t, getSpec(t, server, id), test.want) // An answer does not change what is held.
		})
	}
}

func TestQuirks_answersAreNotHeld(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{FillDefaults: true, EmptyStrings: true, NormaliseRepoType: true}})
	createJob(t, server, fullJob)
	id := createJob(t, server, plainJob("app"))
	getSpec(t, server, id)
	jobs := server.Jobs()
	wantJSON(t, jobs[0].Spec, fullJob)
	wantJSON(t, jobs[1].Spec, plainJob("app"))
}

func TestQuirks_creator(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{CreatorString: true}})
	id := createJob(t, server, plainJob("app"))
	if got := stringIn(t, mustCall(t, server, http.MethodGet, jobsPath+"/"+id, ""), "creator"); got != "emulator-user" {
		t.Errorf("got %q", got)
	}
}

func TestQuirks_allowTakenNames(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	first, second := createJob(t, server, plainJob("shop")), createJob(t, server, plainJob("shop"))
	third := createJob(t, server, plainJob("other"))
	mustCall(t, server, http.MethodPut, jobsPath+"/"+third, plainJob("SHOP"))
	if first == second {
		t.Errorf("two jobs have the id %s", first)
	}
	if got := jobNames(server); !slices.Equal(got, []string{"SHOP", "shop", "shop"}) {
		t.Errorf("the service holds %v", got)
	}
}

// What get answers under spec after a PUT onto a job with every member.
func TestQuirks_update(t *testing.T) {
	t.Parallel()
	const sent = `{"job_name":"new-name","enterprise_project_id":"project-2","environment_setting":{"build_os":{},"use_public_cluster":false}}`
	for _, test := range []struct {
		name    string
		quirks  emulator.Quirks
		want    string
		project string
	}{
		{"no quirk", emulator.Quirks{}, sent, "project-2"},
		{
			"keep omitted",
			emulator.Quirks{KeepOmitted: true},
			strings.NewReplacer("shop-web", "new-name", "project-1", "project-2", `cluster":true`, `cluster":false`).Replace(fullJob),
			"project-2",
		},
		{"ignore rename", emulator.Quirks{IgnoreRename: true}, strings.ReplaceAll(sent, "new-name", "shop-web"), "project-2"},
		{
			"ignore enterprise project",
			emulator.Quirks{IgnoreEnterpriseProject: true},
			strings.ReplaceAll(sent, `"enterprise_project_id":"project-2",`, ""), "0",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: test.quirks})
			id := createJob(t, server, fullJob)
			mustCall(t, server, http.MethodPut, jobsPath+"/"+id, sent)
			got := mustCall(t, server, http.MethodGet, jobsPath+"/"+id, "")
			wantJSON(t, objectIn(t, got, "spec"), test.want)
			if got["enterprise_project_id"] != test.project {
				t.Errorf("enterprise_project_id: got %v, want %s", got["enterprise_project_id"], test.project)
			}
		})
	}
}

// A name that is not taken over cannot be taken by somebody else.
func TestQuirks_ignoreRenameToTakenName(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{IgnoreRename: true}})
	id := createJob(t, server, plainJob("shop"))
	createJob(t, server, plainJob("other"))
	mustCall(t, server, http.MethodPut, jobsPath+"/"+id, plainJob("other"))
	if got := jobNames(server); !slices.Equal(got, []string{"other", "shop"}) {
		t.Errorf("the service holds %v", got)
	}
}

func TestQuirks_keepOmittedTakesEmptyStrings(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{KeepOmitted: true}})
	id := createJob(t, server, fullJob)
	mustCall(t, server, http.MethodPut, jobsPath+"/"+id,
		`{"job_name":"shop-web","job_description":"","environment_setting":{"cluster_id":""}}`)
	spec := getSpec(t, server, id)
	if got := spec["job_description"]; got != "" {
		t.Errorf("job_description: got %v, want what was sent", got)
	}
	if got := objectIn(t, spec, "environment_setting")["cluster_id"]; got != "" {
		t.Errorf("cluster_id: got %v, want what was sent", got)
	}
}

// How the list is paged and filtered: which jobs are on which page, of "a1" to "a5" in pages of two.
func TestQuirks_list(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		quirks emulator.Quirks
		query  string
		want   []string
	}{
		{"page 1", emulator.Quirks{}, "page=1&per_page=2", []string{"a1", "a2"}},
		{"last page", emulator.Quirks{}, "page=3&per_page=2", []string{"a5"}},
		{"past the end", emulator.Quirks{}, "page=4&per_page=2", nil},
		{"page 0 is the first", emulator.Quirks{PagesFromZero: true}, "page=0&per_page=2", []string{"a1", "a2"}},
		{"page 1 is the second", emulator.Quirks{PagesFromZero: true}, "page=1&per_page=2", []string{"a3", "a4"}},
		{"rows repeat", emulator.Quirks{RepeatedRows: true}, "page=2&per_page=2", []string{"a2", "a3"}},
		{"rows repeat to the end", emulator.Quirks{RepeatedRows: true}, "page=4&per_page=2", []string{"a4", "a5"}},
		{"part of a name", emulator.Quirks{}, "page=1&per_page=9&job_name=A", []string{"a1", "a2", "a3", "a4", "a5"}},
		{"exact name", emulator.Quirks{ExactNameFilter: true}, "page=1&per_page=9&job_name=a2", []string{"a2"}},
		{"exact case", emulator.Quirks{ExactNameFilter: true}, "page=1&per_page=9&job_name=A2", nil},
		{"any name", emulator.Quirks{IgnoreNameFilter: true}, "page=1&per_page=9&job_name=a2", []string{"a1", "a2", "a3", "a4", "a5"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{Quirks: test.quirks})
			for _, name := range []string{"a1", "a2", "a3", "a4", "a5"} {
				server.AddJob(map[string]any{"job_name": name, "environment_setting": map[string]any{}})
			}
			if got, _ := list(t, server, test.query); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestQuirks_cappedPages(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{CappedPages: true}})
	for range 30 {
		server.AddJob(map[string]any{"job_name": "a", "environment_setting": map[string]any{}})
	}
	for page, want := range map[string]int{"1": 20, "2": 10, "3": 0} {
		if got, _ := list(t, server, "per_page=100&page="+page); len(got) != want {
			t.Errorf("%d jobs on page %s, want %d", len(got), page, want)
		}
	}
}
