// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/rest"
)

// IAM is the part of identity and access management that hands out credentials. It is safe for concurrent use.
type IAM struct{ client *rest.Client }

// NewIAM returns the IAM of a client, whose endpoint has no version in its path. Nothing is signed unless a call says how.
func NewIAM(client *rest.Client) *IAM { return &IAM{client: client} }

// call sends a call that makes nothing but credentials, so that a lost answer costs nothing.
func (i *IAM) call(ctx context.Context, call rest.Call, out any) (http.Header, error) {
	call.Repeatable, call.Confidential = true, true
	return i.client.Do(ctx, call, out)
}

// Names of members and headers are those of the API's pages, which each call names.
type (
	named struct {
		ID   string `json:"id,omitempty"`
		Name string `json:"name,omitempty"`
	}
	scope struct {
		Project *named `json:"project,omitempty"`
		Domain  *named `json:"domain,omitempty"`
	}
	tokenAnswer struct {
		Token struct {
			ExpiresAt time.Time `json:"expires_at"`
			Project   named     `json:"project"`
		} `json:"token"`
	}
	keysAnswer struct {
		Credential struct {
			Access        string    `json:"access"`
			Secret        string    `json:"secret"`
			SecurityToken string    `json:"securitytoken"`
			ExpiresAt     time.Time `json:"expires_at"`
		} `json:"credential"`
	}
)

func (a tokenAnswer) credentials(header http.Header) (*Credentials, error) {
	token := header.Get("X-Subject-Token")
	if token == "" {
		return nil, errors.New("the answer has no X-Subject-Token header")
	}
	return &Credentials{Proof: Token(token), ExpiresAt: a.Token.ExpiresAt, ProjectID: a.Token.Project.ID}, nil
}

// credentials sign with the clock that judges whether they have expired.
func (a keysAnswer) credentials(now func() time.Time) (*Credentials, error) {
	c := a.Credential
	if c.Access == "" || c.Secret == "" || c.SecurityToken == "" {
		return nil, errors.New("the answer lacks the access key, its secret key or the security token")
	}
	return &Credentials{
		Proof:     AccessKey{ID: c.Access, Secret: c.Secret, SecurityToken: c.SecurityToken, Now: now},
		ExpiresAt: c.ExpiresAt,
	}, nil
}

// projectID looks up the id of the project of a name.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_06_0001.html.
func (i *IAM) projectID(ctx context.Context, by Proof, name string) (string, error) {
	var answer struct {
		Projects []named `json:"projects"`
	}
	_, err := i.call(ctx, rest.Call{
		Method: http.MethodGet, Path: []string{"v3", "projects"}, Query: url.Values{"name": {name}}, Authenticator: by,
	}, &answer)
	failed := func(advice string, err error) error {
		return &Error{Doing: fmt.Sprintf("looking up the id of project %q", name), Advice: advice, Err: err}
	}
	if err != nil {
		return "", failed("Check that the credentials may list projects, or set project_id, which does without the look-up.", err)
	}
	var ids []string
	for _, project := range answer.Projects {
		if project.Name == name && project.ID != "" {
			ids = append(ids, project.ID)
		}
	}
	const advice = "Check project_name, which is the region's name by default, or set project_id."
	switch len(ids) {
	case 0:
		return "", failed(advice, errors.New("IAM knows no project of this name for these credentials"))
	case 1:
		return ids[0], nil
	default:
		return "", failed(advice, fmt.Errorf("IAM knows %d projects of this name for these credentials", len(ids)))
	}
}

// Password is a source of tokens for an IAM user.
type Password struct {
	IAM *IAM
	// UserName goes with the domain; UserID does without both.
	UserName, UserID string
	// DomainName or DomainID is the account of the user.
	DomainName, DomainID string
	Password             string
	// Project is what the tokens are for: the one with this id, else the one of this name. Where it has neither, they are for the
	// account.
	Project Project
}

// Credentials logs in. The token lives for 24 hours.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_30_0001.html.
func (p Password) Credentials(ctx context.Context) (*Credentials, error) {
	type user struct {
		named

		Password string `json:"password"`
		Domain   *named `json:"domain,omitempty"`
	}
	login := user{named: named{ID: p.UserID, Name: p.UserName}, Password: p.Password}
	if p.UserID != "" {
		login.Name = ""
	} else {
		login.Domain = p.domain()
	}
	body := map[string]any{"identity": map[string]any{"methods": []string{"password"}, "password": map[string]any{"user": login}}}
	if scope := p.scope(); scope != nil {
		body["scope"] = scope
	}
	var answer tokenAnswer
	header, err := p.IAM.call(ctx, rest.Call{
		Method: http.MethodPost, Path: []string{"v3", "auth", "tokens"}, Body: map[string]any{"auth": body}, Secrets: []string{p.Password},
	}, &answer)
	var credentials *Credentials
	if err == nil {
		credentials, err = answer.credentials(header)
	}
	if err != nil {
		who := p.UserName
		if p.UserID != "" {
			who = p.UserID
		}
		return nil, &Error{
			Doing: fmt.Sprintf("logging in as user %q", who), Err: err,
			Advice: "Check the provider's user_name or user_id, password, domain_name or domain_id, and project_name.",
		}
	}
	return credentials, nil
}

func (p Password) domain() *named {
	if p.DomainID != "" {
		return &named{ID: p.DomainID}
	}
	if p.DomainName != "" {
		return &named{Name: p.DomainName}
	}
	return nil
}

