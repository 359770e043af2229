// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
)

const typeName = "servicestage_build_job"

// job is the configuration of a build job.
var job = fmt.Sprintf(body, "app")

// BenchmarkProtocol measures what the provider and the baseline do for the requests of Terraform.
func BenchmarkProtocol(b *testing.B) {
	b.Setenv("HW_AUTH_TOKEN", "token")
	var created atomic.Int64
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := path.Base(r.URL.Path)
		if r.Method == http.MethodPost {
			id = fmt.Sprint("job-", created.Add(1)) // The provider rejects an ID that it knows.
		}
		_, _ = fmt.Fprintf(w, `{"job_id":%q,"creator":{"name":"ci"},"created_at":"2025-11-14 09:06:28 +0000 UTC",`+
			`"spec":{"enterprise_project_id":"0",%s}`, id, job[1:]) // The client reports a write that failed.
	}))
	defer service.Close()
	for name, server := range map[string]tfprotov6.ProviderServer{
		"provider": provider.NewServer("test")(),
		"baseline": providerserver.NewProtocol6(&baseline{})(),
	} {
		b.Run(name, func(b *testing.B) {
			for request, send := range requests(b, server, service.URL) {
				b.Run(request, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						send()
					}
				})
			}
		})
	}
}

// requests returns functions that each send one request and can be called repeatedly.
func requests(b *testing.B, server tfprotov6.ProviderServer, endpoint string) map[string]func() {
	b.Helper()
	schemas, err := server.GetProviderSchema(b.Context(), &tfprotov6.GetProviderSchemaRequest{})
	check(b, err, nil)
	configured, err := server.ConfigureProvider(b.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: encode(b, schemas.Provider.ValueType(), fmt.Sprintf(`{"endpoints":{"servicestage":%q}}`, endpoint)),
	})
	check(b, err, configured.Diagnostics)
	typ := schemas.ResourceSchemas[typeName].ValueType()
	null, config := encode(b, typ, "null"), encode(b, typ, job)

	plan := func(prior, proposed *tfprotov6.DynamicValue, private []byte) *tfprotov6.PlanResourceChangeResponse {
		resp, err := server.PlanResourceChange(b.Context(), &tfprotov6.PlanResourceChangeRequest{
			TypeName: typeName, PriorState: prior, ProposedNewState: proposed, Config: config, PriorPrivate: private,
		})
		check(b, err, resp.Diagnostics)
		return resp
	}
	planned := plan(null, config, nil)
	apply := func() *tfprotov6.ApplyResourceChangeResponse {
		resp, err := server.ApplyResourceChange(b.Context(), &tfprotov6.ApplyResourceChangeRequest{
			TypeName: typeName, PriorState: null, Config: config,
			PlannedState: planned.PlannedState, PlannedPrivate: planned.PlannedPrivate,
		})
		check(b, err, resp.Diagnostics)
		return resp
	}
	applied := apply()
	return map[string]func(){
		"validate": func() {
			request := &tfprotov6.ValidateResourceConfigRequest{TypeName: typeName, Config: config}
			resp, err := server.ValidateResourceConfig(b.Context(), request)
			check(b, err, resp.Diagnostics)
		},
		"plan":  func() { plan(null, config, nil) },
		"apply": func() { apply() },
		"read": func() {
			resp, err := server.ReadResource(b.Context(), &tfprotov6.ReadResourceRequest{
				TypeName: typeName, CurrentState: applied.NewState, Private: applied.Private,
			})
			check(b, err, resp.Diagnostics)
		},
		"planWithoutChanges": func() { plan(applied.NewState, applied.NewState, applied.Private) },
	}
}

// encode converts a value from JSON. Absent attributes are null.
func encode(b *testing.B, typ tftypes.Type, json string) *tfprotov6.DynamicValue {
	b.Helper()
	value, err := tfprotov6.RawState{JSON: []byte(json)}.Unmarshal(typ)
	check(b, err, nil)
	encoded, err := tfprotov6.NewDynamicValue(typ, value)
	check(b, err, nil)
	return &encoded
}

func check(b *testing.B, err error, diagnostics []*tfprotov6.Diagnostic) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	for _, diagnostic := range diagnostics {
		b.Fatal(diagnostic.Summary, diagnostic.Detail)
	}
}
