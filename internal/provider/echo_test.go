// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// echoes are ways to send a request back; %[1]s is the request, and %[2]s the same as JSON.
var echoes = []struct {
	status       int
	header, body string
}{
	{403, "", "you sent %[1]s"},
	{403, "", "<html><b>you sent</b> <pre>%[1]s</pre></html>"},
	{400, "", `{"error_code":"C","error_msg":%[2]s}`},
	{401, "", `{"headers":%[2]s}`},
	{502, "X-Request-Id", "no"},
	{307, "Location", "no"},
	{200, "", "you sent %[1]s"},
	{200, "", `{"error_code":%[2]s}`},
	{200, "", `{"total":%[2]s,"spec":%[2]s}`},
	{200, afterResponse, ""},
}

// afterResponse stands for an echo that follows a complete response. The standard library logs its beginning.
const afterResponse = "after the response"

// echoing starts a service, and IAM, that sends each request back. The number at the end of the path or of the user's
// name selects the way. signatures returns the signatures of all requests.
func echoing(t *testing.T) (address string, signatures func() []string) {
	t.Helper()
	var mu sync.Mutex
	var received []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if _, signature, ok := strings.Cut(r.Header.Get("Authorization"), "Signature="); ok {
			mu.Lock()
			received = append(received, signature)
			mu.Unlock()
		}
		request := fmt.Sprintf("%v %s", r.Header, body)
		encoded, err := json.Marshal(request)
		if err != nil {
			t.Error(err)
		}
		_, number, _ := strings.Cut(path.Base(r.URL.Path)+string(body), "case-")
		chosen, _, _ := strings.Cut(number, `"`)
		echo := echoes[0]
		if i, err := strconv.Atoi(chosen); err == nil {
			echo = echoes[i]
		}
		if echo.header == afterResponse {
			conn, writer, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			// The client may have closed the connection.
			_, _ = fmt.Fprintf(writer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}%s", request)
			_ = writer.Flush()
			time.AfterFunc(time.Minute, func() { _ = conn.Close() }) // The connection becomes idle first.
			return
		}
		if echo.header != "" {
			w.Header().Set(echo.header, "https://other.example/"+request)
		}
		w.WriteHeader(echo.status)
		_, _ = fmt.Fprintf(w, echo.body+"%.0[1]s%.0[2]s", request, encoded) // The client may be gone.
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return received
	}
}

// A secret that a service, IAM or a proxy sends back is in no error and in no log at any level.
func TestProvider_echoedSecretIsRedacted(t *testing.T) {
	t.Parallel()
	address, signatures := echoing(t)
	var config strings.Builder
	config.WriteString(providertest.Requirement)
	const keys = "access_key = \"AK\"\nsecret_key = \"canary-secret-key\"\nsecurity_token = \"canary-security-token\"\n"
	for name, arguments := range map[string]string{"keys": keys, "token": "token = \"canary-token\"\n"} {
		config.WriteString(aliasedJob(name, arguments))
		fmt.Fprintf(&config, `
data "servicestage_build_job" %q {
  provider = servicestage.%[1]s
  count    = %d
  job_id   = "case-${count.index}"
}
data "servicestage_build_jobs" %[1]q {
  provider = servicestage.%[1]s
}
`, name, len(echoes))
	}
	for i := range echoes {
		secrets := strings.NewReplacer("emulator-password", "canary-password", "emulator-id-token",
			fmt.Sprint("canary-id-token-case-", i), "emulator-user", fmt.Sprint("case-", i))
		agency := strings.Replace(roleBlock, "emulator-agency", fmt.Sprint("case-", i), 1)
		blocks := map[string]string{
			"password": secrets.Replace(userBlock), "oidc": secrets.Replace(oidcBlock),
			"agency": keys + "domain_id = \"d\"\n" + agency,
		}
		if i%3 > 0 { // Each block is a process; the clients of IAM treat all responses alike.
			delete(blocks, "oidc")
			delete(blocks, "agency")
		}
		for name, arguments := range blocks {
			config.WriteString(aliased(fmt.Sprint(name, i), arguments))
		}
	}
	cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
	log := filepath.Join(t.TempDir(), "trace.log")
	cli.Env = append(cli.Env, "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_SERVICESTAGE_ENDPOINT="+address,
		"HW_IAM_ENDPOINT="+address, "HW_STS_ENDPOINT="+address,
		"HW_MAX_RETRIES=0", "TF_LOG=TRACE", "TF_LOG_PATH="+log)
	cli.Write(t, "main.tf", config.String())
	var printed strings.Builder
	for _, arguments := range [][]string{
		{"plan"},
		{"apply", "-auto-approve", "-target=servicestage_build_job.keys", "-target=servicestage_build_job.token"},
	} {
		stdout, stderr, _ := cli.Run(t, append(arguments, "-no-color", "-input=false")...) // Errors are checked below.
		printed.WriteString(stdout + stderr)
	}
	texts := map[string]string{"the output of Terraform": printed.String()}
	content, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	texts["the log"] = string(content)
	secrets := append(signatures(), "canary")
	if len(secrets) < len(echoes) {
		t.Errorf("%d requests were signed", len(secrets)-1)
	}
	for name, text := range texts {
		if !strings.Contains(text, "[redacted]") {
			t.Errorf("nothing is redacted in %s: %.2000s", name, text)
		}
		for line := range strings.Lines(text) {
			for _, secret := range secrets {
				if strings.Contains(line, secret) {
					t.Errorf("%s is in %s: %.500s", secret, name, line)
				}
			}
		}
	}
	for _, want := range []string{
		"HTTP 400", "HTTP 401", "HTTP 403", "HTTP 502", "HTTP 307", "HTTP 200",
		"Logging in as user", "Assuming agency", "Exchanging the ID token", "Endpoint:",
	} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("no error contains %s", want)
		}
	}
}
