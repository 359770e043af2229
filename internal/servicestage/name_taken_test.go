// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// A rename waits for another one that takes long, also if that was rejected itself before.
func TestUpdateBuildJob_slowRenameIsWaitedFor(t *testing.T) {
	t.Parallel()
	const polls = 10 // More than a rename waits if no other write is in progress.
	var waits atomic.Int32
	rejected, deleted, polled := make(chan struct{}), make(chan struct{}), make(chan struct{})
	inFlight := make(chan struct{}) // The second request of b.
	begin := sync.OnceFunc(func() { close(inFlight) })
	server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
		config.Wait = func(ctx context.Context, _ time.Duration) error {
			select {
			case rejected <- struct{}{}: // The first wait of each rename.
				<-deleted
			case <-inFlight:
				if waits.Add(1) == polls {
					close(polled)
				}
			}
			return ctx.Err()
		}
	})
	add := func(name string) *servicestage.BuildJob {
		job, err := client.GetBuildJob(t.Context(), server.AddJob(named(name)), "")
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	a, b, c := add("name-a"), add("name-b"), add("name-c")
	var group sync.WaitGroup
	group.Go(func() {
		defer begin()
		if err := client.UpdateBuildJob(t.Context(), b, servicestage.BuildJobSpec{JobName: "name-c"}); err != nil {
			t.Errorf("b: %v", err)
		}
	})
	<-rejected
	block := func() { begin(); <-polled }
	server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobs + "/" + b.ID, Do: block})
	failed := make(chan struct{})
	group.Go(func() {
		if err := client.UpdateBuildJob(t.Context(), a, servicestage.BuildJobSpec{JobName: "name-b"}); err != nil {
			t.Errorf("a: %v after %d waits", err, waits.Load())
			close(failed)
		}
	})
	<-rejected
	if err := client.DeleteBuildJob(t.Context(), c.ID, ""); err != nil {
		t.Error(err)
	}
	close(deleted)
	select {
	case <-polled:
	case <-failed:
		close(polled)
	}
	group.Wait()
}

// While other build jobs free their names, a server error with a code of the service is followed by at most one more
// request, and a build job that may exist is reported.
func TestCreateBuildJob_freedNamesCauseNoUnreportedDuplicate(t *testing.T) {
	t.Parallel()
	var server *emulator.Server
	var client *servicestage.Client
	server, client = emulated(t, emulator.Quirks{AllowTakenNames: true}, func(config *servicestage.Config) {
		config.Wait = func(ctx context.Context, _ time.Duration) error {
			if jobs := server.Jobs(); jobs[0].Name() != "app" {
				if err := client.DeleteBuildJob(ctx, jobs[0].ID, ""); err != nil {
					t.Error(err)
				}
			}
			return ctx.Err()
		}
	})
	for range 20 {
		server.AddJob(named("other"))
	}
	server.InjectFault(onPost(emulator.Fault{
		Times: -1, After: true, StatusCode: http.StatusInternalServerError, Body: `{"error_code":"SVCSTG.CPE.5004401"}`,
	}))
	server.InjectFault(laggingList(-1))
	_, err := client.CreateBuildJob(t.Context(), app)
	if outcome := unknownOutcome(t, err); outcome.Name != "app" {
		t.Error(outcome)
	}
	equal(t, "POST requests", posts(server), 2)
}

// A rename waits for the name although the service has freed it before the response of the other rename has arrived.
func TestUpdateBuildJob_freedNameWithLateResponseIsWaitedFor(t *testing.T) {
	t.Parallel()
	rejected := make(chan struct{})
	var once sync.Once
	server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) { config.Wait = nil })
	first := server.AddJob(named("name-a"))
	second := server.AddJob(named("name-b"))
	put := func(id string) emulator.Fault { return emulator.Fault{Method: http.MethodPut, Path: jobs + "/" + id} }
	late := put(first)
	late.Do = func() {
		server.ChangeJob(first, func(spec map[string]any) { spec["job_name"] = "name-z" }) // Without a response yet.
		<-rejected
	}
	server.InjectFault(late)
	early := put(second)
	early.StatusCode, early.Body, early.Do = http.StatusBadRequest, `{"error_code":"SVCSTG.CPE.4094401"}`, func() {
		time.AfterFunc(100*time.Millisecond, func() { once.Do(func() { close(rejected) }) })
	}
	server.InjectFault(early)
	rename := func(id, name string) error {
		current, err := client.GetBuildJob(t.Context(), id, "")
		if err != nil {
			return err
		}
		return client.UpdateBuildJob(t.Context(), current, servicestage.BuildJobSpec{JobName: name})
	}
	var group sync.WaitGroup
	group.Go(func() { equal(t, "first", rename(first, "name-z"), nil) })
	for server.CountRequests(http.MethodPut, jobs+"/"+first) == 0 {
		time.Sleep(time.Millisecond)
	}
	equal(t, "second", rename(second, "name-a"), nil)
	group.Wait()
}

// The build job that has the name is reported for a server error with a code of the service too.
func TestUpdateBuildJob_nameTakenAsServerError(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{})
	holder := server.AddJob(named("a"))
	id := server.AddJob(named("b"))
	server.InjectFault(emulator.Fault{
		Method: http.MethodPut, Path: jobs + "/*", Times: -1,
		StatusCode: http.StatusInternalServerError, Body: `{"error_code":"SVCSTG.CPE.5004401"}`,
	})
	current, err := client.GetBuildJob(t.Context(), id, "")
	if err != nil {
		t.Fatal(err)
	}
	err = client.UpdateBuildJob(t.Context(), current, servicestage.BuildJobSpec{JobName: "a"})
	equal(t, "named", nameTaken(t, err).Job.ID, holder)
}

// A list may contain any ID.
func TestCreateBuildJob_idIsSanitized(t *testing.T) {
	t.Parallel()
	const evil = "a\x1b[31m\u202eb"
	job := servicestage.BuildJobSummary{ID: evil + strings.Repeat("x", 1000), Name: evil}
	cause := errors.New("rejected")
	for _, err := range []error{
		&servicestage.NameTakenError{Job: job, Err: cause}, &servicestage.ExistingIDError{ID: job.ID},
		&servicestage.UnknownOutcomeError{Jobs: []servicestage.BuildJobSummary{job}, Err: cause},
	} {
		if text := err.Error(); text != rest.Sanitize(text, 300) || !strings.Contains(text, "abx") {
			t.Errorf("%T: %q", err, text)
		}
	}
}
