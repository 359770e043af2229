// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"context"
	"fmt"
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

// world is a service with one job, whose builds take a minute, and a client that shares its clock. Whoever waits moves the clock.
type world struct {
	*emulator.Server
	jobID string

	mu     sync.Mutex
	now    time.Time
	waited []time.Duration
}

func newWorld(t *testing.T, adjust ...func(*emulator.Options)) *world {
	t.Helper()
	w := &world{now: time.Date(2025, 11, 14, 9, 6, 28, 0, time.UTC)}
	options := emulator.Options{Now: w.Now, BuildDuration: time.Minute}
	for _, f := range adjust {
		f(&options)
	}
	w.Server = emulator.New(t, options)
	w.jobID = w.AddJob(map[string]any{
		"job_name": "checkout-service", "environment_setting": map[string]any{},
		"code_repo": map[string]any{"type": "GitHub", "url": "https://user:secret@github.com/acme/checkout", "branch": "main", "namespace": "acme"},
	})
	return w
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(ctx context.Context, d time.Duration) error {
	w.advance(d)
	return ctx.Err()
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
	w.waited = append(w.waited, d)
}

// adjust gives a client the clock. The test's clock is no time to sign with, so it sends a token.
func (w *world) adjust(config *servicestage.Config) {
	config.Now, config.Wait, config.Authenticator = w.Now, w.wait, auth.Token(emulator.DefaultToken)
}

func (w *world) run(t *testing.T, steps ...resource.TestStep) {
	t.Helper()
	providertest.RunWith(t, nil, providertest.Factories(w.adjust), steps...)
}

// states are those of all builds, oldest first.
func (w *world) states() string {
	var states []string
	for _, build := range w.Builds() {
		states = append(states, build.State)
	}
	return strings.Join(states, " ")
}

// expect checks what the service holds and how often it was asked to start and to cancel.
func (w *world) expect(t *testing.T, states string, starts, cancels int) {
	t.Helper()
	if got := w.states(); got != states {
		t.Errorf("the service holds builds in the states %q, want %q", got, states)
	}
	if got := w.CountRequests(http.MethodPost, buildsPath); got != starts {
		t.Errorf("%d starts reached the service, want %d", got, starts)
	}
	if got := w.CountRequests(http.MethodPatch, buildPath); got != cancels {
		t.Errorf("%d cancels reached the service, want %d", got, cancels)
	}
}

// during does something when a build is asked for that is in the given phase. The connection breaks, so that nobody learns the
// state of that moment.
func (w *world) during(phase string, do func()) {
	start, from := w.Now(), time.Duration(slices.Index(phaseNames, phase))*10*time.Second
	w.Order(emulator.Fault{
		Method: http.MethodGet, Path: buildPath, Drop: true, Do: do,
		When: func(emulator.Request) bool { return w.Now().Sub(start) >= from },
	})
}

// invocation is what an action said.
type invocation struct {
	progress    []string
	diagnostics []*tfprotov6.Diagnostic
}

// only returns the one diagnostic as text, and fails unless there is exactly one, of the given severity.
func (i invocation) only(t *testing.T, severity tfprotov6.DiagnosticSeverity) string {
	t.Helper()
	if len(i.diagnostics) != 1 || i.diagnostics[0].Severity != severity {
		t.Fatalf("%d diagnostics, want one of severity %s: %s", len(i.diagnostics), severity, i)
	}
	return i.diagnostics[0].Summary + "\n" + i.diagnostics[0].Detail
}

func (i invocation) String() string {
	var text strings.Builder
	for _, diagnostic := range i.diagnostics {
		fmt.Fprintf(&text, "%s: %s: %s (%s)\n", diagnostic.Severity, diagnostic.Summary, diagnostic.Detail, diagnostic.Attribute)
	}
	return text.String()
}

// invoke invokes an action over protocol 6, as Terraform 1.14 does: configure, validate, plan, invoke.
func (w *world) invoke(ctx context.Context, t *testing.T, name string, arguments map[string]any) invocation {
	t.Helper()
	server, schema := w.configured(ctx, t)
	config := dynamic(t, schema.ActionSchemas[name].Schema.ValueType(), arguments)
	validated, err := server.ValidateActionConfig(ctx, &tfprotov6.ValidateActionConfigRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if len(validated.Diagnostics) > 0 {
		return invocation{diagnostics: validated.Diagnostics}
	}
	planned, err := server.PlanAction(ctx, &tfprotov6.PlanActionRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	if len(planned.Diagnostics) > 0 {
		return invocation{diagnostics: planned.Diagnostics}
	}
	stream, err := server.InvokeAction(ctx, &tfprotov6.InvokeActionRequest{ActionType: name, Config: config})
	if err != nil {
		t.Fatal(err)
	}
	var result invocation
	for event := range stream.Events {
		switch event := event.Type.(type) {
		case tfprotov6.ProgressInvokeActionEventType:
			result.progress = append(result.progress, event.Message)
		case tfprotov6.CompletedInvokeActionEventType:
			result.diagnostics = event.Diagnostics
		}
	}
	return result
}

// providerServer is a provider with all of protocol 6.
type providerServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ActionServer
}

// configured is the provider in this process, with its settings.
func (w *world) configured(ctx context.Context, t *testing.T) (providerServer, *tfprotov6.GetProviderSchemaResponse) {
	t.Helper()
	providertest.Prepare(t)
	server, err := providertest.Factories(w.adjust)["servicestage"]()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	configured, err := server.ConfigureProvider(ctx, &tfprotov6.ConfigureProviderRequest{
		Config: dynamic(t, schema.Provider.ValueType(), map[string]any{
			"region": "cn-north-4", "project_id": "test-project", "token": emulator.DefaultToken,
			"endpoints": map[string]tftypes.Value{"servicestage": tftypes.NewValue(tftypes.String, w.URL)},
		}),
	})
	if err != nil || len(configured.Diagnostics) > 0 {
		t.Fatal(err, invocation{diagnostics: configured.Diagnostics})
	}
	return server.(providerServer), schema
}

// dynamic is an object with the given attributes; the others are null.
func dynamic(t *testing.T, kind tftypes.Type, attributes map[string]any) *tfprotov6.DynamicValue {
	t.Helper()
	object := kind.(tftypes.Object)
	values := map[string]tftypes.Value{}
	for name, kind := range object.AttributeTypes {
		values[name] = tftypes.NewValue(kind, attributes[name])
	}
	for name := range attributes {
		if _, ok := values[name]; !ok {
			t.Fatalf("there is no attribute %s", name)
		}
	}
	value, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, values))
	if err != nil {
		t.Fatal(err)
	}
	return &value
}

// contains checks that a text has each part, however it is wrapped.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	flat := strings.Join(strings.Fields(text), " ")
	for _, part := range parts {
		if !strings.Contains(flat, strings.Join(strings.Fields(part), " ")) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

func lacks(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("%q is in\n%s", part, text)
		}
	}
}

// phaseOf is the phase that a message names, as in "checkout-service #12: Build, 1m20s".
func phaseOf(message string) string {
	_, rest, _ := strings.Cut(message, ": ")
	phase, _, _ := strings.Cut(rest, ",")
	return phase
}

// phasesOf are the phases of the messages, each once where it comes again at once.
func phasesOf(messages []string) []string {
	var phases []string
	for _, message := range messages {
		phases = append(phases, phaseOf(message))
	}
	return slices.Compact(phases)
}
