// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// NewServer returns a function that creates a server of the plugin protocol for the provider of [New]. Unlike the
// server of the framework, it also cancels calls that start after StopProvider, and plans unchanged build jobs itself.
// version and adjust are those of [New].
func NewServer(version string, adjust ...func(*servicestage.Config)) func() tfprotov6.ProviderServer {
	return func() tfprotov6.ProviderServer {
		p := &serviceStage{version: version, adjust: adjust}
		return &server{
			protocol6: providerserver.NewProtocol6(p)().(protocol6), //nolint:forcetypeassert // Each test runs this.
			provider:  p,
			planners:  unchangedPlanners(context.Background(), p),
		}
	}
}

// stopInterval is how long a call that starts after StopProvider may run.
const stopInterval = 50 * time.Millisecond

// protocol6 is the interface of the framework's server, with list resources and actions.
type protocol6 interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
}

// server cancels calls that start after StopProvider, at the moment of an interrupt. The framework cancels running
// calls only; a later one would wait until its timeout. A create that such a call has sent is completed, as any other.
type server struct {
	protocol6

	provider *serviceStage
	planners map[string]unchangedPlanner // By type.
	// nullIdentities contains the planned identity that the framework returns for an instance without one, by type.
	nullIdentities sync.Map

	stopped atomic.Bool
	// actions is locked for reading while an action runs.
	actions sync.RWMutex
}

// StopProvider implements [tfprotov6.ProviderServer]. It returns when the canceled actions have ended: afterwards,
// their events are discarded, and Terraform can end the process before a build is canceled.
func (s *server) StopProvider(
	ctx context.Context, req *tfprotov6.StopProviderRequest,
) (*tfprotov6.StopProviderResponse, error) {
	s.stopped.Store(true)
	resp, err := s.protocol6.StopProvider(ctx, req)
	go func() { // The framework cancels running calls only. This ends with the process, which Terraform ends soon.
		for range time.Tick(stopInterval) {
			_, _ = s.protocol6.StopProvider(context.WithoutCancel(ctx), req) // It never fails.
		}
	}()
	s.actions.Lock()
	defer s.actions.Unlock()
	return resp, err
}

// InvokeAction implements [tfprotov6.ActionServer].
func (s *server) InvokeAction(
	ctx context.Context, req *tfprotov6.InvokeActionRequest,
) (*tfprotov6.InvokeActionServerStream, error) {
	s.actions.RLock()
	ctx, cancel := context.WithCancel(ctx)
	ended := sync.OnceFunc(func() {
		cancel()
		s.actions.RUnlock()
	})
	if s.stopped.Load() {
		cancel() // StopProvider has not waited for this action, so that it must start no build.
	}
	stream, err := s.protocol6.InvokeAction(ctx, req)
	if err != nil {
		ended()
		return nil, err
	}
	events := stream.Events
	stream.Events = func(push func(tfprotov6.InvokeActionEvent) bool) {
		defer ended()
		events(func(event tfprotov6.InvokeActionEvent) bool {
			// After an interrupt, Terraform reads one event only. It must be the last one, which contains the error.
			_, completed := event.Type.(tfprotov6.CompletedInvokeActionEventType)
			return !completed && s.stopped.Load() || push(event)
		})
	}
	return stream, nil
}
