// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// What identity and access management (IAM) knows of an emulator whose options name nothing else.
const (
	DefaultUserName   = "emulator-user"
	DefaultPassword   = "emulator-password"
	DefaultDomainName = "emulator-domain"
	DefaultAgency     = "emulator-agency"
	DefaultIDP        = "emulator-idp"
	DefaultIDToken    = "emulator-id-token"
)

// DomainID and UserID are the ids of the account and of its user, which have names too.
const (
	DomainID = "d0000000000000000000000000000000"
	UserID   = "u0000000000000000000000000000000"
)

// IAM is the identities that an emulator knows, besides the access key and the token of [Options].
type IAM struct {
	// Password is that of the user [DefaultUserName]; empty means the default.
	Password string
	// Users are the other users of the account.
	Users []User
	// DomainName is the account of the users and of the agency; empty means the default.
	DomainName string
	// Agency may be assumed with any credentials; empty means the default.
	Agency string
	// IDP is the identity provider whose IDToken may be exchanged; empty means the defaults.
	IDP, IDToken string
	// Projects are the ids of the projects by name; nil means that there is one of each name.
	Projects map[string]string
	// Lifetime is how long tokens and the metadata service's keys live; zero means 24 hours.
	Lifetime time.Duration
}

// User is a user of the account who may log in with a password and, if AccessKey is set, sign requests.
type User struct {
	Name      string `json:"name"`
	Password  string `json:"password"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// ProjectID is the id of a project where the options name none.
func ProjectID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// issued is a token or an access key that IAM issued.
type issued struct {
	access, secret, securityToken string // Of an access key.
	unscoped                      bool   // Of a token that is for no project.
	owner                         string // Of a token, such as "token of emulator-user".
	expires                       time.Time
}

// maxIssued is how many tokens and access keys are kept: the metadata service hands them out to anybody.
const maxIssued = 10_000

// issue keeps a token or an access key by its id. If there are too many, the one that expires first is dropped.
func (s *Service) issue(id string, credentials issued) {
	if len(s.issued) >= maxIssued {
		first, soonest := "", time.Time{}
		for id, other := range s.issued {
			if first == "" || other.expires.Before(soonest) {
				first, soonest = id, other.expires
			}
		}
		delete(s.issued, first)
	}
	s.issued[id] = credentials
}

// RevokeCredentials revokes all tokens and access keys that IAM issued.
func (s *Service) RevokeCredentials() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.issued)
}

// assumePath is a call of the security token service (STS), which answers otherwise than IAM.
const assumePath = "/v5/agencies/assume"

// needsNoCredentials reports whether the caller may have no credentials yet. A request for a token with credentials must have good ones.
func needsNoCredentials(r *http.Request) bool {
	switch r.Method + " " + r.URL.Path {
	case "POST /v3/auth/tokens":
		return r.Header.Get("X-Auth-Token") == "" && r.Header.Get("Authorization") == ""
	case "POST /v3.0/OS-AUTH/id-token/tokens", "GET /openstack/latest/securitykey":
		return true
	}
	return false
}

func (s *Service) addIAMRoutes(routes *http.ServeMux) {
	for pattern, handle := range map[string]func(http.Header, *http.Request) (any, error){
		"POST /v3/auth/tokens":                    s.createToken,
		"GET /v3/auth/domains":                    s.listDomains,
		"GET /v3/projects":                        s.listProjects,
		"POST " + assumePath:                      s.assumeAgency,
		"POST /v3.0/OS-CREDENTIAL/securitytokens": s.createTemporaryKeys,
		"POST /v3.0/OS-AUTH/id-token/tokens":      s.exchangeIDToken,
		"GET /openstack/latest/securitykey":       s.getMetadataKeys,
	} {
		s.counts[pattern] = 0
		routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			defer s.mu.Unlock()
			body, err := handle(w.Header(), r)
			status := http.StatusOK
			if r.Method == http.MethodPost && r.URL.Path != assumePath {
				status = http.StatusCreated
			}
			if failure, ok := errors.AsType[*iamError](err); ok {
				status = failure.Code
				body = map[string]any{"error": failure}
				if r.URL.Path == assumePath {
					body = map[string]any{"error_code": failure.Title, "error_msg": failure.Message}
				}
			}
			s.write(w, status, body)
		})
	}
}

// iamError is how IAM says no.
type iamError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Title   string `json:"title"`
}

func (e *iamError) Error() string { return e.Message }

func iamErrorf(status int, format string, arguments ...any) error {
	return &iamError{Code: status, Message: fmt.Sprintf(format, arguments...), Title: http.StatusText(status)}
}

// Each wire struct has the members that the pages of [logIn] and its neighbours document, as far as they are used here.
type (
	wireNamed struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	wireAuth struct {
		Auth struct {
			Identity struct {
				Methods  []string `json:"methods"`
				Password struct {
					User struct {
						wireNamed

						Password string     `json:"password"`
						Domain   *wireNamed `json:"domain"`
					} `json:"user"`
				} `json:"password"`
				AssumeRole struct {
					AgencyName      string `json:"agency_name"`
					XRoleName       string `json:"xrole_name"`
					DomainID        string `json:"domain_id"`
					DomainName      string `json:"domain_name"`
					DurationSeconds *int   `json:"duration_seconds"`
				} `json:"assume_role"`
				Token struct {
					ID              string `json:"id"`
					DurationSeconds *int   `json:"duration_seconds"`
				} `json:"token"`
			} `json:"identity"`
			Scope *struct {
				Project *struct {
					wireNamed

					Domain *wireNamed `json:"domain"`
				} `json:"project"`
				Domain *wireNamed `json:"domain"`
			} `json:"scope"`
			IDToken struct {
				ID string `json:"id"`
			} `json:"id_token"`
		} `json:"auth"`
	}
)

func readAuth(r *http.Request) (*wireAuth, error) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, iamErrorf(http.StatusBadRequest, "unreadable request: %v", err)
	}
	var auth wireAuth
	if err := json.Unmarshal(content, &auth); err != nil {
		return nil, iamErrorf(http.StatusBadRequest, "malformed request: %v", err)
	}
	return &auth, nil
}

// createToken issues a token for a user's password, for another token, or for an agency.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html (password),
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0003.html (agency), and for the method token the provider
// huaweicloud/huaweicloud.
func (s *Service) createToken(header http.Header, r *http.Request) (any, error) {
	auth, err := readAuth(r)
	if err != nil {
		return nil, err
	}
	identity := auth.Auth.Identity
	if len(identity.Methods) != 1 {
		return nil, iamErrorf(http.StatusBadRequest, "There must be one method.")
	}
	name, user := DefaultUserName, identity.Password.User
	switch identity.Methods[0] {
	case "password":
		var ok bool
		if name, ok = s.checkPassword(user.wireNamed, user.Password, user.Domain); !ok {
			return nil, iamErrorf(http.StatusUnauthorized, "The username or password is wrong.")
		}
	case "token":
		if token, ok := s.issued[identity.Token.ID]; identity.Token.ID != s.options.Token && (!ok || !s.options.Now().Before(token.expires)) {
			return nil, iamErrorf(http.StatusUnauthorized, "The token is wrong or has expired.")
		}
	case "assume_role":
		role := identity.AssumeRole
		if err := s.checkAgency(r, role.XRoleName, wireNamed{ID: role.DomainID, Name: role.DomainName}); err != nil {
			return nil, err
		}
	default:
		return nil, iamErrorf(http.StatusBadRequest, "The method must be password, token or assume_role.")
	}
	token := map[string]any{"methods": identity.Methods, "user": wireNamed{ID: userID(name), Name: name}}
	scope := auth.Auth.Scope
	if scope != nil && scope.Project != nil {
		project, ok := s.project(scope.Project.wireNamed)
		if !ok || scope.Project.Domain != nil && !s.isDomain(*scope.Project.Domain) {
			return nil, iamErrorf(http.StatusUnauthorized, "The project is not one of this account.")
		}
		token["project"] = project
	} else if scope != nil && scope.Domain != nil && !s.isDomain(*scope.Domain) {
		return nil, iamErrorf(http.StatusUnauthorized, "The domain is not that of the user.")
	}
	return s.issueToken(header, token), nil
}

// checkPassword returns the name of the user with this ID, or with this name in this account, if the password is right.
func (s *Service) checkPassword(user wireNamed, password string, domain *wireNamed) (string, bool) {
	for _, known := range s.options.IAM.Users {
		if user.ID == userID(known.Name) || user.ID == "" && user.Name == known.Name && domain != nil && s.isDomain(*domain) {
			return known.Name, hmac.Equal([]byte(password), []byte(known.Password))
		}
	}
	return "", false
}

func userID(name string) string {
	if name == DefaultUserName {
		return UserID
	}
	return "u" + ProjectID(name)[1:]
}

// checkAgency checks that the caller has credentials and may assume the agency. A signed request must name the caller's account.
func (s *Service) checkAgency(r *http.Request, name string, domain wireNamed) error {
	switch {
	case r.Header.Get("X-Auth-Token") == "" && r.Header.Get("Authorization") == "":
		return iamErrorf(http.StatusUnauthorized, "The request you have made requires authentication.")
	case r.Header.Get("Authorization") != "" && r.Header.Get("X-Domain-Id") != DomainID:
		return iamErrorf(http.StatusBadRequest, "X-Domain-Id must be the account of the caller.")
	case name != s.options.IAM.Agency || !s.isDomain(domain):
		return iamErrorf(http.StatusNotFound, "Could not find agency: %s.", name)
	}
	return nil
}

// listDomains returns the account of the caller.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_07_0001.html.
func (s *Service) listDomains(http.Header, *http.Request) (any, error) {
	domain := map[string]any{"id": DomainID, "name": s.options.IAM.DomainName, "enabled": true}
	return map[string]any{"domains": []any{domain}, "links": map[string]any{}}, nil
}

// assumeAgency issues a temporary access key for an agency or a trust agency.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam5/AssumeAgency.html.
func (s *Service) assumeAgency(_ http.Header, r *http.Request) (any, error) {
	var body struct {
		AgencyURN         string `json:"agency_urn"`
		AgencySessionName string `json:"agency_session_name"`
		DurationSeconds   *int   `json:"duration_seconds"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, iamErrorf(http.StatusBadRequest, "malformed request: %v", err)
	}
	parts := strings.Split(body.AgencyURN, ":")
	if len(parts) != 5 || parts[0] != "iam" || parts[1] != "" || parts[3] != "agency" || len(body.AgencySessionName) < 2 {
		return nil, iamErrorf(http.StatusBadRequest, "agency_urn must be iam::{domain_id}:agency:{name}, and agency_session_name must have 2 characters.")
	}
	if err := s.checkAgency(r, parts[4], wireNamed{ID: parts[2]}); err != nil {
		return nil, err
	}
	seconds, longest := 3600, 43200
	if r.Header.Get("X-Security-Token") != "" {
		longest = 3600
	}
	if body.DurationSeconds != nil {
		seconds = *body.DurationSeconds
	}
	if seconds < 900 || seconds > longest {
		return nil, iamErrorf(http.StatusBadRequest, "duration_seconds must be from 900 to %d.", longest)
	}
	key := s.newKey(time.Duration(seconds) * time.Second)
	return map[string]any{"credentials": map[string]any{
		"access_key_id": key.access, "secret_access_key": key.secret, "security_token": key.securityToken,
		"expiration": key.expires.UTC().Format("2006-01-02T15:04:05.000Z"),
	}}, nil
}

