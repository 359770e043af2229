// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/auth"
	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
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
	stderr *bufio.Reader
}

func startProgram(t *testing.T, arguments ...string) *program {
	t.Helper()
	cmd := command(t, arguments...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // A second wait, after stop, is an error.
	p := &program{cmd: cmd, stdout: bufio.NewReader(stdout), stderr: bufio.NewReader(stderr)}
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		said, _ := io.ReadAll(p.stderr)
		t.Fatalf("the program printed no URL: %v, %s", err, said)
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
	out, outErr := io.ReadAll(p.stdout)
	log, logErr := io.ReadAll(p.stderr)
	if err := errors.Join(outErr, logErr, p.cmd.Wait()); err != nil {
		t.Errorf("the program did not end well: %v, %s", err, log)
	}
	return string(out), string(log)
}

func (p *program) request(t *testing.T, method, path, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func exchange(t *testing.T, req *http.Request) (int, map[string]any) {
	t.Helper()
	response, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	var decoded map[string]any
	if err := json.Unmarshal(content, &decoded); err != nil {
		t.Fatalf("%q: %v", content, err)
	}
	return response.StatusCode, decoded
}

// call wants the answer 200.
func (p *program) call(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	req := p.request(t, method, path, body)
	req.Header.Set("X-Auth-Token", emulator.DefaultToken)
	status, answer := exchange(t, req)
	if status != http.StatusOK {
		t.Fatalf("%s %s: got %d %v", method, path, status, answer)
	}
	return answer
}

const (
	jobsPath = "/assembling/v1/jobs"
	plainJob = `{"job_name":"app","environment_setting":{}}`
)

func TestProgram_printsURLOnLoopback(t *testing.T) {
	t.Parallel()
	p := startProgram(t)
	base, err := url.Parse(p.url)
	if err != nil || base.Scheme != "http" || base.Hostname() != "127.0.0.1" || base.Port() == "" || base.Port() == "0" || base.Path != "" {
		t.Errorf("got %q and error %v", p.url, err)
	}
	p.call(t, http.MethodPost, jobsPath, plainJob)
	if rest, _ := p.stop(t, os.Interrupt); rest != "" {
		t.Errorf("stdout has more than the URL: %q", rest)
	}
}

func TestProgram_logsWithoutCredentials(t *testing.T) {
	t.Parallel()
	const token, accessKey, secretKey = "canary-token", "canary-access-key", "canary-secret-key"
	p := startProgram(t, "-token", token, "-access-key", accessKey, "-secret-key", secretKey)
	withToken := p.request(t, http.MethodPost, jobsPath, plainJob)
	withToken.Header.Set("X-Auth-Token", token)
	signed := p.request(t, http.MethodGet, jobsPath+"?page=1&per_page=10", "")
	if err := (auth.AccessKey{ID: accessKey, Secret: secretKey}).Authenticate(t.Context(), signed, nil); err != nil {
		t.Fatal(err)
	}
	signature := signed.Header.Get("Authorization")
	signature = signature[strings.LastIndex(signature, "=")+1:]
	wrong := p.request(t, http.MethodGet, jobsPath+"/x", "")
	wrong.Header.Set("X-Auth-Token", "canary-wrong")

	var lines []string
	for _, test := range []struct {
		req    *http.Request
		status int
		line   string
	}{
		{withToken, http.StatusOK, "POST /assembling/v1/jobs 200 "},
		{signed, http.StatusOK, "GET /assembling/v1/jobs?page=1&per_page=10 200 "},
		{wrong, http.StatusUnauthorized, "GET /assembling/v1/jobs/x 401 "},
	} {
		if status, answer := exchange(t, test.req); status != test.status {
			t.Errorf("got %d %v, want %d", status, answer, test.status)
		}
		line, err := p.stderr.ReadString('\n')
		if err != nil || !strings.Contains(line, test.line) {
			t.Errorf("got line %q and error %v, want one with %q", line, err, test.line)
		}
		lines = append(lines, line)
	}
	stdout, stderr := p.stop(t, syscall.SIGTERM)
	if stderr != "" {
		t.Errorf("stderr has more than a line for each request: %q", stderr)
	}
	written := stdout + strings.Join(lines, "")
	for _, secret := range []string{"canary", signature} {
		if strings.Contains(written, secret) {
			t.Errorf("%q was written: %s", secret, written)
		}
	}
}

func TestProgram_stateSurvivesRestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.json")
	before := startProgram(t, "-state", file, "-build-duration", "1h")
	id, _ := before.call(t, http.MethodPost, jobsPath, plainJob)["job_id"].(string)
	build := before.call(t, http.MethodPost, jobsPath+"/"+id+"/builds", "")
	before.stop(t, syscall.SIGTERM)

	after := startProgram(t, "-state", file, "-build-duration", "1h")
	got := after.call(t, http.MethodGet, jobsPath+"/"+id, "")
	spec, _ := got["spec"].(map[string]any)
	if spec["job_name"] != "app" || got["last_build_id"] != build["build_id"] {
		t.Errorf("after the restart: got %v", got)
	}
	path, _ := build["build_id"].(string)
	if got := after.call(t, http.MethodGet, "/assembling/v1/builds/"+path, ""); got["build_state"] != "Queuing" {
		t.Errorf("the build after the restart: got %v", got)
	}
}

func TestProgram_endsOnSignals(t *testing.T) {
	t.Parallel()
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := startProgram(t)
			p.call(t, http.MethodGet, "/assembling/v1/base_images", "") // The connection stays open.
			p.stop(t, signal)
			if code := p.cmd.ProcessState.ExitCode(); code != 0 {
				t.Errorf("exit code: got %d", code)
			}
		})
	}
}

