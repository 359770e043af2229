// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// named identifies an object in requests and responses of IAM: by ID, or by name and, if it is a project, by account.
type named struct {
	Domain *named `json:"domain,omitempty"`
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
}

// byIDOrName returns the ID, or the name if the ID is empty; nil if both are empty.
func byIDOrName(id, name string) *named {
	switch {
	case id != "":
		return &named{ID: id}
	case name != "":
		return &named{Name: name}
	}
	return nil
}

// send sends a request to IAM. It may be repeated: that only creates another token or key.
func send(ctx context.Context, client *rest.Client, call rest.Call, out any) (http.Header, error) {
	call.Repeatable, call.Confidential = true, true
	return client.Do(ctx, call, out)
}

// requestToken sends a request whose response contains a token.
func requestToken(ctx context.Context, clients Clients, call rest.Call) (*Credentials, error) {
	var response struct {
		Token struct {
			ExpiresAt time.Time `json:"expires_at"`
			Project   named     `json:"project"`
		} `json:"token"`
	}
	call.Method = http.MethodPost
	header, err := send(ctx, clients.IAM, call, &response)
	if err != nil {
		return nil, err
	}
	token := header.Get("X-Subject-Token")
	if token == "" {
		return nil, errors.New("the response has no X-Subject-Token header")
	}
	issued := response.Token
	return &Credentials{
		Credential: Token(token), ExpiresAt: issued.ExpiresAt, ProjectID: issued.Project.ID, Refreshable: true,
	}, nil
}

// requestKeys sends a request whose response contains a temporary access key, as IAM, STS or the metadata service
// returns it.
func requestKeys(ctx context.Context, client *rest.Client, call rest.Call, now func() time.Time) (*Credentials, error) {
	var response struct {
		Credential struct {
			Access        string    `json:"access"`
			Secret        string    `json:"secret"`
			SecurityToken string    `json:"securitytoken"`
			ExpiresAt     time.Time `json:"expires_at"`
		} `json:"credential"`
		Credentials struct {
			AccessKeyID     string    `json:"access_key_id"`
			SecretAccessKey string    `json:"secret_access_key"`
			SecurityToken   string    `json:"security_token"`
			Expiration      time.Time `json:"expiration"`
		} `json:"credentials"`
	}
	if _, err := send(ctx, client, call, &response); err != nil {
		return nil, err
	}
	iam, sts := response.Credential, response.Credentials
	key := AccessKey{
		ID: cmp.Or(iam.Access, sts.AccessKeyID), Secret: cmp.Or(iam.Secret, sts.SecretAccessKey),
		SecurityToken: cmp.Or(iam.SecurityToken, sts.SecurityToken), Now: now,
	}
	if key.ID == "" || key.Secret == "" || key.SecurityToken == "" {
		return nil, errors.New("the response lacks the access key, its secret key or the security token")
	}
	return &Credentials{Credential: key, ExpiresAt: cmp.Or(iam.ExpiresAt, sts.Expiration), Refreshable: true}, nil
}

// keysFor returns the request for the temporary access key of an identity.
func keysFor(identity map[string]any, authenticator rest.Authenticator) rest.Call {
	return rest.Call{
		Method: http.MethodPost, Path: []string{"v3.0", "OS-CREDENTIAL", "securitytokens"},
		Authenticator: authenticator,
		Body:          map[string]any{"auth": map[string]any{"identity": identity}},
	}
}

// findProject returns the ID of the project that has the name.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_06_0001.html.
func findProject(ctx context.Context, clients Clients, authenticator rest.Authenticator, name string) (string, error) {
	var response struct {
		Projects []named `json:"projects"`
	}
	call := rest.Call{Method: http.MethodGet, Path: []string{"v3", "projects"}, Authenticator: authenticator}
	call.Query = url.Values{"name": {name}}
	_, err := send(ctx, clients.IAM, call, &response)
	projects := slices.DeleteFunc(response.Projects, func(p named) bool { return p.Name != name || p.ID == "" })
	switch {
	case err != nil:
	case len(projects) == 0:
		err = errors.New("IAM returned no project of this name")
	case len(projects) > 1:
		err = fmt.Errorf("IAM returned %d projects of this name", len(projects))
	default:
		return projects[0].ID, nil
	}
	return "", failed(FindProject, name, err)
}

