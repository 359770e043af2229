// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Names and defaults of the identities. [DefaultAgency], of the account [DefaultDomainName], can be assumed with any
// valid credentials.
const (
	DefaultUserName   = "emulator-user"
	DefaultPassword   = "emulator-password"
	DefaultDomainName = "emulator-domain"
	DefaultAgency     = "emulator-agency"
	DefaultIDP        = "emulator-idp"
	DefaultIDToken    = "emulator-id-token"
)

// DomainID and UserID are the IDs of the account and of [DefaultUserName].
const (
	DomainID = "d0000000000000000000000000000000"
	UserID   = "u0000000000000000000000000000000"
)

// IAM configures the identities besides the access key and the token of [Options]. Empty strings mean the defaults.
type IAM struct {
	// Password is that of the user [DefaultUserName].
	Password string
	// Users are the other users of the account.
	Users []User
	// IDToken is that of the identity provider [DefaultIDP].
	IDToken string
	// Projects are the IDs of the projects by name; nil means that every project exists, with its [ProjectID].
	Projects map[string]string
	// Lifetime is that of tokens and of the keys of the metadata service; zero means 24 hours.
	Lifetime time.Duration
}

// User is a user of the account who can log in with the password and, if AccessKey is set, sign requests.
type User struct {
	Name      string `json:"name"`
	Password  string `json:"password"`
	AccessKey string `json:"access_key"`
	SecretKey string `json:"secret_key"`
}

// ProjectID returns the ID of a project with this name unless [IAM] sets another one.
func ProjectID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:16])
}

// issued is a token or an access key that IAM issued.
type issued struct {
	access, secret, securityToken string // Of an access key.
	unscoped                      bool   // Whether a token is for no project.
	owner                         string // Of a token, such as "token of emulator-user".
	expires                       time.Time
}

// maxIssued is how many tokens and access keys are kept, because the metadata service issues them to everybody.
const maxIssued = 10_000

