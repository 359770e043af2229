// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

const requestsFile = "testdata/requests.txt"

var update = flag.Bool("update", false, "write the golden file")

// issued matches what the emulator's IAM issues.
var issued = regexp.MustCompile(`token-\w{40}|TEMPORARY\w+`)

// The requests of each source are those of the golden file, which the pages of the API document.
func TestSources_requests(t *testing.T) {
	t.Parallel()
	key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
	token := auth.Static{Credential: auth.Token("T")}
	const agencyName, domain, domainID = emulator.DefaultAgency, emulator.DefaultDomainName, emulator.DomainID
	const name, password = emulator.DefaultUserName, `p"<`
	user := auth.Password{UserName: name, Password: password, DomainName: domain}
	userOfID := auth.Password{UserName: name, Password: password, DomainName: "d", DomainID: domainID}
	userID := auth.Password{UserName: "u", UserID: emulator.UserID, Password: password}
	idToken := auth.OIDC{IDPID: emulator.DefaultIDP, IDToken: emulator.DefaultIDToken}
	agency := auth.Agency{Base: key, Name: agencyName, DomainName: domain}
	trust := auth.Agency{Base: key, Name: agencyName, DomainName: "d", DomainID: domainID, Duration: 2 * time.Hour}
	ofCaller := auth.Agency{Base: key, Name: agencyName, DomainName: domain, CallerDomainID: domainID}
	ofUser := auth.Agency{Base: userID, Name: agencyName, DomainName: domain}
	keyToken := auth.AgencyToken{Base: key, Name: agencyName, DomainName: domain, Project: "other"}
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
		{"agency with a password, not for the project", ofUser, named},
		{"chain of agencies", auth.Agency{Base: ofCaller, Name: agencyName, DomainID: domainID}, none},
		{"agency with an ID token", auth.Agency{Base: idToken, Name: agencyName, DomainID: domainID}, none},
		{"token of an agency", keyToken, named},
		{"token of an agency, with a token", auth.AgencyToken{Base: token, Name: agencyName, DomainName: domain}, none},
		{"exchange, project by ID", auth.Exchange{Token: "T", DomainName: domain}, both},
		{"exchange, project by name", auth.Exchange{Token: "T", DomainName: domain}, named},
		{"metadata service", auth.Metadata{Timeout: time.Minute}, none},
	} {
		now := func() time.Time { return start }
		server := emulator.New(t, emulator.Options{
			AccessKey: "AK", SecretKey: "SK", Token: "T", IAM: emulator.IAM{Password: password}, Now: now,
		})
		clients := clientsOf(t, server.URL)
		clients.Now = now
		credentials, err := c.source.Credentials(t.Context(), clients, c.project)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		fmt.Fprintf(&file, "\n--- %s, expires in %s\n", c.name, credentials.ExpiresAt.Sub(start))
		for _, r := range server.Requests() {
			file.WriteString(strings.TrimSuffix(r.Method+" "+r.Path+"?"+r.Query, "?") + "\n")
			for _, name := range []string{"Authorization", "X-Auth-Token", "X-Domain-Id", "X-Idp-Id", "X-Project-Id"} {
				if value, _, _ := strings.Cut(r.Header.Get(name), ", Signature="); value != "" {
					fmt.Fprintf(&file, "%s: %s\n", name, issued.ReplaceAllString(value, "ISSUED"))
				}
			}
			if len(r.Body) > 0 {
				file.WriteString(string(r.Body) + "\n")
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
		server := emulator.New(t, emulator.Options{})
		server.InjectFault(emulator.Fault{StatusCode: http.StatusOK, Body: `{"projects":` + c.projects + `}`})
		key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
		session := auth.NewSession(key, "", auth.Project{Name: "r"}, clientsOf(t, server.URL))
		id, err := session.ProjectID(t.Context())
		if id != c.want || (err == nil) != (c.failure == "") ||
			err != nil && err.Error() != `looking up the ID of project "r": `+c.failure {
			t.Errorf("%s: got project %q, %v", c.projects, id, err)
		}
		got := server.Requests()
		if len(got) != 1 || got[0].Path != "/v3/projects" || got[0].Query != "name=r" ||
			got[0].Credential != "access key AK" {
			t.Errorf("got %v, want one signed look-up", got)
		}
	}
}

// An agency is not assumed if the account of the access key is unknown.
func TestAgency_accountsOfTheCaller(t *testing.T) {
	t.Parallel()
	key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: "SK"}}
	for accounts, count := range map[string]int{`null`: 0, `[{"name":"no id"}]`: 0, `[{"id":"a"},{"id":"b"}]`: 2} {
		server := emulator.New(t, emulator.Options{})
		server.InjectFault(emulator.Fault{StatusCode: http.StatusOK, Body: `{"domains":` + accounts + `}`})
		source := auth.Agency{Base: key, Name: "a", DomainID: "d"}
		_, err := source.Credentials(t.Context(), clientsOf(t, server.URL), auth.Project{})
		const format = "looking up the account of the access key: IAM returned %d accounts with an ID, not one"
		want := fmt.Sprintf(format, count)
		if err == nil || err.Error() != want || len(server.Requests()) != 1 {
			t.Errorf("got %v after %d requests, want %s", err, len(server.Requests()), want)
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

// A slow response of the metadata service fails no later operation. Outside of a cloud server, there is no connection,
// and the wait for it is not repeated.
func TestMetadata_noResponse(t *testing.T) {
	t.Parallel()
	const want = "no response in 100ms"
	source := auth.Metadata{Timeout: 100 * time.Millisecond}
	server := emulator.New(t, emulator.Options{})
	release := make(chan bool)
	server.InjectFault(emulator.Fault{Do: func() { <-release }})
	session := auth.NewSession(source, "", auth.Project{}, clientsOf(t, server.URL))
	err := session.Authenticate(t.Context(), unsent(t), nil)
	close(release)
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	authenticated(t, session)

	session = auth.NewSession(source, "", auth.Project{}, clientsOf(t, server.URL, func(config *rest.Config) {
		config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}))
	first, _ := errors.AsType[*auth.Error](session.Authenticate(t.Context(), unsent(t), nil))
	second, _ := errors.AsType[*auth.Error](session.Authenticate(t.Context(), unsent(t), nil))
	if first == nil || !strings.HasSuffix(first.Error(), want) || second != first {
		t.Errorf("got %v, then %v, want the same error %s", first, second, want)
	}
}

// secret is the secret of all sources.
const secret = "canary-secret"

// sources are the sources that send requests.
func sources() map[string]auth.Source {
	key := auth.Static{Credential: auth.AccessKey{ID: "AK", Secret: secret, SecurityToken: secret}}
	const agency, domain, id = emulator.DefaultAgency, emulator.DefaultDomainName, emulator.DomainID
	return map[string]auth.Source{
		"password": auth.Password{UserName: emulator.DefaultUserName, Password: secret, DomainName: domain},
		"agency":   auth.Agency{Base: key, Name: agency, DomainName: domain, CallerDomainID: id},
		"STS":      auth.Agency{Base: key, Name: agency, DomainID: id, CallerDomainID: id},
		"exchange": auth.Exchange{Token: secret},
		"delegate": auth.AgencyToken{Base: key, Name: agency, DomainName: domain, CallerDomainID: id},
		"OIDC":     auth.OIDC{IDPID: emulator.DefaultIDP, IDToken: secret},
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
		"request echoed":  {400, "You sent " + secret, `HTTP 400: "`},
		"redirected":      {302, "", "HTTP 302"},
		"throttled":       {429, "", "HTTP 429"},
		"internal error":  {500, "", "HTTP 500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{})
			server.InjectFault(emulator.Fault{Times: -1, StatusCode: c.status, Body: c.body})
			isFinal := c.status != http.StatusTooManyRequests && c.status != http.StatusInternalServerError
			for source, made := range sources() {
				session := auth.NewSession(made, "d", auth.Project{ID: "p"}, clientsOf(t, server.URL))
				err := session.Authenticate(t.Context(), unsent(t), nil)
				want := cmp.Or(c.want, missing[source], "no X-Subject-Token")
				failure, ok := errors.AsType[*auth.Error](err)
				if !ok || failure.Source != "d" || !strings.Contains(err.Error(), want) ||
					source != "metadata" && strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: got %v, want %s without a secret", source, err, want)
				}
				before := len(server.Requests())
				err = session.Authenticate(t.Context(), unsent(t), nil)
				if more := len(server.Requests()) - before; err == nil || (more == 0) != isFinal {
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
		server := emulator.New(t, emulator.Options{
			AccessKey: "AK", SecretKey: secret, SecurityToken: secret, Token: secret,
			IAM: emulator.IAM{Password: secret, IDToken: secret},
		})
		server.InjectFault(emulator.Fault{StatusCode: http.StatusTooManyRequests})
		server.InjectFault(emulator.Fault{Drop: true, After: true})
		clients := clientsOf(t, server.URL, func(c *rest.Config) { c.MaxRetries = 2 })
		if _, err := made.Credentials(t.Context(), clients, auth.Project{}); err != nil {
			t.Errorf("%s: %v after %d requests", source, err, len(server.Requests()))
		}
	}
}
