// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
)

// assignments are values by name, each as name=value.
func assignments(list []string) map[string]string {
	values := map[string]string{}
	for _, assignment := range list {
		name, value, _ := strings.Cut(assignment, "=")
		values[name] = value
		if parent, _, nested := strings.Cut(name, "."); nested {
			values[parent] = ""
		}
	}
	return values
}

func configurationOf(block, environment []string) *configuration {
	variables := assignments(environment)
	return &configuration{values: assignments(block), getenv: func(name string) string { return variables[name] }}
}

const profiles = `{"current":"work","profiles":[
	{"name":"work","accessKeyId":"PK","secretAccessKey":"PS","region":"cn-east-3","projectId":"pp"},
	{"name":"token","mode":"token","xAuthToken":"PT"},
	{"name":"ecs","mode":"ecsAgency"},
	{"name":"agency","accessKeyId":"PK","secretAccessKey":"PS","region":"r","agencyName":"PA","agencyDomainName":"PD"}]}`

// writeProfiles writes a configuration file of KooCLI to a new home directory, and returns its path.
func writeProfiles(t *testing.T, content string) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	file := filepath.Join(home, ".hcloud", "config.json")
	if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What is configured precedes what is in the environment, each in the order of the list, and no setting of one source reaches another.
func TestSelectSource(t *testing.T) {
	file := writeProfiles(t, profiles)
	static := func(credential auth.Credential) auth.Source { return auth.Static{Credential: credential} }
	token, profileKeys := static(auth.Token("T")), static(auth.AccessKey{ID: "PK", Secret: "PS"})
	keys := static(auth.AccessKey{ID: "AK", Secret: "SK"})
	password := auth.Password{UserName: "U", Password: "P", DomainName: "D"}
	idToken := auth.OIDC{IDPID: "I", IDToken: "J"}
	agency := func(base auth.Source) auth.Agency { return auth.Agency{Base: base, Name: "A", DomainID: "DI"} }
	named := func(name string) auth.Project { return auth.Project{Name: name} }

	keysIn := []string{"access_key=AK", "secret_key=SK"}
	passwordIn := []string{"user_name=U", "password=P", "domain_name=D"}
	roleIn := []string{"assume_role.agency_name=A", "assume_role.domain_id=DI"}
	oidcIn := []string{"assume_role_with_oidc.idp_id=I", "assume_role_with_oidc.id_token=J", "assume_role_with_oidc.agency_name=A", "assume_role_with_oidc.domain_id=DI"}
	const keysInBlock, passwordInBlock = "access_key in the provider block, secret_key in the provider block",
		"user_name in the provider block, password in the provider block, domain_name in the provider block"
	const roleInBlock = ", assume_role.agency_name in the provider block"
	const oidcFromEnvironment = "assume_role_with_oidc.idp_id from HW_ASSUME_ROLE_IDP_ID, assume_role_with_oidc.id_token from HW_ASSUME_ROLE_ID_TOKEN, " +
		"assume_role_with_oidc.agency_name from HW_ASSUME_ROLE_AGENCY_NAME, assume_role_with_oidc.domain_id from HW_ASSUME_ROLE_DOMAIN_ID"

	everything := []string{
		"HW_AUTH_TOKEN=T", "HW_ACCESS_KEY=AK", "HW_SECRET_KEY=SK", "HW_USER_NAME=U", "HW_USER_PASSWORD=P", "HW_DOMAIN_NAME=D",
		"HW_PROFILE=work", "HW_ASSUME_ROLE_AGENCY_NAME=A", "HW_ASSUME_ROLE_DOMAIN_NAME=D",
	}
	oidcFrom := []string{"HW_ASSUME_ROLE_IDP_ID=I", "HW_ASSUME_ROLE_ID_TOKEN=J", "HW_ASSUME_ROLE_AGENCY_NAME=A", "HW_ASSUME_ROLE_DOMAIN_ID=DI"}
	agencyByName := func(base auth.Source) auth.Agency {
		return auth.Agency{Base: base, Name: "A", DomainName: "D", Duration: time.Hour}
	}
	block := func(parts ...[]string) []string { return append(slices.Concat(parts...), "region=r") }
	type settings struct{ block, environment []string }
	for name, c := range map[string]struct { //nolint:paralleltest // The home directory is an environment variable.
		settings

		want selection
	}{
		"1 token": {settings{block(), everything}, selection{
			source: agencyByName(token), description: "token from HW_AUTH_TOKEN, assume_role.agency_name from HW_ASSUME_ROLE_AGENCY_NAME", project: named("r"),
		}},
		"2 OIDC": {settings{block(), slices.Concat(oidcFrom, everything[1:7])}, selection{source: agency(idToken), description: oidcFromEnvironment, project: named("r")}},
		"3 profile": {
			settings{block(), everything[1:7]},
			selection{source: profileKeys, description: `profile "work" (profile from HW_PROFILE) of ~/.hcloud/config.json`, project: named("r")},
		},
		"4 keys":     {settings{block(), everything[1:6]}, selection{source: keys, description: "access_key from HW_ACCESS_KEY, secret_key from HW_SECRET_KEY", project: named("r")}},
		"5 password": {settings{block(), everything[3:6]}, selection{source: password, description: "user_name from HW_USER_NAME, password from HW_USER_PASSWORD, domain_name from HW_DOMAIN_NAME", project: named("r")}},
		"6 default":  {settings{block(), nil}, selection{source: profileKeys, description: "the current profile of ~/.hcloud/config.json", project: named("r")}},

		"configured token":    {settings{block([]string{"token=T"}), everything[1:7]}, selection{source: token, description: "token in the provider block", project: named("r")}},
		"configured keys":     {settings{block(keysIn), everything[:7]}, selection{source: keys, description: keysInBlock, project: named("r")}},
		"configured password": {settings{block(passwordIn), everything[:7]}, selection{source: password, description: passwordInBlock, project: named("r")}},
		"configured profile": {
			settings{block([]string{"profile=token", "shared_config_file=" + file}), everything[:7]},
			selection{source: static(auth.Token("PT")), description: `profile "token" (profile in the provider block) of ` + file, project: named("r")},
		},
		"configured OIDC": {settings{block(oidcIn), everything[:7]}, selection{
			source: agency(idToken), project: named("r"), description: strings.Join([]string{
				"assume_role_with_oidc.idp_id in the provider block", "assume_role_with_oidc.id_token in the provider block",
				"assume_role_with_oidc.agency_name in the provider block", "assume_role_with_oidc.domain_id in the provider block",
			}, ", "),
		}},
		"one half from each, before a token of the environment": {
			settings{block([]string{"access_key=AK"}), []string{"OS_SECRET_KEY=SK", "HW_AUTH_TOKEN=T"}},
			selection{source: keys, description: "access_key in the provider block, secret_key from OS_SECRET_KEY", project: named("r")},
		},
		"temporary keys": {
			settings{block(keysIn), []string{"HW_SECURITY_TOKEN=ST"}},
			selection{
				source:      static(auth.AccessKey{ID: "AK", Secret: "SK", SecurityToken: "ST"}),
				description: keysInBlock + ", security_token from HW_SECURITY_TOKEN", project: named("r"),
			},
		},
		"password by ids": {
			settings{block([]string{"user_id=UI", "password=P", "domain_id=DI"}), nil},
			selection{
				source:      auth.Password{UserID: "UI", Password: "P", DomainID: "DI"},
				description: "user_id in the provider block, password in the provider block, domain_id in the provider block", project: named("r"),
			},
		},
		"white space is removed": {
			settings{block(), []string{"HW_AUTH_TOKEN= T\n"}}, selection{source: token, description: "token from HW_AUTH_TOKEN", project: named("r")},
		},
		"HW_ before OS_, and each variable of huaweicloud": {
			settings{nil, []string{
				"HW_REGION_NAME=r", "OS_REGION_NAME=other", "OS_USERNAME=U", "OS_PASSWORD=P", "OS_USER_DOMAIN_NAME=D", "OS_PROJECT_DOMAIN_NAME=other", "OS_TENANT_NAME=n",
			}},
			selection{source: password, description: "user_name from OS_USERNAME, password from OS_PASSWORD, domain_name from OS_USER_DOMAIN_NAME", project: named("n")},
		},

		"agency on keys":     {settings{block(keysIn, roleIn), nil}, selection{source: agency(keys), description: keysInBlock + roleInBlock, project: named("r")}},
		"agency on password": {settings{block(passwordIn, roleIn), nil}, selection{source: agency(password), description: passwordInBlock + roleInBlock, project: named("r")}},
		"agency of the environment, also beside an ID token that is not in use": {
			settings{block(keysIn), oidcFrom},
			selection{source: agency(keys), description: keysInBlock + ", assume_role.agency_name from HW_ASSUME_ROLE_AGENCY_NAME", project: named("r")},
		},
		"agency of the profile": {
			settings{[]string{"profile=agency"}, nil},
			selection{
				source:      auth.Agency{Base: profileKeys, Name: "PA", DomainName: "PD", Duration: time.Hour},
				description: `profile "agency" (profile in the provider block) of ~/.hcloud/config.json, agency "PA" of the profile`, project: named("r"),
			},
		},
		"agency with a duration, and a project of its account": {
			settings{block(keysIn, roleIn, []string{"assume_role.duration=900", "project_id=p"}), nil},
			selection{
				source:  auth.Agency{Base: keys, Name: "A", DomainID: "DI", Duration: 15 * time.Minute},
				project: auth.Project{ID: "p", Name: "r"}, description: keysInBlock + roleInBlock,
			},
		},

		"chain of agencies": {
			settings{block(keysIn, roleIn, []string{"assume_role[1]=", "assume_role[1].agency_name=B", "assume_role[1].domain_name=BD", "domain_id=own"}), nil},
			selection{
				source: auth.Agency{
					Base: auth.Agency{Base: keys, Name: "A", DomainID: "DI", CallerDomainID: "own"}, Name: "B", DomainName: "BD", CallerDomainID: "DI", Duration: time.Hour,
				},
				project: named("r"), description: keysInBlock + roleInBlock + ", assume_role[1].agency_name in the provider block",
			},
		},
		"token of an agency of the environment": {
			settings{block(keysIn), []string{"OS_AGENCY_NAME=A", "OS_AGENCY_DOMAIN_NAME=AD"}},
			selection{
				source:      auth.AgencyToken{Base: keys, Name: "A", DomainName: "AD", Project: "r"},
				description: keysInBlock + ", agency_name from OS_AGENCY_NAME",
			},
		},
		"token of an agency and its project": {
			settings{block([]string{"token=T", "agency_name=A", "agency_domain_name=AD", "delegated_project=DP", "project_name=n"}), nil},
			selection{
				source:      auth.AgencyToken{Base: token, Name: "A", DomainName: "AD", Project: "DP"},
				description: "token in the provider block, agency_name in the provider block",
			},
		},
		"token exchanged for the configured project": {
			settings{block([]string{"token=T", "project_name=n", "domain_name=D"}), nil},
			selection{source: auth.Exchange{Token: "T", DomainName: "D"}, description: "token in the provider block", project: named("n")},
		},
		"token of a profile exchanged": {
			settings{block([]string{"profile=token"}), []string{"HW_PROJECT_ID=p"}},
			selection{
				source: auth.Exchange{Token: "PT"}, description: `profile "token" (profile in the provider block) of ~/.hcloud/config.json`,
				project: auth.Project{ID: "p", Name: "r"},
			},
		},
		"profile of a cloud server": {
			settings{block([]string{"profile=ecs"}), nil}, selection{
				source: auth.Metadata{Timeout: metadataTimeout}, description: `profile "ecs" (profile in the provider block) of ~/.hcloud/config.json`,
				project: named("r"), usesMetadata: true,
			},
		},

		"project and region of the profile": {
			settings{nil, []string{"HW_PROFILE=work"}}, selection{
				source: profileKeys, description: `profile "work" (profile from HW_PROFILE) of ~/.hcloud/config.json`,
				project: auth.Project{ID: "pp", Name: "cn-east-3"}, location: location{"cn-east-3", "myhuaweicloud.com"},
			},
		},
		"project_name instead of the project of the profile": {
			settings{[]string{"project_name=n"}, []string{"HW_PROFILE=work"}}, selection{
				source: profileKeys, description: `profile "work" (profile from HW_PROFILE) of ~/.hcloud/config.json`,
				project: named("n"), location: location{"cn-east-3", "myhuaweicloud.com"},
			},
		},
		"no project of a profile whose keys are not in use": {
			settings{keysIn, []string{"HW_PROFILE=work"}}, selection{
				source: keys, description: keysInBlock, project: named("cn-east-3"), location: location{"cn-east-3", "myhuaweicloud.com"},
			},
		},

		"profile of the environment that does not exist, beside configured keys": {
			settings{block(keysIn), []string{"HW_PROFILE=nobody", "HW_SHARED_CONFIG_FILE=/nonexistent"}},
			selection{source: keys, description: keysInBlock, project: named("r")},
		},
		"incomplete source of the environment after a complete one": {
			settings{block(), []string{"HW_ACCESS_KEY=AK", "HW_SECRET_KEY=SK", "OS_USERNAME=somebody"}},
			selection{source: keys, description: "access_key from HW_ACCESS_KEY, secret_key from HW_SECRET_KEY", project: named("r")},
		},
		"security token of the environment without keys": {
			settings{block([]string{"token=T"}), []string{"HW_SECURITY_TOKEN=ST"}}, selection{source: token, description: "token in the provider block", project: named("r")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			checkSelection(t, configurationOf(c.block, c.environment), c.want)
		})
	}

	// Without the default profile, which precedes the metadata service.
	t.Setenv("HOME", t.TempDir())
	idToken = auth.OIDC{IDPID: "I", IDTokenFile: "F"}
	checkSelection(t, configurationOf(block([]string{"assume_role_with_oidc.id_token_file=F"}), oidcFrom), selection{
		source: agency(idToken), project: named("r"),
		description: strings.Replace(oidcFromEnvironment, "id_token from HW_ASSUME_ROLE_ID_TOKEN", "id_token_file in the provider block", 1),
	})
	checkSelection(t, configurationOf(block(roleIn), nil), selection{
		source: agency(auth.Metadata{Timeout: metadataTimeout}), project: named("r"), description: "the metadata service, because nothing else is complete (token: not set; assume_role_with_oidc: not set; " +
			"access_key and secret_key: not set; user_name (or user_id) and password: not set; profile: file ~/.hcloud/config.json not found)" + roleInBlock, usesMetadata: true,
	})
}

