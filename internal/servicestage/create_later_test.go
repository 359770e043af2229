// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// laterFailures are the ways in which a send can fail for certain, which an earlier, lost one leaves in doubt all the same.
var laterFailures = map[string]struct {
	fault emulator.Fault
	sends int
}{
	"307":               {emulator.Fault{StatusCode: 307}, 1},
	"400":               {emulator.Fault{StatusCode: 400, Body: `{"error_code":"SVCSTG.CPE.4000001"}`}, 1},
	"401":               {emulator.Fault{StatusCode: 401}, 1},
	"403":               {emulator.Fault{StatusCode: 403, Body: `{"error_code":"APIGW.0302"}`}, 1},
	"409":               {emulator.Fault{StatusCode: 409, Body: `{"error_code":"SVCSTG.CPE.4090001"}`}, 1},
	"429 for ever":      {emulator.Fault{StatusCode: 429, Times: -1}, 4},
	"error code in 200": {emulator.Fault{StatusCode: 200, Body: `{"error_code":"SVCSTG.CPE.5000001"}`}, 1},
}

// After a lost send, the list decides what becomes of every later failure.
func TestCreateBuildJob_laterFailure(t *testing.T) {
	t.Parallel()
	for name, later := range laterFailures {
		// orderSends makes the first send be lost, once the job is stored or before, and the later ones fail.
		orderSends := func(server *emulator.Server, stored bool, do func()) {
			server.Order(onPost(emulator.Fault{Drop: true, After: stored}))
			fault := later.fault
			fault.Do = sync.OnceFunc(do)
			server.Order(onPost(fault))
		}
		t.Run(name+", the list shows the job", func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			orderSends(server, true, func() {})
			server.Order(emptyList(4))
			created, err := client.CreateBuildJob(t.Context(), app)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1+later.sends)
			equal(t, "number of lists", server.CountRequests(http.MethodGet, jobs), 5)
			equal(t, "held", heldIDs(server), []string{created.ID})
			equal(t, "created", *created, servicestage.CreatedBuildJob{ID: created.ID, Adopted: true})
		})
		for _, stored := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", the list stays empty ", stored), func(t *testing.T) {
				t.Parallel()
				server, client := emulated(t, emulator.Quirks{})
				orderSends(server, stored, func() {})
				server.Order(emptyList(-1))
				created, err := client.CreateBuildJob(t.Context(), app)
				equal(t, "created", created, nil)
				failure := failureOf(t, err)
				equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{Name: "app", Err: failure})
				equal(t, "text", err.Error(), failure.Error())
				equal(t, "method", failure.Method, http.MethodPost)
				equal(t, "status", failure.StatusCode, later.fault.StatusCode)
				equal(t, "stopped", failure.Stopped, nil)
				equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1+later.sends)
				equal(t, "number of lists", server.CountRequests(http.MethodGet, jobs), 8)
				equal(t, "a job is held", len(server.Jobs()) == 1, stored)
			})
		}
		t.Run(name+", the list shows another job", func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			orderSends(server, false, func() { server.AddJob(otherApp()) })
			created, err := client.CreateBuildJob(t.Context(), app)
			equal(t, "created", created, nil)
			failure := failureOf(t, err)
			held := heldIDs(server)
			equal(t, "number of jobs", len(held), 1)
			equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{
				Name: "app", Err: failure, Jobs: []servicestage.BuildJobSummary{{ID: held[0], Name: "app"}},
			})
			equal(t, "text", err.Error(), failure.Error()+`; the service holds "app" as `+held[0])
			equal(t, "status", failure.StatusCode, later.fault.StatusCode)
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1+later.sends)
		})
		t.Run(name+", there is no list", func(t *testing.T) {
			t.Parallel()
			server, client := emulated(t, emulator.Quirks{})
			orderSends(server, true, func() {})
			server.Order(emptyList(4))
			server.Order(onList(emulator.Fault{StatusCode: noList.status, Body: noList.body}))
			created, err := client.CreateBuildJob(t.Context(), app)
			equal(t, "created", created, nil)
			lostWithoutList(t, err, failureOf(t, err))
			equal(t, "status", failureOf(t, err).StatusCode, later.fault.StatusCode)
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1+later.sends)
		})
	}
}