// issue keeps a token or an access key by its ID. If there are too many, the first to expire is removed.
func (s *Service) issue(id string, credentials issued) {
	if len(s.issued) >= maxIssued {
		first := slices.MinFunc(slices.Collect(maps.Keys(s.issued)), func(a, b string) int {
			return s.issued[a].expires.Compare(s.issued[b].expires)
		})
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

// needsNoCredentials reports whether the operation is for clients without credentials. A login with credentials checks
// them.
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
	s.register(routes, http.StatusOK, iamFailure, map[string]operation{
		"GET /v3/auth/domains":              s.listDomains,
		"GET /v3/projects":                  s.listProjects,
		"GET /openstack/latest/securitykey": s.getMetadataKeys,
	})
	s.register(routes, http.StatusCreated, iamFailure, map[string]operation{
		"POST /v3/auth/tokens":                    s.createToken,
		"POST /v3.0/OS-CREDENTIAL/securitytokens": s.createTemporaryKeys,
		"POST /v3.0/OS-AUTH/id-token/tokens":      s.exchangeIDToken,
	})
	s.register(routes, http.StatusOK, stsFailure, map[string]operation{"POST /v5/agencies/assume": s.assumeAgency})
}

// wireNamed is an object of IAM that is given by its ID or its name.
type wireNamed struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// wireAuth has the members of the request bodies that the emulator uses.
type wireAuth struct {
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
		Scope struct {
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

// readAuth returns the body of a request and its only method; "" if there is not one.
func readAuth(r *http.Request) (body wireAuth, method string, err error) {
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return body, "", errorf(http.StatusBadRequest, "", "malformed request: %v", err)
	}
	if methods := body.Auth.Identity.Methods; len(methods) == 1 {
		method = methods[0]
	}
	return body, method, nil
}

// createToken issues a token for a user's password, for another token, or for an agency.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html (password),
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0003.html (agency), and for the method token the provider
// huaweicloud/huaweicloud.
func (s *Service) createToken(r *http.Request) (any, error) {
	body, method, err := readAuth(r)
	if err != nil {
		return nil, err
	}
	identity, scope, name := body.Auth.Identity, body.Auth.Scope, DefaultUserName
	user, role := identity.Password.User, identity.AssumeRole
	switch method {
	case "password":
		var ok bool
		if name, ok = s.checkPassword(user.wireNamed, user.Password, user.Domain); !ok {
			return nil, errorf(http.StatusUnauthorized, "", "The username or password is wrong.")
		}
	case "token":
		token, ok := s.issued[identity.Token.ID]
		if identity.Token.ID != s.options.Token && (!ok || !s.options.Now().Before(token.expires)) {
			return nil, errorf(http.StatusUnauthorized, "", "The token is wrong or has expired.")
		}
	case "assume_role":
		if err := s.checkAgency(r, role.XRoleName, wireNamed{ID: role.DomainID, Name: role.DomainName}); err != nil {
			return nil, err
		}
	default:
		return nil, errorf(http.StatusBadRequest, "", "methods must be password, token or assume_role.")
	}
	token := document{"methods": identity.Methods, "user": wireNamed{ID: userID(name), Name: name}}
	if scope.Project != nil {
		project, ok := s.project(scope.Project.wireNamed)
		if !ok || scope.Project.Domain != nil && !isDomain(*scope.Project.Domain) {
			return nil, errorf(http.StatusUnauthorized, "", "The project is not one of this account.")
		}
		token["project"] = project
	} else if scope.Domain != nil && !isDomain(*scope.Domain) {
		return nil, errorf(http.StatusUnauthorized, "", "The domain is not that of the user.")
	}
	return s.issueToken(name, token), nil
}

// checkPassword returns the name of the user with this ID, or with this name in this account, if the password is right.
func (s *Service) checkPassword(user wireNamed, password string, domain *wireNamed) (string, bool) {
	for _, known := range s.options.IAM.Users {
		hasName := user.ID == "" && user.Name == known.Name && domain != nil && isDomain(*domain)
		if hasName || user.ID == userID(known.Name) {
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

// checkAgency checks that the client has credentials and can assume the agency. A signed request must name the account.
func (s *Service) checkAgency(r *http.Request, name string, domain wireNamed) error {
	switch {
	case r.Header.Get("X-Auth-Token") == "" && r.Header.Get("Authorization") == "":
		return errorf(http.StatusUnauthorized, "", "The request you have made requires authentication.")
	case r.Header.Get("Authorization") != "" && r.Header.Get("X-Domain-Id") != DomainID:
		return errorf(http.StatusBadRequest, "", "X-Domain-Id must be the account of the caller.")
	case name != DefaultAgency || !isDomain(domain):
		return errorf(http.StatusNotFound, "", "Could not find agency: %s.", name)
	}
	return nil
}

// listDomains returns the account of the client.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_07_0001.html.
func (s *Service) listDomains(*http.Request) (any, error) {
	domain := document{"id": DomainID, "name": DefaultDomainName, "enabled": true}
	return document{"domains": []any{domain}, "links": document{}}, nil
}

// assumeAgency issues a temporary access key for an agency or a trust agency.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam5/AssumeAgency.html.
func (s *Service) assumeAgency(r *http.Request) (any, error) {
	var body struct {
		AgencyURN         string `json:"agency_urn"`
		AgencySessionName string `json:"agency_session_name"`
		DurationSeconds   *int   `json:"duration_seconds"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		return nil, errorf(http.StatusBadRequest, "", "malformed request: %v", err)
	}
	parts := strings.Split(body.AgencyURN, ":")
	isURN := len(parts) == 5 && parts[0] == "iam" && parts[1] == "" && parts[3] == "agency"
	if !isURN || len(body.AgencySessionName) < 2 {
		return nil, errorf(http.StatusBadRequest, "",
			"agency_urn must be iam::{domain_id}:agency:{name}, and agency_session_name must have 2 characters.")
	}
	if err := s.checkAgency(r, parts[4], wireNamed{ID: parts[2]}); err != nil {
		return nil, err
	}
	longest := 43200
	if r.Header.Get("X-Security-Token") != "" {
		longest = 3600
	}
	key, err := s.newKey(body.DurationSeconds, 3600, longest)
	return document{"credentials": document{
		"access_key_id": key.access, "secret_access_key": key.secret, "security_token": key.securityToken,
		"expiration": key.expires.UTC().Format("2006-01-02T15:04:05.000Z"),
	}}, err
}

func isDomain(domain wireNamed) bool {
	return domain.ID == DomainID || domain.ID == "" && domain.Name == DefaultDomainName
}

// project returns a project by its ID or its name.
func (s *Service) project(wanted wireNamed) (wireNamed, bool) {
	if s.options.IAM.Projects == nil {
		wanted.ID = cmp.Or(wanted.ID, ProjectID(wanted.Name))
		return wanted, true
	}
	for name, id := range s.options.IAM.Projects {
		if wanted.ID == id || wanted.ID == "" && wanted.Name == name {
			return wireNamed{ID: id, Name: name}, true
		}
	}
	return wireNamed{}, false
}

// tokenResponse is a token for the header X-Subject-Token, and its description in the body.
type tokenResponse struct {
	value string
	body  document
}

func (s *Service) issueToken(user string, token document) tokenResponse {
	value, expires := "token-"+newID(), s.options.Now().Add(s.options.IAM.Lifetime)
	s.issue(value, issued{unscoped: token["project"] == nil, expires: expires, owner: "token of " + user})
	token["expires_at"] = iamTime(expires)
	return tokenResponse{value, token}
}

// newKey issues a temporary access key. seconds is its lifetime; nil means the default.
func (s *Service) newKey(seconds *int, unset, longest int) (issued, error) {
	if seconds == nil {
		seconds = &unset
	}
	if *seconds < 900 || *seconds > longest {
		return issued{}, errorf(http.StatusBadRequest, "", "duration_seconds must be from 900 to %d.", longest)
	}
	return s.issueKey(time.Duration(*seconds) * time.Second), nil
}

func (s *Service) issueKey(lifetime time.Duration) issued {
	key := issued{
		access: "TEMPORARY" + newID()[:11], secret: newID(), securityToken: "security-token-" + newID(),
		expires: s.options.Now().Add(lifetime),
	}
	s.issue(key.access, key)
	return key
}

func keyResponse(key issued) document {
	return document{"credential": document{
		"access": key.access, "secret": key.secret, "securitytoken": key.securityToken,
		"expires_at": iamTime(key.expires),
	}}
}

// iamTime returns a time in the format of IAM.
func iamTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

// listProjects returns the projects with a name.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_06_0001.html.
func (s *Service) listProjects(r *http.Request) (any, error) {
	found := []document{}
	if name := r.URL.Query().Get("name"); name != "" {
		if project, ok := s.project(wireNamed{Name: name}); ok {
			found = append(found, document{
				"id": project.ID, "name": project.Name, "domain_id": DomainID, "enabled": true,
			})
		}
	}
	return document{"projects": found, "links": document{}}, nil
}

// createTemporaryKeys returns an access key for an agency, or for a token.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0101.html and
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0002.html.
func (s *Service) createTemporaryKeys(r *http.Request) (any, error) {
	body, method, err := readAuth(r)
	if err != nil {
		return nil, err
	}
	duration, role := body.Auth.Identity.Token.DurationSeconds, body.Auth.Identity.AssumeRole
	switch method {
	case "token":
		if r.Header.Get("X-Auth-Token") == "" {
			return nil, errorf(http.StatusBadRequest, "", "The method token needs X-Auth-Token.")
		}
	case "assume_role":
		duration = role.DurationSeconds
		if err := s.checkAgency(r, role.AgencyName, wireNamed{ID: role.DomainID, Name: role.DomainName}); err != nil {
			return nil, err
		}
	default:
		return nil, errorf(http.StatusBadRequest, "", "methods must be token or assume_role.")
	}
	key, err := s.newKey(duration, 900, 86400)
	return keyResponse(key), err
}

// exchangeIDToken returns a token for the ID token of an identity provider.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_13_0605.html.
func (s *Service) exchangeIDToken(r *http.Request) (any, error) {
	body, _, err := readAuth(r)
	if err != nil {
		return nil, err
	}
	if r.Header.Get("X-Idp-Id") != DefaultIDP || body.Auth.IDToken.ID != s.options.IAM.IDToken {
		return nil, errorf(http.StatusUnauthorized, "", "The ID token is not one of the identity provider.")
	}
	return s.issueToken("federated", document{"methods": []string{"mapped"}, "user": wireNamed{Name: "federated"}}), nil
}

// getMetadataKeys returns the keys that the metadata service of a cloud server with an agency returns.
func (s *Service) getMetadataKeys(*http.Request) (any, error) {
	return keyResponse(s.issueKey(s.options.IAM.Lifetime)), nil
}
