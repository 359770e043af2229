// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package auth authenticates requests to Huawei Cloud: it signs them, gets credentials from identity and access
// management (IAM), and finds the project. It must not import Terraform, and its errors name no provider argument.
package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// Credential authenticates requests: a [Token] or an [AccessKey].
type Credential interface {
	rest.SecretKeeper
	// matches reports whether the request was sent with this credential.
	matches(req *http.Request) bool
}

// Credentials are a credential with its expiry and its project.
type Credentials struct {
	Credential
	// ExpiresAt is when the credential expires; zero means never, or unknown.
	ExpiresAt time.Time
	// ProjectID is the project that the credential is for; empty means any, or unknown.
	ProjectID string
	// Refreshable is true if the source may return another credential.
	Refreshable bool
}

// Project is the project that requests are for.
type Project struct {
	// ID is sent with each request. If it is empty, the project of the credentials is sent; if that is empty too, the
	// project called Name.
	ID string
	// Name is the name of the project, such as that of the region. If it is empty, no project is looked up.
	Name string
}

// Clients send the requests of a [Source].
type Clients struct {
	// IAM calls identity and access management. Its endpoint has no version in its path.
	IAM *rest.Client
	// Agencies calls IAM for the temporary access keys of an agency.
	Agencies *rest.Client
	// STS calls the security token service.
	STS *rest.Client
	// Metadata calls the metadata service of cloud servers (ECS), without a proxy.
	Metadata *rest.Client
	// Now is the clock; nil means [time.Now].
	Now func() time.Time
}

// Source gets credentials. A source is a plain value: sources with the same settings are equal.
type Source interface {
	// Credentials returns credentials for the project, or for any project if the source cannot choose one. Its error is
	// an [*Error].
	Credentials(ctx context.Context, clients Clients, project Project) (*Credentials, error)
}

// Static is a source of configured credentials.
type Static struct{ Credential Credential }

// Credentials returns the credential, whose expiry is unknown. It sends no request.
func (s Static) Credentials(_ context.Context, clients Clients, _ Project) (*Credentials, error) {
	if key, ok := s.Credential.(AccessKey); ok {
		key.Now = clients.Now
		return &Credentials{Credential: key}, nil
	}
	return &Credentials{Credential: s.Credential}, nil
}

// Token is an IAM token. It expires 24 hours after it was issued.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html.
type Token string

// Authenticate sets the X-Auth-Token header. It never fails.
func (t Token) Authenticate(_ context.Context, req *http.Request, _ []byte) error {
	req.Header.Set("X-Auth-Token", string(t))
	return nil
}

// Secrets returns the token.
func (t Token) Secrets() []string { return []string{string(t)} }

func (t Token) matches(req *http.Request) bool { return req.Header.Get("X-Auth-Token") == string(t) }
