// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package buildjob_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// theirJob returns the spec of a build job that somebody else creates under the name of the tests.
func theirJob() map[string]any {
	return map[string]any{"job_name": "app", "job_description": "theirs", "environment_setting": map[string]any{}}
}

// A duplicate is a warning: an error would taint the resource.
func TestBuildJob_duplicateIsReportedAndNotReplaced(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, After: true})
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobsPath, Times: 4, StatusCode: http.StatusOK, Body: `{"total":0,"list":[]}`,
		When: func(r emulator.Request) bool { return strings.Contains(r.Query, "job_name=") },
	})
	m := manage(t, server)
	m.Apply(t, bare).Expect(t, `WARNING  Possible duplicate build job: .*`+
		`ServiceStage contains other new build jobs of this name: [a-z0-9]{40}\.`)
	if jobs := len(server.Jobs()); jobs != 2 {
		t.Errorf("the service contains %d build jobs, want 2", jobs)
	}
	m.ExpectNoChange(t, bare)
}

// If no request had a response, the adopted build job may have a duplicate that is not listed yet.
func TestBuildJob_adoptedAfterResendMayHaveDuplicate(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, isStored := range []bool{false, true} {
		server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Drop: true, After: isStored})
	}
	m := manage(t, server)
	m.Apply(t, bare).Expect(t, "WARNING  Build job adopted after a lost response",
		"WARNING  Possible duplicate build job: .*was sent several times without a response.*but the list may lag")
	expectManaged(t, m, server)
	m.ExpectNoChange(t, bare)
}

// If the response to a create is lost, and the list has a build job of somebody else or cannot be read, the error says
// so, and nothing is sent again.
func TestBuildJob_unknownOutcome(t *testing.T) {
	t.Parallel()
	lost := emulator.Fault{Method: http.MethodPost, Path: jobsPath, StatusCode: http.StatusBadGateway}
	unlisted := denied(http.MethodGet, jobsPath)
	unlisted.Times = -1
	for want, during := range map[string]func(*emulator.Server){
		`have the name "app": [a-z0-9]{40}\. They may belong`: func(s *emulator.Server) { s.AddJob(theirJob()) },
		`list of build jobs could not be read: .*HTTP 403`:    func(s *emulator.Server) { s.InjectFault(unlisted) },
	} {
		server := emulator.New(t, emulator.Options{})
		fault := lost
		fault.Do = func() { during(server) }
		server.InjectFault(fault)
		m := manage(t, server)
		m.Apply(t, bare).Expect(t, `ERROR  Error creating build job: .*`+want)
		if posts := sent(server, http.MethodPost); posts != 1 || !m.State.IsNull() {
			t.Errorf("%d POST requests, want 1, and the state %s", posts, m.State)
		}
	}
}

// A build job of the same name that existed before is named, and neither adopted nor changed.
func TestBuildJob_foreignJobIsNotAdopted(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	theirs := server.AddJob(theirJob())
	m := manage(t, server)
	m.Apply(t, bare).Expect(t, `Error creating build job: .*Build job `+theirs+` has the name "app".*`+
		`Unless another resource or team already manages`)
	if spec := server.Jobs()[0].Spec; spec["job_description"] != "theirs" || !m.State.IsNull() {
		t.Errorf("the service contains %v, the state %s", spec, m.State)
	}
	m.Converge(t, bare.With("job_name", "mine"))
	m.Apply(t, bare).Expect(t, `Error updating build job: .*has the name "app".*Choose a different job_name`)
}

// A build job that no read has confirmed stays in the state for ten minutes: it is neither created again nor lost by
// a destroy.
func TestBuildJob_unconfirmedIsNotLost(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{
		Path: jobPath, Times: -1, StatusCode: http.StatusNotFound, Body: `{"error_code":"SVCSTG.CPE.4044401"}`,
	})
	var later atomic.Int64
	m := manage(t, server, func(config *servicestage.Config) {
		config.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	unread := bare.With("timeouts", providertest.Block).With("timeouts.create", "1s")
	m.Apply(t, unread).Expect(t, `WARNING  Error reading the new build job`)
	const notYet = `ERROR  Build job not readable yet: .*stays in the state for 10 minutes`
	m.Refresh(t).Expect(t, notYet)
	m.Apply(t, unread.With("job_description", "x")).Expect(t, notYet)
	m.Apply(t, nil).Expect(t, notYet)

	later.Store(int64(11 * time.Minute))
	removed := *m
	removed.Refresh(t).Expect(t)
	if !removed.State.IsNull() {
		t.Errorf("after 11 minutes, the state still has %s", removed.State)
	}
	later.Store(0)
	server.ForgetFaults()
	m.Converge(t, unread)
	expectManaged(t, m, server)
	if posts := sent(server, http.MethodPost); posts != 1 {
		t.Errorf("%d POST requests, want 1", posts)
	}
	m.Apply(t, nil).Expect(t)
}

// A response that describes another build job is an error: state and destroy stay with the right one.
func TestBuildJob_responseForAnotherJobIsNotAccepted(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	other := server.AddJob(named("other"))
	m := manage(t, server)
	m.Converge(t, bare)
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobPath, StatusCode: http.StatusOK, Body: fmt.Sprintf(
			`{"job_id":%q,"spec":{"job_name":"other"}}`, other,
		),
	})
	m.Refresh(t).Expect(t, "the response describes another build job: "+other)
	m.ExpectNoChange(t, bare)
	m.Apply(t, nil).Expect(t)
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].ID != other {
		t.Errorf("the service contains %v after the destroy, want only the other build job", jobs)
	}
}