// callerOf gets credentials from the base of an agency. If they are an access key, it also returns the header that
// requests for the agency need: the account of the key, which is domainID, or looked up if that is empty.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_07_0001.html, and for the header the provider
// huaweicloud/huaweicloud.
func callerOf(ctx context.Context, clients Clients, base Source, domainID string) (*Credentials, http.Header, error) {
	credentials, err := base.Credentials(ctx, clients, Project{})
	if err != nil {
		return nil, nil, err
	}
	if _, signs := credentials.Credential.(AccessKey); !signs {
		return credentials, nil, nil
	}
	if domainID == "" {
		var response struct {
			Domains []named `json:"domains"`
		}
		call := rest.Call{Method: http.MethodGet, Path: []string{"v3", "auth", "domains"}, Authenticator: credentials}
		_, err = send(ctx, clients.IAM, call, &response)
		domains := slices.DeleteFunc(response.Domains, func(d named) bool { return d.ID == "" })
		if err == nil && len(domains) != 1 {
			err = fmt.Errorf("IAM returned %d accounts with an ID, not one", len(domains))
		}
		if err != nil {
			return nil, nil, failed(FindDomain, "", err)
		}
		domainID = domains[0].ID
	}
	return credentials, http.Header{"X-Domain-Id": {domainID}}, nil
}

// projectScope is the scope of a token for a project; nil if the project has neither ID nor name. domain may be nil.
func projectScope(project Project, domain *named) map[string]any {
	switch {
	case project.ID != "":
		return map[string]any{"project": named{ID: project.ID}}
	case project.Name != "":
		return map[string]any{"project": named{Name: project.Name, Domain: domain}}
	case domain != nil:
		return map[string]any{"domain": domain}
	}
	return nil
}

// requestScopedToken requests a token for an identity, of the method that its key names, and a scope, which may be nil.
func requestScopedToken(
	ctx context.Context, clients Clients, method string, identity any, scope map[string]any, call rest.Call,
) (*Credentials, error) {
	auth := map[string]any{"identity": map[string]any{"methods": []string{method}, method: identity}}
	if scope != nil {
		auth["scope"] = scope
	}
	call.Path, call.Body = []string{"v3", "auth", "tokens"}, map[string]any{"auth": auth}
	return requestToken(ctx, clients, call)
}

// Exchange is a source of tokens for a project, which it requests with a token of another project or of an account.
type Exchange struct {
	// Token is the original token.
	Token string
	// DomainID or DomainName is the account of the project; both may be empty.
	DomainName, DomainID string
}

// Credentials exchanges the original token for one of the project.
//
// Source: https://github.com/huaweicloud/terraform-provider-huaweicloud (huaweicloud/config/auth.go).
func (e Exchange) Credentials(ctx context.Context, clients Clients, project Project) (*Credentials, error) {
	credentials, err := requestScopedToken(ctx, clients, "token", map[string]any{"id": e.Token},
		projectScope(project, byIDOrName(e.DomainID, e.DomainName)), rest.Call{Secrets: []string{e.Token}})
	return credentials, failed(ExchangeToken, cmp.Or(project.ID, project.Name), err)
}

// Password is a source of tokens for an IAM user.
type Password struct {
	// UserID identifies the user alone, UserName together with the account.
	UserName, UserID string
	// DomainID or DomainName is the account of the user.
	DomainName, DomainID string
	Password             string
}

// Credentials logs in. The token is for the project, or for the account if the project has neither ID nor name.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html.
func (p Password) Credentials(ctx context.Context, clients Clients, project Project) (*Credentials, error) {
	user, domain := map[string]any{"id": p.UserID, "password": p.Password}, byIDOrName(p.DomainID, p.DomainName)
	if p.UserID == "" {
		user = map[string]any{"name": p.UserName, "password": p.Password, "domain": domain}
	}
	scope := projectScope(project, nil)
	if scope == nil {
		scope = projectScope(Project{}, domain)
	}
	identity, call := map[string]any{"user": user}, rest.Call{Secrets: []string{p.Password}}
	credentials, err := requestScopedToken(ctx, clients, "password", identity, scope, call)
	return credentials, failed(Login, cmp.Or(p.UserID, p.UserName), err)
}

// Agency is a source of the temporary access keys of an agency, which delegates permissions to the account of the base.
type Agency struct {
	// Base is the source of the credentials that assume the agency.
	Base Source
	// Name is the name of the agency, DomainID or DomainName its account. DomainID works for trust agencies too.
	Name, DomainName, DomainID string
	// CallerDomainID is the account of the base; empty means that it is looked up if necessary.
	CallerDomainID string
	// Duration is the lifetime of the keys; zero leaves it to the service. With DomainID it is 15 minutes to 12 hours,
	// and at most an hour if the base's access key is temporary. With DomainName it is 15 minutes to 24 hours.
	Duration time.Duration
}

