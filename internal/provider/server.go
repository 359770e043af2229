// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"sync"

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
		stopping, stop := context.WithCancel(context.Background())
		return &server{
			protocol6: providerserver.NewProtocol6(p)().(protocol6), //nolint:forcetypeassert // Each test runs this.
			provider:  p,
			planners:  unchangedPlanners(stopping, p),
			stopping:  stopping,
			stop:      stop,
		}
	}
}

// protocol6 is the interface of the framework's server, with list resources and actions.
type protocol6 interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
}

// server cancels calls that start after StopProvider, at the moment of an interrupt. The framework cancels running
// calls only; a later one would wait until its timeout.
type server struct {
	protocol6

	provider *serviceStage
	planners map[string]unchangedPlanner // By type.
	// nullIdentities contains the planned identity that the framework returns for an instance without one, by type.
	nullIdentities sync.Map

	stopping context.Context //nolint:containedctx // It is the context of the server, not of a call.
	stop     context.CancelFunc

	// actions is locked for reading while an action runs.
	actions sync.RWMutex
}

// until returns a context that ends with ctx or with the server.
func (s *server) until(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	remove := context.AfterFunc(s.stopping, cancel)
	context.AfterFunc(ctx, func() { remove() }) // The context of a call ends with the call.
	return ctx
}

// StopProvider implements [tfprotov6.ProviderServer]. It returns when the canceled actions have ended: afterwards,
// their events are discarded, and Terraform can end the process before a build is canceled.
func (s *server) StopProvider(
	ctx context.Context, req *tfprotov6.StopProviderRequest,
) (*tfprotov6.StopProviderResponse, error) {
	s.stop()
	resp, err := s.protocol6.StopProvider(ctx, req)
	s.actions.Lock()
	defer s.actions.Unlock()
	return resp, err
}

// ApplyResourceChange implements [tfprotov6.ResourceServer].
func (s *server) ApplyResourceChange(
	ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest,
) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return s.protocol6.ApplyResourceChange(s.until(ctx), req)
}

// ReadResource implements [tfprotov6.ResourceServer].
func (s *server) ReadResource(
	ctx context.Context, req *tfprotov6.ReadResourceRequest,
) (*tfprotov6.ReadResourceResponse, error) {
	return s.protocol6.ReadResource(s.until(ctx), req)
}

// ImportResourceState implements [tfprotov6.ResourceServer].
func (s *server) ImportResourceState(
	ctx context.Context, req *tfprotov6.ImportResourceStateRequest,
) (*tfprotov6.ImportResourceStateResponse, error) {
	return s.protocol6.ImportResourceState(s.until(ctx), req)
}

// ReadDataSource implements [tfprotov6.DataSourceServer].
func (s *server) ReadDataSource(
	ctx context.Context, req *tfprotov6.ReadDataSourceRequest,
) (*tfprotov6.ReadDataSourceResponse, error) {
	return s.protocol6.ReadDataSource(s.until(ctx), req)
}

// ListResource implements [tfprotov6.ListResourceServer].
func (s *server) ListResource(
	ctx context.Context, req *tfprotov6.ListResourceRequest,
) (*tfprotov6.ListResourceServerStream, error) {
	return s.protocol6.ListResource(s.until(ctx), req)
}

// InvokeAction implements [tfprotov6.ActionServer].
func (s *server) InvokeAction(
	ctx context.Context, req *tfprotov6.InvokeActionRequest,
) (*tfprotov6.InvokeActionServerStream, error) {
	s.actions.RLock()
	ended := sync.OnceFunc(s.actions.RUnlock)
	stream, err := s.protocol6.InvokeAction(s.until(ctx), req)
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
			return !completed && s.stopping.Err() != nil || push(event)
		})
	}
	return stream, nil
}
