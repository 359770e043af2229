// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package release_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkout is a repository with the makefile, a fuzz target and a changelog. The programs that the makefile starts only
// record their arguments.
type checkout struct {
	folder string
	// tools has the recording programs go, goreleaser, buildah and terraform. The last is in a directory with a space
	// in its name.
	tools, terraform string
}

func newCheckout(t *testing.T, tag string) checkout {
	t.Helper()
	c := checkout{folder: t.TempDir(), tools: t.TempDir()}
	c.terraform = filepath.Join(c.tools, "my tools", "terraform")
	record := "#!/bin/sh\nprintf '%s\\n' \"${0##*/}\" \"$@\" >>'" + filepath.Join(c.tools, "arguments") + "'\n"
	const manifest = "{}"
	sums := fmt.Sprintf("%x  1.2.3_manifest.json\n", sha256.Sum256([]byte(manifest)))
	for file, content := range map[string]string{
		filepath.Join(c.folder, "GNUmakefile"):                      readFile(t, "GNUmakefile"),
		filepath.Join(c.folder, "CHANGELOG.md"):                     "# Changelog\n\n## 1.2.3\n\n* A change\n",
		filepath.Join(c.folder, "terraform-registry-manifest.json"): manifest,
		filepath.Join(c.folder, "dist", "1.2.3_SHA256SUMS"):         sums,
		filepath.Join(c.folder, "internal", "fuzz_test.go"):         "func FuzzRecord_all(f *testing.F) {\n",
		filepath.Join(c.tools, "go"):                                record,
		filepath.Join(c.tools, "goreleaser"):                        record,
		filepath.Join(c.tools, "buildah"):                           record,
		c.terraform:                                                 record,
	} {
		err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(content), 0o700))
		if err != nil {
			t.Fatal(err)
		}
	}
	git := exec.CommandContext(t.Context(), "sh", "-c", `git init --quiet && git add . &&
		git -c user.name=n -c user.email=e commit --quiet --message=All && git tag "$TAG"`)
	git.Dir = c.folder
	git.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "TAG="+tag)
	if output, err := git.CombinedOutput(); err != nil {
		t.Fatalf("git: %v\n%s", err, output)
	}
	return c
}

// make runs a target. It returns the output and the arguments of the programs, and fails the test if a command in a
// text is run.
func (c checkout) make(t *testing.T, target string, environment ...string) (output string, args []string, err error) {
	t.Helper()
	run := exec.CommandContext(t.Context(), "make", "--no-print-directory", "-o", "release-tools",
		"GO="+filepath.Join(c.tools, "go"), "TOOLS="+c.tools, target)
	run.Dir = c.folder
	run.Env = append(os.Environ(), "MAKEFLAGS=", "MAKELEVEL=", "TF_ACC=1", "TF_CLI="+c.terraform)
	run.Env = append(run.Env, environment...)
	combined, err := run.CombinedOutput()
	if _, err := os.Stat(filepath.Join(c.folder, "executed")); !os.IsNotExist(err) {
		t.Errorf("%s: a command in the text was run: %v", target, err)
	}
	// The file does not exist if no program was started.
	recorded, _ := os.ReadFile(filepath.Join(c.tools, "arguments"))
	return string(combined), strings.Split(string(recorded), "\n"), err
}

// commands are texts that create a file if a shell or make expands them. Git accepts each of them in the name of a tag.
var commands = []string{
	`;touch${IFS}executed;$(touch${IFS}executed)`, "`touch${IFS}executed`&touch${IFS}executed",
	`";touch${IFS}executed;"`, `';touch${IFS}executed;'`, `x=$(shell;touch${IFS}executed)`,
}

