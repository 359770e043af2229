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
	rejected, deleted, polled := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
	server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
		config.Wait = func(ctx context.Context, _ time.Duration) error {
			select {
			case <-deleted:
				if waits.Add(1) == polls {
					close(polled)
				}
			case rejected <- struct{}{}:
				<-deleted
			}
			return ctx.Err()
		}
	})
	add := func(name string) *servicestage.BuildJob {
		job, err := client.GetBuildJob(t.Context(), server.AddJob(map[string]any{"job_name": name, "environment_setting": map[string]any{}}), "")
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	a, b, c := add("name-a"), add("name-b"), add("name-c")
	var group sync.WaitGroup
	group.Go(func() {
		if err := client.UpdateBuildJob(t.Context(), b, servicestage.BuildJobSpec{JobName: "name-c"}); err != nil {
			t.Errorf("b: %v", err)
		}
	})
	<-rejected
	server.InjectFault(emulator.Fault{Method: http.MethodPut, Path: jobs + "/" + b.ID, Do: func() { <-polled }})
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

// A create that is sent again after its outcome was unknown and the name was freed may have created two build jobs.
func TestCreateBuildJob_resendAfterFreedNameIsReported(t *testing.T) {
	t.Parallel()
	var foreign string
	var free sync.Once
	var server *emulator.Server
	var client *servicestage.Client
	server, client = emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
		config.Wait = func(ctx context.Context, _ time.Duration) error {
			if posts(server) == 2 {
				free.Do(func() {
					if err := client.DeleteBuildJob(ctx, foreign, ""); err != nil {
						t.Error(err)
					}
				})
			}
			return ctx.Err()
		}
	})
	foreign = server.AddJob(appSpec())
	server.InjectFault(onPost(emulator.Fault{Times: 2, StatusCode: http.StatusInternalServerError, Body: `{"error_code":"SVCSTG.CPE.5004401"}`}))
	created, err := client.CreateBuildJob(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "stored", storedIDs(server), []string{created.ID})
	equal(t, "POST requests", posts(server), 3)
	equal(t, "resent", created.Resent, true)
}

// A list may contain any ID.
func TestCreateBuildJob_idCannotSteerTheTerminal(t *testing.T) {
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
