// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
	{"name":"account","accessKeyId":"PK","secretAccessKey":"PS","region":"r","domainId":"own",
	 "agencyName":"PA","agencyDomainName":"PD"},
	{"name":"agency","accessKeyId":"PK","secretAccessKey":"PS","region":"r",
	 "agencyName":"PA","agencyDomainName":"PD"}]}`

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

// selection.txt contains the selected credentials of each case: the provider block overrides the environment, each in
// the order of the list, and no setting of one source becomes part of another.
func TestSelectSource(t *testing.T) { //nolint:paralleltest // The home directory is an environment variable.
	file := writeProfiles(t, profiles)
	in := func(assignments ...string) []string { return append(assignments, "region=r") }
	const key, secret, role, roleID = "access_key=AK", "secret_key=SK", "assume_role.agency_name=A",
		"assume_role.domain_id=DI"
	const idp, agency, domain = "assume_role_with_oidc.idp_id=I", "assume_role_with_oidc.agency_name=A",
		"assume_role_with_oidc.domain_id=DI"
	everything := []string{
		"HW_AUTH_TOKEN=T", "HW_ACCESS_KEY=AK", "HW_SECRET_KEY=SK", "HW_USER_NAME=U", "HW_USER_PASSWORD=P",
		"HW_DOMAIN_NAME=D", "HW_PROFILE=work", "HW_ASSUME_ROLE_AGENCY_NAME=A", "HW_ASSUME_ROLE_DOMAIN_NAME=D",
	}
	oidc := []string{
		"HW_ASSUME_ROLE_IDP_ID=I", "HW_ASSUME_ROLE_ID_TOKEN=J", "HW_ASSUME_ROLE_AGENCY_NAME=A",
		"HW_ASSUME_ROLE_DOMAIN_ID=DI",
	}
	const withoutHome = "without a default profile"
	var text strings.Builder
	text.WriteString("Selected credentials. TestSelectSource compares this file; -update writes it.\n")
	for _, c := range []struct {
		name               string
		block, environment []string
	}{
		{"1 token", in(), everything},
		{"2 OIDC", in(), slices.Concat(oidc, everything[1:7])},
		{"3 profile", in(), everything[1:7]},
		{"4 keys", in(), everything[1:6]},
		{"5 password", in(), everything[3:6]},
		{"6 default profile", in(), nil},
		{"configured token", in("token=T"), everything[1:7]},
		{"configured keys", in(key, secret), everything[:7]},
		{"configured password", in("user_name=U", "password=P", "domain_name=D"), everything[:7]},
		{"configured profile", in("profile=token", "shared_config_file="+file), everything[:7]},
		{"configured OIDC", in(idp, "assume_role_with_oidc.id_token=J", agency, domain), everything[:7]},
		{
			"half configured, precedes a token of the environment", in(key),
			[]string{"OS_SECRET_KEY=SK", "HW_AUTH_TOKEN=T"},
		},
		{"temporary keys", in(key, secret), []string{"HW_SECURITY_TOKEN=ST"}},
		{"password by IDs", in("user_id=UI", "password=P", "domain_id=DI"), nil},
		{"white space is removed", in(), []string{"HW_AUTH_TOKEN= T\n"}},
		{"HW_ precedes OS_, and each variable of huaweicloud is read", nil, []string{
			"HW_REGION_NAME=r", "OS_REGION_NAME=other", "OS_USERNAME=U", "OS_PASSWORD=P", "OS_USER_DOMAIN_NAME=D",
			"OS_PROJECT_DOMAIN_NAME=other", "OS_TENANT_NAME=n",
		}},
		{"agency on keys", in(key, secret, role, roleID), nil},
		{"agency on a password", in("user_name=U", "password=P", "domain_name=D", role, roleID), nil},
		{"agency of the environment, beside an unused ID token", in(key, secret), oidc},
		{"agency of the profile", []string{"profile=agency"}, nil},
		{"agency of a profile that names its account", []string{"profile=account"}, []string{"HW_DOMAIN_ID=other"}},
		{"agency of the environment instead of that of the profile", []string{"profile=agency"}, []string{
			"HW_ASSUME_ROLE_AGENCY_NAME=A", "HW_ASSUME_ROLE_DOMAIN_NAME=D",
		}},
		{"account of an agency of OIDC, beside configured keys", in(key, secret), []string{
			"HW_ASSUME_ROLE_IDP_ID=I", "HW_ASSUME_ROLE_DOMAIN_ID=DI",
		}},
		{"account without an agency", in(key, secret), []string{"HW_ASSUME_ROLE_DOMAIN_NAME=D"}},
		{"delegated_project without an agency", in(key, secret, "delegated_project=DP"), nil},
		{
			"agency with a duration, and a project of its account",
			in(key, secret, role, roleID, "assume_role.duration=900", "project_id=p"), nil,
		},
		{"chain of agencies", in(key, secret, role, roleID, "assume_role[1]=", "assume_role[1].agency_name=B",
			"assume_role[1].domain_name=BD", "domain_id=own"), nil},
		{
			"token of an agency of the environment", in(key, secret),
			[]string{"OS_AGENCY_NAME=A", "OS_AGENCY_DOMAIN_NAME=AD"},
		},
		{"token of an agency and its project", in("token=T", "agency_name=A", "agency_domain_name=AD",
			"delegated_project=DP", "project_name=n"), nil},
		{"token exchanged for the configured project", in("token=T", "project_name=n", "domain_name=D"), nil},
		{"token of a profile, exchanged", in("profile=token"), []string{"HW_PROJECT_ID=p"}},
		{"profile of a cloud server", in("profile=ecs"), nil},
		{"project and region of the profile", nil, []string{"HW_PROFILE=work"}},
		{"project_name instead of the project of the profile", []string{"project_name=n"}, []string{"HW_PROFILE=work"}},
		{"no project of a profile whose keys are not used", []string{key, secret}, []string{"HW_PROFILE=work"}},
		{"no agency of a profile whose keys are not used", in(key, secret), []string{"HW_PROFILE=agency"}},
		{"missing profile of the environment, beside configured keys", in(key, secret), []string{
			"HW_PROFILE=unknown", "HW_SHARED_CONFIG_FILE=/nonexistent",
		}},
		{"incomplete source of the environment after a complete one", in(), []string{
			"HW_ACCESS_KEY=AK", "HW_SECRET_KEY=SK", "OS_USERNAME=x",
		}},
		{"security token of the environment without keys", in("token=T"), []string{"HW_SECURITY_TOKEN=ST"}},
		{"token beside keys", in(key, secret, "token=T"), nil},
		{"profile beside keys", in(key, secret, "profile=work"), nil},
		{"password beside keys", in(key, secret, "user_name=U", "password=P", "domain_name=D"), nil},
		{"incomplete password beside keys", in(key, secret, "user_id=U"), nil},
		{"OIDC beside keys", in(key, secret, idp, "assume_role_with_oidc.id_token=J", agency, domain), nil},
		{"short duration", in(key, secret, role, "assume_role.domain_name=D", "assume_role.duration=600"), nil},
		{withoutHome, in(idp, "assume_role_with_oidc.id_token_file=F", agency, domain), oidc},
		{"metadata service", in(role, roleID), nil},
	} {
		if c.name == withoutHome {
			t.Setenv("HOME", t.TempDir())
		}
		config := configurationOf(c.block, c.environment)
		got := config.selectSource()
		unset := strings.NewReplacer(", Now:(func() time.Time)(nil)", "", `, SecurityToken:""`, "")
		fmt.Fprintf(&text, "\n--- %s\nsource       %s\ndescription  %s\nproject      %+v\n"+
			"location     %+v, metadata service: %t\n%s",
			c.name, unset.Replace(fmt.Sprintf("%#v", got.source)), strings.ReplaceAll(got.description, file, "FILE"),
			got.project, got.location, got.usesMetadata, warnings(t, config))
	}
	Golden(t, "testdata/selection.txt", text.String())
}

// Update is set to write the golden files.
var Update = flag.Bool("update", false, "write the golden files")

// Golden compares a text with a file, or writes the file.
func Golden(t *testing.T, file, got string) {
	t.Helper()
	if *Update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(want), "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Fatalf("%s:%d: got %q; -update writes the file", file, i+1, line)
		}
	}
}

// Wrong settings are errors with the path of the argument and its environment variables. No message contains a value
// that may be secret. TestDiagnostics proves the messages of other settings.
func TestClient_invalidSettings(t *testing.T) { //nolint:paralleltest // The home directory is an environment variable.
	writeProfiles(t, `{"profiles":[{"name":"a","accessKeyId":"canary","secretAccessKey":"canary","agencyName":"b"}]}`)
	good := func(more ...string) []string { return append(more, "region=r", "access_key=AK", "secret_key=canary") }
	oidc := func(without string, more ...string) []string {
		all := []string{
			"region=r", "assume_role_with_oidc.idp_id=I", "assume_role_with_oidc.id_token=canary",
			"assume_role_with_oidc.agency_name=A", "assume_role_with_oidc.domain_id=DI",
		}
		without = "assume_role_with_oidc." + without + "="
		return append(slices.DeleteFunc(all, func(s string) bool { return strings.HasPrefix(s, without) }), more...)
	}
	role := func(more ...string) []string {
		return good(append(more, "assume_role.agency_name=a", "assume_role.domain_name=D")...)
	}
	file := strings.Builder{}
	file.WriteString("Errors of provider arguments and environment variables. TestClient_invalidSettings compares " +
		"this file; -update writes it.\n")
	for _, c := range []struct{ block, environment []string }{
		{[]string{"region=r"}, []string{"OS_SECRET_KEY=canary"}},
		{[]string{"region=r", "security_token=canary"}, nil},
		{[]string{"region=r", "user_name=u", "domain_name=d"}, nil},
		{[]string{"region=r"}, []string{"OS_PASSWORD=canary"}},
		{[]string{"region=r", "user_name=u", "password=canary"}, nil},
		{[]string{"region=r"}, []string{"HW_ACCESS_KEY=AK", "HW_USER_ID=u", "HW_USER_PASSWORD=canary"}},
		{[]string{"user_id=u", "password=canary", "endpoints.servicestage=https://s.example"}, nil},
		{[]string{"region=r", "shared_config_file=/dev/zero"}, nil},
		{[]string{"region=r", "profile=a"}, nil},
		{oidc("idp_id"), nil},
		{oidc("agency_name"), nil},
		{oidc("domain_id"), nil},
		{oidc("id_token"), nil},
		{append(oidc(""), "assume_role_with_oidc.id_token_file=F"), nil},
		{append(oidc("idp_id"), "assume_role_with_oidc.idp_id=a\nb"), nil},
		{good("assume_role.domain_name=D"), nil},
		{good("assume_role.agency_name=a"), nil},
		{role(), []string{"HW_ASSUME_ROLE_DURATION=12h"}},
		{role(), []string{"HW_ASSUME_ROLE_DURATION=-1"}},
		{good("agency_name=a"), nil},
		{good(), []string{"OS_AGENCY_DOMAIN_NAME=d"}},
		{append(oidc(""), "agency_name=a", "agency_domain_name=b"), nil},
		{role("assume_role[1]=", "assume_role[1].domain_id=d"), nil},
		{append(oidc(""), "assume_role_with_oidc.duration=3601"), nil},
		{role("assume_role.domain_id=d", "assume_role.duration=43201"), nil},
		{role("security_token=t", "assume_role.domain_id=d", "assume_role.duration=3601"), nil},
		{good("profile=a"), nil},
		{[]string{"region=r"}, []string{"HW_METADATA_DISABLED=true"}},
		{[]string{"region=r"}, []string{"HW_METADATA_DISABLED=maybe"}},
		{[]string{"region=r", "token=canary\nb"}, nil},
		{[]string{"access_key=AK", "secret_key=canary"}, nil},
		{[]string{"region=cn north/4", "token=canary"}, nil},
		{good("cloud=https://x"), nil},
		{good("endpoints.service_stage=https://a.example"), nil},
		{good("endpoints.IAM=https://a.example"), nil},
		{good("endpoints.servicestage=not a url"), nil},
		{good("endpoints.servicestage=servicestage"), nil},
		{good("endpoints.servicestage="), nil},
		{good("endpoints.iam=a.example#"), nil},
		{good("endpoints.servicestage=https://u:canary@a.example"), nil},
		{good("endpoints.servicestage=ftp://a.example"), nil},
		{good(), []string{"HW_SERVICESTAGE_ENDPOINT=nonsense"}},
		{good("auth_url=https://u:canary@a.example"), nil},
		{good("auth_url=http://192.0.2.1/v3"), nil},
		{[]string{"region=r"}, []string{"HW_METADATA_ENDPOINT=http://169.254.169.254?"}},
		{[]string{"region=r"}, []string{"HW_METADATA_ENDPOINT=http://192.0.2.1"}},
		{[]string{"region=r"}, []string{"HW_METADATA_ENDPOINT=http://u:canary@192.0.2.1"}},
		{good(), []string{"HW_MAX_RETRIES=-1"}},
		{good("cacert_file=/dev/zero"), nil},
		{good("cacert_file=testdata/schema.json"), nil},
		{good("cacert_file=-----BEGIN CERTIFICATE-----"), nil},
	} {
		config := configurationOf(c.block, c.environment)
		if client, _ := (&serviceStage{}).client(config, ""); client != nil || len(config.diags) != 1 {
			t.Errorf("%v, %v: got %v, want one error", c.block, c.environment, config.diags)
			continue
		}
		got, where := config.diags[0], "provider block"
		if withPath, ok := got.(diag.DiagnosticWithPath); ok && len(withPath.Path().Steps()) > 0 {
			where = withPath.Path().String()
		}
		if strings.Contains(got.Detail(), "canary") {
			t.Errorf("%v, %v: a secret is in the message %s", c.block, c.environment, got.Detail())
		}
		fmt.Fprintf(&file, "\n--- %q\nerror: %s\nat %s\n\n    %s\n", slices.Concat(c.block, c.environment),
			got.Summary(), where, strings.ReplaceAll(got.Detail(), "\n", "\n    "))
	}
	text := strings.ReplaceAll(file.String(), "    \n", "\n")
	Golden(t, "testdata/settings.txt", text)
}

// endpoints.txt contains the endpoints of each case.
func TestConfiguration_endpoints(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("Endpoints. TestConfiguration_endpoints compares this file; -update writes it.\n")
	for _, c := range []struct{ block, environment []string }{
		{[]string{"region=cn-north-4"}, nil},
		{[]string{"region=eu-west-101"}, nil},
		{[]string{"region=my_region_1"}, nil},
		{[]string{"region=RegionOne", "cloud=Example.Com"}, nil},
		{[]string{"endpoints.servicestage=s.example/", "cloud=c"}, nil},
		{[]string{
			"region=r", "endpoints.servicestage=http://localhost:1", "insecure=true",
			"endpoints.iam=http://192.0.2.1/v3", "endpoints.sts=sts.example",
		}, nil},
		{[]string{"region=r", "endpoints.servicestage=http://[::1]:1"}, []string{
			"HW_SERVICESTAGE_ENDPOINT=other.example", "HW_AUTH_URL=a.example/v3/", "OS_AUTH_URL=b.example",
			"HW_STS_ENDPOINT=s.example", "HW_METADATA_ENDPOINT=http://169.254.169.254/",
		}},
		{[]string{"region=r", "auth_url=https://a.example/v3"}, []string{
			"HW_IAM_ENDPOINT=i.example", "HW_METADATA_ENDPOINT=127.0.0.1:1",
		}},
		{[]string{"region=r", "auth_url=a.example", "endpoints.iam=i.example"}, nil},
		{[]string{"region=r"}, []string{"HW_IAM_ENDPOINT=i.example", "HW_AUTH_URL=a.example"}},
		{[]string{"region=r", "endpoints.servicestage=sshost:8443", "auth_url=iamhost:1/v3"}, nil},
		{[]string{"region=r", "endpoints.iam=i.example"}, []string{"HW_AUTH_URL=a.example"}},
		{[]string{"region=r", "endpoints.servicestagev2=https://a.example"}, nil},
		{[]string{"region=r", "endpoints.servicestagev2=b.example", "endpoints.servicestage=a.example"}, nil},
		{[]string{"region=r", "endpoints.sms=https://a.example"}, nil},
		{[]string{"region=r", "endpoints.iotda=https://a.example"}, nil},
	} {
		config := configurationOf(c.block, c.environment)
		got := config.endpoints(config.location(auth.Profile{}), true)
		fmt.Fprintf(&text, "\n--- %q\nservicestage  %s\niam           %s\nagencies      %s\n"+
			"sts           %s\nmetadata      %s\n%s", slices.Concat(c.block, c.environment),
			got.service, got.iam, got.agencies, got.sts, got.metadata, warnings(t, config))
	}
	Golden(t, "testdata/endpoints.txt", text.String())
	unused := configurationOf([]string{"region=r"}, []string{"HW_METADATA_ENDPOINT=http://u:canary@192.0.2.1"})
	if unused.endpoints(unused.location(auth.Profile{}), false); len(unused.diags) > 0 {
		t.Errorf("an unused endpoint is rejected: %v", unused.diags)
	}
}

// warnings returns the warnings of a configuration, and fails the test if there is an error.
func warnings(t *testing.T, c *configuration) string {
	t.Helper()
	var text strings.Builder
	for _, d := range c.diags {
		if d.Severity() == diag.SeverityError {
			t.Errorf("%v: %s: %s", c.values, d.Summary(), d.Detail())
		}
		fmt.Fprintf(&text, "warning       %s: %s\n", d.Summary(), strings.ReplaceAll(d.Detail(), "\n\n", " "))
	}
	return text.String()
}