func (p Password) scope() *scope {
	switch {
	case p.Project.ID != "":
		return &scope{Project: &named{ID: p.Project.ID}}
	case p.Project.Name != "":
		return &scope{Project: &named{Name: p.Project.Name}}
	case p.domain() != nil:
		return &scope{Domain: p.domain()}
	}
	return nil
}

// Agency is a source of temporary access keys of another account, or of one's own, which trusts the base.
type Agency struct {
	IAM  *IAM
	Base Source
	// Name is the agency's name; DomainName or DomainID is the account that it belongs to.
	Name, DomainName, DomainID string
	// Duration is how long the keys live, 15 minutes to 24 hours; zero leaves it to the service (15 minutes).
	Duration time.Duration
}

// Credentials asks the base for credentials, and with them for the keys.
//
// Source: https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0101.html.
func (a Agency) Credentials(ctx context.Context) (*Credentials, error) {
	base, err := a.Base.Credentials(ctx)
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
	credentials, err := a.IAM.temporaryKeys(ctx, base, map[string]any{"methods": []string{"assume_role"}, "assume_role": role})
	if err != nil {
		return nil, &Error{
			Doing: fmt.Sprintf("assuming agency %q", a.Name), Err: err,
			Advice: "Check the agency's name and account, and that the credentials may use it (Agent Operator).",
		}
	}
	return credentials, nil
}

// temporaryKeys has an access key made for an identity.
func (i *IAM) temporaryKeys(ctx context.Context, by rest.Authenticator, identity map[string]any) (*Credentials, error) {
	var answer keysAnswer
	_, err := i.call(ctx, rest.Call{
		Method: http.MethodPost, Path: []string{"v3.0", "OS-CREDENTIAL", "securitytokens"},
		Body: map[string]any{"auth": map[string]any{"identity": identity}}, Authenticator: by,
	}, &answer)
	if err != nil {
		return nil, err
	}
	return answer.credentials(i.client.Now)
}

// OIDC is a source of temporary access keys for whom an OpenID Connect identity provider vouches.
type OIDC struct {
	IAM *IAM
	// IDPID is the id of the identity provider in IAM.
	IDPID string
	// IDToken returns the identity provider's token. It is called for each login, since such tokens live for minutes.
	IDToken func() (string, error)
}

// Credentials exchanges the identity provider's token for one of IAM, and that for an access key that lives for an hour.
//
// Sources: https://support.huaweicloud.com/intl/en-us/api-iam/iam_13_0605.html and
// https://support.huaweicloud.com/intl/en-us/api-iam/iam_04_0003.html.
func (o OIDC) Credentials(ctx context.Context) (*Credentials, error) {
	failed := func(advice string, err error) error {
		return &Error{Doing: fmt.Sprintf("exchanging the ID token of identity provider %q", o.IDPID), Advice: advice, Err: err}
	}
	idToken, err := o.IDToken()
	if err != nil {
		return nil, failed("Check id_token_file.", err)
	}
	const advice = "Check idp_id, and that the ID token is one of this identity provider and has not expired."
	var answer tokenAnswer
	header, err := o.IAM.call(ctx, rest.Call{
		Method: http.MethodPost, Path: []string{"v3.0", "OS-AUTH", "id-token", "tokens"}, Header: http.Header{"X-Idp-Id": {o.IDPID}},
		Body: map[string]any{"auth": map[string]any{"id_token": map[string]any{"id": idToken}}}, Secrets: []string{idToken},
	}, &answer)
	if err != nil {
		return nil, failed(advice, err)
	}
	token, err := answer.credentials(header)
	if err != nil {
		return nil, failed(advice, err)
	}
	keys, err := o.IAM.temporaryKeys(ctx, token, map[string]any{
		"methods": []string{"token"}, "token": map[string]any{"duration_seconds": int(time.Hour.Seconds())},
	})
	if err != nil {
		return nil, failed("", err)
	}
	return keys, nil
}

// Metadata is a source of the temporary access keys of the agency of the cloud server (ECS) on which the program runs.
type Metadata struct {
	// Client calls the metadata service, which is asked once and without a proxy.
	Client *rest.Client
	// Timeout bounds the wait for an answer, which elsewhere never comes.
	Timeout time.Duration
	// Before says what else was tried, and why it was of no use, such as "token: not set; "; empty where nothing was.
	Before string
}

// Credentials asks the metadata service for the keys. They live for an hour; ten minutes before that the service has new ones.
//
// Sources: https://support.huaweicloud.com/intl/en-us/usermanual-ecs/ecs_03_0166.html, and for the members of the answer the provider
// huaweicloud/huaweicloud (huaweicloud/config/auth.go).
func (m Metadata) Credentials(ctx context.Context) (*Credentials, error) {
	bounded, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	var answer keysAnswer
	_, err := m.Client.Do(bounded, rest.Call{
		Method: http.MethodGet, Path: []string{"openstack", "latest", "securitykey"}, Confidential: true,
	}, &answer)
	var credentials *Credentials
	if err == nil {
		credentials, err = answer.credentials(m.Client.Now)
	}
	if err != nil {
		if bounded.Err() != nil && ctx.Err() == nil {
			err = fmt.Errorf("no answer in %s", m.Timeout)
		}
		return nil, &Error{
			Doing: "finding credentials", Tried: m.Before + "metadata", Err: err,
			Advice: "Set one of them. The metadata service is that of a cloud server with an agency; HW_METADATA_DISABLED=true leaves it out.",
		}
	}
	return credentials, nil
}
