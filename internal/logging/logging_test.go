// Copyright (c) The ServiceStage Provider Authors
// SPDX-License-Identifier: MPL-2.0

package logging_test

import (
	"maps"
	"os"
	"testing"

	"github.com/servicestage/terraform-provider-servicestage/internal/logging"
)

func TestLimit(t *testing.T) {
	all := func(level string) map[string]string {
		return map[string]string{
			"TF_LOG_SDK": level, "TF_LOG_SDK_PROTO": level, "TF_LOG_SDK_FRAMEWORK": level,
			"TF_LOG_PROVIDER_SERVICESTAGE": level,
		}
	}
	for name, test := range map[string]struct {
		given, want map[string]string
	}{
		"unset":              {nil, all("OFF")},
		"off":                {map[string]string{"TF_LOG": "off"}, all("OFF")},
		"level":              {map[string]string{"TF_LOG": "warn"}, all("WARN")},
		"level of providers": {map[string]string{"TF_LOG": "ERROR", "TF_LOG_PROVIDER": "debug"}, all("DEBUG")},
		"providers off":      {map[string]string{"TF_LOG": "DEBUG", "TF_LOG_PROVIDER": "OFF"}, all("OFF")},
		"trace":              {map[string]string{"TF_LOG": "TRACE"}, all("TRACE")},
		"JSON":               {map[string]string{"TF_LOG": "JSON"}, all("TRACE")},
		"levels already set": {
			map[string]string{
				"TF_LOG": "DEBUG", "TF_LOG_SDK": "ERROR", "TF_LOG_SDK_PROTO": "INFO",
				"TF_LOG_PROVIDER_SERVICESTAGE": "WARN",
			},
			map[string]string{
				"TF_LOG_SDK": "ERROR", "TF_LOG_SDK_PROTO": "INFO", "TF_LOG_SDK_FRAMEWORK": "ERROR",
				"TF_LOG_PROVIDER_SERVICESTAGE": "WARN",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"TF_LOG", "TF_LOG_PROVIDER"} {
				t.Setenv(variable, "")
			}
			for variable := range test.want {
				t.Setenv(variable, "")
			}
			for variable, level := range test.given {
				t.Setenv(variable, level)
			}
			if err := logging.Limit(); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for variable := range test.want {
				got[variable] = os.Getenv(variable)
			}
			if !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
			level := got["TF_LOG_PROVIDER_SERVICESTAGE"]
			if enabled := logging.Enabled(); enabled != (level != "OFF") {
				t.Errorf("enabled is %t at level %s", enabled, level)
			}
		})
	}
}