func TestProgram_quirks(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "-quirks", "creator-string,allow-taken-names")
	id, _ := p.call(t, http.MethodPost, jobsPath, plainJob)["job_id"].(string)
	p.call(t, http.MethodPost, jobsPath, plainJob)
	if got := p.call(t, http.MethodGet, jobsPath+"/"+id, "")["creator"]; got != "emulator-user" {
		t.Errorf("creator: got %v, want a string", got)
	}
}

func TestProgram_refusesToStart(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "state.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	null := filepath.Join(t.TempDir(), "null.json")
	if err := os.WriteFile(null, []byte(`{"jobs":[null]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name      string
		arguments []string
		want      string
	}{
		{"unknown flag", []string{"-port", "80"}, "-port"},
		{"unknown quirk", []string{"-quirks", "creator-string,slow"}, `unknown quirk "slow"`},
		{"argument", []string{"serve"}, `unexpected argument "serve"`},
		{"duration", []string{"-build-duration", "soon"}, "soon"},
		{"address", []string{"-listen", "127.0.0.1:http-ish"}, "http-ish"},
		{"broken state", []string{"-state", broken}, broken},
		{"state with a null job", []string{"-state", null}, null + ": jobs[0] is null"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, test.arguments...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			failure, ok := errors.AsType[*exec.ExitError](cmd.Run())
			if !ok || failure.ExitCode() <= 0 {
				t.Errorf("the program did not fail: %v", failure)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout: %q", &stdout)
			}
			if !strings.Contains(stderr.String(), test.want) || !strings.Contains(stderr.String(), "servicestage-emulator: ") {
				t.Errorf("stderr does not say why: %s", &stderr)
			}
		})
	}
}

func TestProgram_help(t *testing.T) {
	t.Parallel()
	output, err := command(t, "-help").CombinedOutput()
	if err != nil {
		t.Errorf("help is a failure: %v", err)
	}
	for _, want := range append(emulator.QuirkNames(), "-state", "-listen", "-quirks", "-build-duration", "-token", emulator.DefaultToken) {
		if !strings.Contains(string(output), want) {
			t.Errorf("%s is not mentioned in:\n%s", want, output)
		}
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

// An address that other machines can reach is not used without a warning on stderr, and a loopback address has none.
func TestProgram_publicAddressWarns(t *testing.T) {
	t.Parallel()
	for listen, warns := range map[string]bool{"0.0.0.0:0": true, ":0": true, "127.0.0.1:0": false, "localhost:0": false} {
		t.Run(listen, func(t *testing.T) {
			t.Parallel()
			p := startProgram(t, "-listen", listen)
			stdout, stderr := p.stop(t, syscall.SIGTERM)
			if got := strings.Contains(stderr, "warning: ") && strings.Contains(stderr, "credentials are public"); got != warns {
				t.Errorf("warning: got %t, want %t: %s", got, warns, stderr)
			}
			if stdout != "" {
				t.Errorf("stdout has more than the URL: %q", stdout)
			}
		})
	}
}

// A client that sends its request too slowly does not hold its connection, and does not get a response that means success.
func TestServer_slowRequestDoesNotHoldConnection(t *testing.T) {
	t.Parallel()
	service, err := emulator.NewService(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := newServer(service)
	if timeouts := []time.Duration{server.ReadTimeout, server.WriteTimeout, server.IdleTimeout}; slices.Contains(timeouts, 0) {
		t.Errorf("a client may take for ever: %v", timeouts)
	}
	server.ReadTimeout = 100 * time.Millisecond
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }() // Ends with an error when the server is closed.
	t.Cleanup(func() { _ = server.Close() })
	connection, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := io.WriteString(connection, "POST "+jobsPath+" HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	received, err := io.ReadAll(connection) // Until the server closes the connection.
	if err != nil || !strings.HasPrefix(string(received), "HTTP/1.1 408 ") || !strings.Contains(string(received), `"error_code":"APIGW.0201"`) {
		t.Errorf("got %q and error %v, want 408", received, err)
	}
}
