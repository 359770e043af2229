// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const (
	buildsPath = "/assembling/v1/jobs/*/builds"
	buildPath  = "/assembling/v1/builds/*"
)

var (
	phaseNames = []string{"Init", "Download", "PreProcess", "Build", "Artifact", "PostProcess"}
	notFound   = respond(http.MethodGet, buildPath, http.StatusNotFound, `{"error_code":"SVCSTG.CPE.4044402"}`)
)

// respond returns a fault that responds to each request of a method and a path.
func respond(method, path string, status int, body string) emulator.Fault {
	return emulator.Fault{Method: method, Path: path, Times: -1, StatusCode: status, Body: body}
}

// forbidden returns a fault that rejects each request of a method and a path.
func forbidden(method, path string) emulator.Fault {
	return respond(method, path, http.StatusForbidden, `{"error_code":"APIGW.0302","error_msg":"not authorized"}`)
}

var noRead, noCancel = forbidden(http.MethodGet, buildPath), forbidden(http.MethodPatch, buildPath)

// inject returns a function that injects a fault.
func inject(fault emulator.Fault) func(*service) { return func(s *service) { s.InjectFault(fault) } }

// service is an emulator with one build job, whose builds take a minute, and a clock that the provider shares. Each
// wait of the provider moves the clock.
type service struct {
	*emulator.Server
	jobID string

	mu     sync.Mutex
	now    time.Time
	waited []time.Duration
}

func newService(t *testing.T, adjust ...func(*emulator.Options)) *service {
	t.Helper()
	s := &service{now: time.Date(2025, 11, 14, 9, 6, 28, 0, time.UTC)}
	options := emulator.Options{Now: s.Now, BuildDuration: time.Minute}
	for _, f := range adjust {
		f(&options)
	}
	s.Server = emulator.New(t, options)
	s.jobID = s.AddJob(map[string]any{
		"job_name": "checkout-service", "environment_setting": map[string]any{},
		"code_repo": map[string]any{
			"type": "GitHub", "url": "https://user:secret@github.com/acme/checkout", "branch": "main", "namespace": "acme",
		},
	})
	return s
}

// Now is the clock of the service and of the provider.
func (s *service) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// buildID returns the ID of the first build.
func (s *service) buildID() string { return s.Builds()[0].ID }

func (s *service) removeBuild() { s.RemoveBuild(s.buildID()) }

func (s *service) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
	s.waited = append(s.waited, d)
}

// adjust gives a client the clock. A signature would need the real time, so the client sends a token.
func (s *service) adjust(config *servicestage.Config) {
	config.Now, config.Authenticator = s.Now, auth.Token(emulator.DefaultToken)
	config.Wait = func(ctx context.Context, d time.Duration) error {
		s.advance(d)
		return ctx.Err()
	}
}

// run runs the steps with Terraform.
func (s *service) run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	providertest.RunWith(t, nil, providertest.Factories(s.adjust), steps...)
}

// expect checks the states of all builds, oldest first, and how many requests to start and to cancel a build the
// service received.
func (s *service) expect(t *testing.T, states string, starts, cancels int) {
	t.Helper()
	var got []string
	for _, build := range s.Builds() {
		got = append(got, build.State)
	}
	if got := strings.Join(got, " "); got != states {
		t.Errorf("the service has builds in the states %q, want %q", got, states)
	}
	if got := s.CountRequests(http.MethodPost, buildsPath); got != starts {
		t.Errorf("%d starts reached the service, want %d", got, starts)
	}
	if got := s.CountRequests(http.MethodPatch, buildPath); got != cancels {
		t.Errorf("%d cancels reached the service, want %d", got, cancels)
	}
}

func (s *service) expectNoRequests(t *testing.T) {
	t.Helper()
	if requests := s.Requests(); len(requests) > 0 {
		t.Errorf("%d requests reached the service, want none", len(requests))
	}
}

// during calls do when a build is read in the given phase. The connection breaks then, so the state is not returned.
func (s *service) during(phase string, do func()) {
	start, from := s.Now(), time.Duration(slices.Index(phaseNames, phase))*10*time.Second
	s.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: buildPath, Drop: true, Do: do,
		When: func(emulator.Request) bool { return s.Now().Sub(start) >= from },
	})
}

// protocol returns a provider in this process, for tests that need no CLI or a newer one. settings replace those of the
// provider.
func (s *service) protocol(t *testing.T, settings map[string]any) *protocol {
	t.Helper()
	all := map[string]any{"access_key": nil, "secret_key": nil, "token": emulator.DefaultToken, "project_id": nil}
	maps.Copy(all, settings)
	return &protocol{Protocol: providertest.NewProtocol(t, s.Server, all, s.adjust)}
}