func (s *Service) isDomain(domain wireNamed) bool {
	return domain.ID == DomainID || domain.ID == "" && domain.Name == s.options.IAM.DomainName
}

// project finds a project by its id or its name.
func (s *Service) project(wanted wireNamed) (wireNamed, bool) {
	projects := s.options.IAM.Projects
	if projects == nil {
		if wanted.ID == "" {
			wanted.ID = ProjectID(wanted.Name)
		}
		return wanted, wanted.ID != ""
	}
	for name, id := range projects {
		if wanted.ID == id || wanted.ID == "" && wanted.Name == name {
			return wireNamed{ID: id, Name: name}, true
		}
	}
	return wireNamed{}, false
}

func (s *Service) issueToken(header http.Header, token map[string]any) any {
	value, expires := "token-"+newID(), s.options.Now().Add(s.options.IAM.Lifetime)
	_, scoped := token["project"]
	user, _ := token["user"].(wireNamed)
	s.issue(value, issued{unscoped: !scoped, expires: expires, owner: "token of " + user.Name})
	header.Set("X-Subject-Token", value)
	token["expires_at"] = iamTime(expires)
	return map[string]any{"token": token}
}

// newKey issues a temporary access key.
func (s *Service) newKey(lifetime time.Duration) issued {
	key := issued{
		access: "TEMPORARY" + newID()[:11], secret: newID(), securityToken: "security-token-" + newID(), expires: s.options.Now().Add(lifetime),
	}
	s.issue(key.access, key)
	return key
}

