// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/providerdata"
)

// unchangedPlanner is a resource whose unchanged instances can be planned without the framework, which decodes each
// value.
type unchangedPlanner interface {
	// PlansUnchanged reports whether no plan modifier can change a plan whose proposed state equals the prior state.
	PlansUnchanged(configured *providerdata.Data) bool
}

// unchangedPlanners returns the resources that are planners, by type.
func unchangedPlanners(ctx context.Context, p *serviceStage) map[string]unchangedPlanner {
	planners := map[string]unchangedPlanner{}
	for _, newResource := range p.Resources(ctx) {
		r := newResource()
		if planner, ok := r.(unchangedPlanner); ok {
			var resp resource.MetadataResponse
			r.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: "servicestage"}, &resp)
			planners[resp.TypeName] = planner
		}
	}
	return planners
}

// planUnchanged returns the response that the framework would return for an unchanged instance, or nil if the
// framework must plan.
func (s *server) planUnchanged(req *tfprotov6.PlanResourceChangeRequest) *tfprotov6.PlanResourceChangeResponse {
	planner, configured := s.planners[req.TypeName], s.provider.configured.Load()
	if planner == nil || configured == nil || !planner.PlansUnchanged(configured) ||
		req.PriorState == nil || req.ProposedNewState == nil || len(req.PriorState.MsgPack) == 0 ||
		!bytes.Equal(req.PriorState.MsgPack, req.ProposedNewState.MsgPack) {
		return nil
	}
	identity := req.PriorIdentity
	if identity == nil {
		null, _ := s.nullIdentities.Load(req.TypeName)
		if identity, _ = null.(*tfprotov6.ResourceIdentityData); identity == nil {
			return nil
		}
	}
	return &tfprotov6.PlanResourceChangeResponse{
		PlannedState: req.PriorState, PlannedPrivate: req.PriorPrivate, PlannedIdentity: identity,
	}
}

// PlanResourceChange implements [tfprotov6.ResourceServer].
func (s *server) PlanResourceChange(
	ctx context.Context, req *tfprotov6.PlanResourceChangeRequest,
) (*tfprotov6.PlanResourceChangeResponse, error) {
	if resp := s.planUnchanged(req); resp != nil {
		return resp, nil
	}
	resp, err := s.protocol6.PlanResourceChange(ctx, req)
	if err == nil && req.PriorIdentity == nil && len(resp.Diagnostics) == 0 {
		s.nullIdentities.LoadOrStore(req.TypeName, resp.PlannedIdentity)
	}
	return resp, err
}
