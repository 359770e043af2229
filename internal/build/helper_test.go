// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
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
			"type": "GitHub", "url": "https://user:secret@github.com/acme/checkout", "branch": "main",
			"namespace": "acme",
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
func (s *service) protocol(t *testing.T, settings map[string]any) *providertest.Protocol {
	t.Helper()
	all := map[string]any{"access_key": nil, "secret_key": nil, "token": emulator.DefaultToken, "project_id": nil}
	maps.Copy(all, settings)
	return providertest.NewProtocol(t, s.Server, all, s.adjust)
}

const (
	resourceType = "servicestage_build"
	startAction  = "servicestage_start_build"
	cancelAction = "servicestage_cancel_build"
)

// newBuild returns a resource that does not exist yet.
func (s *service) newBuild(t *testing.T) *providertest.Instance {
	t.Helper()
	return s.protocol(t, nil).NewInstance(resourceType)
}

// started returns a resource that was created without waiting.
func (s *service) started(t *testing.T) *providertest.Instance {
	t.Helper()
	build := s.newBuild(t)
	build.Apply(t, providertest.Arguments{"job_id": s.jobID, "wait": false}).Expect(t)
	return build
}

// startBuild invokes the action on the build job.
func (s *service) startBuild(ctx context.Context, t *testing.T, more providertest.Arguments) providertest.Result {
	t.Helper()
	arguments := providertest.Arguments{"job_id": s.jobID}
	maps.Copy(arguments, more)
	p := s.protocol(t, nil) //nolint:contextcheck // The provider ends with the test.
	return p.Invoke(ctx, t, startAction, arguments)
}

const (
	isError   = tfprotov6.DiagnosticSeverityError
	isWarning = tfprotov6.DiagnosticSeverityWarning
)

// one returns the pattern of a diagnostic with the texts in this order: the path, the summary and parts of the detail.
func one(severity tfprotov6.DiagnosticSeverity, texts ...string) string {
	quoted := make([]string, len(texts))
	for i, text := range texts {
		quoted[i] = regexp.QuoteMeta(text)
	}
	return severity.String() + " .*" + strings.Join(quoted, ".*")
}

// contains checks that a text has each part.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}
