// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package servicestage is a client of the ServiceStage Build API, in the API's own words. It knows nothing of Terraform.
package servicestage

import (
	"context"
	"errors"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// maxIDLength limits an ID of the service in an error, in characters.
const maxIDLength = 128

// Config is what a [Client] is made of. It needs an endpoint and an authenticator.
type Config = rest.Config

// Client calls the Build API of one region and project. It is safe for concurrent use.
type Client struct {
	config   Config
	rest     *rest.Client
	shared   *shared
	existing existingList
}

// New returns a client, or an error when the endpoint is no absolute URL or the authenticator is missing. It does not touch
// the network.
func New(config Config) (*Client, error) {
	// A service behind the gateway reports a missing object as 401 with a code of its own.
	config.AcceptsCredentials = hasServiceCode
	client, err := rest.New(config)
	if err != nil {
		return nil, err
	}
	if config.Authenticator == nil {
		return nil, errors.New("there is no authenticator")
	}
	return &Client{config: config, rest: client, shared: sharedWith(client.Host())}, nil
}

// Config returns the configuration, from which a caller can make another client of the same service.
func (c *Client) Config() Config { return c.config }

// Now returns the time of the client's clock.
func (c *Client) Now() time.Time { return c.rest.Now() }

// do sends a call, and decodes the answer into out, unless that is nil. Its error is an [*Error], but where the call itself cannot
// be written.
func (c *Client) do(ctx context.Context, call rest.Call, out any) error {
	_, err := c.rest.Do(ctx, call, out)
	return err
}
