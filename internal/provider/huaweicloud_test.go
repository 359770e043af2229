// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// readBlocks returns the provider blocks of a file, with the ID of the emulator's account in place of DOMAIN_ID, and a
// configuration that uses each of them.
func readBlocks(t *testing.T, name string) (blocks, config string) {
	t.Helper()
	content, err := os.ReadFile("testdata/huaweicloud/" + name)
	if err != nil {
		t.Fatal(err)
	}
	blocks = strings.ReplaceAll(string(content), "DOMAIN_ID", emulator.DomainID)
	var users strings.Builder
	for _, alias := range regexp.MustCompile(`alias += "(\w+)"`).FindAllStringSubmatch(blocks, -1) {
		fmt.Fprintf(&users, "data \"servicestage_build_jobs\" %[1]q {\n  provider = servicestage.%[1]s\n}\n", alias[1])
	}
	return blocks, providertest.Requirement + blocks + users.String()
}

// Provider blocks that huaweicloud/huaweicloud accepts lead to the service, with a warning for what is not used.
func TestProvider_blocksOfHuaweicloudPlan(t *testing.T) {
	t.Parallel()
	blocks, config := readBlocks(t, "accepted.tf")
	server := emulator.New(t, emulator.Options{})
	temporary := emulator.New(t, emulator.Options{SecurityToken: "emulator-security-token"})
	secure := httptest.NewTLSServer(nil)
	t.Cleanup(secure.Close)
	cli := providertest.NewCLI(t, server)
	cli.Env = append(cli.Env, "HW_PROJECT_ID=",
		"TF_VAR_server="+server.URL, "TF_VAR_server_of_temporary_key="+temporary.URL)
	cli.Write(t, "main.tf", config)
	cli.Write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
	cli.Write(t, "id_token", emulator.DefaultIDToken+"\n")
	cli.Write(t, "config.json", `{"current":"default","profiles":[
		{"name":"default","mode":"AKSK","accessKeyId":"EMULATORACCESSKEY","secretAccessKey":"emulator-secret-key"},
		{"name":"customprofile","mode":"token","xAuthToken":"emulator-token","region":"cn-north-4","projectId":"p"}]}`)
	stdout := succeed(t, cli, "plan", "-no-color", "-input=false")
	for _, warning := range regexp.MustCompile(`Warning: .+`).FindAllString(blocks, -1) {
		if !strings.Contains(stdout, warning) {
			t.Errorf("no %q\n%s", warning, stdout)
		}
	}
	got := server.CountRequests(http.MethodGet, jobsPath) + temporary.CountRequests(http.MethodGet, jobsPath)
	if want := strings.Count(blocks, "alias "); got != want {
		t.Errorf("%d requests reached the service for %d provider blocks", got, want)
	}
}

// Each argument of huaweicloud/huaweicloud that has no meaning here is an error with its line.
func TestProvider_blocksOfHuaweicloudRejected(t *testing.T) {
	t.Parallel()
	blocks, config := readBlocks(t, "rejected.tf")
	cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
	cli.Write(t, "main.tf", config)
	_, stderr, err := cli.Run(t, "validate", "-no-color")
	if err == nil {
		t.Error("no error")
	}
	var want, got []string
	for _, argument := range regexp.MustCompile(`(?m)^  (\w+) +[={]`).FindAllStringSubmatch(blocks, -1) {
		if argument[1] != "alias" {
			want = append(want, argument[1])
		}
	}
	unsupported := regexp.MustCompile(`(?s)Unsupported (?:argument|block type).+?: +(\w+) +[={]`)
	for _, message := range unsupported.FindAllStringSubmatch(stderr, -1) {
		got = append(got, message[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v\n%s", got, want, stderr)
	}
}