type protocol struct{ *providertest.Protocol }

// must is for calls of the protocol, which report failures as diagnostics.
func must[T any](response T, err error) T {
	if err != nil {
		panic(err)
	}
	return response
}

// result is what an operation returned.
type result struct {
	progress    []string
	diagnostics []*tfprotov6.Diagnostic
	// state is nil if it is null.
	state   map[string]tftypes.Value
	encoded *tfprotov6.DynamicValue
	private []byte
}

// only returns the one diagnostic as text, and fails the test unless there is exactly one, of the given severity.
func (r result) only(t *testing.T, severity tfprotov6.DiagnosticSeverity) string {
	t.Helper()
	if len(r.diagnostics) != 1 || r.diagnostics[0].Severity != severity {
		t.Fatalf("%d diagnostics, want one of severity %s: %s", len(r.diagnostics), severity, r)
	}
	return r.diagnostics[0].Summary + "\n" + r.diagnostics[0].Detail
}

// none fails the test if there is a diagnostic.
func (r result) none(t *testing.T) {
	t.Helper()
	if len(r.diagnostics) > 0 {
		t.Fatal(r)
	}
}

// onArgument checks the path of the one diagnostic.
func (r result) onArgument(t *testing.T, argument string) {
	t.Helper()
	if path := r.diagnostics[0].Attribute.String(); path != fmt.Sprintf("AttributeName(%q)", argument) {
		t.Errorf("path: got %s, want %s", path, argument)
	}
}

func (r result) String() string {
	var text strings.Builder
	for _, d := range r.diagnostics {
		fmt.Fprintf(&text, "%s: %s: %s (%s)\n", d.Severity, d.Summary, d.Detail, d.Attribute)
	}
	return text.String()
}

const (
	startAction  = "servicestage_start_build"
	cancelAction = "servicestage_cancel_build"
)

// invoke validates and invokes an action, as Terraform 1.14 does.
func (p *protocol) invoke(ctx context.Context, t *testing.T, name string, arguments map[string]any) result {
	t.Helper()
	validated := must(p.ProviderServer.(tfprotov6.ActionServer).ValidateActionConfig(ctx,
		&tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: p.actionConfig(t, name, arguments)}))
	if len(validated.Diagnostics) > 0 {
		return result{diagnostics: validated.Diagnostics}
	}
	return p.invokeUnvalidated(ctx, t, name, arguments)
}

func (p *protocol) actionConfig(t *testing.T, name string, arguments map[string]any) *tfprotov6.DynamicValue {
	t.Helper()
	return providertest.Encode(t, p.Schemas.ActionSchemas[name].Schema.ValueType(), arguments)
}

func (p *protocol) invokeUnvalidated(
	ctx context.Context, t *testing.T, name string, arguments map[string]any,
) (got result) {
	t.Helper()
	stream := must(p.ProviderServer.(tfprotov6.ActionServer).InvokeAction(ctx,
		&tfprotov6.InvokeActionRequest{ActionType: name, Config: p.actionConfig(t, name, arguments)}))
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			got.progress = append(got.progress, event.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			got.diagnostics = event.Diagnostics
		}
	}
	return got
}

// startBuild invokes the action on the build job.
func (s *service) startBuild(ctx context.Context, t *testing.T, more map[string]any) result {
	t.Helper()
	arguments := map[string]any{"job_id": s.jobID}
	maps.Copy(arguments, more)
	p := s.protocol(t, nil) //nolint:contextcheck // The provider ends with the test.
	return p.invoke(ctx, t, startAction, arguments)
}

const resourceType = "servicestage_build"

// kind is the type of the resource's values.
func (p *protocol) kind() tftypes.Object {
	return p.Schemas.ResourceSchemas[resourceType].ValueType().(tftypes.Object)
}

// create creates the resource with the given arguments.
func (p *protocol) create(ctx context.Context, t *testing.T, arguments map[string]any) result {
	t.Helper()
	planned := maps.Clone(arguments)
	for name := range p.kind().AttributeTypes {
		if _, set := arguments[name]; !set && name != "triggers" && name != "timeouts" {
			planned[name] = tftypes.UnknownValue
		}
	}
	return p.apply(ctx, t, &tfprotov6.ApplyResourceChangeRequest{
		PriorState: p.null(), PlannedState: p.encode(t, planned), Config: p.encode(t, arguments),
	})
}

