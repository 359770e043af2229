// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package auth_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

const profiles = `{"language":"en","current":"work","profiles":[
  {"name":"home","mode":"AKSK","accessKeyId":"AK1","secretAccessKey":"SK1","region":"cn-north-4"},
  {"name":"work","mode":"AKSK","accessKeyId":"AK2","secretAccessKey":"SK2",
   "securityToken":"ST2","region":"r2","projectId":"p2","domainId":"d2"},
  {"name":"sso","mode":"SSO",
   "ssoAuth":{"stsToken":{"accessKeyId":"AK3","secretAccessKey":"SK3","securityToken":"ST3"}}},
  {"name":"token","mode":"token","xAuthToken":"T5","agencyName":"a5","agencyDomainName":"dn5","agencyDomainId":"di5"},
  {"name":"no token","mode":"token"},
  {"name":"bare","accessKeyId":"AK4","secretAccessKey":"SK4"},
  {"name":"half","mode":"AKSK","accessKeyId":"canary-key"},
  {"name":"ecs","mode":"ecsAgency","region":"r"},
  {"name":"other","mode":"new"},
  {"name":"other with keys","mode":"new","accessKeyId":"AK6","secretAccessKey":"SK6"}]}`

func TestReadProfile(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]auth.Profile{
		"": {
			Region: "r2", ProjectID: "p2", DomainID: "d2",
			Credential: auth.AccessKey{ID: "AK2", Secret: "SK2", SecurityToken: "ST2"},
		},
		"home":            {Region: "cn-north-4", Credential: auth.AccessKey{ID: "AK1", Secret: "SK1"}},
		"sso":             {Credential: auth.AccessKey{ID: "AK3", Secret: "SK3", SecurityToken: "ST3"}},
		"ecs":             {Region: "r"},
		"other with keys": {Credential: auth.AccessKey{ID: "AK6", Secret: "SK6"}},
		"bare":            {Credential: auth.AccessKey{ID: "AK4", Secret: "SK4"}},
		"token": {
			Credential: auth.Token("T5"), AgencyName: "a5", AgencyDomainName: "dn5", AgencyDomainID: "di5",
		},
	} {
		got, err := auth.ReadProfile([]byte(profiles), name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%q: got %+v, want %+v", name, *got, want)
		}
	}
}

func TestReadProfile_errors(t *testing.T) {
	t.Parallel()
	const encrypted = "the secrets are encrypted, and only KooCLI can decrypt them"
	const notJSON = "the file is not the JSON that KooCLI writes"
	for name, c := range map[string]struct{ content, profile, want string }{
		"no such profile":   {profiles, "missing", `there is no profile "missing"; the file has "home", "work", "sso"`},
		"no secret key":     {profiles, "half", `profile "half" (mode "AKSK") lacks the access key or its secret key`},
		"other mode":        {profiles, "other", `profile "other" (mode "new") lacks the access key or its secret key`},
		"no token":          {profiles, "no token", `profile "no token" (mode "token") lacks the token`},
		"encrypted":         {`{"authEncrypt":"true",` + profiles[1:], "home", encrypted},
		"encrypted, no key": {`{"authEncrypt":true,` + profiles[1:], "half", encrypted},
		"agency without account": {
			`{"profiles":[{"name":"a","accessKeyId":"canary","secretAccessKey":"canary","agencyName":"b"}]}`, "a",
			`profile "a" names agency "b" without its account`,
		},
		"no current": {`{"profiles":[]}`, "", `no profile is named, and the file has no current one`},
		"no JSON":    {`canary-secret`, "", notJSON},
		"wrong type": {`{"profiles":[{"name":"a","secretAccessKey":["canary-secret"]}]}`, "a", notJSON},
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

// A profile contains a key with its secret key, a token, or neither; anything else is an error.
func FuzzReadProfile(f *testing.F) {
	for _, name := range []string{"", "home", "sso", "half", "missing"} {
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
		if profile == nil {
			return
		}
		key, isKey := profile.Credential.(auth.AccessKey)
		token, isToken := profile.Credential.(auth.Token)
		if profile.Credential != nil && !isKey && !isToken || isKey && (key.ID == "" || key.Secret == "") ||
			isToken && token == "" {
			t.Errorf("profile %q is incomplete", name)
		}
	})
}
