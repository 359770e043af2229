// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package provider_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/provider"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

const diagnosticsFile = "testdata/diagnostics.txt"

// mistake is a section of the golden file: a configuration or a call over the protocol that causes diagnostics.
type mistake struct {
	// name is the heading in the golden file.
	name string
	// command rejects the configuration: validate, plan or apply.
	command, config string
	// before is the configuration that is applied before.
	before string
	// environment is added to the environment of the command, which then runs for this mistake only.
	environment []string
	// call sends requests to the provider, for mistakes that no CLI or only a newer one can make.
	call call
	// core is true if Terraform itself finds the mistake, because CLIs use different words.
	core bool
}

// configured is a mistake in a provider block, which a data source uses during planning.
func configured(name, settings string) mistake { return planned(name, aliased("LABEL", settings+"\n")) }

func invalid(name, config string) mistake {
	return mistake{name: name, command: "validate", config: config}
}

func planned(name, config string) mistake {
	return mistake{name: name, command: "plan", config: config}
}

func applied(name, config string) mistake {
	return mistake{name: name, command: "apply", config: config}
}

func called(name string, call call) mistake { return mistake{name: name, call: call} }

func (m mistake) with(environment ...string) mistake {
	m.environment = environment
	return m
}

func (m mistake) after(config string) mistake {
	m.before = config
	return m
}

func (m mistake) byTerraform() mistake {
	m.core = true
	return m
}

func (m mistake) label() string {
	return strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(m.name), "_"), "_")
}

// diagnostic is a diagnostic in the output of a CLI with -json.
type diagnostic struct {
	Severity string `json:"severity"`
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	Range    struct {
		Filename string `json:"filename"`
	} `json:"range"`
	Snippet struct {
		Context string `json:"context"`
		Code    string `json:"code"`
	} `json:"snippet"`
}

// The golden file contains the diagnostics of all mistakes, so that a changed message is visible in review.
func TestDiagnostics(t *testing.T) { //nolint:tparallel // The subtest must end before the comparison.
	t.Parallel()
	providertest.Prepare(t)
	var mu sync.Mutex
	got := map[string]string{}
	t.Run("runs", func(t *testing.T) {
		for name, run := range newTestbed(t).runs() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				texts := run(t)
				mu.Lock()
				defer mu.Unlock()
				maps.Copy(got, texts)
			})
		}
	})
	want := goldenSections(t)
	var file strings.Builder
	file.WriteString("Diagnostics of the provider, a section for each mistake. TestDiagnostics compares this file; " +
		"-update writes it.\n")
	for _, chapter := range chapters {
		fmt.Fprintf(&file, "\n=== %s ===\n", chapter.title)
		for _, m := range chapter.mistakes {
			text := cmp.Or(got[m.name], "no diagnostic\n")
			if m.core && got[m.name] != "" && want[m.name] != "" && !*provider.Update {
				text = want[m.name]
			}
			if text != want[m.name] && !*provider.Update {
				t.Errorf("%s:\n got %s\nwant %s", m.name, text, want[m.name])
			}
			fmt.Fprintf(&file, "\n--- %s\n%s", m.name, text)
		}
	}
	if *provider.Update {
		provider.Golden(t, diagnosticsFile, file.String())
	}
}

