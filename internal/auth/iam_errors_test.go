// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

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
	const keys = `{"credential":{"access":"TAK","secret":"canary-new-secret","securitytoken":"canary-new-token"`
	const noKey, noToken = "lacks the access key", "no X-Subject-Token"
	const notJSON = "the response is not the documented JSON"
	all := func(want string) map[string]string { return map[string]string{"": want} }
	for name, c := range map[string]struct {
		status  int
		subject string
		body    string
		want    map[string]string // By source; "" means all.
		final   bool
	}{
		"nothing": {201, "", "", all(notJSON), true},
		"empty": {201, "", "{}", map[string]string{
			"password": noToken, "exchange": noToken, "delegate": noToken, "OIDC": noToken, "": noKey,
		}, true},
		"half a key": {
			201, "canary-new-token", `{"credential":{"access":"TAK","secret":"canary-new-secret"}}`,
			map[string]string{"agency": noKey, "OIDC": noKey, "metadata": noKey},
			true,
		},
		"cut": {201, "canary-new-token", keys, all(notJSON), true},
		"other types": {
			201, "", `{"credential":["canary-new"],"credentials":["canary-new"],"token":["canary-new"]}`,
			all(notJSON), true,
		},
		"page of a proxy":   {200, "", "<p>Please <b>log in</b>", all(`HTTP 200: "Please log in": ` + notJSON), true},
		"rejected":          {401, "", `{"error":{"code":401,"message":"no"}}`, all("HTTP 401: no"), true},
		"rejected, flat":    {403, "", `{"error_code":"IAM.3","error_msg":"no"}`, all("HTTP 403 IAM.3: no"), true},
		"rejected, as page": {403, "", "<h1>Forbidden</h1>", all(`HTTP 403: "Forbidden"`), true},
		"request echoed":    {400, "", "", map[string]string{"": "[redacted]", "metadata": "HTTP 400"}, true},
		"redirected":        {302, "", "", all("HTTP 302: the endpoint redirects to https://other.example;"), true},
		"internal error":    {500, "", "", all("HTTP 500"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request, request string) {
				w.Header().Set("Location", "https://other.example")
				w.Header().Set("X-Subject-Token", c.subject)
				body := c.body
				if c.status == http.StatusBadRequest {
					body = fmt.Sprint(r.Header, request)
				}
				respond(w, c.status, body)
			})
			for source, made := range sources() {
				want, ok := c.want[source]
				if !ok {
					want, ok = c.want[""]
				}
				session := auth.NewSession(made, "d", auth.Project{ID: "p"}, clientsOf(t, server.url))
				err := session.Authenticate(t.Context(), unsent(t), nil)
				if !ok {
					continue
				}
				failure, isError := errors.AsType[*auth.Error](err)
				if !isError || failure.Source != "d" || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, want %s", source, err, want)
				}
				if err != nil && strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: a secret is in the error: %v", source, err)
				}
				before := len(server.received())
				err = session.Authenticate(t.Context(), unsent(t), nil)
				if more := len(server.received()) - before; err == nil || (more == 0) != c.final {
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
