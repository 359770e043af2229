// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package build_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/servicestage/terraform-provider-servicestage/internal/emulator"
	"github.com/servicestage/terraform-provider-servicestage/internal/providertest"
)

// What a build has printed is read for the one who asks, and shows in no line of any log.
func TestBuildLog_notLogged(t *testing.T) {
	t.Parallel()
	server := emulator.New(t, emulator.Options{BuildDuration: time.Nanosecond})
	jobID := server.AddJob(map[string]any{"job_name": "app", "environment_setting": map[string]any{}})
	server.OrderBuilds(emulator.Outcome{Phase: "Build", Log: "canary-password"})
	cli := providertest.NewCLI(t, server)
	log := filepath.Join(t.TempDir(), "trace.log")
	cli.Env = append(cli.Env, "TF_LOG=TRACE", "TF_LOG_PATH="+log)
	cli.Write(t, "main.tf", providertest.Requirement+fmt.Sprintf(
		"data \"servicestage_build\" \"test\" {\n  build_id  = %q\n  log_limit = 10000\n}\n", server.AddBuild(jobID)))
	if _, stderr, err := cli.Run(t, "apply", "-no-color", "-input=false", "-auto-approve"); err != nil {
		t.Fatal(err, stderr)
	}
	for file, want := range map[string]bool{log: false, filepath.Join(cli.Dir, "terraform.tfstate"): true} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(string(content), "canary-password"); has != want {
			t.Errorf("%s holds the build's log: %t", filepath.Base(file), has)
		}
	}
}
