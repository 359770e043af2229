// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package emulator_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
)

const (
	loginPath    = "/v3/auth/tokens"
	keysPath     = "/v3.0/OS-CREDENTIAL/securitytokens"
	exchangePath = "/v3.0/OS-AUTH/id-token/tokens"
	assumePath   = "/v5/agencies/assume"
	metadataPath = "/openstack/latest/securitykey"
)

// wantIAMError checks an error response of IAM.
func wantIAMError(t *testing.T, got response, status int, message string) {
	t.Helper()
	if got.status != status || got.header.Get("X-Subject-Token") != "" {
		t.Errorf("got %d %s, want %d and no token", got.status, got.raw, status)
		return
	}
	failure := objectIn(t, got.body, "error")
	if failure["message"] != message || fmt.Sprint(failure["code"]) != strconv.Itoa(status) || failure["title"] != http.StatusText(status) {
		t.Errorf("got %s, want %q", got.raw, message)
	}
}

// login is the body for a user's password; scope is what follows the identity.
func login(user, scope string) string {
	return `{"auth":{"identity":{"methods":["password"],"password":{"user":` + user + `}}` + scope + `}}`
}

const (
	goodUser  = `{"name":"emulator-user","password":"emulator-password","domain":{"name":"emulator-domain"}}`
	toProject = `,"scope":{"project":{"name":"cn-north-4"}}`
)

// agencyLogin is the body for the token of an agency.
func agencyLogin(name string) string {
	return `{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"xrole_name":"` + name + `","domain_name":"emulator-domain"}}` + toProject + `}}`
}

// An agency is for callers with good credentials, and a signed request must name the caller's account in a signed
// header. STS checks URN and duration.
func TestIAM_agencies(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	key := auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: emulator.DefaultSecretKey}
	temporary := objectIn(t, callWith(t, server, http.MethodGet, metadataPath, "", nil).body, "credential")
	temporaryKey := auth.AccessKey{
		ID: stringIn(t, temporary, "access"), Secret: stringIn(t, temporary, "secret"), SecurityToken: stringIn(t, temporary, "securitytoken"),
	}
	urn := func(agency, more string) string {
		return `{"agency_urn":"iam::` + emulator.DomainID + `:agency:` + agency + `","agency_session_name":"emulator-agency"` + more + `}`
	}
	const byName = `{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"agency_name":"emulator-agency","domain_name":"emulator-domain"}}}}`
	for name, c := range map[string]struct {
		by         auth.AccessKey
		path, body string
		domain     string
		status     int
	}{
		"token":                     {key, loginPath, agencyLogin("emulator-agency"), emulator.DomainID, 201},
		"token, no account":         {key, loginPath, agencyLogin("emulator-agency"), "", 400},
		"token, other account":      {key, loginPath, agencyLogin("emulator-agency"), "other", 400},
		"token, other agency":       {key, loginPath, agencyLogin("other"), emulator.DomainID, 404},
		"token, wrong key":          {auth.AccessKey{ID: emulator.DefaultAccessKey, Secret: "wrong"}, loginPath, agencyLogin("emulator-agency"), emulator.DomainID, 401},
		"keys":                      {key, keysPath, byName, emulator.DomainID, 201},
		"keys, no account":          {key, keysPath, byName, "", 400},
		"STS":                       {key, assumePath, urn("emulator-agency", ""), emulator.DomainID, 200},
		"STS, no account":           {key, assumePath, urn("emulator-agency", ""), "", 400},
		"STS, other agency":         {key, assumePath, urn("other", ""), emulator.DomainID, 404},
		"STS, malformed URN":        {key, assumePath, `{"agency_urn":"emulator-agency","agency_session_name":"emulator-agency"}`, emulator.DomainID, 400},
		"STS, no session name":      {key, assumePath, `{"agency_urn":"iam::` + emulator.DomainID + `:agency:emulator-agency"}`, emulator.DomainID, 400},
		"STS, malformed":            {key, assumePath, `[`, emulator.DomainID, 400},
		"STS, shortest":             {key, assumePath, urn("emulator-agency", `,"duration_seconds":900`), emulator.DomainID, 200},
		"STS, too short":            {key, assumePath, urn("emulator-agency", `,"duration_seconds":899`), emulator.DomainID, 400},
		"STS, longest":              {key, assumePath, urn("emulator-agency", `,"duration_seconds":43200`), emulator.DomainID, 200},
		"STS, too long":             {key, assumePath, urn("emulator-agency", `,"duration_seconds":43201`), emulator.DomainID, 400},
		"STS, temporary key":        {temporaryKey, assumePath, urn("emulator-agency", `,"duration_seconds":3600`), emulator.DomainID, 200},
		"STS, temporary, too long":  {temporaryKey, assumePath, urn("emulator-agency", `,"duration_seconds":3601`), emulator.DomainID, 400},
		"STS, wrong key of no type": {auth.AccessKey{ID: "nobody", Secret: "wrong"}, assumePath, urn("emulator-agency", ""), emulator.DomainID, 401},
	} {
		req := newRequest(t, server, http.MethodPost, c.path, c.body)
		if c.domain != "" {
			req.Header.Set("X-Domain-Id", c.domain)
		}
		if err := c.by.Authenticate(t.Context(), req, []byte(c.body)); err != nil {
			t.Fatal(err)
		}
		if got := do(t, req); got.status != c.status {
			t.Errorf("%s: got %d %s, want %d", name, got.status, got.raw, c.status)
		}
	}
	req := newRequest(t, server, http.MethodGet, "/v3/auth/domains", "")
	key.Sign(req, nil, []string{"host", "x-sdk-date"})
	req.Header.Set("X-Domain-Id", emulator.DomainID)
	wantError(t, do(t, req), http.StatusUnauthorized, "APIGW.0301")
	req.Header.Del("X-Domain-Id")
	if got := do(t, req); got.status != http.StatusOK || !strings.Contains(got.raw, emulator.DomainID) {
		t.Errorf("the account: got %d %s", got.status, got.raw)
	}
}

