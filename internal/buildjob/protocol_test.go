// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

const typeName = "servicestage_build_job"

// config is the configuration of a build job by path, such as "environment_setting.cluster_id". nil is no
// configuration.
type config map[string]any

// block is the value of a block in a config.
var block any = struct{}{}

// bare is the configuration minimal, and complete is the configuration full without timeouts.
var (
	bare     = config{"job_name": "app", "environment_setting": block}
	complete = config{
		"job_name": "app", "job_description": "Builds the app", "enterprise_project_id": "0",
		"environment_setting": block, "environment_setting.docker_version": "18.09",
		"environment_setting.cluster_id":   "cluster-id",
		"environment_setting.cluster_name": "cluster-name", "environment_setting.use_public_cluster": true,
		"environment_setting.build_os": block, "environment_setting.build_os.arch": "aarch64",
		"code_repo": block, "code_repo.type": "GitHub", "code_repo.url": "https://github.com/acme/app",
		"code_repo.branch": "main", "code_repo.namespace": "acme",
	}
)

// with returns a copy in which a value is replaced; nil removes it.
func (c config) with(path string, value any) config {
	changed := maps.Clone(c)
	if changed[path] = value; value == nil {
		delete(changed, path)
	}
	return changed
}

// raw returns the configuration, with values of prior for computed attributes that are not configured, as Terraform
// proposes it.
func (c config) raw(typ tftypes.Type, at string, prior map[string]tftypes.Value) tftypes.Value {
	object, isObject := typ.(tftypes.Object)
	value := c[at]
	if !isObject || at != "" && value == nil {
		return tftypes.NewValue(typ, value)
	}
	attributes := map[string]tftypes.Value{}
	for name, attributeType := range object.AttributeTypes {
		attributes[name] = c.raw(attributeType, strings.TrimPrefix(at+"."+name, "."), nil)
		if known, ok := prior[name]; ok && attributes[name].IsNull() {
			attributes[name] = known
		}
	}
	return tftypes.NewValue(typ, attributes)
}

// managed is a build job that the test manages over the protocol, as Terraform does. It takes a hundredth of the time
// of a CLI.
type managed struct {
	*providertest.Protocol
	typ      tftypes.Type
	state    tftypes.Value
	private  []byte
	identity *tfprotov6.ResourceIdentityData
}

// manage returns a build job that does not exist yet.
func manage(t *testing.T, server *emulator.Server, adjust ...func(*servicestage.Config)) *managed {
	t.Helper()
	return manageWith(providertest.NewProtocol(t, server, nil, adjust...))
}

// manageWith is manage with a provider.
func manageWith(provider *providertest.Protocol) *managed {
	typ := provider.Schemas.ResourceSchemas[typeName].ValueType()
	return &managed{Protocol: provider, typ: typ, state: tftypes.NewValue(typ, nil)}
}

// another returns a second build job of the same provider.
func (m *managed) another() *managed { return manageWith(m.Protocol) }

func (m *managed) encode(t *testing.T, value tftypes.Value) *tfprotov6.DynamicValue {
	t.Helper()
	encoded, err := tfprotov6.NewDynamicValue(m.typ, value)
	if err != nil {
		t.Fatal(err)
	}
	return &encoded
}

func (m *managed) decode(t *testing.T, value *tfprotov6.DynamicValue) tftypes.Value {
	t.Helper()
	decoded, err := value.Unmarshal(m.typ)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// imports takes over a build job by its import ID, without reading it.
func (m *managed) imports(t *testing.T, id string) []*tfprotov6.Diagnostic {
	t.Helper()
	return m.importBy(t, &tfprotov6.ImportResourceStateRequest{TypeName: typeName, ID: id})
}

func (m *managed) importBy(t *testing.T, request *tfprotov6.ImportResourceStateRequest) []*tfprotov6.Diagnostic {
	t.Helper()
	response, err := m.ImportResourceState(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, imported := range response.ImportedResources {
		m.state, m.private, m.identity = m.decode(t, imported.State), imported.Private, imported.Identity
	}
	return response.Diagnostics
}

// refresh reads the build job into the state.
func (m *managed) refresh(t *testing.T) []*tfprotov6.Diagnostic {
	t.Helper()
	if m.state.IsNull() {
		return nil
	}
	response, err := m.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: typeName, CurrentState: m.encode(t, m.state), Private: m.private, CurrentIdentity: m.identity,
	})
	if err != nil {
		t.Fatal(err)
	}
	if !failed(response.Diagnostics) {
		m.state, m.private, m.identity = m.decode(t, response.NewState), response.Private, response.NewIdentity
	}
	return response.Diagnostics
}

