// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package servicestage is a client of the ServiceStage Build API with the API's names. It interprets the service's
// error codes. It must not import Terraform or the emulator.
package servicestage

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// Config configures a [Client]. Endpoint and Authenticator are required; [New] sets AcceptsCredentials.
type Config = rest.Config

// Client calls the Build API of one region and project. All clients of one host in a process share the known build jobs
// and builds, so that none adopts an object of another one. It is safe for concurrent use.
type Client struct {
	config   Config
	rest     *rest.Client
	shared   *shared
	existing existingList
}

// New returns a client, or an error if the endpoint is not an absolute URL. It sends nothing.
func New(config Config) (*Client, error) {
	// For an object that does not exist, ServiceStage returns 401 with an error code of the service.
	config.AcceptsCredentials = hasServiceCode
	client, err := rest.New(config)
	if err != nil {
		return nil, err
	}
	return &Client{config: config, rest: client, shared: sharedWith(client.Host())}, nil
}

// Config returns the configuration, from which a caller can make another client of the same service.
func (c *Client) Config() Config { return c.config }

// Host returns the host of the endpoint, with its port if that is not the default one.
func (c *Client) Host() string { return c.rest.Host() }

// ProjectID returns the ID of the project that requests are for. It is empty if it is not known, as with a token, and
// if there are no credentials.
func (c *Client) ProjectID(ctx context.Context) string {
	id, _ := c.rest.ProjectID(ctx) // Any request fails with the same error.
	return id
}

// Now returns the time of the client's clock.
func (c *Client) Now() time.Time { return c.rest.Now() }

// printableID returns an ID of the service for an error: on one line, and at most 128 characters.
func printableID(id string) string { return rest.Sanitize(id, 128) }

// uncanceled returns a context that ends after timeout and not with ctx, for requests after the end of ctx.
func uncanceled(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), timeout)
}

// do sends a call and decodes the response into out, unless that is nil. Its error is an [*Error], unless the call
// itself is invalid.
func (c *Client) do(ctx context.Context, call rest.Call, out any) error {
	_, err := c.rest.Do(ctx, call, out)
	return err
}

// get reads an object with [Client.do].
func (c *Client) get(ctx context.Context, path []string, query url.Values, out any) error {
	return c.do(ctx, rest.Call{Method: http.MethodGet, Path: path, Query: query}, out)
}

// Permission returns the IAM action that a request with the method needs, such as servicestage:assembling:create.
//
// Source: https://support.huaweicloud.com/intl/en-us/usermanual-servicestage/servicestage_03_0074.html and
// https://support.huaweicloud.com/intl/en-us/api-servicestage/topic_0000002362396293.html. They name no actions for
// builds alone.
func Permission(method string) string {
	action := "list"
	switch method {
	case http.MethodPost:
		action = "create"
	case http.MethodPut, http.MethodPatch:
		action = "modify"
	case http.MethodDelete:
		action = "delete"
	}
	return "servicestage:assembling:" + action
}