// Of several lost sends the last is told.
func TestCreateBuildJob_lostTwice(t *testing.T) {
	t.Parallel()
	server, client := emulated(t, emulator.Quirks{}, maxRetries(1))
	server.Order(onPost(emulator.Fault{StatusCode: http.StatusBadGateway}))
	server.Order(onPost(emulator.Fault{StatusCode: http.StatusGatewayTimeout}))
	_, err := client.CreateBuildJob(t.Context(), app)
	failure := failureOf(t, err)
	equal(t, "status", failure.StatusCode, http.StatusGatewayTimeout)
	equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{Name: "app", Err: failure})
}

// A later send that never goes out says nothing of the one that did.
func TestCreateBuildJob_laterSendStaysHere(t *testing.T) {
	t.Parallel()
	for _, shown := range []bool{false, true} {
		t.Run(fmt.Sprint("no credentials ", shown), func(t *testing.T) {
			t.Parallel()
			posts := &failingPosts{Authenticator: auth.Token(emulator.DefaultToken), good: 1}
			server, client := emulated(t, emulator.Quirks{}, func(config *servicestage.Config) { config.Authenticator = posts })
			server.Order(onPost(emulator.Fault{StatusCode: http.StatusBadGateway, After: true}))
			lag := 4
			if !shown {
				lag = -1
			}
			server.Order(emptyList(lag))
			created, err := client.CreateBuildJob(t.Context(), app)
			equal(t, "number of sends", int(posts.sends.Load()), 2)
			equal(t, "number of POSTs", server.CountRequests(http.MethodPost, jobs), 1)
			if shown {
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "created", *created, servicestage.CreatedBuildJob{ID: heldIDs(server)[0], Adopted: true})
				return
			}
			equal(t, "created", created, nil)
			failure := failureOf(t, err)
			equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{Name: "app", Err: failure})
			equal(t, "status", failure.StatusCode, http.StatusBadGateway)
		})
		t.Run(fmt.Sprint("no connection ", shown), func(t *testing.T) {
			t.Parallel()
			// The first send, four lists, two attempts at the second send, and then lists again; each on its own connection.
			var handshakes atomic.Int32
			service := unstarted(t, func(w http.ResponseWriter, r received) {
				switch {
				case r.Method == http.MethodPost:
					reply{drop: true}.write(w)
				case r.URL.Path != jobs:
					reply{body: goodJob}.write(w)
				case shown && handshakes.Load() > 7:
					reply{body: `{"total":1,"list":[{"job_id":"id","job_name":"app"}]}`}.write(w)
				default:
					reply{body: `{"total":0,"list":[]}`}.write(w)
				}
			})
			service.Config.SetKeepAlivesEnabled(false)
			service.TLS = &tls.Config{
				MinVersion: tls.VersionTLS12,
				GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
					if n := handshakes.Add(1); n == 6 || n == 7 {
						return nil, errors.New("not now")
					}
					return nil, nil //nolint:nilnil // It means that the configuration stays as it is.
				},
			}
			service.StartTLS()
			client := service.client(t, maxRetries(1), func(config *servicestage.Config) { config.InsecureSkipVerify = true })
			created, err := client.CreateBuildJob(t.Context(), servicestage.BuildJobSpec{JobName: "app"})
			equal(t, "number of POSTs", service.posts(), 1)
			if shown {
				if err != nil {
					t.Fatal(err)
				}
				equal(t, "created", *created, servicestage.CreatedBuildJob{ID: "id", Adopted: true})
				return
			}
			equal(t, "created", created, nil)
			failure := failureOf(t, err)
			equal(t, "what is lost", *lostOf(t, err), servicestage.LostError{Name: "app", Err: failure})
			equal(t, "sent", failure.Sent, true)
			equal(t, "number of requests", len(service.requests()), 9)
		})
	}
}

// failingPosts authenticates only so many POSTs, and everything else.
type failingPosts struct {
	rest.Authenticator
	good  int32
	sends atomic.Int32
}

func (f *failingPosts) Authenticate(ctx context.Context, r *http.Request, body []byte) error {
	if r.Method == http.MethodPost && f.sends.Add(1) > f.good {
		return errors.New("no credentials left")
	}
	return f.Authenticator.Authenticate(ctx, r, body)
}