// Credentials gets credentials from the base, and requests the keys with them. The base gets no project: it is one of
// the agency's account.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam5/AssumeAgency.html and, with DomainName,
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0101.html.
func (a Agency) Credentials(ctx context.Context, clients Clients, _ Project) (*Credentials, error) {
	base, header, err := callerOf(ctx, clients, a.Base, a.CallerDomainID)
	if err != nil {
		return nil, err
	}
	client, role := clients.Agencies, map[string]any{"agency_name": a.Name, "domain_name": a.DomainName}
	call := keysFor(map[string]any{"methods": []string{"assume_role"}, "assume_role": role}, base)
	if a.DomainID != "" {
		urn := "iam::" + a.DomainID + ":agency:" + a.Name
		client, role = clients.STS, map[string]any{"agency_urn": urn, "agency_session_name": a.Name}
		call.Path, call.Body = []string{"v5", "agencies", "assume"}, role
	}
	if a.Duration > 0 {
		role["duration_seconds"] = int(a.Duration.Seconds())
	}
	call.Header = header
	credentials, err := requestKeys(ctx, client, call, clients.Now)
	return credentials, failed(AssumeAgency, a.Name, err)
}

// AgencyToken is a source of tokens of an agency, which delegates permissions to the account of the base.
type AgencyToken struct {
	// Base is the source of the credentials that assume the agency.
	Base Source
	// Name is the name of the agency, DomainName its account, and Project the name of a project of that account.
	Name, DomainName, Project string
	// CallerDomainID is the account of the base; empty means that it is looked up if necessary.
	CallerDomainID string
}

// Credentials gets credentials from the base, and requests the token with them.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0003.html.
func (a AgencyToken) Credentials(ctx context.Context, clients Clients, _ Project) (*Credentials, error) {
	base, header, err := callerOf(ctx, clients, a.Base, a.CallerDomainID)
	if err != nil {
		return nil, err
	}
	identity := map[string]any{"xrole_name": a.Name, "domain_name": a.DomainName}
	scope := projectScope(Project{Name: a.Project}, &named{Name: a.DomainName})
	call := rest.Call{Header: header, Authenticator: base}
	credentials, err := requestScopedToken(ctx, clients, "assume_role", identity, scope, call)
	return credentials, failed(AssumeAgency, a.Name, err)
}

// OIDC is a source of temporary access keys for an ID token of an OpenID Connect identity provider.
type OIDC struct {
	// IDPID is the ID of the identity provider in IAM.
	IDPID string
	// IDToken is the ID token; if it is empty, IDTokenFile is read for each login, since ID tokens expire after
	// minutes.
	IDToken, IDTokenFile string
}

// Credentials exchanges the ID token for an IAM token, and that for an access key that expires after an hour.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam/iam_13_0605.html and
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0003.html.
func (o OIDC) Credentials(ctx context.Context, clients Clients, _ Project) (*Credentials, error) {
	idToken, err := o.idToken()
	if err != nil {
		return nil, failed(ReadIDToken, o.IDPID, err)
	}
	var keys *Credentials
	token, err := requestToken(ctx, clients, rest.Call{
		Path: []string{"v3.0", "OS-AUTH", "id-token", "tokens"}, Header: http.Header{"X-Idp-Id": {o.IDPID}},
		Body:    map[string]any{"auth": map[string]any{"id_token": map[string]any{"id": idToken}}},
		Secrets: []string{idToken},
	})
	if err == nil {
		lifetime := map[string]any{"duration_seconds": int(time.Hour.Seconds())}
		identity := map[string]any{"methods": []string{"token"}, "token": lifetime}
		keys, err = requestKeys(ctx, clients.IAM, keysFor(identity, token), clients.Now)
	}
	return keys, failed(ExchangeIDToken, o.IDPID, err)
}

func (o OIDC) idToken() (string, error) {
	if o.IDToken != "" {
		return o.IDToken, nil
	}
	content, err := ReadFile(o.IDTokenFile)
	token := strings.TrimSpace(string(content))
	if err == nil && token == "" {
		err = fmt.Errorf("the file %s is empty", o.IDTokenFile)
	}
	return token, err
}

// Metadata is a source of the temporary access keys of the agency of the cloud server (ECS) on which the program runs.
type Metadata struct {
	// Timeout limits the wait for the response: outside of a cloud server there is none.
	Timeout time.Duration
}

// Credentials requests the keys. They expire after an hour; the service returns new ones ten minutes before that.
//
// Sources: https://support.huaweicloud.com/intl/en-us/usermanual-ecs/ecs_03_0166.html, and for the members of the
// response the provider huaweicloud/huaweicloud (huaweicloud/config/auth.go).
func (m Metadata) Credentials(ctx context.Context, clients Clients, _ Project) (*Credentials, error) {
	limited, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	credentials, err := requestKeys(limited, clients.Metadata, rest.Call{
		Method: http.MethodGet, Path: []string{"openstack", "latest", "securitykey"},
	}, clients.Now)
	if failure, ok := errors.AsType[*rest.Error](err); ok && errors.Is(failure.Err, context.DeadlineExceeded) {
		failure.Err = fmt.Errorf("no response in %s", m.Timeout)
		if !failure.Sent {
			err = failure.Err // Without a *rest.Error, no operation waits for a connection again.
		}
	}
	return credentials, failed(ReadMetadata, "", err)
}
