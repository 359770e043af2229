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
	"strings"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// named is how requests and responses of IAM identify something: by ID or by name.
type named struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// byIDOrName prefers the ID; nil if both are empty.
func byIDOrName(id, name string) *named {
	switch {
	case id != "":
		return &named{ID: id}
	case name != "":
		return &named{Name: name}
	}
	return nil
}

// send sends a request to IAM. A repeated request only makes another token or key, which does no harm.
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
	return &Credentials{Credential: Token(token), ExpiresAt: response.Token.ExpiresAt, ProjectID: response.Token.Project.ID, Refreshable: true}, nil
}

// requestKeys sends a request whose response contains a temporary access key.
func requestKeys(ctx context.Context, client *rest.Client, call rest.Call, now func() time.Time) (*Credentials, error) {
	var response struct {
		Credential struct {
			Access        string    `json:"access"`
			Secret        string    `json:"secret"`
			SecurityToken string    `json:"securitytoken"`
			ExpiresAt     time.Time `json:"expires_at"`
		} `json:"credential"`
	}
	if _, err := send(ctx, client, call, &response); err != nil {
		return nil, err
	}
	c := response.Credential
	if c.Access == "" || c.Secret == "" || c.SecurityToken == "" {
		return nil, errors.New("the response lacks the access key, its secret key or the security token")
	}
	return &Credentials{
		Credential: AccessKey{ID: c.Access, Secret: c.Secret, SecurityToken: c.SecurityToken, Now: now}, ExpiresAt: c.ExpiresAt, Refreshable: true,
	}, nil
}

// keysFor returns the request for the temporary access key of an identity.
func keysFor(identity map[string]any, authenticator rest.Authenticator) rest.Call {
	return rest.Call{
		Method: http.MethodPost, Path: []string{"v3.0", "OS-CREDENTIAL", "securitytokens"}, Authenticator: authenticator,
		Body: map[string]any{"auth": map[string]any{"identity": identity}},
	}
}

// findProject returns the ID of the project that has the name.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_06_0001.html.
func findProject(ctx context.Context, clients Clients, authenticator rest.Authenticator, name string) (string, error) {
	var response struct {
		Projects []named `json:"projects"`
	}
	_, err := send(ctx, clients.IAM, rest.Call{
		Method: http.MethodGet, Path: []string{"v3", "projects"}, Query: url.Values{"name": {name}}, Authenticator: authenticator,
	}, &response)
	var ids []string
	for _, project := range response.Projects {
		if project.Name == name && project.ID != "" {
			ids = append(ids, project.ID)
		}
	}
	switch {
	case err != nil:
	case len(ids) == 0:
		err = errors.New("IAM returned no project of this name")
	case len(ids) > 1:
		err = fmt.Errorf("IAM returned %d projects of this name", len(ids))
	default:
		return ids[0], nil
	}
	return "", &Error{Step: FindProject, Object: name, Err: err}
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
	auth := map[string]any{"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": user}}}
	if scope := byIDOrName(project.ID, project.Name); scope != nil {
		auth["scope"] = map[string]any{"project": scope}
	} else if domain != nil {
		auth["scope"] = map[string]any{"domain": domain}
	}
	credentials, err := requestToken(ctx, clients, rest.Call{
		Path: []string{"v3", "auth", "tokens"}, Body: map[string]any{"auth": auth}, Secrets: []string{p.Password},
	})
	if err != nil {
		return nil, &Error{Step: Login, Object: cmp.Or(p.UserID, p.UserName), Err: err}
	}
	return credentials, nil
}

// Agency is a source of the temporary access keys of an agency, which delegates permissions to the account of the base.
type Agency struct {
	Base Source
	// Name is the name of the agency, DomainID or DomainName its account.
	Name, DomainName, DomainID string
	// Duration is the lifetime of the keys, 15 minutes to 24 hours; zero leaves it to the service (15 minutes).
	Duration time.Duration
}

// Credentials gets credentials from the base, and requests the keys with them. The base gets no project: it is one of the agency's account.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0101.html.
func (a Agency) Credentials(ctx context.Context, clients Clients, _ Project) (*Credentials, error) {
	base, err := a.Base.Credentials(ctx, clients, Project{})
	if err != nil {
		return nil, err
	}
	role := map[string]any{"agency_name": a.Name}
	if a.DomainID != "" {
		role["domain_id"] = a.DomainID
	} else {
		role["domain_name"] = a.DomainName
	}
	if a.Duration > 0 {
		role["duration_seconds"] = int(a.Duration.Seconds())
	}
	identity := map[string]any{"methods": []string{"assume_role"}, "assume_role": role}
	credentials, err := requestKeys(ctx, clients.IAM, keysFor(identity, base), clients.Now)
	if err != nil {
		return nil, &Error{Step: AssumeAgency, Object: a.Name, Err: err}
	}
	return credentials, nil
}

// OIDC is a source of temporary access keys for an ID token of an OpenID Connect identity provider.
type OIDC struct {
	// IDPID is the ID of the identity provider in IAM.
	IDPID string
	// IDToken is the ID token; if it is empty, IDTokenFile is read for each login, since ID tokens expire after minutes.
	IDToken, IDTokenFile string
}

// Credentials exchanges the ID token for an IAM token, and that for an access key that expires after an hour.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam/iam_13_0605.html and
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0003.html.
func (o OIDC) Credentials(ctx context.Context, clients Clients, _ Project) (*Credentials, error) {
	idToken, err := o.idToken()
	if err != nil {
		return nil, &Error{Step: ReadIDToken, Object: o.IDPID, Err: err}
	}
	var keys *Credentials
	token, err := requestToken(ctx, clients, rest.Call{
		Path: []string{"v3.0", "OS-AUTH", "id-token", "tokens"}, Header: http.Header{"X-Idp-Id": {o.IDPID}},
		Body: map[string]any{"auth": map[string]any{"id_token": map[string]any{"id": idToken}}}, Secrets: []string{idToken},
	})
	if err == nil {
		identity := map[string]any{"methods": []string{"token"}, "token": map[string]any{"duration_seconds": int(time.Hour.Seconds())}}
		keys, err = requestKeys(ctx, clients.IAM, keysFor(identity, token), clients.Now)
	}
	if err != nil {
		return nil, &Error{Step: ExchangeIDToken, Object: o.IDPID, Err: err}
	}
	return keys, nil
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
	// Timeout bounds the wait for the response, which never comes outside of a cloud server.
	Timeout time.Duration
}

// Credentials requests the keys. They expire after an hour; the service returns new ones ten minutes before that.
//
// Sources: https://support.huaweicloud.com/intl/en-us/usermanual-ecs/ecs_03_0166.html, and for the members of the response the provider
// huaweicloud/huaweicloud (huaweicloud/config/auth.go).
func (m Metadata) Credentials(ctx context.Context, clients Clients, _ Project) (*Credentials, error) {
	bounded, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	credentials, err := requestKeys(bounded, clients.Metadata, rest.Call{
		Method: http.MethodGet, Path: []string{"openstack", "latest", "securitykey"},
	}, clients.Now)
	if err == nil {
		return credentials, nil
	}
	if bounded.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("no response in %s", m.Timeout)
	}
	return nil, &Error{Step: ReadMetadata, Err: err}
}