// goldenSections returns the text of the golden file by heading.
func goldenSections(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile(diagnosticsFile)
	if err != nil && !*provider.Update {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for part := range strings.SplitSeq(string(content), "\n--- ") {
		name, text, _ := strings.Cut(part, "\n")
		text, _, _ = strings.Cut(text, "\n=== ")
		sections[name] = strings.TrimRight(text, "\n") + "\n"
	}
	return sections
}

// testbed is the services that the mistakes use, and the replacer of their addresses in configurations.
type testbed struct {
	server    *emulator.Server
	addresses *strings.Replacer
}

func newTestbed(t *testing.T) *testbed {
	t.Helper()
	projects := map[string]string{"cn-north-4": "test-project", "other": "p"}
	server := emulator.New(t, emulator.Options{IAM: emulator.IAM{Projects: projects}})
	ignoring := emulator.New(t, emulator.Options{Quirks: emulator.Quirks{IgnoreRename: true}})
	for _, name := range []string{"taken", "Taken-Case", "several", "several"} {
		server.AddJob(map[string]any{"job_name": name, "environment_setting": map[string]any{}})
	}
	injectFaults(server)
	responder, secure := httptest.NewServer(http.HandlerFunc(respond)), httptest.NewTLSServer(server.Service)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
	}))
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, started := range []*httptest.Server{responder, secure, proxy} {
		t.Cleanup(started.Close)
	}
	return &testbed{server: server, addresses: strings.NewReplacer(
		"{service}", server.URL, "{https}", strings.Replace(server.URL, "http:", "https:", 1), "{tls}", secure.URL,
		"{closed}", closed.URL, "{responder}", responder.URL, "{ignoring}", ignoring.URL, "{proxy}", proxy.URL,
	)}
}

// run is one command or one call over the protocol. It returns texts by the names of the mistakes.
type run func(t *testing.T) map[string]string

func (b *testbed) runs() map[string]run {
	runs, commands := map[string]run{}, map[string][]mistake{}
	for _, chapter := range chapters {
		for _, m := range chapter.mistakes {
			switch {
			case m.call != nil:
				runs[m.name] = func(t *testing.T) map[string]string {
					t.Helper()
					return map[string]string{m.name: protocolDiagnostics(m.call(t))}
				}
			case m.environment != nil:
				commands[m.name] = []mistake{m}
			default:
				commands[m.command] = append(commands[m.command], m)
			}
		}
	}
	for name, mistakes := range commands {
		runs[name] = func(t *testing.T) map[string]string {
			t.Helper()
			return b.command(t, mistakes[0].command, mistakes...)
		}
	}
	return runs
}

// command runs one command for the mistakes, each of which has a file. Its diagnostics are attributed by the file.
func (b *testbed) command(t *testing.T, command string, mistakes ...mistake) map[string]string {
	t.Helper()
	cli := providertest.NewCLI(t, b.server)
	cli.Env = append(cli.Env, "HW_MAX_RETRIES=0", "HTTPS_PROXY="+b.addresses.Replace("{proxy}"))
	if command != "apply" {
		cli.Env = append(cli.Env, "HW_REGION_NAME=", "HW_ACCESS_KEY=", "HW_SECRET_KEY=", "HW_PROJECT_ID=",
			"HW_SERVICESTAGE_ENDPOINT=", "HW_IAM_ENDPOINT=", "HW_STS_ENDPOINT=", "HOME="+t.TempDir())
	}
	cli.Write(t, "versions.tf", providertest.Requirement+"provider \"servicestage\" {}\n")
	const profiles = `{"current":"a","profiles":[{"name":"a","mode":"AKSK","accessKeyId":"x","secretAccessKey":"y"}]`
	cli.Write(t, "config.json", profiles+"}")
	cli.Write(t, "encrypted.json", profiles+`,"authEncrypt":true}`)
	cli.Write(t, "invalid.json", "[profile a]\n")
	cli.Write(t, "empty", "\n")
	for _, m := range mistakes {
		cli.Env = append(cli.Env, strings.Split(b.addresses.Replace(strings.Join(m.environment, "\n")), "\n")...)
		if m.before != "" {
			cli.Write(t, m.label()+".tf", b.config(m, m.before))
		}
	}
	arguments := []string{command, "-json"}
	if command == "apply" {
		cli.Env = append(cli.Env, "HW_MAX_RETRIES=1")
		mustApply(t, cli, "-parallelism=50")
		for _, job := range b.server.Jobs() {
			if job.Name() == "deleted" {
				b.server.RemoveJob(job.ID)
			}
		}
		arguments = append(arguments, "-refresh=false", "-auto-approve", "-parallelism=50")
	}
	if command != "validate" {
		arguments = append(arguments, "-input=false")
	}
	names := map[string]string{} // By file.
	if len(mistakes) == 1 {
		names["versions.tf"] = mistakes[0].name
	}
	for _, m := range mistakes {
		names[m.label()+".tf"] = m.name
		if strings.HasPrefix(m.config, "#") {
			names[""] = m.name // Without a configuration of the resource, the diagnostic has no file.
		}
		cli.Write(t, m.label()+".tf", b.config(m, m.config))
	}
	stdout, stderr, _ := cli.Run(t, arguments...) // It fails because of the mistakes.
	texts := map[string][]string{}
	for _, d := range decodeDiagnostics(t, stdout) {
		if strings.Contains(d.Summary, "development overrides") {
			continue
		}
		name, ok := names[d.Range.Filename]
		if !ok {
			t.Errorf("%s: a diagnostic without a known file: %+v", command, d)
		}
		where := d.Snippet.Context
		if code := strings.TrimSpace(d.Snippet.Code); !strings.HasPrefix(code, where) {
			where += ": " + code
		}
		texts[name] = append(texts[name], format(d.Severity, d.Summary, where, d.Detail))
	}
	if len(texts) == 0 {
		t.Errorf("%s: no diagnostic\n%s\n%s", command, stdout, stderr)
	}
	return joined(texts)
}

