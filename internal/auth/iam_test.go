// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const (
	loginCall    = "POST /v3/auth/tokens"
	stsCall      = "POST /v5/agencies/assume"
	domainsCall  = "GET /v3/auth/domains"
	keysCall     = "POST /v3.0/OS-CREDENTIAL/securitytokens"
	exchangeCall = "POST /v3.0/OS-AUTH/id-token/tokens"
	expiresAt    = "2026-01-02T04:04:05.123000Z"
)

// iam sends the documented responses to any credentials.
func iam(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v3/auth/tokens", "/v3.0/OS-AUTH/id-token/tokens":
		w.Header().Set("X-Subject-Token", "issued-token")
		respond(w, http.StatusCreated, `{"token":{"expires_at":"`+expiresAt+`","project":{"id":"p","name":"n"}}}`)
	case "/v3/auth/domains":
		respond(w, http.StatusOK, `{"domains":[{"id":"caller","name":"c"}]}`)
	case "/v5/agencies/assume":
		respond(w, http.StatusOK, `{"credentials":{"access_key_id":"TAK","secret_access_key":"TSK",
			"security_token":"TST","expiration":"`+expiresAt+`"}}`)
	default:
		respond(w, http.StatusCreated, `{"credential":{"access":"TAK","secret":"TSK",
			"securitytoken":"TST","expires_at":"`+expiresAt+`"}}`)
	}
}