func (s *Service) issueKeys(lifetime time.Duration) any {
	key := s.newKey(lifetime)
	return map[string]any{"credential": map[string]any{
		"access": key.access, "secret": key.secret, "securitytoken": key.securityToken, "expires_at": iamTime(key.expires),
	}}
}

// iamTime is how IAM writes times.
func iamTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// listProjects returns the projects of a name.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_06_0001.html.
func (s *Service) listProjects(_ http.Header, r *http.Request) (any, error) {
	found := []map[string]any{}
	if name := r.URL.Query().Get("name"); name != "" {
		if project, ok := s.project(wireNamed{Name: name}); ok {
			found = append(found, map[string]any{"id": project.ID, "name": project.Name, "domain_id": DomainID, "enabled": true})
		}
	}
	return map[string]any{"projects": found, "links": map[string]any{}}, nil
}

// createTemporaryKeys returns an access key for an agency, or for a token.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0101.html and
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0002.html.
func (s *Service) createTemporaryKeys(_ http.Header, r *http.Request) (any, error) {
	auth, err := readAuth(r)
	if err != nil {
		return nil, err
	}
	identity := auth.Auth.Identity
	if len(identity.Methods) != 1 {
		return nil, iamErrorf(http.StatusBadRequest, "There must be one method.")
	}
	duration := identity.Token.DurationSeconds
	switch identity.Methods[0] {
	case "token":
		if r.Header.Get("X-Auth-Token") == "" {
			return nil, iamErrorf(http.StatusBadRequest, "The method token takes X-Auth-Token.")
		}
	case "assume_role":
		role := identity.AssumeRole
		duration = role.DurationSeconds
		if err := s.checkAgency(r, role.AgencyName, wireNamed{ID: role.DomainID, Name: role.DomainName}); err != nil {
			return nil, err
		}
	default:
		return nil, iamErrorf(http.StatusBadRequest, "The method must be token or assume_role.")
	}
	seconds := 900
	if duration != nil {
		seconds = *duration
	}
	if seconds < 900 || seconds > 86400 {
		return nil, iamErrorf(http.StatusBadRequest, "duration_seconds must be from 900 to 86400.")
	}
	return s.issueKeys(time.Duration(seconds) * time.Second), nil
}

// exchangeIDToken returns a token for the ID token of an identity provider.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_13_0605.html.
func (s *Service) exchangeIDToken(header http.Header, r *http.Request) (any, error) {
	auth, err := readAuth(r)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("X-Idp-Id") != s.options.IAM.IDP || auth.Auth.IDToken.ID != s.options.IAM.IDToken {
		return nil, iamErrorf(http.StatusUnauthorized, "The ID token is not one of the identity provider.")
	}
	return s.issueToken(header, map[string]any{"methods": []string{"mapped"}, "user": wireNamed{Name: "federated"}}), nil
}

// getMetadataKeys is the metadata service of a cloud server that has an agency.
func (s *Service) getMetadataKeys(http.Header, *http.Request) (any, error) {
	return s.issueKeys(s.options.IAM.Lifetime), nil
}
