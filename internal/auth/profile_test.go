// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const profiles = `{"language":"en","current":"work","profiles":[
  {"name":"home","mode":"AKSK","accessKeyId":"AK1","secretAccessKey":"SK1","region":"cn-north-4"},
  {"name":"work","mode":"AKSK","accessKeyId":"AK2","secretAccessKey":"SK2","securityToken":"ST2","region":"ap-southeast-1","projectId":"p2"},
  {"name":"sso","mode":"SSO","ssoAuth":{"stsToken":{"accessKeyId":"AK3","secretAccessKey":"SK3","securityToken":"ST3"}}},
  {"name":"bare","accessKeyId":"AK4","secretAccessKey":"SK4"},
  {"name":"half","mode":"AKSK","accessKeyId":"canary-key"},
  {"name":"other","mode":"ecsAgency"}]}`

func TestReadProfile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]auth.Profile{
		"":     {Name: "work", Region: "ap-southeast-1", ProjectID: "p2", AccessKey: auth.AccessKey{ID: "AK2", Secret: "SK2", SecurityToken: "ST2"}},
		"home": {Name: "home", Region: "cn-north-4", AccessKey: auth.AccessKey{ID: "AK1", Secret: "SK1"}},
		"sso":  {Name: "sso", AccessKey: auth.AccessKey{ID: "AK3", Secret: "SK3", SecurityToken: "ST3"}},
		"bare": {Name: "bare", AccessKey: auth.AccessKey{ID: "AK4", Secret: "SK4"}},
	} {
		got, err := auth.ReadProfile([]byte(profiles), name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		gotKey, wantKey := got.AccessKey, want.AccessKey
		if got.Name != want.Name || got.Region != want.Region || got.ProjectID != want.ProjectID ||
			gotKey.ID != wantKey.ID || gotKey.Secret != wantKey.Secret || gotKey.SecurityToken != wantKey.SecurityToken {
			t.Errorf("%q: got %s, want %s", name, got.Name, want.Name)
		}
	}
}

func TestReadProfile_errors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ content, profile, want string }{
		"no such profile": {profiles, "nobody", `there is no profile "nobody"; there are "home", "work", "sso"`},
		"half a pair":     {profiles, "half", `profile "half" (mode "AKSK") lacks the access key or its secret key`},
		"other mode":      {profiles, "other", `profile "other" has the mode "ecsAgency"; AKSK and SSO are supported`},
		"no current":      {`{"profiles":[]}`, "", `no profile is named, and the file has no current one`},
		"no JSON":         {`canary-secret`, "", `the file is not the JSON that KooCLI writes`},
		"wrong type":      {`{"profiles":[{"name":"a","secretAccessKey":["canary-secret"]}]}`, "a", `the file is not the JSON that KooCLI writes`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := auth.ReadProfile([]byte(c.content), c.profile)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

// Whatever the file holds, there is a whole pair of keys or an error.
func FuzzReadProfile(f *testing.F) {
	for _, name := range []string{"", "home", "sso", "half", "nobody"} {
		f.Add([]byte(profiles), name)
	}
	f.Add([]byte(`{"current":1}`), "")
	f.Add([]byte(`[]`), "a")
	f.Add([]byte(``), "")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		profile, err := auth.ReadProfile(content, name)
		if (profile == nil) == (err == nil) {
			t.Fatalf("got %v and %v", profile, err)
		}
		if profile != nil && (profile.AccessKey.ID == "" || profile.AccessKey.Secret == "" || name != "" && profile.Name != name) {
			t.Errorf("profile %q is not whole", profile.Name)
		}
	})
}
