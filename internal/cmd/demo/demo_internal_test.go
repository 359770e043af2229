// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// Each step has the expected result, and the output is short enough to be read.
func TestDemo(t *testing.T) {
	t.Parallel()
	root, err := providertest.Root()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	d := &demo{
		cli: providertest.Program(t), provider: providertest.NewCLI(t, emulator.New(t, emulator.Options{})).Provider,
		example: filepath.Join(root, "examples", "quickstart"), out: &out,
	}
	if err := d.run(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	output := out.String()
	if lines := strings.Count(output, "\n"); lines > 80 {
		t.Errorf("the output has %d lines:\n%s", lines, output)
	}
	if !strings.HasPrefix(output, "Emulator: http://127.0.0.1:") || strings.ContainsRune(output, '\x1b') ||
		strings.Contains(output, "Warning") {
		t.Errorf("the output has no address, a color or a warning:\n%s", output)
	}
	for _, line := range []string{
		`build = "checkout-service #1 Successful: Init, Download, PreProcess, Build, Artifact, PostProcess"`,
		`~ branch    = "release" -> "stable"`, `~ job_description       = "Edited in the console" -> `,
		"undefined: handler",
		"1 imported", "Destroy complete! Resources: 7 destroyed.", " search-service\n",
	} {
		if !strings.Contains(output, line) {
			t.Errorf("%q is missing:\n%s", line, output)
		}
	}
}
