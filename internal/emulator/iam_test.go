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

	goodUser  = `{"name":"emulator-user","password":"emulator-password","domain":{"name":"emulator-domain"}}`
	toProject = `,"scope":{"project":{"name":"cn-north-4"}}`
)

// wantIAMError checks an error response of IAM.
func wantIAMError(t *testing.T, got response, status int, message string) {
	t.Helper()
	want := fmt.Sprintf("map[error:map[code:%d message:%s title:%s]]", status, message, http.StatusText(status))
	if got.status != status || got.header.Get("X-Subject-Token") != "" || fmt.Sprint(got.body) != want {
		t.Errorf("got %d %s, want %s and no token", got.status, got.raw, want)
	}
}

// login is the body for a user's password; scope is what follows the identity.
func login(user, scope string) string {
	return `{"auth":{"identity":{"methods":["password"],"password":{"user":` + user + `}}` + scope + `}}`
}

// agencyLogin is the body for the token of an agency.
func agencyLogin(name string) string {
	return `{"auth":{"identity":{"methods":["assume_role"],
		"assume_role":{"xrole_name":"` + name + `","domain_name":"emulator-domain"}}` + toProject + `}}`
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

// Requests with invalid credentials, headers or bodies, and the longest duration of keys. Those who sign a request must
// name their account to assume an agency. The token for an ID token is for no project.
func TestIAM_rejections(t *testing.T) {
	t.Parallel()
	const (
		account    = emulator.DomainID
		noKey      = "401 verify aksk signature fail"
		noAccount  = "400 X-Domain-Id must be the account of the caller."
		noAgency   = "404 Could not find agency: "
		noURN      = "400 agency_urn must be iam::{domain_id}:agency:{name}"
		noIDToken  = "401 The ID token is not one of the identity provider."
		noDuration = "400 duration_seconds must be from 900 to "
	)
	server := emulator.New(t, emulator.Options{})
	metadata := callWith(t, server, http.MethodGet, metadataPath, "", nil).body["credential"].(object)
	keys := map[string]auth.AccessKey{
		"key": defaultKey, "wrong key": {ID: emulator.DefaultAccessKey, Secret: "wrong"},
		"temporary key": {
			ID: metadata["access"].(string), Secret: metadata["secret"].(string),
			SecurityToken: metadata["securitytoken"].(string),
		},
	}
	idToken := func(id string) string { return `{"auth":{"id_token":{"id":"` + id + `"}}}` }
	exchanged := callWith(t, server, http.MethodPost, exchangePath, idToken(emulator.DefaultIDToken),
		map[string]string{"X-Idp-Id": emulator.DefaultIDP})
	tokens := map[string]string{
		"token": emulator.DefaultToken, "token for an ID token": exchanged.header.Get("X-Subject-Token"),
	}
	assume := func(urn, more string) string {
		return `{"agency_urn":"` + urn + `","agency_session_name":"session"` + more + `}`
	}
	const agency = "iam::" + account + ":agency:emulator-agency"
	seconds := func(n int) string { return assume(agency, fmt.Sprintf(`,"duration_seconds":%d`, n)) }
	role := func(name, domain, more string) string {
		return `{"auth":{"identity":{"methods":["assume_role"],
			"assume_role":{"agency_name":"` + name + `","domain_name":"` + domain + `"` + more + `}}}}`
	}
	byMethod := func(method string) string { return `{"auth":{"identity":{"methods":["` + method + `"]}}}` }
	for _, c := range []struct{ credentials, path, header, body, want string }{ // header is X-Domain-Id or X-Idp-Id.
		{"key", loginPath, "other", agencyLogin("emulator-agency"), noAccount},
		{"key", loginPath, account, agencyLogin("other"), noAgency + "other."},
		{"wrong key", loginPath, account, agencyLogin("emulator-agency"), noKey},
		{"key", keysPath, "", role("emulator-agency", "emulator-domain", ""), noAccount},
		{"key", keysPath, account, role("emulator-agency", "other", ""), noAgency},
		{"key", keysPath, account, byMethod("token"), "400 The method token needs X-Auth-Token."},
		{"token", keysPath, "", byMethod("password"), "400 methods must be token or assume_role."},
		{"token", keysPath, "", role("other", "emulator-domain", ""), noAgency + "other."},
		{"token", keysPath, "", role("emulator-agency", "emulator-domain", `,"duration_seconds":899`), noDuration},
		{
			"token", keysPath, "", role("emulator-agency", "emulator-domain", `,"duration_seconds":18446745000`),
			noDuration,
		},
		{"key", assumePath, "", assume(agency, ""), noAccount},
		{"key", assumePath, account, assume("iam::"+account+":agency:other", ""), noAgency + "other."},
		{"key", assumePath, account, assume("emulator-agency", ""), noURN},
		{"key", assumePath, account, `{"agency_urn":"` + agency + `"}`, noURN},
		{"key", assumePath, account, `[`, "400 malformed request"},
		{"key", assumePath, account, seconds(899), noDuration},
		{"key", assumePath, account, seconds(43200), "200 "},
		{"key", assumePath, account, seconds(43201), noDuration + "43200."},
		{"temporary key", assumePath, account, seconds(3600), "200 "},
		{"temporary key", assumePath, account, seconds(3601), noDuration + "3600."},
		{"", exchangePath, "other", idToken(emulator.DefaultIDToken), noIDToken},
		{"", exchangePath, emulator.DefaultIDP, idToken("other"), noIDToken},
		{"token for an ID token", jobsPath, "", plainJob("app"), "403 The token is not for a project."},
	} {
		var got response
		if key, isKey := keys[c.credentials]; isKey {
			got = callSigned(t, server, key, http.MethodPost, c.path, c.body, c.header)
		} else {
			header := map[string]string{"X-Auth-Token": tokens[c.credentials], "X-Idp-Id": c.header}
			got = callWith(t, server, http.MethodPost, c.path, c.body, header)
		}
		status, message, _ := strings.Cut(c.want, " ")
		if strconv.Itoa(got.status) != status || !strings.Contains(got.raw, message) {
			t.Errorf("%v: got %d %s", c, got.status, got.raw)
		}
	}
}

func TestIAM_login(t *testing.T) {
	t.Parallel()
	const (
		noMatch   = "401 The username or password is wrong."
		noProject = "401 The project is not one of this account."
		noDomain  = "401 The domain is not that of the user."
		noMethod  = "400 methods must be password, token or assume_role."
	)
	byToken := func(token, project string) string {
		return `{"auth":{"identity":{"methods":["token"],"token":{"id":"` + token + `"}},
			"scope":{"project":{"name":"team"` + project + `}}}}`
	}
	without := func(old, replacement string) string {
		return strings.Replace(login(goodUser, toProject), old, replacement, 1)
	}
	now := new(clock)
	alice := emulator.User{Name: "alice", Password: "secret", AccessKey: "ALICE", SecretKey: "key"}
	server := emulator.New(t, emulator.Options{Now: now.Now, IAM: emulator.IAM{
		Projects: map[string]string{"cn-north-4": "p1", "team": "p2"}, Users: []emulator.User{alice},
	}})
	aliceByID := `{"id":"u` + emulator.ProjectID("alice")[1:] + `","password":"secret"}`
	aliceByName := strings.NewReplacer("emulator-user", "alice", "emulator-password", "secret").Replace(goodUser)
	for _, c := range []struct{ body, want string }{
		{login(goodUser, toProject), "201 p1"},
		{login(goodUser, `,"scope":{"domain":{"name":"emulator-domain"}}`), "201 "},
		{login(goodUser, ``), "201 "},
		{login(`{"id":"`+emulator.UserID+`","password":"emulator-password"}`, toProject), "201 p1"},
		{login(aliceByName, ""), "201 "},
		{login(aliceByID, ""), "201 "},
		{login(strings.Replace(aliceByName, "secret", "emulator-password", 1), ""), noMatch},
		{login(strings.Replace(aliceByID, "secret", "emulator-password", 1), ""), noMatch},
		{without(`"password":"emulator-password",`, ""), noMatch},
		{without(`,"domain":{"name":"emulator-domain"}`, ""), noMatch},
		{without("emulator-domain", "other"), noMatch},
		{without("cn-north-4", "nowhere"), noProject},
		{login(goodUser, `,"scope":{"project":{"id":"p3"}}`), noProject},
		{login(goodUser, `,"scope":{"domain":{"name":"other"}}`), noDomain},
		{without(`["password"]`, `["totp"]`), noMethod},
		{without(`["password"]`, `["password","token"]`), noMethod},
		{`[`, "400 malformed request: unexpected EOF"},
		{byToken("emulator-token", `,"domain":{"name":"emulator-domain"}`), "201 p2"},
		{byToken("emulator-token", `,"domain":{"name":"other"}`), noProject},
		{byToken("wrong", ""), "401 The token is wrong or has expired."},
		{agencyLogin("emulator-agency"), "401 The request you have made requires authentication."},
	} {
		got := callWith(t, server, http.MethodPost, loginPath, c.body, nil)
		if message, isError := strings.CutPrefix(c.want, fmt.Sprint(got.status, " ")); isError && got.status >= 400 {
			wantIAMError(t, got, got.status, message)
			continue
		}
		token, _ := got.body["token"].(object)
		project, _ := token["project"].(object)
		id, _ := project["id"].(string)
		if fmt.Sprint(got.status, " ", id) != c.want || got.header.Get("X-Subject-Token") == "" {
			t.Errorf("%s: got %d %s, want %s", c.body, got.status, got.raw, c.want)
		}
		wantExpiry(t, token, now.Now().Add(24*time.Hour))
	}
	for secret, want := range map[string]int{"key": http.StatusOK, "other": http.StatusUnauthorized} {
		key := auth.AccessKey{ID: "ALICE", Secret: secret, Now: now.Now}
		got := callSigned(t, server, key, http.MethodGet, "/assembling/v1/base_images", "", "")
		if got.status != want {
			t.Errorf("access key with the secret %s: got %d %s, want %d", secret, got.status, got.raw, want)
		}
	}
}

func wantExpiry(t *testing.T, credential object, want time.Time) {
	t.Helper()
	if want := want.UTC().Format("2006-01-02T15:04:05.000000Z"); credential["expires_at"] != want {
		t.Errorf("expires_at: got %v, want %s", credential["expires_at"], want)
	}
}

// A token is valid for its project until it expires or is revoked.
func TestIAM_token(t *testing.T) {
	t.Parallel()
	now := new(clock)
	server := emulator.New(t, emulator.Options{Now: now.Now, IAM: emulator.IAM{Lifetime: time.Hour}})
	scoped, unscoped := issueToken(t, server, toProject), issueToken(t, server, "")
	get := func(token, path string) response {
		return callWith(t, server, http.MethodGet, path, "", map[string]string{"X-Auth-Token": token})
	}
	const jobs, projects = jobsPath + "?page=1&per_page=10", "/v3/projects?name=r"
	now.Advance(time.Hour - time.Second)
	for _, got := range []response{get(scoped, jobs), get(scoped, projects), get(unscoped, projects)} {
		if got.status != http.StatusOK {
			t.Errorf("got %d %s", got.status, got.raw)
		}
	}
	wantError(t, get(unscoped, jobs), "403 APIGW.0302")
	wantError(t, get(unscoped, "/v3/p/assembling/base-images"), "403 APIGW.0302")
	now.Advance(time.Second)
	wantError(t, get(scoped, jobs), "401 APIGW.0307")
	wantError(t, get(scoped, projects), "401 APIGW.0307")
	fresh := issueToken(t, server, toProject)
	server.RevokeCredentials()
	wantError(t, get(fresh, jobs), "401 APIGW.0301")
}

// Without a list of projects, every project exists. Otherwise, IAM and the gateway reject others.
func TestIAM_projects(t *testing.T) {
	t.Parallel()
	every, only := emulator.New(t, emulator.Options{}), emulator.New(t, emulator.Options{Project: "p1"})
	for _, c := range []struct {
		server      *emulator.Server
		query, want string
	}{
		{only, "?name=cn-north-4", "p1"},
		{only, "?name=cn-north", ""},
		{only, "?name=p1", ""},
		{only, "", ""},
		{every, "?name=r", emulator.ProjectID("r")},
	} {
		projects := mustCall(t, c.server, http.MethodGet, "/v3/projects"+c.query, "")["projects"]
		if got := column(projects, "id"); got != c.want {
			t.Errorf("%q: got %v, want %q", c.query, projects, c.want)
		}
	}
	for project, want := range map[string]int{"p1": http.StatusOK, "p2": http.StatusUnauthorized} {
		header := map[string]string{"X-Auth-Token": emulator.DefaultToken, "X-Project-Id": project}
		if got := callWith(t, only, http.MethodGet, "/assembling/v1/base_images", "", header); got.status != want {
			t.Errorf("project %q: got %d %s, want %d", project, got.status, got.raw, want)
		}
	}
	wantError(t, callWith(t, every, http.MethodGet, "/v3/projects?name=r", "", nil), "401 APIGW.0301")
}

func TestIAM_temporaryKeys(t *testing.T) {
	t.Parallel()
	agency := func(role string) string { return `"methods":["assume_role"],"assume_role":{` + role + `}` }
	good := func(more string) string {
		return agency(`"agency_name":"emulator-agency","domain_name":"emulator-domain"` + more)
	}
	now := new(clock)
	server := emulator.New(t, emulator.Options{Now: now.Now, IAM: emulator.IAM{Lifetime: 2 * time.Hour}})
	for identity, lifetime := range map[string]time.Duration{
		good(""): 15 * time.Minute,
		agency(`"agency_name":"emulator-agency","domain_id":"` + emulator.DomainID + `"`): 15 * time.Minute,
		good(`,"duration_seconds":86400`):                                                 24 * time.Hour,
		`"methods":["token"]`:                                                             15 * time.Minute,
		`"methods":["token"],"token":{"duration_seconds":3600}`:                           time.Hour,
	} {
		got := call(t, server, http.MethodPost, keysPath, `{"auth":{"identity":{`+identity+`}}}`)
		wantKeysThatLive(t, server, now, got, http.StatusCreated, lifetime)
	}
	got := callWith(t, server, http.MethodGet, metadataPath, "", nil)
	wantKeysThatLive(t, server, now, got, http.StatusOK, 2*time.Hour)
}

// wantKeysThatLive checks that the keys are valid with their security token alone, and until their end.
func wantKeysThatLive(
	t *testing.T, server *emulator.Server, now *clock, issued response, status int, lifetime time.Duration,
) {
	t.Helper()
	if issued.status != status {
		t.Fatalf("got %d %s, want %d", issued.status, issued.raw, status)
	}
	credential := issued.body["credential"].(object)
	wantExpiry(t, credential, now.Now().Add(lifetime))
	get := func(securityToken string) response {
		t.Helper()
		key := auth.AccessKey{ID: credential["access"].(string), Secret: credential["secret"].(string)}
		key.SecurityToken, key.Now = securityToken, now.Now
		return callSigned(t, server, key, http.MethodGet, jobsPath+"?page=1&per_page=10", "", "")
	}
	token := credential["securitytoken"].(string)
	wantError(t, get("wrong"), "401 APIGW.0301")
	now.Advance(lifetime - time.Second)
	if got := get(token); got.status != http.StatusOK {
		t.Errorf("a second before their end: got %d %s", got.status, got.raw)
	}
	now.Advance(time.Second)
	wantError(t, get(token), "401 APIGW.0301")
}
