// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const (
	expiresAt    = "2026-01-02T04:04:05.123000Z"
	requestsFile = "testdata/requests.txt"
)

var update = flag.Bool("update", false, "write the golden file")

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

// The requests of each source are those of the golden file, which the pages of the API document.
func TestSources_requests(t *testing.T) {
	t.Parallel()
	key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
	token := auth.Static{Credential: auth.Token("T")}
	user := auth.Password{UserName: "u", Password: `p"<`, DomainName: "d"}
	userOfID := auth.Password{UserName: "u", Password: "p", DomainName: "d", DomainID: "di"}
	userID := auth.Password{UserName: "u", UserID: "ui", Password: "p"}
	idToken := auth.OIDC{IDPID: "idp", IDToken: "the-id-token"}
	agency := auth.Agency{Base: key, Name: "ag", DomainName: "d"}
	trust := auth.Agency{Base: key, Name: "ag", DomainName: "d", DomainID: "di", Duration: time.Hour}
	ofCaller := auth.Agency{Base: key, Name: "ag", DomainName: "d", CallerDomainID: "own"}
	none, named, both := auth.Project{}, auth.Project{Name: "n"}, auth.Project{ID: "pi", Name: "n"}
	var file strings.Builder
	fmt.Fprintf(&file, "Requests of the sources of credentials. %s compares this file; -update writes it.\n", t.Name())
	for _, c := range []struct {
		name    string
		source  auth.Source
		project auth.Project
	}{
		{"password, account by name, project by name", user, named},
		{"password, account by ID, project by ID", userOfID, both},
		{"password, user by ID", userID, named},
		{"password for the account", user, none},
		{"password without a scope", userID, none},
		{"agency, account by name", agency, none},
		{"agency, account of the caller configured", ofCaller, none},
		{"agency, account by ID, duration", trust, none},
		{"agency with a password, not for the project", auth.Agency{Base: userID, Name: "ag", DomainName: "d"}, named},
		{"chain of agencies", auth.Agency{Base: ofCaller, Name: "ag2", DomainID: "di"}, none},
		{"agency with an ID token", auth.Agency{Base: idToken, Name: "ag", DomainID: "di"}, none},
		{"token of an agency", auth.AgencyToken{Base: key, Name: "ag", DomainName: "d", Project: "other"}, named},
		{"token of an agency, with a token", auth.AgencyToken{Base: token, Name: "ag", DomainName: "d"}, none},
		{"exchange, project by ID", auth.Exchange{Token: "T", DomainName: "d"}, both},
		{"exchange, project by name", auth.Exchange{Token: "T", DomainName: "d"}, named},
		{"metadata service", auth.Metadata{Timeout: time.Minute}, none},
	} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) { iam(w, r) })
		credentials, err := c.source.Credentials(t.Context(), clientsOf(t, server.url), c.project)
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Date(2026, 1, 2, 4, 4, 5, 123e6, time.UTC); !credentials.ExpiresAt.Equal(want) {
			t.Errorf("%s: they expire at %s, want %s", c.name, credentials.ExpiresAt, want)
		}
		fmt.Fprintf(&file, "\n--- %s\n", c.name)
		for _, r := range server.received() {
			file.WriteString(r.call + "\n")
			for _, name := range []string{"Authorization", "X-Auth-Token", "X-Domain-Id", "X-Idp-Id", "X-Project-Id"} {
				if value, _, _ := strings.Cut(r.header.Get(name), ", Signature="); value != "" {
					fmt.Fprintf(&file, "%s: %s\n", name, value)
				}
			}
			if r.body != "" {
				file.WriteString(r.body + "\n")
			}
		}
	}
	if *update {
		if err := os.WriteFile(requestsFile, []byte(file.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(requestsFile); err != nil || file.String() != string(want) {
		t.Errorf("got other requests than %s (%v):\n%s", requestsFile, err, file.String())
	}
}

// The name selects one project, also if the response contains others.
func TestIAM_projects(t *testing.T) {
	t.Parallel()
	const none = "IAM returned no project of this name"
	for _, c := range []struct{ projects, want, failure string }{
		{`[{"id":"a","name":"r_team"},{"id":"b","name":"r"},{"id":"c","name":"R"}]`, "b", ""},
		{`[]`, "", none},
		{`[{"id":"a","name":"r_team"}]`, "", none},
		{`[{"id":"a","name":"r"},{"id":"b","name":"r"}]`, "", "IAM returned 2 projects of this name"},
		{`[{"name":"r"}]`, "", none},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
			respond(w, http.StatusOK, `{"projects":`+c.projects+`}`)
		})
		key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
		session := auth.NewSession(key, "", auth.Project{Name: "r"}, clientsOf(t, server.url))
		id, err := session.ProjectID(t.Context())
		if id != c.want || (err == nil) != (c.failure == "") ||
			err != nil && err.Error() != `looking up the ID of project "r": `+c.failure {
			t.Errorf("%s: got project %q, %v", c.projects, id, err)
		}
		got := server.received()
		if len(got) != 1 || got[0].call != "GET /v3/projects?name=r" || got[0].header.Get("Authorization") == "" {
			t.Errorf("got %v, want one signed look-up", got)
		}
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

// If the base of an agency has no credentials, nothing is requested.
func TestAgency_unreadableIDToken(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, cause := range map[string]string{
		empty: "the file " + empty + " is empty", "/none": "stat /none: no such file or directory",
	} {
		base := auth.OIDC{IDPID: "idp", IDTokenFile: file}
		for _, source := range []auth.Source{auth.Agency{Base: base}, auth.AgencyToken{Base: base}} {
			_, err := source.Credentials(t.Context(), auth.Clients{}, auth.Project{})
			failure, ok := errors.AsType[*auth.Error](err)
			if want := `reading the ID token of identity provider "idp": ` + cause; !ok || failure.Error() != want {
				t.Errorf("got %v, want %s", err, want)
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
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// sources are the sources that send requests, with secrets that begin with canary.
func sources() map[string]auth.Source {
	key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "canary-secret", SecurityToken: "canary-token"}}
	return map[string]auth.Source{
		"password": auth.Password{UserName: "u", Password: "canary-password", DomainName: "d"},
		"agency":   auth.Agency{Base: key, Name: "a", DomainName: "d", CallerDomainID: "c"},
		"STS":      auth.Agency{Base: key, Name: "a", DomainID: "d", CallerDomainID: "c"},
		"exchange": auth.Exchange{Token: "canary-token"},
		"delegate": auth.AgencyToken{Base: key, Name: "a", DomainName: "d", CallerDomainID: "c"},
		"OIDC":     auth.OIDC{IDPID: "idp", IDToken: "canary-id-token"},
		"metadata": auth.Metadata{Timeout: time.Minute},
	}
}

// A response without credentials is an error that contains no secret of the request or the response. The request is not
// repeated unless the service may recover.
func TestIAM_badResponses(t *testing.T) {
	t.Parallel()
	const key, noKey = `{"credential":{"access":"TAK","secret":"canary-new-secret"`, "lacks the access key"
	const notJSON = "the response is not the documented JSON"
	missing := map[string]string{"agency": noKey, "STS": noKey, "metadata": noKey}
	for name, c := range map[string]struct {
		status     int
		body, want string // An empty want stands for missing credentials.
	}{
		"nothing":         {201, "", notJSON},
		"empty":           {201, "{}", ""},
		"half a key":      {201, key + "}}", ""},
		"cut":             {201, key, notJSON},
		"other types":     {201, `{"credential":["canary"],"credentials":["canary"],"token":["canary"]}`, notJSON},
		"page of a proxy": {200, "<p>Please <b>log in</b>", `HTTP 200: "Please log in": ` + notJSON},
		"rejected":        {401, `{"error":{"code":401,"message":"no"}}`, "HTTP 401: no"},
		"request echoed":  {400, "REQUEST", `HTTP 400: "`},
		"redirected":      {302, "", "HTTP 302"},
		"throttled":       {429, "", "HTTP 429"},
		"internal error":  {500, "", "HTTP 500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request, request string) {
				respond(w, c.status, strings.Replace(c.body, "REQUEST", fmt.Sprint(r.Header, request), 1))
			})
			isFinal := c.status != http.StatusTooManyRequests && c.status != http.StatusInternalServerError
			for source, made := range sources() {
				session := auth.NewSession(made, "d", auth.Project{ID: "p"}, clientsOf(t, server.url))
				err := session.Authenticate(t.Context(), unsent(t), nil)
				want := cmp.Or(c.want, missing[source], "no X-Subject-Token")
				failure, ok := errors.AsType[*auth.Error](err)
				if !ok || failure.Source != "d" || !strings.Contains(err.Error(), want) ||
					strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: got %v, want %s without a secret", source, err, want)
				}
				before := len(server.received())
				err = session.Authenticate(t.Context(), unsent(t), nil)
				if more := len(server.received()) - before; err == nil || (more == 0) != isFinal {
					t.Errorf("%s: the second time: %v after %d more calls", source, err, more)
				}
			}
		})
	}
}

// Temporary failures are retried, also if the response was lost: a second token does no harm.
func TestIAM_retries(t *testing.T) {
	t.Parallel()
	for source, made := range sources() {
		var requests atomic.Int32
		server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
			switch requests.Add(1) {
			case 1:
				w.WriteHeader(http.StatusTooManyRequests)
			case 2:
				panic(http.ErrAbortHandler)
			default:
				iam(w, r)
			}
		})
		clients := clientsOf(t, server.url, func(c *rest.Config) { c.MaxRetries = 2 })
		if _, err := made.Credentials(t.Context(), clients, auth.Project{}); err != nil {
			t.Errorf("%s: %v after %d requests", source, err, requests.Load())
		}
	}
}
