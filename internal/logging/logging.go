// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package logging sets the log levels of the provider and of its libraries, so that they write no line that Terraform
// discards. It must not import any other package of this module.
package logging

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"
)

// levels are the levels of Terraform other than OFF and TRACE.
//
// Source: https://developer.hashicorp.com/terraform/plugin/log/managing.
var levels = []string{"DEBUG", "INFO", "WARN", "ERROR"}

// providerVariable is the environment variable with the level of the provider.
const providerVariable = "TF_LOG_PROVIDER_SERVICESTAGE"

// Limit sets the log levels of the provider and of its libraries, in the environment of this process, to the level that
// Terraform shows: that of TF_LOG_PROVIDER, else that of TF_LOG, else OFF. A variable that is set already keeps its
// value. Limit must be called before the provider is served, but not under a debugger, where the environment is not
// that of Terraform. Its errors are those of [os.Setenv].
func Limit() error {
	shown := shownLevel()
	sdk := cmp.Or(os.Getenv("TF_LOG_SDK"), shown)
	var err error
	for variable, level := range map[string]string{
		"TF_LOG_SDK": sdk, "TF_LOG_SDK_PROTO": sdk, "TF_LOG_SDK_FRAMEWORK": sdk, providerVariable: shown,
	} {
		err = errors.Join(err, os.Setenv(variable, cmp.Or(os.Getenv(variable), level)))
	}
	return err
}

// Enabled reports whether the level of the provider is not OFF, so that a line of its log may be shown.
func Enabled() bool { return !strings.EqualFold(os.Getenv(providerVariable), "OFF") }

// shownLevel returns the level that Terraform shows. Terraform treats a value that is not a level as TRACE.
func shownLevel() string {
	level := strings.ToUpper(cmp.Or(os.Getenv("TF_LOG_PROVIDER"), os.Getenv("TF_LOG"), "OFF"))
	if level == "OFF" || slices.Contains(levels, level) {
		return level
	}
	return "TRACE"
}
