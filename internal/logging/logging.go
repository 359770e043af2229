// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

// Package logging keeps the provider from writing log lines that Terraform throws away. Left to themselves, the libraries that
// serve a provider write every line there is, and Terraform reads them all before it drops what nobody asked for.
package logging

import (
	"cmp"
	"os"
	"slices"
	"strings"
)

// levels that Terraform knows, the one that says nothing and the one that says all aside.
//
// Source: https://developer.hashicorp.com/terraform/plugin/log/managing.
var levels = []string{"DEBUG", "INFO", "WARN", "ERROR"}

const (
	off   = "OFF"
	trace = "TRACE"
)

// Limit sets, in the environment of this process, the log levels of the libraries and of the provider itself to what Terraform
// shows of a provider's log: that is what TF_LOG_PROVIDER or else TF_LOG says, and nothing where neither is set. A level that
// is set already stays. It is to be called before the provider is served, and not where a debugger runs the provider, whose
// environment is not Terraform's. The error is that of [os.Setenv].
func Limit() error {
	shown := shownLevel()
	sdk := cmp.Or(os.Getenv("TF_LOG_SDK"), shown)
	for _, variable := range []struct{ name, level string }{
		{"TF_LOG_SDK", sdk},
		{"TF_LOG_SDK_PROTO", sdk},
		{"TF_LOG_SDK_FRAMEWORK", sdk},
		{"TF_LOG_PROVIDER_SERVICESTAGE", shown},
	} {
		if os.Getenv(variable.name) != "" {
			continue
		}
		if err := os.Setenv(variable.name, variable.level); err != nil {
			return err
		}
	}
	return nil
}

// shownLevel reads the variables as Terraform does, to which every word that is no level means everything.
func shownLevel() string {
	switch asked := strings.ToUpper(cmp.Or(os.Getenv("TF_LOG_PROVIDER"), os.Getenv("TF_LOG"))); {
	case asked == "" || asked == off:
		return off
	case slices.Contains(levels, asked):
		return asked
	default:
		return trace
	}
}