// The requests are those that the API documents.
func TestIAM_calls(t *testing.T) {
	t.Parallel()
	key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
	type call struct {
		call, body string
		header     map[string]string
	}
	const signed, none = "signed", ""
	login := func(user, scope string) []call {
		identity := `{"methods":["password"],"password":{"user":` + user + `}}`
		return []call{{
			loginCall, `{"auth":{"identity":` + identity + `,"scope":` + scope + `}}`,
			map[string]string{"X-Auth-Token": none, "Authorization": none},
		}}
	}
	unscoped := call{call: loginCall}
	unscoped.body = `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"ui","password":"p"}}}}}`
	exchanged := func(scope string) []call {
		return []call{{
			loginCall, `{"auth":{"identity":{"methods":["token"],"token":{"id":"T"}},"scope":` + scope + `}}`,
			map[string]string{"X-Auth-Token": none},
		}}
	}
	delegated := func(scope string, header map[string]string) call {
		identity := `{"assume_role":{"domain_name":"d","xrole_name":"ag"},"methods":["assume_role"]}`
		return call{loginCall, `{"auth":{"identity":` + identity + `,"scope":` + scope + `}}`, header}
	}
	domains := call{domainsCall, "", map[string]string{"Authorization": signed}}
	byName := func(domain string) call {
		identity := `{"assume_role":{"agency_name":"ag","domain_name":"d"},"methods":["assume_role"]}`
		header := map[string]string{"Authorization": signed, "X-Domain-Id": domain}
		return call{keysCall, `{"auth":{"identity":` + identity + `}}`, header}
	}
	sts := func(duration string) call {
		return call{
			stsCall, `{"agency_session_name":"ag","agency_urn":"iam::di:agency:ag"` + duration + `}`,
			map[string]string{"Authorization": signed, "X-Domain-Id": "caller"},
		}
	}
	asToken := map[string]string{"X-Auth-Token": "issued-token", "Authorization": none, "X-Domain-Id": none}
	idToken := auth.OIDC{IDPID: "idp", IDToken: "the-id-token"}
	for name, c := range map[string]struct {
		source  auth.Source
		project auth.Project
		want    []call
	}{
		"password, account by name, project by name": {
			auth.Password{UserName: "u", Password: `p"<`, DomainName: "d"},
			auth.Project{Name: "n"},
			login(`{"domain":{"name":"d"},"name":"u","password":"p\"\u003c"}`, `{"project":{"name":"n"}}`),
		},
		"password, account by id, project by id": {
			auth.Password{UserName: "u", Password: "p", DomainName: "d", DomainID: "di"},
			auth.Project{ID: "pi", Name: "n"},
			login(`{"domain":{"id":"di"},"name":"u","password":"p"}`, `{"project":{"id":"pi"}}`),
		},
		"password, user by id": {
			auth.Password{UserName: "u", UserID: "ui", Password: "p", DomainName: "d"},
			auth.Project{Name: "n"},
			login(`{"id":"ui","password":"p"}`, `{"project":{"name":"n"}}`),
		},
		"password for the account": {
			auth.Password{UserName: "u", Password: "p", DomainName: "d"},
			auth.Project{},
			login(`{"domain":{"name":"d"},"name":"u","password":"p"}`, `{"domain":{"name":"d"}}`),
		},
		"password for nothing": {
			auth.Password{UserID: "ui", Password: "p"},
			auth.Project{},
			[]call{unscoped},
		},
		"agency, account by name": {
			auth.Agency{Base: key, Name: "ag", DomainName: "d"}, auth.Project{}, []call{domains, byName("caller")},
		},
		"agency, account of the caller configured": {
			auth.Agency{Base: key, Name: "ag", DomainName: "d", CallerDomainID: "own"},
			auth.Project{},
			[]call{byName("own")},
		},
		"agency, account by id, duration": {
			auth.Agency{Base: key, Name: "ag", DomainName: "d", DomainID: "di", Duration: time.Hour},
			auth.Project{},
			[]call{domains, sts(`,"duration_seconds":3600`)},
		},
		"agency with a password, and a project of its account": {
			auth.Agency{Base: auth.Password{UserID: "ui", Password: "p"}, Name: "ag", DomainName: "d"},
			auth.Project{Name: "n"},
			[]call{
				unscoped,
				{keysCall, byName("").body, asToken},
			},
		},
		"chain of agencies": {
			auth.Agency{
				Base: auth.Agency{Base: key, Name: "ag", DomainName: "d", CallerDomainID: "own"},
				Name: "ag", DomainID: "di",
			},
			auth.Project{},
			[]call{byName("own"), domains, sts("")},
		},
		"token of an agency": {
			auth.AgencyToken{Base: key, Name: "ag", DomainName: "d", Project: "n"},
			auth.Project{Name: "other"},
			[]call{domains, delegated(
				`{"project":{"domain":{"name":"d"},"name":"n"}}`,
				map[string]string{"Authorization": signed, "X-Domain-Id": "caller"},
			)},
		},
		"token of an agency, by a token": {
			auth.AgencyToken{Base: auth.Static{Credential: auth.Token("issued-token")}, Name: "ag", DomainName: "d"},
			auth.Project{},
			[]call{delegated(`{"domain":{"name":"d"}}`, asToken)},
		},
		"token exchanged, project by id": {
			auth.Exchange{Token: "T", DomainName: "d"},
			auth.Project{ID: "pi", Name: "n"},
			exchanged(`{"project":{"id":"pi"}}`),
		},
		"token exchanged, project by name": {
			auth.Exchange{Token: "T", DomainName: "d"},
			auth.Project{Name: "n"},
			exchanged(`{"project":{"domain":{"name":"d"},"name":"n"}}`),
		},
		"agency with an ID token": {
			auth.Agency{Base: idToken, Name: "ag", DomainID: "di"},
			auth.Project{},
			[]call{
				{
					exchangeCall, `{"auth":{"id_token":{"id":"the-id-token"}}}`,
					map[string]string{"X-Idp-Id": "idp", "X-Auth-Token": none, "Authorization": none},
				},
				{keysCall, `{"auth":{"identity":{"methods":["token"],"token":{"duration_seconds":3600}}}}`, asToken},
				domains, sts(""),
			},
		},
		"metadata service": {
			auth.Metadata{Timeout: time.Minute},
			auth.Project{},
			[]call{{
				"GET /openstack/latest/securitykey", "", map[string]string{"X-Auth-Token": none, "Authorization": none},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) { iam(w, r) })
			credentials, err := c.source.Credentials(t.Context(), clientsOf(t, server.url), c.project)
			if err != nil {
				t.Fatal(err)
			}
			if want := time.Date(2026, 1, 2, 4, 4, 5, 123e6, time.UTC); !credentials.ExpiresAt.Equal(want) {
				t.Errorf("they expire at %s, want %s", credentials.ExpiresAt, want)
			}
			got := server.received()
			if len(got) != len(c.want) {
				t.Fatalf("got %v, want %d calls", got, len(c.want))
			}
			for i, want := range c.want {
				if got[i].call != want.call || got[i].body != want.body {
					t.Errorf("call %d\n got %s %s\nwant %s %s", i, got[i].call, got[i].body, want.call, want.body)
				}
				for header, value := range want.header {
					sent := got[i].header.Get(header)
					if value == signed && strings.HasPrefix(sent, auth.Algorithm+" Access=") &&
						strings.Contains(sent, "x-domain-id") == (got[i].header.Get("X-Domain-Id") != "") {
						continue
					}
					if sent != value {
						t.Errorf("call %d: %s: got %q, want %q", i, header, sent, value)
					}
				}
			}
		})
	}
}

