// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// programName makes the test binary run as the program, so that a test starts a real process without building one.
const programName = "servicestage-emulator"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == programName {
		main()
		return
	}
	os.Exit(m.Run())
}

func command(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable, arguments...)
	cmd.Args[0] = programName
	return cmd
}

// program is a running emulator. It is killed at the end of the test, so that no read from it hangs.
type program struct {
	cmd    *exec.Cmd
	url    string
	stdout *bufio.Reader
	stderr bytes.Buffer // Complete after the end of the program.
}

func startProgram(t *testing.T, arguments ...string) *program {
	t.Helper()
	p := &program{cmd: command(t, arguments...)}
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err := errors.Join(err, p.cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Wait() }) // A second wait, after stop, is an error.
	p.stdout = bufio.NewReader(stdout)
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		t.Fatalf("the program printed no URL: %v, %v, %s", err, p.cmd.Wait(), &p.stderr)
	}
	p.url = strings.TrimSuffix(line, "\n")
	return p
}

// stop ends the program, wants exit code 0, and returns the rest of what it wrote.
func (p *program) stop(t *testing.T, signal os.Signal) (stdout, stderr string) {
	t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(p.stdout)
	if err := errors.Join(err, p.cmd.Wait()); err != nil {
		t.Errorf("the program did not end well: %v, %s", err, &p.stderr)
	}
	return string(out), p.stderr.String()
}

func (p *program) request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func exchange(t *testing.T, req *http.Request) (status int, body map[string]any) {
	t.Helper()
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusNoContent {
		if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
			t.Fatalf("%s: %v", response.Status, err)
		}
	}
	return response.StatusCode, body
}

// call requires the status 200, or 204 and no body.
func (p *program) call(t *testing.T, method, path, content string) map[string]any {
	t.Helper()
	req := p.request(t, method, path, content)
	req.Header.Set("X-Auth-Token", emulator.DefaultToken)
	status, body := exchange(t, req)
	if status != http.StatusOK && status != http.StatusNoContent {
		t.Fatalf("%s %s: got %d %v", method, path, status, body)
	}
	return body
}

const (
	jobsPath = "/assembling/v1/jobs"
	plainJob = `{"job_name":"app","environment_setting":{}}`
)

// readBanner returns what follows the URL, up to the address of the web page.
func (p *program) readBanner(t *testing.T) string {
	t.Helper()
	last, banner := "Web page: "+p.url+"/_emulator/\n", ""
	for !strings.HasSuffix(banner, last) {
		line, err := p.stdout.ReadString('\n')
		if err != nil {
			t.Fatalf("the banner ends early: %v, %s", err, banner)
		}
		banner += line
	}
	return banner
}

// The printed commands are enough for an apply with real Terraform, whatever the credentials and the region are. The
// JSON API injects faults into the apply, and counts its requests. A change with it is drift.
func TestProgram_bannerConfiguresProvider(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "-region", "eu-west-101", "-secret-key", `it's "$secret"`)
	commands := []string{"set -e"}
	for line := range strings.Lines(p.readBanner(t)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "export ") {
			commands = append(commands, line)
		}
	}
	const faults = `[{"method":"GET","path":"/assembling/v1/jobs/*","status":503,"count":2}]`
	p.call(t, http.MethodPut, "/_emulator/faults", faults)
	cli := providertest.NewCLI(t, &emulator.Server{URL: p.url})
	cli.Write(t, "main.tf", providertest.Requirement+`resource "servicestage_build_job" "app" {
  job_name = "app"
  environment_setting {}
}`)
	script := strings.Join(append(commands, `exec "$0" "$@" -input=false -no-color`), "\n")
	run := func(arguments ...string) (int, string) {
		arguments = append([]string{"-c", script, providertest.Program(t)}, arguments...)
		command := exec.CommandContext(t.Context(), "sh", arguments...)
		command.Dir = cli.Dir
		command.Env = slices.DeleteFunc(append(os.Environ(), cli.Env...), func(variable string) bool {
			return strings.HasPrefix(variable, "HW_")
		})
		output, _ := command.CombinedOutput() // The caller checks the exit code.
		return command.ProcessState.ExitCode(), string(output)
	}
	if code, output := run("apply", "-auto-approve"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, output)
	}
	state := p.call(t, http.MethodGet, "/_emulator/state", "")
	if state["total"] != 1.0 || len(state["faults"].([]any)) != 0 {
		t.Errorf("got %v", state)
	}
	creates := p.call(t, http.MethodGet, "/_emulator/requests?method=POST&path=/assembling/v1/jobs&limit=0", "")
	reads := p.call(t, http.MethodGet, "/_emulator/requests?method=GET&path=/assembling/v1/jobs/*&limit=0", "")
	if creates["total"] != 1.0 || reads["total"] != 3.0 {
		t.Errorf("got %v creates and %v reads, want 1 and 3", creates["total"], reads["total"])
	}

	id := state["jobs"].([]any)[0].(map[string]any)["job_id"].(string)
	p.call(t, http.MethodPatch, "/_emulator/jobs/"+id, `{"name":"changed"}`)
	code, output := run("plan", "-detailed-exitcode")
	if code != 2 || !strings.Contains(output, `"changed" -> "app"`) {
		t.Errorf("the plan after a change outside Terraform: exit code %d\n%s", code, output)
	}
}

