// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// A rename waits for another write that frees the name, even if that takes long, or if the service has freed the name
// before its response.
func TestUpdateBuildJob_slowWriteIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ isDelete, isFreed bool }{
		"rename": {}, "freed before the response": {isFreed: true}, "deletion": {isDelete: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var waits atomic.Int32
			arrived, polled := make(chan struct{}), make(chan struct{})
			release := sync.OnceFunc(func() { close(polled) })
			server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) {
				config.Wait = func(ctx context.Context, _ time.Duration) error {
					if waits.Add(1) == 10 { // More than without a write in progress.
						release()
					}
					return ctx.Err()
				}
			})
			slow, other := server.AddJob(named("name-a")), server.AddJob(named("name-b"))
			rename := func(id, name string) error {
				current, err := client.GetBuildJob(t.Context(), id, "")
				if err != nil {
					return err
				}
				return client.UpdateBuildJob(t.Context(), current, servicestage.Spec{"job_name": name})
			}
			server.InjectFault(emulator.Fault{Path: jobs + "/" + slow, When: isWrite, Do: func() {
				if c.isFreed {
					server.ChangeJob(slow, func(spec map[string]any) { spec["job_name"] = "name-z" })
				}
				close(arrived)
				<-polled
			}})
			if c.isFreed { // It was rejected before.
				server.InjectFault(emulator.Fault{
					Path: jobs + "/" + other, When: isWrite,
					StatusCode: http.StatusBadRequest, Body: `{"error_code":"SVCSTG.CPE.4094401"}`,
				})
			}
			var group sync.WaitGroup
			group.Go(func() {
				if c.isDelete {
					equal(t, "deletion", client.DeleteBuildJob(t.Context(), slow, ""), nil)
					return
				}
				equal(t, "slow rename", rename(slow, "name-z"), nil)
			})
			<-arrived
			equal(t, "rename", rename(other, "name-a"), nil)
			release()
			group.Wait()
		})
	}
}

func isWrite(r emulator.Request) bool { return r.Method != http.MethodGet }

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
	if outcome := errorOf[unknownOutcome](t, err); outcome.Name != "app" {
		t.Error(outcome)
	}
	equal(t, "POST requests", posts(server), 2)
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
	noError(t, err)
	err = client.UpdateBuildJob(t.Context(), current, servicestage.Spec{"job_name": "a"})
	equal(t, "named", errorOf[nameTaken](t, err).Job.ID, holder)
}