// The name selects one project, also if the response contains others.
func TestIAM_projects(t *testing.T) {
	t.Parallel()
	const none = `looking up the ID of project "r": IAM returned no project of this name`
	for name, c := range map[string]struct{ projects, want, failure string }{
		"similar names": {`[{"id":"a","name":"r_team"},{"id":"b","name":"r"},{"id":"c","name":"R"}]`, "b", ""},
		"none":          {`[]`, "", none},
		"similar name":  {`[{"id":"a","name":"r_team"}]`, "", none},
		"two":           {`[{"id":"a","name":"r"},{"id":"b","name":"r"}]`, "", "IAM returned 2 projects of this name"},
		"without id":    {`[{"name":"r"}]`, "", none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				respond(w, http.StatusOK, `{"projects":`+c.projects+`}`)
			})
			key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
			session := auth.NewSession(key, "", auth.Project{Name: "r"}, clientsOf(t, server.url))
			req := unsent(t)
			err := session.Authenticate(t.Context(), req, nil)
			if (err != nil) != (c.failure != "") || err != nil && !strings.Contains(err.Error(), c.failure) {
				t.Errorf("got %v, want %s", err, c.failure)
			}
			if got := req.Header.Get("X-Project-Id"); got != c.want {
				t.Errorf("project %q, want %q", got, c.want)
			}
			got := server.received()
			if len(got) != 1 || got[0].call != "GET /v3/projects?name=r" || got[0].header.Get("Authorization") == "" {
				t.Errorf("got %v, want one signed look-up", got)
			}
		})
	}
}

// An agency is not assumed if the account of the access key is unknown.
func TestAgency_accountsOfTheCaller(t *testing.T) {
	t.Parallel()
	key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
	for accounts, count := range map[string]int{`null`: 0, `[{"name":"no id"}]`: 0, `[{"id":"a"},{"id":"b"}]`: 2} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
			respond(w, http.StatusOK, `{"domains":`+accounts+`}`)
		})
		source := auth.Agency{Base: key, Name: "a", DomainID: "d"}
		_, err := source.Credentials(t.Context(), clientsOf(t, server.url), auth.Project{})
		const format = "looking up the account of the access key: IAM returned %d accounts with an ID, not one"
		want := fmt.Sprintf(format, count)
		if err == nil || err.Error() != want || len(server.received()) != 1 {
			t.Errorf("got %v after %d requests, want %s", err, len(server.received()), want)
		}
	}
}

// If the base fails, nothing is requested for the agency.
func TestAgency_failedBaseSendsNothingElse(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		respond(w, http.StatusUnauthorized, `{"error":{"code":401,"message":"wrong"}}`)
	})
	const reading = `reading the ID token of identity provider "idp": `
	host, empty := strings.TrimPrefix(server.url, "http://"), filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		base  auth.Source
		want  string
		calls int
	}{
		{auth.Password{UserID: "ui", Password: "p"}, `logging in as user "ui": POST ` + host + `: HTTP 401: wrong`, 1},
		{
			auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}},
			"looking up the account of the access key: GET " + host + `: HTTP 401: wrong`, 1,
		},
		{auth.OIDC{IDPID: "idp", IDTokenFile: empty}, reading + "the file " + empty + " is empty", 0},
		{auth.OIDC{IDPID: "idp", IDTokenFile: "/none"}, reading + "stat /none: no such file or directory", 0},
	} {
		for _, source := range []auth.Source{
			auth.Agency{Base: c.base, Name: "a", DomainID: "d"},
			auth.AgencyToken{Base: c.base, Name: "a", DomainName: "d"},
		} {
			before := len(server.received())
			_, err := source.Credentials(t.Context(), clientsOf(t, server.url), auth.Project{})
			if _, ok := errors.AsType[*auth.Error](err); !ok || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if got := len(server.received()) - before; got != c.calls {
				t.Errorf("%s: %d requests, want %d", c.want, got, c.calls)
			}
		}
	}
}

// The metadata service does not respond outside of a cloud server.
func TestMetadata_noResponse(t *testing.T) {
	t.Parallel()
	server := serve(t, func(_ http.ResponseWriter, r *http.Request, _ string) { <-r.Context().Done() })
	source := auth.Metadata{Timeout: 100 * time.Millisecond}
	_, err := source.Credentials(t.Context(), clientsOf(t, server.url), auth.Project{})
	const want = "requesting access keys from the metadata service: no response in 100ms"
	if err == nil || err.Error() != want || len(server.received()) != 1 {
		t.Errorf("got %v after %d requests, want %s", err, len(server.received()), want)
	}
}
