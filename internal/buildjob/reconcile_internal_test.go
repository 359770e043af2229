// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// responseOf is a build job as the service returns it for a spec.
func responseOf(t *testing.T, spec string) values {
	t.Helper()
	var job servicestage.BuildJob
	document := fmt.Sprintf(
		`{"job_id":"id","enterprise_project_id":"0","creator":{"name":"me"},"last_build_id":"build","spec":%s}`, spec,
	)
	if err := json.Unmarshal([]byte(document), &job); err != nil {
		t.Fatal(err)
	}
	return valuesOf(&job)
}

func body(t *testing.T, spec servicestage.Spec) string {
	t.Helper()
	content, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %v\nwant %v", what, got, want)
	}
}

// Each argument of the API, alone: schemas, Terraform values, request, response, drift, service default and mismatch
// handle it.
func TestArguments_noneIsForgotten(t *testing.T) {
	t.Parallel()
	unset := values{
		"job_id": "id", "job_name": "app", "enterprise_project_id": "0", "environment_setting": present,
		"creator": "me", "last_build_id": "build",
	}
	with := func(argument string, value any) values {
		changed := maps.Clone(unset)
		changed[argument] = value
		changed.keepBlocks(nil)
		return changed
	}
	for _, argument := range arguments {
		t.Run(argument, func(t *testing.T) {
			t.Parallel()
			first, second := any("first"), any("second")
			if argument == "environment_setting.use_public_cluster" {
				first, second = true, false
			}
			set, changed := with(argument, first), with(argument, second)
			for _, typ := range []tftypes.Type{resourceType(), dataSourceType()} {
				expect(t, "round trip", valuesFrom(set.raw(typ))[argument], first)
			}
			returned := responseOf(t, body(t, request(set, nil)))
			if argument == projectArgument {
				returned[argument] = first // It is at the top level of the response.
			}
			expect(t, "response", returned, set)
			if argument == nameArgument {
				return // Required, and the only one that cannot be unset.
			}
			expect(t, "drift", refresh(set, changed, nil).state, changed)
			expect(t, "mismatch", afterUpdate(set, set, changed, true).mismatches, []string{argument})
			if argument == projectArgument {
				return // Computed, so it has no service default.
			}
			created := afterCreate(unset, set)
			expect(t, "service default", created.defaults, serviceDefaults{argument: fmt.Sprint(first)})
			expect(t, "state with the service default", created.state, unset)
			expect(t, "state after a refresh", refresh(unset, set, created.defaults).state, unset)
			expect(t, "changed service default", refresh(unset, changed, created.defaults).state, changed)
		})
	}
}

// The schema has no argument that the API does not have.
func TestArguments_schema(t *testing.T) {
	t.Parallel()
	var check func(prefix string, attributes map[string]schema.Attribute, blocks map[string]schema.Block)
	check = func(prefix string, attributes map[string]schema.Attribute, blocks map[string]schema.Block) {
		for name, attribute := range attributes {
			isArgument := attribute.IsOptional() || attribute.IsRequired()
			if isArgument && !slices.Contains(arguments, prefix+name) {
				t.Errorf("%s%s is no documented member of a build job", prefix, name)
			}
		}
		for name, block := range blocks {
			if single, ok := block.(schema.SingleNestedBlock); ok && name != timeoutsName {
				check(prefix+name+".", single.Attributes, single.Blocks)
			}
		}
	}
	resource := resourceSchema()
	check("", resource.Attributes, resource.Blocks)
}

// A repository that should have been removed is drift at the first read. Other values are service defaults.
func TestFirstRefresh_repositoryIsNoDefault(t *testing.T) {
	t.Parallel()
	const url = "https://github.com/acme/app"
	first := firstRefresh(values{}, responseOf(t, `{"job_description":"x","code_repo":{"url":"`+url+`"}}`))
	expect(t, "repository", first.state["code_repo.url"], any(url))
	expect(t, "description", first.state["job_description"], nil)
	expect(t, "defaults", first.defaults, serviceDefaults{"job_description": "x"})
}

// A configured value is unchanged after a round trip through the request, the service and the response into the state.
func FuzzRoundTrip(f *testing.F) {
	f.Add(
		"app", "Builds the app", "18.09", "id", "name", "x86_64",
		"GitHub", "https://github.com/acme/app", "main", "acme", byte(0b11111111),
	)
	f.Add("app", "", "", "", "", "", "", "", "", "", byte(0))
	f.Add("ä\"\\<&>", "😀", "\u2028", "\t", "'", "aarch64", "gitlab", "git@x:y", "f/ä", "a b", byte(0b01010101))
	f.Fuzz(func(
		t *testing.T, name, description, docker, clusterID, clusterName, arch, kind, url, branch, namespace string,
		configured byte,
	) {
		texts := []string{name, description, docker, clusterID, clusterName, arch, kind, url, branch, namespace}
		for _, value := range texts {
			if !utf8.ValidString(value) {
				t.Skip("Terraform has no such strings.")
			}
		}
		if RepositoryURL(url) != url {
			t.Skip("Validation rejects a secret.")
		}
		plan := values{
			"job_id": "id", "job_name": name, "enterprise_project_id": "0", "environment_setting": present,
			"creator": unknown, "created_at": unknown, "last_build_id": unknown,
		}
		for bit, argument := range []values{
			{"job_description": description},
			{"environment_setting.docker_version": docker},
			{"environment_setting.cluster_id": clusterID},
			{"environment_setting.cluster_name": clusterName},
			{"environment_setting.use_public_cluster": configured > 128},
			{"environment_setting.build_os": present},
			{"environment_setting.build_os": present, "environment_setting.build_os.arch": arch},
			{
				"code_repo": present, "code_repo.type": kind, "code_repo.url": url, "code_repo.branch": branch,
				"code_repo.namespace": namespace,
			},
		} {
			if configured&(1<<bit) != 0 {
				maps.Copy(plan, argument)
			}
		}
		returned := responseOf(t, body(t, request(plan, nil)))
		created := afterCreate(plan, returned)
		if len(created.mismatches) > 0 || len(created.defaults) > 0 {
			t.Errorf("mismatches %v, defaults %v", created.mismatches, created.defaults)
		}
		expect(t, "after the create", created.state, withUnknowns(plan, returned))
		expect(t, "after a read", refresh(created.state, returned, created.defaults).state, created.state)
	})
}