func (b *testbed) config(m mistake, config string) string {
	return b.addresses.Replace(strings.NewReplacer("LABEL", m.label(), "; ", "\n").Replace(config))
}

func decodeDiagnostics(t *testing.T, output string) []diagnostic {
	t.Helper()
	var validated struct {
		Diagnostics []diagnostic `json:"diagnostics"`
	}
	if err := json.Unmarshal([]byte(output), &validated); err == nil && validated.Diagnostics != nil {
		return validated.Diagnostics
	}
	var all []diagnostic
	for line := range strings.Lines(output) {
		var message struct {
			Type       string     `json:"type"`
			Diagnostic diagnostic `json:"diagnostic"`
		}
		if err := json.Unmarshal([]byte(line), &message); err == nil && message.Type == "diagnostic" {
			all = append(all, message.Diagnostic)
		}
	}
	return all
}

func protocolDiagnostics(diagnostics []*tfprotov6.Diagnostic) string {
	var texts []string
	for _, d := range diagnostics {
		where := ""
		if d.Attribute != nil {
			where = regexp.MustCompile(`\w+\("?(.*?)"?\)`).ReplaceAllString(d.Attribute.String(), "$1")
		}
		texts = append(texts, format(strings.ToLower(d.Severity.String()), d.Summary, where, d.Detail))
	}
	return joined(map[string][]string{"": texts})[""]
}

// joined returns each name's texts in a fixed order, once each: concurrent operations report theirs in any order.
func joined(texts map[string][]string) map[string]string {
	result := map[string]string{}
	for name, list := range texts {
		slices.Sort(list)
		result[name] = strings.Join(slices.Compact(list), "\n")
	}
	return result
}

var variable = []struct {
	pattern     *regexp.Regexp
	replacement string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+->`), ""},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`\b[0-9a-f]{32}\b`), "REQUEST-ID"},
	{regexp.MustCompile(`\b[a-z0-9]{40}\b`), "ID"},
	{regexp.MustCompile(`(?m)(^ *\[\w+\] (step|started|ended).*\n)+`), "  ...\n"}, // The log of the emulator.
	{regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`), "TIME"},
}

// format returns a diagnostic as text. Addresses, IDs and times, which differ from run to run, are replaced.
func format(severity, summary, where, detail string) string {
	text := fmt.Sprintf("%s: %s\n", severity, summary)
	if where != "" {
		text += "at " + where + "\n"
	}
	text += "\n" + detail
	for _, v := range variable {
		text = v.pattern.ReplaceAllString(text, v.replacement)
	}
	indented := strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ")
	return strings.ReplaceAll(indented, "    \n", "\n") + "\n"
}