// A create response with the ID of somebody else's build job, which the list did not contain, adds nothing to the
// state.
func TestBuildJob_foreignIDInResponseIsNotAdopted(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{AllowTakenNames: true}})
	var theirs string
	server.InjectFault(emulator.Fault{Method: http.MethodPost, Path: jobsPath, Do: func() {
		theirs = server.AddJob(theirJob())
		server.InjectFault(emulator.Fault{
			Method: http.MethodPost, Path: jobsPath, StatusCode: http.StatusOK,
			Body: fmt.Sprintf(`{"job_id":%q}`, theirs),
		})
	}, StatusCode: http.StatusTooManyRequests})
	m := manage(t, server)
	m.Apply(t, bare).Expect(t, `ServiceStage returned the ID of another build job, `+theirs)
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].ID != theirs || !m.State.IsNull() {
		t.Errorf("the service contains %v, the state %s", jobs, m.State)
	}
}

// A new build job for which ServiceStage chose a cluster stays in the state: it is not somebody else's.
func TestBuildJob_clusterChosenByServiceIsNoForeignJob(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	server.InjectFault(emulator.Fault{Method: http.MethodGet, Path: jobPath, Do: func() {
		server.ChangeJob(server.Jobs()[0].ID, func(spec map[string]any) {
			spec["environment_setting"] = map[string]any{"cluster_id": "c", "cluster_name": "of the service"}
		})
	}})
	m := manage(t, server)
	m.Converge(t, bare)
	if jobs := server.Jobs(); len(jobs) != 1 || jobs[0].ID != id(t, server) || m.State.IsNull() {
		t.Errorf("the service contains %v, the state %s", jobs, m.State)
	}
}

// A few stale reads after an update do not fail it, and neither does a failed read after them.
func TestBuildJob_staleReadAfterUpdate(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	m := manage(t, server)
	m.Converge(t, bare)
	stale := emulator.Fault{
		Method: http.MethodGet, Path: jobPath, Times: 3, StatusCode: http.StatusOK,
		Body: fmt.Sprintf(`{"job_id":%q,"spec":{"job_name":"app"}}`, id(t, server)),
	}
	afterPut := func(faults ...emulator.Fault) {
		server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobPath, Do: func() {
			for _, fault := range faults {
				server.InjectFault(fault)
			}
		}})
	}
	afterPut(stale)
	m.Converge(t, bare.With("job_description", "x"))
	afterPut(stale, denied(http.MethodGet, jobPath))
	m.Apply(t, bare.With("job_description", "y")).Expect(t, `WARNING  Error reading the updated build job: .*HTTP 403`)
	m.Converge(t, bare.With("job_description", "y"))
}

// Prepending to a list renames every build job of a count; one apply is enough although names are unique.
func TestBuildJob_renamesConvergeInOneApply(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	config := func(names string) string {
		return providertest.Config(server, fmt.Sprintf(`
locals { names = %s }
resource "servicestage_build_job" "test" {
  count    = length(local.names)
  job_name = local.names[count.index]
  environment_setting {}
}
`, names))
	}
	// Renames wait for each other, for a shorter time than usual.
	factories := providertest.Factories(func(config *servicestage.Config) {
		config.Wait = func(ctx context.Context, wait time.Duration) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(wait / 10):
				return nil
			}
		}
	})
	providertest.RunWith(t, server, factories,
		resource.TestStep{Config: config(`["n1", "n2", "n3"]`)},
		resource.TestStep{Config: config(`["n0", "n1", "n2", "n3"]`)},
		resource.TestStep{Config: config(`["n1", "n2", "n3"]`)},
		resource.TestStep{
			Config: config(`["n2", "n1", "n3"]`),
			ExpectError: regexp.MustCompile(
				`(?s)Error updating build job.*[a-z0-9]{40}[\s│]+has[\s│]+the[\s│]+name[\s│]+"n[12]"`,
			),
		},
	)
}

// Mismatches name the argument and print no value: the provider cannot know which are sensitive. After a create they
// are a warning, because an error would taint the build job.
func TestBuildJob_mismatchPrintsNoValue(t *testing.T) {
	t.Parallel()
	m := manage(t, emulator.New(t, emulator.Options{Quirks: emulator.Quirks{IgnoreEnterpriseProject: true}}))
	c := bare.With("enterprise_project_id", "canary-project")
	diagnostics := m.Apply(t, c)
	diagnostics.Expect(t, `WARNING AttributeName\("enterprise_project_id"\) ServiceStage ignored an argument`)
	if strings.Contains(diagnostics[0].Summary+diagnostics[0].Detail, "canary") {
		t.Error("the warning prints the value")
	}
	m.Refresh(t).Expect(t)
	if _, changes := m.Plan(t, c); !changes {
		t.Error("the next plan is empty")
	}
}