// issueToken logs in.
func issueToken(t *testing.T, server *emulator.Server, scope string) string {
	t.Helper()
	got := callWith(t, server, http.MethodPost, loginPath, login(goodUser, scope), nil)
	if got.status != http.StatusCreated || got.header.Get("X-Subject-Token") == "" {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	return got.header.Get("X-Subject-Token")
}

func TestIAM_login(t *testing.T) {
	t.Parallel()
	const wrong, noProject, noDomain = "The username or password is wrong.", "The project is not one of this account.", "The domain is not that of the user."
	for name, c := range map[string]struct {
		body    string
		status  int
		message string
		project string
	}{
		"project by name":        {login(goodUser, toProject), 201, "", "p1"},
		"account":                {login(goodUser, `,"scope":{"domain":{"name":"emulator-domain"}}`), 201, "", ""},
		"no scope":               {login(goodUser, ``), 201, "", ""},
		"user by id":             {login(`{"id":"`+emulator.UserID+`","password":"emulator-password"}`, toProject), 201, "", "p1"},
		"wrong password":         {login(strings.Replace(goodUser, "emulator-password", "wrong", 1), toProject), 401, wrong, ""},
		"no password":            {login(`{"name":"emulator-user","domain":{"name":"emulator-domain"}}`, toProject), 401, wrong, ""},
		"user without account":   {login(`{"name":"emulator-user","password":"emulator-password"}`, toProject), 401, wrong, ""},
		"user of other account":  {login(strings.Replace(goodUser, "emulator-domain", "other", 1), toProject), 401, wrong, ""},
		"unknown project":        {login(goodUser, `,"scope":{"project":{"name":"nowhere"}}`), 401, noProject, ""},
		"other account":          {login(goodUser, `,"scope":{"domain":{"name":"other"}}`), 401, noDomain, ""},
		"other method":           {strings.Replace(login(goodUser, toProject), `["password"]`, `["totp"]`, 1), 400, "methods must be password, token or assume_role.", ""},
		"no method":              {strings.Replace(login(goodUser, toProject), `["password"]`, `[]`, 1), 400, "methods must be password, token or assume_role.", ""},
		"null where objects are": {`{"auth":{"identity":null}}`, 400, "methods must be password, token or assume_role.", ""},
		"token":                  {`{"auth":{"identity":{"methods":["token"],"token":{"id":"emulator-token"}}` + toProject + `}}`, 201, "", "p1"},
		"token, project of account": {
			`{"auth":{"identity":{"methods":["token"],"token":{"id":"emulator-token"}},"scope":{"project":{"name":"team","domain":{"name":"emulator-domain"}}}}}`, 201, "", "p2",
		},
		"token, project of other account": {
			`{"auth":{"identity":{"methods":["token"],"token":{"id":"emulator-token"}},"scope":{"project":{"name":"team","domain":{"name":"other"}}}}}`, 401, noProject, "",
		},
		"wrong token":                {`{"auth":{"identity":{"methods":["token"],"token":{"id":"wrong"}}` + toProject + `}}`, 401, "The token is wrong or has expired.", ""},
		"agency without credentials": {agencyLogin("emulator-agency"), 401, "The request you have made requires authentication.", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			server := emulator.New(t, emulator.Options{Now: now.Now, IAM: emulator.IAM{Projects: map[string]string{"cn-north-4": "p1", "team": "p2"}}})
			got := callWith(t, server, http.MethodPost, loginPath, c.body, nil)
			if c.status != http.StatusCreated {
				wantIAMError(t, got, c.status, c.message)
				return
			}
			if got.status != http.StatusCreated || got.header.Get("X-Subject-Token") == "" {
				t.Fatalf("got %d %s", got.status, got.raw)
			}
			token := objectIn(t, got.body, "token")
			if want := now.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04:05.000000Z"); token["expires_at"] != want {
				t.Errorf("expires_at: got %v, want %s", token["expires_at"], want)
			}
			project, _ := token["project"].(object)
			if got, _ := project["id"].(string); got != c.project {
				t.Errorf("project %q, want %q", got, c.project)
			}
		})
	}
	if got := callWith(t, emulator.New(t, emulator.Options{}), http.MethodPost, loginPath, `{`, nil); got.status != http.StatusBadRequest {
		t.Errorf("malformed: got %d %s", got.status, got.raw)
	}
}

