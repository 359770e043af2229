// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func TestParseQuirks(t *testing.T) {
	t.Parallel()
	want := emulator.Quirks{KeepOmitted: true, CreatorString: true}
	if got := quirks(t, " keep-omitted, creator-string ,"); got != want {
		t.Errorf("got %+v", got)
	}
	_, err := emulator.ParseQuirks("creator-string,slow")
	if err == nil || !strings.Contains(err.Error(), "ignore-rename") {
		t.Errorf("got error %v, want the known names", err)
	}
}

// The spec in the response to a GET after a create.
func TestQuirks_spec(t *testing.T) {
	t.Parallel()
	const (
		defaults = `"use_public_cluster":false,"build_os":{"arch":"x86_64"}`
		filled   = `{"job_name":"app","enterprise_project_id":"0",
			"environment_setting":{"docker_version":"18.09.0",` + defaults + `}}`
	)
	withRepo := func(kind string) string {
		return `{"job_name":"app","environment_setting":{},
			"code_repo":{"type":"` + kind + `","url":"u","branch":"b","namespace":"n"}}`
	}
	for _, test := range []struct{ quirks, sent, want string }{
		{"", plainJob("app"), plainJob("app")},
		{"", withRepo("github"), withRepo("github")},
		{"normalise-repo-type", withRepo("github"), withRepo("GitHub")},
		{"fill-defaults,empty-strings,normalise-repo-type", fullJob, strings.Replace(fullJob, "Github", "GitHub", 1)},
		{"fill-defaults", plainJob("app"), filled},
		{
			"fill-defaults", `{"job_name":"app","enterprise_project_id":null,
				"environment_setting":{"docker_version":"","build_os":{}}}`, filled,
		},
		{
			"fill-defaults", `{"job_name":"app","environment_setting":{"cluster_id":"c1","extra":1}}`,
			`{"job_name":"app","enterprise_project_id":"0","environment_setting":{
				"docker_version":"18.09.0","cluster_id":"c1","cluster_name":"cluster-of-c1",
				"extra":1,` + defaults + `}}`,
		},
		{
			"empty-strings", plainJob("app"),
			`{"job_name":"app","job_description":"","enterprise_project_id":"","environment_setting":{
				"docker_version":"","cluster_id":"","cluster_name":"","build_os":{"arch":""}},
				"code_repo":{"type":"","url":"","branch":"","namespace":""}}`,
		},
		{"omit-false", `{"job_name":"app","environment_setting":{"use_public_cluster":false}}`, plainJob("app")},
		{
			"ignore-enterprise-project", `{"job_name":"app","enterprise_project_id":"p","environment_setting":{}}`,
			plainJob("app"),
		},
	} {
		server := emulator.New(t, emulator.Options{Quirks: quirks(t, test.quirks)})
		id := createJob(t, server, test.sent)
		wantJSON(t, getSpec(t, server, id), test.want)
		wantJSON(t, getSpec(t, server, id), test.want) // A response does not change the state.
	}
}

func TestQuirks_otherResponses(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: quirks(t, "creator-string,string-numbers,allow-taken-names")})
	createJob(t, server, plainJob("app"))
	id := createJob(t, server, plainJob("app"))
	if got := mustCall(t, server, http.MethodGet, jobsPath+"/"+id, "")["creator"]; got != "emulator-user" {
		t.Errorf("creator: got %v", got)
	}
	build := mustCall(t, server, http.MethodGet, "/assembling/v1/builds/"+server.AddBuild(id), "")
	if got := build["index"]; got != "1" {
		t.Errorf("index: got %#v", got)
	}
}

// The spec in the response to a GET after an update of a job with every member.
func TestQuirks_update(t *testing.T) {
	t.Parallel()
	const sent = `{"job_name":"new-name","job_description":"","enterprise_project_id":"project-2",` +
		`"environment_setting":{"build_os":{},"use_public_cluster":false}}`
	for quirk, want := range map[string]string{
		"": sent,
		"keep-omitted": strings.NewReplacer("shop-web", "new-name", "The shop", "", "project-1", "project-2",
			`cluster":true`, `cluster":false`).Replace(fullJob),
		"ignore-rename":             strings.ReplaceAll(sent, "new-name", "shop-web"),
		"ignore-enterprise-project": strings.ReplaceAll(sent, `"enterprise_project_id":"project-2",`, ""),
	} {
		server := emulator.New(t, emulator.Options{Quirks: quirks(t, quirk)})
		id := createJob(t, server, fullJob)
		mustCall(t, server, http.MethodPut, jobsPath+"/"+id, sent)
		got := mustCall(t, server, http.MethodGet, jobsPath+"/"+id, "")
		wantJSON(t, got["spec"].(object), want)
		if project := got["enterprise_project_id"]; (project == "project-2") == (quirk == "ignore-enterprise-project") {
			t.Errorf("%s: enterprise_project_id: got %v", quirk, project)
		}
	}
}
