// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"crypto/hmac"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

// maxClockSkew is how old or how early a signature may be.
const maxClockSkew = 15 * time.Minute

// authenticate accepts a token or a signature, and checks either as the gateway does.
func (s *Service) authenticate(r *http.Request, body []byte) error {
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		if !hmac.Equal([]byte(token), []byte(s.options.Token)) {
			return unauthorized("decrypt token fail")
		}
		return nil
	}
	authorization, ok := strings.CutPrefix(r.Header.Get("Authorization"), auth.Algorithm+" ")
	if !ok {
		return unauthorized("no token and no signature in the request")
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(authorization, ", ") {
		name, value, _ := strings.Cut(part, "=")
		parts[name] = value
	}
	if parts["Access"] != s.options.AccessKey {
		return unauthorized("Get secretKey failed,ak:%s", parts["Access"])
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	if !slices.Contains(signed, "x-sdk-date") || !slices.Contains(signed, "host") {
		return unauthorized("host and x-sdk-date must be signed")
	}
	date, err := time.Parse(auth.DateFormat, r.Header.Get(auth.DateHeader))
	if err != nil {
		return unauthorized("signature date %q", r.Header.Get(auth.DateHeader))
	}
	if skew := s.options.Now().Sub(date).Abs(); skew > maxClockSkew {
		return unauthorized("signature expired")
	}
	want := auth.Signature(s.options.SecretKey, r, body, signed)
	if !hmac.Equal([]byte(parts["Signature"]), []byte(want)) {
		return unauthorized("verify aksk signature fail")
	}
	if s.options.SecurityToken != "" && r.Header.Get("X-Security-Token") != s.options.SecurityToken {
		return unauthorized("the security token is wrong or missing")
	}
	return nil
}
