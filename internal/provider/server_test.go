// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"context"
	"net/http"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// StopProvider, at the moment of an interrupt, ends the wait of a running call and of a call that starts afterwards.
func TestServer_stop(t *testing.T) {
	t.Parallel()
	service := emulator.New(t, emulator.Options{})
	var p *providertest.Protocol
	service.InjectFault(emulator.Fault{
		Method: http.MethodGet, Times: -1, StatusCode: http.StatusTooManyRequests,
		Header: http.Header{"Retry-After": {"240"}},
		Do: sync.OnceFunc(func() {
			if _, err := p.StopProvider(context.Background(), &tfprotov6.StopProviderRequest{}); err != nil {
				t.Error(err)
			}
		}),
	})
	p = providertest.NewProtocol(t, service, nil, func(config *servicestage.Config) { config.Wait = nil })
	job := p.NewInstance(jobType)
	job.Import(t, "x", nil).Expect(t)
	job.Refresh(t).Expect(t, `ERROR .*\(interrupted\)`)
	p.ReadData(t, jobType, map[string]any{"job_id": "x"}).Expect(t, `ERROR .*\(interrupted\)`)
}

// An action that starts after StopProvider starts no build: Terraform does not wait for it.
func TestServer_actionAfterStop(t *testing.T) {
	t.Parallel()
	service := emulator.New(t, emulator.Options{})
	jobID := service.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
	p := providertest.NewProtocol(t, service, nil)
	if _, err := p.StopProvider(t.Context(), &tfprotov6.StopProviderRequest{}); err != nil {
		t.Fatal(err)
	}
	p.Invoke(t.Context(), t, startType, map[string]any{"job_id": jobID}).Expect(t, `ERROR .*\(interrupted\)`)
	if builds := service.Builds(); len(builds) > 0 {
		t.Errorf("the service contains %+v, want no build", builds)
	}
}
