// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// clientsOf returns clients of a server that is IAM, STS and the metadata service. Their waits take no time.
func clientsOf(t *testing.T, url string, adjust ...func(*rest.Config)) auth.Clients {
	t.Helper()
	config := rest.Config{Endpoint: url, Wait: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	for _, adjust := range adjust {
		adjust(&config)
	}
	client, err := rest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return auth.Clients{IAM: client, Agencies: client, STS: client, Metadata: client, Now: client.Now}
}

// clock is a clock that tests advance.
type clock struct{ elapsed atomic.Int64 }

func (c *clock) time() time.Time { return start.Add(time.Duration(c.elapsed.Load())) }

func (c *clock) advance(d time.Duration) { c.elapsed.Add(int64(d)) }

// start is when clocks start.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// unsent returns a request for the service that is not sent.
func unsent(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:1/assembling/v1/jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// authenticated returns a request with the credentials of a session.
func authenticated(t *testing.T, session *auth.Session) *http.Request {
	t.Helper()
	req := unsent(t)
	if err := session.Authenticate(t.Context(), req, nil); err != nil {
		t.Fatal(err)
	}
	return req
}
