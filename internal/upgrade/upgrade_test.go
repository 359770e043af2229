// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package upgrade_test checks that this version of the provider accepts the states of older ones. It must not be
// imported.
package upgrade_test

import (
	"bytes"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

var write = flag.String("write", "", "`version` whose directory in testdata has main.tf; its state is written there")

// newService returns an emulator that saves its jobs and builds, and returns defaults for unset arguments, so that the
// private state matters.
func newService(t *testing.T, stateFile string) *emulator.Server {
	t.Helper()
	return emulator.New(t, emulator.Options{
		StateFile: stateFile, BuildDuration: time.Second, Quirks: emulator.Quirks{FillDefaults: true},
	})
}

// A state that an older version wrote plans without changes, before and after this version has refreshed it.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	if *write != "" {
		writeState(t, filepath.Join("testdata", *write))
	}
	versions, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	var states []byte
	for _, version := range versions {
		directory := filepath.Join("testdata", version.Name())
		state, err := os.ReadFile(filepath.Join(directory, "terraform.tfstate"))
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, state...)
		t.Run(version.Name(), func(t *testing.T) {
			t.Parallel()
			working := t.TempDir()
			if err := os.CopyFS(working, os.DirFS(directory)); err != nil {
				t.Fatal(err)
			}
			server := newService(t, filepath.Join(working, "emulator.json"))
			cli := providertest.NewCLI(t, server)
			cli.Dir = working
			run(t, cli, "plan", "-detailed-exitcode")
			run(t, cli, "apply", "-refresh-only", "-auto-approve")
			run(t, cli, "plan", "-detailed-exitcode")
			for _, request := range server.Requests() {
				if request.Method != http.MethodGet {
					t.Errorf("%s %s was sent", request.Method, request.Path)
				}
			}
		})
	}
	protocol := providertest.NewProtocol(t, newService(t, ""), nil)
	for name := range protocol.Schemas.ResourceSchemas {
		if !bytes.Contains(states, fmt.Appendf(nil, `"type": %q`, name)) {
			t.Errorf("no state has a %s", name)
		}
	}
}

func run(t *testing.T, cli *providertest.CLI, arguments ...string) {
	t.Helper()
	if stdout, stderr, err := cli.Run(t, append(arguments, "-input=false", "-no-color")...); err != nil {
		t.Fatalf("%v: %v\n%s%s", arguments, err, stdout, stderr)
	}
}

// writeState applies main.tf of a directory and leaves the states of Terraform and the emulator there.
func writeState(t *testing.T, directory string) {
	t.Helper()
	directory, err := filepath.Abs(directory)
	if err != nil {
		t.Fatal(err)
	}
	cli := providertest.NewCLI(t, newService(t, filepath.Join(directory, "emulator.json")))
	cli.Dir = directory
	run(t, cli, "apply", "-auto-approve")
}
