// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// A call that starts after StopProvider, at the moment of an interrupt, does not wait.
func TestServer_callsAfterStop(t *testing.T) {
	t.Parallel()
	service := emulator.New(t, emulator.Options{})
	service.InjectFault(emulator.Fault{
		Method: http.MethodGet, Times: -1, StatusCode: http.StatusTooManyRequests,
		Header: http.Header{"Retry-After": {"3600"}},
	})
	p := providertest.NewProtocol(t, service, nil, func(config *servicestage.Config) { config.Wait = nil })
	if _, err := p.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{}); err != nil {
		t.Fatal(err)
	}
	const kind = "servicestage_build_job"
	arguments := map[string]any{"job_id": "x"}
	refreshed, err := p.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: kind, CurrentState: providertest.Encode(t, p.Schemas.ResourceSchemas[kind].ValueType(), arguments),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, diagnostics := range [][]*tfprotov6.Diagnostic{refreshed.Diagnostics, readData(t, p, kind, arguments)} {
		if len(diagnostics) != 1 || !strings.Contains(diagnostics[0].Detail, "(interrupted)") {
			t.Errorf("got %+v, want one error that contains (interrupted)", diagnostics)
		}
	}
}
