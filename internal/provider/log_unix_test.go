// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

//go:build unix

package provider_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// The provider writes only log lines of the configured level, because Terraform reads each line.
func TestProvider_logLevel(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		environment []string
		has, hasNot []string
	}{
		"nothing": {nil, nil, []string{`"@module"`}}, // The plugin library writes two others.
		"debug": {
			[]string{"TF_LOG_PROVIDER=DEBUG"},
			[]string{`"@level":"debug"`, `"path":"/assembling/v1/jobs"`},
			[]string{`"@level":"trace"`},
		},
		"trace": {[]string{"TF_LOG=TRACE"}, []string{`"@level":"trace"`, `"path":"/assembling/v1/jobs"`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
			// A script replaces the provider and writes its log to a file.
			program, log := cli.Provider+"-itself", filepath.Join(t.TempDir(), "log")
			if err := os.Rename(cli.Provider, program); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(cli.Provider, fmt.Appendf(nil, "#!/bin/sh\nexec '%s' 2>>'%s'\n", program, log),
				0o700); err != nil {
				t.Fatal(err)
			}
			cli.Env = append(cli.Env, test.environment...)
			cli.Write(t, "main.tf", providertest.Requirement+job)
			if _, stderr, err := cli.Run(t, "apply", "-input=false", "-auto-approve"); err != nil {
				t.Fatal(err, stderr)
			}
			logged, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range test.has {
				if !strings.Contains(string(logged), part) {
					t.Errorf("the log lacks %s:\n%s", part, logged)
				}
			}
			for _, part := range test.hasNot {
				if strings.Contains(string(logged), part) {
					t.Errorf("the log has %s:\n%s", part, logged)
				}
			}
		})
	}
}
