// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// The resource's model from and to the framework's raw values, member by member. The framework's own Get and Set of a struct
// compile a regular expression for each field, each time: for many jobs that is a quarter of all that the provider does.

// rawTypes are the types of the resource, its blocks and its identity.
type rawTypes struct {
	job, environment, buildOS, codeRepo, identity tftypes.Type
	timeouts                                      attr.Type
}

var resourceTypes = sync.OnceValue(func() rawTypes {
	ctx := context.Background()
	schema := resourceSchema()
	environment := schema.Blocks["environment_setting"]
	return rawTypes{
		job:         schema.Type().TerraformType(ctx),
		environment: environment.Type().TerraformType(ctx),
		buildOS:     environment.GetNestedObject().GetBlocks()["build_os"].Type().TerraformType(ctx),
		codeRepo:    schema.Blocks["code_repo"].Type().TerraformType(ctx),
		identity:    identitySchema().Type().TerraformType(ctx),
		timeouts:    schema.Blocks["timeouts"].Type(),
	}
})

// get takes the model from a plan or a state. In what is applied no block is unknown.
func (m *resourceModel) get(ctx context.Context, raw tftypes.Value) diag.Diagnostics {
	r := &rawReader{}
	job := r.object(raw)
	m.jobModel = jobModel{
		JobID:               r.text(job["job_id"]),
		JobName:             r.text(job["job_name"]),
		JobDescription:      r.text(job["job_description"]),
		EnterpriseProjectID: r.text(job["enterprise_project_id"]),
		Creator:             r.text(job["creator"]),
		CreatedAt:           r.text(job["created_at"]),
		LastBuildID:         r.text(job["last_build_id"]),
	}
	if environment := r.object(job["environment_setting"]); environment != nil {
		m.EnvironmentSetting = &environmentModel{
			DockerVersion:    r.text(environment["docker_version"]),
			ClusterID:        r.text(environment["cluster_id"]),
			ClusterName:      r.text(environment["cluster_name"]),
			UsePublicCluster: r.boolean(environment["use_public_cluster"]),
		}
		if os := r.object(environment["build_os"]); os != nil {
			m.EnvironmentSetting.BuildOS = &buildOSModel{Arch: r.text(os["arch"])}
		}
	}
	if repo := r.object(job["code_repo"]); repo != nil {
		m.CodeRepo = &codeRepoModel{
			Type: r.text(repo["type"]), URL: r.text(repo["url"]), Branch: r.text(repo["branch"]), Namespace: r.text(repo["namespace"]),
		}
	}
	value, err := resourceTypes().timeouts.ValueFromTerraform(ctx, job["timeouts"])
	m.Timeouts, _ = value.(timeouts.Value) // It is one, as long as the schema has that block.
	return conversionError(errors.Join(r.err, err))
}

// raw is the model as a plan or a state.
func (m *resourceModel) raw(ctx context.Context) (tftypes.Value, diag.Diagnostics) {
	t := resourceTypes()
	environment, repo := tftypes.NewValue(t.environment, nil), tftypes.NewValue(t.codeRepo, nil)
	if e := m.EnvironmentSetting; e != nil {
		os := tftypes.NewValue(t.buildOS, nil)
		if e.BuildOS != nil {
			os = tftypes.NewValue(t.buildOS, map[string]tftypes.Value{"arch": rawText(e.BuildOS.Arch)})
		}
		environment = tftypes.NewValue(t.environment, map[string]tftypes.Value{
			"docker_version": rawText(e.DockerVersion), "cluster_id": rawText(e.ClusterID), "cluster_name": rawText(e.ClusterName),
			"use_public_cluster": rawBoolean(e.UsePublicCluster), "build_os": os,
		})
	}
	if c := m.CodeRepo; c != nil {
		repo = tftypes.NewValue(t.codeRepo, map[string]tftypes.Value{
			"type": rawText(c.Type), "url": rawText(c.URL), "branch": rawText(c.Branch), "namespace": rawText(c.Namespace),
		})
	}
	limits, err := m.Timeouts.ToTerraformValue(ctx)
	return tftypes.NewValue(t.job, map[string]tftypes.Value{
		"job_id":                rawText(m.JobID),
		"job_name":              rawText(m.JobName),
		"job_description":       rawText(m.JobDescription),
		"enterprise_project_id": rawText(m.EnterpriseProjectID),
		"environment_setting":   environment,
		"code_repo":             repo,
		"creator":               rawText(m.Creator),
		"created_at":            rawText(m.CreatedAt),
		"last_build_id":         rawText(m.LastBuildID),
		"timeouts":              limits,
	}), conversionError(err)
}

// raw is the identity as a state has it.
func (m identityModel) raw() tftypes.Value {
	return tftypes.NewValue(resourceTypes().identity, map[string]tftypes.Value{"job_id": rawText(m.JobID), "region": rawText(m.Region)})
}

// set writes the model to a state.
func (m *resourceModel) set(ctx context.Context, state *tftypes.Value) diag.Diagnostics {
	raw, diags := m.raw(ctx)
	if !diags.HasError() {
		*state = raw
	}
	return diags
}

func conversionError(err error) diag.Diagnostics {
	if err == nil {
		return nil
	}
	return diag.Diagnostics{diag.NewErrorDiagnostic("Unexpected value", fmt.Sprintf("This is a bug in the provider: %s.", err))}
}

// rawReader reads values, and keeps what went wrong.
type rawReader struct{ err error }

// object is nil where the value is null.
func (r *rawReader) object(value tftypes.Value) map[string]tftypes.Value {
	if value.IsNull() {
		return nil
	}
	var members map[string]tftypes.Value
	r.read(value, &members)
	return members
}

func (r *rawReader) text(value tftypes.Value) types.String {
	if !value.IsKnown() {
		return types.StringUnknown()
	}
	var text *string
	r.read(value, &text)
	return types.StringPointerValue(text)
}

func (r *rawReader) boolean(value tftypes.Value) types.Bool {
	if !value.IsKnown() {
		return types.BoolUnknown()
	}
	var truth *bool
	r.read(value, &truth)
	return types.BoolPointerValue(truth)
}

func (r *rawReader) read(value tftypes.Value, into any) {
	if err := value.As(into); err != nil {
		r.err = errors.Join(r.err, err)
	}
}

func rawText(value types.String) tftypes.Value {
	switch {
	case value.IsUnknown():
		return tftypes.NewValue(tftypes.String, tftypes.UnknownValue)
	case value.IsNull():
		return tftypes.NewValue(tftypes.String, nil)
	default:
		return tftypes.NewValue(tftypes.String, value.ValueString())
	}
}

func rawBoolean(value types.Bool) tftypes.Value {
	switch {
	case value.IsUnknown():
		return tftypes.NewValue(tftypes.Bool, tftypes.UnknownValue)
	case value.IsNull():
		return tftypes.NewValue(tftypes.Bool, nil)
	default:
		return tftypes.NewValue(tftypes.Bool, value.ValueBool())
	}
}
