// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main_test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/cmd/bench/floor"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
)

const typeName = "servicestage_build_job"

// BenchmarkProtocol is what one call of Terraform costs in the provider, ours beside the floor of the same schema. Its profile
// (-cpuprofile) tells where the time goes.
func BenchmarkProtocol(b *testing.B) {
	endpoint := answering(b)
	token := map[string]tftypes.Value{
		"token":     text(floor.Token),
		"endpoints": tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, map[string]tftypes.Value{"servicestage": text(endpoint)}),
	}
	for name, p := range map[string]struct {
		server   tfprotov6.ProviderServer
		settings map[string]tftypes.Value
	}{
		"ours":       {provider.NewServer("test")(), token},
		"sameSchema": {providerserver.NewProtocol6(floor.New(floor.NewSchema)())(), map[string]tftypes.Value{"endpoint": text(endpoint)}},
	} {
		b.Run(name, func(b *testing.B) {
			for step, call := range newTerraform(b, p.server, p.settings).calls() {
				b.Run(step, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						call()
					}
				})
			}
		})
	}
}

// answering is a service that has one job, whatever it is asked.
func answering(b *testing.B) string {
	b.Helper()
	const answer = `{"job_id":"swpfk3wtzdjnlyely4rf40k52zyuq5s4lha9ch8f","creator":{"name":"ci"},"created_at":"2025-11-14 09:06:28 +0000 UTC",` +
		`"spec":{"job_name":"app","job_description":"Builds one of many","enterprise_project_id":"0","environment_setting":{"docker_version":"18.09",` +
		`"use_public_cluster":true,"build_os":{"arch":"x86_64"}},"code_repo":{"type":"GitHub","url":"https://github.com/acme/app","branch":"main","namespace":"acme"}}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(answer)) // The client reads it, or the benchmark fails.
	}))
	b.Cleanup(server.Close)
	return server.URL
}

func text(value string) tftypes.Value { return tftypes.NewValue(tftypes.String, value) }

// terraform makes the calls that Terraform makes.
type terraform struct {
	*testing.B
	server tfprotov6.ProviderServer
	typ    tftypes.Object
	config *tfprotov6.DynamicValue
}

func newTerraform(b *testing.B, server tfprotov6.ProviderServer, settings map[string]tftypes.Value) *terraform {
	b.Helper()
	schemas, err := server.GetProviderSchema(b.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		b.Fatal(err)
	}
	t := &terraform{B: b, server: server, typ: schemas.ResourceSchemas[typeName].ValueType().(tftypes.Object)}
	_, err = server.ConfigureProvider(b.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: t.object(schemas.Provider.ValueType().(tftypes.Object), settings),
	})
	if err != nil {
		b.Fatal(err)
	}
	repo := t.typ.AttributeTypes["code_repo"]
	environment := t.typ.AttributeTypes["environment_setting"].(tftypes.Object)
	t.config = t.object(t.typ, map[string]tftypes.Value{
		"job_name": text("app"), "job_description": text("Builds one of many"),
		"environment_setting": tftypes.NewValue(environment, map[string]tftypes.Value{
			"docker_version": text("18.09"), "cluster_id": tftypes.NewValue(tftypes.String, nil), "cluster_name": tftypes.NewValue(tftypes.String, nil),
			"use_public_cluster": tftypes.NewValue(tftypes.Bool, true),
			"build_os":           tftypes.NewValue(environment.AttributeTypes["build_os"], map[string]tftypes.Value{"arch": text("x86_64")}),
		}),
		"code_repo": tftypes.NewValue(repo, map[string]tftypes.Value{
			"type": text("GitHub"), "url": text("https://github.com/acme/app"), "branch": text("main"), "namespace": text("acme"),
		}),
	})
	return t
}

// object is a value of the type with the given attributes; the others are null.
func (t *terraform) object(typ tftypes.Object, attributes map[string]tftypes.Value) *tfprotov6.DynamicValue {
	values := map[string]tftypes.Value{}
	for name, attribute := range typ.AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	maps.Copy(values, attributes)
	encoded, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, values))
	if err != nil {
		t.Fatal(err)
	}
	return &encoded
}

// calls are those of the life of a job, each of which can be made again and again.
func (t *terraform) calls() map[string]func() {
	null, err := tfprotov6.NewDynamicValue(t.typ, tftypes.NewValue(t.typ, nil))
	if err != nil {
		t.Fatal(err)
	}
	planned := t.plan(&null, t.config, nil)
	applied := t.apply(&null, planned)
	return map[string]func(){
		"validate": func() {
			answer, err := t.server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: typeName, Config: t.config})
			t.check(err, answer.Diagnostics)
		},
		"plan":  func() { t.plan(&null, t.config, nil) },
		"apply": func() { t.apply(&null, planned) },
		"read": func() {
			answer, err := t.server.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
				TypeName: typeName, CurrentState: applied.NewState, Private: applied.Private,
			})
			t.check(err, answer.Diagnostics)
		},
		"planUnchanged": func() { t.plan(applied.NewState, applied.NewState, applied.Private) },
	}
}

func (t *terraform) plan(prior, proposed *tfprotov6.DynamicValue, private []byte) *tfprotov6.PlanResourceChangeResponse {
	answer, err := t.server.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: typeName, PriorState: prior, ProposedNewState: proposed, Config: t.config, PriorPrivate: private,
	})
	t.check(err, answer.Diagnostics)
	return answer
}

func (t *terraform) apply(prior *tfprotov6.DynamicValue, planned *tfprotov6.PlanResourceChangeResponse) *tfprotov6.ApplyResourceChangeResponse {
	answer, err := t.server.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: typeName, PriorState: prior, PlannedState: planned.PlannedState, Config: t.config, PlannedPrivate: planned.PlannedPrivate,
	})
	t.check(err, answer.Diagnostics)
	return answer
}

func (t *terraform) check(err error, diagnostics []*tfprotov6.Diagnostic) {
	if err != nil {
		t.Fatal(err)
	}
	for _, diagnostic := range diagnostics {
		t.Fatal(fmt.Sprint(diagnostic.Summary, ": ", diagnostic.Detail))
	}
}