// A token is valid for its project until it expires or is revoked.
func TestIAM_token(t *testing.T) {
	t.Parallel()
	now := newClock()
	server := emulator.New(t, emulator.Options{Now: now.Now, IAM: emulator.IAM{Lifetime: time.Hour}})
	scoped, unscoped := issueToken(t, server, toProject), issueToken(t, server, "")
	get := func(token, path string) response {
		return callWith(t, server, http.MethodGet, path, "", map[string]string{"X-Auth-Token": token})
	}
	const jobs, projects = jobsPath + "?page=1&per_page=10", "/v3/projects?name=r"
	for _, got := range []response{get(scoped, jobs), get(scoped, projects), get(unscoped, projects)} {
		if got.status != http.StatusOK {
			t.Errorf("got %d %s", got.status, got.raw)
		}
	}
	wantError(t, get(unscoped, jobs), http.StatusForbidden, "APIGW.0302")
	wantError(t, get(unscoped, "/v3/p/assembling/base-images"), http.StatusForbidden, "APIGW.0302")
	now.Advance(time.Hour - time.Second)
	if got := get(scoped, jobs); got.status != http.StatusOK {
		t.Errorf("a second before its end: got %d %s", got.status, got.raw)
	}
	now.Advance(time.Second)
	wantError(t, get(scoped, jobs), http.StatusUnauthorized, "APIGW.0307")
	wantError(t, get(scoped, projects), http.StatusUnauthorized, "APIGW.0307")
	fresh := issueToken(t, server, toProject)
	server.RevokeCredentials()
	wantError(t, get(fresh, jobs), http.StatusUnauthorized, "APIGW.0301")
}

