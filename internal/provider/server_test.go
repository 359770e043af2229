// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
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
	job := p.NewInstance(jobType)
	job.Import(t, "x", nil).Expect(t)
	if _, err := p.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{}); err != nil {
		t.Fatal(err)
	}
	job.Refresh(t).Expect(t, `ERROR .*\(interrupted\)`)
	p.ReadData(t, jobType, map[string]any{"job_id": "x"}).Expect(t, `ERROR .*\(interrupted\)`)
}
