// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Profile is one profile of KooCLI's configuration file. A member is empty if the file does not have it.
//
// Sources: https://support.huaweicloud.com/eu/usermanual-hcli/hcli_03_005_01.html, and for single sign-on and agencies
// the file as the provider huaweicloud/huaweicloud reads it.
type Profile struct {
	Region    string `json:"region"`
	ProjectID string `json:"projectId"`
	// DomainID is the account of the credential.
	DomainID string `json:"domainId"`
	// Credential is the stored access key, the temporary one of the last single sign-on, or a token, according to the
	// profile's mode; nil for the mode ecsAgency, whose credentials come from the metadata service.
	Credential Credential `json:"-"`
	// AgencyName is the agency to assume, of the account AgencyDomainName or AgencyDomainID.
	AgencyName       string `json:"agencyName"`
	AgencyDomainName string `json:"agencyDomainName"`
	AgencyDomainID   string `json:"agencyDomainId"`
}

type fileKeys struct {
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
	SecurityToken   string `json:"securityToken"`
}

type fileProfile struct {
	Profile
	fileKeys

	Name       string `json:"name"`
	Mode       string `json:"mode"`
	XAuthToken string `json:"xAuthToken"`
	SSOAuth    struct {
		STSToken fileKeys `json:"stsToken"`
	} `json:"ssoAuth"`
}

// ReadProfile returns the profile of this name from the content of a configuration file; "" means the file's current
// one. Its errors contain the names of profiles and modes only.
func ReadProfile(content []byte, name string) (*Profile, error) {
	var file struct {
		AuthEncrypt any           `json:"authEncrypt"`
		Current     string        `json:"current"`
		Profiles    []fileProfile `json:"profiles"`
	}
	if json.Unmarshal(content, &file) != nil {
		return nil, errors.New("the file is not the JSON that KooCLI writes") // The decoder's error may quote a secret.
	}
	if name == "" {
		name = file.Current
	}
	if name == "" {
		return nil, errors.New("no profile is named, and the file has no current one")
	}
	var names []string
	for _, p := range file.Profiles {
		if p.Name != name {
			names = append(names, fmt.Sprintf("%q", p.Name))
			continue
		}
		if fmt.Sprint(file.AuthEncrypt) == "true" {
			return nil, errors.New("the secrets are encrypted, and only KooCLI can decrypt them")
		}
		var err error
		if p.Credential, err = p.credential(); err != nil {
			return nil, err
		}
		if p.AgencyName != "" && p.AgencyDomainName == "" && p.AgencyDomainID == "" {
			return nil, fmt.Errorf("profile %q names agency %q without its account", p.Name, p.AgencyName)
		}
		return &p.Profile, nil
	}
	others := cmp.Or(strings.Join(names, ", "), "no profile")
	return nil, fmt.Errorf("there is no profile %q; the file has %s", name, others)
}

func (p fileProfile) credential() (Credential, error) {
	keys := p.fileKeys
	switch strings.ToUpper(p.Mode) {
	case "ECSAGENCY":
		return nil, nil //nolint:nilnil // The metadata service has the credentials.
	case "SSO":
		keys = p.SSOAuth.STSToken
	case "TOKEN":
		if p.XAuthToken == "" {
			return nil, fmt.Errorf("profile %q (mode %q) lacks the token", p.Name, p.Mode)
		}
		return Token(p.XAuthToken), nil
	}
	if keys.AccessKeyID == "" || keys.SecretAccessKey == "" {
		return nil, fmt.Errorf("profile %q (mode %q) lacks the access key or its secret key", p.Name, p.Mode)
	}
	return AccessKey{ID: keys.AccessKeyID, Secret: keys.SecretAccessKey, SecurityToken: keys.SecurityToken}, nil
}