// Without credentials, IAM returns neither projects nor keys.
func TestIAM_needsCredentials(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	for _, request := range []struct{ method, path string }{{http.MethodGet, "/v3/projects?name=r"}, {http.MethodPost, keysPath}} {
		for _, token := range []string{"", "wrong"} {
			wantError(t, callWith(t, server, request.method, request.path, `{}`, map[string]string{"X-Auth-Token": token}), http.StatusUnauthorized, "APIGW.0301")
		}
	}
}

func TestIAM_projects(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{IAM: emulator.IAM{Projects: map[string]string{"cn-north-4": "p1"}}})
	open := emulator.New(t, emulator.Options{})
	for query, want := range map[string]string{"?name=cn-north-4": "p1", "?name=cn-north": "", "?name=p1": "", "": ""} {
		projects, _ := mustCall(t, server, http.MethodGet, "/v3/projects"+query, "")["projects"].([]any)
		if len(projects) > 1 || (len(projects) == 1) != (want != "") || want != "" && projects[0].(object)["id"] != want {
			t.Errorf("%q: got %v, want %q", query, projects, want)
		}
	}
	if got := mustCall(t, open, http.MethodGet, "/v3/projects?name=r", ""); !strings.Contains(fmt.Sprint(got), emulator.ProjectID("r")) {
		t.Errorf("got %v", got)
	}
}

func TestIAM_temporaryKeys(t *testing.T) {
	t.Parallel()
	identity := func(content string) string { return `{"auth":{"identity":{` + content + `}}}` }
	agency := func(role string) string { return identity(`"methods":["assume_role"],"assume_role":{` + role + `}`) }
	const good, noDuration = `"agency_name":"emulator-agency","domain_name":"emulator-domain"`, "duration_seconds must be from 900 to 86400."
	for name, c := range map[string]struct {
		body     string
		lifetime time.Duration // 0 means that there are none.
		status   int
		message  string
	}{
		"agency":                {agency(good), 15 * time.Minute, 0, ""},
		"agency, account by id": {agency(`"agency_name":"emulator-agency","domain_id":"` + emulator.DomainID + `"`), 15 * time.Minute, 0, ""},
		"longest":               {agency(good + `,"duration_seconds":86400`), 24 * time.Hour, 0, ""},
		"too short":             {agency(good + `,"duration_seconds":899`), 0, 400, noDuration},
		"wrong agency":          {agency(`"agency_name":"nobody","domain_name":"emulator-domain"`), 0, 404, "Could not find agency: nobody."},
		"token":                 {identity(`"methods":["token"]`), 15 * time.Minute, 0, ""},
		"too long":              {agency(good + `,"duration_seconds":18446745000`), 0, 400, noDuration},
		"token, an hour":        {identity(`"methods":["token"],"token":{"duration_seconds":3600}`), time.Hour, 0, ""},
		"other method":          {identity(`"methods":["password"]`), 0, 400, "methods must be token or assume_role."},
		"two methods":           {identity(`"methods":["token","assume_role"]`), 0, 400, "methods must be token or assume_role."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := newClock()
			server := emulator.New(t, emulator.Options{Now: now.Now})
			got := callWith(t, server, http.MethodPost, keysPath, c.body, map[string]string{"X-Auth-Token": emulator.DefaultToken})
			if c.lifetime == 0 {
				wantIAMError(t, got, c.status, c.message)
				return
			}
			if got.status != http.StatusCreated {
				t.Fatalf("got %d %s", got.status, got.raw)
			}
			wantKeysThatLive(t, server, now, objectIn(t, got.body, "credential"), c.lifetime)
		})
	}
}