// checkSelection compares the selection. Without a location in want, it is the region r.
func checkSelection(t *testing.T, c *configuration, want selection) {
	t.Helper()
	if want.location == (location{}) {
		want.location = location{"r", "myhuaweicloud.com"}
	}
	got := c.selectSource()
	if len(c.diags) > 0 {
		t.Error(c.diags)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// Wrong settings are errors with the path of the argument and its environment variables. No message contains a value that may be secret.
func TestClient_invalidSettings(t *testing.T) { //nolint:paralleltest // The home directory is an environment variable.
	writeProfiles(t, `{"profiles":[{"name":"a","accessKeyId":"canary","secretAccessKey":"canary","agencyName":"b"}]}`)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const noURL, clearText = "must be a URL such as https://servicestage.cn-north-4.myhuaweicloud.com, with a host and nothing but a path behind it.",
		"must begin with https://: over http:// credentials travel in clear text."
	good := func(more ...string) []string { return append(more, "region=r", "access_key=AK", "secret_key=canary") }
	oidc := func(without string) []string {
		all := []string{"region=r", "assume_role_with_oidc.idp_id=I", "assume_role_with_oidc.id_token=canary", "assume_role_with_oidc.agency_name=A", "assume_role_with_oidc.domain_id=DI"}
		return slices.DeleteFunc(all, func(s string) bool { return strings.HasPrefix(s, "assume_role_with_oidc."+without+"=") })
	}
	role := func(more ...string) []string { return good(append(more, "assume_role.domain_name=D")...) }
	for _, c := range []struct { //nolint:paralleltest // As above.
		block, environment []string
		path, want         string
	}{
		{[]string{"region=r", "access_key=AK"}, nil, "secret_key", "The credentials are incomplete: access_key in the provider block, but secret_key is not set. Set it (environment variables HW_SECRET_KEY, OS_SECRET_KEY), or leave the others out."},
		{[]string{"region=r"}, []string{"OS_SECRET_KEY=canary"}, "access_key", "The credentials are incomplete: secret_key from OS_SECRET_KEY, but access_key is not set."},
		{[]string{"region=r", "security_token=canary"}, nil, "access_key", "security_token in the provider block, but access_key is not set."},
		{[]string{"region=r", "user_name=u", "domain_name=d"}, nil, "password", "user_name in the provider block, but password is not set. Set it (environment variables HW_USER_PASSWORD, OS_PASSWORD)"},
		{[]string{"region=r"}, []string{"OS_PASSWORD=canary"}, "user_name", "password from OS_PASSWORD, but user_name is not set."},
		{[]string{"region=r", "user_name=u", "password=canary"}, nil, "domain_name", "domain_name, the account of the user, is not set."},
		{[]string{"region=r"}, []string{"HW_ACCESS_KEY=AK", "HW_USER_ID=u", "HW_USER_PASSWORD=canary"}, "secret_key", "access_key from HW_ACCESS_KEY, but secret_key is not set."},
		{[]string{"user_id=u", "password=canary", "endpoints.servicestage=https://s.example"}, nil, "project_name", "Set region, project_name or project_id."},
		{[]string{"region=r", "shared_config_file=/nonexistent"}, []string{"HW_METADATA_DISABLED=true"}, "shared_config_file", "stat /nonexistent: no such file or directory. The file is named by shared_config_file (environment variable HW_SHARED_CONFIG_FILE)"},
		{[]string{"region=r", "shared_config_file=/dev/zero"}, nil, "shared_config_file", "/dev/zero is not a regular file. The file is named by shared_config_file"},
		{[]string{"region=r"}, []string{"HW_PROFILE=nobody"}, "profile", `In ~/.hcloud/config.json, there is no profile "nobody"; there are "a". The profile is named by profile (environment variable HW_PROFILE)`},
		{[]string{"region=r", "profile=a"}, nil, "profile", `profile "a" names agency "b" without its account.`},
		{oidc("idp_id"), nil, "assume_role_with_oidc[0].idp_id", "assume_role_with_oidc.idp_id is not set."},
		{oidc("agency_name"), nil, "assume_role_with_oidc[0].agency_name", "assume_role_with_oidc.agency_name is not set."},
		{oidc("domain_id"), nil, "assume_role_with_oidc[0].domain_id", "assume_role_with_oidc.domain_id is not set."},
		{oidc("id_token"), nil, "assume_role_with_oidc[0].id_token", "neither id_token nor id_token_file is set."},
		{append(oidc(""), "assume_role_with_oidc.id_token_file=F"), nil, "assume_role_with_oidc[0].id_token_file", "The block sets both id_token and id_token_file."},
		{append(oidc("idp_id"), "assume_role_with_oidc.idp_id=a\nb"), nil, "assume_role_with_oidc[0].idp_id", "assume_role_with_oidc.idp_id (environment variable HW_ASSUME_ROLE_IDP_ID) holds characters that cannot be part of it"},
		{role(), nil, "assume_role[0].agency_name", "Set agency_name (environment variable HW_ASSUME_ROLE_AGENCY_NAME) to the name of the agency."},
		{good("assume_role.agency_name=a"), nil, "assume_role[0].domain_name", `to the account of agency "a".`},
		{role("assume_role.agency_name=a"), []string{"HW_ASSUME_ROLE_DURATION=12h"}, "assume_role[0].duration", `The environment variable HW_ASSUME_ROLE_DURATION must be a whole number from 0 to 86400. Got: "12h".`},
		{good("agency_name=a"), nil, "agency_domain_name", "Set agency_domain_name (environment variable OS_AGENCY_DOMAIN_NAME) to the account of the agency: agency_name in the provider block."},
		{
			[]string{"token=canary", "endpoints.servicestage=https://s.example"},
			[]string{"OS_AGENCY_NAME=a", "OS_AGENCY_DOMAIN_NAME=d"},
			"delegated_project", `to the name of a project of the account of agency "a", or set region.`,
		},
		{good(), []string{"OS_AGENCY_DOMAIN_NAME=d"}, "agency_name", "Set agency_name (environment variable OS_AGENCY_NAME), or leave agency_domain_name from OS_AGENCY_DOMAIN_NAME out."},
		{role("assume_role.agency_name=a"), []string{"OS_AGENCY_NAME=b", "OS_AGENCY_DOMAIN_NAME=d"}, "agency_name", "The settings name two agencies: agency_name from OS_AGENCY_NAME, agency_domain_name from OS_AGENCY_DOMAIN_NAME, and assume_role.agency_name in the provider block."},
		{append(oidc(""), "agency_name=a", "agency_domain_name=b"), nil, "agency_name", "The settings name two agencies"},
		{role("assume_role.agency_name=a", "assume_role[1]=", "assume_role[1].domain_id=d"), nil, "assume_role[1].agency_name", "Set agency_name"},
		{good("assume_role.agency_name=a", "assume_role.domain_id=d", "assume_role.duration=43201"), nil, "assume_role[0].duration", "With domain_id, assume_role.duration in the provider block must be from 900 to 43200 seconds. Got: 43201."},
		{append(oidc(""), "assume_role_with_oidc.duration=3601"), nil, "assume_role_with_oidc[0].duration", "With domain_id and a temporary access key, assume_role_with_oidc.duration in the provider block must be at most 3600 seconds. Got: 3601."},
		{good("security_token=t", "assume_role.agency_name=a", "assume_role.domain_id=d", "assume_role.duration=3601"), nil, "assume_role[0].duration", "must be at most 3600 seconds"},
		{good("profile=a"), nil, "profile", `profile "a" names agency "b" without its account.`},
		{[]string{"region=r"}, []string{"HW_METADATA_DISABLED=true"}, "", "What was tried, in this order: token: not set; assume_role_with_oidc: not set; access_key and secret_key: not set; user_name (or user_id) and password: " +
			"not set; profile: file ~/.hcloud/config.json: no profile is named, and the file has no current one; metadata: switched off by HW_METADATA_DISABLED.\n\nSet access_key and secret_key"},
		{[]string{"region=r"}, []string{"HW_METADATA_DISABLED=maybe"}, "", `The environment variable HW_METADATA_DISABLED must be true or false. Got: "maybe".`},
		{[]string{"region=r", "token=canary\nb"}, nil, "token", "token (environment variables HW_AUTH_TOKEN, OS_AUTH_TOKEN) holds characters that cannot be part of it"},

		{[]string{"access_key=AK", "secret_key=canary"}, nil, "region", "Set region, such as cn-north-4, or the environment variable HW_REGION_NAME."},
		{[]string{"region=cn north/4", "token=canary"}, nil, "region", `A region is a name such as cn-north-4. Got: "cn north/4".`},
		{good("cloud=https://x"), nil, "cloud", "cloud is the domain name behind those of the services"},
		{good("endpoints.servicestag=https://a.example"), nil, `endpoints["servicestag"]`, `There is no key "servicestag" in endpoints. Did you mean "servicestage"?`},
		{good("endpoints.service_stage=https://a.example"), nil, `endpoints["service_stage"]`, `Did you mean "servicestage"?`},
		{good("endpoints.IAM=https://a.example"), nil, `endpoints["IAM"]`, `Did you mean "iam"?`},
		{good("endpoints.servicestage=not a url"), nil, `endpoints["servicestage"]`, `The endpoint "servicestage" (environment variable HW_SERVICESTAGE_ENDPOINT) ` + noURL + ` Got: "not a url".`},
		{good("endpoints.servicestage=servicestage"), nil, `endpoints["servicestage"]`, noURL},
		{good("endpoints.servicestage="), nil, `endpoints["servicestage"]`, noURL},
		{good("endpoints.servicestage=https://a.example/?"), nil, `endpoints["servicestage"]`, noURL},
		{good("endpoints.iam=a.example#"), nil, `endpoints["iam"]`, `The endpoint "iam" (environment variable HW_IAM_ENDPOINT) ` + noURL},
		{good("endpoints.servicestage=https://u:canary@a.example"), nil, `endpoints["servicestage"]`, noURL},
		{good("endpoints.servicestage=ftp://a.example"), nil, `endpoints["servicestage"]`, "must begin with https://."},
		{good("endpoints.servicestage=http://192.0.2.1"), nil, `endpoints["servicestage"]`, clearText},
		{good(), []string{"HW_SERVICESTAGE_ENDPOINT=nonsense"}, `endpoints["servicestage"]`, noURL},
		{good("auth_url=https://u:canary@a.example"), nil, "auth_url", "auth_url (environment variables HW_AUTH_URL, OS_AUTH_URL) " + noURL},
		{good("auth_url=http://192.0.2.1/v3"), nil, "auth_url", clearText},
		{[]string{"region=r"}, []string{"HW_METADATA_ENDPOINT=http://169.254.169.254?"}, "", "The environment variable HW_METADATA_ENDPOINT " + noURL},
		{[]string{"region=r"}, []string{"HW_METADATA_ENDPOINT=http://192.0.2.1"}, "", "The environment variable HW_METADATA_ENDPOINT " + clearText},
		{[]string{"region=r"}, []string{"HW_METADATA_ENDPOINT=http://u:canary@192.0.2.1"}, "", noURL},
		{good(), []string{"OS_INSECURE=maybe"}, "insecure", `The environment variable OS_INSECURE must be true or false. Got: "maybe".`},
		{good(), []string{"HW_MAX_RETRIES=-1"}, "max_retries", `The environment variable HW_MAX_RETRIES must be a whole number of at least 0. Got: "-1".`},
		{good("cacert_file=/dev/zero"), nil, "cacert_file", "/dev/zero is not a regular file. cacert_file (environment variables HW_CACERT_FILE, OS_CACERT) is a path, or the certificates themselves in PEM."},
		{good("cacert_file=" + empty), nil, "cacert_file", "cacert_file (environment variables HW_CACERT_FILE, OS_CACERT) holds no certificate in PEM"},
		{good("cacert_file=-----BEGIN CERTIFICATE-----"), nil, "cacert_file", "holds no certificate in PEM"},
	} {
		t.Run(c.want, func(t *testing.T) {
			config := configurationOf(c.block, c.environment)
			if client, _ := (&serviceStage{}).client(config, ""); client != nil || len(config.diags) != 1 {
				t.Fatalf("got %v, want one error", config.diags)
			}
			got, gotPath := config.diags[0], ""
			if withPath, ok := got.(diag.DiagnosticWithPath); ok {
				gotPath = withPath.Path().String()
			}
			if !strings.Contains(got.Detail(), c.want) || gotPath != c.path || strings.Contains(got.Detail(), "canary") {
				t.Errorf("\n got %s %s\nwant %s %s", gotPath, got.Detail(), c.path, c.want)
			}
		})
	}
}

// Settings that are not in use, or not used as they are, are a warning.
func TestSelectSource_warnings(t *testing.T) { //nolint:paralleltest // The home directory is an environment variable.
	writeProfiles(t, profiles)
	keys := []string{"region=r", "access_key=AK", "secret_key=SK"}
	both := func(used, unused string) string {
		return "The provider block sets both " + used + " and " + unused + ". The provider uses " + used + "."
	}
	for _, c := range []struct {
		more []string
		want string
	}{
		{[]string{"token=T"}, both("token", "access_key and secret_key")},
		{[]string{"profile=work"}, both("profile", "access_key and secret_key")},
		{[]string{"user_name=U", "password=P", "domain_name=D"}, both("access_key and secret_key", "user_name (or user_id) and password")},
		{[]string{"user_id=U"}, both("access_key and secret_key", "user_name (or user_id) and password")},
		{[]string{
			"assume_role_with_oidc.idp_id=I", "assume_role_with_oidc.id_token=J", "assume_role_with_oidc.agency_name=A", "assume_role_with_oidc.domain_id=DI",
		}, both("assume_role_with_oidc", "access_key and secret_key")},
		{
			[]string{"assume_role.agency_name=A", "assume_role.domain_name=D", "assume_role.duration=600"},
			"The shortest lifetime of temporary keys is 900 seconds, which the provider requests. assume_role.duration in the provider block: 600.",
		},
	} {
		config := configurationOf(append(c.more, keys...), nil)
		if got := config.selectSource(); got.source == nil || len(config.diags) != 1 || config.diags[0].Severity() != diag.SeverityWarning || config.diags[0].Detail() != c.want {
			t.Errorf("%v: got %v, want %s", c.more, config.diags, c.want)
		}
	}
}

// The endpoints, by what is configured and what is in the environment.
func TestConfiguration_endpoints(t *testing.T) {
	t.Parallel()
	const metadata = "http://169.254.169.254"
	const service, iam, sts = "https://servicestage.r.myhuaweicloud.com", "https://iam.r.myhuaweicloud.com", "https://sts.r.myhuaweicloud.com"
	r := location{"r", "myhuaweicloud.com"}
	for _, c := range []struct {
		block, environment []string
		where              location
		want               endpoints
	}{
		{nil, nil, r, endpoints{service, iam, iam, sts, metadata}},
		{[]string{"endpoints.servicestage=s.example/"}, nil, location{"", "c"}, endpoints{"https://s.example", "https://iam.c", "https://iam.c", "https://sts.c", metadata}},
		{
			[]string{"endpoints.servicestage=http://localhost:1", "insecure=true", "endpoints.iam=http://192.0.2.1/v3", "endpoints.sts=sts.example"},
			nil,
			r,
			endpoints{"http://localhost:1", "http://192.0.2.1", "http://192.0.2.1", "https://sts.example", metadata},
		},
		{
			[]string{"endpoints.servicestage=http://[::1]:1"},
			[]string{"HW_SERVICESTAGE_ENDPOINT=other.example", "HW_AUTH_URL=a.example/v3/", "OS_AUTH_URL=b.example", "HW_STS_ENDPOINT=s.example", "HW_METADATA_ENDPOINT=" + metadata + "/"},
			r,
			endpoints{"http://[::1]:1", "https://a.example", "https://a.example", "https://s.example", metadata},
		},
		{[]string{"auth_url=https://a.example/v3"}, []string{"HW_IAM_ENDPOINT=i.example", "HW_METADATA_ENDPOINT=127.0.0.1:1"}, r, endpoints{service, "https://a.example", "https://i.example", sts, "https://127.0.0.1:1"}},
		{[]string{"auth_url=a.example", "endpoints.iam=i.example"}, nil, r, endpoints{service, "https://a.example", "https://i.example", sts, metadata}},
		{nil, []string{"HW_IAM_ENDPOINT=i.example", "HW_AUTH_URL=a.example"}, r, endpoints{service, "https://a.example", "https://i.example", sts, metadata}},
		{[]string{"endpoints.servicestage=sshost:8443", "auth_url=iamhost:1/v3"}, nil, r, endpoints{"https://sshost:8443", "https://iamhost:1", "https://iamhost:1", sts, metadata}},
		{nil, nil, location{"RegionOne", "Example.Com"}, endpoints{
			"https://servicestage.RegionOne.Example.Com", "https://iam.RegionOne.Example.Com", "https://iam.RegionOne.Example.Com", "https://sts.RegionOne.Example.Com", metadata,
		}},
		{[]string{"endpoints.iam=i.example"}, []string{"HW_AUTH_URL=a.example"}, r, endpoints{service, "https://i.example", "https://i.example", sts, metadata}},
	} {
		config := configurationOf(c.block, c.environment)
		if got := config.endpoints(c.where, true); got != c.want || len(config.diags) > 0 {
			t.Errorf("%v, %v: got %v %v, want %v", c.block, c.environment, got, config.diags, c.want)
		}
	}
	for _, c := range []struct {
		block []string
		want  location
	}{
		{[]string{"region=eu-west-101"}, location{"eu-west-101", "myhuaweicloud.eu"}},
		{[]string{"region=my_region_1"}, location{"my_region_1", "myhuaweicloud.com"}},
		{[]string{"region=RegionOne", "cloud=Example.Com"}, location{"RegionOne", "Example.Com"}},
	} {
		config := configurationOf(c.block, nil)
		if got := config.location(auth.Profile{}); got != c.want || len(config.diags) > 0 {
			t.Errorf("got %v %v, want %v", got, config.diags, c.want)
		}
	}
	for key, warning := range map[string]string{
		"servicestagev2": "", "ecs": `The provider does not use the endpoint "ecs", which is of another service.`,
		"iotda": `The provider does not use the endpoint "iotda", which is of another service.`, "sms": `The provider does not use the endpoint "sms", which is of another service.`,
	} {
		config := configurationOf([]string{"endpoints." + key + "=https://a.example"}, nil)
		got := config.endpoints(r, false)
		if (got.service == "https://a.example") != (warning == "") || warning == "" != (len(config.diags) == 0) || warning != "" && config.diags[0].Detail() != warning {
			t.Errorf("%s: got %v %v, want %s", key, got, config.diags, warning)
		}
	}
	unused := configurationOf(nil, []string{"HW_METADATA_ENDPOINT=http://u:canary@192.0.2.1"})
	if unused.endpoints(r, false); len(unused.diags) > 0 {
		t.Errorf("an unused endpoint is rejected: %v", unused.diags)
	}
}
