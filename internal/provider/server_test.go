// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
)

// object is a value of the type with the given attributes; the others are null.
func object(t *testing.T, typ tftypes.Type, attributes map[string]tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	values := map[string]tftypes.Value{}
	for name, attribute := range typ.(tftypes.Object).AttributeTypes {
		values[name] = tftypes.NewValue(attribute, nil)
	}
	maps.Copy(values, attributes)
	encoded, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, values))
	if err != nil {
		t.Fatal(err)
	}
	return &encoded
}

// What Terraform asks for at the very moment of an interrupt is not waited for: the stop holds for later calls too.
func TestServer_stopHoldsForLaterCalls(t *testing.T) {
	t.Parallel()
	text := func(value string) tftypes.Value { return tftypes.NewValue(tftypes.String, value) }
	service := emulator.New(t, emulator.Options{})
	service.InjectFault(emulator.Fault{
		Method: http.MethodGet, Times: -1, StatusCode: http.StatusTooManyRequests,
		Header: http.Header{"Retry-After": {"3600"}},
	})
	server := provider.NewServer("test")()
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	configured, err := server.ConfigureProvider(t.Context(), &tfprotov6.ConfigureProviderRequest{
		Config: object(t, schemas.Provider.ValueType(), map[string]tftypes.Value{
			"token": text(emulator.DefaultToken),
			"endpoints": tftypes.NewValue(tftypes.Map{ElementType: tftypes.String}, map[string]tftypes.Value{
				"servicestage": text(service.URL),
			}),
		}),
	})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatal(err, configured.Diagnostics)
	}
	if _, err := server.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) ([]*tfprotov6.Diagnostic, error){
		"data source": func(ctx context.Context) ([]*tfprotov6.Diagnostic, error) {
			answer, err := server.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{
				TypeName: "servicestage_build_job",
				Config: object(t, schemas.DataSourceSchemas["servicestage_build_job"].ValueType(),
					map[string]tftypes.Value{"job_id": text("x")}),
			})
			return answer.Diagnostics, err
		},
		"refresh": func(ctx context.Context) ([]*tfprotov6.Diagnostic, error) {
			answer, err := server.ReadResource(ctx, &tfprotov6.ReadResourceRequest{
				TypeName: "servicestage_build_job",
				CurrentState: object(t, schemas.ResourceSchemas["servicestage_build_job"].ValueType(),
					map[string]tftypes.Value{"job_id": text("x")}),
			})
			return answer.Diagnostics, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diagnostics, err := call(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(diagnostics) != 1 || !strings.Contains(diagnostics[0].Detail, "(interrupted)") {
				t.Errorf("got %+v, want one error that says (interrupted)", diagnostics)
			}
		})
	}
}
