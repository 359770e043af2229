// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package release_test holds what a release promises: the same sources make the same programs, the registry's manifest is
// right, and what is installed by hand is found by a plain init.
package release_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"

	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// extraFile is a file that goes into a release under a name of its own.
type extraFile struct {
	Glob         string `yaml:"glob"`
	NameTemplate string `yaml:"name_template"`
}

// goreleaser is what the tests look at in .goreleaser.yml.
type goreleaser struct {
	ProjectName string `yaml:"project_name"`
	Builds      []struct {
		Binary       string   `yaml:"binary"`
		Env          []string `yaml:"env"`
		Flags        []string `yaml:"flags"`
		Ldflags      []string `yaml:"ldflags"`
		ModTimestamp string   `yaml:"mod_timestamp"`
	} `yaml:"builds"`
	Archives []struct {
		Formats      []string `yaml:"formats"`
		NameTemplate string   `yaml:"name_template"`
	} `yaml:"archives"`
	Checksum struct {
		NameTemplate string      `yaml:"name_template"`
		Algorithm    string      `yaml:"algorithm"`
		ExtraFiles   []extraFile `yaml:"extra_files"`
	} `yaml:"checksum"`
	Release struct {
		ExtraFiles []extraFile `yaml:"extra_files"`
	} `yaml:"release"`
}

const testVersion = "7.8.9-test"

// rendered is a template of .goreleaser.yml, for a release of testVersion on linux_amd64.
func rendered(t *testing.T, text string) string {
	t.Helper()
	parsed, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var result strings.Builder
	values := map[string]string{
		"ProjectName": "terraform-provider-servicestage", "Version": testVersion, "Os": "linux", "Arch": "amd64",
		"CommitTimestamp": "1700000000",
	}
	if err := parsed.Execute(&result, values); err != nil {
		t.Fatal(err)
	}
	return result.String()
}

func root(t *testing.T) string {
	t.Helper()
	folder, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func config(t *testing.T) goreleaser {
	t.Helper()
	var config goreleaser
	readYAML(t, filepath.Join(root(t), ".goreleaser.yml"), &config)
	if len(config.Builds) != 1 || len(config.Archives) != 1 {
		t.Fatalf("%d builds and %d archives, not one of each", len(config.Builds), len(config.Archives))
	}
	return config
}

// Two builds of the same sources, in different folders and with the release's own flags, are the same byte for byte.
func TestBuild_reproducible(t *testing.T) {
	t.Parallel()
	build := config(t).Builds[0]
	if build.ModTimestamp != "{{ .CommitTimestamp }}" {
		t.Errorf("mod_timestamp is %q: programs carry the time of the build", build.ModTimestamp)
	}
	var programs [2][]byte
	for i := range programs {
		folder := filepath.Join(t.TempDir(), strings.Repeat("long-name-", i+1))
		copySources(t, folder)
		program := filepath.Join(t.TempDir(), rendered(t, build.Binary))
		arguments := slices.Concat([]string{"build"}, build.Flags, []string{"-ldflags", rendered(t, strings.Join(build.Ldflags, " ")), "-o", program, "."})
		command := exec.CommandContext(t.Context(), "go", arguments...)
		command.Dir, command.Env = folder, append(os.Environ(), build.Env...)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		content, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		programs[i] = content
	}
	if !bytes.Equal(programs[0], programs[1]) {
		t.Error("two builds of the same sources differ")
	}
	if !bytes.Contains(programs[0], []byte(testVersion)) {
		t.Error("the program does not know its version")
	}
}

// copySources copies what the provider is built from.
func copySources(t *testing.T, folder string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(folder, "internal"), os.DirFS(filepath.Join(root(t), "internal"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"main.go", "go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root(t), name))
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// The registry finds files by their names.
//
// Source: https://developer.hashicorp.com/terraform/registry/providers/publishing.
func TestNames(t *testing.T) {
	t.Parallel()
	config := config(t)
	if config.ProjectName != "terraform-provider-servicestage" {
		t.Errorf("the project is %q", config.ProjectName)
	}
	for template, want := range map[string]string{
		config.Builds[0].Binary:         "terraform-provider-servicestage_v7.8.9-test",
		config.Archives[0].NameTemplate: "terraform-provider-servicestage_7.8.9-test_linux_amd64",
		config.Checksum.NameTemplate:    "terraform-provider-servicestage_7.8.9-test_SHA256SUMS",
	} {
		if got := rendered(t, template); got != want {
			t.Errorf("%s comes to %q, want %q", template, got, want)
		}
	}
	if formats := config.Archives[0].Formats; !slices.Equal(formats, []string{"zip"}) {
		t.Errorf("archives are %v, not zip", formats)
	}
	if config.Checksum.Algorithm != "sha256" {
		t.Errorf("check sums are %s", config.Checksum.Algorithm)
	}
}

// The manifest is published, is among the check sums, and names the protocol that main.go serves.
func TestManifest(t *testing.T) {
	t.Parallel()
	config := config(t)
	for place, files := range map[string][]extraFile{"checksum": config.Checksum.ExtraFiles, "release": config.Release.ExtraFiles} {
		if len(files) != 1 || files[0].Glob != "terraform-registry-manifest.json" ||
			rendered(t, files[0].NameTemplate) != "terraform-provider-servicestage_7.8.9-test_manifest.json" {
			t.Errorf("%s: extra files are %v, not the manifest", place, files)
		}
	}
	content, err := os.ReadFile(filepath.Join(root(t), "terraform-registry-manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	type manifest struct {
		Version  int `json:"version"`
		Metadata struct {
			ProtocolVersions []string `json:"protocol_versions"`
		} `json:"metadata"`
	}
	var got manifest
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || !slices.Equal(got.Metadata.ProtocolVersions, []string{"6.0"}) {
		t.Errorf("the manifest is %+v", got)
	}
}