// destroy deletes the resource in the given state.
func (p *protocol) destroy(t *testing.T, prior result) result {
	t.Helper()
	return p.apply(t.Context(), t, &tfprotov6.ApplyResourceChangeRequest{
		PriorState: prior.encoded, PlannedPrivate: prior.private, PlannedState: p.null(), Config: p.null(),
	})
}

func (p *protocol) encode(t *testing.T, attributes map[string]any) *tfprotov6.DynamicValue {
	t.Helper()
	return providertest.Encode(t, p.kind(), attributes)
}

func (p *protocol) result(
	t *testing.T, diagnostics []*tfprotov6.Diagnostic, state *tfprotov6.DynamicValue, private []byte,
) result {
	t.Helper()
	decoded := providertest.Decode(t, p.kind(), state)
	return result{diagnostics: diagnostics, encoded: state, state: decoded, private: private}
}

func (p *protocol) null() *tfprotov6.DynamicValue {
	null := must(tfprotov6.NewDynamicValue(p.kind(), tftypes.NewValue(p.kind(), nil)))
	return &null
}

func (p *protocol) apply(ctx context.Context, t *testing.T, request *tfprotov6.ApplyResourceChangeRequest) result {
	t.Helper()
	request.TypeName = resourceType
	response := must(p.ApplyResourceChange(ctx, request))
	return p.result(t, response.Diagnostics, response.NewState, response.Private)
}

// refresh reads the resource in the given state.
func (p *protocol) refresh(t *testing.T, prior result) result {
	t.Helper()
	response := must(p.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: resourceType, CurrentState: prior.encoded, Private: prior.private,
	}))
	return p.result(t, response.Diagnostics, response.NewState, response.Private)
}

// replaces plans the resource with other arguments and reports whether it is replaced.
func (p *protocol) replaces(t *testing.T, prior result, arguments map[string]any) bool {
	t.Helper()
	config := p.encode(t, arguments)
	proposed := maps.Clone(prior.state)
	proposed["triggers"] = providertest.Decode(t, p.kind(), config)["triggers"]
	encoded := must(tfprotov6.NewDynamicValue(p.kind(), tftypes.NewValue(p.kind(), proposed)))
	response := must(p.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: resourceType, PriorState: prior.encoded, PriorPrivate: prior.private,
		ProposedNewState: &encoded, Config: config,
	}))
	result{diagnostics: response.Diagnostics}.none(t)
	return len(response.RequiresReplace) > 0
}

// importBuild imports by ID or by identity; the other one is "".
func (p *protocol) importBuild(t *testing.T, id, identity string) result {
	t.Helper()
	request := &tfprotov6.ImportResourceStateRequest{TypeName: resourceType, ID: id}
	if identity != "" {
		data := providertest.Encode(t, p.Identities[resourceType], map[string]any{"build_id": identity})
		request.Identity = &tfprotov6.ResourceIdentityData{IdentityData: data}
	}
	response := must(p.ImportResourceState(t.Context(), request))
	if len(response.ImportedResources) == 0 {
		return result{diagnostics: response.Diagnostics}
	}
	return p.result(t, response.Diagnostics, response.ImportedResources[0].State, response.ImportedResources[0].Private)
}

// readData validates and reads a data source.
func (p *protocol) readData(t *testing.T, kind string, arguments map[string]any) result {
	t.Helper()
	valueType := p.Schemas.DataSourceSchemas[kind].ValueType()
	config := providertest.Encode(t, valueType, arguments)
	validated := must(p.ValidateDataResourceConfig(t.Context(),
		&tfprotov6.ValidateDataResourceConfigRequest{TypeName: kind, Config: config}))
	if len(validated.Diagnostics) > 0 {
		return result{diagnostics: validated.Diagnostics}
	}
	response := must(p.ReadDataSource(t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: kind, Config: config}))
	return result{diagnostics: response.Diagnostics, state: providertest.Decode(t, valueType, response.State)}
}

// timeouts returns a timeouts block with one argument.
func timeouts(argument, value string) map[string]tftypes.Value {
	block := map[string]tftypes.Value{}
	for _, name := range []string{"create", "read", "delete"} {
		block[name] = tftypes.NewValue(tftypes.String, nil)
	}
	block[argument] = tftypes.NewValue(tftypes.String, value)
	return block
}

// contains checks that a text has each part, regardless of line breaks.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, part := range parts {
		if !strings.Contains(flat, strings.Join(strings.Fields(part), " ")) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}
