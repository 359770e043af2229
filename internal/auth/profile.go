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

// Profile is one profile of KooCLI's configuration file. A member is empty where the file does not have it.
//
// Source: the file as the provider huaweicloud/huaweicloud reads it; its format is not documented.
type Profile struct {
	Name      string
	Region    string
	ProjectID string
	// AccessKey is what the mode of the profile says: the stored pair, or the temporary one of the last single sign-on.
	AccessKey AccessKey
}

// ReadProfile reads the named profile from the content of a configuration file; "" is the file's current one. Its errors name
// profiles and modes, and no value.
func ReadProfile(content []byte, name string) (*Profile, error) {
	type keys struct {
		AccessKeyID     string `json:"accessKeyId"`
		SecretAccessKey string `json:"secretAccessKey"`
		SecurityToken   string `json:"securityToken"`
	}
	type profile struct {
		keys
		Name      string `json:"name"`
		Mode      string `json:"mode"`
		Region    string `json:"region"`
		ProjectID string `json:"projectId"`
		SSOAuth   struct {
			STSToken keys `json:"stsToken"`
		} `json:"ssoAuth"`
	}
	var file struct {
		Current  string    `json:"current"`
		Profiles []profile `json:"profiles"`
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
		pair := p.keys
		switch strings.ToUpper(p.Mode) {
		case "", "AKSK":
		case "SSO":
			pair = p.SSOAuth.STSToken
		default:
			return nil, fmt.Errorf("profile %q has the mode %q; AKSK and SSO are supported", name, p.Mode)
		}
		if pair.AccessKeyID == "" || pair.SecretAccessKey == "" {
			return nil, fmt.Errorf("profile %q (mode %q) lacks the access key or its secret key", name, p.Mode)
		}
		return &Profile{
			Name: p.Name, Region: p.Region, ProjectID: p.ProjectID,
			AccessKey: AccessKey{ID: pair.AccessKeyID, Secret: pair.SecretAccessKey, SecurityToken: pair.SecurityToken},
		}, nil
	}
	return nil, fmt.Errorf("there is no profile %q; there are %s", name, cmp.Or(strings.Join(names, ", "), "none"))
}
