// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

func TestBuildJobs_nameRule(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		job   string
		valid bool
	}{
		{"2 characters", "ab", true},
		{"64 characters", "a" + strings.Repeat("b", 63), true},
		{"every kind of character", "Aa0_-z9", true},
		{"ends in a digit", "app1", true},
		{"empty", "", false},
		{"1 character", "a", false},
		{"65 characters", "a" + strings.Repeat("b", 64), false},
		{"leading digit", "1app", false},
		{"leading underscore", "_app", false},
		{"trailing hyphen", "app-", false},
		{"trailing underscore", "app_", false},
		{"trailing line break", "app\n", false},
		{"space", "my app", false},
		{"dot", "my.app", false},
		{"umlaut", "äpfel", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			other := createJob(t, server, plainJob("other"))
			body := plainJob(test.job)
			if test.valid {
				createJob(t, server, body)
				return
			}
			wantError(t, call(t, server, http.MethodPost, jobsPath, body), http.StatusBadRequest, "SVCSTG.CPE.400*")
			wantError(t, call(t, server, http.MethodPut, jobsPath+"/"+other, body), http.StatusBadRequest, "SVCSTG.CPE.400*")
			if got := jobNames(server); len(got) != 1 || got[0] != "other" {
				t.Errorf("a refused request changed the jobs: %v", got)
			}
		})
	}
}

func TestBuildJobs_bodyRules(t *testing.T) {
	t.Parallel()
	with := func(members string) string {
		return `{"job_name":"app","environment_setting":{},` + members + `}`
	}
	environment := func(members string) string {
		return `{"job_name":"app","environment_setting":{` + members + `}}`
	}
	const emoji = "🚀"
	for _, test := range []struct {
		name  string
		body  string
		valid bool
	}{
		{"description of 64 emoji", with(fmt.Sprintf(`"job_description":%q`, strings.Repeat(emoji, 64))), true},
		{"description of 65 emoji", with(fmt.Sprintf(`"job_description":%q`, strings.Repeat(emoji, 65))), false},
		{"description of 65 letters", with(fmt.Sprintf(`"job_description":%q`, strings.Repeat("a", 65))), false},
		{"empty description", with(`"job_description":""`), true},
		{"x86_64", environment(`"build_os":{"arch":"x86_64"}`), true},
		{"aarch64", environment(`"build_os":{"arch":"aarch64"}`), true},
		{"arm64", environment(`"build_os":{"arch":"arm64"}`), false},
		{"X86_64", environment(`"build_os":{"arch":"X86_64"}`), false},
		{"empty build_os", environment(`"build_os":{}`), true},
		{"null members", with(`"job_description":null,"code_repo":null,"enterprise_project_id":null`), true},
		{"no environment_setting", `{"job_name":"app"}`, false},
		{"null environment_setting", `{"job_name":"app","environment_setting":null}`, false},
		{"no job_name", `{"environment_setting":{}}`, false},
		{"null job_name", `{"job_name":null,"environment_setting":{}}`, false},
		{"empty code_repo", with(`"code_repo":{}`), false},
		{"code_repo without type", with(`"code_repo":{"url":"u","branch":"b","namespace":"n"}`), false},
		{"code_repo without url", with(`"code_repo":{"type":"t","branch":"b","namespace":"n"}`), false},
		{"code_repo without branch", with(`"code_repo":{"type":"t","url":"u","namespace":"n"}`), false},
		{"code_repo without namespace", with(`"code_repo":{"type":"t","url":"u","branch":"b"}`), false},
		{"code_repo with an empty branch", with(`"code_repo":{"type":"t","url":"u","branch":"","namespace":"n"}`), false},
		{"whole code_repo", with(`"code_repo":{"type":"t","url":"u","branch":"b","namespace":"n"}`), true},
		{"no body", "", false},
		{"cut JSON", `{"job_name":"app","environment_setting":{}`, false},
		{"two documents", plainJob("app") + plainJob("app"), false},
		{"null", "null", false},
		{"list", "[]", false},
		{"form", "job_name=app", false},
		{"number as name", `{"job_name":1,"environment_setting":{}}`, false},
		{"list as environment", `{"job_name":"app","environment_setting":[]}`, false},
		{"string as boolean", environment(`"use_public_cluster":"true"`), false},
		{"string as build_os", environment(`"build_os":"x86_64"`), false},
		{"number as version", environment(`"docker_version":20.10`), false},
		{"string as code_repo", with(`"code_repo":"https://example.com/shop.git"`), false},
		{"number as project", with(`"enterprise_project_id":0`), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			other := createJob(t, server, plainJob("other"))
			if test.valid {
				wantJSON(t, getSpec(t, server, createJob(t, server, test.body)), test.body)
				return
			}
			wantError(t, call(t, server, http.MethodPost, jobsPath, test.body), http.StatusBadRequest, "SVCSTG.CPE.400*")
			wantError(t, call(t, server, http.MethodPut, jobsPath+"/"+other, test.body), http.StatusBadRequest, "SVCSTG.CPE.400*")
			wantJSON(t, getSpec(t, server, other), plainJob("other"))
			if got := len(server.Jobs()); got != 1 {
				t.Errorf("the service holds %d jobs, want 1", got)
			}
		})
	}
}

// The console makes names that the API's rule forbids.
func TestBuildJobs_updateKeepsOddName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "1st", "app-", "app_"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			id := server.AddJob(object{"job_name": name, "environment_setting": object{}})
			body := fmt.Sprintf(`{"job_name":%q,"job_description":"new","environment_setting":{}}`, name)
			mustCall(t, server, http.MethodPut, jobsPath+"/"+id, body)
			wantJSON(t, getSpec(t, server, id), body)
			wantError(t, call(t, server, http.MethodPut, jobsPath+"/"+id, plainJob(name+"-")), http.StatusBadRequest, "SVCSTG.CPE.400*")
		})
	}
}

func TestBuildJobs_takenName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"shop", "Shop", "SHOP"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			createJob(t, server, plainJob("shop"))
			other := createJob(t, server, plainJob("other"))
			wantError(t, call(t, server, http.MethodPost, jobsPath, plainJob(name)), http.StatusBadRequest, "SVCSTG.CPE.*")
			wantError(t, call(t, server, http.MethodPut, jobsPath+"/"+other, plainJob(name)), http.StatusBadRequest, "SVCSTG.CPE.*")
			if got := strings.Join(jobNames(server), " "); got != "other shop" {
				t.Errorf("the service holds %s", got)
			}
		})
	}
}

func TestBuildJobs_renameInOtherCase(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	id := createJob(t, server, plainJob("shop"))
	mustCall(t, server, http.MethodPut, jobsPath+"/"+id, plainJob("Shop"))
	wantJSON(t, getSpec(t, server, id), plainJob("Shop"))
}

func TestBuildJobs_memberNamesHaveOneCase(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, body := range []string{
		`{"Job_Name":"app","environment_setting":{}}`,
		`{"job_name":"app","Environment_Setting":{}}`,
		`{"job_name":"app","environment_setting":{},"code_repo":{"type":"t","URL":"u","branch":"b","namespace":"n"}}`,
	} {
		wantError(t, call(t, server, http.MethodPost, jobsPath, body), http.StatusBadRequest, "SVCSTG.CPE.4004401")
	}
}
