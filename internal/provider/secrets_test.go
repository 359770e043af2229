// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// issuedToken matches the tokens and the security tokens that the emulator's IAM issues.
var issuedToken = regexp.MustCompile(`token-[a-z0-9]{40}`)

// No log at any level, plan, state or error contains a secret.
func TestProvider_noSecretIsPrinted(t *testing.T) {
	t.Parallel()
	const canary = "canary-"
	secrets := strings.NewReplacer("emulator-secret-key", "canary-secret-key", "emulator-password", "canary-password",
		"emulator-id-token", "canary-id-token", "emulator-token", "canary-token")
	keys := keyBlock + "security_token = \"canary-security-token\"\n"
	file := writeFile(t, `{"current":"a","profiles":[{"name":"a","accessKeyId":"EMULATORACCESSKEY",
		"secretAccessKey":"canary-secret-key","securityToken":"canary-security-token"}]}`)
	server := emulator.New(t, emulator.Options{
		AccessKey: emulator.DefaultAccessKey, SecretKey: "canary-secret-key", SecurityToken: "canary-security-token",
		Token: "canary-token",
		IAM:   emulator.IAM{Password: "canary-password", IDToken: "canary-id-token"},
	})
	config := []string{providertest.Requirement}
	for name, arguments := range map[string]string{
		"keys": keys, "token": tokenBlock, "password": userBlock, "oidc": oidcBlock, "agency": keys + roleBlock,
		"profile": "shared_config_file = \"" + file + "\"\n",
	} {
		config = append(config, secrets.Replace(aliasedJob(name, arguments)))
	}
	cli := providertest.NewCLI(t, server)
	log := filepath.Join(t.TempDir(), "trace.log")
	cli.Env = append(cli.Env, "TF_LOG=TRACE", "TF_LOG_PATH="+log, "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_PROJECT_ID=")
	cli.Write(t, "main.tf", strings.Join(config, ""))

	printed := succeed(t, cli, "plan", "-no-color", "-input=false", "-out=plan") +
		succeed(t, cli, "apply", "-no-color", "-input=false", "plan") + succeed(t, cli, "show", "-no-color", "plan")
	server.InjectFault(emulator.Fault{
		Method: http.MethodGet, Path: jobsPath + "/*", Times: -1, StatusCode: http.StatusUnauthorized,
		Body: `{"error_code":"APIGW.0301"}`,
	})
	stdout, stderr, err := cli.Run(t, "plan", "-no-color", "-input=false")
	if want := "Credentials in use: "; err == nil || strings.Count(stderr, want) != 6 {
		t.Errorf("%v: there are not 6 errors with %q\n%s", err, want, stderr)
	}
	texts := map[string]string{"the output of Terraform": printed + stdout + stderr}
	for _, file := range []string{log, filepath.Join(cli.Dir, "terraform.tfstate")} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[file] = string(content)
	}
	for name, text := range texts {
		for line := range strings.Lines(text) {
			if strings.Contains(line, canary) || issuedToken.MatchString(line) {
				t.Errorf("a secret is in %s: %s", name, line)
			}
		}
	}
	for _, field := range []string{
		"method=POST", "host=127.0.0.1:", "path=/assembling/v1/jobs", "status=200",
		"request_id=", "attempt=1", "duration_ms=",
	} {
		if !strings.Contains(texts[log], field) {
			t.Errorf("the log lacks %s", field)
		}
	}
}
