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

// handedOut are the tokens, and the security tokens of temporary keys, that the emulator's IAM makes.
var handedOut = regexp.MustCompile(`token-[a-z0-9]{40}`)

// No secret shows in the log, however much of it is asked for, nor in the plan, the state or an error.
func TestProvider_secretsStayOut(t *testing.T) {
	t.Parallel()
	const canary = "canary-"
	keys := "access_key = \"EMULATORACCESSKEY\"\nsecret_key = \"canary-secret-key\"\nsecurity_token = \"canary-security-token\"\n"
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(`{"current":"a","profiles":[{"name":"a","accessKeyId":"EMULATORACCESSKEY",
		"secretAccessKey":"canary-secret-key","securityToken":"canary-security-token"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, arguments := range map[string]string{
		"keys":     keys,
		"token":    "token = \"canary-token\"",
		"password": strings.Replace(userBlock, "emulator-password", "canary-password", 1),
		"OIDC":     strings.Replace(oidcBlock, "emulator-id-token", "canary-id-token", 1),
		"agency":   keys + roleBlock,
		"profile":  "shared_config_file = \"" + file + "\"",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := emulator.New(t, emulator.Options{
				AccessKey: emulator.DefaultAccessKey, SecretKey: "canary-secret-key",
				SecurityToken: "canary-security-token", Token: "canary-token",
				IAM: emulator.IAM{Password: "canary-password", IDToken: "canary-id-token"},
			})
			cli := providertest.NewCLI(t, server)
			log := filepath.Join(t.TempDir(), "trace.log")
			cli.Env = append(cli.Env, "TF_LOG=TRACE", "TF_LOG_PATH="+log)
			cli.Env = append(cli.Env, "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_PROJECT_ID=")
			cli.Write(t, "main.tf", providertest.Requirement+
				"provider \"servicestage\" {\n"+arguments+"\n}\n"+job)

			var printed strings.Builder
			run := func(wantFailure bool, command string, options ...string) {
				t.Helper()
				stdout, stderr, err := cli.Run(t, append([]string{command, "-no-color"}, options...)...)
				printed.WriteString(stdout + stderr)
				if (err != nil) != wantFailure {
					t.Errorf("%s: %v\n%s\n%s", command, err, stdout, stderr)
				}
			}
			run(false, "plan", "-input=false", "-out=plan")
			run(false, "apply", "-input=false", "plan")
			server.InjectFault(emulator.Fault{
				Method: http.MethodGet, Path: jobsPath + "/*", Times: -1, StatusCode: http.StatusUnauthorized, Body: `{"error_code":"APIGW.0301"}`,
			})
			run(true, "plan", "-input=false")
			run(false, "show", "plan")

			files := map[string]string{"what Terraform printed": printed.String()}
			for _, file := range []string{log, filepath.Join(cli.Dir, "terraform.tfstate")} {
				content, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				files[file] = string(content)
			}
			for file, content := range files {
				for line := range strings.Lines(content) {
					if strings.Contains(line, canary) || handedOut.MatchString(line) {
						t.Errorf("a secret is in %s: %s", filepath.Base(file), line)
					}
				}
			}
			for _, field := range []string{"method=POST", "host=127.0.0.1:", "path=/assembling/v1/jobs", "status=200", "request_id=", "attempt=1", "duration_ms="} {
				if !strings.Contains(files[log], field) {
					t.Errorf("the log lacks %s", field)
				}
			}
		})
	}
}
