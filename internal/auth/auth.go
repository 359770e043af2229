// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package auth proves to Huawei Cloud who sends a request. It knows HTTP, and neither Terraform nor ServiceStage.
package auth

import "net/http"

// Authenticator adds to a request what proves who sends it. It is called once for each attempt, on the complete
// request; body is exactly what will be sent, nil where there is none. An Authenticator is safe for concurrent use.
type Authenticator interface {
	Authenticate(req *http.Request, body []byte) error
}

// Token is a project-scoped IAM token. Its expiry (24 hours after it was issued) is the business of whoever issued it.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-servicestage/servicestage_06_0275.html (request header).
type Token string

// Authenticate sets the X-Auth-Token header. It never fails.
func (t Token) Authenticate(req *http.Request, _ []byte) error {
	req.Header.Set("X-Auth-Token", string(t))
	return nil
}
