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

// maxClockSkew is the largest difference between the date of a signature and the clock.
const maxClockSkew = 15 * time.Minute

// authenticate checks the token or the signature of a request, as the gateway does.
func (s *Service) authenticate(r *http.Request, body []byte) error {
	if needsNoCredentials(r) {
		return nil
	}
	if project := r.Header.Get("X-Project-Id"); project != "" && strings.Contains(r.URL.Path, "/assembling/") {
		if _, ok := s.project(wireNamed{ID: project}); !ok {
			return unauthorized("project %s does not exist", project)
		}
	}
	if token := r.Header.Get("X-Auth-Token"); token != "" {
		return s.authenticateToken(r, token)
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
	key, err := s.key(parts["Access"])
	if err != nil {
		return err
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	if !slices.Contains(signed, "x-sdk-date") || !slices.Contains(signed, "host") {
		return unauthorized("host and x-sdk-date must be signed")
	}
	if r.Header.Get("X-Domain-Id") != "" && !slices.Contains(signed, "x-domain-id") {
		return unauthorized("x-domain-id must be signed")
	}
	date, err := time.Parse(auth.DateFormat, r.Header.Get(auth.DateHeader))
	if err != nil || s.options.Now().Sub(date).Abs() > maxClockSkew {
		return unauthorized("signature date %q is invalid or expired", r.Header.Get(auth.DateHeader))
	}
	if !hmac.Equal([]byte(parts["Signature"]), []byte(auth.Signature(key.secret, r, body, signed))) {
		return unauthorized("verify aksk signature fail")
	}
	if key.securityToken != "" && r.Header.Get("X-Security-Token") != key.securityToken {
		return unauthorized("the security token is wrong or missing")
	}
	return nil
}

func (s *Service) authenticateToken(r *http.Request, token string) error {
	if hmac.Equal([]byte(token), []byte(s.options.Token)) {
		return nil
	}
	s.mu.Lock()
	known, ok := s.issued[token]
	s.mu.Unlock()
	switch {
	case !ok:
		return unauthorized("decrypt token fail")
	case !s.options.Now().Before(known.expires):
		return errorf(http.StatusUnauthorized, "APIGW.0307", "The token must be updated.")
	case known.unscoped && strings.Contains(r.URL.Path, "/assembling/"):
		return errorf(http.StatusForbidden, "APIGW.0302", "The token is not for a project.")
	}
	return nil
}

// key returns an access key by its ID: that of a user, or a valid one that IAM issued.
func (s *Service) key(id string) (issued, error) {
	for i, user := range s.options.IAM.Users {
		if id == "" || id != user.AccessKey {
			continue
		}
		if i == 0 {
			return issued{secret: user.SecretKey, securityToken: s.options.SecurityToken}, nil
		}
		return issued{secret: user.SecretKey}, nil
	}
	s.mu.Lock()
	key, ok := s.issued[id]
	s.mu.Unlock()
	if !ok || !s.options.Now().Before(key.expires) {
		return issued{}, unauthorized("Get secretKey failed,ak:%s", id)
	}
	return key, nil
}
