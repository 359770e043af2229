// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

func text(value string) types.String { return types.StringValue(value) }

// fullModel has a value for everything.
func fullModel() jobModel {
	return jobModel{
		JobID: text("id"), JobName: text("app"), JobDescription: text("Builds the app"), EnterpriseProjectID: text("0"),
		EnvironmentSetting: &environmentModel{
			DockerVersion: text("18.09"), ClusterID: text("cluster-id"), ClusterName: text("cluster-name"),
			UsePublicCluster: types.BoolValue(true), BuildOS: &buildOSModel{Arch: text("aarch64")},
		},
		CodeRepo: &codeRepoModel{
			Type: text("GitHub"), URL: text("https://github.com/acme/app"), Branch: text("main"), Namespace: text("acme"),
		},
		Creator: text("me"), CreatedAt: text("2025-11-14T09:06:28Z"), LastBuildID: text("build"),
	}
}

// answer is a job as the service answers it, from the text of its spec.
func answer(t *testing.T, spec string) *servicestage.BuildJob {
	t.Helper()
	var job servicestage.BuildJob
	document := fmt.Sprintf(`{"job_id":"id","enterprise_project_id":"0","creator":{"name":"me"},"last_build_id":"build","spec":%s}`, spec)
	if err := json.Unmarshal([]byte(document), &job); err != nil {
		t.Fatal(err)
	}
	return &job
}

