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
	const module, debug, trace = `"@module"`, `"@level":"debug"`, `"@level":"trace"`
	for level, want := range map[string]map[string]bool{
		"":      {module: false}, // The plugin library writes two lines without a module.
		"DEBUG": {module: true, debug: true, `"path":"/assembling/v1/jobs"`: true, trace: false},
	} {
		cli := providertest.NewCLI(t, emulator.New(t, emulator.Options{}))
		// A script replaces the provider and writes its log to a file.
		program, log := cli.Provider+"-itself", filepath.Join(t.TempDir(), "log")
		if err := os.Rename(cli.Provider, program); err != nil {
			t.Fatal(err)
		}
		script := fmt.Appendf(nil, "#!/bin/sh\nexec '%s' 2>>'%s'\n", program, log)
		if err := os.WriteFile(cli.Provider, script, 0o700); err != nil {
			t.Fatal(err)
		}
		cli.Env = append(cli.Env, "TF_LOG_PROVIDER="+level)
		cli.Write(t, "main.tf", providertest.Requirement+job)
		mustApply(t, cli)
		logged, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		for part, written := range want {
			if strings.Contains(string(logged), part) != written {
				t.Errorf("level %q: the log contains %s: %t, want %t\n%s", level, part, !written, written, logged)
			}
		}
	}
}
