// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package servicestage_test

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/servicestage"
)

// Fifty calls at a time, again and again, need no more than fifty connections: they are kept and used again.
func TestClient_keepsConnections(t *testing.T) {
	t.Parallel()
	const atOnce, rounds = 50, 4
	var opened atomic.Int32
	var arrived sync.WaitGroup
	service := unstarted(t, func(w http.ResponseWriter, _ received) {
		arrived.Done()
		arrived.Wait() // All calls of a round are on their way at once.
		reply{body: goodJob}.write(w)
	})
	service.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	service.Start()
	client := service.client(t)
	for range rounds {
		arrived.Add(atOnce)
		var calls sync.WaitGroup
		for range atOnce {
			calls.Go(func() {
				if _, err := client.GetBuildJob(t.Context(), "id", ""); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	}
	if opened := opened.Load(); opened > atOnce {
		t.Errorf("%d connections were opened for %d calls at a time", opened, atOnce)
	}
}

func TestClient_speaksHTTP2(t *testing.T) {
	t.Parallel()
	service := unstarted(t, func(w http.ResponseWriter, _ received) { reply{body: goodJob}.write(w) })
	service.EnableHTTP2 = true
	service.StartTLS()
	client := service.client(t, func(config *servicestage.Config) { config.InsecureSkipVerify = true })
	if _, err := client.GetBuildJob(t.Context(), "id", ""); err != nil {
		t.Fatal(err)
	}
	equal(t, "protocol", service.only(t).Proto, "HTTP/2.0")
}
