// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package auth proves to Huawei Cloud who sends a request: it signs, logs in, assumes agencies, and finds the project. It knows
// HTTP and identity and access management (IAM), and neither Terraform nor ServiceStage.
package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// Proof is what a request is proven with: a [Token] or an [AccessKey].
type Proof interface {
	rest.SecretKeeper
	// proves reports whether the request carries this very proof.
	proves(req *http.Request) bool
}

// Credentials are a proof for a while.
type Credentials struct {
	Proof
	// ExpiresAt is when the proof ends to be good; zero means never, or that nobody says when.
	ExpiresAt time.Time
	// ProjectID is the project that the proof is for; empty where it is for any.
	ProjectID string
}

// Source hands out credentials. It is asked again when they are about to expire.
type Source interface {
	Credentials(ctx context.Context) (*Credentials, error)
}

// Static is a source of credentials that are given and cannot be had anew.
type Static struct{ Proof Proof }

// Credentials returns the proof, which does not expire as far as anybody here knows.
func (s Static) Credentials(context.Context) (*Credentials, error) {
	return &Credentials{Proof: s.Proof}, nil
}

// Token is an IAM token. It lives for 24 hours after it was issued.
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

func (t Token) proves(req *http.Request) bool { return req.Header.Get("X-Auth-Token") == string(t) }