// A command in the name of a tag is not run, and such a tag is neither a version nor a revision.
func TestMakefile_tagIsNotExecuted(t *testing.T) {
	t.Parallel()
	for _, suffix := range append(commands, "/x", "é") {
		c := newCheckout(t, "v1.2.3"+suffix)
		for target, message := range map[string]string{"dist": "VERSION 1.2.3", "testacc": "REVISION v1.2.3"} {
			output, arguments, err := c.make(t, target)
			message += suffix + ` has characters other than letters, digits, ".", "+" and "-".`
			if err == nil || !strings.Contains(output, message) {
				t.Errorf("%s %s: got error %v and output:\n%s", target, suffix, err, output)
			}
			if slices.Contains(arguments, "goreleaser") || slices.Contains(arguments, "test") {
				t.Errorf("%s %s: programs were started: %q", target, suffix, arguments)
			}
		}
	}
}

// The version is passed to the programs.
func TestMakefile_versionIsPassedOn(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "v1.2.3")
	output, arguments, err := c.make(t, "dist")
	if err != nil || !slices.Contains(arguments, "goreleaser") {
		t.Errorf("got error %v and arguments %q:\n%s", err, arguments, output)
	}
	notes, err := os.ReadFile(filepath.Join(c.folder, ".cache", "notes.md"))
	if err != nil || !strings.Contains(string(notes), "* A change") {
		t.Errorf("the notes are %q, %v", notes, err)
	}
	if output, arguments, err := c.make(t, "testacc"); err != nil || !slices.Contains(arguments, "-revision=v1.2.3") {
		t.Errorf("got error %v and arguments %q:\n%s", err, arguments, output)
	}
	c = newCheckout(t, "v1.2.4")
	output, _, err = c.make(t, "dist")
	if err == nil || !strings.Contains(output, "CHANGELOG.md has no section ## 1.2.4.") {
		t.Errorf("got error %v and output:\n%s", err, output)
	}
}

// A command in an environment variable is not run, and the program receives the text unchanged.
func TestMakefile_environmentIsNotExecuted(t *testing.T) {
	t.Parallel()
	text := strings.Join(commands, "")
	for target, variables := range map[string]string{
		"bench": "BENCH_SIZES BENCH_PARALLELISM BENCH_JSON BENCH_FLAGS",
		"fuzz":  "FUZZTIME",
		"image": "IMAGE IMAGE_PLATFORMS",
	} {
		c := newCheckout(t, "v1.2.3")
		environment := []string{"PATH=" + c.tools + ":/usr/bin:/bin"}
		for variable := range strings.FieldsSeq(variables) {
			environment = append(environment, variable+"="+text)
		}
		output, arguments, err := c.make(t, target, environment...)
		received := strings.Count(strings.Join(arguments, "\n"), text)
		if err != nil || received != len(environment)-1 {
			t.Errorf("%s: got error %v and arguments %q:\n%s", target, err, arguments, output)
		}
	}
	output, _, err := newCheckout(t, "v1.2.3").make(t, "cli", "TF_CLI="+text)
	if err == nil || !strings.Contains(output, text+" is not a program") {
		t.Errorf("cli: got error %v and output:\n%s", err, output)
	}
}

// TF_CLI may be a path with spaces, a relative path, or a name on PATH.
func TestMakefile_programWithSpaces(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, "v1.2.3")
	relative, err := filepath.Rel(c.folder, c.terraform)
	if err != nil {
		t.Fatal(err)
	}
	path := "PATH=" + filepath.Dir(c.terraform) + ":/usr/bin:/bin"
	for _, environment := range [][]string{
		{"TF_CLI=" + c.terraform}, {"TF_CLI=" + relative}, {"TF_CLI=terraform", path}, {"TF_CLI=", path},
	} {
		if err := os.RemoveAll(filepath.Join(c.tools, "arguments")); err != nil {
			t.Fatal(err)
		}
		output, arguments, err := c.make(t, "examples", environment...)
		const want = "terraform fmt -check -diff -recursive examples "
		if err != nil || !strings.HasSuffix(strings.Join(arguments, " "), want) {
			t.Errorf("%q: got error %v and arguments %q:\n%s", environment, err, arguments, output)
		}
	}
}
