// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// timeoutsOf is a timeouts block; null without any value.
func timeoutsOf(values map[string]attr.Value) timeouts.Value {
	typed := map[string]attr.Type{}
	all := map[string]attr.Value{}
	for _, name := range []string{"create", "read", "update", "delete"} {
		typed[name], all[name] = types.StringType, types.StringNull()
	}
	if values == nil {
		return timeouts.Value{Object: types.ObjectNull(typed)}
	}
	maps.Copy(all, values)
	return timeouts.Value{Object: types.ObjectValueMust(typed, all)}
}

// Both directions do what the framework does for the struct and its tags: no member is forgotten, and none is another's.
func TestRaw_asTheFramework(t *testing.T) {
	t.Parallel()
	unknown := fullModel()
	unknown.JobID, unknown.Creator, unknown.CreatedAt, unknown.LastBuildID = types.StringUnknown(), types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	unknown.EnvironmentSetting.UsePublicCluster = types.BoolUnknown()
	for name, model := range map[string]resourceModel{
		"everything":     {jobModel: fullModel(), Timeouts: timeoutsOf(map[string]attr.Value{"read": text("30s")})},
		"nothing":        {Timeouts: timeoutsOf(nil)},
		"empty blocks":   {jobModel: jobModel{EnvironmentSetting: &environmentModel{BuildOS: &buildOSModel{}}, CodeRepo: &codeRepoModel{}}, Timeouts: timeoutsOf(map[string]attr.Value{})},
		"no build_os":    {jobModel: jobModel{EnvironmentSetting: &environmentModel{UsePublicCluster: types.BoolValue(false)}}, Timeouts: timeoutsOf(nil)},
		"empty strings":  {jobModel: jobModel{JobName: text(""), JobDescription: text("")}, Timeouts: timeoutsOf(nil)},
		"unknown values": {jobModel: unknown, Timeouts: timeoutsOf(nil)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			schema := resourceSchema()
			state := tfsdk.State{Schema: schema, Raw: tftypes.NewValue(schema.Type().TerraformType(ctx), nil)}
			if diags := state.Set(ctx, model); diags.HasError() {
				t.Fatal(diags)
			}
			raw, diags := model.raw(ctx)
			if diags.HasError() || !raw.Equal(state.Raw) {
				t.Errorf("raw value\n got %s\nwant %s\n%v", raw, state.Raw, diags)
			}
			var got, want resourceModel
			if diags := state.Get(ctx, &want); diags.HasError() {
				t.Fatal(diags)
			}
			if diags := got.get(ctx, state.Raw); diags.HasError() || !reflect.DeepEqual(got, want) {
				t.Errorf("model\n got %#v\nwant %#v\n%v", got, want, diags)
			}
		})
	}
}

// What cannot be is said, and does not end the provider.
func TestRaw_wrongType(t *testing.T) {
	t.Parallel()
	var model resourceModel
	if diags := model.get(context.Background(), tftypes.NewValue(tftypes.String, "no job")); !diags.HasError() {
		t.Error("a string was taken for a job")
	}
}

// BenchmarkRequest is a plan as the body of a request.
func BenchmarkRequest(b *testing.B) {
	plan := resourceModel{jobModel: fullModel(), Timeouts: timeoutsOf(nil)}
	raw, diags := plan.raw(b.Context())
	if diags.HasError() {
		b.Fatal(diags)
	}
	b.ReportAllocs()
	for b.Loop() {
		var model resourceModel
		if diags := model.get(b.Context(), raw); diags.HasError() {
			b.Fatal(diags)
		}
		if _, err := json.Marshal(model.request(nil)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkState is the body of an answer as a state.
func BenchmarkState(b *testing.B) {
	const answer = `{"job_id":"id","enterprise_project_id":"0","creator":{"name":"me"},"last_build_id":"build","spec":{"job_name":"app",
		"job_description":"Builds the app","environment_setting":{"docker_version":"18.09","cluster_id":"cluster-id","cluster_name":"cluster-name",
		"use_public_cluster":true,"build_os":{"arch":"aarch64"}},"code_repo":{"type":"GitHub","url":"https://github.com/acme/app","branch":"main","namespace":"acme"}}}`
	prior := fullModel()
	b.ReportAllocs()
	for b.Loop() {
		var job servicestage.BuildJob
		if err := json.Unmarshal([]byte(answer), &job); err != nil {
			b.Fatal(err)
		}
		state := resourceModel{jobModel: stateFrom(&job, prior, &reading{}), Timeouts: timeoutsOf(nil)}
		if _, diags := state.raw(b.Context()); diags.HasError() {
			b.Fatal(diags)
		}
	}
}