func TestRequest(t *testing.T) {
	t.Parallel()
	full := fullModel()
	silent := jobModel{JobName: text("app"), EnvironmentSetting: &environmentModel{}, EnterpriseProjectID: types.StringUnknown()}
	empty := jobModel{
		JobName: text("app"), JobDescription: text(""),
		EnvironmentSetting: &environmentModel{UsePublicCluster: types.BoolValue(false), BuildOS: &buildOSModel{}},
	}
	for name, c := range map[string]struct {
		plan  jobModel
		prior *jobModel
		want  string
	}{
		"everything": {full, nil, `{"job_name":"app","job_description":"Builds the app","environment_setting":{"docker_version":"18.09",` +
			`"cluster_id":"cluster-id","cluster_name":"cluster-name","use_public_cluster":true,"build_os":{"arch":"aarch64"}},` +
			`"code_repo":{"type":"GitHub","url":"https://github.com/acme/app","branch":"main","namespace":"acme"},"enterprise_project_id":"0"}`},
		"silence is left out":           {silent, nil, `{"job_name":"app","environment_setting":{}}`},
		"silence after silence as well": {silent, &silent, `{"job_name":"app","environment_setting":{}}`},
		"silence after values clears four of them": {silent, &full, `{"job_name":"app","job_description":"",` +
			`"environment_setting":{"docker_version":"","cluster_id":"","cluster_name":""}}`},
		"what is written empty is sent": {empty, nil, `{"job_name":"app","job_description":"",` +
			`"environment_setting":{"use_public_cluster":false,"build_os":{}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(c.plan.request(c.prior))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestStateFrom_read(t *testing.T) {
	t.Parallel()
	const fullSpec = `{"job_name":"app","job_description":"Builds the app","environment_setting":{"docker_version":"18.09",` +
		`"cluster_id":"cluster-id","cluster_name":"cluster-name","use_public_cluster":true,"build_os":{"arch":"aarch64"}},` +
		`"code_repo":{"type":"GitHub","url":"https://github.com/acme/app","branch":"main","namespace":"acme"}}`
	imported := fullModel()
	imported.CreatedAt = types.StringNull()
	bare := jobModel{
		JobID: text("id"), JobName: text("app"), EnvironmentSetting: &environmentModel{}, EnterpriseProjectID: text("0"),
		Creator: text("me"), LastBuildID: text("build"),
	}
	with := func(model jobModel, change func(*jobModel)) jobModel {
		environment := *model.EnvironmentSetting
		model.EnvironmentSetting = &environment
		change(&model)
		return model
	}
	defaults := remembered{Silent: map[string]string{
		"environment_setting.docker_version": "18", "environment_setting.use_public_cluster": "false", "environment_setting.build_os.arch": "x86_64",
	}}
	const defaultSpec = `{"job_name":"app","environment_setting":{"docker_version":"18","use_public_cluster":false,"build_os":{"arch":"x86_64"}}}`
	for name, c := range map[string]struct {
		spec       string
		prior      jobModel
		remembered remembered
		want       jobModel
	}{
		"import takes everything":        {fullSpec, jobModel{JobID: text("id")}, remembered{}, imported},
		"a read keeps the creation time": {fullSpec, fullModel(), remembered{}, fullModel()},
		"the prior spelling of the type": {
			fullSpec,
			with(fullModel(), func(m *jobModel) { repo := *m.CodeRepo; repo.Type = text("gitHUB"); m.CodeRepo = &repo }),
			remembered{},
			with(fullModel(), func(m *jobModel) { repo := *m.CodeRepo; repo.Type = text("gitHUB"); m.CodeRepo = &repo }),
		},
		"empty strings and objects are null": {
			`{"job_name":"app","job_description":"","environment_setting":{"docker_version":"","cluster_id":"","cluster_name":"","build_os":{"arch":""}},` +
				`"code_repo":{"type":"","url":"","branch":"","namespace":""}}`,
			bare,
			remembered{},
			bare,
		},
		"nulls are null":                 {`{"job_name":"app","job_description":null,"environment_setting":null,"code_repo":null}`, bare, remembered{}, bare},
		"remembered defaults are silent": {defaultSpec, bare, defaults, bare},
		"other defaults are drift": {
			strings.ReplaceAll(strings.ReplaceAll(defaultSpec, `"18"`, `"20"`), "x86_64", "aarch64"), bare, defaults,
			with(bare, func(m *jobModel) {
				m.EnvironmentSetting.DockerVersion = text("20")
				m.EnvironmentSetting.BuildOS = &buildOSModel{Arch: text("aarch64")}
			}),
		},
		"without memory defaults show": {
			defaultSpec, bare,
			remembered{},
			with(bare, func(m *jobModel) {
				m.EnvironmentSetting.DockerVersion = text("18")
				m.EnvironmentSetting.UsePublicCluster = types.BoolValue(false)
				m.EnvironmentSetting.BuildOS = &buildOSModel{Arch: text("x86_64")}
			}),
		},
		"a lost repository is drift": {
			`{"job_name":"app","job_description":"Builds the app","environment_setting":{"docker_version":"18.09","cluster_id":"cluster-id",` +
				`"cluster_name":"cluster-name","use_public_cluster":true,"build_os":{"arch":"aarch64"}}}`,
			fullModel(),
			remembered{},
			with(fullModel(), func(m *jobModel) { m.CodeRepo = nil }),
		},
		"an empty block stays": {
			`{"job_name":"app","environment_setting":{}}`,
			with(bare, func(m *jobModel) { m.EnvironmentSetting.BuildOS = &buildOSModel{} }),
			remembered{},
			with(bare, func(m *jobModel) { m.EnvironmentSetting.BuildOS = &buildOSModel{} }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := stateFrom(answer(t, c.spec), c.prior, &reading{remembered: c.remembered})
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("\n got %s\nwant %s", dump(t, got), dump(t, c.want))
			}
		})
	}
}

func dump(t *testing.T, model jobModel) string {
	t.Helper()
	return fmt.Sprintf("%+v environment %+v repo %+v", model, model.EnvironmentSetting, model.CodeRepo)
}

// Whatever can be written comes back as it was: to the request, to the service, to the answer, to the state.
func FuzzRoundTrip(f *testing.F) {
	f.Add("app", "Builds the app", "18.09", "id", "name", "x86_64", "GitHub", "https://github.com/acme/app", "main", "acme", byte(0b11111111))
	f.Add("app", "", "", "", "", "", "", "", "", "", byte(0))
	f.Add("ä\"\\<&>", "😀", "\u2028", "\t", "'", "aarch64", "gitlab", "git@x:y", "feature/ä", "a b", byte(0b01010101))
	f.Fuzz(func(t *testing.T, name, description, docker, clusterID, clusterName, arch, kind, url, branch, namespace string, present byte) {
		for _, value := range []string{name, description, docker, clusterID, clusterName, arch, kind, url, branch, namespace} {
			if !utf8.ValidString(value) {
				t.Skip("Terraform has no such strings.")
			}
		}
		if _, has := withoutPassword(url); has {
			t.Skip("Validation refuses a password.")
		}
		optional := func(bit int, value string) types.String {
			if present&(1<<bit) == 0 {
				return types.StringNull()
			}
			return text(value)
		}
		plan := jobModel{
			JobID: text("id"), JobName: text(name), JobDescription: optional(0, description), EnterpriseProjectID: text("0"),
			EnvironmentSetting: &environmentModel{
				DockerVersion: optional(1, docker), ClusterID: optional(2, clusterID), ClusterName: optional(3, clusterName),
			},
			Creator: types.StringUnknown(), CreatedAt: types.StringUnknown(), LastBuildID: types.StringUnknown(),
		}
		if present&(1<<4) != 0 {
			plan.EnvironmentSetting.UsePublicCluster = types.BoolValue(present&(1<<5) != 0)
		}
		if present&(1<<6) != 0 {
			plan.EnvironmentSetting.BuildOS = &buildOSModel{Arch: optional(5, arch)}
		}
		if present&(1<<7) != 0 {
			plan.CodeRepo = &codeRepoModel{Type: text(kind), URL: text(url), Branch: text(branch), Namespace: text(namespace)}
		}
		body, err := json.Marshal(plan.request(nil))
		if err != nil {
			t.Fatal(err)
		}
		after := &reading{note: true, planned: true, askedProject: true}
		state := stateFrom(answer(t, string(body)), plan, after)
		if len(after.refusals) > 0 {
			t.Fatalf("refused: %+v", after.refusals)
		}
		if want := plan.withUnknownsFrom(state); !reflect.DeepEqual(state, want) {
			t.Errorf("after the write\n got %s\nwant %s", dump(t, state), dump(t, want))
		}
		if !reflect.DeepEqual(after.remembered, remembered{}) {
			t.Errorf("the service filled in nothing, and %v is remembered", after.remembered)
		}
		again := stateFrom(answer(t, string(body)), state, &reading{remembered: after.remembered})
		if !reflect.DeepEqual(again, state) {
			t.Errorf("after a read\n got %s\nwant %s", dump(t, again), dump(t, state))
		}
	})
}

// What passes as an import id is one element of a path, whatever it is.
func FuzzImportID(f *testing.F) {
	for _, seed := range []string{"swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f", "", "a/b", "..", "%2e", " a", "name/app", "ä", "a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if isImportID(id) && (url.PathEscape(id) != id || path.Clean("/jobs/"+id) != "/jobs/"+id) {
			t.Errorf("%q passes, and is no element of a path", id)
		}
	})
}