// wantKeysThatLive checks that the keys are valid with their security token alone, and until their end.
func wantKeysThatLive(t *testing.T, server *emulator.Server, now *clock, credential object, lifetime time.Duration) {
	t.Helper()
	if want := now.Now().Add(lifetime).UTC().Format("2006-01-02T15:04:05.000000Z"); credential["expires_at"] != want {
		t.Errorf("expires_at: got %v, want %s", credential["expires_at"], want)
	}
	get := func(securityToken string) response {
		t.Helper()
		req := newRequest(t, server, http.MethodGet, jobsPath+"?page=1&per_page=10", "")
		key := auth.AccessKey{ID: stringIn(t, credential, "access"), Secret: stringIn(t, credential, "secret"), SecurityToken: securityToken, Now: now.Now}
		if err := key.Authenticate(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
		return do(t, req)
	}
	token := stringIn(t, credential, "securitytoken")
	wantError(t, get(""), http.StatusUnauthorized, "APIGW.0301")
	wantError(t, get("wrong"), http.StatusUnauthorized, "APIGW.0301")
	now.Advance(lifetime - time.Second)
	if got := get(token); got.status != http.StatusOK {
		t.Errorf("a second before their end: got %d %s", got.status, got.raw)
	}
	now.Advance(time.Second)
	wantError(t, get(token), http.StatusUnauthorized, "APIGW.0301")
}

// The method token needs a token: a signature is not sufficient.
func TestIAM_temporaryKeysOfAToken(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	const body = `{"auth":{"identity":{"methods":["token"]}}}`
	req := newRequest(t, server, http.MethodPost, keysPath, body)
	if err := defaultKey.Authenticate(t.Context(), req, []byte(body)); err != nil {
		t.Fatal(err)
	}
	wantIAMError(t, do(t, req), http.StatusBadRequest, "The method token needs X-Auth-Token.")
}

func TestIAM_idToken(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{})
	body := func(id string) string { return `{"auth":{"id_token":{"id":"` + id + `"}}}` }
	for _, c := range []struct{ idp, id string }{{"other", emulator.DefaultIDToken}, {emulator.DefaultIDP, "other"}, {emulator.DefaultIDP, ""}} {
		got := callWith(t, server, http.MethodPost, exchangePath, body(c.id), map[string]string{"X-Idp-Id": c.idp})
		wantIAMError(t, got, http.StatusUnauthorized, "The ID token is not one of the identity provider.")
	}
	got := callWith(t, server, http.MethodPost, exchangePath, body(emulator.DefaultIDToken), map[string]string{"X-Idp-Id": emulator.DefaultIDP})
	token := got.header.Get("X-Subject-Token")
	if got.status != http.StatusCreated || token == "" {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	// It is for no project, so only keys can be created with it.
	wantError(t, callWith(t, server, http.MethodGet, jobsPath, "", map[string]string{"X-Auth-Token": token}), http.StatusForbidden, "APIGW.0302")
	keys := callWith(t, server, http.MethodPost, keysPath, `{"auth":{"identity":{"methods":["token"]}}}`, map[string]string{"X-Auth-Token": token})
	if keys.status != http.StatusCreated {
		t.Errorf("got %d %s", keys.status, keys.raw)
	}
}

func TestIAM_metadata(t *testing.T) {
	t.Parallel()
	now := newClock()
	server := emulator.New(t, emulator.Options{Now: now.Now, IAM: emulator.IAM{Lifetime: time.Hour}})
	got := callWith(t, server, http.MethodGet, metadataPath, "", nil)
	if got.status != http.StatusOK {
		t.Fatalf("got %d %s", got.status, got.raw)
	}
	wantKeysThatLive(t, server, now, objectIn(t, got.body, "credential"), time.Hour)
}