func TestProgram_bannerForPowerShell(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "-shell", "powershell", "-secret-key", "it's", "-admin-token", "secret")
	banner := p.readBanner(t)
	for _, want := range []string{
		"  $env:HW_SECRET_KEY = 'it''s'\n", "  $env:HW_IAM_ENDPOINT = '" + p.url + "'\n", emulator.DefaultPassword,
		emulator.DefaultAgency, emulator.DefaultIDP,
	} {
		if !strings.Contains(banner, want) {
			t.Errorf("%q is missing in\n%s", want, banner)
		}
	}
}

// The flags that need parsing, and the health check, against a running program.
func TestProgram_flagsOfTheService(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	seed, users := filepath.Join(folder, "seed.json"), filepath.Join(folder, "users.json")
	for file, text := range map[string]string{
		seed: `[{"job_id":"first","job_name":"seeded"}]`, users: `[{"name":"alice","password":"secret"}]`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := startProgram(t, "-seed", seed, "-users", users, "-token-lifetime", "1s", "-rate", "1000", "-latency", "1ms",
		"-quirks", "creator-string,allow-taken-names",
		"-fault", `{"method":"GET","path":"/assembling/v1/base_images","status":503,"body":"{}"}`)
	got := p.call(t, http.MethodGet, jobsPath+"/first", "")
	if got["job_id"] != "first" || got["creator"] != emulator.DefaultUserName {
		t.Errorf("the seeded build job with a quirk: got %v", got)
	}
	images := p.request(t, http.MethodGet, "/assembling/v1/base_images", "")
	if status, _ := exchange(t, images); status != http.StatusServiceUnavailable {
		t.Errorf("the fault: got %d", status)
	}
	login := `{"auth":{"identity":{"methods":["password"],"password":{"user":
		{"name":"alice","password":"secret","domain":{"name":"emulator-domain"}}}}}}`
	status, body := exchange(t, p.request(t, http.MethodPost, "/v3/auth/tokens", login))
	token, _ := body["token"].(map[string]any)
	expiry, err := time.Parse(time.RFC3339, fmt.Sprint(token["expires_at"]))
	if status != http.StatusCreated || err != nil || time.Until(expiry) > time.Second {
		t.Errorf("the login: got %d %v", status, body)
	}
	if output, err := command(t, "-health", p.url).CombinedOutput(); err != nil || len(output) > 0 {
		t.Errorf("health: got %v and %s", err, output)
	}
	p.stop(t, os.Interrupt)
	if err := command(t, "-health", p.url).Run(); err == nil {
		t.Error("a stopped emulator is healthy")
	}
}

func TestProgram_logsWithoutCredentials(t *testing.T) {
	t.Parallel()
	const token, accessKey, secretKey = "canary-token", "canary-access-key", "canary-secret-key"
	p := startProgram(t, "-quiet", "-token", token, "-access-key", accessKey, "-secret-key", secretKey)
	withToken := p.request(t, http.MethodPost, jobsPath, plainJob)
	withToken.Header.Set("X-Auth-Token", token)
	signed := p.request(t, http.MethodGet, jobsPath+"?page=1&per_page=10", "")
	if err := (auth.AccessKey{ID: accessKey, Secret: secretKey}).Authenticate(t.Context(), signed, nil); err != nil {
		t.Fatal(err)
	}
	_, signature, _ := strings.Cut(signed.Header.Get("Authorization"), "Signature=")
	wrong := p.request(t, http.MethodGet, jobsPath+"/x", "")
	wrong.Header.Set("X-Auth-Token", "canary-wrong")
	for _, req := range []*http.Request{withToken, signed, wrong} {
		exchange(t, req)
	}
	stdout, stderr := p.stop(t, syscall.SIGTERM)
	lines := regexp.MustCompile(`^.* POST /assembling/v1/jobs 200 .*\n` +
		`.* GET /assembling/v1/jobs\?page=1&per_page=10 200 .*\n` +
		`.* GET /assembling/v1/jobs/x 401 .*\n$`)
	if !lines.MatchString(stderr) {
		t.Errorf("got %s, want one line for each request", stderr)
	}
	for _, secret := range []string{"canary", signature} {
		if strings.Contains(stdout+stderr, secret) {
			t.Errorf("%q was written: %s%s", secret, stdout, stderr)
		}
	}
}

func TestProgram_invalidArguments(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file.json")
	if err := os.WriteFile(file, []byte(`{"jobs":[null]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, arguments := range map[string][]string{
		"-port":                       {"-port", "80"},
		`unknown quirk "slow"`:        {"-quirks", "creator-string,slow"},
		`unexpected argument "serve"`: {"serve"},
		"soon":                        {"-build-duration", "soon"},
		"http-ish":                    {"-listen", "127.0.0.1:http-ish"},
		file + ": jobs[0] is null":    {"-state", file},
		"no such file":                {"-seed", file + "x"},
		"JSON array":                  {"-seed", file},
		"jobs":                        {"-users", file},
		"times":                       {"-fault", `{"status":503,"times":2}`},
		"fish":                        {"-shell", "fish"},
		"at least 0":                  {"-rate", "-1"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, arguments...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			failure, ok := errors.AsType[*exec.ExitError](cmd.Run())
			if !ok || failure.ExitCode() <= 0 || stdout.Len() > 0 {
				t.Errorf("the program did not fail: %v, %s", failure, &stdout)
			}
			text := stderr.String()
			if !strings.Contains(text, want) || !strings.Contains(text, "servicestage-emulator: ") {
				t.Errorf("stderr: got %s, want %s", text, want)
			}
		})
	}
}

// Browsers, health checks and net/http itself open connections that they never use.
func TestProgram_endsWithUnusedConnection(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	unused, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unused.Close() }) // The program has closed it already.
	p.call(t, http.MethodGet, "/assembling/v1/base_images", "")
	p.stop(t, syscall.SIGTERM)
}

// With -quiet, the URL is the only output. A listener that other machines can reach is a warning on stderr.
func TestProgram_listen(t *testing.T) {
	t.Parallel()
	for listen, warns := range map[string]bool{"": false, ":0": true, "0.0.0.0:0": true, "localhost:0": false} {
		t.Run(listen, func(t *testing.T) {
			t.Parallel()
			arguments := []string{"-quiet", "-listen", listen}
			if listen == "" {
				arguments = arguments[:1]
			}
			p := startProgram(t, arguments...)
			p.call(t, http.MethodPost, jobsPath, plainJob)
			stdout, stderr := p.stop(t, os.Interrupt)
			if got := strings.Contains(stderr, "warning: other machines can reach "); got != warns {
				t.Errorf("warning: got %t, want %t: %s", got, warns, stderr)
			}
			if stdout != "" || !strings.HasPrefix(p.url, "http://127.0.0.1:") {
				t.Errorf("stdout: %q, then %q", p.url, stdout)
			}
		})
	}
}

// A client that sends its request too slowly does not hold its connection, and does not get a response that means
// success.
func TestServer_slowRequestDoesNotHoldConnection(t *testing.T) {
	t.Parallel()
	service, err := emulator.NewService(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(nil)
	server.Config = newServer(service)
	if server.Config.ReadTimeout == 0 || server.Config.WriteTimeout == 0 || server.Config.IdleTimeout == 0 {
		t.Errorf("a timeout is missing: %v", server.Config)
	}
	server.Config.ReadTimeout = 100 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	const request = "POST " + jobsPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
	if _, err := io.WriteString(connection, request); err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(connection) // Until the server closes the connection.
	received := string(content)
	if err != nil || !strings.HasPrefix(received, "HTTP/1.1 408 ") || !strings.Contains(received, "APIGW.0201") {
		t.Errorf("got %q and error %v, want 408", received, err)
	}
}

// The guide has each flag and each quirk.
func TestGuide_isComplete(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../templates/guides/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	help, err := command(t, "-help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	names := emulator.QuirkNames()
	for _, flag := range regexp.MustCompile(`(?m)^  (-[a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
		names = append(names, flag[1])
	}
	for _, name := range names {
		if !regexp.MustCompile("`" + name + "[` ]").Match(guide) {
			t.Errorf("%s is missing", name)
		}
	}
	if len(names) < 30 {
		t.Errorf("only %d names: %v", len(names), names)
	}
}
