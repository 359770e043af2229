// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// aWhile is long enough for a client that wrongly goes on to be noticed.
const aWhile = 100 * time.Millisecond

// isSecond is the key of a context's value that tells the second create from the first.
type isSecond struct{}

// Of two creates of the same name and content, none takes the other's job for its own.
func TestCreateBuildJob_twoOfOneName(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]bool{"the first is lost unstored": false, "the first is lost stored": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			firstEnds, secondIsStored := make(chan struct{}), make(chan struct{})
			server, client := emulated(t, emulator.Quirks{AllowTakenNames: true}, func(config *servicestage.Config) {
				// The answer of the second reaches it when the first has ended.
				config.Log = func(ctx context.Context, _ string, fields ...map[string]any) {
					if ctx.Value(isSecond{}) != nil && fields[0]["method"] == http.MethodPost {
						close(secondIsStored)
						<-firstEnds
					}
				}
			})
			var created [2]*servicestage.CreatedBuildJob
			var errs [2]error
			var group sync.WaitGroup
			server.Order(onPost(emulator.Fault{Drop: true, After: stored, Do: func() {
				group.Go(func() {
					created[1], errs[1] = client.CreateBuildJob(context.WithValue(t.Context(), isSecond{}, true), app)
				})
				select {
				case <-secondIsStored:
				case <-time.After(aWhile):
				}
			}}))
			group.Go(func() {
				defer close(firstEnds)
				created[0], errs[0] = client.CreateBuildJob(t.Context(), app)
			})
			group.Wait()
			if err := errors.Join(errs[:]...); err != nil {
				t.Fatal(err)
			}
			equal(t, "held", heldIDs(server), []string{created[0].ID, created[1].ID})
			equal(t, "different", created[0].ID != created[1].ID, true)
			equal(t, "first adopted", created[0].Adopted, stored)
			equal(t, "second adopted", created[1].Adopted, false)
		})
	}
}

// held is a create of app whose POST has reached the service and is not answered until release is called.
type held struct {
	server  *emulator.Server
	client  *servicestage.Client
	release func() error
}

func holdCreate(t *testing.T) held {
	t.Helper()
	server, client := emulated(t, emulator.Quirks{AllowTakenNames: true})
	arrived, released, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	server.Order(onPost(emulator.Fault{Do: func() { close(arrived); <-released }}))
	go func() {
		_, err := client.CreateBuildJob(t.Context(), app)
		ended <- err
	}()
	<-arrived
	release := sync.OnceValue(func() error { close(released); return <-ended })
	t.Cleanup(func() { _ = release() })
	return held{server, client, release}
}

func TestCreateBuildJob_waitsForTheSameName(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]bool{"app": true, "APP": true, "App": true, "app-2": false, "other": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first := holdCreate(t)
			ended := make(chan error, 1)
			go func() {
				_, err := first.client.CreateBuildJob(t.Context(), servicestage.BuildJobSpec{JobName: name})
				ended <- err
			}()
			if waits {
				select {
				case err := <-ended:
					t.Fatalf("the second create has not waited: %v", err)
				case <-time.After(aWhile):
				}
				equal(t, "number of requests while the first is under way", len(first.server.Requests()), 1)
				if err := first.release(); err != nil {
					t.Error(err)
				}
			}
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			equal(t, "number of requests", len(first.server.Requests()), 2)
		})
	}
}

func TestCreateBuildJob_waitForTheSameNameEnds(t *testing.T) {
	t.Parallel()
	for _, cancelledBefore := range []bool{false, true} {
		for _, name := range []string{"app", "APP"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				first := holdCreate(t)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if cancelledBefore {
					cancel()
				} else {
					time.AfterFunc(aWhile/2, cancel)
				}
				created, err := first.client.CreateBuildJob(ctx, servicestage.BuildJobSpec{JobName: name})
				equal(t, "ended with its context", ctx.Err(), context.Canceled)
				equal(t, "created", created, nil)
				failure := failureOf(t, err)
				equal(t, "error", err, error(failure))
				equal(t, "stopped", failure.Stopped, context.Canceled)
				equal(t, "cancelled", errors.Is(err, context.Canceled), true)
				equal(t, "sent", failure.Sent, false)
				equal(t, "attempts", failure.Attempts, 0)
				equal(t, "text", err.Error(), "POST "+failure.Host+": not sent: stopped: context canceled")
				equal(t, "URL", "http://"+failure.Host, first.server.URL)
				equal(t, "number of requests", len(first.server.Requests()), 1)
				if err := first.release(); err != nil {
					t.Error(err)
				}
				// Neither create keeps the name from a third.
				if _, err := first.client.CreateBuildJob(t.Context(), app); err != nil {
					t.Error(err)
				}
				equal(t, "number of jobs", len(first.server.Jobs()), 2)
			})
		}
	}
}

// A create that fails lets the next one of its name go on.
func TestCreateBuildJob_nextAfterAFailure(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]emulator.Fault{
		"refused": {StatusCode: http.StatusForbidden},
		"lost":    {StatusCode: http.StatusBadGateway},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{}, maxRetries(0))
			server.Order(onPost(fault))
			if _, err := client.CreateBuildJob(t.Context(), app); err == nil {
				t.Error("no error")
			}
			created, err := client.CreateBuildJob(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "held", heldIDs(server), []string{created.ID})
		})
	}
}