// plan plans without reading, and reports whether it plans a change.
func (m *managed) plan(t *testing.T, c config) (plan *tfprotov6.PlanResourceChangeResponse, changes bool) {
	t.Helper()
	configured, proposed := tftypes.NewValue(m.typ, nil), tftypes.NewValue(m.typ, nil)
	if c != nil {
		var attributes map[string]tftypes.Value
		if err := m.state.As(&attributes); err != nil {
			t.Fatal(err)
		}
		computed := map[string]tftypes.Value{}
		for _, attribute := range m.Schemas.ResourceSchemas[typeName].Block.Attributes {
			if known, ok := attributes[attribute.Name]; ok && attribute.Computed {
				computed[attribute.Name] = known
			}
		}
		configured, proposed = c.raw(m.typ, "", nil), c.raw(m.typ, "", computed)
	}
	plan, err := m.PlanResourceChange(t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: typeName, PriorState: m.encode(t, m.state), ProposedNewState: m.encode(t, proposed),
		Config:       m.encode(t, configured),
		PriorPrivate: m.private, PriorIdentity: m.identity,
	})
	if err != nil {
		t.Fatal(err)
	}
	return plan, failed(plan.Diagnostics) || !m.decode(t, plan.PlannedState).Equal(m.state)
}

// apply plans without reading, and applies the plan; nil destroys. As Terraform does, it rejects a result that
// differs from the plan.
func (m *managed) apply(t *testing.T, c config) []*tfprotov6.Diagnostic {
	t.Helper()
	plan, changes := m.plan(t, c)
	if failed(plan.Diagnostics) || !changes {
		return plan.Diagnostics
	}
	configured := tftypes.NewValue(m.typ, nil)
	if c != nil {
		configured = c.raw(m.typ, "", nil)
	}
	response, err := m.ApplyResourceChange(t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: typeName, PriorState: m.encode(t, m.state), PlannedState: plan.PlannedState,
		Config:         m.encode(t, configured),
		PlannedPrivate: plan.PlannedPrivate, PlannedIdentity: plan.PlannedIdentity,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.state, m.private, m.identity = m.decode(t, response.NewState), response.Private, response.NewIdentity
	differences, err := m.decode(t, plan.PlannedState).Diff(m.state)
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range differences {
		planned := difference.Value1
		if !failed(response.Diagnostics) && planned != nil && planned.IsFullyKnown() {
			t.Errorf("inconsistent result after apply: %s", difference)
		}
	}
	return response.Diagnostics
}

// converge refreshes and applies without an error, and requires that the next plan is empty.
func (m *managed) converge(t *testing.T, c config) {
	t.Helper()
	expectDiagnostics(t, m.refresh(t))
	expectDiagnostics(t, m.apply(t, c))
	m.expectNoChange(t, c)
}

// expectNoChange fails the test if a plan with or without a refresh before it has a change.
func (m *managed) expectNoChange(t *testing.T, c config) {
	t.Helper()
	for _, when := range []string{"before", "after"} {
		if plan, changes := m.plan(t, c); changes {
			t.Errorf("plan %s a refresh: %v\n got %s\nfrom %s", when, plan.Diagnostics, m.decode(t, plan.PlannedState), m.state)
		}
		expectDiagnostics(t, m.refresh(t))
	}
}

// value returns an attribute or a block of the state by its path; nil if it is null.
func (m *managed) value(t *testing.T, path string) any {
	t.Helper()
	at := tftypes.NewAttributePath()
	for name := range strings.SplitSeq(path, ".") {
		at = at.WithAttributeName(name)
	}
	found, _, err := tftypes.WalkAttributePath(m.state, at)
	value, ok := found.(tftypes.Value)
	if err != nil || !ok || value.IsNull() {
		return nil
	}
	switch {
	case value.Type().Is(tftypes.String):
		var text string
		err = value.As(&text)
		found = text
	case value.Type().Is(tftypes.Bool):
		var flag bool
		err = value.As(&flag)
		found = flag
	default:
		found = block
	}
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// responding returns a fault that replaces one response.
func responding(status int, body string) emulator.Fault {
	return emulator.Fault{StatusCode: status, Body: body}
}

// repo returns the code_repo of a spec.
func repo(url string) map[string]any {
	return map[string]any{"type": "GitHub", "url": url, "branch": "main", "namespace": "acme"}
}

// sent returns the number of requests that created (POST), updated (PUT) or deleted build jobs.
func sent(server *emulator.Server, method string) int {
	if method == http.MethodPost {
		return server.CountRequests(method, jobsPath)
	}
	return server.CountRequests(method, jobPath)
}

func failed(diagnostics []*tfprotov6.Diagnostic) bool {
	for _, diagnostic := range diagnostics {
		if diagnostic.Severity == tfprotov6.DiagnosticSeverityError {
			return true
		}
	}
	return false
}

// expectDiagnostics fails the test unless there is one diagnostic for each pattern, which matches severity, path,
// summary and detail. Without a pattern, warnings are allowed.
func expectDiagnostics(t *testing.T, diagnostics []*tfprotov6.Diagnostic, patterns ...string) {
	t.Helper()
	var shown []string
	for _, d := range diagnostics {
		shown = append(shown, d.Severity.String()+" "+d.Attribute.String()+" "+d.Summary+": "+d.Detail)
	}
	ok := len(patterns) == 0 && !failed(diagnostics) || len(patterns) == len(shown)
	for i := 0; ok && i < len(patterns); i++ {
		ok = regexp.MustCompile(`(?s)` + patterns[i]).MatchString(shown[i])
	}
	if !ok {
		t.Errorf("got diagnostics\n%s\nwant\n%s", strings.Join(shown, "\n"), strings.Join(patterns, "\n"))
	}
}
